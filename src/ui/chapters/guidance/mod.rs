//! Guidance: samples led towards a class, the vectors that lead them, and what that does to the cloud.

mod asking;
mod controls;
mod drawing;
mod numbers;
mod sheet;
mod weights;

pub use sheet::SHEET;

use std::sync::Arc;

use egui::{Context, CursorIcon, PointerButton, Rect, Response, Ui};

use crate::canvas::{Scene, View};
use crate::chapters::Page;
use crate::chapters::shared::chain::ChainWish;
use crate::chapters::shared::cloud::cloud_bounds;
use crate::desk::Desk;
use crate::desk::background::Background;
use crate::desk::run_slot::RunSlot;
use crate::widgets::equation::{Equation, Piece};
use engine::{GuideBy, GuideKind};
use lab::guided::guidance;
use lab::message::{DensityField, Slot, TrainedClassifier};
use maths::data::bounds::Bounds;
use maths::data::dataset::Dataset;
use maths::diffusion::solver::Plan;
use maths::names::Words;

use asking::DensityOf;
use weights::Weights;

/// Particles of the cloud, and samples of each set that is measured.
const PARTICLES: u32 = 2000;
/// Where the point lies until the hand places it.
const OPENING: [f64; 2] = [0.1, 0.9];
/// Where the clock stands when the chapter is opened first: the classes are still together there.
const OPENING_TAU: f64 = 0.35;

/// How the chapter is called.
pub const WORDS: Words = Words {
    name: "guidance",
    title: "Guidance",
    symbol: "Guidance",
    short: "guidance",
    help: "samples led towards a class, and what that does to them",
};

/// What lies behind the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behind {
    None,
    /// p_t(x | y).
    Class,
    /// p_t(x) p_t(y | x)^w.
    Tilted,
}

/// How the chapter shows things.
#[derive(Clone)]
pub(super) struct Show {
    /// By the exact x̂_0; chosen when the chapter opens.
    exact: Option<bool>,
    behind: Behind,
    follow: bool,
    noise: u64,
}

impl Default for Show {
    fn default() -> Self {
        Self {
            exact: None,
            behind: Behind::Class,
            follow: true,
            noise: 0,
        }
    }
}

/// What the hand placed and chose: on both sides alike, so that two weights compare.
#[derive(Clone, Default)]
pub(super) struct Hand {
    at: Option<[f64; 2]>,
    label: u32,
}

impl Hand {
    fn at(&self) -> [f64; 2] {
        self.at.unwrap_or(OPENING)
    }
}

/// By what and how strongly, which is a side's own.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Lead {
    kind: GuideKind,
    weight: f64,
    /// ln SNR between which it counts; `None` for everywhere.
    interval: Option<[f64; 2]>,
}

impl Lead {
    fn log_snr(self) -> [f64; 2] {
        self.interval.unwrap_or(engine::Guidance::EVERYWHERE)
    }
}

/// What the hand has taken on the canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grip {
    /// The point.
    Point,
    /// The tip of the guided arrow: along its line it is the weight.
    Weight,
}

/// The data that something is of.
#[derive(Clone)]
struct Of(Arc<Dataset>);

impl PartialEq for Of {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The chapter's state.
pub struct Guidance {
    pub(super) show: Show,
    pub(super) hand: Hand,
    lead: Lead,
    grip: Option<Grip>,
    /// The clock was set for the first time.
    is_opened: bool,
    chain: RunSlot<ChainWish>,
    /// x̂_0 at the point by weight 0 and 1: told no class, and told it; or by the weak model, and by the model.
    at_point: [RunSlot<(Plan, [f32; 2], engine::Guidance)>; 2],
    density: Background<DensityOf, Vec<f32>>,
    /// The density behind the cloud, and what it is of.
    behind: Option<(DensityOf, DensityField)>,
    weights: Weights,
}

impl Default for Guidance {
    fn default() -> Self {
        Self {
            show: Show::default(),
            hand: Hand::default(),
            lead: Lead {
                kind: GuideKind::ClassifierFree,
                weight: 3.0,
                interval: None,
            },
            grip: None,
            is_opened: false,
            chain: RunSlot::new(Slot::Guided),
            at_point: [Slot::ToldNone, Slot::ToldClass].map(RunSlot::new),
            density: Background::default(),
            behind: None,
            weights: Weights::default(),
        }
    }
}

/// The names of the classes of the data that run; none where they have none.
fn classes(desk: &Desk) -> &[String] {
    let labels = desk.here.snapshot.dataset.labels.as_ref();
    labels.map_or(&[], |labels| &labels.names)
}

/// True where the network that runs knows the classes.
fn knows_classes(desk: &Desk) -> bool {
    desk.here.snapshot.experiment.labels
}

impl Guidance {
    /// By the exact x̂_0: also where the network knows no classes and would have to. The exact field has no weaker version of itself.
    fn exact(&self, desk: &Desk) -> bool {
        let untrained = desk.here.snapshot.step == 0;
        let chosen = self.show.exact.unwrap_or(untrained);
        match self.lead.kind {
            GuideKind::ClassifierFree => chosen || !knows_classes(desk),
            GuideKind::Posterior | GuideKind::Classifier => chosen,
            GuideKind::Model => false,
        }
    }

