//! Algorithm: training and sampling line by line as they stand in the paper (Ho et al. 2020), on what runs.

mod batch;
mod chain;
mod controls;
mod sheet;
mod table;
mod walk;

pub use sheet::SHEET;

use egui::{Context, Ui};

use self::batch::{Batch, FOLLOWED};
use self::chain::{At, Chain, Place};
use self::walk::{Program, Speed, Walk, to_move, to_update};
use crate::canvas::{Mark, Role, Scene, View};
use crate::chapters::Page;
use crate::desk::{Desk, Door};
use crate::equations::algorithms;
use crate::truths;
use crate::widgets::equation::Equation;
use crate::widgets::equation::Lit;
use lab::message::{Command, Side};
use maths::data::bounds::Bounds;
use maths::diffusion::schedule::Scales;
use maths::diffusion::solver::Variance;
use maths::names::Words;

/// How the chapter is called.
pub const WORDS: Words = Words {
    name: "algorithm",
    title: "Algorithm",
    symbol: "Algorithm",
    short: "algorithm",
    help: "training and sampling line by line, with their numbers",
};

/// How the chapter shows things.
#[derive(Clone, Copy, Debug)]
pub(super) struct Show {
    program: Program,
    speed: Speed,
    /// Where algorithm 1 stands, and how many updates it asked for.
    training: Walk,
    updates: u64,
    /// Where algorithm 2 stands.
    sampling: Place,
    variance: Variance,
    noise: u64,
}

impl Default for Show {
    fn default() -> Self {
        Self {
            program: Program::default(),
            speed: Speed::default(),
            training: Walk::default(),
            updates: 0,
            sampling: Place::default(),
            variance: Variance::Beta,
            noise: 0,
        }
    }
}

/// The chapter's state.
#[derive(Default)]
pub struct Algorithm {
    pub(super) show: Show,
    pub(super) hand: (),
    batch: Batch,
    chain: Chain,
    /// t/T of the clock as sampling left it; `None` where another program was on show.
    clock_left: Option<f64>,
}

impl Algorithm {
    fn timesteps(desk: &Desk) -> u32 {
        desk.here.snapshot.experiment.timesteps
    }

    /// Where somebody moved the clock, the chain of algorithm 2 goes there.
    fn go_by_the_clock(&mut self, desk: &Desk) {
        let (timesteps, tau) = (Self::timesteps(desk), desk.here.clock.tau);
        if self.clock_left.is_none_or(|left| (left - tau).abs() > 1e-9) {
            let t = (tau * f64::from(timesteps)).round() as u32;
            let t = t.clamp(1, timesteps);
            if t != self.show.sampling.t(timesteps) {
                self.show.sampling.put(t);
            }
            self.clock_left = Some(tau);
        }
    }

    /// And the clock goes with the chain.
    fn set_the_clock(&mut self, desk: &mut Desk) {
        let timesteps = Self::timesteps(desk);
        let left = self.clock_left.unwrap_or(desk.here.clock.tau);
        let t = self.show.sampling.t(timesteps);
        // A clock between two steps stays there.
        if t != ((left * f64::from(timesteps)).round() as u32).clamp(1, timesteps) {
            let tau = f64::from(t) / f64::from(timesteps);
            desk.here.clock.set(tau);
            self.clock_left = Some(desk.here.clock.tau);
        }
    }

    /// The step of algorithm 2 that is on show, and its line.
    fn step(&self, desk: &Desk) -> (At, usize) {
        let context = desk.here.snapshot.experiment.plan_context();
        let t = self.show.sampling.t(context.timesteps);
        let at = At::of(context, self.show.variance, t);
        (at, self.show.sampling.walk.line)
    }

    /// True while what is on show goes on by itself.
    fn is_running(&self, desk: &Desk) -> bool {
        match self.show.program {
            Program::Training => desk.any_training() || self.show.training.slow,
            Program::Sampling => self.show.sampling.running || self.show.sampling.walk.slow,
        }
    }

