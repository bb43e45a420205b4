//! Rows of controls that several chapters have, each with its own tip.

use egui::{Color32, Ui};

use crate::desk::{Desk, Door};
use crate::theme::Palette;
use crate::widgets::number::fixed;
use crate::widgets::{button, readout, row, segmented};
use lab::message::Side;

/// The way to the lines of the algorithm by which this chapter runs.
pub fn line_by_line_row(ui: &mut Ui, name: &str, door: Door, desk: &mut Desk) {
    let palette = desk.palette();
    let tip = "As it stands in the paper (Ho et al. 2020), each line when it runs";
    row::named(ui, name, tip, palette, |ui| {
        if button::text(ui, "Line by line", tip, 0.0, palette).clicked() {
            desk.door = Some(door);
            ui.ctx().request_repaint();
        }
    });
}

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

/// Whether runs are made again as the weights change, and what all runs take from the training.
pub fn follow_row(ui: &mut Ui, tip: &str, follow: &mut bool, desk: &Desk) {
    let palette = desk.palette();
    let options = [(false, "Off"), (true, "On")];
    row::named(ui, "Follow training", tip, palette, |ui| {
        segmented::choose(ui, "Follow training", follow, &options, palette);
    });
    let tip = "The share of the last five seconds that this chapter's runs took from the training: at most a third for what \
               you ask for, an eighth for what follows the training. With Follow training off, nothing follows it";
    cost_line(ui, tip, desk);
}

/// What the runs of a chapter take from the training, while there is one.
pub fn cost_line(ui: &mut Ui, tip: &str, desk: &Desk) {
    let palette = desk.palette();
    let (value, ink) = if desk.here.is_training() {
        let percent = 100.0 * desk.here.snapshot.runs_share;
        (format!("{} %", fixed(percent, 0)), palette.ink)
    } else {
        ("–".to_owned(), palette.faint)
    };
    readout::line(ui, "taken from training", &value, ink, tip, palette);
}

/// A line with the value of the one experiment, or with those of both in their colours.
pub fn each_line(
    ui: &mut Ui,
    desk: &Desk,
    name: &str,
    values: &[String],
    color: Color32,
    tip: &str,
) {
    let palette = desk.palette();
    match values {
        [a, b] => {
            let colors = Side::BOTH.map(|side| desk.color(side));
            readout::pair(ui, name, [a, b], colors, tip, palette);
        }
        _ => drop(readout::line(
            ui,
            name,
            &values.concat(),
            color,
            tip,
            palette,
        )),
    }
}
