//! Noise compass: a noise prediction at x_t points to an x̂_0, and the next step goes part of the way there.

pub mod needle;
pub mod plots;
pub mod reading;

use std::sync::Arc;

use egui::{Color32, Context, Response, Ui};

use crate::canvas::paint::Layer;
use crate::canvas::{Mark, Scene, View};
use crate::chapters::compass::needle::{combine, distance, estimate, imprecise, nearest, noise_of, posterior_draw};
use crate::chapters::compass::reading::{Look, Reading};
use crate::chapters::score_field::{field_scales, field_tau};
use crate::chapters::{Page, Pages};
use crate::desk::Desk;
use crate::desk::run_slot::RunSlot;
use crate::equations;
use crate::theme::Palette;
use crate::truths;
use crate::widgets::equation::{Equation, Piece};
use crate::widgets::number::{Sign, fixed, grouped, short};
use crate::widgets::row::{self, Track};
use crate::widgets::text;
use crate::widgets::{hand, readout, segmented};
use engine::Start;
use lab::message::{RunRequest, Slot};
use maths::data::bounds::Bounds;
use maths::diffusion::solver::{Plan, Sampler, Variance};
use maths::diffusion::target::Quantity;
use maths::philox::{Stream, draw, uniform};

/// Where x_t lies until the hand places it.
const OPENING: [f64; 2] = [-0.15, -1.6];
/// Points of the screen about x_t within which the hand takes hold of it.
const GRIP: f32 = 16.0;

/// Whose ε̂ the green needle shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needle {
    /// The true ε, turned and shortened.
    Imprecise,
    /// The network's.
    Learned,
    /// The best possible, ε* = E[ε | x_t].
    Exact,
}

/// Which clean point a placed x_t is taken to come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The data point nearest to x_t/a.
    Nearest,
    /// A data point drawn from the posterior p(x_0 | x_t).
    Drawn,
}

/// A clean point and its noise: at every time x_t = a x_0 + s ε.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Placed {
    x_0: [f64; 2],
    epsilon: [f64; 2],
}

/// Something that the hand did to x_t.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Done {
    /// The point is new; else it was dragged.
    placed: bool,
    x_t: [f64; 2],
    /// Counts what was done.
    number: u64,
}

/// What the other side's hand did, to be done here too.
#[derive(Clone, Debug)]
struct Due {
    done: Option<Done>,
    /// The other side's point, and the data that its x_0 was chosen from.
    point: Option<(Placed, Arc<Vec<[f32; 2]>>)>,
    /// More was done there than this, while points were not linked or before this side was there.
    missed: bool,
}

/// The chapter's state.
pub struct Compass {
    placed: Option<Placed>,
    /// The data that x_0 was chosen from.
    of: Option<Arc<Vec<[f32; 2]>>>,
    needle: Needle,
    origin: Origin,
    /// 1: ε̂ = ε; 0: unrelated.
    accuracy: f64,
    variance: Variance,
    /// Steps from T to 0 of the sampler whose next step is shown.
    steps: u32,
    learned: RunSlot<(Plan, [f32; 2])>,
    grabbed: bool,
    /// The last that the hand did.
    done: Option<Done>,
    due: Option<Due>,
    /// Counts the points placed: the counter of the draws from the posterior.
    placements: u32,
}

impl Default for Compass {
    fn default() -> Self {
        Self {
            placed: None,
            of: None,
            needle: Needle::Imprecise,
            origin: Origin::Nearest,
            accuracy: 0.7,
            variance: Variance::BetaTilde,
            steps: 20,
            learned: RunSlot::new(Slot::Compass),
            grabbed: false,
            done: None,
            due: None,
            placements: 0,
        }
    }
}

impl Compass {
    /// Show things as the other side does. What its hand did is done here with this side's data at this side's time.
    pub(super) fn take_after(&mut self, other: &Self, hand: bool) {
        (self.needle, self.origin, self.accuracy) = (other.needle, other.origin, other.accuracy);
        (self.variance, self.steps) = (other.variance, other.steps);
        if hand && (self.done != other.done || self.placed.is_none()) {
            let number = |compass: &Self| compass.done.map_or(0, |done| done.number);
            let missed = self.placed.is_none() || number(self) + 1 != number(other);
            self.due = Some(Due { done: other.done, point: other.placed.zip(other.of.clone()), missed });
            (self.done, self.placements) = (other.done, other.placements);
        }
    }

