//! The canvas: one plane with its grid, its points, its density, and the hand that moves it.

pub mod axes;
pub mod camera;
pub mod field;
pub mod gpu;
pub mod motion;

use egui::{Align2, Color32, CursorIcon, Rect, Response, Role, Sense, Shape, Ui, WidgetInfo, pos2, vec2};

use crate::ui::theme::{Palette, text_font};
use camera::Camera;
use gpu::{CanvasPaint, Layer};

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

/// What a chapter shows on a canvas.
#[derive(Default)]
pub struct Scene {
    /// Painted by wgpu, back to front.
    pub layers: Vec<Layer>,
    /// Polylines in data units, dashed.
    pub outline: std::sync::Arc<Vec<Vec<[f32; 2]>>>,
    /// Polylines in data units, solid, and their colour.
    pub lines: std::sync::Arc<Vec<Vec<[f32; 2]>>>,
    /// See `lines`.
    pub line_color: Color32,
    /// The chapter takes drags by the first button for itself; the other buttons move the camera.
    pub takes_drags: bool,
    /// Entries of the legend.
    pub legend: Vec<(Mark, Color32, String)>,
    /// The grid.
    pub axes: Axes,
    /// Lines in data units, behind the layers.
    pub lines_behind: Vec<(Vec<[f32; 2]>, egui::Stroke)>,
}

/// A canvas as it was just drawn: where it lies on the screen, and where it looks.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// 0, or 1 for the canvas beside the first.
    pub index: usize,
    /// Place of the canvas, in points of the screen.
    pub rect: Rect,
    /// Where it looks.
    pub camera: Camera,
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

/// Show a scene in a place of the window and let the hand move the camera. The name is for screen readers and
/// tells canvases apart; `format` is that of the target (`None` paints no layers).
pub fn canvas_ui(
    ui: &mut Ui,
    rect: Rect,
    name: &str,
    scene: Scene,
    camera: &mut Camera,
    format: Option<wgpu::TextureFormat>,
    palette: &Palette,
) -> Response {
    let response = ui.interact(rect, ui.make_persistent_id(("canvas", name)), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, name));
    move_camera(ui, &response, rect, camera, scene.takes_drags);

    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 0.0, palette.canvas);
    axes::paint_grid(&painter, rect, camera, scene.axes, palette);
    for (line, stroke) in scene.lines_behind {
        painter.line(line.into_iter().map(|p| camera.to_screen(rect, p)).collect(), stroke);
    }
    if let Some(format) = format {
        let paint = CanvasPaint { format, canvas: response.id, rect, camera: *camera, layers: scene.layers };
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
    axes::paint_numbers(&painter, rect, camera, scene.axes, palette);
    legend_ui(&painter, rect, &scene.legend, palette);
    response
}

fn move_camera(ui: &Ui, response: &Response, rect: Rect, camera: &mut Camera, takes_drags: bool) {
    if response.dragged() && !(takes_drags && response.dragged_by(egui::PointerButton::Primary)) {
        camera.pan(rect, response.drag_delta());
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

/// One line at the top left, on a plate that keeps it legible over points.
fn legend_ui(painter: &egui::Painter, rect: Rect, entries: &[(Mark, Color32, String)], palette: &Palette) {
    if entries.is_empty() {
        return;
    }
    let texts: Vec<_> = entries
        .iter()
        .map(|(_, _, text)| painter.layout_no_wrap(text.clone(), text_font(13.0), palette.weak))
        .collect();
    let width: f32 = texts.iter().map(|t| t.size().x + 32.0).sum();
    let plate = Rect::from_min_size(rect.min + vec2(12.0, 10.0), vec2(width + 4.0, 28.0));
    painter.rect(plate, 6.0, palette.panel.gamma_multiply(0.92), (1.0, palette.line), egui::StrokeKind::Inside);
    let mut x = plate.left() + 10.0;
    for ((mark, color, _), text) in entries.iter().zip(texts) {
        let middle = pos2(x + 5.0, plate.center().y);
        match mark {
            Mark::Dot => drop(painter.circle_filled(middle, 4.0, *color)),
            Mark::Area => drop(painter.rect_filled(Rect::from_center_size(middle, vec2(10.0, 10.0)), 2.0, *color)),
            Mark::Dashes => {
                let ends = [middle - vec2(6.0, 0.0), middle + vec2(6.0, 0.0)];
                painter.extend(Shape::dashed_line(&ends, (1.5, *color), 3.0, 2.0));
            }
            Mark::Line => drop(painter.hline(middle.x - 6.0..=middle.x + 6.0, middle.y, (1.5, *color))),
        }
        let size = text.size();
        painter.galley(pos2(x + 16.0, plate.center().y - 0.5 * size.y), text, palette.weak);
        x += size.x + 32.0;
    }
}

/// A sentence in the middle of an empty canvas.
pub fn empty_ui(ui: &Ui, rect: Rect, text: &str, palette: &Palette) {
    ui.painter_at(rect).text(rect.center(), Align2::CENTER_CENTER, text, text_font(13.0), palette.faint);
}
