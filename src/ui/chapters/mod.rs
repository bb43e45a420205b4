//! The chapters, as one table. Each is a folder: its state on one side, split into what a twin takes over and what it does not,
//! its controls, and what it draws.
//!
//! A frame goes so: the panel ([`Page::controls_ui`]), the hand on the canvas ([`Page::take_hand`]), what follows from both
//! ([`Page::prepare`]), and only then the pictures ([`Page::scene`], [`Page::overlay_ui`]), which change nothing.

mod algorithm;
mod compass;
mod elbo;
mod few_steps;
mod forward;
mod reverse;
mod samplers;
mod schedules;
mod score_field;
mod shared;
mod training;
mod trajectories;

use egui::{Context, Response, Ui};

use crate::canvas::{Scene, View};
use crate::desk::{Desk, Door};
use crate::sheet::Sheet;
use crate::widgets::equation::Equation;
use lab::message::Side;
use lab::own_sampler::OwnSampler;
use maths::data::bounds::Bounds;
use maths::names::Words;

/// What a chapter brings to the window. While the lab is split each side has its own pages, and the desk is turned to the page's
/// side whenever one of these is called.
pub trait Page {
    /// One line that says what to try.
    fn hint(&self) -> &'static str;
    /// The chapter's formula.
    fn equation(&self, desk: &Desk) -> Equation;
    /// The formulas as they are shown: the chapter's, or one for each of two schedules, with the side and the name of each.
    fn equations(&self, desk: &Desk) -> Vec<(Option<(Side, String)>, Equation)> {
        vec![(None, self.equation(desk))]
    }
    /// The controls beneath title, hint and formula.
    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk);
    /// Canvases of the same size, one to the right of the other.
    fn canvases(&self, _desk: &Desk) -> usize {
        1
    }
    /// The box that the canvases show until the hand moves it, in data units.
    fn home(&self, desk: &Desk) -> Bounds;
    /// The chapter takes drags by the first button for itself; the other buttons move the camera.
    fn takes_drags(&self) -> bool {
        false
    }
    /// Do what the hand asks for on a canvas.
    fn take_hand(&mut self, _ui: &Ui, _view: &View, _response: &Response, _desk: &mut Desk) {}
    /// Start what is missing, take what has arrived, and keep at hand what is drawn. Called before the panel, and again after the
    /// hand: a second call of the same settings does nothing.
    fn prepare(&mut self, _ctx: &Context, _desk: &mut Desk) {}
    /// What a canvas shows.
    fn scene(&self, canvas: usize, desk: &Desk) -> Scene;
    /// What is said in the middle of a canvas that has nothing to show yet.
    fn waiting(&self) -> &'static str {
        "nothing to show yet"
    }
    /// Why a canvas has nothing to show and waits for nothing; `None` where it has not.
    fn refusal(&self, _canvas: usize, _desk: &Desk) -> Option<String> {
        None
    }
    /// Above all layers of a canvas.
    fn overlay_ui(&self, _ui: &mut Ui, _view: &View, _desk: &Desk) {}
    /// t/T of the density behind the points; `None` for none.
    fn density_tau(&self, desk: &Desk) -> Option<f64>;
    /// Height of the plots beneath the canvas, of the height there is.
    fn plots_height(&self, _available: f32) -> f32 {
        0.0
    }
    /// The plots beneath the canvas, of both experiments where both show this chapter: `twin` is the other side's page.
    fn plots_ui(&mut self, _ui: &mut Ui, _desk: &mut Desk, _twin: Option<&mut Self>)
    where
        Self: Sized,
    {
    }
    /// A button of another chapter led here.
    fn come_in(&mut self, _door: Door) {}
    /// Another chapter is opened: what runs for this one ends.
    fn leave(&mut self, _desk: &mut Desk) {}
    /// The chapter generates: the clock runs from noise at the left to data at the right.
    fn generates(&self) -> bool {
        false
    }
    /// The space bar: play or pause what the chapter is about.
    fn play(&mut self, desk: &mut Desk) {
        desk.here.clock.toggle();
    }
    /// The key R: back to the chapter's beginning.
    fn reset(&mut self, desk: &mut Desk) {
        desk.here
            .clock
            .set(if self.generates() { 1.0 } else { 0.0 });
    }
    /// t/T to which the tries of the sheet set the clock, where they do nothing else.
    fn tried_taus(&self) -> &'static [f64] {
        &[]
    }
    /// Set the lab up for a try of the sheet, by its place there.
    fn try_it(&mut self, index: usize, desk: &mut Desk) {
        if let Some(tau) = self.tried_taus().get(index) {
            desk.here.clock.set(*tau);
        }
    }
    /// True where what a try asks for is done.
    fn is_tried(&self, index: usize, desk: &Desk) -> bool {
        let tau = desk.here.clock.tau;
        let near = |wanted: &f64| (tau - wanted).abs() < 1e-6;
        self.tried_taus().get(index).is_some_and(near)
    }
    /// Show what the network makes, not what is exact: a lesson begins.
    fn show_learned(&mut self) {}
    /// True while something that belongs to the picture is still computed, apart from the lab's own work.
    fn is_busy(&self) -> bool {
        false
    }
}

