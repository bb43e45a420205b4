//! The controls of the chapter.

use super::{Forward, MOST, MOST_CHAIN, Way};
use crate::chapters::forward::plots::value_at;
use crate::chapters::shared::cloud::{prior_name, variance};
use crate::chapters::shared::rows;
use crate::desk::Desk;
use crate::equations;
use crate::settings::schedule;
use crate::widgets::number::{fixed, grouped, short};
use crate::widgets::row::{self, Track};
use crate::widgets::text::note;
use crate::widgets::{button, readout, segmented};
use egui::Ui;
use lab::message::Restart;
use maths::measure::entropy::normal_entropy;

impl Forward {
    /// The controls beneath title, hint and formula.
    pub(super) fn controls(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        let tip = "One jump to any t; the Markov chain; noise that is added without shrinking the mean; or ᾱ and 1 − ᾱ \
                   without their roots";
        // Two rows: beside its name one would be cut.
        let as_trained = [(Way::Jump, "Jump"), (Way::Chain, "Chain")];
        let other_wise = [(Way::Growing, "No shrinking"), (Way::Rootless, "No roots")];
        for (name, options) in [("Way", as_trained), ("", other_wise)] {
            row::named(ui, name, tip, palette, |ui| {
                segmented::choose(ui, "Way", &mut self.show.way, &options, palette);
            });
        }
        if self.show.way == Way::Chain {
            Self::step_row(ui, desk);
        }
        self.schedule_rows(ui, desk);
        let tip =
            "How many particles are drawn; of the chain, all of whose steps are kept, at most 2000";
        let most = if self.show.way == Way::Chain {
            MOST_CHAIN
        } else {
            MOST
        };
        // What is not touched comes back whole with the other ways.
        let mut count = self.show.count.min(most);
        let track = Track::logarithmic(100..=most);
        if row::slider(ui, ["Particles", tip], &mut count, track, grouped, palette).changed {
            self.show.count = count;
        }
        let tip = "The exact density of x_t";
        rows::behind_row(ui, tip, &mut self.show.density, palette);
        row::named(
            ui,
            "Margins",
            "Histograms of both axes against the noise that sampling starts from",
            palette,
            |ui| {
                let options = [(false, "None"), (true, "Histograms")];
                segmented::choose(ui, "Margins", &mut self.show.histograms, &options, palette);
            },
        );
        ui.separator();
        // The numbers are of the particles that were just asked for.
        self.cloud.draw(desk, self.show.count);
        let ink = palette.ink;
        if self.show.way.is_beside() {
            let tip = "Per axis: the closed form, and that of the particles on show";
            let own = format!("variance, {}", equations::shrinking(desk.here.schedule()));
            let beside = if self.show.way == Way::Growing {
                "variance, noise only added"
            } else {
                "variance, without roots"
            };
            for (canvas, name) in [(0, &*own), (1, beside)] {
                let color = Self::base(desk, canvas);
                let known = variance(self.scales(desk, canvas, desk.here.clock.tau));
                let measured = self
                    .points(desk, canvas)
                    .variance()
                    .map_or_else(|| "–".into(), |v| fixed(v, 3));
                readout::line(ui, name, &fixed(known, 3), color, tip, palette);
                readout::line(ui, "of the particles", &measured, ink, tip, palette);
            }
        } else {
            let scales = desk.here.scales();
            let snr = scales.snr();
            readout::line(
                ui,
                "ᾱ, signal variance",
                &fixed(scales.a.powi(2), 4),
                ink,
                "ᾱ = a²",
                palette,
            );
            readout::line(
                ui,
                "a, signal",
                &fixed(scales.a, 4),
                palette.data,
                "x_t = a x_0 + s ε",
                palette,
            );
            readout::line(
                ui,
                "s, noise",
                &fixed(scales.s, 4),
                palette.noise,
                "x_t = a x_0 + s ε",
                palette,
            );
            readout::line(
                ui,
                "SNR",
                &short(snr),
                ink,
                "Signal-to-noise ratio a²/s²",
                palette,
            );
            readout::line(
                ui,
                "log SNR",
                &fixed(snr.ln(), 2),
                ink,
                "Natural logarithm of a²/s²",
                palette,
            );
            // The data have unit variance per axis on average, so that of x_t is a² + s².
            let tip = "a² + s², per axis on average: 1 where variance is preserved";
            readout::line(
                ui,
                "variance at t",
                &fixed(variance(scales), 3),
                ink,
                tip,
                palette,
            );
            let measured = self
                .points(desk, 0)
                .variance()
                .map_or_else(|| "–".into(), |v| fixed(v, 3));
            readout::line(
                ui,
                "of the particles",
                &measured,
                ink,
                "Per axis, the mean of both",
                palette,
            );
        }
        let entropy = self
            .entropy
            .value()
            .and_then(|points| value_at(&points, desk.here.clock.tau));
        let entropy = entropy.map_or_else(|| "–".into(), |nats| fixed(nats, 3));
        let noise = normal_entropy(desk.here.schedule().prior_std(desk.here.draft.timesteps));
        let tip = format!(
            "h(p_t) = −E ln p_t in nats, by 1024 draws from the closed form; {} has {}",
            prior_name(desk, "I"),
            fixed(noise, 3)
        );
        readout::line(ui, "entropy", &entropy, palette.exact, &tip, palette);
    }

    /// The schedule that is looked at, and the way to train by it.
    fn schedule_rows(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        if desk.is_split() {
            let text = "A and B each show the schedule that they train by; the menu above sets it.";
            return note(ui, text, palette);
        }
        let trained = desk.here.draft.schedule;
        let mut shown = self.show.schedule.unwrap_or(trained);
        if schedule::schedule_choice(ui, desk, &mut shown) {
            self.show.schedule = Some(shown).filter(|shown| *shown != trained);
        }
        // Always there, so that nothing moves when another is looked at.
        let other = self.show.schedule.is_some();
        ui.horizontal(|ui| {
            ui.add_enabled_ui(other, |ui| {
                let tip = "This schedule becomes that of the experiment. The weights stay";
                if button::text(ui, "Train with this", tip, 0.0, palette).clicked() {
                    desk.here.draft.schedule = shown;
                    desk.configure(Restart::Keep);
                    self.show.schedule = None;
                }
            });
            let text = if other {
                format!("Trained by {}.", trained.words().title)
            } else {
                "It trains by this one.".to_owned()
            };
            note(ui, &text, palette);
        });
        // What is read out below is of it already.
        self.look(desk);
    }

    pub(super) fn step_row(ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        let timesteps = desk.here.draft.timesteps;
        let t = Self::t(desk);
        ui.horizontal(|ui| {
            if button::text(ui, "Step back", "The step before", 0.0, palette).clicked() {
                desk.here
                    .clock
                    .set(f64::from(t.saturating_sub(1)) / f64::from(timesteps));
            }
            if button::text(
                ui,
                "Step forward",
                "One more step of the chain",
                0.0,
                palette,
            )
            .clicked()
            {
                desk.here.clock.set(f64::from(t + 1) / f64::from(timesteps));
            }
        });
        let text = format!(
            "{} of {}",
            grouped(f64::from(t)),
            grouped(f64::from(timesteps))
        );
        readout::line(
            ui,
            "step t",
            &text,
            palette.ink,
            "Steps done, each with its own fresh noise",
            palette,
        );
    }
}
