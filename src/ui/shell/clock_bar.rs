//! The clock: one t for every chapter.

use egui::{Align, Layout, Rect, Ui, vec2};

use crate::desk::Desk;
use crate::widgets::icon::Icon;
use crate::widgets::number::{fixed, short};
use crate::widgets::row::{Track, number, row_in};
use crate::widgets::time_slider::time_slider;
use crate::widgets::{button, readout};

/// The clock: play, the slider from data to noise, and what it means. Where the open chapter `generates`, it runs from noise
/// at the left to data at the right.
pub fn clock_bar_ui(ui: &mut Ui, rect: Rect, desk: &mut Desk, generates: bool) {
    let palette = desk.palette();
    let inner = rect.shrink2(vec2(14.0, 0.0));
    row_in(
        ui,
        inner,
        Layout::left_to_right(Align::Center),
        "clock",
        |ui| {
            ui.spacing_mut().item_spacing.x = 16.0;
            let (icon, name) = if desk.here.clock.playing {
                (Icon::Pause, "Pause the clock")
            } else {
                (Icon::Play, "Play the clock")
            };
            let (tip, ends) = if generates {
                ("Let t run from noise to data", ["noise", "data"])
            } else {
                ("Let t run from data to noise", ["data", "noise"])
            };
            if button::round(ui, icon, name, tip, palette).clicked() {
                desk.here.clock.toggle();
            }
            ui.label(egui::RichText::new(ends[0]).color(palette.weak));
            let numbers = if desk.is_split() { 420.0 } else { 362.0 };
            let width = (ui.available_width() - numbers).max(120.0);
            let mut tau = desk.here.clock.tau;
            if time_slider(ui, width, &mut tau, generates, palette).changed() {
                desk.here.clock.set(tau);
            }
            ui.label(egui::RichText::new(ends[1]).color(palette.weak));
            let scales = desk.here.scales();
            ui.spacing_mut().item_spacing.x = 6.0;
            let mut tau = desk.here.clock.tau;
            let tip = "The clock: 0 is data, 1 is noise. Click and type, or drag";
            let track = Track::linear(0.0..=1.0);
            let text = |tau| fixed(tau, 3);
            ui.label(egui::RichText::new("t / T").color(palette.faint).small());
            if number(
                ui,
                ["t / T", tip],
                &mut tau,
                &track,
                &text,
                vec2(54.0, 26.0),
            )
            .changed
            {
                desk.here.clock.set(tau);
            }
            ui.add_space(8.0);
            let signal = |a: f64| fixed(a.powi(2), 3);
            if desk.is_split() {
                let each: Vec<_> = desk
                    .side_states()
                    .map(|(_, side_state, color)| (signal(side_state.scales().a), color))
                    .collect();
                readout::stacked_each(
                    ui,
                    92.0,
                    "ᾱ",
                    &each,
                    "ᾱ = a², the signal's variance, of A and of B",
                    palette,
                );
                let each: Vec<_> = desk
                    .side_states()
                    .map(|(_, side_state, color)| (short(side_state.scales().snr()), color))
                    .collect();
                readout::stacked_each(
                    ui,
                    108.0,
                    "SNR",
                    &each,
                    "Signal-to-noise ratio a²/s², of A and of B",
                    palette,
                );
            } else {
                readout::stacked(
                    ui,
                    66.0,
                    "ᾱ",
                    &signal(scales.a),
                    "ᾱ = a², the signal's variance",
                    palette,
                );
                readout::stacked(
                    ui,
                    76.0,
                    "SNR",
                    &short(scales.snr()),
                    "Signal-to-noise ratio a²/s²",
                    palette,
                );
            }
        },
    );
}
