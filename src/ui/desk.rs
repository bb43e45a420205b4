//! What all parts of the window share: the lab, its latest snapshot, the clock, the camera, and what the controls show.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::canvas::camera::Camera;
use super::clock::Clock;
use super::files::Files;
use super::link::Lab;
use super::theme::{Palette, palette};
use crate::data::bounds::Bounds;
use crate::diffusion::log_snr::LogSnr;
use crate::diffusion::path::{Path, Scales};
use crate::lab::experiment::{DataSource, Experiment};
use crate::lab::message::{Command, DensityView, Order, Side, Snapshot, Status};
use crate::nn::layout::NetworkShape;

/// How long the controls show what was asked for before they show what the worker made of it.
const PATIENCE: Duration = Duration::from_secs(2);
/// Cells per side of the density: fewest and most.
const DENSITY_CELLS: [f64; 2] = [48.0, 256.0];

/// The shared state of the window.
pub struct Desk {
    lab: Box<dyn Lab>,
    /// The latest snapshot, the same for the whole frame.
    pub snapshot: Arc<Snapshot>,
    /// The experiment as the controls show it: what runs, or what was just asked for.
    pub draft: Experiment,
    /// The network as the controls show it; it differs from the draft's until the user agrees to start anew.
    pub draft_shape: NetworkShape,
    asked_at: Option<Instant>,
    /// The clock of all chapters.
    pub clock: Clock,
    /// Where the hand moved each chapter's canvas; without an entry it shows the chapter's home.
    pub cameras: HashMap<&'static str, Camera>,
    /// The light theme.
    pub light: bool,
    /// Format of the target that the canvas paints on.
    pub format: Option<wgpu::TextureFormat>,
    /// Painting shares the processor with training.
    pub software: bool,
    /// File dialogs and the paths typed by hand.
    pub files: Files,
    /// A picture is being laid out: nothing is asked for.
    pub still: bool,
    density_asked: Option<DensityView>,
    /// The user's own schedule: the one that is trained by, or the last that was.
    pub own_schedule: LogSnr,
}

impl Desk {
    /// A desk for a lab.
    pub fn new(lab: Box<dyn Lab>, format: Option<wgpu::TextureFormat>, software: bool, light: bool) -> Self {
        let snapshot = lab.snapshots().a;
        let draft = Experiment::clone(&snapshot.experiment);
        Self {
            lab,
            draft_shape: draft.shape(),
            draft,
            snapshot,
            asked_at: None,
            clock: Clock::default(),
            cameras: HashMap::new(),
            light,
            format,
            software,
            files: Files::default(),
            still: false,
            density_asked: None,
            own_schedule: LogSnr::default(),
        }
    }

    /// The lab itself.
    pub fn lab(&self) -> &dyn Lab {
        self.lab.as_ref()
    }

    /// Ask the lab for something.
    pub fn send(&self, command: Command) {
        self.lab.send(Order::To(Side::A, command));
    }

