//! The canvas: one plane with its grid, its points, its density, and the hand that moves it.

pub mod arrow_length;
pub mod axes;
pub mod camera;
pub mod density;
pub mod device;
pub mod field;
pub mod labels;
pub mod motion;
pub mod paint;
pub mod points;
pub mod remark;

use egui::{
    Align, Align2, Color32, CursorIcon, Label, Painter, Rect, Response, Sense, Shape, Ui,
    WidgetInfo, pos2, text::LayoutJob, vec2,
};

use crate::theme::{Palette, strong_font, text_font};
use crate::widgets::hand::pulled_by;
use crate::widgets::maths;
use camera::Camera;
use paint::{CanvasPaint, Layer};

/// Format of the target that a canvas is painted on.
pub type TargetFormat = wgpu::TextureFormat;

/// How an entry of the legend is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A disc: points.
    Dot,
    /// A square: an area.
    Area,
    /// Dashes: an outline.
    Dashes,
    /// A stroke: a curve.
    Line,
    /// The text itself, in the colour: the letter of an experiment.
    Letter,
    /// An arrow.
    Arrow,
    /// Dots in a row: a line that only helps the eye.
    Dotted,
    /// A ring: a circle that is not filled.
    Ring,
    /// Two strokes crossed.
    Cross,
    /// A square on its tip.
    Diamond,
}

/// Paint a mark about a place, `radius` points to each side.
pub fn paint_mark(painter: &Painter, mark: Mark, middle: egui::Pos2, radius: f32, color: Color32) {
    let across = |from: egui::Vec2| [middle - radius * from, middle + radius * from];
    match mark {
        Mark::Dot => drop(painter.circle_filled(middle, 0.8 * radius, color)),
        Mark::Area => drop(painter.rect_filled(
            Rect::from_center_size(middle, egui::Vec2::splat(2.0 * radius)),
            2.0,
            color,
        )),
        Mark::Dashes => {
            painter.extend(Shape::dashed_line(
                &across(vec2(1.2, 0.0)),
                (1.5, color),
                3.0,
                2.0,
            ));
        }
        Mark::Dotted => {
            painter.extend(Shape::dotted_line(&across(vec2(1.2, 0.0)), color, 4.0, 1.0));
        }
        Mark::Line => drop(painter.line_segment(across(vec2(1.2, 0.0)), (1.5, color))),
        Mark::Arrow => {
            let [from, to] = across(vec2(1.2, 0.0));
            painter.arrow(from, to - from, (1.5, color));
        }
        Mark::Ring => drop(painter.circle_stroke(middle, 0.9 * radius, (1.5, color))),
        Mark::Cross => {
            for arm in [vec2(0.8, 0.8), vec2(0.8, -0.8)] {
                painter.line_segment(across(arm), (1.8, color));
            }
        }
        Mark::Diamond => {
            let tips = [
                vec2(0.0, -1.0),
                vec2(1.0, 0.0),
                vec2(0.0, 1.0),
                vec2(-1.0, 0.0),
            ];
            let tips = tips.map(|tip| middle + radius * tip).to_vec();
            painter.add(Shape::convex_polygon(tips, color, egui::Stroke::NONE));
        }
        Mark::Letter => {}
    }
}

/// What the grid behind the canvas counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Axes {
    /// x to the right, y upwards.
    #[default]
    Plane,
    /// t/T from 1 at the left to 0 at the right, over so many data units; a coordinate upwards.
    Time {
        /// Data units from t/T = 1 to 0, around the middle.
        width: f32,
    },
    /// No grid.
    None,
}

/// What a layer, or an entry of a legend, is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The data.
    Data,
    /// What follows from the data in closed form: the same for whoever has the same data.
    Exact,
    /// What the network makes.
    Learned,
    /// None of these.
    Other,
}

/// An entry of a legend.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is of.
    pub role: Role,
    /// How it is marked.
    pub mark: Mark,
    /// The mark's colour.
    pub color: Color32,
    /// What it says.
    pub text: String,
}

/// What a chapter shows on a canvas.
#[derive(Default)]
pub struct Scene {
    /// Painted by wgpu, back to front.
    pub layers: Vec<(Role, Layer)>,
    /// Polylines in data units, dashed.
    pub outline: std::sync::Arc<Vec<Vec<[f32; 2]>>>,
    /// Polylines in data units, solid, and their colour.
    pub lines: std::sync::Arc<Vec<Vec<[f32; 2]>>>,
    /// See `lines`.
    pub line_color: Color32,
    /// Entries of the legend.
    pub legend: Vec<Entry>,
    /// The grid.
    pub axes: Axes,
    /// Lines in data units, behind the layers.
    pub lines_behind: Vec<(Vec<[f32; 2]>, egui::Stroke)>,
}

impl Scene {
    /// One more layer, over those there are.
    pub fn push(&mut self, role: Role, layer: Layer) {
        self.layers.push((role, layer));
    }

