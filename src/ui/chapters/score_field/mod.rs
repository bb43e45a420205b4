//! Score field: arrows of ∇ log p_t, learned and exact, and where they part.

pub mod draws;
pub mod streamlines;

use std::sync::Arc;

use egui::{Align2, Context, Rect, Response, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::canvas::field::{ArrowLength, ArrowLook, FieldLayer};
use crate::canvas::paint::Layer;
use crate::canvas::{Mark, Role, Scene, View};
use crate::chapters::Page;
use crate::chapters::score_field::draws::Draws;
use crate::chapters::score_field::streamlines::Lattice;
use crate::chapters::shared::field_time::{field_scales, field_tau};
use crate::desk::Desk;
use crate::desk::run_slot::RunSlot;
use crate::equations;
use crate::theme::{Palette, text_font};
use crate::truths;
use crate::widgets::equation::Equation;
use crate::widgets::number::{fixed, grouped, short};
use crate::widgets::row::{self, Track};
use crate::widgets::text;
use crate::widgets::{readout, segmented};
use engine::Start;
use lab::message::{RunRequest, RunResult, Slot};
use maths::data::bounds::Bounds;
use maths::diffusion::solver::Plan;
use maths::diffusion::target::Quantity;
use maths::measure::field_error::FieldError;
use maths::names::Words;

/// s · |learned − exact|, the distance of the noise predictions: unseen, and painted in full.
const ERROR_RANGE: [f32; 2] = [0.02, 2.0];
/// Nats between two contours.
const CONTOUR_STEP: f32 = 1.0;
/// Where the chapter begins, t/T.
const OPENING: f64 = 0.2;

/// Polylines, data units.
type Lines = Arc<Vec<Vec<[f32; 2]>>>;

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
    arrows: Arrows,
    behind: Behind,
    grid: u32,
    length: ArrowLength,
    contours: bool,
    streamlines: bool,
}

impl Default for Show {
    fn default() -> Self {
        Self {
            arrows: Arrows::Both,
            behind: Behind::Density,
            grid: 32,
            length: ArrowLength::Log,
            contours: false,
            streamlines: false,
        }
    }
}

/// The chapter's state.
pub struct ScoreField {
    pub(super) show: Show,
    pub(super) hand: (),
    /// What the canvas shows, once it is there.
    visible: Option<Bounds>,
    /// The place under the pointer.
    pointed: Option<[f32; 2]>,
    /// Arrows by the learned and by the exact field.
    grids: [RunSlot<(Plan, Lattice)>; 2],
    /// Both fields at draws of x_t.
    at_draws: [RunSlot<(Plan, u64)>; 2],
    at_pointer: RunSlot<(Plan, [f32; 2])>,
    draws: Option<Draws>,
    /// The last learned and exact arrows on one lattice at one time: the heat map while one of them is ahead.
    matched: Option<[Arc<RunResult>; 2]>,
    error: Option<(u64, u64, Option<Measured>)>,
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
            hand: (),
            visible: None,
            pointed: None,
            grids: [RunSlot::new(Slot::LearnedArrows), RunSlot::new(Slot::ExactArrows)],
            at_draws: [RunSlot::new(Slot::LearnedDraws), RunSlot::new(Slot::ExactDraws)],
            at_pointer: RunSlot::new(Slot::ScoreAtPointer),
            draws: None,
            matched: None,
            error: None,
            lines: None,
        }
    }
}

/// The plan whose result is the score.
fn score_plan(desk: &Desk) -> Plan {
    Plan::field(desk.here.snapshot.experiment.plan_context(), field_tau(desk), Quantity::Score)
}

/// The vectors of a field [n, 2] that was read back.
fn vectors(result: &RunResult) -> Option<&[[f32; 2]]> {
    result.host.as_ref()?.get(result.recording.particles..)
}

fn request(plan: Plan, points: Arc<Vec<[f32; 2]>>, exact: bool) -> RunRequest {
    RunRequest { plan, start: Start::Points(points), seed: 0, exact, every: 1, follow: !exact, read_back: true }
}

