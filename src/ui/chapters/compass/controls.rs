//! The controls of the chapter.

use super::{Compass, Needle};
use crate::chapters::compass::needle::distance;
use crate::chapters::compass::placing::{Deed, Origin};
use crate::chapters::shared::field_time::field_tau;
use crate::desk::Desk;
use crate::equations;
use crate::widgets::number::{Sign, fixed, grouped, short};
use crate::widgets::row::{self, Track};
use crate::widgets::text;
use crate::widgets::{readout, segmented};
use egui::Ui;
use maths::diffusion::solver::Variance;

impl Compass {
    /// The controls beneath title, hint and formula.
    pub(super) fn controls(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        row::named(
            ui,
            "Needle",
            "The true ε made imprecise, the network's, or the best possible",
            palette,
            |ui| {
                let options = [
                    (Needle::Imprecise, "Imprecise"),
                    (Needle::Learned, "Learned"),
                    (Needle::Exact, "Exact"),
                ];
                segmented::choose(ui, "Needle", &mut self.show.needle, &options, palette);
            },
        );
        ui.add_enabled_ui(self.show.needle == Needle::Imprecise, |ui| {
            let tip = "100 % is the true ε and lands on x₀; less turns and shortens it, to what is unrelated at 0 %";
            let mut percent = 100.0 * self.show.accuracy;
            let text = |percent: f64| format!("{percent:.0} %");
            let track = Track::linear(0.0..=100.0).sign(Sign::Percent);
            if row::slider(ui, ["Accuracy", tip], &mut percent, track, text, palette).changed {
                self.show.accuracy = 0.01 * percent;
            }
        });
        row::named(
            ui,
            "True x₀",
            "The data point nearest to x_t/a, or one drawn from p(x₀ | x_t)",
            palette,
            |ui| {
                let options = [(Origin::Nearest, "Nearest"), (Origin::Drawn, "Drawn")];
                if segmented::choose(ui, "True x0", &mut self.show.origin, &options, palette)
                    .changed()
                    && let Some(reading) = self.reading(desk)
                {
                    self.put(desk, Deed::Place, reading.x_t);
                }
            },
        );
        ui.separator();
        let reading = self.reading(desk);
        let show = |v: Option<[f64; 2]>| v.map_or_else(|| "–".to_owned(), pair);
        let number =
            |v: Option<f64>, decimals| v.map_or_else(|| "–".to_owned(), |v| fixed(v, decimals));
        let reading = reading.as_ref();
        let needle = reading.and_then(|r| r.needle);
        let color = self.needle_color(palette);
        readout::line(
            ui,
            "x₀",
            &show(reading.map(|r| r.x_0)),
            palette.truth,
            "The true clean point",
            palette,
        );
        readout::line(
            ui,
            "x_t",
            &show(reading.map(|r| r.x_t)),
            palette.ink,
            "a x₀ + s ε",
            palette,
        );
        readout::line(
            ui,
            "x̂₀",
            &show(needle.map(|n| n.1)),
            color,
            "(x_t − s ε̂)/a",
            palette,
        );
        let error = needle.zip(reading).map(|(n, r)| distance(n.1, r.x_0));
        readout::line(
            ui,
            "error ‖x̂₀ − x₀‖",
            &number(error, 4),
            palette.ink,
            "(s/a) ‖ε̂ − ε‖",
            palette,
        );
        let size = reading.map(|r| r.epsilon[0].hypot(r.epsilon[1]));
        readout::line(
            ui,
            "length of ε",
            &number(size, 2),
            palette.ink,
            "1.25 on average where x_t is likely",
            palette,
        );
        ui.separator();
        let tip = "Steps of the sampler from T to 0; T of them are those of training, and more are taken as T";
        let track = Track::logarithmic(2..=desk.here.snapshot.experiment.timesteps.max(3));
        row::slider(
            ui,
            ["Steps to 0", tip],
            &mut self.show.steps,
            track,
            grouped,
            palette,
        );
        let formulas = equations::posterior(desk.here.snapshot.experiment.schedule);
        let tip = format!(
            "Of the posterior given x₀, {}, or of the forward step, {}",
            formulas.variance, formulas.forward
        );
        row::named(ui, "Variance", &tip, palette, |ui| {
            let options = [
                (Variance::BetaTilde, "Posterior"),
                (Variance::Beta, "Forward step"),
            ];
            segmented::choose(ui, "Variance", &mut self.show.variance, &options, palette);
        });
        let mean = needle.zip(reading).map(|(n, r)| r.mean(n.1));
        let tip = format!(
            "μ = c₀ x̂₀ + c_t x_t: the mean of x one step on, x′ ({})",
            formulas.source
        );
        readout::line(ui, "mean μ", &show(mean), palette.ink, &tip, palette);
        let coefficient = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), |v| fixed(v, 5));
        readout::line(
            ui,
            "c₀, of x̂₀",
            &coefficient(reading.map(|r| r.step.x_0)),
            palette.exact,
            formulas.c_0,
            palette,
        );
        let value = coefficient(reading.map(|r| r.step.x));
        readout::line(
            ui,
            "c_t, of x_t",
            &value,
            palette.noise,
            formulas.c_t,
            palette,
        );
        let sigma = reading.map_or_else(|| "–".to_owned(), |r| short(r.step.z));
        readout::line(
            ui,
            "σ, circle",
            &sigma,
            palette.ink,
            "Standard deviation of the next step; the outer circle is 2σ",
            palette,
        );
        let network = reading.and_then(|r| r.learned.map(|x_0| r.mean(x_0)));
        readout::line(
            ui,
            "μ by the network",
            &show(network),
            palette.learned,
            "Where ε_θ would go",
            palette,
        );
        if let Some(reading) = reading {
            let text = format!(
                "from t / T = {} to {}",
                fixed(field_tau(desk), 3),
                fixed(reading.tau_next, 3)
            );
            text::note(ui, &text, palette);
        }
    }
}

pub(super) fn pair(v: [f64; 2]) -> String {
    format!("{}, {}", fixed(v[0], 2), fixed(v[1], 2))
}
