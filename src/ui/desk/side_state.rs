//! What the window keeps of one experiment: its latest snapshot, its clock, its cameras, and what the controls show.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::canvas::camera::Camera;
use crate::clock::Clock;
use crate::widgets::number::grouped;
use engine::network::layout::NetworkShape;
use lab::experiment::Experiment;
use lab::message::{DensityView, RunResult, Snapshot, Status};
use maths::data::bounds::Bounds;
use maths::data::labels::Labels;
use maths::diffusion::log_snr::LogSnr;
use maths::diffusion::schedule::{Scales, Schedule};

/// How long the controls show what was asked for before they show what the worker made of it.
const PATIENCE: Duration = Duration::from_secs(2);
/// Cells per side of the density: fewest and most.
const DENSITY_CELLS: [f64; 2] = [48.0, 256.0];

/// The canvas of somebody who draws. Its camera is apart from the chapter's: its units are those of the drawing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Easel {
    /// Where the hand moved it; `None` where it did not.
    camera: Option<Camera>,
}

/// One experiment as the window sees it.
#[derive(Clone)]
pub struct SideState {
    /// The latest snapshot, the same for the whole frame.
    pub snapshot: Arc<Snapshot>,
    /// The experiment as the controls show it: what runs, or what was just asked for.
    pub draft: Experiment,
    /// The network as the controls show it; it differs from the draft's until the user agrees to start anew.
    pub draft_shape: NetworkShape,
    asked_at: Option<Instant>,
    /// A schedule that is only looked at; without one that of the experiment is.
    pub viewed: Option<Schedule>,
    /// t/T in all chapters.
    pub clock: Clock,
    /// Where the hand moved each chapter's canvas; without an entry it shows the chapter's home.
    pub cameras: HashMap<&'static str, Camera>,
    /// There while somebody draws.
    pub easel: Option<Easel>,
    density_asked: Option<DensityView>,
    /// The user's own schedule: the one that is trained by, or the last that was.
    pub own_schedule: LogSnr,
}

impl SideState {
    /// The side of an experiment.
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        let draft = Experiment::clone(&snapshot.experiment);
        Self {
            draft_shape: draft.shape(),
            draft,
            snapshot,
            asked_at: None,
            viewed: None,
            clock: Clock::default(),
            cameras: HashMap::new(),
            easel: None,
            density_asked: None,
            own_schedule: LogSnr::default(),
        }
    }

    /// A side beside this one for another experiment: same clock, same cameras.
    pub(super) fn beside(&self, snapshot: Arc<Snapshot>) -> Self {
        let (cameras, own_schedule) = (self.cameras.clone(), self.own_schedule);
        Self {
            clock: self.clock,
            cameras,
            own_schedule,
            ..Self::new(snapshot)
        }
    }

    /// Where the canvas of a chapter looks, if the hand moved it.
    pub fn camera(&self, chapter: &str) -> Option<Camera> {
        match self.easel {
            Some(easel) => easel.camera,
            None => self.cameras.get(chapter).copied(),
        }
    }

    /// The hand moved the canvas of a chapter, or brought it home.
    pub fn look(&mut self, chapter: &'static str, camera: Option<Camera>) {
        match (&mut self.easel, camera) {
            (Some(easel), camera) => easel.camera = camera,
            (None, Some(camera)) => drop(self.cameras.insert(chapter, camera)),
            (None, None) => drop(self.cameras.remove(chapter)),
        }
    }

    /// Take the latest snapshot, once a frame. What the worker runs replaces what the controls show, unless something
    /// was asked for a moment ago.
    pub(super) fn take_news(&mut self, snapshot: Arc<Snapshot>) {
        let answered = *snapshot.experiment == self.draft;
        let waiting = !answered && self.asked_at.is_some_and(|at| at.elapsed() < PATIENCE);
        if answered {
            self.asked_at = None;
        } else if !waiting {
            // A network that was chosen and not yet agreed to stays chosen.
            if self.draft_shape == self.draft.shape() {
                self.draft_shape = snapshot.experiment.shape();
            }
            self.draft = Experiment::clone(&snapshot.experiment);
            // And the labels that it was to learn are those of these data.
            if self.draft_shape.classes > 0 {
                let labels = snapshot.dataset.labels.as_ref();
                self.draft_shape.classes = labels.map_or(0, Labels::count);
            }
        }
        self.snapshot = snapshot;
        if let Schedule::Custom(own) = self.draft.schedule {
            self.own_schedule = own;
        }
    }

    /// Something was asked for: the controls show it until the answer comes.
    pub(super) fn asked(&mut self) {
        self.asked_at = Some(Instant::now());
    }

    /// Another experiment takes this place: what the controls show follows it at once.
    pub(super) fn forget_asking(&mut self) {
        self.asked_at = None;
        self.draft_shape = self.draft.shape();
    }

    /// True while the worker trains it.
    pub fn is_training(&self) -> bool {
        self.snapshot.status == Status::Training
    }

    /// True where what was made by weights of this update is older than a second of training.
    pub fn is_old(&self, update: u64) -> bool {
        self.is_older(update, 1.0)
    }

    /// True where what was made by weights of this update is older than so many seconds of training.
    fn is_older(&self, update: u64, secs: f64) -> bool {
        let Snapshot {
            step,
            trained_secs,
            steps_per_sec,
            ..
        } = *self.snapshot;
        // Paused there is no rate: that of the whole training stands for it.
        let in_a_second = if steps_per_sec > 0.0 {
            steps_per_sec
        } else {
            step as f64 / trained_secs.max(1e-3)
        };
        step.saturating_sub(update) as f64 > (secs * in_a_second).max(1.0)
    }

    /// What a legend adds to the name of a run's picture: of which update its weights are, and of which the present ones are where
    /// that is long ago. The exact field has none.
    pub fn update_of(&self, result: &RunResult) -> String {
        if result.request.exact {
            return String::new();
        }
        let update = grouped(result.step as f64);
        if self.is_old(result.step) {
            let now = grouped(self.snapshot.step as f64);
            format!(", update {update} of {now}")
        } else {
            format!(", update {update}")
        }
    }

    /// How strongly a run's picture is drawn, 0 to 1: fainter where its weights are old, and faintly where a newer picture is overdue. One
    /// that takes its time is renewed as its share of the time allows, and would else always be faint.
    pub fn strength_of(&self, result: &RunResult) -> f32 {
        /// Between two pictures a training has some ten times as long as a picture takes; twice that beside another one.
        const OVERDUE: f64 = 30.0;
        if result.request.exact || !self.is_old(result.step) {
            1.0
        } else if self.is_older(result.step, OVERDUE * result.secs) {
            0.4
        } else {
            0.75
        }
    }

    /// (a, s) of the schedule that is looked at, at the clock.
    pub fn scales(&self) -> Scales {
        self.scales_at(self.clock.tau)
    }

    /// The schedule that is looked at.
    pub fn schedule(&self) -> Schedule {
        self.viewed.unwrap_or(self.draft.schedule)
    }

    /// (a, s) of the schedule that is looked at, at t/T.
    pub fn scales_at(&self, tau: f64) -> Scales {
        self.schedule().scales(tau, self.draft.timesteps)
    }

    /// The density to ask for at t/T over what is visible; `None` where what was asked for last serves. While something
    /// moves, a coarser grid will do.
    pub(super) fn wanted_density(
        &mut self,
        tau: f64,
        visible: Bounds,
        moving: bool,
    ) -> Option<DensityView> {
        let scales = self.scales_at(tau);
        let sigma = self
            .snapshot
            .dataset
            .mixture
            .components
            .iter()
            .map(|c| f64::from(c.sigma))
            .fold(1.0, f64::min);
        let detail = (scales.a * sigma).hypot(scales.s);
        let view = density_view(self.density_asked, scales, visible, detail, moving);
        let known = self.density_asked == Some(view);
        self.density_asked = Some(view);
        (!known).then_some(view)
    }
}

