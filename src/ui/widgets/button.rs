//! Buttons: round ones with an icon, flat ones with text.

use egui::{Response, Role, Sense, Stroke, Ui, WidgetInfo, vec2};

use crate::theme::{Palette, text_font};
use crate::widgets::icon::{self, Icon};
use crate::widgets::tip::Tip as _;

/// A round button of 30 points with an icon.
pub fn round(ui: &mut Ui, icon: Icon, name: &str, tip: &str, palette: &Palette) -> Response {
    ringed(ui, icon, name, tip, Stroke::new(1.0, palette.line), palette)
}

/// The round button that matters most: ringed in the learned colour.
pub fn round_main(ui: &mut Ui, icon: Icon, name: &str, tip: &str, palette: &Palette) -> Response {
    ringed(
        ui,
        icon,
        name,
        tip,
        Stroke::new(1.5, palette.learned),
        palette,
    )
}

fn ringed(
    ui: &mut Ui,
    icon: Icon,
    name: &str,
    tip: &str,
    ring: Stroke,
    palette: &Palette,
) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(30.0, 30.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let fill = if response.hovered() || response.has_focus() {
        palette.raised
    } else {
        palette.panel
    };
    ui.painter().circle(rect.center(), 14.5, fill, ring);
    icon::paint(ui.painter(), icon, rect.center(), palette.ink, fill);
    response.tip(tip)
}

/// A framed button with text, as wide as its text or wider.
pub fn text(ui: &mut Ui, label: &str, tip: &str, min_width: f32, palette: &Palette) -> Response {
    named_text(ui, [label, label], tip, min_width, palette)
}

/// The same with another name for screen readers, where the label alone would be that of another button too.
pub fn named_text(
    ui: &mut Ui,
    [name, label]: [&str; 2],
    tip: &str,
    min_width: f32,
    palette: &Palette,
) -> Response {
    let galley = ui
        .painter()
        .layout_no_wrap(label.to_owned(), text_font(13.0), palette.ink);
    let width = (galley.size().x + 22.0).max(min_width);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 27.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    let fill = if response.hovered() || response.has_focus() {
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
    ui.painter()
        .galley(rect.center() - 0.5 * galley.size(), galley, palette.ink);
    if tip.is_empty() {
        response
    } else {
        response.tip(tip)
    }
}
