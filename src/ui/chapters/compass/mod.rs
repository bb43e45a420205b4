//! Noise compass: a noise prediction at x_t points to an x̂_0, and the next step goes part of the way there.

mod below;
mod controls;
mod drawing;
pub mod needle;
mod notes;
pub mod placing;
pub mod plots;
pub mod reading;
mod sheet;

pub use sheet::SHEET;

use std::sync::Arc;

use egui::{Color32, Context, Response, Ui};

use crate::canvas::{Entry, Mark, Role, Scene, View, legend_plate};
use crate::chapters::Page;
use crate::chapters::compass::below::{Below, letter};
use crate::chapters::compass::drawing::{Look, Sketch};
use crate::chapters::compass::needle::{Needle, combine, estimate, imprecise, noise_of};
use crate::chapters::compass::placing::{Deed, Hand, OPENING, Origin, Point};
use crate::chapters::compass::reading::{Case, Posterior, Reading};
use crate::chapters::shared::field_time::{field_scales, field_tau};
use crate::desk::Desk;
use crate::desk::run_slot::RunSlot;
use crate::theme::Palette;
use crate::truths;
use crate::widgets::equation::{Equation, Piece};
use crate::widgets::hand;
use lab::message::{RunRequest, Slot};
use maths::data::bounds::Bounds;
use maths::diffusion::schedule::Scales;
use maths::diffusion::solver::{Plan, Variance};
use maths::diffusion::target::Quantity;
use maths::names::Words;

/// Points of the screen about x_t within which the hand takes hold of it.
const GRIP: f32 = 16.0;
/// Draws of the x_0 that could be there.
const DRAWS: u32 = 64;

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// x_t, x_0, and an arrow to each of x_0 and x̂_0.
    Simple,
    /// Also the next step of a sampler, and how its coefficients change.
    NextStep,
}

/// How the chapter is called.
pub const WORDS: Words = Words {
    name: "compass",
    title: "Noise compass",
    symbol: "Noise compass",
    short: "compass",
    help: "where a noise prediction points, and where the next step goes",
};

/// How the chapter shows things.
#[derive(Clone, Copy, Debug)]
pub(super) struct Show {
    extent: Extent,
    needle: Needle,
    origin: Origin,
    /// 1: ε̂ = ε; 0: unrelated.
    accuracy: f64,
    variance: Variance,
    /// Steps from T to 0 of the sampler whose next step is shown.
    steps: u32,
    /// The coefficients are plotted on a logarithmic axis.
    log: bool,
}

impl Default for Show {
    fn default() -> Self {
        Self {
            extent: Extent::Simple,
            needle: Needle::Imprecise,
            origin: Origin::Nearest,
            accuracy: 0.7,
            variance: Variance::BetaTilde,
            steps: 20,
            log: false,
        }
    }
}

/// The chapter's state.
pub struct Compass {
    pub(super) show: Show,
    pub(super) hand: Hand,
    point: Point,
    grabbed: bool,
    learned: RunSlot<(Plan, [f32; 2])>,
    /// What is known of the x_0 behind x_t, at one x_t and time of one truth.
    known: Option<(Case, Posterior)>,
}

impl Default for Compass {
    fn default() -> Self {
        Self {
            show: Show::default(),
            hand: Hand::default(),
            point: Point::default(),
            grabbed: false,
            learned: RunSlot::new(Slot::Compass),
            known: None,
        }
    }
}

impl Compass {
    /// Steps of the sampler: no more than there are.
    fn steps_of(&self, timesteps: u32) -> u32 {
        self.show.steps.min(timesteps)
    }

    /// t/T one step before the clock.
    fn tau_next(&self, tau: f64, timesteps: u32) -> f64 {
        let next = tau - 1.0 / f64::from(self.steps_of(timesteps).max(1));
        if next < 1e-9 { 0.0 } else { next }
    }

    /// x_t, once it is placed.
    fn x_t(&self, desk: &Desk) -> Option<[f64; 2]> {
        let placed = self.point.placed()?;
        let Scales { a, s } = field_scales(desk);
        Some(combine(a, placed.x_0, s, placed.epsilon))
    }

    /// The scales after the next step.
    fn next(&self, desk: &Desk) -> Scales {
        let experiment = &desk.here.snapshot.experiment;
        let tau = self.tau_next(field_tau(desk), experiment.timesteps);
        experiment.schedule.scales(tau, experiment.timesteps)
    }

    fn case(&self, desk: &Desk) -> Option<Case> {
        Some(Case {
            x_t: self.x_t(desk)?,
            scales: field_scales(desk),
            truth: desk.here.snapshot.dataset.mixture.clone(),
            // They are drawn where a needle aims at their mean.
            draws: if self.show.needle == Needle::Imprecise {
                0
            } else {
                DRAWS
            },
            next: (self.show.extent == Extent::NextStep).then(|| self.next(desk)),
        })
    }

