//! What a model says of where a path ends, asked all along exact paths: one point a path of a consistency model, of any other many.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Rect, Ui};

use crate::canvas::device::Dots;
use crate::canvas::paint::Layer;
use crate::canvas::{Mark, Role, Scene};
use crate::desk::Desk;
use crate::desk::run_slot::RunSlot;
use crate::widgets::chart::{Chart, Curve, chart_ui};
use crate::widgets::number::fixed;
use engine::{Cloud, Start};
use lab::experiment::Experiment;
use lab::message::{RunRequest, Slot, fresh_version};
use maths::diffusion::solver::{Plan, Sampler};
use maths::diffusion::target::Quantity;
use maths::measure::self_consistency::errors;

/// Paths that are measured.
const PATHS: u32 = 256;
/// Of these, those of which what is said is drawn.
const DRAWN: usize = 3;
/// Steps of the exact paths, and how many lie between two times at which the model is asked.
const STEPS: [u32; 2] = [32, 2];
/// A picture waits so long for an answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// Key of the starts: those of A and B are the same.
const SEED: u64 = 0x656E_6473;

/// What is said at one time of the paths.
#[derive(Clone)]
struct Frame {
    said: Vec<[f32; 2]>,
    /// Updates there were when it was asked for, or when it was answered.
    step: u64,
}

/// All of it, on one side.
pub(super) struct Said {
    paths: RunSlot<Arc<Experiment>>,
    asked: RunSlot<(u64, usize, u64)>,
    /// The paths that the frames are of.
    of: u64,
    /// By time, the noisiest first.
    frames: Vec<Option<Frame>>,
    /// The frame that is asked for.
    at: usize,
    /// Answers taken so far, and the last.
    round: u64,
    taken: u64,
    /// What was asked last, and since when.
    since: Option<((u64, usize, u64), Instant)>,
    /// Updates there were then.
    asked_at: u64,
    /// What is drawn, and its version.
    dots: (Arc<Vec<[f32; 2]>>, u64),
}

impl Default for Said {
    fn default() -> Self {
        Self {
            paths: RunSlot::new(Slot::EndedPaths),
            asked: RunSlot::new(Slot::SaidEnds),
            of: 0,
            frames: Vec::new(),
            at: 0,
            round: 0,
            taken: 0,
            since: None,
            asked_at: 0,
            dots: (Arc::default(), 0),
        }
    }
}

impl Said {
    /// Ask for what is missing, one time of the paths after the other, and take what is there.
    pub(super) fn keep(&mut self, desk: &Desk) {
        let snapshot = &desk.here.snapshot;
        // Paths of other pairs have no closed form.
        if !snapshot.experiment.is_plainly_paired() {
            (self.of, self.dots) = (0, <_>::default());
            self.frames.clear();
            return self.paths.end(desk);
        }
        let context = snapshot.experiment.plan_context();
        let [steps, every] = STEPS;
        self.paths
            .want(desk, snapshot.experiment.clone(), || RunRequest {
                start: Start::Noise(PATHS),
                seed: SEED,
                every,
                ..RunRequest::at(
                    Arc::default(),
                    Sampler::Heun.plan(steps, context, None),
                    true,
                )
            });
        let Some(paths) = self
            .paths
            .shown()
            .filter(|_| self.paths.is_answered())
            .cloned()
        else {
            return;
        };
        let (Some(host), count) = (&paths.host, paths.recording.particles) else {
            return;
        };
        let times = paths.recording.taus.len().saturating_sub(1);
        if self.of != paths.version {
            (self.of, self.at) = (paths.version, 0);
            self.frames = vec![None; times];
        }
        if self.asked.is_answered()
            && let Some(answer) = self
                .asked
                .shown()
                .filter(|answer| answer.version != self.taken)
            && let Some(all) = &answer.host
            && let Some(frame) = self.frames.get_mut(self.at)
        {
            *frame = Some(Frame {
                said: all[all.len().saturating_sub(count)..].to_vec(),
                step: self.asked_at.max(answer.step),
            });
            (self.taken, self.round) = (answer.version, self.round + 1);
            self.at = (self.at + 1) % times.max(1);
            let drawn = self.frames.iter().flatten();
            let drawn = drawn.flat_map(|frame| frame.said.iter().take(DRAWN).copied());
            self.dots = (Arc::new(drawn.collect()), fresh_version());
        }
        let is_news =
            |frame: &Option<Frame>| frame.as_ref().is_none_or(|f| f.step != snapshot.step);
        let Some(points) = host.get(self.at * count..(self.at + 1) * count) else {
            return;
        };
        if self.frames.get(self.at).is_some_and(is_news) {
            let tau = paths.recording.taus[self.at];
            let key = (self.of, self.at, self.round);
            if self.since.is_none_or(|(of, _)| of != key) {
                self.since = Some((key, Instant::now()));
                self.asked_at = snapshot.step;
            }
            self.asked.want(desk, key, || RunRequest {
                follow: false,
                ..RunRequest::at(
                    Arc::new(points.to_vec()),
                    Plan::field(context, tau, Quantity::X0),
                    false,
                )
            });
        }
    }

