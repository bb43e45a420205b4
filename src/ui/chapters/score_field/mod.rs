//! Score field: arrows of ∇ log p_t, learned and exact, and where they part; or of the velocity, and at a point what it is the mean of.

mod asking;
mod bundle;
mod controls;
pub mod draws;
mod key;
mod layers;
mod sheet;
mod strands;
pub mod streamlines;

pub use sheet::SHEET;

use std::sync::Arc;

use egui::{Context, Response, Ui};

use crate::canvas::arrow_length::ArrowLength;
use crate::canvas::field::FieldLayer;
use crate::canvas::paint::Layer;
use crate::canvas::{Mark, Role, Scene, View};
use crate::chapters::Page;
use crate::chapters::score_field::bundle::{Bundle, Hand};
use crate::chapters::score_field::draws::Draws;
use crate::chapters::score_field::streamlines::Lattice;
use crate::chapters::shared::field_time::{field_scales, field_tau};
use crate::desk::Desk;
use crate::desk::run_slot::RunSlot;
use crate::equations;
use crate::truths;
use crate::widgets::equation::Equation;
use engine::Start;
use lab::message::{RunResult, Slot};
use maths::data::bounds::Bounds;
use maths::diffusion::schedule::Scales;
use maths::diffusion::solver::Plan;
use maths::measure::field_error::FieldError;
use maths::names::Words;

/// s · |learned − exact|, the distance of the noise predictions: unseen, and painted in full.
const ERROR_RANGE: [f32; 2] = [0.02, 2.0];
/// Of the density where it is high: below the first the error map is gone, from the second on it is full.
const FADE: [f32; 2] = [1e-4, 1e-2];
/// Draws of x_t among which the highest density is taken.
const PEAK_DRAWS: usize = 64;
/// Nats between two contours.
const CONTOUR_STEP: f32 = 1.0;
/// Where the chapter begins, t/T.
const OPENING: f64 = 0.2;

/// Polylines, data units.
type Lines = Arc<Vec<Vec<[f32; 2]>>>;

