//! Sentences in panels, and fields for paths.

use egui::Ui;

use crate::theme::{BODY, Palette, text_font};
use crate::widgets::maths;

/// At most `length` characters.
pub fn ellipsis(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    text.chars()
        .take(length.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// A sentence in the colour of faults, for screen readers an alert.
pub fn warning(ui: &mut Ui, text: &str, palette: &Palette) {
    sentence(ui, text, BODY, palette.fault);
}

/// Two weak lines of text.
pub fn note(ui: &mut Ui, text: &str, palette: &Palette) {
    sentence(ui, text, BODY, palette.weak);
}

/// A sentence with its symbols in the maths face, ragged at the right.
pub fn sentence(ui: &mut Ui, text: &str, size: f32, color: egui::Color32) {
    let layout = egui::Layout::top_down(egui::Align::Min);
    let job = maths::job(ui.painter(), text, &text_font(size), color);
    ui.with_layout(layout, |ui| {
        ui.add(egui::Label::new(job).wrap()).accessible_name(text)
    });
}

/// Text of several lines, ragged at the right also in a menu, whose own layout would stretch its lines.
pub fn ragged(ui: &mut Ui, text: egui::RichText) {
    let layout = egui::Layout::top_down(egui::Align::Min);
    ui.with_layout(layout, |ui| ui.add(egui::Label::new(text).wrap()));
}

/// A field for the path of a file; its name is for screen readers, the hint shows while it is empty.
pub fn path_field(ui: &mut Ui, text: &mut String, name: &str, hint: &str) {
    let width = ui.available_width();
    let field = egui::TextEdit::singleline(text)
        .hint_text(hint)
        .desired_width(width - 20.0)
        .align(egui::Align2::LEFT_CENTER)
        .margin(egui::Margin::symmetric(10, 4));
    ui.add(field).accessible_name(name);
}
