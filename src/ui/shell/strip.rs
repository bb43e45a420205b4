//! The training strip at the lower edge: play, one step, reset, and what each experiment has reached.

use egui::{Align, Align2, Color32, Layout, Rangef, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::desk::Desk;
use crate::desk::side_state::SideState;
use crate::plots;
use crate::theme::{Palette, SMALL, palette, strong_font, text_font};
use crate::widgets::icon::Icon;
use crate::widgets::number::{duration, fixed, grouped, short};
use crate::widgets::row::row_in;
use crate::widgets::tip::Tip as _;
use crate::widgets::{button, readout};
use lab::difference::Incomparable;
use lab::message::{Command, InStep, QualityPoint, Side};
use lab::reached::{Column, Reached, Shown, Value, columns};
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
    row_in(
        ui,
        inner,
        Layout::left_to_right(Align::Center),
        "training",
        |ui| {
            ui.spacing_mut().item_spacing.x = 10.0;
            buttons_ui(ui, desk);
            left = ui.min_rect().right() + 16.0;
        },
    );
    let rest = inner.with_min_x(left);
    if desk.is_split() {
        table_ui(ui, rest, desk);
    } else {
        row_in(
            ui,
            rest,
            Layout::left_to_right(Align::Center),
            "numbers",
            |ui| numbers_ui(ui, desk),
        );
    }
}

fn buttons_ui(ui: &mut Ui, desk: &Desk) {
    let palette = desk.palette();
    let (icon, name) = if desk.any_training() {
        (Icon::Pause, "Pause training")
    } else {
        (Icon::Play, "Train")
    };
    if button::round_main(
        ui,
        icon,
        name,
        "Train, or pause (space bar in the Training chapter)",
        palette,
    )
    .clicked()
    {
        desk.toggle_training();
    }
    if button::round(ui, Icon::Step, "One step", "One training step", palette).clicked() {
        desk.order(Command::StepOnce);
    }
    let tip = "Start anew from the seed (R in the Training chapter)";
    if button::round(ui, Icon::Reset, "Reset training", tip, palette).clicked() {
        desk.order(Command::Reset);
    }
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
    if error < 10.0 {
        fixed(error, 4)
    } else {
        short(error)
    }
}

/// The colour of what was measured: weak where more than a tenth of the updates came after it.
fn measured_color(side_state: &SideState, palette: &Palette) -> Color32 {
    let snapshot = &side_state.snapshot;
    let old = snapshot
        .quality
        .last()
        .is_some_and(|point| snapshot.step as f64 > 1.1 * point.step as f64);
    if old { palette.weak } else { palette.ink }
}

/// A number with its error where both fit.
fn with_error(Estimate { value, error }: Estimate) -> String {
    if value.abs() < 10.0 {
        format!("{} ±{}", fixed(value, 2), fixed(error, 2))
    } else {
        short(value)
    }
}

/// A number as a column shows it.
fn text(value: Value) -> String {
    let known = match value {
        Value::Count(count) => Some(grouped(count as f64)),
        Value::Rate(rate) => Some(rate_text(rate)),
        Value::Seconds(secs) => Some(duration(secs)),
        Value::Loss(loss) => loss.map(|loss| fixed(f64::from(loss), 4)),
        Value::Plain(number) => number.map(short),
        // Without the clip samples can lie anywhere.
        Value::Distance(distance) => distance.map(|Estimate { value, .. }| {
            if value < 1000.0 {
                fixed(value, 3)
            } else {
                format!("{value:.1e}")
            }
        }),
        Value::Signed(number) => number.map(with_error),
        Value::Share(share) => share.map(|share| format!("{} %", fixed(100.0 * share.value, 0))),
        Value::MeanSquare(error) => error.map(|error| error_text(error.value)),
        Value::ChiSquare(shares) => shares.map(|shares| short(shares.reduced())),
        Value::OverLevels(error) => error.map(|(mean, _)| error_text(mean)),
    };
    known.unwrap_or_else(|| "–".to_owned())
}

/// What a measured number is exactly.
fn exactly(value: Value, point: &QualityPoint) -> Option<String> {
    match value {
        Value::Signed(surprise) => Some(format!(
            "Here {}; {}",
            pair(surprise?),
            half_text(point.densest_half)
        )),
        Value::ChiSquare(shares) => shares.map(shares_text),
        other => other
            .estimate()
            .map(|estimate| format!("Here {}", pair(estimate))),
    }
}