/// What the arrows are of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Score,
    /// −u: as samples go.
    Velocity,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Arrows {
    Learned,
    Exact,
    Both,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Behind {
    None,
    Density,
    Error,
}

/// How the chapter is called.
pub const WORDS: Words = Words {
    name: "score",
    title: "Score field",
    symbol: "Score field",
    short: "score",
    help: "arrows of ∇ log p_t, learned and exact",
};

/// How the chapter shows things.
#[derive(Clone, Copy)]
pub(super) struct Show {
    /// Chosen when the chapter opens: an untrained network points nowhere.
    arrows: Option<Arrows>,
    field: Field,
    /// How many x_0 the bundle draws.
    draws: u32,
    behind: Behind,
    grid: u32,
    length: ArrowLength,
    contours: bool,
    streamlines: bool,
}

impl Default for Show {
    fn default() -> Self {
        Self {
            arrows: None,
            field: Field::Score,
            draws: 40,
            behind: Behind::Density,
            grid: 32,
            length: ArrowLength::True,
            contours: false,
            streamlines: false,
        }
    }
}

/// The chapter's state.
pub struct ScoreField {
    pub(super) show: Show,
    pub(super) hand: Hand,
    /// The hand is placing the point.
    placing: bool,
    bundle: Option<Bundle>,
    /// What the canvas shows, once it is there.
    visible: Option<Bounds>,
    /// The place under the pointer.
    pointed: Option<[f32; 2]>,
    /// Arrows by the learned and by the exact field.
    grids: [RunSlot<(Plan, Lattice)>; 2],
    /// Both fields at draws of x_t.
    at_draws: [RunSlot<(Plan, u64)>; 2],
    /// Of the score the network's where the pointer is, of the velocity its x̂_0 at the bundle's point.
    at_pointer: RunSlot<(Plan, [f32; 2])>,
    draws: Option<Draws>,
    /// The last learned and exact arrows on one lattice at one time: the heat map while one of them is ahead.
    matched: Option<[Arc<RunResult>; 2]>,
    error: Option<(u64, u64, Option<Measured>)>,
    /// log p_t where the density is high, and the scales and draws that it is of.
    peak: Option<((Scales, u64), f64)>,
    lines: Option<(u64, Lines)>,
}

/// An error, and the plan whose field it is of.
#[derive(Clone)]
struct Measured {
    error: FieldError,
    plan: Plan,
}

impl Default for ScoreField {
    fn default() -> Self {
        Self {
            show: Show::default(),
            hand: Hand::default(),
            placing: false,
            bundle: None,
            visible: None,
            pointed: None,
            grids: [
                RunSlot::new(Slot::LearnedArrows),
                RunSlot::new(Slot::ExactArrows),
            ],
            at_draws: [
                RunSlot::new(Slot::LearnedDraws),
                RunSlot::new(Slot::ExactDraws),
            ],
            at_pointer: RunSlot::new(Slot::ScoreAtPointer),
            draws: None,
            matched: None,
            error: None,
            peak: None,
            lines: None,
        }
    }
}

/// The vectors of a field [n, 2] that was read back.
fn vectors(result: &RunResult) -> Option<&[[f32; 2]]> {
    result.host.as_ref()?.get(result.recording.particles..)
}

impl ScoreField {
    /// The arrows on show.
    fn arrows(&self) -> Arrows {
        self.show.arrows.unwrap_or(Arrows::Exact)
    }

    /// What the arrows are called.
    fn field_name(&self) -> &'static str {
        match self.show.field {
            Field::Score => "score",
            Field::Velocity => "velocity −u",
        }
    }

    /// Find how high the density is, for the error map, which fades where it is low.
    fn find_peak(&mut self, desk: &Desk) {
        if self.show.behind != Behind::Error {
            return;
        }
        let scales = field_scales(desk);
        let draws = Draws::of(&mut self.draws, desk);
        let of = (scales, draws.version);
        if self.peak.is_some_and(|(known, _)| known == of) {
            return;
        }
        let marginal = desk.here.snapshot.dataset.mixture.marginal(scales);
        let x_t = draws.at(scales);
        let heights = x_t
            .iter()
            .take(PEAK_DRAWS)
            .map(|x| marginal.log_density(x.map(f64::from)));
        self.peak = Some((of, heights.fold(f64::NEG_INFINITY, f64::max)));
    }

    /// Measure the error between the last answers that belong together.
    fn measure(&mut self) {
        let [Some(learned), Some(exact)] = [0, 1].map(|which| self.at_draws[which].shown()) else {
            self.error = None;
            return;
        };
        let versions = (learned.version, exact.version);
        if self
            .error
            .as_ref()
            .is_some_and(|(l, e, _)| (*l, *e) == versions)
        {
            return;
        }
        let error = match (&learned.request.start, &exact.request.start) {
            (Start::Points(points), Start::Points(others)) if Arc::ptr_eq(points, others) => {
                let fields = vectors(learned).zip(vectors(exact));
                let error =
                    fields.and_then(|(learned, exact)| FieldError::between(points, learned, exact));
                error.map(|error| Measured {
                    error,
                    plan: learned.request.plan.clone(),
                })
            }
            // While the clock moves, one of the two may be a step ahead: the number waits.
            _ => self.error.take().and_then(|(_, _, error)| error),
        };
        self.error = Some((versions.0, versions.1, error));
    }

    /// Follow the arrows on show, once each.
    fn follow_arrows(&mut self) {
        let grid = &self.grids[usize::from(self.arrows() == Arrows::Exact)];
        let Some(result) = grid.shown().filter(|_| self.show.streamlines) else {
            self.lines = None;
            return;
        };
        if self
            .lines
            .as_ref()
            .is_some_and(|(version, _)| *version == result.version)
        {
            return;
        }
        let lines = Lattice::of(result)
            .zip(vectors(result))
            .map(|(lattice, field)| lattice.streamlines(field));
        self.lines = lines.map(|lines| (result.version, Arc::new(lines)));
    }

    /// Keep the last learned and exact arrows that belong together.
    fn match_grids(&mut self) {
        match [0, 1].map(|which| self.grids[which].shown()) {
            [Some(learned), Some(exact)]
                if Lattice::of(learned) == Lattice::of(exact)
                    && learned.request.plan == exact.request.plan =>
            {
                self.matched = Some([learned.clone(), exact.clone()]);
            }
            [Some(_), Some(_)] => {}
            // What there was is of another experiment.
            _ => self.matched = None,
        }
    }
}

