//! Reverse: from pure noise to the data, every position a frame of one recorded run.

mod controls;
mod equations;
mod sheet;

pub use sheet::SHEET;

use std::sync::Arc;

use egui::{Color32, Context, Ui};

use crate::canvas::device::Dots;
use crate::canvas::motion::{FrameAt, Motion, MotionStyle, Projection, origin_color};
use crate::canvas::paint::Layer;
use crate::canvas::{Mark, Role, Scene};
use crate::chapters::Page;
use crate::chapters::shared::chain::{Chain, ChainWish, Field, frame_at};
use crate::chapters::shared::cloud::cloud_bounds;
use crate::clock::Clock;
use crate::desk::Desk;
use crate::desk::run_slot::RunSlot;
use crate::truths;
use crate::widgets::equation::Equation;
use crate::widgets::number::fixed;
use lab::choice::Choice;
use lab::experiment::Experiment;
use lab::message::Slot;
use maths::data::bounds::Bounds;
use maths::data::mixture::Mixture;
use maths::diffusion::solver::Sampler;
use maths::names::Words;

/// Fewest and most particles.
const PARTICLES: [u32; 2] = [500, 100_000];
/// Where the clock stands when the chapter opens first, if nobody has moved it: the data show through the noise.
const OPENING: f64 = 0.12;

/// How the chapter is called.
pub const WORDS: Words = Words {
    name: "reverse",
    title: "Reverse",
    symbol: "Reverse",
    short: "reverse",
    help: "a recorded chain from noise to data",
};

/// How the chapter shows things.
#[derive(Clone, Copy)]
pub(super) struct Show {
    /// Chosen when the chapter opens: an untrained network has nothing to show.
    field: Option<Field>,
    /// The sampler that is looked at; `None` for that of the live picture.
    sampler: Option<Choice>,
    particles: u32,
    by_origin: bool,
    density: bool,
    follow: bool,
    speed: f64,
    noise: u64,
}

impl Default for Show {
    fn default() -> Self {
        Self {
            field: None,
            sampler: None,
            particles: 2000,
            by_origin: true,
            density: false,
            follow: true,
            speed: 1.0,
            noise: 0,
        }
    }
}

/// The x_0 of each particle where they are given.
struct Clean {
    /// Of which data.
    of: Arc<Mixture>,
    /// By which noise.
    noise: u64,
    points: Arc<Vec<[f32; 2]>>,
}

/// The chapter's state.
pub struct Reverse {
    pub(super) show: Show,
    pub(super) hand: (),
    run: RunSlot<ChainWish>,
    clean: Option<Clean>,
}

impl Default for Reverse {
    fn default() -> Self {
        Self {
            show: Show::default(),
            hand: (),
            run: RunSlot::new(Slot::Reverse),
            clean: None,
        }
    }
}

impl Reverse {
    /// The sampler on show. Two experiments show their own.
    fn choice(&self, desk: &Desk, experiment: &Experiment) -> Choice {
        let exact = self.field(desk) != Field::Learned;
        let can = |own: &Choice| exact || experiment.can_sample_by(own.sampler);
        let own = self.show.sampler.filter(|_| !desk.is_split()).filter(can);
        own.unwrap_or_else(|| Choice::of(experiment))
    }

    /// Which x̂_0 the chain follows: before it was chosen, the exact one of an untrained network.
    fn field(&self, desk: &Desk) -> Field {
        let opening = || Field::exact(desk.here.snapshot.step == 0);
        self.show.field.unwrap_or_else(opening)
    }

    fn wish(&mut self, desk: &Desk) -> ChainWish {
        let field = self.field(desk);
        let chain = Chain {
            entrant: self.choice(desk, &desk.here.snapshot.experiment).into(),
            particles: self.show.particles,
            field,
            follow: self.show.follow,
            noise: self.show.noise,
        };
        let wish = ChainWish::new(desk, chain);
        if field == Field::Given {
            wish.led_to(self.clean(desk))
        } else {
            wish
        }
    }

    /// Draws of the data, one for each particle.
    fn clean(&mut self, desk: &Desk) -> Arc<Vec<[f32; 2]>> {
        let mixture = &desk.here.snapshot.dataset.mixture;
        let (particles, noise) = (self.show.particles, self.show.noise);
        let known = self.clean.take().filter(|clean| {
            let same = (clean.points.len(), clean.noise) == (particles as usize, noise);
            same && Arc::ptr_eq(&clean.of, mixture)
        });
        let clean = known.unwrap_or_else(|| Clean {
            of: mixture.clone(),
            noise,
            points: Arc::new(mixture.draw(particles as usize, noise)),
        });
        self.clean.insert(clean).points.clone()
    }
}