    /// The hand puts x_t here, as a new point or by dragging.
    fn put(&mut self, desk: &Desk, x_t: [f64; 2], placed: bool) {
        self.due = None;
        self.done = Some(Done { placed, x_t, number: self.done.map_or(0, |done| done.number) + 1 });
        if placed { self.place(desk, x_t) } else { self.drag(desk, x_t) }
    }

    /// Steps of the sampler: no more than there are.
    fn steps_of(&self, timesteps: u32) -> u32 {
        self.steps.min(timesteps)
    }

    /// t/T one step before the clock.
    fn tau_next(&self, tau: f64, timesteps: u32) -> f64 {
        let next = tau - 1.0 / f64::from(self.steps_of(timesteps).max(1));
        if next < 1e-9 { 0.0 } else { next }
    }

    /// Put x_t somewhere and choose the x_0 that it comes from.
    fn place(&mut self, desk: &Desk, x_t: [f64; 2]) {
        let points = &desk.here.snapshot.dataset.points;
        let scales = field_scales(desk);
        self.placements = self.placements.wrapping_add(1);
        let word = draw(desk.here.snapshot.experiment.seed, Stream::Forward, 1, self.placements)[0];
        let x_0 = match self.origin {
            Origin::Nearest => nearest(points, x_t, scales),
            Origin::Drawn => posterior_draw(points, x_t, scales, f64::from(uniform(word))),
        };
        self.of = Some(points.clone());
        self.placed = x_0.map(|x_0| Placed { x_0, epsilon: noise_of(x_t, x_0, scales) });
    }

    /// Move x_t; its x_0 stays.
    fn drag(&mut self, desk: &Desk, x_t: [f64; 2]) {
        if let Some(placed) = &mut self.placed {
            placed.epsilon = noise_of(x_t, placed.x_0, field_scales(desk));
        }
    }