/// How wide the columns are: for one experiment, and for two.
const WIDTHS: [(&str, f32, f32); 11] = [
    ("step", 74.0, 82.0),
    ("steps/s", 58.0, 66.0),
    ("samples/s", 70.0, 78.0),
    ("time", 58.0, 66.0),
    ("loss", 66.0, 70.0),
    ("sliced W₂", 62.0, 70.0),
    ("floor", 50.0, 56.0),
    ("surprise", 84.0, 90.0),
    ("shares χ²/dof", 84.0, 88.0),
    ("score error", 72.0, 78.0),
    ("x̂₀ error", 66.0, 66.0),
];
/// Width of any other column.
const WIDTH: f32 = 78.0;
/// Between two columns of one experiment.
const GAP: f32 = 10.0;

fn width(column: &Column, of: Shown) -> f32 {
    let known = WIDTHS.iter().find(|(head, ..)| *head == column.head);
    known.map_or(WIDTH, |(_, alone, beside)| {
        if of == Shown::Compared {
            *beside
        } else {
            *alone
        }
    })
}

/// The columns left of the small line of the loss, which are of now, and right of it, which were measured.
fn parted(of: Shown, reached: &Reached<'_>) -> [Vec<(Column, Value)>; 2] {
    let columns = columns(of)
        .into_iter()
        .map(|(column, read)| (column, read(reached)));
    let (measured, now) = columns.partition(|(_, value)| value.is_measured());
    [now, measured]
}

/// One experiment: numbers in cells, the loss as a small line.
fn numbers_ui(ui: &mut Ui, desk: &Desk) {
    let palette = desk.palette();
    ui.spacing_mut().item_spacing.x = GAP;
    let snapshot = &desk.here.snapshot;
    let quality = snapshot.quality.last();
    let [now, measured] = parted(Shown::Alone, &Reached::of(snapshot, None));
    for (column, value) in now {
        let known = snapshot.experiment.has_least_loss();
        let least = quality.filter(|_| known && matches!(value, Value::Loss(_)));
        let least = least.map_or_else(String::new, |q| {
            format!(". Least possible: {}", fixed(q.least_loss.value, 4))
        });
        let tip = format!("{}{least}", column.tip);
        readout::stacked(
            ui,
            width(&column, Shown::Alone),
            column.head,
            &text(value),
            &tip,
            palette,
        );
    }
    let room: f32 = measured
        .iter()
        .map(|(column, _)| GAP + width(column, Shown::Alone))
        .sum();
    let (spark, _) = ui.allocate_exact_size(
        vec2((ui.available_width() - room).max(20.0), 44.0),
        Sense::hover(),
    );
    plots::sparkline_ui(ui, spark, &desk.here, palette);
    let step = grouped(snapshot.step as f64);
    let color = measured_color(&desk.here, palette);
    for (column, value) in measured {
        let exactly = quality.and_then(|point| {
            Some(format!(
                ".\nAt step {} of {step}. {}",
                grouped(point.step as f64),
                exactly(value, point)?
            ))
        });
        let tip = format!("{}{}", column.tip, exactly.unwrap_or_default());
        readout::stacked_each(
            ui,
            width(&column, Shown::Alone),
            column.head,
            &[(text(value), color)],
            &tip,
            palette,
        );
    }
}

/// A number and its error.
fn pair(Estimate { value, error }: Estimate) -> String {
    format!("{} ± {}", short(value), short(error))
}

fn half_text(Estimate { value, error }: Estimate) -> String {
    let (value, error) = (fixed(100.0 * value, 0), fixed(100.0 * error, 0));
    format!(
        "{value} ± {error} % of the samples lie where the densest half of the data do (more: too thin)"
    )
}

fn shares_text(shares: ChiSquare) -> String {
    format!(
        "Here χ² is {} of {}, p {}",
        short(shares.value),
        shares.degrees,
        short(shares.p)
    )
}