    /// The class that samples are led to, or told while they are led; `None` where they are led away from a weak model alone.
    fn asked_class(&self, desk: &Desk) -> Option<u32> {
        if self.lead.kind.needs_label() {
            return Some(self.label(desk));
        }
        let snapshot = &desk.here.snapshot;
        let weak = snapshot.weak.as_ref()?;
        let classes = snapshot.experiment.shape().classes;
        (classes > 0 && weak.model.shape().classes == classes).then(|| self.label(desk))
    }

    /// The classifier that was trained.
    fn trained(desk: &Desk) -> Option<&Arc<TrainedClassifier>> {
        desk.here.snapshot.classifier.as_ref()?.done.as_ref()
    }

    /// How runs are led by a weight; `None` where what leads them is not there.
    fn led(&self, desk: &Desk, weight: f64, log_snr: [f64; 2]) -> Option<engine::Guidance> {
        let snapshot = &desk.here.snapshot;
        let by = match self.lead.kind {
            GuideKind::ClassifierFree => GuideBy::ClassifierFree,
            GuideKind::Posterior => GuideBy::Posterior(snapshot.dataset.mixture.clone()),
            GuideKind::Classifier => GuideBy::Classifier(Self::trained(desk)?.classifier.clone()),
            GuideKind::Model => GuideBy::WeakModel(snapshot.weak.as_ref()?.model.clone()),
        };
        match self.asked_class(desk) {
            Some(label) => {
                let led = guidance(&snapshot.dataset, label, weight, log_snr)?;
                Some(engine::Guidance { by, ..led })
            }
            None => Some(engine::Guidance {
                label: None,
                weight,
                log_snr,
                class: None,
                by,
            }),
        }
    }

    /// The class, one of those that there are.
    fn label(&self, desk: &Desk) -> u32 {
        let last = classes(desk).len().saturating_sub(1);
        self.hand.label.min(last as u32)
    }
}

impl Page for Guidance {
    fn hint(&self) -> &'static str {
        if self.lead.kind == GuideKind::Model {
            return "Take a weak model, then drag the weight: the guided arrow leaves that of the weak model and goes through that of the model, and beyond.";
        }
        "Drag the point, then the weight: the guided arrow leaves the one told nothing and goes through the one told the class, and beyond."
    }

