//! Rows of controls that several chapters have, each with its own tip.

use egui::Ui;

use crate::theme::Palette;
use crate::widgets::{row, segmented};

/// Which x̂_0 a run follows: the network's, or the exact one. What was not chosen yet is chosen now.
pub fn field_row(ui: &mut Ui, tip: &str, exact: &mut Option<bool>, palette: &Palette) {
    let options = [(false, "Learned"), (true, "Exact")];
    row::named(ui, "Field", tip, palette, |ui| {
        let exact = exact.get_or_insert_default();
        segmented::choose(ui, "Field", exact, &options, palette);
    });
}

/// The exact density behind the points.
pub fn behind_row(ui: &mut Ui, tip: &str, density: &mut bool, palette: &Palette) {
    let options = [(false, "None"), (true, "Density")];
    row::named(ui, "Behind", tip, palette, |ui| {
        segmented::choose(ui, "Behind", density, &options, palette);
    });
}

/// Whether runs are made again as the weights change.
pub fn follow_row(ui: &mut Ui, tip: &str, follow: &mut bool, palette: &Palette) {
    let options = [(false, "Off"), (true, "On")];
    row::named(ui, "Follow training", tip, palette, |ui| {
        segmented::choose(ui, "Follow training", follow, &options, palette);
    });
}