    /// One more entry of the legend.
    pub fn name(&mut self, role: Role, mark: Mark, color: Color32, text: impl Into<String>) {
        self.legend.push(Entry {
            role,
            mark,
            color,
            text: text.into(),
        });
    }
}

/// A canvas of this frame: where it lies on the screen, and where it looks.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// 0, or 1 for the canvas beside the first.
    pub index: usize,
    /// Place of the canvas, in points of the screen.
    pub rect: Rect,
    /// Where it looks.
    pub camera: Camera,
    /// The pointer on it: its own, or that on the other side, carried over to the same place of the plane.
    pub pointer: Option<egui::Pos2>,
    /// Tells the canvases of the window apart.
    pub canvas: egui::Id,
}

impl View {
    /// Where a data point lies on the screen.
    pub fn to_screen(&self, point: [f32; 2]) -> egui::Pos2 {
        self.camera.to_screen(self.rect, point)
    }

    /// Which data point lies at a place of the screen.
    pub fn to_data(&self, screen: egui::Pos2) -> [f32; 2] {
        self.camera.to_data(self.rect, screen)
    }
}

/// Let the hand reach a canvas of this name, as far as the clip of the `Ui` shows it, and move its camera there. Where the
/// chapter takes drags by the first button for itself, the other buttons move the camera.
pub fn hand_ui(
    ui: &Ui,
    name: &str,
    rect: Rect,
    camera: &mut Camera,
    takes_drags: bool,
) -> Response {
    let seen = rect.intersect(ui.clip_rect());
    let response = ui.interact(seen, canvas_id(ui, name), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Canvas, true, name));
    move_camera(ui, &response, rect, camera, takes_drags);
    response
}

/// A canvas that the hand does not reach: another one lies over it.
pub fn no_hand_ui(ui: &Ui, name: &str, rect: Rect) -> Response {
    let corner = rect.intersect(ui.clip_rect()).min;
    let response = ui.interact(
        Rect::from_min_size(corner, vec2(0.0, 0.0)),
        canvas_id(ui, name),
        Sense::hover(),
    );
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Canvas, true, name));
    response
}

fn canvas_id(ui: &Ui, name: &str) -> egui::Id {
    ui.make_persistent_id(("canvas", name))
}

/// How a canvas is painted.
#[derive(Clone, Copy, Debug)]
pub struct Painting<'a> {
    /// It lies over another one: neither ground nor grid is painted.
    pub over: bool,
    /// That of the target; `None` paints no layers.
    pub format: Option<TargetFormat>,
    /// The colours.
    pub palette: &'a Palette,
}

/// Paint a scene, but for its legend, where a canvas lies, within the painter's clip.
pub fn paint_scene(painter: &Painter, view: &View, scene: Scene, painting: Painting<'_>) {
    let (rect, camera) = (view.rect, &view.camera);
    let Painting {
        over,
        format,
        palette,
    } = painting;
    let painter = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
    if !over {
        painter.rect_filled(rect, 0.0, palette.canvas);
        axes::paint_grid(&painter, rect, camera, scene.axes, palette);
    }
    for (line, stroke) in scene.lines_behind {
        painter.line(
            line.into_iter()
                .map(|p| camera.to_screen(rect, p))
                .collect(),
            stroke,
        );
    }
    if let Some(format) = format {
        let layers = scene.layers.into_iter().map(|(_, layer)| layer).collect();
        let paint = CanvasPaint {
            format,
            canvas: view.canvas,
            rect,
            camera: *camera,
            layers,
        };
        painter.add(eframe::egui_wgpu::Callback::new_paint_callback(rect, paint));
    }
    for line in scene.lines.iter() {
        let line = line.iter().map(|&p| camera.to_screen(rect, p)).collect();
        painter.line(line, egui::Stroke::new(1.2, scene.line_color));
    }
    for line in scene.outline.iter() {
        let line: Vec<_> = line.iter().map(|&p| camera.to_screen(rect, p)).collect();
        painter.extend(Shape::dashed_line(&line, (1.0, palette.outline), 4.0, 4.0));
    }
    if !over {
        axes::paint_numbers(&painter, rect, camera, scene.axes, palette);
    }
}

fn move_camera(ui: &Ui, response: &Response, rect: Rect, camera: &mut Camera, takes_drags: bool) {
    let first = egui::PointerButton::Primary;
    let chapters = takes_drags && (response.dragged_by(first) || response.drag_stopped_by(first));
    if (response.dragged() || response.drag_stopped()) && !chapters {
        camera.pan(rect, pulled_by(response));
        ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
    }
    if let (true, Some(cursor)) = (response.contains_pointer(), response.hover_pos()) {
        let (pinch, wheel) = ui.input(|i| (i.zoom_delta(), i.smooth_scroll_delta().y));
        let factor = pinch * (wheel * 0.004).exp();
        if factor != 1.0 {
            camera.zoom(rect, factor, cursor);
        }
    }
}