    fn toggle(&mut self, desk: &Desk) {
        if self.is_running(desk) {
            self.stop(desk);
        } else {
            self.start(desk);
        }
    }

    /// What runs goes on at the other speed.
    fn change_speed(&mut self, desk: &Desk) {
        self.stop(desk);
        self.start(desk);
    }

    fn start(&mut self, desk: &Desk) {
        match (self.show.program, self.show.speed) {
            (Program::Training, Speed::Slow) => self.show.training.start(),
            (Program::Training, Speed::Run) => {
                self.show.training.line = 0;
                desk.order(Command::Play);
            }
            (Program::Sampling, Speed::Slow) => self.show.sampling.walk.start(),
            (Program::Sampling, Speed::Run) => self.show.sampling.run(),
        }
    }

    fn stop(&mut self, desk: &Desk) {
        match self.show.program {
            Program::Sampling => self.show.sampling.stop(),
            Program::Training => {
                self.show.training.stop();
                if desk.any_training() {
                    desk.order(Command::Pause);
                }
            }
        }
    }

    /// The next line.
    fn one_line(&mut self, desk: &Desk) {
        let waiting = self.show.training.waiting;
        self.stop(desk);
        match self.show.program {
            Program::Training => self.show.training.waiting = waiting + 1,
            Program::Sampling => self.show.sampling.walk.waiting = 1,
        }
    }

    /// All lines up to the next update, or the next x_{t−1}.
    fn one_step(&mut self, desk: &Desk) {
        self.stop(desk);
        match self.show.program {
            Program::Training => {
                self.show.training.waiting = to_update(self.show.training.line);
            }
            Program::Sampling => {
                let (at, line) = self.step(desk);
                self.show.sampling.walk.waiting = to_move((line, at.t), Self::timesteps(desk));
            }
        }
    }

    /// How a line stands.
    fn lit(&self, desk: &Desk, line: usize) -> Lit {
        let (fast, now) = match self.show.program {
            Program::Training => (desk.here.is_training(), self.show.training.line),
            Program::Sampling => (self.show.sampling.running, self.show.sampling.walk.line),
        };
        match (fast, line == now) {
            (true, _) => Lit::Faint,
            (false, true) => Lit::Now,
            (false, false) => Lit::Off,
        }
    }
}

