//! ELBO: the variational bound in its terms, and the two Gaussians whose divergence each term is.

mod charts;
mod controls;
mod derivation;
mod drawing;
mod measured;
mod sheet;

pub use sheet::SHEET;

use std::sync::Arc;

use egui::{Context, Response, Ui};

use crate::canvas::{Mark, Role, Scene, View};
use crate::chapters::Page;
use crate::chapters::shared::field_time::{field_scales, field_tau};
use crate::desk::Desk;
use crate::desk::run_slot::RunSlot;
use crate::truths;
use crate::widgets::equation::Equation;
use crate::widgets::hand;
use derivation::Part;
use drawing::{Reading, Sketch};
use lab::message::{RunRequest, Side, Slot};
use maths::data::bounds::Bounds;
use maths::diffusion::solver::{Plan, Widening};
use maths::diffusion::target::Quantity;
use maths::measure::elbo::{Bound, Step, StepVariance};
use maths::names::Words;
use measured::Measured;

/// Points of the screen about a mark within which the hand takes hold of it.
const GRIP: f32 = 14.0;

/// How the chapter is called.
pub const WORDS: Words = Words {
    name: "elbo",
    title: "ELBO",
    symbol: "ELBO",
    short: "ELBO",
    help: "the variational bound term by term, and the two Gaussians of each",
};

/// What stands beside the terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    /// What the loss weighs up and down.
    Weights,
    /// The bound by T.
    Steps,
}

/// How the chapter shows things.
#[derive(Clone, Copy, Debug)]
pub(super) struct Show {
    variance: StepVariance,
    /// p_θ on the canvas has the exact x̂_0.
    exact: bool,
    beside: Beside,
}

impl Default for Show {
    fn default() -> Self {
        Self {
            variance: StepVariance::Beta,
            exact: false,
            beside: Beside::Weights,
        }
    }
}

/// What the hand placed: a clean point, and the noise that takes it to x_t at every t.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hand {
    /// `None` until a click: then the first point of the data.
    x_0: Option<[f64; 2]>,
    epsilon: [f64; 2],
}

impl Default for Hand {
    fn default() -> Self {
        Self {
            x_0: None,
            epsilon: [0.9, -0.7],
        }
    }
}

/// What the hand holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Clean,
    Noised,
}

/// The chapter's state.
pub struct Elbo {
    pub(super) show: Show,
    pub(super) hand: Hand,
    held: Option<Held>,
    measured: Measured,
    /// x̂_0 of the network at x_t.
    estimate: RunSlot<(Plan, [f32; 2])>,
    /// What the line of the derivation under the pointer speaks of.
    lit: Option<&'static [Part]>,
}

impl Default for Elbo {
    fn default() -> Self {
        Self {
            show: Show::default(),
            hand: Hand::default(),
            held: None,
            measured: Measured::default(),
            estimate: RunSlot::new(Slot::BoundAtPoint),
            lit: None,
        }
    }
}

impl Elbo {
    /// The clock's timestep.
    fn t(desk: &Desk) -> u32 {
        let timesteps = desk.here.snapshot.experiment.timesteps;
        ((field_tau(desk) * f64::from(timesteps)).round() as u32).clamp(1, timesteps.max(1))
    }

    fn x_0(&self, desk: &Desk) -> Option<[f64; 2]> {
        let first = || desk.here.snapshot.dataset.points.first();
        self.hand
            .x_0
            .or_else(|| first().map(|point| point.map(f64::from)))
    }

    fn x_t(&self, desk: &Desk) -> Option<[f64; 2]> {
        let (x_0, scales) = (self.x_0(desk)?, field_scales(desk));
        Some([0, 1].map(|i| scales.a * x_0[i] + scales.s * self.hand.epsilon[i]))
    }

    fn estimate_plan(desk: &Desk) -> Plan {
        let snapshot = &desk.here.snapshot;
        let experiment = &snapshot.experiment;
        let clip = snapshot.dataset.clip_box(experiment.fresh);
        let context = experiment.plan_context();
        let plan = if experiment.learn_variance {
            Plan::estimate_and_widening(context, Self::t(desk))
        } else {
            Plan::field(context, field_tau(desk), Quantity::X0)
        };
        Plan {
            clip: experiment.clip.then_some(clip),
            ..plan
        }
    }

