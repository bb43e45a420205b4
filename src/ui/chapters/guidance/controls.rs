//! The controls of the chapter.

use egui::{Color32, Ui};

use super::drawing::weight_text;
use super::{Behind, Guidance, PARTICLES, WEIGHT, classes, knows_classes};
use crate::chapters::shared::rows;
use crate::desk::Desk;
use crate::theme::Palette;
use crate::widgets::number::{Sign, fixed, grouped, short};
use crate::widgets::row::{self, Track};
use crate::widgets::{button, readout, segmented, text};
use maths::measure::Estimate;

/// How far ln SNR goes on the sliders.
const LOG_SNR: std::ops::RangeInclusive<f64> = -10.0..=10.0;
/// What the interval is when it is switched on: the middle of the way.
const INTERVAL: [f64; 2] = [-3.0, 4.0];

impl Guidance {
    /// The controls beneath title, hint and formula.
    pub(super) fn controls(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        if classes(desk).is_empty() {
            let words = "These data have no classes. In Training choose others.";
            return text::note(ui, words, palette);
        }
        self.class_row(ui, desk);
        self.weight_rows(ui, palette);
        ui.separator();
        self.field_rows(ui, desk);
        let tip = "p_t(x | y), the density of the class; or p_t(x) p_t(y | x)^w, the tilted density, whose score is the guided field";
        row::named(ui, "Behind", tip, palette, |ui| {
            let options = [
                (Behind::None, "None"),
                (Behind::Class, "Class"),
                (Behind::Tilted, "Tilted"),
            ];
            segmented::choose(ui, "Behind", &mut self.show.behind, &options, palette);
        });
        let wide = ui.available_width();
        if button::text(ui, "New noise", "Start all from other noise", wide, palette).clicked() {
            self.show.noise += 1;
        }
        ui.separator();
        self.worth_readings(ui, desk);
        ui.separator();
        self.vector_readings(ui, desk);
        let tip =
            "While training runs, run the chain and measure again and again from the same noise";
        rows::follow_row(ui, tip, &mut self.show.follow, desk);
    }

    fn class_row(&mut self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        let names = classes(desk).iter().enumerate();
        let options: Vec<(u32, &str)> = names
            .map(|(label, name)| (label as u32, name.as_str()))
            .collect();
        let mut label = self.label(desk);
        let tip =
            "The class y that samples are led to. On both sides alike, where points are linked";
        row::named(ui, "Class", tip, palette, |ui| {
            segmented::choose(ui, "Class", &mut label, &options, palette);
        });
        self.hand.label = label;
    }

    fn weight_rows(&mut self, ui: &mut Ui, palette: &Palette) {
        let tip = "w: 0 leads to nothing, 1 to the class, above it beyond the class, below 0 away from it. Each side has its own";
        let track = Track::linear(WEIGHT).sign(Sign::Plain);
        let moved = row::slider(
            ui,
            ["Weight", tip],
            &mut self.lead.weight,
            track,
            weight_text,
            palette,
        );
        if moved.changed && !moved.typed {
            // Tenths: what is shown is what counts.
            self.lead.weight = (10.0 * self.lead.weight).round() / 10.0;
        }
        let tip = "Where the weight counts: at every noise level, or between two values of ln SNR; elsewhere it is 1 (Kynkäänniemi et al. 2024)";
        let mut limited = self.lead.interval.is_some();
        row::named(ui, "Counts", tip, palette, |ui| {
            let options = [(false, "Everywhere"), (true, "Between")];
            segmented::choose(ui, "Counts", &mut limited, &options, palette);
        });
        if limited != self.lead.interval.is_some() {
            self.lead.interval = limited.then_some(INTERVAL);
        }
        if let Some([least, most]) = &mut self.lead.interval {
            let words = |end: f64| fixed(end, 1);
            let tip = "ln SNR from which on the weight counts: the more noise, the lower";
            let named = ["From ln SNR", tip];
            row::slider(ui, named, least, Track::linear(LOG_SNR), words, palette);
            let tip = "ln SNR up to which the weight counts: beyond it there is next to no noise";
            let named = ["To ln SNR", tip];
            row::slider(ui, named, most, Track::linear(LOG_SNR), words, palette);
            if least > most {
                let words = "From lies above to: the weight counts nowhere.";
                text::warning(ui, words, palette);
            }
        }
    }

