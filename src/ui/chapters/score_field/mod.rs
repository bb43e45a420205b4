//! Score field: arrows of ∇ log p_t, learned and exact, and where they part.

pub mod draws;
pub mod streamlines;

use std::sync::Arc;

use egui::{Align2, Context, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::canvas::field::{ArrowLength, ArrowLook, FieldLayer};
use crate::canvas::paint::Layer;
use crate::canvas::{Mark, Scene, View};
use crate::chapters::Page;
use crate::chapters::score_field::draws::Draws;
use crate::chapters::score_field::streamlines::Lattice;
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
use maths::diffusion::schedule::{Scales, Schedule};
use maths::diffusion::solver::Plan;
use maths::diffusion::target::Quantity;
use maths::measure::field_error::FieldError;

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

/// The chapter's state.
pub struct ScoreField {
    arrows: Arrows,
    behind: Behind,
    grid: u32,
    length: ArrowLength,
    contours: bool,
    streamlines: bool,
    /// What the canvas showed last.
    visible: Option<Bounds>,
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
            arrows: Arrows::Both,
            behind: Behind::Density,
            grid: 32,
            length: ArrowLength::Log,
            contours: false,
            streamlines: false,
            visible: None,
            // Slots are served in the order of their names: what moves under the hand first.
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

/// The clock as the field sees it: at the nearest timestep that the network was trained at, t = 1 to T. Flow matching has no
/// signal left at T.
pub(super) fn field_tau(desk: &Desk) -> f64 {
    let experiment = &desk.here.snapshot.experiment;
    let timesteps = f64::from(experiment.timesteps.max(2));
    let last = if experiment.schedule == Schedule::Flow { timesteps - 1.0 } else { timesteps };
    (desk.here.clock.tau * timesteps).round().clamp(1.0, last) / timesteps
}

/// (a, s) of the experiment that runs, at the field's time.
pub(super) fn field_scales(desk: &Desk) -> Scales {
    let experiment = &desk.here.snapshot.experiment;
    experiment.schedule.scales(field_tau(desk), experiment.timesteps)
}

/// The plan whose result is the score.
fn score_plan(desk: &Desk) -> Plan {
    Plan::field(desk.here.snapshot.experiment.plan_context(), field_tau(desk), Quantity::Score)
}

impl Lattice {
    /// The lattice for what is visible: `side` places over its longer side, a little more so that the lattice stays
    /// while the camera moves a little.
    fn over(visible: Bounds, side: u32) -> Self {
        let [width, height] = [0, 1].map(|axis| visible.max[axis] - visible.min[axis]);
        let wanted = width.max(height).max(1e-6) / side as f32;
        let step = ((wanted.log2() * 8.0).ceil() / 8.0).exp2();
        let first = [0, 1].map(|axis| {
            let middle = f32::midpoint(visible.min[axis], visible.max[axis]);
            let first = middle - 0.5 * (side - 1) as f32 * step;
            ((first / step - 0.5).round() + 0.5) * step
        });
        Self { first, step, side }
    }

    /// The lattice that a result was computed on.
    fn of(result: &RunResult) -> Option<Self> {
        let Start::Points(points) = &result.request.start else { return None };
        let [first, next] = [points.first()?, points.get(1)?];
        Some(Self { first: *first, step: next[0] - first[0], side: points.len().isqrt() as u32 })
    }
}

/// The vectors of a field [n, 2] that was read back.
fn vectors(result: &RunResult) -> Option<&[[f32; 2]]> {
    result.host.as_ref()?.get(result.recording.particles..)
}

fn request(plan: Plan, points: Arc<Vec<[f32; 2]>>, exact: bool) -> RunRequest {
    RunRequest { plan, start: Start::Points(points), seed: 0, exact, every: 1, follow: !exact, read_back: true }
}

impl ScoreField {
    /// Show things as the other side does.
    pub(super) fn take_after(&mut self, other: &Self) {
        if self.arrows != other.arrows {
            self.lines = None;
        }
        (self.arrows, self.behind) = (other.arrows, other.behind);
        (self.grid, self.length) = (other.grid, other.length);
        (self.contours, self.streamlines) = (other.contours, other.streamlines);
    }

    /// Ask for what is shown and not there yet.
    fn ask(&mut self, desk: &Desk) {
        let Some(visible) = self.visible else { return };
        let plan = score_plan(desk);
        let lattice = Lattice::over(visible, self.grid);
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
    }

    /// The error between the last answers that belong together.
    fn error(&mut self) -> Option<Measured> {
        let [Some(learned), Some(exact)] = [0, 1].map(|which| self.at_draws[which].shown()) else {
            self.error = None;
            return None;
        };
        if let Some((l, e, error)) = &self.error
            && (*l, *e) == (learned.version, exact.version)
        {
            return error.clone();
        }
        let (Start::Points(points), Start::Points(others)) = (&learned.request.start, &exact.request.start) else {
            return None;
        };
        // While the clock moves, one of the two may be a step ahead: the number waits.
        let error = if Arc::ptr_eq(points, others) {
            let error = FieldError::between(points, vectors(learned)?, vectors(exact)?)?;
            Some(Measured { error, plan: learned.request.plan.clone() })
        } else {
            self.error.take().and_then(|(_, _, error)| error)
        };
        self.error = Some((learned.version, exact.version, error.clone()));
        error
    }

    fn streams(&mut self) -> Option<Lines> {
        let grid = &self.grids[usize::from(self.arrows == Arrows::Exact)];
        let result = grid.shown()?;
        if let Some((version, lines)) = &self.lines
            && *version == result.version
        {
            return Some(lines.clone());
        }
        let lines = Arc::new(Lattice::of(result)?.streamlines(vectors(result)?));
        self.lines = Some((result.version, lines.clone()));
        Some(lines)
    }

    fn arrow_layers(&self, palette: &Palette) -> Vec<Layer> {
        let [learned, exact] = [0, 1].map(|which| self.grids[which].shown());
        // The exact field's scale for both: it does not breathe while the network learns.
        let largest = exact.and_then(|result| vectors(result)).unwrap_or_default();
        let largest = largest.iter().map(|v| v[0].hypot(v[1])).filter(|v| v.is_finite()).fold(0.0, f32::max);
        let both = self.arrows == Arrows::Both;
        // Weak arrows step back behind strong ones, but are opaque: one field's arrows cover the other's.
        let layer = |key, result: Option<&Arc<RunResult>>, color: egui::Color32, width| {
            let result = result?;
            let look = ArrowLook {
                colors: [color.lerp_to_gamma(palette.canvas, 0.35), color],
                length: self.length,
                largest: if largest > 0.0 { largest } else { 1.0 },
                reach: 0.92 * Lattice::of(result)?.step,
                width,
            };
            let field = result.recording.points.clone();
            Some(Layer::Field(FieldLayer::Arrows { key, field, version: result.version, look }))
        };
        let exact = (self.arrows != Arrows::Learned)
            .then(|| layer("exact arrows", exact, palette.exact, if both { 3.8 } else { 1.5 }));
        let learned = (self.arrows != Arrows::Exact)
            .then(|| layer("learned arrows", learned, palette.learned, if both { 1.9 } else { 1.5 }));
        [exact, learned].into_iter().flatten().flatten().collect()
    }

    fn heat_layer(&mut self, palette: &Palette) -> Option<Layer> {
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
    fn hover_ui(&mut self, ui: &Ui, view: &View, desk: &Desk) {
        let Some(pointer) = view.pointer else {
            self.at_pointer.end(desk);
            return;
        };
        let plan = score_plan(desk);
        let point = view.to_data(pointer);
        let make = || request(plan.clone(), Arc::new(vec![point]), false);
        self.at_pointer.want_patiently(desk, (plan.clone(), point), make);
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
        label.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
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
            if segmented::choose(ui, "Arrows", &mut self.arrows, &options, palette).changed() {
                self.lines = None;
            }
        });
        let tip = "The exact density of x_t, or |learned − exact| on the grid: faint where s |learned − exact| is below 0.02, full at 2";
        row::named(ui, "Behind", tip, palette, |ui| {
            let options = [(Behind::None, "None"), (Behind::Density, "Density"), (Behind::Error, "Error")];
            segmented::choose(ui, "Behind", &mut self.behind, &options, palette);
        });
        let tip = "Arrows a side over what is visible";
        row::slider(ui, ["Grid", tip], &mut self.grid, Track::linear(16..=64), grouped, palette);
        row::named(ui, "Length", "By log |∇ log p|, by |∇ log p|, or all alike", palette, |ui| {
            let options = [(ArrowLength::Log, "Log"), (ArrowLength::True, "True"), (ArrowLength::Unit, "Unit")];
            segmented::choose(ui, "Length", &mut self.length, &options, palette);
        });
        row::named(ui, "Contours", "Of the exact log density, one nat apart", palette, |ui| {
            segmented::choose(ui, "Contours", &mut self.contours, &[(false, "Off"), (true, "On")], palette);
        });
        row::named(
            ui,
            "Streamlines",
            "Lines along the arrows: of the learned field, or of the exact one",
            palette,
            |ui| {
                segmented::choose(ui, "Streamlines", &mut self.streamlines, &[(false, "Off"), (true, "On")], palette);
            },
        );
        ui.separator();
        let measured = self.error();
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

    fn prepare(&mut self, _ctx: &Context, desk: &mut Desk) {
        self.grids.iter_mut().for_each(|slot| slot.take_news(desk));
        self.at_draws.iter_mut().for_each(|slot| slot.take_news(desk));
        self.at_pointer.take_news(desk);
    }

    fn scene(&mut self, desk: &Desk) -> Scene {
        let palette = desk.palette();
        let mut scene = Scene { outline: desk.here.snapshot.dataset.outline.clone(), ..Scene::default() };
        if let Some(field) = &desk.here.snapshot.density {
            if self.behind == Behind::Density {
                scene.layers.push(Layer::Density { field: field.clone(), color: palette.glow });
            }
            if self.contours {
                let color = palette.outline.gamma_multiply(0.4);
                let contours = FieldLayer::Contours { field: field.clone(), color, step: CONTOUR_STEP };
                scene.layers.push(Layer::Field(contours));
            }
        }
        if self.behind == Behind::Error {
            scene.layers.extend(self.heat_layer(palette));
        }
        scene.layers.extend(self.arrow_layers(palette));
        let of = if self.arrows == Arrows::Exact { palette.exact } else { palette.learned };
        if self.streamlines
            && let Some(lines) = self.streams()
        {
            scene.lines = lines;
            scene.line_color = of.gamma_multiply(0.7);
        }
        if self.arrows != Arrows::Exact {
            scene.legend.push((Mark::Area, palette.learned, "learned score".into()));
        }
        if self.arrows != Arrows::Learned {
            scene.legend.push((Mark::Area, palette.exact, truths::exact(desk, "score")));
        }
        match self.behind {
            Behind::None => {}
            Behind::Density => {
                scene.legend.push((Mark::Area, palette.glow.to_opaque(), truths::exact(desk, "density")));
            }
            Behind::Error => scene.legend.push((Mark::Area, palette.fault, "|learned − exact|".into())),
        }
        scene.legend.push((Mark::Dashes, palette.outline, "data".into()));
        scene
    }

    fn home(&self, _desk: &Desk) -> Bounds {
        Bounds { min: [-3.0, -2.6], max: [3.0, 2.6] }
    }

    fn density_tau(&self, desk: &Desk) -> Option<f64> {
        (self.behind == Behind::Density || self.contours).then(|| field_tau(desk))
    }

    fn overlay_ui(&mut self, ui: &mut Ui, view: &View, _response: &Response, desk: &mut Desk) {
        self.visible = Some(view.camera.visible(view.rect));
        self.ask(desk);
        self.hover_ui(ui, view, desk);
    }

    fn leave(&mut self, desk: &mut Desk) {
        self.grids.iter_mut().for_each(|slot| slot.end(desk));
        self.at_draws.iter_mut().for_each(|slot| slot.end(desk));
        self.at_pointer.end(desk);
        self.matched = None;
    }

    fn play(&mut self, desk: &mut Desk) {
        desk.here.clock.toggle();
    }

    fn reset(&mut self, desk: &mut Desk) {
        desk.here.clock.set(OPENING);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lattice_covers_what_is_visible_and_stays_while_the_camera_moves_a_little() {
        let visible = Bounds { min: [-3.3, -2.6], max: [3.3, 2.6] };
        let lattice = Lattice::over(visible, 32);
        let points = lattice.points();
        assert_eq!(points.len(), 32 * 32);
        let around = Bounds::around(&points).unwrap();
        let margin = lattice.step;
        assert!((0..2).all(|i| around.min[i] <= visible.min[i] + margin && visible.max[i] <= around.max[i] + margin));
        let moved = |by: f32| Bounds { min: [-3.3 + by, -2.6], max: [3.3 + by, 2.6] };
        assert_eq!(Lattice::over(moved(0.02), 32), lattice);
        // Farther on its places are still those of before.
        let far = Lattice::over(moved(1.0), 32);
        let steps = (far.first[0] - lattice.first[0]) / lattice.step;
        assert!(steps > 2.0 && (steps - steps.round()).abs() < 1e-3);
    }
}
