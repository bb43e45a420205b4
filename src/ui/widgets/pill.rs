//! The pills of the top bar: a name, a value, and a menu beneath.

use egui::{Popup, PopupCloseBehavior, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::theme::{Palette, strong_font, text_font};
use crate::widgets::icon;
use crate::widgets::tip::Tip as _;

/// A pill that opens a menu, named `{name}: {value}`; `label` is what is written before the value. The menu stays open
/// while one clicks inside it.
pub fn menu(
    ui: &mut Ui,
    [name, label, value]: [&str; 3],
    tip: &str,
    palette: &Palette,
    content: impl FnOnce(&mut Ui),
) -> Response {
    let painter = ui.painter();
    let label_galley = painter.layout_no_wrap(label.to_owned(), text_font(13.0), palette.weak);
    let value_galley = painter.layout_no_wrap(value.to_owned(), strong_font(13.0), palette.ink);
    let gap = if label.is_empty() { 0.0 } else { 6.0 };
    let width = label_galley.size().x + gap + value_galley.size().x + 34.0;
    let (rect, response) = ui.allocate_exact_size(vec2(width, 28.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{name}: {value}")));
    let open = Popup::is_id_open(ui.ctx(), Popup::default_response_id(&response));
    let fill = if open || response.hovered() || response.has_focus() {
        palette.raised
    } else {
        palette.panel
    };
    ui.painter().rect(
        rect,
        6.0,
        fill,
        (1.0, palette.line),
        egui::StrokeKind::Inside,
    );
    let mut x = rect.left() + 10.0;
    let y = rect.center().y - 0.5 * value_galley.size().y;
    for galley in [label_galley, value_galley] {
        let advance = galley.size().x + gap;
        ui.painter().galley(pos2(x, y), galley, palette.ink);
        x += advance;
    }
    icon::chevron(
        ui.painter(),
        pos2(rect.right() - 13.0, rect.center().y),
        palette.weak,
    );
    let response = if open { response } else { response.tip(tip) };
    Popup::menu(&response)
        .gap(4.0)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .show(content);
    response
}

/// A line of a menu that can be chosen.
pub fn choice(ui: &mut Ui, selected: bool, text: &str, name: &str, palette: &Palette) -> Response {
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, 25.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, selected, name));
    if selected || response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 5.0, palette.raised);
    }
    let (font, color) = if selected {
        (strong_font(13.0), palette.ink)
    } else {
        (text_font(13.0), palette.weak)
    };
    let galley = ui.painter().layout_no_wrap(text.to_owned(), font, color);
    ui.painter().galley(
        pos2(rect.left() + 10.0, rect.center().y - 0.5 * galley.size().y),
        galley,
        color,
    );
    response
}

/// A line of a menu with what it does beneath it: all of it can be clicked.
pub fn described(ui: &mut Ui, title: &str, description: &str, palette: &Palette) -> Response {
    let width = ui.available_width();
    let painter = ui.painter();
    let head = painter.layout_no_wrap(title.to_owned(), text_font(13.0), palette.ink);
    let text = painter.layout(
        description.to_owned(),
        text_font(11.0),
        palette.faint,
        width - 20.0,
    );
    let height = head.size().y + text.size().y + 14.0;
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, title));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 5.0, palette.raised);
    }
    let at = rect.min + vec2(10.0, 5.0);
    let beneath = at + vec2(0.0, head.size().y + 2.0);
    ui.painter().galley(at, head, palette.ink);
    ui.painter().galley(beneath, text, palette.faint);
    response
}
