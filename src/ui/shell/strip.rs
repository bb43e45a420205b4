//! The training strip at the lower edge: play, one step, reset, and what each experiment has reached.

use egui::{Align, Align2, Color32, Layout, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::desk::Desk;
use crate::desk::side_state::SideState;
use crate::plots;
use crate::theme::{Palette, SMALL, palette, strong_font, text_font};
use crate::widgets::icon::Icon;
use crate::widgets::number::{duration, fixed, grouped, short};
use crate::widgets::row::row_in;
use crate::widgets::{button, readout};
use lab::difference::{Incomparable, incomparable};
use lab::message::{Command, InStep, QualityPoint, Side};
use maths::measure::Estimate;
use maths::measure::chi_square::ChiSquare;
use maths::measure::score_error::{LOG_SNR_GRID, common_mean};

/// Height of the strip of one experiment.
const ONE: f32 = 66.0;
/// Height of the table of two.
const TWO: f32 = 88.0;

/// How high the strip is.
pub fn height(desk: &Desk) -> f32 {
    if desk.is_split() { TWO } else { ONE }
}

/// Draw the strip.
pub fn strip_ui(ui: &mut Ui, rect: Rect, desk: &mut Desk) {
    let inner = rect.shrink2(vec2(14.0, 0.0));
    let mut left = inner.left();
    row_in(ui, inner, Layout::left_to_right(Align::Center), "training", |ui| {
        ui.spacing_mut().item_spacing.x = 10.0;
        buttons_ui(ui, desk);
        left = ui.min_rect().right() + 16.0;
    });
    let rest = inner.with_min_x(left);
    if desk.is_split() {
        table_ui(ui, rest, desk);
    } else {
        row_in(ui, rest, Layout::left_to_right(Align::Center), "numbers", |ui| numbers_ui(ui, desk));
    }
}

fn buttons_ui(ui: &mut Ui, desk: &Desk) {
    let palette = desk.palette();
    let (icon, name) = if desk.any_training() { (Icon::Pause, "Pause training") } else { (Icon::Play, "Train") };
    if button::round(ui, icon, name, "Train, or pause (space bar in the Training chapter)", true, palette).clicked() {
        desk.toggle_training();
    }
    if button::round(ui, Icon::Step, "One step", "One training step", false, palette).clicked() {
        desk.order(Command::StepOnce);
    }
    let tip = "Start anew from the seed (R in the Training chapter)";
    if button::round(ui, Icon::Reset, "Reset training", tip, false, palette).clicked() {
        desk.order(Command::Reset);
    }
}

const UPDATES: &str = "Updates of the weights so far";
const RATE: &str = "Training steps a second";
const TIME: &str = "Time of training, without pauses; of two experiments, each one's own share of the device";
const LOSS: &str = "L = (1/D) E ‖target − prediction‖², smoothed over 50 steps; of the score, weighted by s²";
const DISTANCE: &str = "Sliced 2-Wasserstein distance of the live picture's 2048 samples (of a file fewer: half its held-out rows) to the data: the mean over six draws";
const FLOOR: &str = "Sampling floor: the same distance between draws of the data, the mean over six pairs. Honest samples score about this, more or less by chance";
const SURPRISE: &str = "−E ln p₀(samples) − h(p₀) in nats, ± its standard error: 0 for honest samples, above it for stray ones, below it for samples that are too thin";
const SHARES: &str = "χ² per degree of freedom of how many samples each part of the data got (its lobes, cut into about sixteen parts): 1 ± 0.4 by chance alone";
const SCORE: &str = "Mean over the trained t of (s²/D) E ‖learned − exact score‖² under p_t: the loss of an ε-model is the least possible loss and this";
const X_0: &str = "(1/D) E ‖x̂₀ − E[x₀ | x_t]‖²: the mean over the log SNRs from −4 to 8 that A and B both reach. It compares any targets and schedules";

/// The numbers of an experiment, as texts.
struct Reached {
    step: String,
    rate: String,
    time: String,
    loss: String,
    distance: String,
    floor: String,
    surprise: String,
    shares: String,
    score: String,
    x_0: String,
}

/// Something a second; none while nothing runs. Without an exponent: it changes all the time, and its form does not.
fn rate_text(rate: f64) -> String {
    if rate >= 10.0 {
        grouped(rate)
    } else if rate > 0.0 {
        fixed(rate, 1)
    } else {
        "–".to_owned()
    }
}

/// A mean square error, in one form as long as it is a small one.
fn error_text(error: f64) -> String {
    if error < 10.0 { fixed(error, 4) } else { short(error) }
}

/// The colour of what was measured: weak where more than a tenth of the updates came after it.
fn measured_color(side_state: &SideState, palette: &Palette) -> Color32 {
    let snapshot = &side_state.snapshot;
    let old = snapshot.quality.last().is_some_and(|point| snapshot.step as f64 > 1.1 * point.step as f64);
    if old { palette.weak } else { palette.ink }
}

/// A number with its error where both fit.
fn with_error(Estimate { value, error }: Estimate) -> String {
    if value.abs() < 10.0 { format!("{} ±{}", fixed(value, 2), fixed(error, 2)) } else { short(value) }
}

impl Reached {
    /// `other` is the experiment beside this one, if there is one.
    fn of(side_state: &SideState, other: Option<&SideState>) -> Self {
        let snapshot = &side_state.snapshot;
        let none = || "–".to_owned();
        let quality = snapshot.quality.last();
        let others = other.and_then(|other| other.snapshot.quality.last()).or(quality);
        let x_0 = quality.zip(others).and_then(|(q, other)| common_mean(&q.x0_errors, &other.x0_errors));
        let rate = snapshot.steps_per_sec;
        Self {
            step: grouped(snapshot.step as f64),
            rate: rate_text(rate),
            time: duration(snapshot.trained_secs),
            loss: snapshot.loss.map_or_else(none, |loss| fixed(f64::from(loss), 4)),
            // Without the clip samples can lie anywhere.
            distance: quality.map_or_else(none, |q| {
                let distance = q.distance.value;
                if distance < 1000.0 { fixed(distance, 3) } else { format!("{distance:.1e}") }
            }),
            floor: quality.map_or_else(none, |q| fixed(q.floor.value, 3)),
            surprise: quality.map_or_else(none, |q| with_error(q.surprise)),
            shares: quality.and_then(|q| q.shares).map_or_else(none, |shares| short(shares.reduced())),
            score: quality.map_or_else(none, |q| error_text(q.score_error.value)),
            x_0: x_0.map_or_else(none, |(means, _)| error_text(means[0])),
        }
    }
}

/// One experiment: numbers in cells, the loss as a small line.
fn numbers_ui(ui: &mut Ui, desk: &Desk) {
    let palette = desk.palette();
    ui.spacing_mut().item_spacing.x = 10.0;
    let reached = Reached::of(&desk.here, None);
    readout::stacked(ui, 74.0, "step", &reached.step, UPDATES, palette);
    readout::stacked(ui, 58.0, "steps/s", &reached.rate, RATE, palette);
    let snapshot = &desk.here.snapshot;
    let samples = snapshot.steps_per_sec * f64::from(snapshot.experiment.batch);
    readout::stacked(ui, 70.0, "samples/s", &rate_text(samples), "Steps a second times the batch B", palette);
    readout::stacked(ui, 58.0, "time", &reached.time, TIME, palette);
    let quality = snapshot.quality.last();
    let least = quality.map_or_else(String::new, |q| format!(". Least possible: {}", fixed(q.least_loss.value, 4)));
    readout::stacked(ui, 66.0, "loss", &reached.loss, &format!("{LOSS}{least}"), palette);
    let width = ui.available_width() - 5.0 * 10.0 - 62.0 - 50.0 - 84.0 - 84.0 - 72.0;
    let (spark, _) = ui.allocate_exact_size(vec2(width.max(20.0), 44.0), Sense::hover());
    plots::sparkline_ui(ui, spark, &desk.here, palette);
    let now = grouped(snapshot.step as f64);
    let when = quality.map_or_else(String::new, |q| format!("At step {} of {now}", grouped(q.step as f64)));
    let tip = |tip: &str, error: Option<String>| {
        error.map_or_else(|| tip.to_owned(), |error| format!("{tip}.\n{when}. {error}"))
    };
    let color = measured_color(&desk.here, palette);
    let measured = |ui: &mut Ui, width: f32, name: &str, value: String, tip: &str| {
        readout::stacked_each(ui, width, name, &[(value, color)], tip, palette);
    };
    let plus_minus = |of: fn(&QualityPoint) -> Estimate| quality.map(|q| format!("Here {}", pair(of(q))));
    let distance = tip(DISTANCE, plus_minus(|q| q.distance));
    measured(ui, 62.0, "sliced W₂", reached.distance, &distance);
    measured(ui, 50.0, "floor", reached.floor, &tip(FLOOR, plus_minus(|q| q.floor)));
    let half = quality.map(|q| format!("Here {}; {}", pair(q.surprise), half_text(q.densest_half)));
    let surprise = tip(SURPRISE, half);
    measured(ui, 84.0, "surprise", reached.surprise, &surprise);
    let shares = tip(SHARES, quality.and_then(|q| q.shares).map(shares_text));
    measured(ui, 84.0, "shares χ²/dof", reached.shares, &shares);
    let score = tip(SCORE, plus_minus(|q| q.score_error));
    measured(ui, 72.0, "score error", reached.score, &score);
}

/// A number and its error.
fn pair(Estimate { value, error }: Estimate) -> String {
    format!("{} ± {}", short(value), short(error))
}

fn half_text(Estimate { value, error }: Estimate) -> String {
    let (value, error) = (fixed(100.0 * value, 0), fixed(100.0 * error, 0));
    format!("{value} ± {error} % of the samples lie where the densest half of the data do (more: too thin)")
}

fn shares_text(shares: ChiSquare) -> String {
    format!("Here χ² is {} of {}, p {}", short(shares.value), shares.degrees, short(shares.p))
}

/// A column of the table: its name, width, tip, and what it shows.
type Column = (&'static str, f32, &'static str, fn(&Reached) -> &str);

/// Left of the small line of the loss, and right of it.
const COLUMNS: [&[Column]; 2] = [
    &[
        ("step", 82.0, UPDATES, |r| &r.step),
        ("steps/s", 66.0, RATE, |r| &r.rate),
        ("time", 66.0, TIME, |r| &r.time),
        ("loss", 70.0, LOSS, |r| &r.loss),
    ],
    &[
        ("sliced W₂", 70.0, DISTANCE, |r| &r.distance),
        ("floor", 56.0, FLOOR, |r| &r.floor),
        ("surprise", 90.0, SURPRISE, |r| &r.surprise),
        ("shares χ²/dof", 88.0, SHARES, |r| &r.shares),
        ("score error", 78.0, SCORE, |r| &r.score),
        ("x̂₀ error", 66.0, X_0, |r| &r.x_0),
    ],
];

/// What A and B have reached, a row each.
fn table_ui(ui: &mut Ui, rect: Rect, desk: &Desk) {
    const LETTER: f32 = 26.0;
    const HEAD: f32 = 24.0;
    let own = desk.palette();
    let row = 0.5 * (rect.height() - HEAD - 6.0);
    let widths = COLUMNS.map(|columns| columns.iter().map(|c| c.1).sum::<f32>());
    let spark = (rect.width() - LETTER - widths[0] - widths[1] - 24.0).max(20.0);
    let starts = [rect.left() + LETTER, rect.left() + LETTER + widths[0] + spark + 24.0];
    for (columns, start) in COLUMNS.iter().zip(starts) {
        let mut x = start;
        for (name, width, tip, _) in *columns {
            let cell = Rect::from_min_size(pos2(x, rect.top() + 4.0), vec2(*width, HEAD - 4.0));
            let response = ui.interact(cell, ui.make_persistent_id(("head", *name)), Sense::hover());
            ui.painter().text(cell.left_center(), Align2::LEFT_CENTER, *name, text_font(SMALL), own.faint);
            response.on_hover_text(*tip);
            x += width;
        }
    }
    compare_ui(
        ui,
        Rect::from_x_y_ranges(starts[0] + widths[0]..=starts[1] - 12.0, rect.top() + 4.0..=rect.top() + HEAD),
        desk,
    );
    let steps = Side::BOTH.map(|side| desk.side_state(side).map_or(0, |side_state| side_state.snapshot.step));
    for (index, (side, side_state, color)) in desk.side_states().enumerate() {
        let reached = Reached::of(side_state, desk.side_state(side.other()));
        // The one ahead waits until the other, which started anew, has caught up.
        let ahead = steps[side.index()].saturating_sub(steps[side.other().index()]) > 500;
        let waits = desk.in_step == InStep::Steps && desk.any_training() && ahead;
        let reached = if waits { Reached { rate: "waits".to_owned(), ..reached } } else { reached };
        let place =
            Rect::from_min_size(pos2(rect.left(), rect.top() + HEAD + row * index as f32), vec2(rect.width(), row));
        row_ui(ui, place, desk, (side, side_state, color), &reached, starts, widths[0], spark);
    }
}

/// What of the numbers of A and B does not compare, over the small lines of the loss.
fn compare_ui(ui: &mut Ui, place: Rect, desk: &Desk) {
    let [Some(a), Some(b)] = Side::BOTH.map(|side| desk.side_state(side)) else { return };
    let Some(Incomparable { words, reason }) = incomparable(&a.snapshot.experiment, &b.snapshot.experiment) else {
        return;
    };
    let own = desk.palette();
    let wrap = egui::text::TextWrapping::truncate_at_width(place.width());
    let format = egui::TextFormat::simple(text_font(SMALL), own.ink);
    let mut job = egui::text::LayoutJob { wrap, ..Default::default() };
    job.append(words, 0.0, format);
    let galley = ui.painter().layout_job(job);
    let at = pos2(place.left(), place.center().y - 0.5 * galley.size().y - 2.0);
    ui.painter().galley(at, galley, own.ink);
    let response = ui.interact(place, ui.make_persistent_id("what compares"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
    response.on_hover_text(reason);
}

#[expect(clippy::too_many_arguments, reason = "a row of a table, told where its columns are")]
fn row_ui(
    ui: &Ui,
    place: Rect,
    desk: &Desk,
    (side, side_state, color): (Side, &SideState, Color32),
    reached: &Reached,
    starts: [f32; 2],
    before_spark: f32,
    spark: f32,
) {
    let own: &Palette = palette(desk.light, side);
    let middle = place.center().y;
    let painter = ui.painter();
    painter.text(place.left_center(), Align2::LEFT_CENTER, side.letter(), strong_font(13.0), color);
    let mut spoken = vec![side.letter().to_owned()];
    for ((columns, start), ink) in COLUMNS.iter().zip(starts).zip([own.ink, measured_color(side_state, own)]) {
        let mut x = start;
        for (name, width, _, value) in *columns {
            painter.text(pos2(x, middle), Align2::LEFT_CENTER, value(reached), strong_font(13.0), ink);
            spoken.push(format!("{name} {}", value(reached)));
            x += width;
        }
    }
    let left = starts[0] + before_spark;
    let line = Rect::from_x_y_ranges(left..=left + spark, place.top() + 4.0..=place.bottom() - 4.0);
    plots::sparkline_ui(ui, line, side_state, own);
    let response = ui.interact(place, ui.make_persistent_id(("reached", side.letter())), Sense::hover());
    let response = match side_state.snapshot.quality.last() {
        Some(point) => response.on_hover_text(measured_text(point, desk.side_state(side.other()))),
        None => response,
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Row, true, spoken.join(", ")));
}

/// What a row's numbers rest on.
fn measured_text(point: &QualityPoint, other: Option<&SideState>) -> String {
    let shares = point.shares.map_or_else(String::new, |shares| format!("\n{}", shares_text(shares)));
    let other = other.and_then(|other| other.snapshot.quality.last()).unwrap_or(point);
    let levels = common_mean(&point.x0_errors, &other.x0_errors).map_or(0, |(_, levels)| levels);
    format!(
        "Samples and errors were measured at step {}, and are weak where that was long ago. Paused in the Training chapter, \
         they are those of the present weights\n\
         Sliced W₂ {}, floor {}\nSurprise {}; {}{shares}\nLeast possible loss {}, score error {}\n\
         x̂₀ error over {levels} of {} log SNRs",
        grouped(point.step as f64),
        pair(point.distance),
        pair(point.floor),
        pair(point.surprise),
        half_text(point.densest_half),
        pair(point.least_loss),
        pair(point.score_error),
        LOG_SNR_GRID.len(),
    )
}
