//! What a panel shows only when it is asked for: the rest of its controls, under one button.

use egui::Ui;

use crate::theme::Palette;
use crate::widgets::button;

/// A button that opens the rest of a panel, and closes it again; `open` holds in every chapter.
pub fn more(ui: &mut Ui, open: &mut bool, palette: &Palette) -> bool {
    let (name, tip) = if *open {
        (
            "Fewer controls",
            "Show what this chapter needs, and no more",
        )
    } else {
        ("More controls", "Show all controls of this chapter")
    };
    ui.add_space(4.0);
    if button::text(ui, name, tip, ui.available_width(), palette).clicked() {
        *open = !*open;
    }
    *open
}
