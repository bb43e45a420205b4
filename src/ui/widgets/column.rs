//! A column of the window that scrolls: the panel, and the sheet.

use egui::{AsIdSalt, Rect, ScrollArea, Ui, UiBuilder};

/// Fill a place from top to bottom; what does not fit is scrolled. The scroll bar lies in the margin, beside the numbers.
pub fn column_ui(ui: &mut Ui, rect: Rect, salt: impl AsIdSalt, content: impl FnOnce(&mut Ui)) {
    let inner = Rect::from_x_y_ranges(rect.left() + 16.0..=rect.right() - 3.0, rect.y_range());
    let mut child = ui.new_child(UiBuilder::new().max_rect(inner).id_salt(salt));
    ScrollArea::vertical()
        .auto_shrink(false)
        .show(&mut child, |ui| {
            ui.set_max_width(ui.available_width() - 13.0);
            content(ui);
        });
}
