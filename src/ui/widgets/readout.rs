//! Read-outs: a small name and a number, in cells of fixed width, so that nothing moves when the number does.

use egui::{Align2, Color32, Painter, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::theme::{Palette, strong_font, text_font};
use crate::widgets::maths;
use crate::widgets::tip::Tip as _;

/// The name at the top of a cell.
fn head(painter: &Painter, rect: Rect, name: &str, palette: &Palette) {
    let galley = painter.layout_job(maths::job(painter, name, &text_font(11.0), palette.faint));
    painter.galley(rect.left_top() + vec2(0.0, 1.0), galley, palette.faint);
}

/// The name over the value, in a cell of the given width.
pub fn stacked(
    ui: &mut Ui,
    width: f32,
    name: &str,
    value: &str,
    tip: &str,
    palette: &Palette,
) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 34.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name} {value}")));
    let painter = ui.painter();
    head(painter, rect, name, palette);
    painter.text(
        rect.left_bottom() - vec2(0.0, 0.5),
        Align2::LEFT_BOTTOM,
        value,
        strong_font(13.0),
        palette.ink,
    );
    response.tip(tip)
}

/// The name over several values side by side, each in its colour, in a cell of the given width.
pub fn stacked_each(
    ui: &mut Ui,
    width: f32,
    name: &str,
    values: &[(String, Color32)],
    tip: &str,
    palette: &Palette,
) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 34.0), Sense::hover());
    let spoken: Vec<_> = values.iter().map(|(text, _)| text.as_str()).collect();
    response.widget_info(|| {
        WidgetInfo::labeled(
            Role::Label,
            true,
            format!("{name} {}", spoken.join(" and ")),
        )
    });
    let painter = ui.painter();
    head(painter, rect, name, palette);
    for (index, (text, color)) in values.iter().enumerate() {
        let at = rect.left_bottom() + vec2(width * index as f32 / values.len() as f32, -0.5);
        painter.text(at, Align2::LEFT_BOTTOM, text, strong_font(13.0), *color);
    }
    response.tip(tip)
}

/// A line: the name at the left, the value at the right edge.
pub fn line(
    ui: &mut Ui,
    name: &str,
    value: &str,
    color: Color32,
    tip: &str,
    palette: &Palette,
) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 21.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name} {value}")));
    let middle = rect.center().y;
    let painter = ui.painter();
    let left = painter.layout_job(maths::job(painter, name, &text_font(13.0), palette.weak));
    let at = pos2(rect.left(), middle - 0.5 * left.size().y);
    painter.galley(at, left, palette.weak);
    let right = painter.layout_no_wrap(value.to_owned(), strong_font(13.0), color);
    let place = Rect::from_min_size(
        pos2(rect.right() - right.size().x, middle - 0.5 * right.size().y),
        right.size(),
    );
    painter.galley(place.min, right, color);
    response.tip(tip)
}

/// A line with two values in fixed columns, the first in `colors[0]`. Screen readers hear `A {name} {value}` and
/// `B {name} {value}`.
pub fn pair(
    ui: &mut Ui,
    name: &str,
    values: [&str; 2],
    colors: [Color32; 2],
    tip: &str,
    palette: &Palette,
) {
    const COLUMN: f32 = 68.0;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 21.0), Sense::hover());
    response.tip(tip);
    let left = ui.painter().layout_job(maths::job(
        ui.painter(),
        name,
        &text_font(13.0),
        palette.weak,
    ));
    let at = pos2(rect.left(), rect.center().y - 0.5 * left.size().y);
    ui.painter().galley(at, left, palette.weak);
    for (column, side) in ["A", "B"].into_iter().enumerate() {
        let right = rect.right() - COLUMN * (1 - column) as f32;
        let cell = Rect::from_x_y_ranges(right - COLUMN..=right, rect.y_range());
        let response = ui.interact(cell, ui.make_persistent_id((name, column)), Sense::hover());
        response.widget_info(|| {
            WidgetInfo::labeled(
                Role::Label,
                true,
                format!("{side} {name} {}", values[column]),
            )
        });
        let place = pos2(right, rect.center().y);
        ui.painter().text(
            place,
            Align2::RIGHT_CENTER,
            values[column],
            strong_font(13.0),
            colors[column],
        );
    }
}
