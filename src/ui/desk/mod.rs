//! What all parts of the window share: the lab, one or two benches with its experiments, and how these are linked.

pub mod background;
pub mod files;
pub mod lab_handle;
pub mod repaint;
pub mod run_slot;
pub mod side_state;

use std::path::PathBuf;
use std::sync::Arc;

use egui::Color32;

use crate::canvas::TargetFormat;
use crate::desk::files::Files;
use crate::desk::lab_handle::LabHandle;
use crate::desk::side_state::SideState;
use crate::theme::{Palette, palette};
use engine::EngineKind;
use engine::network::layout::NetworkShape;
use lab::change::Change;
use lab::difference::{Incomparable, incomparable};
use lab::experiment::{DataSource, Experiment};
use lab::message::{Command, InStep, Order, Restart, Side, Snapshots};
use lab::shelved::Shelved;
use maths::data::bounds::Bounds;
use maths::diffusion::log_snr::LogSnr;
use maths::diffusion::schedule::Schedule;
use maths::diffusion::solver::{Sampler, Variance};

/// Where a button of one chapter leads: to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The lines of the training's algorithm.
    Training,
    /// The lines of the sampler's.
    Sampling,
}

/// What the hand does on one side and the other follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Links {
    /// t/T, and with it every scrubber.
    pub clock: bool,
    /// Pan and zoom.
    pub camera: bool,
    /// What is under the pointer is marked on the other side.
    pub cursor: bool,
    /// Points, starts and particles that a click placed or chose.
    pub points: bool,
    /// Both show the same chapter.
    pub chapter: bool,
}

impl Default for Links {
    fn default() -> Self {
        Self {
            clock: true,
            camera: true,
            cursor: true,
            points: true,
            chapter: true,
        }
    }
}

/// The shared state of the window. It is turned to one side at a time: `here` is that side.
pub struct Desk {
    lab: Box<dyn LabHandle>,
    /// Where the desk stands.
    side: Side,
    /// The experiment at which the desk stands.
    pub here: SideState,
    /// The other side, while the lab is split.
    there: Option<SideState>,
    /// What both sides do together.
    pub links: Links,
    /// What both have equal while they train.
    pub in_step: InStep,
    /// The steps of A, and of B where there was one, before the comparison, if they can be gone back to.
    pub before: Option<(u64, Option<u64>)>,
    /// Trainings that were replaced, the latest first.
    pub shelf: Arc<Vec<Shelved>>,
    /// Most updates a second; `None` for as many as there can be.
    pub speed: Option<f64>,
    /// Where training pauses by itself.
    pub stop_at: Option<u64>,
    swaps: u64,
    /// The light theme.
    pub light: bool,
    /// Format of the target that the canvas paints on.
    pub format: Option<TargetFormat>,
    /// Painting shares the processor with training.
    pub software: bool,
    /// What `auto` takes on this machine, and why.
    pub auto: Option<(EngineKind, String)>,
    /// File dialogs and the paths typed by hand.
    pub files: Files,
    /// The directory of drawings that the user gave no other place.
    pub drawings: Option<PathBuf>,
    /// The side on which somebody wants to draw.
    pub draw_wanted: Option<Side>,
    /// Both experiments are drawn on one canvas: their colours alone tell them apart.
    pub one_canvas: bool,
    /// A picture is being laid out: nothing is asked for.
    pub still: bool,
    /// Panels show all of their controls, not only what a chapter needs.
    pub more: bool,
    /// A button that leads to another chapter was clicked.
    pub door: Option<Door>,
}

impl Desk {
    /// A desk for a lab.
    pub fn new(
        lab: Box<dyn LabHandle>,
        format: Option<TargetFormat>,
        software: bool,
        light: bool,
    ) -> Self {
        let Snapshots {
            a,
            b,
            in_step,
            swaps,
            before,
            shelf,
            speed,
            stop_at,
        } = lab.snapshots();
        let here = SideState::new(a);
        let there = b.map(|b| here.beside(b));
        Self {
            lab,
            side: Side::A,
            here,
            there,
            links: Links::default(),
            in_step,
            before,
            shelf,
            speed,
            stop_at,
            swaps,
            light,
            format,
            software,
            auto: None,
            files: Files::default(),
            drawings: None,
            draw_wanted: None,
            one_canvas: false,
            still: false,
            more: true,
            door: None,
        }
    }