    /// σ² on each axis at x_t, as the network says it, or as the exact denoiser would.
    fn said_variance(&self, desk: &Desk, x_t: [f64; 2]) -> Option<[f64; 2]> {
        let snapshot = &desk.here.snapshot;
        let (schedule, timesteps) = (snapshot.experiment.schedule, snapshot.experiment.timesteps);
        let (widening, beta_tilde) = Widening::at(schedule, timesteps, Self::t(desk));
        let w = if self.show.exact {
            let marginal = snapshot.dataset.mixture.marginal(field_scales(desk));
            let (_, variance) = marginal.posterior_moments(x_t);
            variance.map(|variance| widening.by_posterior(variance))
        } else {
            self.answer(desk, 2)?
        };
        Some(w.map(|w| w * w * beta_tilde))
    }

    /// What the network answered for this t: x̂_0 is frame 1, and where it learns the variance w is frame 2.
    fn answer(&self, desk: &Desk, frame: usize) -> Option<[f64; 2]> {
        let result = self.estimate.shown()?;
        let same_time = result.request.plan.steps.first()?.scales == field_scales(desk);
        let answer = result.host.as_ref().filter(|_| same_time)?.get(frame)?;
        Some(answer.map(f64::from))
    }

    /// x̂_0 at x_t: the exact one, or the network's once it has answered for this t.
    fn x0_hat(&self, desk: &Desk, x_t: [f64; 2]) -> Option<[f64; 2]> {
        let scales = field_scales(desk);
        if self.show.exact {
            return Some(
                desk.here
                    .snapshot
                    .dataset
                    .mixture
                    .marginal(scales)
                    .posterior_mean(x_t),
            );
        }
        self.answer(desk, 1)
    }

    fn reading(&self, desk: &Desk) -> Option<Reading> {
        let experiment = &desk.here.snapshot.experiment;
        let (x_0, x_t, t) = (self.x_0(desk)?, self.x_t(desk)?, Self::t(desk));
        let (truth, learned) = (self.measured.truth(), self.measured.learned());
        let exact = truth.as_ref().map(|truth| &truth.bounds);
        let bounds = learned.as_deref().filter(|_| !self.show.exact).or(exact);
        let sigma_squared = if self.show.variance == StepVariance::Learned {
            self.said_variance(desk, x_t)
        } else {
            let of_t = |bound: &Bound| bound.sigma_squared.get(t as usize - 1).copied();
            let bound = bounds.and_then(|bounds| bounds.by(self.show.variance));
            bound.and_then(of_t).map(|sigma_squared| [sigma_squared; 2])
        };
        Some(Reading {
            t,
            step: Step::at(experiment.schedule, experiment.timesteps, t),
            x_0,
            x_t,
            model: self.x0_hat(desk, x_t).zip(sigma_squared),
        })
    }
}

