//! Algorithm 1 on show: the followed points of a batch, and how its lines are walked.

use egui::{Context, Painter, Shape, Stroke, vec2};

use super::table::{Cell, Column, Table, vector};
use super::walk::{UPDATE, Walk, after_in_training};
use crate::canvas::View;
use crate::chapters::shared::arrow::arrow;
use crate::desk::Desk;
use crate::theme::{Palette, strong_font};
use crate::widgets::number::grouped;
use lab::experiment::Experiment;
use lab::message::{Command, FollowedBatch, FollowedPoint, Status};
use maths::diffusion::target::{Combination, Target};
use std::sync::Arc;
use std::time::Duration;

/// Points of a batch that are followed.
pub(super) const FOLLOWED: u32 = 6;

/// The batch on show, of one side.
#[derive(Default)]
pub(super) struct Batch {
    held: Option<(Arc<FollowedBatch>, Arc<Experiment>)>,
    /// How many points were asked for, at which version of the snapshot.
    asked: Option<(u32, u64)>,
    /// How many updates the walk had asked for when this side did its last.
    done: Option<u64>,
}

/// ε̂ of a point, from whatever the network predicts.
pub(super) fn epsilon_hat(point: &FollowedPoint, target: Target) -> [f64; 2] {
    let Combination(of_x, of_output) = target.to_eps(point.scales);
    [0, 1].map(|axis| of_x * f64::from(point.x_t[axis]) + of_output * f64::from(point.output[axis]))
}

/// What the network is to predict of a point, and what it does, where that is another than ε.
fn in_the_targets_letters(point: &FollowedPoint, target: Target) -> Vec<(&'static str, [f64; 2])> {
    let (wanted, found) = match target {
        Target::Eps => return Vec::new(),
        Target::X0 => ("target x₀", "x_θ"),
        Target::V => ("target v", "v_θ"),
        Target::Score => ("target −ε/s", "s_θ"),
        Target::Velocity => ("target u", "u_θ"),
        Target::Edm => ("target F", "F_θ"),
    };
    let [target, output] = [point.target, point.output].map(|v| v.map(f64::from));
    vec![(wanted, target), (found, output)]
}

/// What the lines up to one have made known.
#[derive(Clone, Copy)]
struct Known {
    x_0: bool,
    t: bool,
    epsilon: bool,
    all: bool,
}

impl Known {
    fn by(line: usize) -> Self {
        let by = |first: usize| line == 0 || line >= first;
        Self {
            x_0: by(2),
            t: by(3),
            epsilon: by(4),
            all: by(UPDATE),
        }
    }
}

impl Batch {
    /// Let the lab follow so many points.
    pub(super) fn follow(&mut self, desk: &Desk, count: u32) {
        let snapshot = &desk.here.snapshot;
        let asked = (count, snapshot.version);
        if snapshot.follows != count && self.asked != Some(asked) && !desk.still {
            desk.send(Command::Follow(count));
            self.asked = Some(asked);
        }
    }

    /// The batch on show.
    pub(super) fn held(&self) -> Option<&FollowedBatch> {
        self.held.as_ref().map(|(batch, _)| &**batch)
    }

    /// True where the update that the batch on show is for has been done.
    pub(super) fn is_learned(&self, desk: &Desk) -> bool {
        self.held()
            .is_some_and(|batch| batch.step < desk.here.snapshot.step)
    }

    /// Take the batch that belongs to a line: up to the update that of the next one, after it that which it learned from.
    fn take(&mut self, desk: &Desk, walk: &mut Walk) {
        let snapshot = &desk.here.snapshot;
        if walk.line >= UPDATE {
            let still = |(batch, of): &(Arc<FollowedBatch>, Arc<Experiment>)| {
                let step = snapshot.step;
                (step == batch.step || step == batch.step + 1) && **of == *snapshot.experiment
            };
            if self.held.as_ref().is_some_and(still) {
                return;
            }
            // Somebody else trained, or changed what is trained.
            walk.line = 0;
        }
        let latest = snapshot.followed.as_ref();
        let next = |batch: &&Arc<FollowedBatch>| walk.line == 0 || batch.step == snapshot.step;
        self.held = latest
            .filter(next)
            .map(|batch| (batch.clone(), snapshot.experiment.clone()));
    }

    /// Walk the lines that were asked for as far as what they need is there, and take the step where one says so.
    pub(super) fn walk(&mut self, ctx: &Context, desk: &Desk, walk: &mut Walk, updates: &mut u64) {
        let done = *self.done.get_or_insert(*updates);
        let snapshot = &desk.here.snapshot;
        if matches!(snapshot.status, Status::Fault { .. }) {
            walk.stop();
        }
        if desk.any_training() {
            walk.line = 0;
        }
        let now = ctx.input(|i| i.time);
        walk.tick(now);
        self.take(desk, walk);
        while walk.waiting > 0 && self.may_go_on(desk, *walk) {
            walk.waiting -= 1;
            walk.line = after_in_training(walk.line);
            if walk.line == UPDATE {
                *updates += 1;
            }
            self.take(desk, walk);
        }
        if done != *updates {
            self.done = Some(*updates);
            desk.send(Command::StepOnce);
        }
        if let Some(pause) = walk.pause(now) {
            ctx.request_repaint_after(Duration::from_secs_f64(pause));
        }
    }

