//! The controls of the chapter: the choices, the bound in numbers, and its derivation.

use egui::{Align2, Color32, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::derivation::{Part, lines_ui};
use super::drawing::Reading;
use super::{Beside, Elbo};
use crate::chapters::shared::rows;
use crate::desk::Desk;
use crate::theme::{Palette, SMALL, strong_font, text_font};
use crate::widgets::number::{fixed, grouped, short};
use crate::widgets::text::note;
use crate::widgets::tip::Tip as _;
use crate::widgets::{maths, readout, row, segmented};
use ::maths::measure::Estimate;
use ::maths::measure::elbo::{Bound, StepVariance};

/// Share of a line at which the exact column ends, and the learned one.
const COLUMNS: [f32; 2] = [0.66, 1.0];

impl Elbo {
    /// The controls beneath title, hint and formula.
    pub(super) fn controls(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        let tip = StepVariance::ALL
            .map(|choice| format!("{}: {}", choice.words().title, choice.words().help));
        let tip = format!("σ² of p_θ(x_{{t−1}} | x_t). {}", tip.join("; "));
        row::named(ui, "σ²", &tip, palette, |ui| {
            let options = StepVariance::ALL.map(|choice| (choice, choice.words().title));
            segmented::choose(ui, "Variance", &mut self.show.variance, &options, palette);
        });
        if self.show.variance == StepVariance::Learned && !desk.here.draft.learn_variance {
            let text = "This network learns no variance: the exact column shows the best that one could say. \
                        Training, Variance: Learned gives it one.";
            note(ui, text, palette);
        }
        let tip = "Whose x̂₀ the Gaussian p_θ on the canvas has: the network's, or the exact one";
        row::named(ui, "On the canvas", tip, palette, |ui| {
            let options = [(false, "Learned"), (true, "Exact")];
            segmented::choose(ui, "On the canvas", &mut self.show.exact, &options, palette);
        });
        let tip = "Weights: what the training's loss weighs up (above 1) and down against the bound. \
                   Steps: the exact bound by the number of steps T";
        row::named(ui, "Second chart", tip, palette, |ui| {
            let options = [(Beside::Weights, "Weights"), (Beside::Steps, "Steps")];
            segmented::choose(ui, "Second chart", &mut self.show.beside, &options, palette);
        });
        ui.separator();
        self.numbers_ui(ui, desk);
        ui.separator();
        let before = self.lit;
        self.lit = lines_ui(ui, palette);
        if self.lit != before {
            ui.ctx().request_repaint();
        }
        ui.separator();
        rows::cost_line(
            ui,
            "The share of the last five seconds that measuring the bound took from the training",
            desk,
        );
    }

    fn numbers_ui(&self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        let truth = self.measured.truth();
        let learned = self.measured.learned();
        let choice = self.show.variance;
        let exact_bound = truth.as_ref().and_then(|truth| truth.bounds.by(choice));
        let learned_bound = learned.as_ref().and_then(|learned| learned.by(choice));
        let update = learned.as_ref().map(|learned| grouped(learned.step as f64));
        let colors = [palette.learned, palette.exact];
        let heads = [
            update.map_or_else(|| "learned".to_owned(), |update| format!("update {update}")),
            "exact".to_owned(),
        ];
        let tip = "Nats per point ± standard error. Learned: of the weights of this update, measured again as they change";
        line(ui, ("", false), &heads, colors, tip, palette);
        let mut each = |name: &'static str, part: Option<Part>, tip, of: fn(&Bound) -> Estimate| {
            let texts = [learned_bound, exact_bound].map(|bound| known(bound.map(of)));
            let pointed = self
                .lit
                .zip(part)
                .is_some_and(|(lit, part)| lit.contains(&part));
            let ink = if self.lit.is_some() && !pointed {
                palette.faint
            } else {
                palette.ink
            };
            let name = (name, pointed);
            line(ui, name, &texts, [ink; 2], tip, palette);
        };
        each(
            "L_T",
            Some(Part::Prior),
            "What x_T still knows of x₀. No network changes it",
            |bound| bound.prior,
        );
        each(
            "Σ L_{t−1}",
            Some(Part::Denoising),
            "The sum over all steps from t = 2 to T",
            |bound| bound.denoising,
        );
        each(
            "L₀",
            Some(Part::Reconstruction),
            "The last step, onto the data: minus the logarithm of a density",
            |bound| bound.reconstruction,
        );
        each(
            "bound",
            None,
            "Their sum: −E ln p_θ(x₀) is no larger",
            |bound| bound.total,
        );
        each(
            "above entropy",
            None,
            "The bound less the entropy, over the same points: chance that both share falls out",
            |bound| bound.above_entropy,
        );
        let entropy = truth.as_ref().map_or_else(
            || "–".to_owned(),
            |truth| {
                format!(
                    "{} ± {}",
                    fixed(truth.entropy.nats, 3),
                    fixed(truth.entropy.error, 3)
                )
            },
        );
        let tip = "−E ln p₀ of the data, nats: no model's bound is below it";
        readout::line(
            ui,
            "entropy of the data",
            &entropy,
            palette.data,
            tip,
            palette,
        );
        let reading = self.reading(desk);
        let here = reading.as_ref().and_then(Reading::term);
        let here = here.map_or_else(|| "–".to_owned(), |nats| format!("{} nats", short(nats)));
        let name = match &reading {
            Some(reading) if reading.t > 1 => {
                format!("KL at this x_t, t = {}", grouped(f64::from(reading.t)))
            }
            _ => "−ln p_θ(x₀ | x₁) here".to_owned(),
        };
        let tip =
            "Of the two Gaussians on the canvas. Its mean over x₀ and x_t is the term at this t";
        readout::line(ui, &name, &here, palette.ink, tip, palette);
    }
}

/// A number with its error.
fn known(estimate: Option<Estimate>) -> String {
    estimate.map_or_else(
        || "–".to_owned(),
        |Estimate { value, error }| {
            let digits = if value.abs() >= 100.0 { 0 } else { 2 };
            format!("{} ± {}", fixed(value, digits), fixed(error, digits))
        },
    )
}

/// A line with two values in columns: the learned and the exact one. Screen readers hear `L_T learned 0.1 exact 0.2`,
/// and `, pointed at` where a line of the derivation speaks of it.
fn line(
    ui: &mut Ui,
    (name, pointed): (&str, bool),
    texts: &[String; 2],
    colors: [Color32; 2],
    tip: &str,
    palette: &Palette,
) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
    let [learned, exact] = texts;
    let pointed = if pointed { ", pointed at" } else { "" };
    let spoken = format!("{name} learned {learned} exact {exact}{pointed}");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
    let painter = ui.painter();
    let left = painter.layout_job(maths::job(
        painter,
        name,
        &text_font(SMALL + 0.5),
        palette.weak,
    ));
    let at = pos2(rect.left(), rect.center().y - 0.5 * left.size().y);
    painter.galley(at, left, palette.weak);
    for ((text, color), share) in texts.iter().zip(colors).zip(COLUMNS) {
        let at: Rect = rect.with_max_x(rect.left() + share * rect.width());
        painter.text(
            at.right_center(),
            Align2::RIGHT_CENTER,
            text,
            strong_font(SMALL),
            color,
        );
    }
    response.tip(tip);
}
