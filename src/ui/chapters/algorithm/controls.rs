//! The controls of the chapter, and the lines.

use egui::{Frame, Margin, RichText, Ui};

use super::Algorithm;
use super::batch::FOLLOWED;
use super::walk::{Program, Speed};
use crate::chapters::shared::cloud::normal_name;
use crate::desk::Desk;
use crate::equations::{self, algorithms};
use crate::theme::{Palette, SMALL, strong_font};
use crate::widgets::equation::{here_ui, program_line_ui};
use crate::widgets::number::{fixed, grouped, short};
use crate::widgets::row::{self, Track};
use crate::widgets::text;
use crate::widgets::{button, readout, segmented};
use lab::experiment::Experiment;
use maths::diffusion::schedule::Family;
use maths::diffusion::solver::Variance;
use maths::diffusion::target::Target;

/// Width of a button.
const BUTTON: f32 = 76.0;

/// A remark beneath a line.
fn beside(ui: &mut Ui, remark: &str, palette: &Palette) {
    let margin = Margin {
        left: 24,
        bottom: 3,
        ..Margin::ZERO
    };
    Frame::NONE.inner_margin(margin).show(ui, |ui| {
        text::ragged(ui, RichText::new(remark).size(SMALL).color(palette.weak));
    });
}

impl Algorithm {
    /// The controls beneath title and hint.
    pub(super) fn controls(&mut self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        let tip = "Of Ho et al. 2020: algorithm 1 trains, algorithm 2 samples";
        row::named(ui, "Algorithm", tip, palette, |ui| {
            let options = [
                (Program::Training, "Training"),
                (Program::Sampling, "Sampling"),
            ];
            segmented::choose(ui, "Algorithm", &mut self.show.program, &options, palette);
        });
        let tip = "A line every 0.8 s, or as fast as it goes";
        row::named(ui, "Speed", tip, palette, |ui| {
            let options = [(Speed::Slow, "Slow motion"), (Speed::Run, "Run")];
            if segmented::choose(ui, "Speed", &mut self.show.speed, &options, palette).changed()
                && self.is_running(desk)
            {
                self.change_speed(desk);
            }
        });
        self.buttons_ui(ui, desk);
        ui.separator();
        match self.show.program {
            Program::Training => self.training_ui(ui, desk),
            Program::Sampling => self.sampling_ui(ui, desk),
        }
    }

