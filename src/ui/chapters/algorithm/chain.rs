//! Algorithm 2 on show: a chain of a few particles, recorded once and stepped through.

use egui::{Context, Painter, Shape, Stroke};
use std::time::Duration;

use super::batch::number_ui;
use super::table::{Cell, Column, Table, vector};
use super::walk::{LAST, MOVE, Walk, after_in_sampling};
use crate::canvas::View;
use crate::chapters::shared::arrow::arrow;
use crate::desk::Desk;
use crate::desk::run_slot::RunSlot;
use crate::widgets::number::grouped;
use engine::Start;
use lab::message::{RunRequest, RunResult, Slot};
use maths::data::bounds::Bounds;
use maths::diffusion::schedule::Scales;
use maths::diffusion::solver::{Factors, PlanContext, Variance};
use maths::philox::{Stream, normal};

/// Particles of a chain.
pub(super) const PARTICLES: u32 = 6;
/// Seconds from x_T to x_0 where it runs.
const SWEEP: f64 = 8.0;
/// Steps of the way that is drawn behind a particle.
const TRAIL: usize = 40;

/// Where the chain stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) walk: Walk,
    /// The t of the present line; `None` until somebody went somewhere.
    t: Option<u32>,
    /// It runs, too fast for lines.
    pub(super) running: bool,
    /// When the last frame was, and the part of a step that was left over.
    last: Option<f64>,
    left: f64,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            walk: Walk::at(MOVE),
            t: None,
            running: false,
            last: None,
            left: 0.0,
        }
    }
}

impl Place {
    /// t, at a quarter of the way to begin with: there the data show through the noise.
    pub(super) fn t(&self, timesteps: u32) -> u32 {
        self.t
            .unwrap_or(timesteps.div_ceil(4))
            .clamp(1, timesteps.max(1))
    }

    /// Stand at the move of a step.
    pub(super) fn put(&mut self, t: u32) {
        self.stop();
        (self.t, self.walk.line) = (Some(t), MOVE);
    }

    /// Stand at the beginning.
    pub(super) fn begin(&mut self) {
        self.stop();
        (self.t, self.walk.line) = (Some(u32::MAX), 1);
    }

    /// Stand still.
    pub(super) fn stop(&mut self) {
        self.walk.stop();
        self.running = false;
    }

    /// Run on, from the end on from the beginning.
    pub(super) fn run(&mut self) {
        if self.walk.line == LAST {
            self.put(u32::MAX);
        }
        (self.running, self.last, self.left) = (true, None, 0.0);
    }

    /// Go on to the present.
    fn tick(&mut self, ctx: &Context, timesteps: u32, software: bool) {
        let now = ctx.input(|i| i.time);
        let t = self.t(timesteps);
        if self.running {
            let elapsed = self.last.map_or(0.0, |last| (now - last).clamp(0.0, 0.25));
            self.last = Some(now);
            self.left += elapsed * f64::from(timesteps) / SWEEP;
            let whole = self.left.floor();
            self.left -= whole;
            let steps = whole as u32;
            if steps >= t {
                (self.t, self.walk.line) = (Some(1), LAST);
                self.running = false;
            } else {
                (self.t, self.walk.line) = (Some(t - steps), MOVE);
                ctx.request_repaint_after(Duration::from_millis(if software { 50 } else { 1 }));
            }
            return;
        }
        self.walk.tick(now);
        let mut at = (self.walk.line, t);
        while self.walk.waiting > 0 {
            self.walk.waiting -= 1;
            at = after_in_sampling(at, timesteps);
            if at.0 == LAST {
                self.walk.stop();
            }
            (self.walk.line, self.t) = (at.0, Some(at.1));
        }
        if let Some(pause) = self.walk.pause(now) {
            ctx.request_repaint_after(Duration::from_secs_f64(pause));
        }
    }
}

/// What a chain depends on.
#[derive(Clone, Copy, PartialEq)]
struct Wish {
    context: PlanContext,
    clip: Option<Bounds>,
    variance: Variance,
    seed: u64,
    /// Updates of the weights; while they are trained, those of the last rest.
    step: u64,
}

