//! A thin bar: how much of a run is done.

use egui::{Rect, Role, Sense, Ui, WidgetInfo, vec2};

use crate::theme::Palette;
use crate::widgets::tip::Tip as _;

/// A bar over the width that is left, or as much room without one for `None`, so that nothing moves.
pub fn bar(ui: &mut Ui, name: &str, width: f32, share: Option<f32>, palette: &Palette) {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 27.0), Sense::hover());
    let Some(share) = share else { return };
    let share = share.clamp(0.0, 1.0);
    response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, name));
    let rail = Rect::from_center_size(rect.center(), vec2(rect.width(), 5.0));
    ui.painter().rect_filled(rail, 2.5, palette.line);
    ui.painter().rect_filled(
        rail.with_max_x(rail.left() + share * rail.width()),
        2.5,
        palette.learned,
    );
    response.tip(format!("{:.0} %", 100.0 * share));
}
