//! The controls of the chapter.

use super::asking::score_plan;
use super::{Arrows, Behind, Field, ScoreField};
use crate::canvas::arrow_length::ArrowLength;
use crate::chapters::shared::field_time::field_tau;
use crate::chapters::shared::rows;
use crate::desk::Desk;
use crate::widgets::number::{fixed, grouped, short};
use crate::widgets::row::{self, Track};
use crate::widgets::text;
use crate::widgets::{readout, segmented};
use egui::Ui;

impl ScoreField {
    /// The controls beneath title, hint and formula.
    pub(super) fn controls(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        let tip = "∇ log p_t; or −u, the velocity of the probability flow from noise to data, and at a point that you place the bundle of \
                   velocities, of one x₀ each, that it is the mean of";
        row::named(ui, "Show", tip, palette, |ui| {
            let options = [(Field::Score, "Score"), (Field::Velocity, "Velocity")];
            segmented::choose(ui, "Show", &mut self.show.field, &options, palette);
        });
        if self.show.field == Field::Velocity {
            self.draws_row(ui, palette);
        }
        row::named(
            ui,
            "Arrows",
            "By the network, in closed form, or one over the other",
            palette,
            |ui| {
                let options = [
                    (Arrows::Learned, "Learned"),
                    (Arrows::Exact, "Exact"),
                    (Arrows::Both, "Both"),
                ];
                let arrows = self.show.arrows.get_or_insert(Arrows::Exact);
                segmented::choose(ui, "Arrows", arrows, &options, palette);
            },
        );
        let tip = "The exact density of x_t, or s |learned − exact| on the grid: unseen below 0.02, full at 2, and faded where \
                   p_t is nothing";
        row::named(ui, "Behind", tip, palette, |ui| {
            let options = [
                (Behind::None, "None"),
                (Behind::Density, "Density"),
                (Behind::Error, "Error"),
            ];
            segmented::choose(ui, "Behind", &mut self.show.behind, &options, palette);
        });
        let tip = "Arrows a side over what is visible";
        row::slider(
            ui,
            ["Grid", tip],
            &mut self.show.grid,
            Track::linear(16..=64),
            grouped,
            palette,
        );
        row::named(
            ui,
            "Length",
            "In proportion to what they are of, by its logarithm, or all alike. One scale at every t: lengths of two times compare",
            palette,
            |ui| {
                let options = [
                    (ArrowLength::True, "True"),
                    (ArrowLength::Log, "Log"),
                    (ArrowLength::Unit, "Unit"),
                ];
                segmented::choose(ui, "Length", &mut self.show.length, &options, palette);
            },
        );
        row::named(
            ui,
            "Contours",
            "Of the exact log density, one nat apart",
            palette,
            |ui| {
                segmented::choose(
                    ui,
                    "Contours",
                    &mut self.show.contours,
                    &[(false, "Off"), (true, "On")],
                    palette,
                );
            },
        );
        row::named(
            ui,
            "Streamlines",
            "Lines along the arrows: of the learned field, or of the exact one",
            palette,
            |ui| {
                segmented::choose(
                    ui,
                    "Streamlines",
                    &mut self.show.streamlines,
                    &[(false, "Off"), (true, "On")],
                    palette,
                );
            },
        );
        ui.separator();
        match self.show.field {
            Field::Score => self.error_readings(ui, desk),
            Field::Velocity => self.bundle_readings(ui, palette),
        }
        let tip = "The share of the last five seconds that the arrows and the numbers here took from the training: an eighth at \
                   most, a third while you change what is asked for. Another chapter asks for none of them";
        rows::cost_line(ui, tip, desk);
        let shown = fixed(field_tau(desk), 3);
        if shown != fixed(desk.here.clock.tau, 3) {
            ui.add_space(4.0);
            let text = format!(
                "Shown at t / T = {shown}, the nearest timestep that the network is trained at."
            );
            text::note(ui, &text, palette);
        }
    }

    /// How far the learned score is from the exact one.
    fn error_readings(&self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        let measured = self
            .error
            .as_ref()
            .and_then(|(_, _, measured)| measured.clone());
        let s = measured
            .as_ref()
            .and_then(|m| m.plan.steps.first())
            .map(|stage| stage.scales.s);
        // Numbers of a moment ago step back.
        let current = measured.as_ref().is_none_or(|m| m.plan == score_plan(desk));
        let ink = if current { palette.ink } else { palette.faint };
        let error = measured.map(|m| m.error);
        let number = |value: Option<f64>, text: fn(f64) -> String| {
            value.map_or_else(|| "–".to_owned(), text)
        };
        let mean = error.map(|e| e.mean_square);
        let tip = "(1/D) E ‖learned − exact‖² under p_t: the mean over both coordinates of 2048 draws of x_t, the same at every t";
        readout::line(
            ui,
            "score error under p_t",
            &number(mean, short),
            ink,
            tip,
            palette,
        );
        let noise = mean.zip(s).map(|(mean, s)| s * s * mean);
        let tip = "(s²/D) E ‖learned − exact‖²: at this t, what the error adds to the least possible loss of an ε-model";
        readout::line(
            ui,
            "the same, times s²",
            &number(noise, short),
            ink,
            tip,
            palette,
        );
        let at = error.map_or_else(
            || "–".to_owned(),
            |e| {
                format!(
                    "{}, {}",
                    fixed(f64::from(e.largest_at[0]), 2),
                    fixed(f64::from(e.largest_at[1]), 2)
                )
            },
        );
        readout::line(
            ui,
            "largest at",
            &at,
            ink,
            "The draw of x_t at which they are farthest apart",
            palette,
        );
        let cosine = number(error.map(|e| e.cosine), |c| fixed(c, 3));
        let tip = "Mean cosine of the angle between learned and exact score under p_t";
        readout::line(ui, "cosine similarity", &cosine, ink, tip, palette);
    }
}