impl ScoreField {
    /// Ask for what is shown and not there yet.
    fn ask(&mut self, desk: &Desk) {
        let Some(visible) = self.visible else { return };
        let plan = score_plan(desk);
        let lattice = Lattice::over(visible, self.show.grid);
        for (grid, exact) in self.grids.iter_mut().zip([false, true]) {
            let make = || request(plan.clone(), Arc::new(lattice.points()), exact);
            grid.want_patiently(desk, (plan.clone(), lattice), make);
        }
        let scales = field_scales(desk);
        let draws = Draws::of(&mut self.draws, desk);
        let (version, x_t) = (draws.version, draws.at(scales));
        for (at, exact) in self.at_draws.iter_mut().zip([false, true]) {
            at.want_patiently(desk, (plan.clone(), version), || request(plan.clone(), x_t.clone(), exact));
        }
        match self.pointed {
            None => self.at_pointer.end(desk),
            Some(point) => {
                let make = || request(plan.clone(), Arc::new(vec![point]), false);
                self.at_pointer.want_patiently(desk, (plan.clone(), point), make);
            }
        }
    }

    /// Measure the error between the last answers that belong together.
    fn measure(&mut self) {
        let [Some(learned), Some(exact)] = [0, 1].map(|which| self.at_draws[which].shown()) else {
            self.error = None;
            return;
        };
        let versions = (learned.version, exact.version);
        if self.error.as_ref().is_some_and(|(l, e, _)| (*l, *e) == versions) {
            return;
        }
        let error = match (&learned.request.start, &exact.request.start) {
            (Start::Points(points), Start::Points(others)) if Arc::ptr_eq(points, others) => {
                let fields = vectors(learned).zip(vectors(exact));
                let error = fields.and_then(|(learned, exact)| FieldError::between(points, learned, exact));
                error.map(|error| Measured { error, plan: learned.request.plan.clone() })
            }
            // While the clock moves, one of the two may be a step ahead: the number waits.
            _ => self.error.take().and_then(|(_, _, error)| error),
        };
        self.error = Some((versions.0, versions.1, error));
    }

    /// Follow the arrows on show, once each.
    fn follow_arrows(&mut self) {
        let grid = &self.grids[usize::from(self.show.arrows == Arrows::Exact)];
        let Some(result) = grid.shown().filter(|_| self.show.streamlines) else {
            self.lines = None;
            return;
        };
        if self.lines.as_ref().is_some_and(|(version, _)| *version == result.version) {
            return;
        }
        let lines = Lattice::of(result).zip(vectors(result)).map(|(lattice, field)| lattice.streamlines(field));
        self.lines = lines.map(|lines| (result.version, Arc::new(lines)));
    }

    /// Keep the last learned and exact arrows that belong together.
    fn match_grids(&mut self) {
        match [0, 1].map(|which| self.grids[which].shown()) {
            [Some(learned), Some(exact)]
                if Lattice::of(learned) == Lattice::of(exact) && learned.request.plan == exact.request.plan =>
            {
                self.matched = Some([learned.clone(), exact.clone()]);
            }
            [Some(_), Some(_)] => {}
            // What there was is of another experiment.
            _ => self.matched = None,
        }
    }

