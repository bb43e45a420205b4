//! Noise compass: a noise prediction at x_t points to an x̂_0, and the next step goes part of the way there.

mod controls;
pub mod needle;
pub mod placing;
pub mod plots;
pub mod reading;
mod sheet;

pub use sheet::SHEET;

use std::sync::Arc;

use egui::{Color32, Context, Response, Ui};

use crate::canvas::paint::Layer;
use crate::canvas::{Mark, Role, Scene, View};
use crate::chapters::Page;
use crate::chapters::compass::needle::{combine, estimate, imprecise};
use crate::chapters::compass::placing::{Deed, Hand, OPENING, Origin, Placed, Point};
use crate::chapters::compass::reading::{Look, Reading};
use crate::chapters::shared::field_time::{field_scales, field_tau};
use crate::desk::Desk;
use crate::desk::run_slot::RunSlot;
use crate::theme::Palette;
use crate::truths;
use crate::widgets::equation::{Equation, Piece};
use crate::widgets::hand;
use engine::Start;
use lab::message::{RunRequest, Slot};
use maths::data::bounds::Bounds;
use maths::diffusion::solver::{Plan, Variance};
use maths::diffusion::target::{Combination, Quantity, Target};
use maths::names::Words;

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
    needle: Needle,
    origin: Origin,
    /// 1: ε̂ = ε; 0: unrelated.
    accuracy: f64,
    variance: Variance,
    /// Steps from T to 0 of the sampler whose next step is shown.
    steps: u32,
}

impl Default for Show {
    fn default() -> Self {
        Self {
            needle: Needle::Imprecise,
            origin: Origin::Nearest,
            accuracy: 0.7,
            variance: Variance::BetaTilde,
            steps: 20,
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
}

impl Default for Compass {
    fn default() -> Self {
        Self {
            show: Show::default(),
            hand: Hand::default(),
            point: Point::default(),
            grabbed: false,
            learned: RunSlot::new(Slot::Compass),
        }
    }
}

impl Compass {
    /// The hand does something with x_t.
    fn put(&mut self, desk: &Desk, deed: Deed, x_t: [f64; 2]) {
        self.point
            .put(desk, &mut self.hand, self.show.origin, deed, x_t);
    }

    /// Steps of the sampler: no more than there are.
    fn steps_of(&self, timesteps: u32) -> u32 {
        self.show.steps.min(timesteps)
    }

    /// t/T one step before the clock.
    fn tau_next(&self, tau: f64, timesteps: u32) -> f64 {
        let next = tau - 1.0 / f64::from(self.steps_of(timesteps).max(1));
        if next < 1e-9 { 0.0 } else { next }
    }

    fn reading(&self, desk: &Desk) -> Option<Reading> {
        let Placed { x_0, epsilon } = self.point.placed()?;
        let scales = field_scales(desk);
        let x_t = combine(scales.a, x_0, scales.s, epsilon);
        let learned = self.learned.shown().and_then(|result| {
            // An answer for another time would be drawn with the wrong a and s.
            let same_time = result.request.plan.steps.first()?.scales == scales;
            same_time
                .then(|| result.host.as_ref()?.get(1).copied())
                .flatten()
        });
        let learned = learned.map(|v| v.map(f64::from));
        let of = match self.show.needle {
            Needle::Imprecise => Some(imprecise(epsilon, self.show.accuracy)),
            Needle::Learned => learned,
            Needle::Exact => {
                let score = desk
                    .here
                    .snapshot
                    .dataset
                    .mixture
                    .marginal(scales)
                    .score(x_t);
                let Combination(of_x, of_score) = Target::Score.to(Quantity::Eps, scales);
                Some(combine(of_x, x_t, of_score, score))
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
            step: self.show.variance.step(scales, next),
        })
    }

    /// ε̂ of the network at x_t.
    fn ask(&mut self, desk: &Desk) {
        let Some(Placed { x_0, epsilon }) = self.point.placed() else {
            return;
        };
        let scales = field_scales(desk);
        let x_t = combine(scales.a, x_0, scales.s, epsilon).map(|v| v as f32);
        let context = desk.here.snapshot.experiment.plan_context();
        let plan = Plan::field(context, field_tau(desk), Quantity::Eps);
        self.learned
            .want_patiently(desk, (plan.clone(), x_t), || RunRequest {
                plan,
                start: Start::Points(Arc::new(vec![x_t])),
                seed: 0,
                exact: false,
                every: 1,
                follow: true,
                read_back: true,
            });
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
            let at = self
                .reading(desk)
                .map(|reading| view.to_screen(reading.x_t.map(|v| v as f32)));
            if at.is_none_or(|at| at.distance(origin) > GRIP) {
                self.put(desk, Deed::Place, to_data(origin));
            }
            self.grabbed = true;
        }
        if self.grabbed && (let_go || hand::pulled_to(response).is_some()) {
            self.put(desk, Deed::Drag, to_data(pointer));
        }
        if !down {
            self.grabbed = false;
        }
    }

    fn prepare(&mut self, _ctx: &Context, desk: &mut Desk) {
        self.learned.take_news(desk);
        self.point.keep(desk, &mut self.hand, self.show.origin);
        self.ask(desk);
    }

    fn scene(&self, _canvas: usize, desk: &Desk) -> Scene {
        let palette = desk.palette();
        let mut scene = Scene {
            outline: desk.here.snapshot.dataset.outline.clone(),
            ..Scene::default()
        };
        if let Some(field) = &desk.here.snapshot.density {
            scene.push(
                Role::Exact,
                Layer::Density {
                    field: field.clone(),
                    color: palette.glow,
                },
            );
        }
        let (role, name) = match self.show.needle {
            Needle::Imprecise => (Role::Exact, "ε̂, imprecise"),
            Needle::Learned => (Role::Learned, "ε_θ, learned"),
            Needle::Exact => (Role::Exact, "ε*, exact"),
        };
        scene.name(Role::Other, Mark::Area, palette.truth, "true ε");
        scene.name(role, Mark::Area, self.needle_color(palette), name);
        scene.name(Role::Other, Mark::Dot, palette.noise, "next step");
        scene.name(Role::Learned, Mark::Dot, palette.learned, "by the network");
        scene.name(
            Role::Exact,
            Mark::Area,
            palette.glow.to_opaque(),
            truths::exact(desk, "density"),
        );
        scene.name(Role::Other, Mark::Dashes, palette.outline, "data");
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
        (0.3 * available).clamp(130.0, 320.0)
    }

    fn plots_ui(&mut self, ui: &mut Ui, desk: &mut Desk, _twin: Option<&mut Self>) {
        let steps = self.steps_of(desk.here.snapshot.experiment.timesteps);
        plots::show(ui, desk, field_tau(desk), steps, self.show.variance);
    }

    fn overlay_ui(&self, ui: &mut Ui, view: &View, desk: &Desk) {
        if let Some(reading) = self.reading(desk) {
            let palette = desk.palette();
            let look = Look {
                needle: self.needle_color(palette),
                learned: self.show.needle != Needle::Learned,
            };
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
        self.put(desk, Deed::Place, OPENING);
    }

    fn try_it(&mut self, index: usize, desk: &mut Desk) {
        desk.here.clock.set([0.8, 0.1][index.min(1)]);
    }

    fn is_tried(&self, index: usize, desk: &Desk) -> bool {
        (desk.here.clock.tau - [0.8, 0.1][index.min(1)]).abs() < 1e-6
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