    fn may_go_on(&self, desk: &Desk, walk: Walk) -> bool {
        let next = |batch: &FollowedBatch| batch.step == desk.here.snapshot.step;
        let ready = match walk.line {
            1..UPDATE => self.held().is_some_and(next),
            UPDATE => self.is_learned(desk),
            _ => true,
        };
        ready && !desk.any_training()
    }

    /// Nothing is followed any more.
    pub(super) fn leave(&mut self, desk: &Desk) {
        desk.send(Command::Follow(0));
        *self = Self::default();
    }

    /// Draw the points as far as a line has come.
    pub(super) fn draw(&self, painter: &Painter, view: &View, desk: &Desk, line: usize) {
        let Some((batch, of)) = &self.held else {
            return;
        };
        let palette = desk.palette();
        let known = Known::by(line);
        for (number, point) in (1..).zip(&batch.points) {
            draw_point(painter, view, (point, of.target), known, palette);
            if known.x_0 {
                let at = view.to_screen(if known.all { point.x_t } else { point.x_0 });
                number_ui(painter, at, number, palette);
            }
        }
    }

    /// The numbers of the points, as far as a line has come.
    pub(super) fn table(&self, desk: &Desk, line: usize) -> Table {
        let palette = desk.palette();
        let column = |head, color, tip| Column { head, color, tip };
        let (noise, ink) = (palette.noise, palette.ink);
        let columns = vec![
            column("t", ink, "The timestep"),
            column("a", ink, "The signal's scale at t"),
            column("s", ink, "The noise's scale at t"),
            column("x₀", palette.data, "The clean point"),
            column("ε", noise, "The noise"),
            column("x_t", ink, "a x₀ + s ε"),
            column("ε̂", palette.learned, "The noise by the network"),
            column(
                "error",
                ink,
                "The point's part of the loss: the mean over both coordinates",
            ),
        ];
        let held = self.held.as_ref();
        let title = held.map_or_else(
            || "The next batch is on its way".to_owned(),
            |(batch, _)| {
                let points = batch.points.len();
                let update = grouped((batch.step + 1) as f64);
                format!("Points 1 to {points} of the batch of update {update}")
            },
        );
        let known = Known::by(line);
        let rows = held.map(|(batch, of)| {
            let row = |point: &FollowedPoint| {
                vec![
                    Cell::count(point.t.into()).when(known.t),
                    Cell::number(point.scales.a).when(known.t),
                    Cell::number(point.scales.s).when(known.t),
                    vector(point.x_0.map(f64::from)).when(known.x_0),
                    vector(point.epsilon.map(f64::from)).when(known.epsilon),
                    vector(point.x_t.map(f64::from)).when(known.all),
                    vector(epsilon_hat(point, of.target)).when(known.all),
                    Cell::number(point.error.into()).when(known.all),
                ]
            };
            batch.points.iter().map(row).collect()
        });
        let more = held.filter(|_| known.all).map(|(batch, of)| {
            let of_point = |point| in_the_targets_letters(point, of.target);
            batch.points.iter().map(of_point).collect()
        });
        Table {
            title,
            columns,
            rows: rows.unwrap_or_default(),
            more: more.unwrap_or_default(),
        }
    }
}

/// One point: where it is clean, the noise that is added, and the noise that the network sees in the sum.
fn draw_point(
    painter: &Painter,
    view: &View,
    (point, target): (&FollowedPoint, Target),
    known: Known,
    palette: &Palette,
) {
    let clean = view.to_screen(point.x_0);
    let shrunk = view.to_screen(point.x_0.map(|v| point.scales.a as f32 * v));
    let noised = view.to_screen(point.x_t);
    if known.t {
        painter.line_segment([clean, shrunk], (1.0, palette.data.gamma_multiply(0.5)));
    }
    if known.epsilon {
        arrow(painter, shrunk, noised, 2.0, palette.noise);
    }
    if known.all {
        let hat = epsilon_hat(point, target);
        let tail = [0, 1].map(|axis| point.x_t[axis] - (point.scales.s * hat[axis]) as f32);
        let tail = view.to_screen(tail);
        painter.extend(Shape::dashed_line(
            &[shrunk, tail],
            Stroke::new(1.2, palette.ink),
            2.5,
            3.0,
        ));
        arrow(painter, tail, noised, 2.0, palette.learned);
        painter.circle(noised, 4.0, palette.canvas, (1.8, palette.ink));
    }
    if known.x_0 {
        painter.circle(clean, 4.5, palette.data, (1.5, palette.canvas));
    }
}

/// The number of a point, beside it.
pub(super) fn number_ui(painter: &Painter, at: egui::Pos2, number: usize, palette: &Palette) {
    let at = at + vec2(11.0, -11.0);
    painter.circle(
        at,
        8.0,
        palette.panel.gamma_multiply(0.9),
        (1.0, palette.line),
    );
    painter.text(
        at,
        egui::Align2::CENTER_CENTER,
        number.to_string(),
        strong_font(11.0),
        palette.ink,
    );
}