/// Makes the table of chapters: `NAME: folder::State in "group of the rail"`, in the order of the rail.
///
/// A folder has the constants `WORDS` and `SHEET`. Its state implements [`Page`] and `Default`, and has two fields that its twin on the other
/// side takes over whole: `show`, how things are shown, and `hand`, what the hand placed or chose (`()` where there is none).
macro_rules! chapters {
    ($($(#[$doc:meta])* $name:ident: $folder:ident::$state:ident in $group:literal,)*) => {
        /// A chapter, in the order of the rail.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Chapter {
            $($(#[$doc])* $name,)*
        }

        impl Chapter {
            /// Every chapter.
            pub const ALL: [Self; [$($group),*].len()] = [$(Self::$name),*];

            /// How it is called on the command line and on the rail.
            pub const fn words(self) -> &'static Words {
                match self {
                    $(Self::$name => &$folder::WORDS,)*
                }
            }

            /// Its sheet: why things are as they are.
            pub const fn sheet(self) -> &'static Sheet {
                match self {
                    $(Self::$name => &$folder::SHEET,)*
                }
            }

            /// The group on the rail.
            pub const fn group(self) -> &'static str {
                match self {
                    $(Self::$name => $group,)*
                }
            }
        }

        /// The state of all chapters on one side.
        #[derive(Default)]
        pub struct Pages {
            $($folder: $folder::$state,)*
        }

        impl Pages {
            /// One chapter.
            pub fn page(&mut self, chapter: Chapter) -> &mut dyn Page {
                match chapter {
                    $(Chapter::$name => &mut self.$folder,)*
                }
            }

            /// Let a chapter show things as the same chapter of the other side does.
            pub fn show_as(&mut self, other: &Self, chapter: Chapter) {
                match chapter {
                    $(Chapter::$name => self.$folder.show.clone_from(&other.$folder.show),)*
                }
            }

            /// Let a chapter take over what the hand placed or chose in the same chapter of the other side.
            pub fn follow_hand(&mut self, other: &Self, chapter: Chapter) {
                match chapter {
                    $(Chapter::$name => self.$folder.hand.clone_from(&other.$folder.hand),)*
                }
            }

            /// As [`Page::plots_ui`], with the other side's pages.
            pub fn plots_ui(&mut self, chapter: Chapter, ui: &mut Ui, desk: &mut Desk, twin: Option<&mut Self>) {
                match chapter {
                    $(Chapter::$name => self.$folder.plots_ui(ui, desk, twin.map(|twin| &mut twin.$folder)),)*
                }
            }
        }
    };
}

chapters! {
    /// Watch a model being trained.
    Training: training::Training in "Learn",
    /// Training and sampling, line by line.
    Algorithm: algorithm::Algorithm in "Learn",
    /// From data to noise.
    Forward: forward::Forward in "Look",
    /// From noise to data.
    Reverse: reverse::Reverse in "Look",
    /// Where a noise prediction points.
    Compass: compass::Compass in "Look",
    /// Arrows of ∇ log p_t.
    ScoreField: score_field::ScoreField in "Look",
    /// The ways that particles take.
    Trajectories: trajectories::Trajectories in "Look",
    /// Several samplers from the same noise.
    Samplers: samplers::Samplers in "Look",
    /// Two ways from data to noise, side by side.
    Schedules: schedules::Schedules in "Look",
    /// The variational bound, term by term.
    Elbo: elbo::Elbo in "Look",
    /// How straight the paths are, and what one step gives.
    FewSteps: few_steps::FewSteps in "Look",
}

impl Pages {
    /// Let a sampler of the user's own take part in the chapter Samplers.
    ///
    /// # Errors
    /// Where no more can take part: one sentence.
    pub fn add_sampler(&mut self, own: OwnSampler) -> anyhow::Result<()> {
        self.samplers.add(own)
    }
}

impl Chapter {
    /// The name on the command line (`render --figure NAME`), and of its camera.
    pub const fn name(self) -> &'static str {
        self.words().name
    }

    /// The name on the rail.
    pub const fn title(self) -> &'static str {
        self.words().title
    }
}