    fn equation(&self, _desk: &Desk) -> Equation {
        const TOLD: &[Piece] = &[Piece::Sign(", "), Piece::Var("y")];
        let hat = || vec![Piece::Hat("x"), Piece::Sub(vec![Piece::Sign("0")])];
        let of = |told: &'static [Piece]| {
            let mut pieces = hat();
            pieces.extend([Piece::Sign("("), Piece::Var("x")]);
            pieces.extend_from_slice(told);
            pieces.push(Piece::Sign(")"));
            pieces
        };
        let parts = [
            hat(),
            vec![Piece::Sign(" = ")],
            of(&[]),
            vec![
                Piece::Break,
                Piece::Sign("+ "),
                Piece::Var("w"),
                Piece::Sign(" ("),
            ],
            of(TOLD),
            vec![Piece::Sign(" − ")],
            of(&[]),
            vec![Piece::Sign(")")],
        ];
        Equation {
            pieces: parts.concat(),
            spoken: "the guided x 0 hat is that of x told nothing, plus w times what that of x told the class y has more",
        }
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        self.controls(ui, desk);
    }

    fn takes_drags(&self) -> bool {
        true
    }

    fn take_hand(&mut self, ui: &Ui, view: &View, response: &Response, desk: &mut Desk) {
        let (pressed, down) = ui.input(|i| (i.pointer.primary_pressed(), i.pointer.primary_down()));
        let held = down && response.is_pointer_button_down_on();
        if let Some(at) = response.interact_pointer_pos()
            && (held || response.clicked() || response.drag_stopped_by(PointerButton::Primary))
        {
            if (pressed && held) || self.grip.is_none() {
                self.grip = Some(self.grip_at(view, at, desk));
            }
            match self.grip {
                Some(Grip::Weight) => self.pull_weight(view, at, desk),
                _ => self.hand.at = Some(view.to_data(at).map(f64::from)),
            }
        }
        if !down {
            self.grip = None;
        }
        let over = view
            .pointer
            .map(|at| self.grip.unwrap_or_else(|| self.grip_at(view, at, desk)));
        if over == Some(Grip::Weight) {
            ui.ctx().set_cursor_icon(CursorIcon::Grab);
        }
    }

    fn prepare(&mut self, ctx: &Context, desk: &mut Desk) {
        if !self.is_opened {
            self.is_opened = true;
            if (desk.here.clock.tau - crate::clock::Clock::default().tau).abs() < 1e-9 {
                desk.here.clock.set(OPENING_TAU);
            }
        }
        desk.here.clock.speed = -1.0;
        self.ask(ctx, desk);
    }

    fn scene(&self, _canvas: usize, desk: &Desk) -> Scene {
        self.draw(desk)
    }

    fn overlay_ui(&self, ui: &mut Ui, view: &View, desk: &Desk) {
        self.vectors_ui(ui, view, desk);
    }

    fn waiting(&self) -> &'static str {
        "the guided chain is being run"
    }

    fn refusal(&self, _canvas: usize, desk: &Desk) -> Option<String> {
        let no_classes = "These data have no classes to lead samples to. In Training choose moons, rings, figure-8, spirals, pinwheel, the \
                          8 Gaussians, or a file with a column label.";
        if self.lead.kind == GuideKind::Model {
            let no_model = "There is no weak model to lead away from yet: take one in the panel.";
            let missing = desk.here.snapshot.weak.is_none();
            return missing.then(|| no_model.to_owned());
        }
        if classes(desk).is_empty() {
            return Some(no_classes.to_owned());
        }
        let no_classifier = "There is no classifier yet: train one in the panel.";
        if self.lead.kind == GuideKind::Classifier && Self::trained(desk).is_none() {
            return Some(no_classifier.to_owned());
        }
        let no_rows = "No row that is trained on is of this class: choose another one.";
        let led = self.led(desk, self.lead.weight, self.lead.log_snr());
        led.is_none().then(|| no_rows.to_owned())
    }

    fn home(&self, desk: &Desk) -> Bounds {
        cloud_bounds(desk)
    }

    fn density_tau(&self, _desk: &Desk) -> Option<f64> {
        None
    }

    fn generates(&self) -> bool {
        true
    }

    fn plots_height(&self, available: f32) -> f32 {
        (0.34 * available).max(170.0)
    }

    fn plots_ui(&mut self, ui: &mut Ui, desk: &mut Desk, twin: Option<&mut Self>) {
        let rect: Rect = ui.max_rect();
        self.weight_charts_ui(ui, rect, desk, twin.as_deref());
    }

    fn leave(&mut self, desk: &mut Desk) {
        self.chain.leave(desk);
        self.at_point.iter_mut().for_each(|slot| slot.end(desk));
        self.weights.forget(desk);
        desk.here.clock.speed = 1.0;
    }

    fn try_it(&mut self, index: usize, desk: &mut Desk) {
        match index {
            0 => self.lead.weight = 1.0,
            1 => self.lead.weight = 8.0,
            _ => self.show.behind = Behind::Tilted,
        }
        desk.here.clock.set(0.0);
    }

    fn is_tried(&self, index: usize, desk: &Desk) -> bool {
        let near = |weight: f64| (self.lead.weight - weight).abs() < 1e-6;
        let at_the_end = desk.here.clock.tau <= 0.001;
        at_the_end
            && match index {
                0 => near(1.0),
                1 => near(8.0),
                _ => self.show.behind == Behind::Tilted,
            }
    }

    fn show_learned(&mut self) {
        self.show.exact = Some(false);
    }

    fn is_busy(&self) -> bool {
        self.weights.is_busy() || self.density.is_busy()
    }
}

/// The box that a density is computed over: some more than is shown at first.
fn density_bounds(desk: &Desk) -> Bounds {
    cloud_bounds(desk).scaled(1.7)
}