/// What A and B have reached, a row each.
fn table_ui(ui: &mut Ui, rect: Rect, desk: &Desk) {
    const LETTER: f32 = 26.0;
    const HEAD: f32 = 24.0;
    let own = desk.palette();
    let row = 0.5 * (rect.height() - HEAD - 6.0);
    let parts = parted(Shown::Compared, &Reached::of(&desk.here.snapshot, None));
    let widths = parts.each_ref().map(|part| {
        part.iter()
            .map(|(column, _)| width(column, Shown::Compared))
            .sum::<f32>()
    });
    let spark = (rect.width() - LETTER - widths[0] - widths[1] - 24.0).max(20.0);
    let starts = [
        rect.left() + LETTER,
        rect.left() + LETTER + widths[0] + spark + 24.0,
    ];
    for (part, start) in parts.iter().zip(starts) {
        let mut x = start;
        for (column, _) in part {
            let width = width(column, Shown::Compared);
            let cell = Rect::from_min_size(pos2(x, rect.top() + 4.0), vec2(width, HEAD - 4.0));
            let response = ui.interact(
                cell,
                ui.make_persistent_id(("head", column.head)),
                Sense::hover(),
            );
            ui.painter().text(
                cell.left_center(),
                Align2::LEFT_CENTER,
                column.head,
                text_font(SMALL),
                own.faint,
            );
            response.tip(column.tip);
            x += width;
        }
    }
    let line = starts[0] + widths[0]..=starts[1] - 12.0;
    compare_ui(
        ui,
        Rect::from_x_y_ranges(line.clone(), rect.top() + 4.0..=rect.top() + HEAD),
        desk,
    );
    let line = *line.start()..=line.start() + spark;
    for (index, (side, _, _)) in desk.side_states().enumerate() {
        let top = rect.top() + HEAD + row * index as f32;
        let place = Rect::from_min_size(pos2(rect.left(), top), vec2(rect.width(), row));
        row_ui(ui, place, desk, side, starts, line.clone().into());
    }
}

/// What of the numbers of A and B does not compare, over the small lines of the loss.
fn compare_ui(ui: &mut Ui, place: Rect, desk: &Desk) {
    let Some(Incomparable { words, reason }) = desk.incomparable() else {
        return;
    };
    let own = desk.palette();
    let wrap = egui::text::TextWrapping::truncate_at_width(place.width());
    let format = egui::TextFormat::simple(text_font(SMALL), own.ink);
    let mut job = egui::text::LayoutJob {
        wrap,
        ..Default::default()
    };
    job.append(words, 0.0, format);
    let galley = ui.painter().layout_job(job);
    let at = pos2(place.left(), place.center().y - 0.5 * galley.size().y - 2.0);
    ui.painter().galley(at, galley, own.ink);
    let response = ui.interact(
        place,
        ui.make_persistent_id("what compares"),
        Sense::hover(),
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
    response.tip(reason);
}

/// The row of one side: its columns begin at `starts`, its small line lies at `line`.
fn row_ui(ui: &Ui, place: Rect, desk: &Desk, side: Side, starts: [f32; 2], line: Rangef) {
    let Some(here) = desk.side_state(side) else {
        return;
    };
    let other = desk.side_state(side.other()).map(|other| &other.snapshot);
    let own: &Palette = palette(desk.light, side);
    // The one ahead waits until the other, which started anew, has caught up.
    let ahead = here
        .snapshot
        .step
        .saturating_sub(other.map_or(0, |other| other.step))
        > 500;
    let unlike = desk.incomparable().is_some();
    let waits = desk.in_step == InStep::Steps && desk.any_training() && ahead;
    let middle = place.center().y;
    let painter = ui.painter();
    painter.text(
        place.left_center(),
        Align2::LEFT_CENTER,
        side.letter(),
        strong_font(13.0),
        own.learned,
    );
    let mut spoken = vec![side.letter().to_owned()];
    let parts = parted(
        Shown::Compared,
        &Reached::of(&here.snapshot, other.map(|other| &**other)),
    );
    for ((part, start), ink) in parts
        .iter()
        .zip(starts)
        .zip([own.ink, measured_color(here, own)])
    {
        let mut x = start;
        for (column, value) in part {
            let text = if waits && matches!(value, Value::Rate(_)) {
                "waits".to_owned()
            } else if unlike && matches!(value, Value::Loss(_)) {
                // Side by side they would be held against each other.
                "–".to_owned()
            } else {
                text(*value)
            };
            painter.text(
                pos2(x, middle),
                Align2::LEFT_CENTER,
                &text,
                strong_font(13.0),
                ink,
            );
            spoken.push(format!("{} {text}", column.head));
            x += width(column, Shown::Compared);
        }
    }
    plots::sparkline_ui(
        ui,
        Rect::from_x_y_ranges(line, place.top() + 4.0..=place.bottom() - 4.0),
        here,
        own,
    );
    let response = ui.interact(
        place,
        ui.make_persistent_id(("reached", side.letter())),
        Sense::hover(),
    );
    let response = match here.snapshot.quality.last() {
        Some(point) => response.tip(measured_text(point, desk.side_state(side.other()))),
        None => response,
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Row, true, spoken.join(", ")));
}

/// What a row's numbers rest on.
fn measured_text(point: &QualityPoint, other: Option<&SideState>) -> String {
    let shares = point
        .shares
        .map_or_else(String::new, |shares| format!("\n{}", shares_text(shares)));
    let other = other
        .and_then(|other| other.snapshot.quality.last())
        .unwrap_or(point);
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