    fn field_rows(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        if knows_classes(desk) {
            self.show.exact = Some(self.exact(desk));
            let tip = "Which x̂_0 is guided: the network's, asked twice, or E[x_0 | x_t] of the class and of all";
            return rows::field_row(ui, tip, &mut self.show.exact, palette);
        }
        let words = "This network has learned no classes: what is shown is by the exact field.";
        text::note(ui, words, palette);
        let tip = "Begin a training that learns the classes beside the points. The present one is kept, and Bring back leads to it";
        let wide = ui.available_width();
        if button::text(ui, "Learn the classes", tip, wide, palette).clicked() {
            desk.here.draft_shape = desk.here.draft.shape();
            desk.here.draft_shape.classes = classes(desk).len() as u32;
            desk.adopt_shape();
            self.show.exact = None;
        }
    }

    /// What the samples of this weight are worth.
    fn worth_readings(&self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        let found = self.weights.found(self.lead.weight);
        let worth = found.map(|found| found.worth);
        let now = if self.exact(desk) {
            0
        } else {
            desk.here.snapshot.step
        };
        // Numbers of a moment ago step back.
        let ink = match found {
            Some(found) if found.step == now => palette.ink,
            _ => palette.faint,
        };
        let mut line = |name: &str, value: Option<String>, tip: &str| {
            let value = value.unwrap_or_else(|| "–".to_owned());
            readout::line(ui, name, &value, ink, tip, palette);
        };
        let with_error = |of: Estimate| format!("{} ± {}", short(of.value), short(of.error));
        let samples = grouped(f64::from(PARTICLES));
        let tip = format!(
            "Share of {samples} samples whose likeliest class, by the exact p(y | x), is this one, and its standard error"
        );
        line(
            "inside the class",
            worth.map(|w| with_error(w.inside)),
            &tip,
        );
        let tip = "−E ln p(x | y) of the samples less that of the class itself, nats: 0 of honest samples of the class";
        line(
            "surprise under the class",
            worth.map(|w| with_error(w.surprise)),
            tip,
        );
        let floors = |ratio: f64| format!("{} floors", fixed(ratio, 2));
        let tip = "Sliced W₂ to draws of the class, in distances of its draws to other draws: 1 is as near as honest samples are";
        let to_class = worth.map(|w| floors(w.to_class.ratio()));
        line("W₂ to the class", to_class, tip);
        let tip = "The same to draws of the density p(x) p(y | x)^w. Guided samples do not have it, but at weight 0 and 1";
        let to_tilted = worth.map(|w| floors(w.to_tilted.ratio()));
        line("W₂ to the tilted", to_tilted, tip);
        if let Some(why) = self.weights.failed(self.lead.weight) {
            text::warning(ui, why, palette);
        }
    }

    /// x̂_0 at the point.
    fn vector_readings(&self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        let vectors = self.vectors(desk);
        let pair = |v: [f64; 2]| format!("{}, {}", fixed(v[0], 2), fixed(v[1], 2));
        let mut line = |name: &str, value: Option<[f64; 2]>, ink: Color32, tip: &str| {
            let value = value.map_or_else(|| "–".to_owned(), pair);
            readout::line(ui, name, &value, ink, tip, palette);
        };
        let tip = "The point that the hand placed: a click, or a drag";
        line("x", Some(self.hand.at()), palette.ink, tip);
        let tip = "x̂_0 at the point, at the clock's t, of a network that is told no class";
        line(
            "x̂₀ told nothing",
            vectors.map(|v| v.of_all),
            palette.weak,
            tip,
        );
        let tip = "The same, told the class";
        line(
            "x̂₀ told the class",
            vectors.map(|v| v.of_class),
            palette.truth,
            tip,
        );
        let tip = "The first, and w times what the second has more";
        let guided = vectors.map(|v| v.guided());
        line("x̂₀ guided", guided, palette.ink, tip);
        if vectors.is_some_and(|v| (v.weight - self.lead.weight).abs() > 1e-9) {
            let words = "At this t the weight does not count: it is 1.";
            text::note(ui, words, palette);
        }
    }
}