    /// What is said of the first paths, as dots.
    pub(super) fn draw(&self, scene: &mut Scene, desk: &Desk) {
        let palette = desk.palette();
        let (points, version) = &self.dots;
        if points.is_empty() {
            return;
        }
        let (color, radius) = (palette.learned, 3.2);
        let layer = Layer::Points {
            key: "said ends",
            cloud: Cloud::Host(points.clone()),
            version: *version,
            dots: Dots { color, radius },
        };
        scene.push(Role::Learned, layer);
        let words = format!("x̂₀ along {DRAWN} exact paths");
        scene.name(Role::Learned, Mark::Dot, color, words);
    }

    /// True while something is said for the first time: of a lab that does not answer nothing is.
    pub(super) fn is_busy(&self) -> bool {
        let missing = self.frames.iter().any(Option::is_none);
        missing && self.since.is_some_and(|(_, at)| at.elapsed() < PATIENCE)
    }

    /// True where something is said.
    pub(super) fn is_known(&self) -> bool {
        self.frames.iter().any(Option::is_some)
    }

    /// (t/T, distance to the ends), t/T rising.
    fn curve(&self) -> Vec<[f64; 2]> {
        let Some(paths) = self.paths.shown().filter(|paths| paths.version == self.of) else {
            return Vec::new();
        };
        let Some(host) = &paths.host else {
            return Vec::new();
        };
        let ends = &host[host.len().saturating_sub(paths.recording.particles)..];
        let known = paths.recording.taus.iter().zip(&self.frames);
        let known = known.filter_map(|(tau, frame)| Some((*tau, frame.as_ref()?)));
        let points = known.flat_map(|(tau, frame)| {
            errors(std::slice::from_ref(&frame.said), ends)
                .into_iter()
                .map(move |error| [tau, error])
        });
        let mut points: Vec<_> = points.collect();
        points.reverse();
        points
    }

    /// The chart of the distances, of both sides where both are shown.
    pub(super) fn chart_ui(&self, ui: &mut Ui, rect: Rect, desk: &mut Desk, twin: Option<&Self>) {
        let side = desk.side();
        let of = [(side, Some(self)), (side.other(), twin)];
        let curves: Vec<_> = of
            .into_iter()
            .filter_map(|(side, said)| {
                let points = said?.curve();
                let tau = desk.here.clock.tau;
                let near = |p: &&[f64; 2]| (p[0] - tau).abs();
                let now = points.iter().min_by(|a, b| near(a).total_cmp(&near(b)));
                Some(Curve {
                    color: desk.color(side),
                    now: now.map(|p| (p[1], fixed(p[1], 2))),
                    points,
                })
            })
            .collect();
        let most = curves
            .iter()
            .flat_map(|curve| &curve.points)
            .map(|p| p[1])
            .fold(1.0, f64::max);
        let chart = Chart {
            name: "Self-consistency along exact paths",
            title: "distance of x̂₀ to the end of the path, by t",
            range: [0.0, 1.05 * most],
            marks: &[(0.0, "0"), (1.0, "1")],
        };
        let palette = desk.palette();
        chart_ui(ui, rect, &chart, &curves, &mut desk.here.clock, palette);
    }

    /// The chapter closes.
    pub(super) fn leave(&mut self, desk: &Desk) {
        self.paths.leave(desk);
        self.asked.leave(desk);
    }
}