impl Page for ScoreField {
    fn hint(&self) -> &'static str {
        match self.show.field {
            Field::Score => {
                "Drag the clock from noise to data: short, smooth arrows grow, and sharpen into the curve."
            }
            Field::Velocity => {
                "Drag the point x, then the clock: towards noise the bundle fans out over all data, towards data it closes on one x₀."
            }
        }
    }

    fn equation(&self, desk: &Desk) -> Equation {
        if self.show.field == Field::Velocity {
            return equations::velocity();
        }
        let experiment = &desk.here.snapshot.experiment;
        equations::score(experiment.schedule, experiment.target)
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        self.controls(ui, desk);
    }

    fn takes_drags(&self) -> bool {
        self.show.field == Field::Velocity
    }

    fn take_hand(&mut self, ui: &Ui, view: &View, response: &Response, _desk: &mut Desk) {
        self.visible = Some(view.camera.visible(view.rect));
        self.pointed = view.pointer.map(|pointer| view.to_data(pointer));
        if self.show.field == Field::Velocity {
            self.place_point(ui, view, response);
        }
    }

    fn prepare(&mut self, _ctx: &Context, desk: &mut Desk) {
        if self.show.arrows.is_none() {
            let untrained = desk.here.snapshot.step == 0;
            self.show.arrows = Some(if untrained {
                Arrows::Exact
            } else {
                Arrows::Learned
            });
        }
        self.grids.iter_mut().for_each(|slot| slot.take_news(desk));
        self.at_draws
            .iter_mut()
            .for_each(|slot| slot.take_news(desk));
        self.at_pointer.take_news(desk);
        if self.show.field == Field::Velocity {
            Bundle::keep(&mut self.bundle, self.hand.at(), self.show.draws, desk);
        } else {
            self.bundle = None;
        }
        self.ask(desk);
        self.measure();
        self.find_peak(desk);
        self.match_grids();
        self.follow_arrows();
    }

    fn scene(&self, _canvas: usize, desk: &Desk) -> Scene {
        let palette = desk.palette();
        let mut scene = Scene {
            outline: desk.here.snapshot.dataset.outline.clone(),
            ..Scene::default()
        };
        if self.show.behind == Behind::Density {
            truths::draw_density(&mut scene, desk);
        }
        if let (true, Some(field)) = (self.show.contours, &desk.here.snapshot.density) {
            let contours = FieldLayer::Contours {
                field: field.clone(),
                color: palette.outline.gamma_multiply(0.4),
                step: CONTOUR_STEP,
            };
            scene.push(Role::Exact, Layer::Field(contours));
        }
        if self.show.behind == Behind::Error {
            scene
                .layers
                .extend(self.heat_layer(desk).map(|layer| (Role::Other, layer)));
        }
        scene.layers.extend(self.arrow_layers(desk));
        let arrows = self.arrows();
        let of = if arrows == Arrows::Exact {
            palette.exact
        } else {
            palette.learned
        };
        if let Some((_, lines)) = &self.lines {
            scene.lines = lines.clone();
            scene.line_color = of.gamma_multiply(0.7);
        }
        if arrows != Arrows::Exact {
            let of = self.grids[0].shown();
            let of = of.map_or_else(String::new, |run| desk.here.update_of(run));
            let name = format!("learned {}{of}", self.field_name());
            scene.name(Role::Learned, Mark::Area, palette.learned, name);
        }
        if arrows != Arrows::Learned {
            scene.name(
                Role::Exact,
                Mark::Area,
                palette.exact,
                truths::exact(desk, self.field_name()),
            );
        }
        if self.show.field == Field::Velocity {
            self.name_bundle(&mut scene, desk);
        }
        match self.show.behind {
            Behind::None => {}
            Behind::Density => truths::name_density(&mut scene, desk),
            Behind::Error => {
                scene.name(
                    Role::Other,
                    Mark::Area,
                    palette.fault,
                    "s |learned − exact|",
                );
            }
        }
        scene.name(Role::Other, Mark::Dashes, palette.outline, "data");
        scene
    }

    fn home(&self, _desk: &Desk) -> Bounds {
        Bounds {
            min: [-3.0, -2.6],
            max: [3.0, 2.6],
        }
    }

    fn density_tau(&self, desk: &Desk) -> Option<f64> {
        (self.show.behind != Behind::None || self.show.contours).then(|| field_tau(desk))
    }

    fn overlay_ui(&self, ui: &mut Ui, view: &View, desk: &Desk) {
        if self.show.field == Field::Velocity {
            self.bundle_ui(ui, view, desk);
        } else {
            self.hover_ui(ui, view, desk);
        }
        self.key_ui(ui, view, desk);
    }

    fn leave(&mut self, desk: &mut Desk) {
        self.grids.iter_mut().for_each(|slot| slot.end(desk));
        self.at_draws.iter_mut().for_each(|slot| slot.end(desk));
        self.at_pointer.end(desk);
        (self.matched, self.pointed, self.visible) = (None, None, None);
        (self.bundle, self.placing) = (None, false);
    }

    fn reset(&mut self, desk: &mut Desk) {
        desk.here.clock.set(OPENING);
    }

    fn tried_taus(&self) -> &'static [f64] {
        &[0.6, 0.05]
    }
}