    fn arrow_layers(&self, palette: &Palette) -> Vec<(Role, Layer)> {
        let [learned, exact] = [0, 1].map(|which| self.grids[which].shown());
        // The exact field's scale for both: it does not breathe while the network learns.
        let largest = exact.and_then(|result| vectors(result)).unwrap_or_default();
        let largest = largest.iter().map(|v| v[0].hypot(v[1])).filter(|v| v.is_finite()).fold(0.0, f32::max);
        let both = self.show.arrows == Arrows::Both;
        // Weak arrows step back behind strong ones, but are opaque: one field's arrows cover the other's.
        let layer = |role, key, result: Option<&Arc<RunResult>>, color: egui::Color32, width| {
            let result = result?;
            let look = ArrowLook {
                colors: [color.lerp_to_gamma(palette.canvas, 0.35), color],
                length: self.show.length,
                largest: if largest > 0.0 { largest } else { 1.0 },
                reach: 0.92 * Lattice::of(result)?.step,
                width,
            };
            let field = result.recording.points.clone();
            Some((role, Layer::Field(FieldLayer::Arrows { key, field, version: result.version, look })))
        };
        let exact = (self.show.arrows != Arrows::Learned)
            .then(|| layer(Role::Exact, "exact arrows", exact, palette.exact, if both { 3.8 } else { 1.5 }));
        let learned = (self.show.arrows != Arrows::Exact)
            .then(|| layer(Role::Learned, "learned arrows", learned, palette.learned, if both { 1.9 } else { 1.5 }));
        [exact, learned].into_iter().flatten().flatten().collect()
    }

    fn heat_layer(&self, palette: &Palette) -> Option<Layer> {
        let [learned, exact] = self.matched.as_ref()?;
        let lattice = Lattice::of(learned)?;
        let s = learned.request.plan.steps.first()?.scales.s as f32;
        Some(Layer::Field(FieldLayer::Heat {
            key: "error",
            fields: [learned.recording.points.clone(), exact.recording.points.clone()],
            versions: [learned.version, exact.version],
            columns: lattice.side,
            range: ERROR_RANGE.map(|e| e / s.max(f32::MIN_POSITIVE)),
            color: palette.fault.gamma_multiply(0.75),
        }))
    }

    /// The plate beside the pointer.
    fn hover_ui(&self, ui: &Ui, view: &View, desk: &Desk) {
        let Some(point) = self.pointed else { return };
        let plan = score_plan(desk);
        // All numbers are of one place: where the network was asked last, a frame behind a moving hand.
        let answer = self.at_pointer.shown().filter(|result| result.request.plan == plan);
        let read = answer.and_then(|result| result.host.as_ref()?.get(..2)?.try_into().ok());
        let (at, learned) = read.map_or((point, None), |[at, learned]: [[f32; 2]; 2]| (at, Some(learned)));
        let marginal = desk.here.snapshot.dataset.mixture.marginal(field_scales(desk));
        let exact = marginal.score(at.map(f64::from));
        let log_p = marginal.log_density(at.map(f64::from));
        let palette = desk.palette();
        let pair = |v: [f64; 2]| format!("{}, {}", fixed(v[0], 2), fixed(v[1], 2));
        let lines = [
            (format!("x  {}", pair(at.map(f64::from))), palette.ink),
            (format!("learned  {}", learned.map_or_else(|| "…".into(), |v| pair(v.map(f64::from)))), palette.learned),
            (format!("exact  {}", pair(exact)), palette.exact),
            (format!("log p  {}", fixed(log_p, 2)), palette.ink),
        ];
        plate_ui(ui, view, at, &lines, palette);
    }
}

/// Lines of text on a plate beside a marked point.
fn plate_ui(ui: &Ui, view: &View, at: [f32; 2], lines: &[(String, egui::Color32)], palette: &Palette) {
    const LINE: f32 = 17.0;
    let painter = ui.painter_at(view.rect);
    let place = view.to_screen(at);
    painter.circle(place, 5.0, palette.fault, (1.5, palette.canvas));
    let size = vec2(178.0, LINE * lines.len() as f32 + 12.0);
    let mut corner = place + vec2(16.0, -14.0);
    if corner.x + size.x > view.rect.right() - 6.0 {
        corner.x = place.x - 16.0 - size.x;
    }
    corner.y = corner.y.clamp(view.rect.top() + 6.0, (view.rect.bottom() - size.y - 6.0).max(view.rect.top() + 6.0));
    let plate = Rect::from_min_size(corner, size);
    painter.rect(plate, 6.0, palette.panel.gamma_multiply(0.94), (1.0, palette.line), egui::StrokeKind::Inside);
    for (index, (text, color)) in lines.iter().enumerate() {
        let left = pos2(plate.left() + 10.0, plate.top() + 6.0 + LINE * index as f32);
        let drawn = painter.text(left, Align2::LEFT_TOP, text, text_font(13.0), *color);
        let label = ui.interact(drawn, ui.make_persistent_id(("score plate", view.canvas, index)), Sense::hover());
        label.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, text));
    }
}