    /// The lab itself.
    pub fn lab(&self) -> &dyn LabHandle {
        self.lab.as_ref()
    }

    /// Where the desk stands.
    pub fn side(&self) -> Side {
        self.side
    }

    /// True while there are two experiments.
    pub fn is_split(&self) -> bool {
        self.there.is_some()
    }

    /// The sides there are, in order.
    pub fn sides(&self) -> &'static [Side] {
        if self.is_split() {
            &Side::BOTH
        } else {
            &Side::BOTH[..1]
        }
    }

    /// One side; `None` for B where the lab is not split.
    pub fn side_state(&self, side: Side) -> Option<&SideState> {
        if side == self.side {
            Some(&self.here)
        } else {
            self.there.as_ref()
        }
    }

    /// The sides there are, in order, each with its colour.
    pub fn side_states(&self) -> impl Iterator<Item = (Side, &SideState, Color32)> {
        let here = self
            .sides()
            .iter()
            .filter_map(|&side| Some((side, self.side_state(side)?)));
        here.map(|(side, side_state)| (side, side_state, self.color(side)))
    }

    /// Go to a side, with what is linked. B is there only while the lab is split.
    pub fn turn_to(&mut self, side: Side) {
        let (true, Some(there)) = (side != self.side, self.there.as_mut()) else {
            return;
        };
        if self.links.clock {
            there.clock = self.here.clock;
        }
        if self.links.camera && there.cameras != self.here.cameras {
            there.cameras.clone_from(&self.here.cameras);
        }
        std::mem::swap(&mut self.here, there);
        self.side = side;
    }

    /// Ask something of the experiment at which the desk stands.
    pub fn send(&self, command: Command) {
        self.lab.send(Order::To(self.side, command));
    }

    /// Ask something of the lab.
    pub fn order(&self, order: impl Into<Order>) {
        self.lab.send(order.into());
    }

    /// Colours of the theme, and of the side at which the desk stands.
    pub fn palette(&self) -> &'static Palette {
        palette(self.light, self.side)
    }

    /// The colour of an experiment: A blue, B vermilion.
    pub fn color(&self, side: Side) -> Color32 {
        palette(self.light, side).learned
    }

    /// Take the latest snapshots, once a frame. Returns how often A and B changed places since the last time.
    pub fn take_news(&mut self) -> u64 {
        let Snapshots {
            a,
            b,
            in_step,
            swaps,
            before,
            shelf,
            speed,
            stop_at,
        } = self.lab.snapshots();
        let swapped = swaps - self.swaps;
        (self.swaps, self.in_step, self.before, self.shelf) = (swaps, in_step, before, shelf);
        (self.speed, self.stop_at) = (speed, stop_at);
        let side = self.side;
        self.turn_to(Side::A);
        if swapped % 2 == 1
            && let Some(there) = &mut self.there
        {
            // The settings of a side go with it; the clock and the cameras stay in their place.
            std::mem::swap(&mut self.here, there);
            std::mem::swap(&mut self.here.clock, &mut there.clock);
            std::mem::swap(&mut self.here.cameras, &mut there.cameras);
            self.here.forget_asking();
            there.forget_asking();
        }
        self.here.take_news(a);
        self.there = match (self.there.take(), b) {
            (Some(mut there), Some(b)) => {
                there.take_news(b);
                Some(there)
            }
            (None, Some(b)) => Some(self.here.beside(b)),
            (_, None) => None,
        };
        self.turn_to(side);
        swapped
    }

    /// Let the clocks run to the present, given in seconds.
    pub fn tick_clocks(&mut self, now: f64) {
        self.here.clock.tick(now);
        if let Some(there) = &mut self.there {
            if self.links.clock {
                there.clock = self.here.clock;
            } else {
                there.clock.tick(now);
            }
        }
    }

    /// Ask for the experiment that the controls show. While two are compared, another training starts anew: weights that
    /// learned partly under other settings would make the comparison unfair. It catches up with the other side.
    pub fn configure(&mut self, restart: Restart) {
        let change = self.here.snapshot.experiment.change_to(&self.here.draft);
        let unfair = self.is_split() && change >= Change::Training;
        self.here.asked();
        self.send(Command::Configure {
            experiment: Box::new(self.here.draft.clone()),
            restart: restart.or(Restart::when(unfair)),
        });
    }

    /// Which numbers of A and B do not compare; `None` where all do, and of one experiment.
    pub fn incomparable(&self) -> Option<Incomparable> {
        let a = &self.side_state(Side::A)?.snapshot.experiment;
        let b = &self.side_state(Side::B)?.snapshot.experiment;
        incomparable(a, b)
    }

    /// Ask for other data, keeping the weights. A file that was opened before is read again where it has changed.
    pub fn choose_data(&mut self, data: DataSource) {
        let changed = self.here.draft.data == data && self.here.snapshot.dataset.is_outdated();
        if self.here.draft.data != data || changed {
            self.set_data(data);
            self.configure(Restart::when(self.is_split() && changed));
        }
    }

    /// Other data: what bears no labels teaches none.
    fn set_data(&mut self, data: DataSource) {
        let draft = &mut self.here.draft;
        // The same file, read again, has the classes that it has then.
        if draft.data == data && matches!(data, DataSource::Csv(_)) {
            return;
        }
        let classes = data.classes().len() as u32;
        draft.labels &= classes > 0;
        // Of a file they are known once it is read.
        draft.file_classes = 0;
        draft.data = data;
        // A choice that waits for a yes goes on waiting.
        if self.here.draft_shape.classes > 0 {
            self.here.draft_shape.classes = classes;
        }
    }

    /// Learn the rows of a file that was written just now, keeping the weights. While two are compared the training starts
    /// anew, as with other data.
    pub fn learn_anew(&mut self, file: PathBuf) {
        let data = DataSource::Csv(file);
        let again = self.here.draft.data == data;
        self.set_data(data);
        self.configure(Restart::when(self.is_split() && again));
    }

    /// True while somebody draws, on any side.
    pub fn is_drawing(&self) -> bool {
        self.here.easel.is_some()
            || self
                .there
                .as_ref()
                .is_some_and(|there| there.easel.is_some())
    }

    /// Open a saved model in the place of the training at which the desk stands.
    pub fn open_model(&self, path: PathBuf) {
        self.order(Order::Open(path, self.side));
    }

    /// Put the chosen network in place: the training starts anew.
    pub fn adopt_shape(&mut self) {
        let NetworkShape {
            octaves,
            width,
            depth,
            activation,
            learns_variance,
            classes,
        } = self.here.draft_shape;
        self.here.draft = Experiment {
            octaves,
            width,
            depth,
            activation,
            learn_variance: learns_variance,
            labels: classes > 0,
            file_classes: match self.here.draft.data {
                DataSource::Csv(_) => classes,
                DataSource::Shape(_) => 0,
            },
            ..self.here.draft.clone()
        };
        // A network that says no variance cannot be sampled by it; the posterior's is the nearest.
        if !self.here.draft.can_sample_by(self.here.draft.sampler) {
            self.here.draft.sampler = Sampler::Ddpm(Variance::BetaTilde);
        }
        self.configure(Restart::Anew);
    }

    /// Draw the user's own schedule anew. Where it is trained by, the training follows.
    pub fn draw_schedule(&mut self, own: LogSnr) {
        self.here.own_schedule = own;
        if matches!(self.here.draft.schedule, Schedule::Custom(_))
            && self.here.draft.schedule != Schedule::Custom(own)
        {
            self.here.draft.schedule = Schedule::Custom(own);
            self.configure(Restart::Keep);
        }
    }

    /// Train by a schedule of one's own, whatever the present one is.
    pub fn choose_schedule(&mut self, own: LogSnr) {
        self.here.own_schedule = own;
        if self.here.draft.schedule != Schedule::Custom(own) {
            self.here.draft.schedule = Schedule::Custom(own);
            self.configure(Restart::Keep);
        }
    }

    /// True while any experiment trains.
    pub fn any_training(&self) -> bool {
        self.side_states()
            .any(|(_, side_state, _)| side_state.is_training())
    }

    /// Play, or pause, everything.
    pub fn toggle_training(&self) {
        self.order(if self.any_training() {
            Command::Pause
        } else {
            Command::Play
        });
    }

    /// Ask for the density at t/T over what is visible, if what was asked for last does not serve.
    pub fn want_density(&mut self, tau: f64, visible: Bounds, moving: bool) {
        if self.still {
            return;
        }
        if let Some(view) = self.here.wanted_density(tau, visible, moving) {
            self.send(Command::ShowDensity(view));
        }
    }
}