    /// A point is always placed; other data ask for another x_0.
    fn keep_placed(&mut self, desk: &Desk) {
        let points = &desk.here.snapshot.dataset.points;
        if let Some(Due { done, point, missed }) = self.due.take() {
            match (done, point) {
                // Of the same data the same x_0.
                (_, Some((point, of))) if Arc::ptr_eq(&of, points) || of == *points => {
                    let epsilon = match done {
                        Some(Done { x_t, .. }) if !missed => noise_of(x_t, point.x_0, field_scales(desk)),
                        _ => point.epsilon,
                    };
                    self.placed = Some(Placed { epsilon, ..point });
                    self.of = Some(points.clone());
                }
                (Some(Done { x_t, placed, .. }), _) if placed || missed || self.placed.is_none() => {
                    self.place(desk, x_t);
                }
                (Some(Done { x_t, .. }), _) => self.drag(desk, x_t),
                (None, _) => {}
            }
        }
        if self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, points)) && self.placed.is_some() {
            return;
        }
        let scales = field_scales(desk);
        let x_t = self.placed.map_or(OPENING, |placed| combine(scales.a, placed.x_0, scales.s, placed.epsilon));
        self.place(desk, x_t);
    }

    fn reading(&self, desk: &Desk) -> Option<Reading> {
        let Placed { x_0, epsilon } = self.placed?;
        let scales = field_scales(desk);
        let x_t = combine(scales.a, x_0, scales.s, epsilon);
        let learned = self.learned.shown().and_then(|result| {
            // An answer for another time would be drawn with the wrong a and s.
            let same_time = result.request.plan.steps.first()?.scales == scales;
            same_time.then(|| result.host.as_ref()?.get(1).copied()).flatten()
        });
        let learned = learned.map(|v| v.map(f64::from));
        let of = match self.needle {
            Needle::Imprecise => Some(imprecise(epsilon, self.accuracy)),
            Needle::Learned => learned,
            Needle::Exact => {
                let score = desk.here.snapshot.dataset.mixture.marginal(scales).score(x_t);
                Some(score.map(|v| -scales.s * v))
            }
        };
        let experiment = &desk.here.snapshot.experiment;
        let tau_next = self.tau_next(field_tau(desk), experiment.timesteps);
        let next = experiment.schedule.scales(tau_next, experiment.timesteps);
        Some(Reading {
            scales,
            x_0,
            x_t,
            epsilon,
            needle: of.map(|epsilon| (epsilon, estimate(x_t, epsilon, scales))),
            learned: learned.map(|epsilon| estimate(x_t, epsilon, scales)),
            tau_next,
            step: Sampler::Ddpm(self.variance).coefficients(scales, next),
        })
    }

    /// ε̂ of the network at x_t.
    fn ask(&mut self, desk: &Desk) {
        let Some(Placed { x_0, epsilon }) = self.placed else { return };
        let scales = field_scales(desk);
        let x_t = combine(scales.a, x_0, scales.s, epsilon).map(|v| v as f32);
        let context = desk.here.snapshot.experiment.plan_context();
        let plan = Plan::field(context, field_tau(desk), Quantity::Eps);
        self.learned.want_patiently(desk, (plan.clone(), x_t), || RunRequest {
            plan,
            start: Start::Points(Arc::new(vec![x_t])),
            seed: 0,
            exact: false,
            every: 1,
            follow: true,
            read_back: true,
        });
    }

    fn hand(&mut self, ui: &Ui, view: &View, response: &Response, desk: &Desk) {
        // A drag that begins and ends between two frames is none to egui.
        let let_go = self.grabbed && ui.input(|i| i.pointer.primary_released()) && !response.clicked();
        let at = response.interact_pointer_pos();
        let Some(pointer) = at.or_else(|| ui.input(|i| i.pointer.interact_pos()).filter(|_| let_go)) else {
            self.grabbed = false;
            return;
        };
        let (pressed, down, origin) =
            ui.input(|i| (i.pointer.primary_pressed(), i.pointer.primary_down(), i.pointer.press_origin()));
        let to_data = |at| view.to_data(at).map(f64::from);
        let taken = response.is_pointer_button_down_on() || response.clicked() || response.drag_stopped();
        if !self.grabbed && taken && (pressed || response.clicked()) {
            // Where the button went down: in the same frame the pointer may have moved on.
            let origin = origin.unwrap_or(pointer);
            let at = self.reading(desk).map(|reading| view.to_screen(reading.x_t.map(|v| v as f32)));
            if at.is_none_or(|at| at.distance(origin) > GRIP) {
                self.put(desk, to_data(origin), true);
            }
            self.grabbed = true;
        }
        if self.grabbed && (let_go || hand::pulled_to(response).is_some()) {
            self.put(desk, to_data(pointer), false);
        }
        if !down {
            self.grabbed = false;
        }
    }

    fn needle_color(&self, palette: &Palette) -> Color32 {
        if self.needle == Needle::Learned { palette.learned } else { palette.exact }
    }
}

fn pair(v: [f64; 2]) -> String {
    format!("{}, {}", fixed(v[0], 2), fixed(v[1], 2))
}

