//! The controls of the chapter.

use super::{Compass, Extent};
use crate::chapters::compass::needle::{Needle, distance};
use crate::chapters::compass::placing::Origin;
use crate::chapters::compass::reading::Reading;
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
        let tip = "x_t, x₀ and two arrows; or also the next step of a sampler and its coefficients";
        row::named(ui, "Show", tip, palette, |ui| {
            let options = [(Extent::Simple, "Simple"), (Extent::NextStep, "Next step")];
            segmented::choose(ui, "Show", &mut self.show.extent, &options, palette);
        });
        let tip = "The true ε made imprecise, the network's, or the best possible, ε* = E[ε | x_t]";
        row::named(ui, "Needle", tip, palette, |ui| {
            let options = [
                (Needle::Imprecise, "Imprecise"),
                (Needle::Learned, "Learned"),
                (Needle::Exact, "Exact"),
            ];
            segmented::choose(ui, "Needle", &mut self.show.needle, &options, palette);
        });
        ui.add_enabled_ui(self.show.needle == Needle::Imprecise, |ui| {
            let tip = "100 % is the true ε and lands on x₀; less turns and shortens it, to what is unrelated at 0 %";
            let mut percent = 100.0 * self.show.accuracy;
            let text = |percent: f64| format!("{percent:.0} %");
            let track = Track::linear(0.0..=100.0).sign(Sign::Percent);
            if row::slider(ui, ["Accuracy", tip], &mut percent, track, text, palette).changed {
                self.show.accuracy = 0.01 * percent;
            }
        });
        let tip = "Nearest: the data point nearest to x_t/a, which needs the least noise to come to x_t, whatever moves. \
                   Drawn: a data point drawn from p(x₀ | x_t). Held: the one there is now stays";
        row::named(ui, "True x₀", tip, palette, |ui| {
            let options = [
                (Origin::Nearest, "Nearest"),
                (Origin::Drawn, "Drawn"),
                (Origin::Held, "Held"),
            ];
            segmented::choose(ui, "True x0", &mut self.show.origin, &options, palette);
        });
        ui.separator();
        let reading = self.reading(desk);
        self.readings(ui, reading.as_ref(), desk);
        if self.show.extent == Extent::NextStep {
            ui.separator();
            self.next_step(ui, reading.as_ref(), desk);
        }
    }

    /// Points, errors and the noise.
    fn readings(&self, ui: &mut Ui, reading: Option<&Reading>, desk: &Desk) {
        let palette = desk.palette();
        let needle = reading.and_then(|r| r.needle);
        let color = self.needle_color(palette);
        let mut line = |name: &str, value: Option<String>, color, tip: &str| {
            let value = value.unwrap_or_else(|| "–".to_owned());
            readout::line(ui, name, &value, color, tip, palette);
        };
        let x_0 = reading.map(|r| pair(r.placed.x_0));
        line("x₀", x_0, palette.truth, "The true clean point");
        line(
            "x_t",
            reading.map(|r| pair(r.x_t)),
            palette.ink,
            "a x₀ + s ε",
        );
        line("x̂₀", needle.map(|n| pair(n.1)), color, "(x_t − s ε̂)/a");
        let mean = reading.map(|r| pair(r.posterior.mean));
        let tip = "The mean of all x₀ that could be at x_t, in closed form: what a perfect network answers";
        line("m = E[x₀ | x_t]", mean, palette.exact, tip);
        let error = |to: fn(&Reading) -> [f64; 2]| {
            let (n, r) = needle.zip(reading)?;
            let error = distance(n.1, to(r));
            Some(if error < 1000.0 {
                fixed(error, 4)
            } else {
                short(error)
            })
        };
        let tip = "How far x̂₀ is from the one x₀: (s/a) ‖ε̂ − ε‖";
        line("error ‖x̂₀ − x₀‖", error(|r| r.placed.x_0), palette.ink, tip);
        let tip =
            "How far x̂₀ is from the mean of all x₀ that could be here: 0 for the exact needle";
        line(
            "error ‖x̂₀ − m‖",
            error(|r| r.posterior.mean),
            palette.ink,
            tip,
        );
        let size = reading.map(|r| {
            let length = fixed(r.placed.epsilon[0].hypot(r.placed.epsilon[1]), 2);
            if r.placed.is_pulled() {
                format!("{length} (where put: {})", short(r.placed.wanted))
            } else {
                length
            }
        });
        let tip = "1.25 on average where x_t is likely. N(0, I) is longer than 4 once in 3000 draws: no longer noise is shown";
        line("length of ε", size, palette.ink, tip);
    }

    /// The step of a sampler that the canvas draws.
    fn next_step(&mut self, ui: &mut Ui, reading: Option<&Reading>, desk: &Desk) {
        let palette = desk.palette();
        let needle = reading.and_then(|r| r.needle);
        let show = |v: Option<[f64; 2]>| v.map_or_else(|| "–".to_owned(), pair);
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
            "μ = A₁ x_t + A₂ x̂₀, here c_t x_t + c₀ x̂₀: the mean of x one step on, x′ ({})",
            formulas.source
        );
        readout::line(ui, "mean μ", &show(mean), palette.ink, &tip, palette);
        let coefficient = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), |v| fixed(v, 5));
        readout::line(
            ui,
            "A₂ = c₀, of x̂₀",
            &coefficient(reading.map(|r| r.step.x_0)),
            palette.exact,
            formulas.c_0,
            palette,
        );
        let value = coefficient(reading.map(|r| r.step.x));
        readout::line(
            ui,
            "A₁ = c_t, of x_t",
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
        let divergence = needle
            .zip(reading)
            .and_then(|(n, r)| r.divergence(n.1))
            .map_or_else(|| "–".to_owned(), |found| nats(found.value, found.error));
        let tip = "KL(p(x′ | x_t) ‖ N(μ, σ² I)) in nats, with twice its standard error: what is lost where the step as it is, a \
                   mixture, is taken for one Gaussian. It goes to 0 as steps get short. Onto the data σ is 0 and nothing is left to compare";
        let name = "KL, step to Gaussian";
        readout::line(ui, name, &divergence, palette.exact, tip, palette);
        let network = reading.and_then(|r| r.learned.map(|x_0| r.mean(x_0)));
        readout::line(
            ui,
            "μ by the network",
            &show(network),
            palette.learned,
            "Where ε_θ would go",
            palette,
        );
        let tip = "Of the plot of A₁ and A₂: logarithmic shows what is small near the ends";
        row::named(ui, "Axis of A₁, A₂", tip, palette, |ui| {
            let options = [(false, "Linear"), (true, "Log")];
            segmented::choose(ui, "Axis", &mut self.show.log, &options, palette);
        });
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

/// Nats with what they may be wrong by, where that can be seen.
fn nats(value: f64, error: f64) -> String {
    let shown = if value < 10.0 {
        fixed(value, 3)
    } else {
        short(value)
    };
    if 2.0 * error >= 5e-4 && value < 10.0 {
        format!("{shown} ± {}", fixed(2.0 * error, 3))
    } else {
        shown
    }
}

pub(super) fn pair(v: [f64; 2]) -> String {
    format!("{}, {}", fixed(v[0], 2), fixed(v[1], 2))
}