/// A plate that keeps what is written on a canvas legible over points.
pub fn paint_plate(painter: &Painter, plate: Rect, palette: &Palette) {
    painter.rect(
        plate,
        6.0,
        palette.panel.gamma_multiply(0.92),
        (1.0, palette.line),
        egui::StrokeKind::Inside,
    );
}

/// Room at the upper right for the button that resets the view.
pub const RESET_VIEW: f32 = 40.0;
/// Height of a line of the legend, and of a row of type in it.
const LEGEND_LINE: f32 = 28.0;
const ROW: f32 = 18.0;
/// An entry of the legend is given at least this width before its words take another row.
const NARROWEST_ENTRY: f32 = 80.0;

/// An entry of a legend in its place on the plate: the middle of its left end, and how far its text stands from it.
type Placed = (egui::Vec2, f32, std::sync::Arc<egui::Galley>);

/// Lay a legend out in a canvas of this width: the entries, and the size of the plate.
fn lay_legend(
    painter: &egui::Painter,
    width: f32,
    entries: &[Entry],
    palette: &Palette,
) -> (Vec<Placed>, egui::Vec2) {
    // The button that resets the view stands at the right.
    let room = width - 24.0 - RESET_VIEW;
    let (mut x, mut top, mut height, mut widest) = (10.0, 0.0, LEGEND_LINE, 0.0_f32);
    let mut placed = Vec::with_capacity(entries.len());
    for Entry {
        mark, color, text, ..
    } in entries
    {
        let letter = *mark == Mark::Letter;
        let (font, ink) = if letter {
            (strong_font(13.0), *color)
        } else {
            (text_font(13.0), palette.weak)
        };
        let before = if letter { 0.0 } else { 16.0 };
        let most = (room - before - 18.0).max(NARROWEST_ENTRY);
        let lay = |text: &str| {
            let mut job = maths::job(painter, text, &font, ink);
            job.wrap.max_width = most;
            painter.layout_job(job)
        };
        let mut galley = lay(text);
        if galley.rows.len() > 1 {
            // A number stays on its line.
            galley = lay(&text.replace('\u{2009}', "\u{a0}"));
        }
        let width = before + galley.size().x;
        if x > 10.0 && x + width + 8.0 > room {
            (x, top, height) = (10.0, top + height, LEGEND_LINE);
        }
        // An entry that is wider than the canvas has several rows, and is alone on its line.
        height = height.max(galley.size().y + LEGEND_LINE - ROW);
        placed.push((vec2(x, top + 0.5 * height), before, galley));
        widest = widest.max(x + width + 10.0);
        x += width + 16.0;
    }
    (placed, vec2(widest, top + height))
}

/// Where [`legend_ui`] puts its plate.
pub fn legend_plate(
    painter: &egui::Painter,
    rect: Rect,
    lower: f32,
    entries: &[Entry],
    palette: &Palette,
) -> Rect {
    let (_, size) = lay_legend(painter, rect.width(), entries, palette);
    Rect::from_min_size(rect.min + vec2(12.0, 10.0 + lower), size)
}

/// The legend at the top left of what is seen of a canvas, on a plate that keeps it legible over points; as many lines as
/// the width asks for. `lower`: so far beneath its usual place. Returns its height with the gap beneath.
pub fn legend_ui(
    painter: &egui::Painter,
    rect: Rect,
    lower: f32,
    entries: &[Entry],
    palette: &Palette,
) -> f32 {
    if entries.is_empty() {
        return 0.0;
    }
    let (placed, size) = lay_legend(painter, rect.width(), entries, palette);
    let plate = Rect::from_min_size(rect.min + vec2(12.0, 10.0 + lower), size);
    paint_plate(painter, plate, palette);
    for (Entry { mark, color, .. }, (at, before, galley)) in entries.iter().zip(placed) {
        let (left, color) = (plate.min + at, *color);
        let middle = left + vec2(5.0, 0.0);
        paint_mark(painter, *mark, middle, 5.0, color);
        let y = left.y - 0.5 * galley.size().y;
        painter.galley(pos2(left.x + before, y), galley, palette.weak);
    }
    size.y + 6.0
}

/// Why there is nothing on a canvas, in its middle.
pub fn refusal_ui(ui: &mut Ui, rect: Rect, text: &str, palette: &Palette) {
    let mut job = LayoutJob::simple(
        text.to_owned(),
        text_font(13.0),
        palette.weak,
        0.8 * rect.width(),
    );
    job.halign = Align::Center;
    let galley = ui.painter().layout_job(job);
    let place = Rect::from_center_size(rect.center(), galley.size());
    ui.put(place, Label::new(galley)).accessible_name(text);
}

/// A sentence in the middle of an empty canvas.
pub fn empty_ui(painter: &Painter, rect: Rect, text: &str, palette: &Palette) {
    painter.text(
        rect.center(),
        Align2::CENTER_CENTER,
        text,
        text_font(13.0),
        palette.faint,
    );
}