impl Page for Algorithm {
    fn hint(&self) -> &'static str {
        match self.show.program {
            Program::Training => {
                "Take the training line by line: which points it draws, what it adds, and by how much it errs. Space plays."
            }
            Program::Sampling => {
                "Follow six particles from noise to data, line by line: each number of line 4 stands below. Space plays."
            }
        }
    }

    fn equation(&self, _desk: &Desk) -> Equation {
        let [.., last, _] = algorithms::training();
        last
    }

    /// The lines stand among the controls.
    fn equations(&self, _desk: &Desk) -> Vec<(Option<(Side, String)>, Equation)> {
        Vec::new()
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        self.controls(ui, desk);
    }

    fn prepare(&mut self, ctx: &Context, desk: &mut Desk) {
        if desk.still {
            return;
        }
        match self.show.program {
            Program::Training => {
                self.clock_left = None;
                self.chain.leave(desk);
                self.batch.follow(desk, FOLLOWED);
                let Show {
                    training, updates, ..
                } = &mut self.show;
                self.batch.walk(ctx, desk, training, updates);
            }
            Program::Sampling => {
                self.batch.follow(desk, 0);
                self.go_by_the_clock(desk);
                let Show {
                    sampling,
                    variance,
                    noise,
                    ..
                } = &mut self.show;
                self.chain.walk(ctx, desk, (sampling, *variance, *noise));
                self.set_the_clock(desk);
            }
        }
    }

    fn scene(&self, _canvas: usize, desk: &Desk) -> Scene {
        let palette = desk.palette();
        let mut scene = Scene {
            outline: desk.here.snapshot.dataset.outline.clone(),
            ..Scene::default()
        };
        truths::draw_density(&mut scene, desk);
        let (learned, noise) = (palette.learned, palette.noise);
        match self.show.program {
            Program::Training => {
                scene.name(Role::Other, Mark::Dot, palette.data, "x₀");
                scene.name(Role::Other, Mark::Line, noise, "s ε, added");
                scene.name(Role::Other, Mark::Dot, palette.ink, "x_t (ring)");
                scene.name(Role::Learned, Mark::Line, learned, "s ε̂, predicted");
                scene.name(Role::Other, Mark::Line, palette.ink, "error (dashed)");
            }
            Program::Sampling => {
                scene.name(Role::Other, Mark::Dot, palette.ink, "x_t");
                scene.name(Role::Learned, Mark::Line, learned, "to x̂₀ (ring)");
                scene.name(Role::Other, Mark::Line, noise, "σ z, added");
                scene.name(Role::Learned, Mark::Dot, learned, "x_{t−1}");
            }
        }
        truths::name_density(&mut scene, desk);
        scene.name(Role::Other, Mark::Dashes, palette.outline, "data");
        scene
    }

    fn overlay_ui(&self, ui: &mut Ui, view: &View, desk: &Desk) {
        let painter = ui.painter_at(view.rect.intersect(ui.clip_rect()));
        match self.show.program {
            Program::Training => self
                .batch
                .draw(&painter, view, desk, self.show.training.line),
            Program::Sampling => self.chain.draw(&painter, view, desk, self.step(desk)),
        }
    }

    /// Where variance explodes, x_t lies far outside the data: of a batch whose t are of all sizes the middle, of a chain
    /// where it is.
    fn home(&self, desk: &Desk) -> Bounds {
        let experiment = &desk.here.snapshot.experiment;
        let reach = match self.show.program {
            Program::Training => experiment.schedule.prior_std(experiment.timesteps).sqrt(),
            Program::Sampling => {
                let Scales { a, s } = self.step(desk).0.now;
                a.hypot(s)
            }
        };
        Bounds {
            min: [-3.0, -2.5],
            max: [3.0, 2.5],
        }
        .scaled(reach.max(1.0) as f32)
    }

    fn density_tau(&self, _desk: &Desk) -> Option<f64> {
        Some(0.0)
    }

    fn plots_height(&self, _available: f32) -> f32 {
        table::height(FOLLOWED)
    }

    fn plots_ui(&mut self, ui: &mut Ui, desk: &mut Desk, _twin: Option<&mut Self>) {
        let palette = desk.palette();
        let mut table = match self.show.program {
            Program::Training => self.batch.table(desk, self.show.training.line),
            Program::Sampling => self.chain.table(desk, self.step(desk)),
        };
        let mut color = palette.ink;
        if desk.is_split() {
            table.title = format!("{}: {}", desk.side().letter(), table.title);
            color = palette.learned;
        }
        table.show(ui, color, palette);
    }

    fn play(&mut self, desk: &mut Desk) {
        self.toggle(desk);
    }

    fn reset(&mut self, desk: &mut Desk) {
        match self.show.program {
            Program::Training => desk.order(Command::Reset),
            Program::Sampling => self.show.sampling.begin(),
        }
    }

    fn try_it(&mut self, index: usize, _desk: &mut Desk) {
        self.show.program = if index == 0 {
            Program::Training
        } else {
            Program::Sampling
        };
    }

    fn is_tried(&self, index: usize, _desk: &Desk) -> bool {
        (self.show.program == Program::Training) == (index == 0)
    }

    fn come_in(&mut self, door: Door) {
        self.show.program = match door {
            Door::Training => Program::Training,
            Door::Sampling => Program::Sampling,
        };
    }

    fn leave(&mut self, desk: &mut Desk) {
        self.show.training = Walk::default();
        self.show.sampling.stop();
        self.batch.leave(desk);
        self.chain.leave(desk);
    }
}