    fn buttons_ui(&mut self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 7.0;
            let (label, tip) = if self.is_running(desk) {
                ("Pause", "Stand still (space bar)")
            } else {
                ("Play", "Go on by itself (space bar)")
            };
            let name = format!("{label} the algorithm");
            if button::named_text(ui, [&name, label], tip, BUTTON, palette).clicked() {
                self.toggle(desk);
            }
            let tip = "The next line";
            if button::text(ui, "One line", tip, BUTTON, palette).clicked() {
                self.one_line(desk);
            }
            let (name, tip) = match self.show.program {
                Program::Training => ("One step of training", "All lines up to the next update"),
                Program::Sampling => ("One step of sampling", "All lines up to the next x_{t−1}"),
            };
            if button::named_text(ui, [name, "One step"], tip, BUTTON, palette).clicked() {
                self.one_step(desk);
            }
        });
    }

    fn heading(ui: &mut Ui, title: &str, palette: &Palette) {
        let title = RichText::new(title)
            .font(strong_font(13.0))
            .color(palette.ink);
        ui.label(title);
        ui.add_space(2.0);
    }

    fn training_ui(&self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        let experiment = &desk.here.snapshot.experiment;
        Self::heading(ui, "Algorithm 1: Training", palette);
        for (number, line) in (1..).zip(algorithms::training()) {
            program_line_ui(ui, number, &line, self.lit(desk, number), palette);
            match number {
                2 => beside(ui, &batch_remark(desk, experiment), palette),
                5 => {
                    if experiment.schedule.family() != Family::Preserving {
                        here_ui(ui, &equations::jump(experiment.schedule), palette);
                    }
                    if let Some(loss) = algorithms::loss(experiment.target) {
                        here_ui(ui, &loss, palette);
                    }
                    let remark = format!(
                        "Here {} takes the step, at rate {}, on the mean over the batch and both coordinates.",
                        experiment.optimiser.words().title,
                        short(f64::from(experiment.rate(desk.here.snapshot.step + 1)))
                    );
                    beside(ui, &remark, palette);
                }
                _ => {}
            }
        }
        ui.separator();
        let snapshot = &desk.here.snapshot;
        let tip = "Updates that the weights have seen";
        let (ink, done) = (palette.ink, grouped(snapshot.step as f64));
        readout::line(ui, "updates done", &done, ink, tip, palette);
        let last = snapshot.curve.raw.last();
        let loss = last.map_or_else(|| "–".to_owned(), |(_, loss)| fixed(f64::from(*loss), 4));
        let tip = "The mean over the whole batch of the last update, by the weights before it";
        readout::line(ui, "loss of the last batch", &loss, ink, tip, palette);
    }

    fn sampling_ui(&mut self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        let experiment = desk.here.snapshot.experiment.clone();
        let (at, _) = self.step(desk);
        Self::heading(ui, "Algorithm 2: Sampling", palette);
        for (number, line) in (1..).zip(algorithms::sampling()) {
            program_line_ui(ui, number, &line, self.lit(desk, number), palette);
            match number {
                1 => {
                    let std = experiment.schedule.prior_std(experiment.timesteps);
                    let name = normal_name(std, "I");
                    if name != "N(0, I)" {
                        beside(ui, &format!("Here {name}: as wide as x_T."), palette);
                    }
                }
                4 => {
                    if let Some(step) = algorithms::step(experiment.schedule) {
                        here_ui(ui, &step, palette);
                    }
                    beside(ui, &step_remark(&experiment, self.show.variance), palette);
                }
                _ => {}
            }
        }
        ui.separator();
        let mut t = at.t;
        let tip = "Go to a step of the recorded chain: from T, pure noise, to 1";
        let track = Track::linear(1..=experiment.timesteps);
        if row::slider(ui, ["t", tip], &mut t, track, grouped, palette).changed {
            self.show.sampling.put(t);
        }
        let formulas = equations::posterior(experiment.schedule);
        let tip = format!(
            "σ²: of the forward step, {}, or of the posterior given x₀, {}",
            formulas.forward, formulas.variance
        );
        row::named(ui, "Variance", &tip, palette, |ui| {
            let options = [
                (Variance::Beta, "Forward step"),
                (Variance::BetaTilde, "Posterior"),
            ];
            segmented::choose(ui, "Variance", &mut self.show.variance, &options, palette);
        });
        let number = |v: f64| fixed(v, 6);
        let ink = palette.ink;
        if experiment.schedule.family() == Family::Preserving {
            let alpha = at.alpha();
            let tip = "The factor of the bracket";
            readout::line(ui, "1/√α_t", &number(1.0 / alpha.sqrt()), ink, tip, palette);
            let tip = "The factor of ε̂ in the bracket";
            let factor = (1.0 - alpha) / at.now.s;
            readout::line(
                ui,
                "(1 − α_t)/√(1 − ᾱ_t)",
                &number(factor),
                ink,
                tip,
                palette,
            );
        } else {
            readout::line(ui, "c_t", &number(at.factors.x), ink, formulas.c_t, palette);
            readout::line(
                ui,
                "c₀",
                &number(at.factors.x_0),
                ink,
                formulas.c_0,
                palette,
            );
        }
        let tip = "Standard deviation of the noise that the step adds";
        readout::line(ui, "σ_t", &number(at.factors.z), ink, tip, palette);
        let by = self.chain.shown().map_or_else(
            || "–".to_owned(),
            |result| format!("step {}", grouped(result.step as f64)),
        );
        let tip = "Updates that the averaged weights of this chain had seen";
        readout::line(ui, "by", &by, palette.learned, tip, palette);
        let tip = "The same six particles from other noise";
        ui.add_enabled_ui(!self.chain.is_busy(desk), |ui| {
            if button::text(ui, "New noise", tip, ui.available_width(), palette).clicked() {
                self.show.noise += 1;
                self.show.sampling.begin();
            }
        });
    }
}

/// A count that no line of text breaks.
fn unbroken(count: f64) -> String {
    grouped(count).replace('\u{2009}', "\u{a0}")
}

/// Where line 2 draws from, and how often.
fn batch_remark(desk: &Desk, experiment: &Experiment) -> String {
    let source = if experiment.fresh {
        "fresh from the mixture".to_owned()
    } else {
        let points = desk.here.snapshot.dataset.points.len();
        format!("from {} points", unbroken(points as f64))
    };
    let batch = unbroken(experiment.batch.into());
    format!("Here lines 2 to 4 draw a batch of {batch}, {source}. {FOLLOWED} of them are followed.")
}

/// What line 4 means here.
fn step_remark(experiment: &Experiment, variance: Variance) -> String {
    let formulas = equations::posterior(experiment.schedule);
    let variance = match variance {
        Variance::Beta => formulas.forward,
        Variance::BetaTilde => formulas.variance,
    };
    let variance = format!("Here σ² is {variance}, and the weights are the averaged ones.");
    let target = (experiment.target != Target::Eps).then(|| {
        let name = experiment.target.words().symbol;
        format!("The network predicts {name}; ε̂ and x̂₀ follow from it.")
    });
    let clip = "x̂₀ is clipped to the data's box; ε̂ is the noise that this leaves.".to_owned();
    let clip = experiment.clip.then_some(clip);
    let remarks: Vec<String> = [Some(variance), target, clip]
        .into_iter()
        .flatten()
        .collect();
    remarks.join(" ")
}
