//! The controls of the chapter.

use egui::{Color32, Ui};

use super::drawing::{WEIGHTS, weight_text};
use super::{Behind, Guidance, PARTICLES, classes, knows_classes};
use crate::chapters::shared::rows;
use crate::desk::Desk;
use crate::desk::run_slot::LOOK_EVERY;
use crate::theme::Palette;
use crate::widgets::number::{Sign, fixed, grouped, short};
use crate::widgets::row::{self, Track};
use crate::widgets::{button, progress, readout, segmented, text};
use engine::{ClassifierSpec, GuideKind};
use lab::message::{AccuracyAt, Command, Order, RunProgress};
use maths::measure::Estimate;

/// How far ln SNR goes on the sliders.
const LOG_SNR: std::ops::RangeInclusive<f64> = -10.0..=10.0;
/// What the interval is when it is switched on: the middle of the way.
const INTERVAL: [f64; 2] = [-3.0, 4.0];

impl Guidance {
    /// The controls beneath title, hint and formula.
    pub(super) fn controls(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        self.kind_rows(ui, desk);
        if !classes(desk).is_empty() && (self.lead.kind.needs_label() || knows_classes(desk)) {
            self.class_row(ui, desk);
        }
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

    /// By what samples are led, and what that asks for.
    fn kind_rows(&mut self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        let words = GuideKind::ALL.map(GuideKind::words);
        let tip = words.map(|words| format!("{}: {}", words.symbol, words.help));
        row::named(ui, "By", &tip.join("; "), palette, |ui| {
            let options = GuideKind::ALL.map(|kind| (kind, kind.words().symbol));
            segmented::choose(ui, "By", &mut self.lead.kind, &options, palette);
        });
        match self.lead.kind {
            GuideKind::ClassifierFree | GuideKind::Posterior => {}
            GuideKind::Classifier => classifier_rows(ui, desk),
            GuideKind::Model => weak_rows(ui, desk),
        }
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
        let tip = match self.lead.kind {
            GuideKind::ClassifierFree => {
                "w: 0 leads to nothing, 1 to the class, above it beyond the class, below 0 away from it. Each side has its own"
            }
            GuideKind::Posterior | GuideKind::Classifier => {
                "w: 0 leads to nothing, 1 to the class by Bayes, above it beyond the class, below 0 away from it. Each side has its own"
            }
            GuideKind::Model => {
                "w: 0 is the weak model, 1 the model itself, above it away from the weak one. Each side has its own"
            }
        };
        let track = Track::linear(WEIGHTS).sign(Sign::Plain);
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
        let tip = "Where the weight counts: at every noise level, or between two values of ln SNR; elsewhere it is 1, by a classifier 0 (Kynkäänniemi et al. 2024)";
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
        if self.lead.kind == GuideKind::Model {
            return;
        }
        if knows_classes(desk) || self.lead.kind != GuideKind::ClassifierFree {
            self.show.exact = Some(self.exact(desk));
            let tip = "Which x̂_0 is led: the network's, or the exact one";
            return rows::field_row(ui, tip, &mut self.show.exact, palette);
        }
        if classes(desk).is_empty() {
            return;
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
            worth.and_then(|w| w.inside).map(with_error),
            &tip,
        );
        let tip = "−E ln p(x | y) of the samples less that of the class itself, nats: 0 of honest samples of the class";
        let of = self.judged_against(desk);
        let surprise = match self.asked_class(desk) {
            Some(_) => "class surprise",
            None => "data surprise",
        };
        line(surprise, worth.map(|w| with_error(w.surprise)), tip);
        let floors = |ratio: f64| format!("{} floors", fixed(ratio, 2));
        let tip = "Sliced W₂ to draws of the class, in distances of its draws to other draws: 1 is as near as honest samples are";
        let to_class = worth.map(|w| floors(w.to_class.ratio()));
        line(&format!("W₂ to {of}"), to_class, tip);
        let tip = "The same to draws of the density p(x) p(y | x)^w. Guided samples do not have it, but at weight 0 and 1";
        let to_tilted = worth.and_then(|w| w.to_tilted).map(|of| floors(of.ratio()));
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
        let [from, to] = self.names(desk);
        let tip = "x̂_0 at the point, at the clock's t, by weight 0";
        let name = format!("x̂₀ {from}");
        line(&name, vectors.map(|v| v.from), palette.weak, tip);
        let tip = "The same, by weight 1";
        let name = format!("x̂₀ {to}");
        line(&name, vectors.map(|v| v.to), palette.truth, tip);
        let tip = "The first, and w times what the second has more";
        let guided = vectors.map(|v| v.guided());
        line("x̂₀ guided", guided, palette.ink, tip);
        if vectors.is_some_and(|v| (v.weight - self.lead.weight).abs() > 1e-9) {
            let idle = fixed(self.lead.kind.idle_weight(), 0);
            let words = format!("At this t the weight does not count: it is {idle}.");
            text::note(ui, &words, palette);
        }
    }
}

/// The classifier: how it stands, and how often it is right at the clock's t.
fn classifier_rows(ui: &mut Ui, desk: &Desk) {
    let palette = desk.palette();
    let state = desk.here.snapshot.classifier.as_ref();
    let done = state.and_then(|state| state.done.as_ref());
    let share = state.and_then(|state| state.progress.as_ref().map(RunProgress::get));
    let wide = ui.available_width();
    if let Some(share) = share {
        progress::bar(ui, "Training the classifier", wide, Some(share), palette);
        ui.ctx().request_repaint_after(LOOK_EVERY);
        let tip = "Give the classifier up";
        if button::text(ui, "Stop the classifier", tip, wide, palette).clicked() {
            desk.send(Command::DropClassifier);
        }
        return;
    }
    let Some(done) = done else {
        let tip = "A small network that tells the classes of noised points apart, trained beside the model on the same data and schedule";
        if button::text(ui, "Train a classifier", tip, wide, palette).clicked() {
            desk.send(Command::TrainClassifier(ClassifierSpec::default()));
        }
        return;
    };
    let tau = desk.here.clock.tau;
    let away = |at: &AccuracyAt| (at.tau - tau).abs();
    let nearest = done
        .accuracy
        .iter()
        .min_by(|a, b| away(a).total_cmp(&away(b)));
    let with_error = |of: Estimate| format!("{} ± {}", fixed(of.value, 3), short(of.error));
    if let Some(at) = nearest {
        let name = format!("right at t / T = {}", fixed(at.tau, 2));
        let tip = "Share of held-out draws of x_t whose class it names, at the measured t nearest to the clock";
        let value = with_error(at.trained);
        readout::line(ui, &name, &value, palette.learned, tip, palette);
        let tip = "The same by the exact p(y | x_t), at the same draws: no classifier can be right more often but by chance";
        let value = with_error(at.best);
        readout::line(
            ui,
            "the best there can be",
            &value,
            palette.exact,
            tip,
            palette,
        );
    }
}

/// The weak model: which it is, and where one can be had.
fn weak_rows(ui: &mut Ui, desk: &Desk) {
    let palette = desk.palette();
    let side = desk.side();
    let snapshot = &desk.here.snapshot;
    let words = match &snapshot.weak {
        None => "No weak model is taken yet.".to_owned(),
        Some(weak) => {
            let shape = weak.model.shape();
            let updates = grouped(weak.step as f64);
            let size = format!("{} × {}", shape.depth, shape.width);
            format!("Away from a model of {size} after {updates} updates.")
        }
    };
    text::note(ui, &words, palette);
    let wide = ui.available_width();
    let tip = "The latest kept state of this training that has a quarter of its updates at most, as the weak model";
    let quarter = snapshot.step / 4;
    let take = |ui: &mut Ui| button::text(ui, "Take an earlier state", tip, wide, palette);
    if ui.add_enabled_ui(quarter > 0, take).inner.clicked() {
        desk.order(Order::TakeWeak {
            from: side,
            to: side,
            most_updates: Some(quarter),
        });
    }
    if desk.is_split() {
        let other = side.other();
        let name = format!("Take {}'s model", other.letter());
        let tip = "The model of the other side as it is now: a smaller network, or one that has learned less";
        if button::text(ui, &name, tip, wide, palette).clicked() {
            desk.order(Order::TakeWeak {
                from: other,
                to: side,
                most_updates: None,
            });
        }
    }
}
