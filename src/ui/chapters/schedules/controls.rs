//! The controls of the chapter.

use super::{Middle, Schedules, Way, beta_text, colors, sides};
use crate::desk::Desk;
use crate::equations;
use crate::settings::schedule;
use crate::widgets::number::{fixed, grouped, short};
use crate::widgets::row::{self, Track};
use crate::widgets::text;
use crate::widgets::{button, readout, segmented};
use egui::Ui;
use lab::experiment::limits;
use lab::message::Restart;
use maths::diffusion::schedule::Schedule;

impl Schedules {
    /// The controls beneath title, hint and formula.
    pub(super) fn controls(&mut self, ui: &mut Ui, desk: &mut Desk) {
        if desk.is_split() {
            schedule::schedule_row(ui, desk);
            schedule::timesteps_row(ui, desk);
        } else {
            self.choice_rows(ui, desk);
        }
        let palette = desk.palette();
        let tip = "The noise that each step adds, or drift and diffusion of the SDE dx = f x dt + g dw that the steps are cut from, with time t/T";
        row::named(ui, "Middle chart", tip, palette, |ui| {
            let step = equations::step_symbol(self.ways(desk).map(|way| way.schedule));
            let options = [
                (Middle::Step, step),
                (Middle::Drift, "−f"),
                (Middle::Diffusion, "g²"),
            ];
            segmented::choose(ui, "Middle chart", &mut self.show.middle, &options, palette);
        });
        ui.separator();
        self.numbers_ui(ui, desk);
        if desk.is_split() {
            return;
        }
        ui.separator();
        text::note(ui, "Use one in the experiment. The weights stay.", palette);
        ui.horizontal(|ui| {
            let names = ["Train with left", "Train with right"];
            for (name, way) in std::iter::zip(names, self.ways(desk)) {
                let tip = "This schedule and this T become those of the experiment";
                if button::text(ui, name, tip, 0.0, palette).clicked() {
                    desk.here.draft.schedule = way.schedule;
                    desk.here.draft.timesteps = way.timesteps;
                    desk.configure(Restart::Keep);
                }
            }
        });
    }

    /// The chapter's own two schedules, while there is one experiment.
    pub(super) fn choice_rows(&mut self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        let own = Schedule::Custom(desk.here.own_schedule);
        let all: Vec<_> = Schedule::ALL
            .into_iter()
            .filter(|s| s.preserves_variance())
            .chain([own])
            .collect();
        let tip = "Linear and cosine keep their course at every T; literal is the DDPM table from 1e-4 to 0.02 as it \
                   stands; yours goes through handles of log SNR";
        let mut schedules = self.ways(desk).map(|way| way.schedule);
        for (side, name) in sides(desk).into_iter().enumerate() {
            let mut palette = *palette;
            // The side's letter bears its colour.
            palette.weak = colors(desk)[side];
            row::named(ui, name, tip, &palette, |ui| {
                let options: Vec<_> = all
                    .iter()
                    .map(|&schedule| (schedule, schedule.words().title))
                    .collect();
                let name = ["Left schedule", "Right schedule"][side];
                segmented::choose(ui, name, &mut schedules[side], &options, desk.palette());
            });
        }
        self.show.sides = schedules;
        let tip = "T: the number of timesteps. β of a single step grows as T falls; ᾱ does not, but for the literal table";
        let track = Track::logarithmic(limits::TIMESTEPS);
        row::slider(
            ui,
            ["Timesteps T", tip],
            &mut self.show.timesteps,
            track,
            grouped,
            palette,
        );
    }

    pub(super) fn numbers_ui(&self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        readout::pair(
            ui,
            "",
            sides(desk),
            colors(desk),
            "The two schedules",
            palette,
        );
        let ways = self.ways(desk);
        let numbers = ways.map(Way::numbers);
        let last = ways.map(|way| way.schedule.alpha_bar(1.0, way.timesteps));
        let ink = [palette.ink; 2];
        let step = equations::step_name(ways.map(|way| way.schedule));
        for (name, tip, value) in [
            (
                "ᾱ at t",
                "Signal variance a²: the share of the data's that is left",
                [0, 1].map(|i| fixed(numbers[i].alpha_bar, 3)),
            ),
            (
                step,
                "Variance of the noise that one step adds, s_t² − (a_t/a_{t−1})² s_{t−1}²: β_t where variance is preserved",
                [0, 1].map(|i| beta_text(numbers[i].noise)),
            ),
            (
                "log SNR at t",
                "ln (a² / s²)",
                [0, 1].map(|i| fixed(numbers[i].log_snr, 2)),
            ),
            (
                "ᾱ at T",
                "What is left of the signal at the end",
                last.map(short),
            ),
        ] {
            readout::pair(ui, name, [&value[0], &value[1]], ink, tip, palette);
        }
        for (side, way) in std::iter::zip(sides(desk), ways) {
            if let Some(alpha_bar) = way.schedule.leftover_signal(way.timesteps) {
                text::warning(
                    ui,
                    &format!("{side}: {}", schedule::leftover_text(alpha_bar)),
                    palette,
                );
            }
        }
    }
}