    /// Colours of the theme.
    pub fn palette(&self) -> &'static Palette {
        palette(self.light)
    }

    /// Take the latest snapshot, once a frame. What the worker runs replaces what the controls show, unless something
    /// was asked for a moment ago.
    pub fn take_news(&mut self) {
        let snapshot = self.lab.snapshots().a;
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
        }
        self.snapshot = snapshot;
        if let Path::Custom(own) = self.draft.path {
            self.own_schedule = own;
        }
    }

    /// Ask for the experiment that the controls show.
    pub fn configure(&mut self, restart: bool) {
        self.asked_at = Some(Instant::now());
        self.send(Command::Configure { experiment: Box::new(self.draft.clone()), restart });
    }

    /// Ask for other data, keeping the weights.
    pub fn choose_data(&mut self, data: DataSource) {
        if self.draft.data != data {
            self.draft.data = data;
            self.configure(false);
        }
    }

    /// Put the chosen network in place: the training starts anew.
    pub fn adopt_shape(&mut self) {
        let NetworkShape { octaves, width, depth, activation } = self.draft_shape;
        self.draft = Experiment { octaves, width, depth, activation, ..self.draft.clone() };
        self.configure(true);
    }

    /// Draw the user's own schedule anew. Where it is trained by, the training follows.
    pub fn draw_schedule(&mut self, own: LogSnr) {
        self.own_schedule = own;
        if matches!(self.draft.path, Path::Custom(_)) && self.draft.path != Path::Custom(own) {
            self.draft.path = Path::Custom(own);
            self.configure(false);
        }
    }

    /// True while the worker trains.
    pub fn is_training(&self) -> bool {
        self.snapshot.status == Status::Training
    }

    /// Play, or pause.
    pub fn toggle_training(&self) {
        self.send(if self.is_training() { Command::Pause } else { Command::Play });
    }

    /// (a, s) of the experiment's path at the clock.
    pub fn scales(&self) -> Scales {
        self.draft.path.scales(self.clock.tau, self.draft.timesteps)
    }

    /// Ask for the density at t/T over what is visible, if what was asked for last does not serve. While something
    /// moves, a coarser grid will do.
    pub fn want_density(&mut self, tau: f64, visible: Bounds, moving: bool) {
        if self.still {
            return;
        }
        let scales = self.draft.path.scales(tau, self.draft.timesteps);
        let sigma = self.snapshot.dataset.mixture.components.iter().map(|c| f64::from(c.sigma)).fold(1.0, f64::min);
        let detail = (scales.a * sigma).hypot(scales.s);
        let view = density_view(self.density_asked, tau, visible, detail, moving);
        if self.density_asked != Some(view) {
            self.density_asked = Some(view);
            self.send(Command::ShowDensity(view));
        }
    }
}

/// The box and grid that serve a view: the last box where it holds what is visible and is not much larger, and cells
/// no wider than 0.6 of the smallest detail (a standard deviation, data units).
fn density_view(last: Option<DensityView>, tau: f64, visible: Bounds, detail: f64, moving: bool) -> DensityView {
    let extent = |b: Bounds| f64::from((b.max[0] - b.min[0]).max(b.max[1] - b.min[1]));
    let holds = |outer: Bounds| (0..2).all(|i| outer.min[i] <= visible.min[i] && visible.max[i] <= outer.max[i]);
    let serves = |view: &DensityView| holds(view.bounds) && extent(view.bounds) <= 2.0 * extent(visible);
    let bounds = last.filter(serves).map_or_else(|| visible.scaled(1.3), |view| view.bounds);
    let most = if moving { 0.5 * DENSITY_CELLS[1] } else { DENSITY_CELLS[1] };
    let cells = (extent(bounds) / (0.6 * detail).max(1e-6)).clamp(DENSITY_CELLS[0], most);
    // Steps of 16: a slider does not ask for a new grid at each of its positions.
    let resolution = ((cells / 16.0).ceil() * 16.0) as u32;
    DensityView { tau, bounds, resolution }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VISIBLE: Bounds = Bounds { min: [-2.0, -1.0], max: [2.0, 1.0] };

    #[test]
    fn panning_a_little_keeps_the_box_and_far_or_closer_asks_for_another() {
        let first = density_view(None, 0.0, VISIBLE, 0.03, false);
        assert_eq!(first.bounds, VISIBLE.scaled(1.3));
        let near = Bounds { min: [-1.9, -0.9], max: [2.1, 1.1] };
        assert_eq!(density_view(Some(first), 0.0, near, 0.03, false), first);
        let far = Bounds { min: [1.0, -1.0], max: [5.0, 1.0] };
        assert_eq!(density_view(Some(first), 0.0, far, 0.03, false).bounds, far.scaled(1.3));
        let closer = VISIBLE.scaled(0.4);
        assert_eq!(density_view(Some(first), 0.0, closer, 0.03, false).bounds, closer.scaled(1.3));
    }

    #[test]
    fn fine_details_take_fine_grids_and_smooth_densities_coarse_ones() {
        let cells = |detail, moving| density_view(None, 0.5, VISIBLE, detail, moving).resolution;
        assert_eq!(cells(1.0, false), 48);
        assert_eq!(cells(0.1, false), 96);
        assert_eq!(cells(0.01, false), 256);
        assert_eq!(cells(0.01, true), 128);
    }
}