impl Page for Reverse {
    fn hint(&self) -> &'static str {
        "Drag the step from noise to data and back: colours tell where each began. DDPM's fresh noise mixes them."
    }

    fn equation(&self, desk: &Desk) -> Equation {
        equations::of(self.choice(desk, &desk.here.draft).sampler)
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        self.controls(ui, desk);
    }

    fn prepare(&mut self, _ctx: &Context, desk: &mut Desk) {
        if self.show.field.is_none() {
            self.show.field = Some(self.field(desk));
            if (desk.here.clock.tau - Clock::default().tau).abs() < 1e-9 {
                desk.here.clock.set(OPENING);
            }
        }
        let wish = self.wish(desk);
        self.run.want(desk, wish.clone(), || wish.request());
        desk.here.clock.speed = -self.show.speed;
    }

    fn scene(&self, _canvas: usize, desk: &Desk) -> Scene {
        let palette = desk.palette();
        let mut scene = Scene {
            outline: desk.here.snapshot.dataset.outline.clone(),
            ..Scene::default()
        };
        let Some(result) = self.run.shown_as_asked() else {
            return scene;
        };
        if self.show.density {
            truths::draw_density(&mut scene, desk);
        }
        let count = result.recording.particles;
        let alpha = (60.0 / (count as f32).sqrt()).clamp(0.3, 0.9);
        let alpha = alpha * desk.here.strength_of(result);
        let green = result.request.exact && !desk.one_canvas;
        let color = if result.request.given.is_some() {
            palette.truth
        } else if green {
            palette.exact
        } else {
            palette.learned
        };
        // The wheel of origins has all colours: on one canvas with the other experiment it would tell nothing.
        let by_origin = self.show.by_origin && !desk.one_canvas;
        let start_std = result.request.plan.start_std.max(1e-6) as f32;
        let drawn = MotionStyle::Frame {
            at: frame_at(result, desk.here.clock.tau),
            dots: Dots {
                color: color.gamma_multiply(alpha),
                radius: if count > 20_000 { 1.0 } else { 1.6 },
            },
            origin: by_origin.then_some((1.0 / start_std, palette.ink)),
        };
        let motion = Motion::of(
            "reverse",
            result,
            Projection::PLANE,
            desk.here.clock.tau,
            drawn,
        );
        let role = if result.request.exact {
            Role::Other
        } else {
            Role::Learned
        };
        scene.push(role, Layer::Motion(motion));
        let by = if result.request.given.is_some() {
            "chain with x_0 given".into()
        } else if result.request.exact {
            truths::exact(desk, "chain")
        } else {
            "learned chain".into()
        };
        let mark: Color32 = if by_origin {
            origin_color([2.0, 2.0], palette.ink)
        } else {
            color
        };
        let of = desk.here.update_of(result);
        // Of a noisy run the frame on show is the nearest one.
        let tau = if result.request.plan.is_noisy() {
            let FrameAt { first, .. } = frame_at(result, desk.here.clock.tau);
            result.recording.taus.get(first).copied().unwrap_or(0.0)
        } else {
            desk.here.clock.tau
        };
        let at_t = format!("{by} at t = {}{of}", fixed(tau, 2));
        scene.name(role, Mark::Dot, mark, at_t);
        scene.name(Role::Other, Mark::Dashes, palette.outline, "data");
        if self.show.density {
            truths::name_density(&mut scene, desk);
        }
        scene
    }

    fn waiting(&self) -> &'static str {
        if self.run.is_stopped() {
            "the run was stopped"
        } else {
            "the chain is being run"
        }
    }

    fn home(&self, desk: &Desk) -> Bounds {
        cloud_bounds(desk)
    }

    fn density_tau(&self, desk: &Desk) -> Option<f64> {
        self.show.density.then_some(desk.here.clock.tau)
    }

    fn generates(&self) -> bool {
        true
    }

    fn leave(&mut self, desk: &mut Desk) {
        self.run.leave(desk);
        desk.here.clock.speed = 1.0;
    }

    fn try_it(&mut self, index: usize, desk: &mut Desk) {
        match index {
            0 => {
                desk.here.clock.set(1.0);
                desk.here.clock.toggle();
            }
            1 => {
                let sampler = Sampler::Ddim { eta: 0.0 };
                self.show.sampler = Some(Choice {
                    sampler,
                    steps: 5,
                    placement: None,
                });
                self.show.field = Some(Field::Learned);
                desk.here.clock.set(0.0);
            }
            _ => {
                self.show.field = Some(Field::Exact);
                desk.here.clock.set(0.0);
            }
        }
    }

    fn is_tried(&self, index: usize, desk: &Desk) -> bool {
        let tau = desk.here.clock.tau;
        match index {
            0 => tau <= 0.001,
            1 => {
                tau < 0.05
                    && self.choice(desk, &desk.here.draft).steps <= 5
                    && self.run.shown_as_asked().is_some()
            }
            _ => {
                tau < 0.05
                    && self.show.field == Some(Field::Exact)
                    && self.run.shown_as_asked().is_some()
            }
        }
    }

    fn show_learned(&mut self) {
        self.show.field = Some(Field::Learned);
    }
}