impl Page for Elbo {
    fn hint(&self) -> &'static str {
        "Place x₀, drag x_t. Point at a line of the derivation: its terms stand out."
    }

    fn equation(&self, _desk: &Desk) -> Equation {
        derivation::bound()
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        self.controls(ui, desk);
    }

    fn home(&self, _desk: &Desk) -> Bounds {
        Bounds {
            min: [-2.6, -2.0],
            max: [2.6, 2.0],
        }
    }

    fn takes_drags(&self) -> bool {
        true
    }

    fn take_hand(&mut self, ui: &Ui, view: &View, response: &Response, desk: &mut Desk) {
        let (pressed, down, origin) = ui.input(|i| {
            let pointer = &i.pointer;
            (
                pointer.primary_pressed(),
                pointer.primary_down(),
                pointer.press_origin(),
            )
        });
        let Some(pointer) = response.interact_pointer_pos() else {
            self.held = None;
            return;
        };
        let to_data = |at| view.to_data(at).map(f64::from);
        let taken = response.is_pointer_button_down_on() || response.clicked();
        if self.held.is_none() && taken && (pressed || response.clicked()) {
            let origin = origin.unwrap_or(pointer);
            let near = |at: Option<[f64; 2]>| {
                at.is_some_and(|at| view.to_screen(at.map(|v| v as f32)).distance(origin) <= GRIP)
            };
            self.held = Some(if near(self.x_t(desk)) {
                Held::Noised
            } else {
                if !near(self.x_0(desk)) {
                    self.hand.x_0 = Some(to_data(origin));
                }
                Held::Clean
            });
        }
        if hand::pulled_to(response).is_some() {
            let at = to_data(pointer);
            match self.held {
                Some(Held::Clean) => self.hand.x_0 = Some(at),
                Some(Held::Noised) => {
                    let scales = field_scales(desk);
                    if let Some(x_0) = self.x_0(desk).filter(|_| scales.s > 0.0) {
                        let noise = |i: usize| (at[i] - scales.a * x_0[i]) / scales.s;
                        self.hand.epsilon = [0, 1].map(noise);
                    }
                }
                None => {}
            }
        }
        if !down {
            self.held = None;
        }
    }

    fn prepare(&mut self, ctx: &Context, desk: &mut Desk) {
        self.estimate.take_news(desk);
        self.measured.keep(ctx, desk);
        if self.show.beside == Beside::Steps {
            self.measured.keep_by_steps(ctx, desk);
        }
        if let Some(x_t) = self.x_t(desk) {
            let x_t = x_t.map(|v| v as f32);
            let plan = Self::estimate_plan(desk);
            self.estimate.want_patiently(desk, (plan.clone(), x_t), || {
                RunRequest::at(Arc::new(vec![x_t]), plan, false)
            });
        }
    }

    fn refusal(&self, _canvas: usize, desk: &Desk) -> Option<String> {
        let why = desk.here.snapshot.experiment.without_exact_field()?;
        Some(format!("No bound: {why}"))
    }

    fn scene(&self, _canvas: usize, desk: &Desk) -> Scene {
        let palette = desk.palette();
        let mut scene = Scene {
            outline: desk.here.snapshot.dataset.outline.clone(),
            ..Scene::default()
        };
        truths::draw_density(&mut scene, desk);
        scene.name(Role::Other, Mark::Dot, palette.ink, "x_t");
        scene.name(
            Role::Other,
            Mark::Ring,
            palette.truth,
            "q(x_{t−1} | x_t, x₀), σ and 2σ",
        );
        let (color, text) = if self.show.exact {
            (palette.exact, "p(x_{t−1} | x_t), exact x̂₀")
        } else {
            (palette.learned, "p_θ(x_{t−1} | x_t), learned")
        };
        scene.name(Role::Other, Mark::Ring, color, text);
        truths::name_density(&mut scene, desk);
        scene
    }

    fn overlay_ui(&self, ui: &mut Ui, view: &View, desk: &Desk) {
        let Some(reading) = self.reading(desk) else {
            return;
        };
        let palette = desk.palette();
        let sketch = Sketch {
            painter: &ui.painter_at(view.rect),
            view,
            seen: view.rect.intersect(ui.clip_rect()),
            palette,
            model: if self.show.exact {
                palette.exact
            } else {
                palette.learned
            },
            at_left: desk.one_canvas && desk.side() == Side::B,
        };
        sketch.draw(&reading);
    }

    fn density_tau(&self, desk: &Desk) -> Option<f64> {
        Some(field_tau(desk))
    }

    fn plots_height(&self, available: f32) -> f32 {
        (0.42 * available).clamp(150.0, 380.0)
    }

    fn plots_ui(&mut self, ui: &mut Ui, desk: &mut Desk, twin: Option<&mut Self>) {
        self.charts(ui, desk, twin.as_deref());
    }

    fn leave(&mut self, desk: &mut Desk) {
        self.measured.leave(desk);
        self.estimate.end(desk);
    }

    fn reset(&mut self, _desk: &mut Desk) {
        self.hand = Hand::default();
    }

    fn try_it(&mut self, index: usize, _desk: &mut Desk) {
        if index == 0 {
            self.show.variance = StepVariance::Least;
        } else {
            self.show.beside = Beside::Steps;
        }
    }

    fn is_tried(&self, index: usize, _desk: &Desk) -> bool {
        if index == 0 {
            self.show.variance == StepVariance::Least
        } else {
            self.show.beside == Beside::Steps && self.measured.by_steps().is_some()
        }
    }

    fn show_learned(&mut self) {
        self.show.exact = false;
    }

    fn is_busy(&self) -> bool {
        self.measured.is_busy()
    }
}