    fn reading(&self, desk: &Desk) -> Option<Reading> {
        let placed = self.point.placed()?;
        let case = self.case(desk)?;
        let posterior = match &self.known {
            Some((known, posterior)) if known.is(&case) => posterior.clone(),
            _ => case.solve(),
        };
        let Case { x_t, scales, .. } = case;
        let learned = self.learned.shown().and_then(|result| {
            // An answer for another time would be drawn with the wrong a and s.
            let same_time = result.request.plan.steps.first()?.scales == scales;
            same_time
                .then(|| result.host.as_ref()?.get(1).copied())
                .flatten()
        });
        let learned = learned.map(|v| v.map(f64::from));
        let of = match self.show.needle {
            Needle::Imprecise => Some(imprecise(placed.epsilon, self.show.accuracy)),
            Needle::Learned => learned,
            Needle::Exact => Some(noise_of(x_t, posterior.mean, scales)),
        };
        let timesteps = desk.here.snapshot.experiment.timesteps;
        let tau_next = self.tau_next(field_tau(desk), timesteps);
        let next = self.next(desk);
        Some(Reading {
            scales,
            placed,
            x_t,
            posterior,
            needle: of.map(|epsilon| (epsilon, estimate(x_t, epsilon, scales))),
            learned: learned.map(|epsilon| estimate(x_t, epsilon, scales)),
            tau_next,
            step: self.show.variance.step(scales, next),
        })
    }

    /// ε̂ of the network at x_t.
    fn ask(&mut self, desk: &Desk) {
        let Some(x_t) = self.x_t(desk) else { return };
        let x_t = x_t.map(|v| v as f32);
        let context = desk.here.snapshot.experiment.plan_context();
        let plan = Plan::field(context, field_tau(desk), Quantity::Eps);
        self.learned.want_patiently(desk, (plan.clone(), x_t), || {
            RunRequest::at(Arc::new(vec![x_t]), plan, false)
        });
    }

    fn look(&self, palette: &Palette) -> Look {
        Look {
            whose: self.show.needle,
            color: self.needle_color(palette),
            step: self.show.extent == Extent::NextStep,
        }
    }

    /// The legend: all that is drawn.
    fn legend(&self, desk: &Desk) -> Vec<Entry> {
        let palette = desk.palette();
        let mut scene = Scene::default();
        if let Some(reading) = self.reading(desk) {
            drawing::name_all(&mut scene, &reading, self.look(palette), palette);
        }
        truths::name_density(&mut scene, desk);
        if !desk.here.snapshot.dataset.outline.is_empty() {
            scene.name(Role::Other, Mark::Dashes, palette.outline, "data");
        }
        scene.legend
    }

    fn needle_color(&self, palette: &Palette) -> Color32 {
        if self.show.needle == Needle::Learned {
            palette.learned
        } else {
            palette.exact
        }
    }
}