/// The chain of one side.
pub(super) struct Chain {
    run: RunSlot<Wish>,
    step: Option<u64>,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            run: RunSlot::new(Slot::Algorithm),
            step: None,
        }
    }
}

/// One step of one particle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) x_t: [f64; 2],
    /// x̂_0, clipped where samplers clip.
    pub(super) x_0: [f64; 2],
    /// The noise that x̂_0 leaves in x_t.
    pub(super) epsilon: [f64; 2],
    pub(super) z: [f64; 2],
    pub(super) next: [f64; 2],
}

/// The scales of a step and its factors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct At {
    pub(super) t: u32,
    pub(super) now: Scales,
    pub(super) next: Scales,
    pub(super) factors: Factors,
}

impl At {
    /// Of an experiment's schedule.
    pub(super) fn of(context: PlanContext, variance: Variance, t: u32) -> Self {
        let scales = |t: u32| {
            let tau = f64::from(t) / f64::from(context.timesteps);
            context.schedule.scales(tau, context.timesteps)
        };
        let (now, next) = (scales(t), scales(t - 1));
        Self {
            t,
            now,
            next,
            factors: variance.step(now, next),
        }
    }

    /// α_t = ᾱ_t/ᾱ_{t−1}.
    pub(super) fn alpha(&self) -> f64 {
        (self.now.a / self.next.a).powi(2)
    }
}

impl Chain {
    /// Ask for the chain, and go on through it.
    pub(super) fn walk(
        &mut self,
        ctx: &Context,
        desk: &Desk,
        (place, variance, noise): (&mut Place, Variance, u64),
    ) {
        let snapshot = &desk.here.snapshot;
        let experiment = &snapshot.experiment;
        if !desk.here.is_training() {
            self.step = Some(snapshot.step);
        }
        let clip = experiment
            .clip
            .then_some(snapshot.dataset.clip_box(experiment.fresh));
        let wish = Wish {
            context: experiment.plan_context(),
            clip,
            variance,
            seed: experiment.seed.wrapping_add(noise),
            step: *self.step.get_or_insert(snapshot.step),
        };
        self.run.want(desk, wish, || RunRequest {
            plan: variance.line_by_line(wish.context, clip),
            start: Start::Noise(PARTICLES),
            seed: wish.seed,
            exact: false,
            every: 1,
            follow: false,
            read_back: true,
            given: None,
            guidance: None,
        });
        if self.shown().is_some() {
            place.tick(ctx, experiment.timesteps, desk.software);
        }
    }

    /// The chain, recorded.
    pub(super) fn shown(&self) -> Option<&RunResult> {
        self.run.shown_as_asked().map(|result| &**result)
    }

    /// True while it is being run.
    pub(super) fn is_busy(&self, desk: &Desk) -> bool {
        self.run.progress(desk).is_some()
    }

    /// Nothing is asked for any more.
    pub(super) fn leave(&mut self, desk: &Desk) {
        self.run.end(desk);
        self.step = None;
    }

    /// A frame of all particles: the start, x̂_0 at it, x_{T−1}, and so on.
    fn frame(result: &RunResult, frame: usize) -> Option<&[[f32; 2]]> {
        let count = result.recording.particles;
        result
            .host
            .as_ref()?
            .get(frame * count..(frame + 1) * count)
    }

    /// The step at t of each particle.
    pub(super) fn steps(&self, at: At) -> Option<Vec<Step>> {
        let result = self.shown()?;
        let timesteps = result.request.plan.steps.len() / 2;
        let first = 2 * timesteps.checked_sub(at.t as usize)?;
        let [before, estimates, after] = [0, 1, 2].map(|frame| Self::frame(result, first + frame));
        let (before, estimates, after) = (before?, estimates?, after?);
        let of = |index: usize| {
            let [x_t, x_0, next] = [before, estimates, after].map(|all| all[index].map(f64::from));
            let z = if at.factors.z == 0.0 {
                [0.0; 2]
            } else {
                let stage = (first + 1) as u32;
                normal(
                    result.request.seed,
                    Stream::SamplerNoise,
                    stage,
                    index as u32,
                )
                .map(f64::from)
            };
            Step {
                x_t,
                x_0,
                epsilon: [0, 1].map(|axis| (x_t[axis] - at.now.a * x_0[axis]) / at.now.s),
                z,
                next,
            }
        };
        Some((0..before.len()).map(of).collect())
    }