impl Page for Compass {
    fn hint(&self) -> &'static str {
        "Click to place x_t, drag it, then turn the needle's accuracy: x̂₀ is where it points."
    }

    fn equation(&self, _desk: &Desk) -> Equation {
        let t = || Piece::Sub(vec![Piece::Var("t")]);
        let mut pieces =
            vec![Piece::Hat("x"), Piece::Sub(vec![Piece::Sign("0")]), Piece::Sign(" = ("), Piece::Var("x")];
        pieces.extend([t(), Piece::Sign(" − "), Piece::Var("s"), t(), Piece::Sign(" "), Piece::Hat("ε")]);
        pieces.extend([Piece::Sign(") / "), Piece::Var("a"), t()]);
        Equation { pieces, spoken: "x hat 0 is x t minus s t times epsilon hat, divided by a t" }
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        row::named(ui, "Needle", "The true ε made imprecise, the network's, or the best possible", palette, |ui| {
            let options = [(Needle::Imprecise, "Imprecise"), (Needle::Learned, "Learned"), (Needle::Exact, "Exact")];
            segmented::choose(ui, "Needle", &mut self.needle, &options, palette);
        });
        ui.add_enabled_ui(self.needle == Needle::Imprecise, |ui| {
            let tip = "100 % is the true ε and lands on x₀; less turns and shortens it, to what is unrelated at 0 %";
            let mut percent = 100.0 * self.accuracy;
            let text = |percent: f64| format!("{percent:.0} %");
            let track = Track::linear(0.0..=100.0).sign(Sign::Percent);
            if row::slider(ui, ["Accuracy", tip], &mut percent, track, text, palette).changed {
                self.accuracy = 0.01 * percent;
            }
        });
        row::named(ui, "True x₀", "The data point nearest to x_t/a, or one drawn from p(x₀ | x_t)", palette, |ui| {
            let options = [(Origin::Nearest, "Nearest"), (Origin::Drawn, "Drawn")];
            if segmented::choose(ui, "True x0", &mut self.origin, &options, palette).changed()
                && let Some(reading) = self.reading(desk)
            {
                self.put(desk, reading.x_t, true);
            }
        });
        ui.separator();
        let reading = self.reading(desk);
        let show = |v: Option<[f64; 2]>| v.map_or_else(|| "–".to_owned(), pair);
        let number = |v: Option<f64>, decimals| v.map_or_else(|| "–".to_owned(), |v| fixed(v, decimals));
        let reading = reading.as_ref();
        let needle = reading.and_then(|r| r.needle);
        let color = self.needle_color(palette);
        readout::line(ui, "x₀", &show(reading.map(|r| r.x_0)), palette.truth, "The true clean point", palette);
        readout::line(ui, "x_t", &show(reading.map(|r| r.x_t)), palette.ink, "a x₀ + s ε", palette);
        readout::line(ui, "x̂₀", &show(needle.map(|n| n.1)), color, "(x_t − s ε̂)/a", palette);
        let error = needle.zip(reading).map(|(n, r)| distance(n.1, r.x_0));
        readout::line(ui, "error ‖x̂₀ − x₀‖", &number(error, 4), palette.ink, "(s/a) ‖ε̂ − ε‖", palette);
        let size = reading.map(|r| r.epsilon[0].hypot(r.epsilon[1]));
        readout::line(ui, "length of ε", &number(size, 2), palette.ink, "1.25 on average where x_t is likely", palette);
        ui.separator();
        let tip = "Steps of the sampler from T to 0; T of them are those of training, and more are taken as T";
        let track = Track::logarithmic(2..=desk.here.snapshot.experiment.timesteps.max(3));
        row::slider(ui, ["Steps to 0", tip], &mut self.steps, track, grouped, palette);
        let formulas = equations::posterior(desk.here.snapshot.experiment.schedule);
        let tip =
            format!("Of the posterior given x₀, {}, or of the forward step, {}", formulas.variance, formulas.forward);
        row::named(ui, "Variance", &tip, palette, |ui| {
            let options = [(Variance::BetaTilde, "Posterior"), (Variance::Beta, "Forward step")];
            segmented::choose(ui, "Variance", &mut self.variance, &options, palette);
        });
        let mean = needle.zip(reading).map(|(n, r)| r.mean(n.1));
        let tip = format!("μ = c₀ x̂₀ + c_t x_t: the mean of x one step on, x′ ({})", formulas.source);
        readout::line(ui, "mean μ", &show(mean), palette.ink, &tip, palette);
        let coefficient = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), |v| fixed(v, 5));
        readout::line(ui, "c₀, of x̂₀", &coefficient(reading.map(|r| r.step.1)), palette.exact, formulas.c_0, palette);
        let value = coefficient(reading.map(|r| r.step.0));
        readout::line(ui, "c_t, of x_t", &value, palette.noise, formulas.c_t, palette);
        let sigma = reading.map_or_else(|| "–".to_owned(), |r| short(r.step.2));
        readout::line(
            ui,
            "σ, circle",
            &sigma,
            palette.ink,
            "Standard deviation of the next step; the outer circle is 2σ",
            palette,
        );
        let network = reading.and_then(|r| r.learned.map(|x_0| r.mean(x_0)));
        readout::line(ui, "μ by the network", &show(network), palette.learned, "Where ε_θ would go", palette);
        if let Some(reading) = reading {
            let text = format!("from t / T = {} to {}", fixed(field_tau(desk), 3), fixed(reading.tau_next, 3));
            text::note(ui, &text, palette);
        }
    }

    fn prepare(&mut self, _ctx: &Context, desk: &mut Desk) {
        self.learned.take_news(desk);
    }

    fn scene(&mut self, desk: &Desk) -> Scene {
        let palette = desk.palette();
        self.keep_placed(desk);
        let mut scene =
            Scene { outline: desk.here.snapshot.dataset.outline.clone(), takes_drags: true, ..Scene::default() };
        if let Some(field) = &desk.here.snapshot.density {
            scene.layers.push(Layer::Density { field: field.clone(), color: palette.glow });
        }
        let name = match self.needle {
            Needle::Imprecise => "ε̂, imprecise",
            Needle::Learned => "ε_θ, learned",
            Needle::Exact => "ε*, exact",
        };
        scene.legend = vec![
            (Mark::Area, palette.truth, "true ε".into()),
            (Mark::Area, self.needle_color(palette), name.into()),
            (Mark::Dot, palette.noise, "next step".into()),
            (Mark::Dot, palette.learned, "by the network".into()),
            (Mark::Area, palette.glow.to_opaque(), truths::exact(desk, "density")),
            (Mark::Dashes, palette.outline, "data".into()),
        ];
        scene
    }

    fn home(&self, _desk: &Desk) -> Bounds {
        Bounds { min: [-2.6, -2.0], max: [2.6, 2.0] }
    }

    fn density_tau(&self, desk: &Desk) -> Option<f64> {
        Some(field_tau(desk))
    }

    fn plots_height(&self, available: f32) -> f32 {
        (0.3 * available).clamp(130.0, 320.0)
    }

    fn plots_ui(&mut self, ui: &mut Ui, desk: &mut Desk, _twin: Option<&mut Pages>) {
        let steps = self.steps_of(desk.here.snapshot.experiment.timesteps);
        plots::show(ui, desk, field_tau(desk), steps, self.variance);
    }

    fn overlay_ui(&mut self, ui: &mut Ui, view: &View, response: &Response, desk: &mut Desk) {
        self.hand(ui, view, response, desk);
        self.ask(desk);
        if let Some(reading) = self.reading(desk) {
            let palette = desk.palette();
            let look = Look { needle: self.needle_color(palette), learned: self.needle != Needle::Learned };
            reading.draw(&ui.painter_at(view.rect), view, look, palette);
        }
    }

    fn leave(&mut self, desk: &mut Desk) {
        self.learned.end(desk);
    }

    fn play(&mut self, desk: &mut Desk) {
        desk.here.clock.toggle();
    }

    fn reset(&mut self, desk: &mut Desk) {
        self.put(desk, OPENING, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maths::diffusion::schedule::Schedule;

    /// Ho et al. 2020, eq. 7, written out, at T = 1000 and one step of it.
    #[test]
    fn the_posterior_has_the_published_coefficients() {
        let timesteps = 1000;
        for schedule in [Schedule::Linear, Schedule::Cosine] {
            for t in [2_u32, 200, 777, 1000] {
                let alpha_bar = |t: u32| schedule.alpha_bar(f64::from(t) / 1000.0, timesteps);
                let beta = 1.0 - alpha_bar(t) / alpha_bar(t - 1);
                let c_0 = alpha_bar(t - 1).sqrt() * beta / (1.0 - alpha_bar(t));
                let c_t = (1.0 - beta).sqrt() * (1.0 - alpha_bar(t - 1)) / (1.0 - alpha_bar(t));
                let beta_tilde = (1.0 - alpha_bar(t - 1)) / (1.0 - alpha_bar(t)) * beta;
                let compass = Compass { steps: timesteps, ..Compass::default() };
                let tau = f64::from(t) / 1000.0;
                let [now, next] = [tau, compass.tau_next(tau, timesteps)].map(|tau| schedule.scales(tau, timesteps));
                for (variance, expected) in [(Variance::BetaTilde, beta_tilde), (Variance::Beta, beta)] {
                    let (x, x_0, sigma) = Sampler::Ddpm(variance).coefficients(now, next);
                    assert!((x - c_t).abs() < 1e-9 && (x_0 - c_0).abs() < 1e-9, "{schedule:?} {t}");
                    assert!((sigma - expected.sqrt()).abs() < 1e-9, "{schedule:?} {t} {variance:?}");
                }
            }
        }
    }

    #[test]
    fn the_first_step_lands_on_the_data() {
        let compass = Compass::default();
        assert_eq!(compass.tau_next(0.001, 1000), 0.0);
        assert_eq!(Compass { steps: 1000, ..compass }.tau_next(1.0, 1000), 0.999);
    }
}