impl Page for Compass {
    fn hint(&self) -> &'static str {
        "Click to place x_t, drag it, then turn the needle's accuracy: x̂₀ is where it points."
    }

    fn equation(&self, _desk: &Desk) -> Equation {
        let t = || Piece::Sub(vec![Piece::Var("t")]);
        let mut pieces = vec![
            Piece::Hat("x"),
            Piece::Sub(vec![Piece::Sign("0")]),
            Piece::Sign(" = ("),
            Piece::Var("x"),
        ];
        pieces.extend([
            t(),
            Piece::Sign(" − "),
            Piece::Var("s"),
            t(),
            Piece::Sign(" "),
            Piece::Hat("ε"),
        ]);
        pieces.extend([Piece::Sign(") / "), Piece::Var("a"), t()]);
        Equation {
            pieces,
            spoken: "x hat 0 is x t minus s t times epsilon hat, divided by a t",
        }
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        self.controls(ui, desk);
    }

    fn takes_drags(&self) -> bool {
        true
    }

    fn take_hand(&mut self, ui: &Ui, view: &View, response: &Response, desk: &mut Desk) {
        // A drag that begins and ends between two frames is none to egui.
        let let_go =
            self.grabbed && ui.input(|i| i.pointer.primary_released()) && !response.clicked();
        let at = response.interact_pointer_pos();
        let Some(pointer) =
            at.or_else(|| ui.input(|i| i.pointer.interact_pos()).filter(|_| let_go))
        else {
            self.grabbed = false;
            return;
        };
        let (pressed, down, origin) = ui.input(|i| {
            (
                i.pointer.primary_pressed(),
                i.pointer.primary_down(),
                i.pointer.press_origin(),
            )
        });
        let to_data = |at| view.to_data(at).map(f64::from);
        let taken =
            response.is_pointer_button_down_on() || response.clicked() || response.drag_stopped();
        if !self.grabbed && taken && (pressed || response.clicked()) {
            // Where the button went down: in the same frame the pointer may have moved on.
            let origin = origin.unwrap_or(pointer);
            let gripped = |at: [f64; 2]| {
                let at = view.to_screen(at.map(|v| v as f32));
                at.distance(origin) <= GRIP
            };
            // Where the hand put it counts as well as where it stands.
            let placed = self.x_t(desk);
            if !placed.is_some_and(|x_t| gripped(x_t) || gripped(self.hand.at())) {
                self.hand.put(Deed::Place, to_data(origin));
            }
            self.grabbed = true;
        }
        if self.grabbed && (let_go || hand::pulled_to(response).is_some()) {
            self.hand.put(Deed::Drag, to_data(pointer));
        }
        if !down {
            self.grabbed = false;
        }
    }

    fn prepare(&mut self, _ctx: &Context, desk: &mut Desk) {
        self.learned.take_news(desk);
        self.point.keep(desk, &mut self.hand, self.show.origin);
        if let Some(case) = self.case(desk)
            && !self
                .known
                .as_ref()
                .is_some_and(|(known, _)| known.is(&case))
        {
            self.known = Some((case.clone(), case.solve()));
        }
        self.ask(desk);
    }

    fn scene(&self, _canvas: usize, desk: &Desk) -> Scene {
        let mut scene = Scene {
            outline: desk.here.snapshot.dataset.outline.clone(),
            ..Scene::default()
        };
        truths::draw_density(&mut scene, desk);
        scene.legend = self.legend(desk);
        scene
    }

    fn home(&self, _desk: &Desk) -> Bounds {
        Bounds {
            min: [-2.6, -2.0],
            max: [2.6, 2.0],
        }
    }

    fn density_tau(&self, desk: &Desk) -> Option<f64> {
        Some(field_tau(desk))
    }

    fn plots_height(&self, available: f32) -> f32 {
        match self.show.extent {
            Extent::Simple => 0.0,
            Extent::NextStep => (0.3 * available).clamp(140.0, 320.0),
        }
    }

    fn plots_ui(&mut self, ui: &mut Ui, desk: &mut Desk, _twin: Option<&mut Self>) {
        let steps = self.steps_of(desk.here.snapshot.experiment.timesteps);
        plots::show(
            ui,
            desk,
            field_tau(desk),
            steps,
            self.show.variance,
            self.show.log,
        );
    }

    fn overlay_ui(&self, ui: &mut Ui, view: &View, desk: &Desk) {
        let Some(reading) = self.reading(desk) else {
            return;
        };
        let palette = desk.palette();
        let seen = view.rect.intersect(ui.clip_rect());
        let painter = ui.painter_at(view.rect);
        let mut legend = self.legend(desk);
        if desk.is_split() {
            legend.insert(0, letter(desk.side(), palette));
        }
        let below = Below::take(ui, desk, seen);
        let plate = legend_plate(&painter, seen, below.lower(), &legend, palette);
        let mut sketch = Sketch::new(&painter, view, seen, palette);
        sketch.draw(&reading, self.look(palette));
        let mut notes = notes::of(&reading, self.show.needle, view, seen);
        notes.retain(|note| !below.notes.contains(note));
        // Beneath the legends of both, where both lie on one canvas.
        let above = below.plates.iter().chain([&plate]);
        let mut top = above.map(egui::Rect::bottom).fold(seen.top(), f32::max) + 6.0;
        if desk.one_canvas && below.plates.is_empty() && seen == view.rect {
            top += plate.height() + 6.0;
        }
        let mut plates = vec![plate];
        let marks = sketch.marks();
        let noted = notes::notes_ui(ui, &painter, seen, top, &notes, marks, palette);
        plates.extend(noted);
        let taken: Vec<_> = plates.iter().chain(&below.plates).copied().collect();
        let names = sketch.write(&taken, &below.names);
        below.leave(ui, plates, notes, names);
    }

    fn leave(&mut self, desk: &mut Desk) {
        self.learned.end(desk);
    }

    fn reset(&mut self, desk: &mut Desk) {
        self.hand.put(Deed::Place, OPENING);
        self.point.keep(desk, &mut self.hand, self.show.origin);
    }

    fn tried_taus(&self) -> &'static [f64] {
        &[0.8, 0.1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maths::diffusion::schedule::Schedule;
    use maths::diffusion::solver::Factors;

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
                let compass = Compass {
                    show: Show {
                        steps: timesteps,
                        ..Show::default()
                    },
                    ..Compass::default()
                };
                let tau = f64::from(t) / 1000.0;
                let [now, next] = [tau, compass.tau_next(tau, timesteps)]
                    .map(|tau| schedule.scales(tau, timesteps));
                for (variance, expected) in
                    [(Variance::BetaTilde, beta_tilde), (Variance::Beta, beta)]
                {
                    let Factors { x, x_0, z: sigma } = variance.step(now, next);
                    assert!(
                        (x - c_t).abs() < 1e-9 && (x_0 - c_0).abs() < 1e-9,
                        "{schedule:?} {t}"
                    );
                    assert!(
                        (sigma - expected.sqrt()).abs() < 1e-9,
                        "{schedule:?} {t} {variance:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_first_step_lands_on_the_data() {
        let compass = Compass::default();
        assert_eq!(compass.tau_next(0.001, 1000), 0.0);
        let compass = Compass {
            show: Show {
                steps: 1000,
                ..Show::default()
            },
            ..compass
        };
        assert_eq!(compass.tau_next(1.0, 1000), 0.999);
    }
}