    /// The last places of a particle up to x_t.
    fn way(result: &RunResult, index: usize, taken: usize) -> Vec<[f32; 2]> {
        (taken.saturating_sub(TRAIL)..=taken)
            .filter_map(|step| Self::frame(result, 2 * step)?.get(index).copied())
            .collect()
    }

    /// Draw the particles as far as a line has come.
    pub(super) fn draw(
        &self,
        painter: &Painter,
        view: &View,
        desk: &Desk,
        (at, line): (At, usize),
    ) {
        let (Some(result), Some(steps)) = (self.shown(), self.steps(at)) else {
            return;
        };
        let palette = desk.palette();
        let place = |p: [f64; 2]| view.to_screen(p.map(|v| v as f32));
        let taken = result.request.plan.steps.len() / 2 - at.t as usize;
        for (index, step) in steps.iter().enumerate() {
            let way = Self::way(result, index, taken);
            let way = way.into_iter().map(|p| view.to_screen(p)).collect();
            painter.line(way, Stroke::new(1.0, palette.noise.gamma_multiply(0.45)));
            let (here, next) = (place(step.x_t), place(step.next));
            let known = (MOVE..LAST).contains(&line);
            if known {
                let estimate = place(step.x_0);
                let stroke = Stroke::new(1.2, palette.learned.gamma_multiply(0.8));
                painter.extend(Shape::dashed_line(&[here, estimate], stroke, 3.0, 3.0));
                painter.circle_stroke(estimate, 4.0, (1.5, palette.learned));
                let mean = [0, 1]
                    .map(|axis| at.factors.x * step.x_t[axis] + at.factors.x_0 * step.x_0[axis]);
                arrow(painter, place(mean), next, 1.6, palette.noise);
            }
            if line == LAST {
                painter.circle(next, 5.0, palette.learned, (1.5, palette.canvas));
                number_ui(painter, next, index + 1, palette);
                continue;
            }
            painter.circle(here, 4.5, palette.ink, (1.5, palette.canvas));
            if known {
                painter.circle(next, 3.5, palette.learned, (1.2, palette.canvas));
            }
            number_ui(painter, here, index + 1, palette);
        }
    }

    /// The numbers of the particles, as far as a line has come.
    pub(super) fn table(&self, desk: &Desk, (at, line): (At, usize)) -> Table {
        let palette = desk.palette();
        let column = |head, color, tip| Column { head, color, tip };
        let (noise, learned) = (palette.noise, palette.learned);
        let columns = vec![
            column("x_t", palette.ink, "Where the particle is"),
            column(
                "ε̂",
                learned,
                "The noise by the network; after the clip of x̂₀, what that leaves",
            ),
            column("x̂₀", learned, "(x_t − s ε̂)/a"),
            column("z", noise, "Fresh noise"),
            column("x_{t−1}", learned, "Where line 4 puts it"),
        ];
        let rows = self.steps(at).map(|steps| {
            let row = |step: &Step| {
                let moved = line >= MOVE;
                vec![
                    vector(step.x_t),
                    vector(step.epsilon).when(moved),
                    vector(step.x_0).when(moved),
                    vector(step.z).when(line >= 3),
                    vector(step.next).when(moved),
                ]
            };
            steps.iter().map(row).collect::<Vec<Vec<Cell>>>()
        });
        let title = if rows.is_some() {
            let t = grouped(at.t.into());
            format!("{PARTICLES} particles at t = {t}")
        } else {
            "The chain is being run".to_owned()
        };
        Table {
            title,
            columns,
            rows: rows.unwrap_or_default(),
            more: Vec::new(),
        }
    }
}
