//! The chapters. Each is one file; the rail shows those that work.

mod forward;
mod reverse;
mod training;
mod trajectories;

use egui::{Rect, Response, Ui};

pub use forward::Forward;
pub use reverse::Reverse;
pub use training::Training;
pub use trajectories::Trajectories;

use super::canvas::Scene;
use super::canvas::camera::Camera;
use super::desk::Desk;
use super::widgets::equation::Equation;
use crate::data::bounds::Bounds;

/// A chapter, in the order of the rail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chapter {
    /// Watch a model being trained.
    Training,
    /// From data to noise.
    Forward,
    /// From noise to data.
    Reverse,
    /// The ways that particles take.
    Trajectories,
}

impl Chapter {
    /// Every chapter.
    pub const ALL: [Self; 4] = [Self::Training, Self::Forward, Self::Reverse, Self::Trajectories];

    /// The name on the command line (`render --figure NAME`).
    pub fn name(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Forward => "forward",
            Self::Reverse => "reverse",
            Self::Trajectories => "trajectories",
        }
    }

    /// The name on the rail.
    pub fn title(self) -> &'static str {
        match self {
            Self::Training => "Training",
            Self::Forward => "Forward",
            Self::Reverse => "Reverse",
            Self::Trajectories => "Trajectories",
        }
    }

    /// The group on the rail.
    pub fn group(self) -> &'static str {
        match self {
            Self::Training => "Learn",
            Self::Forward | Self::Reverse | Self::Trajectories => "Look",
        }
    }
}

/// What a chapter brings to the window.
pub trait Page {
    /// One line that says what to try.
    fn hint(&self) -> &'static str;
    /// The chapter's formula.
    fn equation(&self, desk: &Desk) -> Equation;
    /// The controls beneath title, hint and formula.
    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk);
    /// What the canvas shows.
    fn scene(&mut self, desk: &Desk) -> Scene;
    /// The box that the canvas shows until the hand moves it, in data units.
    fn home(&self, desk: &Desk) -> Bounds;
    /// t/T of the density behind the points; `None` for none.
    fn density_tau(&self, desk: &Desk) -> Option<f64>;
    /// What the hand does on the canvas, which lies in `canvas` and looks by `camera`, and what is painted over it.
    fn on_canvas(&mut self, _hand: &Response, _canvas: Rect, _camera: &Camera, _desk: &mut Desk) {}
    /// Another chapter opens: nothing runs unseen.
    fn leave(&mut self, _desk: &mut Desk) {}
    /// Height of the plots beneath the canvas, of the height there is.
    fn plots_height(&self, _available: f32) -> f32 {
        0.0
    }
    /// The plots beneath the canvas.
    fn plots_ui(&mut self, _ui: &mut Ui, _desk: &mut Desk) {}
    /// The space bar: play or pause what the chapter is about.
    fn play(&mut self, desk: &mut Desk);
    /// The key R: back to the chapter's beginning.
    fn reset(&mut self, desk: &mut Desk);
}

/// The state of all chapters.
#[derive(Default)]
pub struct Pages {
    training: Training,
    forward: Forward,
    reverse: Reverse,
    trajectories: Trajectories,
}

impl Pages {
    /// One chapter.
    pub fn page(&mut self, chapter: Chapter) -> &mut dyn Page {
        match chapter {
            Chapter::Training => &mut self.training,
            Chapter::Forward => &mut self.forward,
            Chapter::Reverse => &mut self.reverse,
            Chapter::Trajectories => &mut self.trajectories,
        }
    }
}