/// The box and grid that serve a view: the last box where it holds what is visible and is not much larger, and cells
/// no wider than 0.6 of the smallest detail (a standard deviation, data units).
fn density_view(
    last: Option<DensityView>,
    scales: Scales,
    visible: Bounds,
    detail: f64,
    moving: bool,
) -> DensityView {
    let extent = |b: Bounds| f64::from((b.max[0] - b.min[0]).max(b.max[1] - b.min[1]));
    let holds = |outer: Bounds| {
        (0..2).all(|i| outer.min[i] <= visible.min[i] && visible.max[i] <= outer.max[i])
    };
    let serves =
        |view: &DensityView| holds(view.bounds) && extent(view.bounds) <= 2.0 * extent(visible);
    let bounds = last
        .filter(serves)
        .map_or_else(|| visible.scaled(1.3), |view| view.bounds);
    let most = if moving {
        0.5 * DENSITY_CELLS[1]
    } else {
        DENSITY_CELLS[1]
    };
    let cells = (extent(bounds) / (0.6 * detail).max(1e-6)).clamp(DENSITY_CELLS[0], most);
    // Steps of 16: a slider does not ask for a new grid at each of its positions.
    let resolution = ((cells / 16.0).ceil() * 16.0) as u32;
    DensityView {
        scales,
        bounds,
        resolution,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VISIBLE: Bounds = Bounds {
        min: [-2.0, -1.0],
        max: [2.0, 1.0],
    };

    const CLEAN: Scales = Scales { a: 1.0, s: 0.0 };
    const HALF: Scales = Scales { a: 0.6, s: 0.8 };

    #[test]
    fn panning_a_little_keeps_the_box_and_far_or_closer_asks_for_another() {
        let first = density_view(None, CLEAN, VISIBLE, 0.03, false);
        assert_eq!(first.bounds, VISIBLE.scaled(1.3));
        let near = Bounds {
            min: [-1.9, -0.9],
            max: [2.1, 1.1],
        };
        assert_eq!(density_view(Some(first), CLEAN, near, 0.03, false), first);
        let far = Bounds {
            min: [1.0, -1.0],
            max: [5.0, 1.0],
        };
        assert_eq!(
            density_view(Some(first), CLEAN, far, 0.03, false).bounds,
            far.scaled(1.3)
        );
        let closer = VISIBLE.scaled(0.4);
        assert_eq!(
            density_view(Some(first), CLEAN, closer, 0.03, false).bounds,
            closer.scaled(1.3)
        );
    }

    #[test]
    fn fine_details_take_fine_grids_and_smooth_densities_coarse_ones() {
        let cells = |detail, moving| density_view(None, HALF, VISIBLE, detail, moving).resolution;
        assert_eq!(cells(1.0, false), 48);
        assert_eq!(cells(0.1, false), 96);
        assert_eq!(cells(0.01, false), 256);
        assert_eq!(cells(0.01, true), 128);
    }
}
