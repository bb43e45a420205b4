//! The chapters. Each is one file; the rail shows those that work.

mod compass;
mod forward;
mod reverse;
mod schedules;
mod score_field;
mod training;
mod trajectories;

use egui::{Context, Response, Ui};

pub use compass::Compass;
pub use forward::Forward;
pub use reverse::Reverse;
pub use schedules::Schedules;
pub use score_field::ScoreField;
pub use training::Training;
pub use trajectories::Trajectories;

use crate::canvas::{Scene, View};
use crate::desk::Desk;
use crate::widgets::equation::Equation;
use lab::message::Side;
use maths::data::bounds::Bounds;

/// A chapter, in the order of the rail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chapter {
    /// Watch a model being trained.
    Training,
    /// From data to noise.
    Forward,
    /// Two ways from data to noise, side by side.
    Schedules,
    /// Where a noise prediction points.
    Compass,
    /// Arrows of ∇ log p_t.
    ScoreField,
    /// From noise to data.
    Reverse,
    /// The ways that particles take.
    Trajectories,
}

impl Chapter {
    /// Every chapter.
    pub const ALL: [Self; 7] = [
        Self::Training,
        Self::Forward,
        Self::Reverse,
        Self::Compass,
        Self::ScoreField,
        Self::Trajectories,
        Self::Schedules,
    ];

    /// The name on the command line (`render --figure NAME`).
    pub fn name(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Forward => "forward",
            Self::Schedules => "schedules",
            Self::Compass => "compass",
            Self::ScoreField => "score",
            Self::Reverse => "reverse",
            Self::Trajectories => "trajectories",
        }
    }

    /// The name on the rail.
    pub fn title(self) -> &'static str {
        match self {
            Self::Training => "Training",
            Self::Forward => "Forward",
            Self::Schedules => "Schedules",
            Self::Compass => "Noise compass",
            Self::ScoreField => "Score field",
            Self::Reverse => "Reverse",
            Self::Trajectories => "Trajectories",
        }
    }

    /// The group on the rail.
    pub fn group(self) -> &'static str {
        match self {
            Self::Training => "Learn",
            Self::Forward | Self::Reverse | Self::Compass | Self::ScoreField | Self::Trajectories | Self::Schedules => {
                "Look"
            }
        }
    }
}

/// What a chapter brings to the window. While the lab is split each side has its own pages, and the desk stands at the
/// page's side whenever one of these is called.
pub trait Page {
    /// One line that says what to try.
    fn hint(&self) -> &'static str;
    /// The chapter's formula.
    fn equation(&self, desk: &Desk) -> Equation;
    /// The formulas as they are shown: the chapter's, or one for each of two paths, with the side and the name of each.
    fn equations(&self, desk: &Desk) -> Vec<(Option<(Side, String)>, Equation)> {
        vec![(None, self.equation(desk))]
    }
    /// The controls beneath title, hint and formula.
    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk);
    /// Once a frame, before anything is drawn: start what is missing, take what has arrived.
    fn prepare(&mut self, _ctx: &Context, _desk: &mut Desk) {}
    /// What the canvas shows.
    fn scene(&mut self, desk: &Desk) -> Scene;
    /// What is said in the middle of a canvas that has nothing to show yet.
    fn waiting(&self) -> &'static str {
        "nothing to show yet"
    }
    /// What a second canvas of the same size shows, to the right of the first; `None` for one canvas.
    fn beside(&mut self, _desk: &Desk) -> Option<Scene> {
        None
    }
    /// The box that the canvas shows until the hand moves it, in data units.
    fn home(&self, desk: &Desk) -> Bounds;
    /// t/T of the density behind the points; `None` for none.
    fn density_tau(&self, desk: &Desk) -> Option<f64>;
    /// Height of the plots beneath the canvas, of the height there is.
    fn plots_height(&self, _available: f32) -> f32 {
        0.0
    }
    /// The plots beneath the canvas, of both experiments where both show this chapter: the other side's pages are `twin`.
    fn plots_ui(&mut self, _ui: &mut Ui, _desk: &mut Desk, _twin: Option<&mut Pages>) {}
    /// Over the canvas, after it is drawn: what the hand does there, and what lies above all layers.
    fn overlay_ui(&mut self, _ui: &mut Ui, _view: &View, _response: &Response, _desk: &mut Desk) {}
    /// Another chapter is opened: what runs for this one ends.
    fn leave(&mut self, _desk: &mut Desk) {}
    /// The space bar: play or pause what the chapter is about.
    fn play(&mut self, desk: &mut Desk);
    /// True while something that belongs to the picture is still computed, apart from the lab's own work.
    fn is_busy(&self) -> bool {
        false
    }
    /// The key R: back to the chapter's beginning.
    fn reset(&mut self, desk: &mut Desk);
}

/// The state of all chapters.
#[derive(Default)]
pub struct Pages {
    training: Training,
    forward: Forward,
    schedules: Schedules,
    compass: Compass,
    score_field: ScoreField,
    reverse: Reverse,
    trajectories: Trajectories,
}

impl Pages {
    /// Let a chapter follow the same chapter of the other side: how it shows things, and with `hand` also what a click
    /// placed or chose there.
    pub fn take_after(&mut self, other: &Self, chapter: Chapter, hand: bool) {
        match chapter {
            // It shows nothing that could be set.
            Chapter::Training => {}
            Chapter::Forward => self.forward.take_after(&other.forward, hand),
            Chapter::Schedules => self.schedules.take_after(&other.schedules),
            Chapter::Compass => self.compass.take_after(&other.compass, hand),
            Chapter::ScoreField => self.score_field.take_after(&other.score_field),
            Chapter::Reverse => self.reverse.take_after(&other.reverse),
            Chapter::Trajectories => self.trajectories.take_after(&other.trajectories, hand),
        }
    }

    /// One chapter.
    pub fn page(&mut self, chapter: Chapter) -> &mut dyn Page {
        match chapter {
            Chapter::Training => &mut self.training,
            Chapter::Forward => &mut self.forward,
            Chapter::Schedules => &mut self.schedules,
            Chapter::Compass => &mut self.compass,
            Chapter::ScoreField => &mut self.score_field,
            Chapter::Reverse => &mut self.reverse,
            Chapter::Trajectories => &mut self.trajectories,
        }
    }
}
