//! Read-outs: a small name and a number, in cells of fixed width, so that nothing moves when the number does.

use egui::{Align2, Color32, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::ui::theme::{Palette, strong_font, text_font};

/// The name over the value, in a cell of the given width.
pub fn stacked(ui: &mut Ui, width: f32, name: &str, value: &str, tip: &str, palette: &Palette) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 34.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name} {value}")));
    let painter = ui.painter();
    painter.text(rect.left_top() + vec2(0.0, 1.0), Align2::LEFT_TOP, name, text_font(11.0), palette.faint);
    painter.text(rect.left_bottom() - vec2(0.0, 0.5), Align2::LEFT_BOTTOM, value, strong_font(13.0), palette.ink);
    response.on_hover_text(tip)
}

/// A line: the name at the left, the value at the right edge.
pub fn line(ui: &mut Ui, name: &str, value: &str, color: Color32, tip: &str, palette: &Palette) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 21.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name} {value}")));
    let middle = rect.center().y;
    let painter = ui.painter();
    painter.text(pos2(rect.left(), middle), Align2::LEFT_CENTER, name, text_font(13.0), palette.weak);
    let right = painter.layout_no_wrap(value.to_owned(), strong_font(13.0), color);
    let place = Rect::from_min_size(pos2(rect.right() - right.size().x, middle - 0.5 * right.size().y), right.size());
    painter.galley(place.min, right, color);
    response.on_hover_text(tip)
}