impl Page for ScoreField {
    fn hint(&self) -> &'static str {
        "Drag the clock from noise to data: long, smooth arrows sharpen into the curve."
    }

    fn equation(&self, desk: &Desk) -> Equation {
        equations::score(desk.here.snapshot.experiment.schedule, desk.here.snapshot.experiment.target)
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        row::named(ui, "Arrows", "∇ log p_t by the network, in closed form, or one over the other", palette, |ui| {
            let options = [(Arrows::Learned, "Learned"), (Arrows::Exact, "Exact"), (Arrows::Both, "Both")];
            segmented::choose(ui, "Arrows", &mut self.show.arrows, &options, palette);
        });
        let tip = "The exact density of x_t, or |learned − exact| on the grid: faint where s |learned − exact| is below 0.02, full at 2";
        row::named(ui, "Behind", tip, palette, |ui| {
            let options = [(Behind::None, "None"), (Behind::Density, "Density"), (Behind::Error, "Error")];
            segmented::choose(ui, "Behind", &mut self.show.behind, &options, palette);
        });
        let tip = "Arrows a side over what is visible";
        row::slider(ui, ["Grid", tip], &mut self.show.grid, Track::linear(16..=64), grouped, palette);
        row::named(ui, "Length", "By log |∇ log p|, by |∇ log p|, or all alike", palette, |ui| {
            let options = [(ArrowLength::Log, "Log"), (ArrowLength::True, "True"), (ArrowLength::Unit, "Unit")];
            segmented::choose(ui, "Length", &mut self.show.length, &options, palette);
        });
        row::named(ui, "Contours", "Of the exact log density, one nat apart", palette, |ui| {
            segmented::choose(ui, "Contours", &mut self.show.contours, &[(false, "Off"), (true, "On")], palette);
        });
        row::named(
            ui,
            "Streamlines",
            "Lines along the arrows: of the learned field, or of the exact one",
            palette,
            |ui| {
                segmented::choose(
                    ui,
                    "Streamlines",
                    &mut self.show.streamlines,
                    &[(false, "Off"), (true, "On")],
                    palette,
                );
            },
        );
        ui.separator();
        let measured = self.error.as_ref().and_then(|(_, _, measured)| measured.clone());
        let s = measured.as_ref().and_then(|m| m.plan.steps.first()).map(|stage| stage.scales.s);
        // Numbers of a moment ago step back.
        let current = measured.as_ref().is_none_or(|m| m.plan == score_plan(desk));
        let ink = if current { palette.ink } else { palette.faint };
        let error = measured.map(|m| m.error);
        let number = |value: Option<f64>, text: fn(f64) -> String| value.map_or_else(|| "–".to_owned(), text);
        let mean = error.map(|e| e.mean_square);
        let tip = "(1/D) E ‖learned − exact‖² under p_t: the mean over both coordinates of 2048 draws of x_t, the same at every t";
        readout::line(ui, "score error under p_t", &number(mean, short), ink, tip, palette);
        let noise = mean.zip(s).map(|(mean, s)| s * s * mean);
        let tip =
            "(s²/D) E ‖learned − exact‖²: at this t, what the error adds to the least possible loss of an ε-model";
        readout::line(ui, "the same, times s²", &number(noise, short), ink, tip, palette);
        let at = error.map_or_else(
            || "–".to_owned(),
            |e| format!("{}, {}", fixed(f64::from(e.largest_at[0]), 2), fixed(f64::from(e.largest_at[1]), 2)),
        );
        readout::line(ui, "largest at", &at, ink, "The draw of x_t at which they are farthest apart", palette);
        let cosine = number(error.map(|e| e.cosine), |c| fixed(c, 3));
        let tip = "Mean cosine of the angle between learned and exact score under p_t";
        readout::line(ui, "cosine similarity", &cosine, ink, tip, palette);
        let shown = fixed(field_tau(desk), 3);
        if shown != fixed(desk.here.clock.tau, 3) {
            ui.add_space(4.0);
            let text = format!("Shown at t / T = {shown}, the nearest timestep that the network is trained at.");
            text::note(ui, &text, palette);
        }
    }

    fn take_hand(&mut self, _ui: &Ui, view: &View, _response: &Response, _desk: &mut Desk) {
        self.visible = Some(view.camera.visible(view.rect));
        self.pointed = view.pointer.map(|pointer| view.to_data(pointer));
    }

    fn prepare(&mut self, _ctx: &Context, desk: &mut Desk) {
        self.grids.iter_mut().for_each(|slot| slot.take_news(desk));
        self.at_draws.iter_mut().for_each(|slot| slot.take_news(desk));
        self.at_pointer.take_news(desk);
        self.ask(desk);
        self.measure();
        self.match_grids();
        self.follow_arrows();
    }

    fn scene(&self, _canvas: usize, desk: &Desk) -> Scene {
        let palette = desk.palette();
        let mut scene = Scene { outline: desk.here.snapshot.dataset.outline.clone(), ..Scene::default() };
        if let Some(field) = &desk.here.snapshot.density {
            if self.show.behind == Behind::Density {
                scene.push(Role::Exact, Layer::Density { field: field.clone(), color: palette.glow });
            }
            if self.show.contours {
                let color = palette.outline.gamma_multiply(0.4);
                let contours = FieldLayer::Contours { field: field.clone(), color, step: CONTOUR_STEP };
                scene.push(Role::Exact, Layer::Field(contours));
            }
        }
        if self.show.behind == Behind::Error {
            scene.layers.extend(self.heat_layer(palette).map(|layer| (Role::Other, layer)));
        }
        scene.layers.extend(self.arrow_layers(palette));
        let of = if self.show.arrows == Arrows::Exact { palette.exact } else { palette.learned };
        if let Some((_, lines)) = &self.lines {
            scene.lines = lines.clone();
            scene.line_color = of.gamma_multiply(0.7);
        }
        if self.show.arrows != Arrows::Exact {
            scene.name(Role::Learned, Mark::Area, palette.learned, "learned score");
        }
        if self.show.arrows != Arrows::Learned {
            scene.name(Role::Exact, Mark::Area, palette.exact, truths::exact(desk, "score"));
        }
        match self.show.behind {
            Behind::None => {}
            Behind::Density => {
                scene.name(Role::Exact, Mark::Area, palette.glow.to_opaque(), truths::exact(desk, "density"));
            }
            Behind::Error => scene.name(Role::Other, Mark::Area, palette.fault, "|learned − exact|"),
        }
        scene.name(Role::Other, Mark::Dashes, palette.outline, "data");
        scene
    }

    fn home(&self, _desk: &Desk) -> Bounds {
        Bounds { min: [-3.0, -2.6], max: [3.0, 2.6] }
    }

    fn density_tau(&self, desk: &Desk) -> Option<f64> {
        (self.show.behind == Behind::Density || self.show.contours).then(|| field_tau(desk))
    }

    fn overlay_ui(&self, ui: &mut Ui, view: &View, desk: &Desk) {
        self.hover_ui(ui, view, desk);
    }

    fn leave(&mut self, desk: &mut Desk) {
        self.grids.iter_mut().for_each(|slot| slot.end(desk));
        self.at_draws.iter_mut().for_each(|slot| slot.end(desk));
        self.at_pointer.end(desk);
        (self.matched, self.pointed) = (None, None);
    }

    fn play(&mut self, desk: &mut Desk) {
        desk.here.clock.toggle();
    }

    fn reset(&mut self, desk: &mut Desk) {
        desk.here.clock.set(OPENING);
    }
}
