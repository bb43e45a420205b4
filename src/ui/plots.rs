//! The loss: its curve over the steps, and its bars over the timesteps.

pub mod accuracy;
pub mod contest;
mod sparkline;
pub mod weights;

pub use sparkline::sparkline_ui;

use egui::{Align2, Color32, Rect, Stroke, TextStyle, Ui, UiBuilder, vec2};
use egui_plot::{Bar, BarChart, GridMark, HLine, Line, LineStyle, Plot, PlotPoints, Points, VLine};

use crate::desk::Desk;
use crate::desk::side_state::SideState;
use crate::theme::{Palette, text_font, time_color};
use crate::widgets::maths;
use crate::widgets::number::{grouped, short};
use crate::widgets::text::ellipsis;
use engine::LOSS_BINS;
use lab::message::{LossCurve, Side, TrainingMark};

/// Most points of a line that is drawn.
const DRAWN: usize = 260;
/// Room for the values at a plot's left edge, and between two numbers beneath it, in points.
const VALUES: f32 = 48.0;
const BETWEEN: f32 = 14.0;

/// Every k-th point, so that at most [`DRAWN`] are left, and the last; losses as log10.
fn thinned(points: &[(u64, f32)]) -> Vec<[f64; 2]> {
    let stride = points.len().div_ceil(DRAWN).max(1);
    let last = points.len().saturating_sub(1);
    points
        .iter()
        .enumerate()
        .filter(|(index, (_, loss))| {
            (index % stride == 0 || *index == last) && loss.is_finite() && *loss > 0.0
        })
        .map(|(_, &(step, loss))| [step as f64, f64::from(loss).log10()])
        .collect()
}

/// Most powers of ten that are marked on an axis.
const MOST_DECADES: f64 = 5.0;

/// Marks of a logarithmic axis at 1, 2 and 5 times the powers of ten; where many decades show, at the powers alone.
pub(super) fn log_marks(bounds: (f64, f64)) -> Vec<GridMark> {
    let decades = bounds.1 - bounds.0;
    let multiples: &[f64] = if decades > 2.5 {
        &[1.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    // A handful of marks, however many decades an exploded sample makes of it.
    let every = (decades / MOST_DECADES).ceil().max(1.0) as i32;
    (bounds.0.floor() as i32..=bounds.1.ceil() as i32)
        .filter(|power| power.rem_euclid(every) == 0)
        .flat_map(|power| multiples.iter().map(move |m| f64::from(power) + m.log10()))
        .filter(|value| (bounds.0..=bounds.1).contains(value))
        .map(|value| GridMark {
            value,
            step_size: bounds.1 - bounds.0,
        })
        .collect()
}

pub(super) fn title(ui: &Ui, rect: Rect, text: &str, palette: &Palette) {
    let mut job = maths::job(ui.painter(), text, &text_font(11.0), palette.weak);
    job.wrap = egui::text::TextWrapping::truncate_at_width(rect.width() - 20.0);
    let galley = ui.painter().layout_job(job);
    ui.painter()
        .galley(rect.left_top() + vec2(14.0, 8.0), galley, palette.weak);
}

/// Round marks of an axis, about `wanted` of them: at multiples of 1, 2 or 5 times a power of ten.
pub(super) fn round_marks((low, high): (f64, f64), wanted: f64) -> Vec<GridMark> {
    let rough = ((high - low) / wanted).max(f64::MIN_POSITIVE);
    let power = 10.0_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|&s| s >= rough)
        .unwrap_or(rough);
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last)
        .map(|k| GridMark {
            value: k as f64 * step,
            step_size: high - low,
        })
        .collect()
}

/// Axis numbers are small and step back behind the curves.
pub(super) fn axis_style(ui: &mut Ui, palette: &Palette) {
    ui.style_mut()
        .text_styles
        .insert(TextStyle::Body, text_font(11.0));
    ui.visuals_mut().override_text_color = Some(palette.weak);
}

pub(super) fn plot<'a>(name: &str, palette: &Palette) -> Plot<'a> {
    Plot::new(name.to_owned())
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .show_background(false)
        .grid_color(palette.line)
        .set_margin_fraction(vec2(0.0, 0.06))
        .y_axis_min_width(40.0)
        .grid_fade(0.0)
}

/// A plot of what is never negative against t/T, from 0 to 1.
pub(super) fn plot_over_time<'a>(name: &str, palette: &Palette) -> Plot<'a> {
    plot(name, palette)
        .include_x(0.0)
        .include_x(1.0)
        .include_y(0.0)
        .x_grid_spacer(|input| round_marks(input.bounds, 5.0))
        .y_grid_spacer(|input| round_marks(input.bounds, 4.0))
        .y_axis_formatter(|mark, _| {
            if mark.value < 0.0 {
                String::new()
            } else {
                short(mark.value)
            }
        })
        .x_axis_formatter(|mark, _| format!("{:.1}", mark.value))
        .label_formatter(|_| None)
}

fn nothing_yet(ui: &Ui, inner: Rect, text: &str, palette: &Palette) {
    ui.painter().text(
        inner.center(),
        Align2::CENTER_CENTER,
        text,
        text_font(13.0),
        palette.faint,
    );
}

/// How many marks fit beneath a plot of this width in points whose largest number is `last`, so that their texts stand
/// apart; at most 5.
fn marks_that_fit(ui: &Ui, width: f32, last: u64) -> f64 {
    let text =
        ui.painter()
            .layout_no_wrap(grouped(last as f64), text_font(11.0), Color32::PLACEHOLDER);
    f64::from((width - VALUES) / (text.size().x + BETWEEN)).clamp(1.0, 5.0)
}

/// A plot against the number of updates, its values as log10.
fn over_steps<'a>(
    ui: &Ui,
    name: &str,
    last: u64,
    what: &'static str,
    palette: &Palette,
) -> Plot<'a> {
    let wanted = marks_that_fit(ui, ui.available_width(), last);
    plot(name, palette)
        .include_x(0.0)
        .include_x(last.max(10) as f64)
        .x_grid_spacer(move |input| round_marks(input.bounds, wanted))
        .y_grid_spacer(|input| log_marks(input.bounds))
        .y_axis_formatter(|mark, _| short(10.0_f64.powf(mark.value)))
        .x_axis_formatter(|mark, _| {
            if mark.value < 0.0 {
                String::new()
            } else {
                grouped(mark.value)
            }
        })
        .label_formatter(move |hover| match hover {
            egui_plot::HoverPosition::NearDataPoint { position, .. } => Some(format!(
                "step {}\n{what} {}",
                grouped(position.x),
                short(10.0_f64.powf(position.y))
            )),
            egui_plot::HoverPosition::Elsewhere { .. } => None,
        })
}

/// The sides whose losses stand on one plot: both, or where they do not compare the one whose settings are on show.
fn comparable(desk: &Desk) -> impl Iterator<Item = (Side, &SideState, Color32)> {
    let alone = desk.incomparable().map(|_| desk.side());
    desk.side_states()
        .filter(move |(side, ..)| alone.is_none_or(|alone| alone == *side))
}

/// What follows on a title over losses of two experiments that do not compare.
fn whose(desk: &Desk) -> String {
    if desk.incomparable().is_some() {
        let side = desk.side();
        let [own, other] = [side, side.other()].map(Side::letter);
        format!(" of {own}; that of {other} is of something else")
    } else {
        String::new()
    }
}

/// Where settings were changed while it trained: a dashed line each, with what holds from there on where there is room for words. They
/// hang from `top`, the largest value of the curves: what is written counts into what an axis shows.
fn marks_ui(
    plot: &mut egui_plot::PlotUi<'_>,
    marks: &[TrainingMark],
    (last, top): (u64, f64),
    color: Color32,
) {
    /// Share of the width that words need.
    const WORDS: f64 = 0.2;
    let mut free_from = f64::NEG_INFINITY;
    for TrainingMark { step, words } in marks {
        let step = *step as f64;
        let line = VLine::new(format!("changed to {words}"), step);
        plot.vline(
            line.color(color.gamma_multiply(0.6))
                .width(1.0)
                .style(LineStyle::dashed_dense()),
        );
        let share = step / last.max(10) as f64;
        if share < free_from || !top.is_finite() {
            continue;
        }
        let (align, end) = if share > 1.0 - WORDS {
            (Align2::RIGHT_TOP, share)
        } else {
            (Align2::LEFT_TOP, share + WORDS)
        };
        free_from = end;
        let words = egui::RichText::new(format!(" {} ", ellipsis(words, 18)))
            .font(text_font(11.0))
            .color(color);
        plot.text(
            egui_plot::Text::new("what was changed", [step, top].into(), words).anchor(align),
        );
    }
}

/// The loss over the steps, each experiment's in its colour: raw thin, smoothed thick, on a logarithmic axis.
pub fn loss_ui(ui: &mut Ui, rect: Rect, desk: &Desk) {
    let palette = desk.palette();
    title(ui, rect, &format!("Loss{}", whose(desk)), palette);
    let inner = Rect::from_min_max(rect.min + vec2(8.0, 24.0), rect.max - vec2(10.0, 4.0));
    let curves: Vec<_> = comparable(desk)
        .map(|(side, side_state, color)| (side, &*side_state.snapshot.curve, color))
        .collect();
    let Some(last) = curves
        .iter()
        .filter_map(|(_, curve, _)| Some(curve.raw.last()?.0))
        .max()
    else {
        return nothing_yet(ui, inner, "no step yet", palette);
    };
    ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
        axis_style(ui, palette);
        over_steps(ui, "Loss curve", last, "loss", palette).show(ui, |plot| {
            let mut top = f64::NEG_INFINITY;
            for (side, LossCurve { raw, .. }, color) in &curves {
                let points = thinned(raw);
                top = points.iter().fold(top, |top, [_, value]| top.max(*value));
                let line = Line::new(format!("raw {}", side.letter()), PlotPoints::from(points));
                plot.line(line.color(color.gamma_multiply(0.35)).width(1.0));
            }
            for (_, side_state, color) in comparable(desk) {
                marks_ui(plot, &side_state.snapshot.marks, (last, top), color);
            }
            for (side, LossCurve { smooth, .. }, color) in &curves {
                let line = Line::new(
                    format!("smoothed {}", side.letter()),
                    PlotPoints::from(thinned(smooth)),
                );
                plot.line(line.color(*color).width(2.0));
            }
        });
    });
}

/// How far the samples are from the data over the steps, each experiment's in its colour, above the sampling floor.
pub fn quality_ui(ui: &mut Ui, rect: Rect, desk: &Desk) {
    let palette = desk.palette();
    title(ui, rect, "Sliced W₂ of the samples; thin: floor", palette);
    let inner = Rect::from_min_max(rect.min + vec2(8.0, 24.0), rect.max - vec2(18.0, 4.0));
    let curves: Vec<_> = desk
        .side_states()
        .map(|(side, side_state, color)| (side, &*side_state.snapshot.quality, color))
        .collect();
    let Some(last) = curves
        .iter()
        .filter_map(|(_, curve, _)| Some(curve.last()?.step))
        .max()
    else {
        return nothing_yet(ui, inner, "not measured yet", palette);
    };
    ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
        axis_style(ui, palette);
        over_steps(ui, "Quality of the samples", last, "W₂", palette).show(ui, |plot| {
            let log = |value: f64| value.max(1e-6).log10();
            for (side, curve, color) in &curves {
                let Some(point) = curve.last() else { continue };
                let floor = HLine::new(format!("floor {}", side.letter()), log(point.floor.value));
                let color = if curves.len() > 1 {
                    *color
                } else {
                    palette.exact
                };
                plot.hline(floor.color(color.gamma_multiply(0.7)).width(1.0));
            }
            for (side, curve, color) in &curves {
                let stride = curve.len().div_ceil(DRAWN).max(1);
                let points: Vec<_> = curve
                    .iter()
                    .rev()
                    .step_by(stride)
                    .map(|point| [point.step as f64, log(point.distance.value)])
                    .collect();
                if let [only] = points[..] {
                    let dot = Points::new(format!("quality {}", side.letter()), vec![only]);
                    plot.points(dot.color(*color).radius(3.0));
                } else {
                    let line = Line::new(
                        format!("quality {}", side.letter()),
                        PlotPoints::from(points),
                    );
                    plot.line(line.color(*color).width(2.0));
                }
            }
        });
    });
}

/// The loss by timestep over the recent past, with the clock marked: of one experiment as bars coloured by time, of two
/// as steps in their colours.
pub fn timestep_loss_ui(ui: &mut Ui, rect: Rect, desk: &Desk) {
    let palette = desk.palette();
    title(ui, rect, &format!("Loss by t / T{}", whose(desk)), palette);
    let inner = Rect::from_min_max(rect.min + vec2(8.0, 24.0), rect.max - vec2(14.0, 4.0));
    let all: Vec<_> = comparable(desk)
        .map(|(side, side_state, color)| (side, &side_state.snapshot.timestep_loss, color))
        .collect();
    if all
        .iter()
        .all(|(_, losses, _)| losses.iter().all(|loss| !loss.is_finite()))
    {
        // A model that was opened brings its losses, but not those by timestep; other settings begin anew.
        let begun = desk
            .side_states()
            .any(|(_, side_state, _)| side_state.snapshot.step > 0);
        let text = if begun {
            "no step under these settings yet"
        } else {
            "no step yet"
        };
        return nothing_yet(ui, inner, text, palette);
    }
    let width = 1.0 / LOSS_BINS as f64;
    ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
        axis_style(ui, palette);
        plot_over_time("Loss by timestep", palette).show(ui, |plot| {
            let known = |losses: &[f32; LOSS_BINS]| {
                let known = losses
                    .iter()
                    .enumerate()
                    .filter(|(_, loss)| loss.is_finite());
                known
                    .map(|(bin, &loss)| (bin as f64 * width, f64::from(loss)))
                    .collect::<Vec<_>>()
            };
            if let [(_, losses, _)] = all[..] {
                let bars = known(losses).into_iter().map(|(left, loss)| {
                    let middle = left + 0.5 * width;
                    let color = time_color(middle as f32);
                    Bar::new(middle, loss)
                        .width(0.86 * width)
                        .fill(color)
                        .stroke(Stroke::NONE)
                });
                plot.bar_chart(
                    BarChart::new("loss by timestep", bars.collect()).allow_hover(false),
                );
            } else {
                for (side, losses, color) in &all {
                    let steps = known(losses)
                        .into_iter()
                        .flat_map(|(left, loss)| [[left, loss], [left + width, loss]]);
                    let line = Line::new(
                        format!("by timestep {}", side.letter()),
                        steps.collect::<Vec<_>>(),
                    );
                    plot.line(line.color(*color).width(1.8).allow_hover(false));
                }
            }
            plot.vline(
                VLine::new("clock", desk.here.clock.tau)
                    .color(palette.ink)
                    .width(1.0),
            );
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_axis_has_a_handful_of_marks_however_far_it_goes() {
        for decades in [1.0, 3.0, 6.0, 12.0, 25.0, 60.0] {
            let marks = log_marks((-2.0, decades - 2.0));
            assert!(
                (2..=7).contains(&marks.len()),
                "{} marks on {decades} decades",
                marks.len()
            );
        }
    }

    #[test]
    fn a_long_curve_is_thinned_and_keeps_its_ends() {
        let points: Vec<_> = (1..=10_000).map(|step| (step, 1.0 / step as f32)).collect();
        let line = thinned(&points);
        assert!(line.len() <= DRAWN + 1);
        assert_eq!(line[0], [1.0, 0.0]);
        assert!((line[line.len() - 1][1] + 4.0).abs() < 1e-6);
        assert!(thinned(&[(1, f32::NAN), (2, 0.0)]).is_empty());
    }

    #[test]
    fn numbers_beneath_a_plot_stand_apart_however_large_they_are() {
        let ctx = egui::Context::default();
        crate::theme::install(&ctx);
        // New fonts hold from the second frame on.
        for frame in 0..2 {
            let output = ctx.run_ui(egui::RawInput::default(), |ui| {
                for last in [10, 400, 4_999, 30_000, 99_999, 1_500_000, 80_000_000] {
                    for width in [150.0, 200.0, 290.0, 600.0] {
                        let marks =
                            round_marks((0.0, last as f64), marks_that_fit(ui, width, last));
                        let place =
                            |mark: &GridMark| (width - VALUES) * (mark.value / last as f64) as f32;
                        let size = |mark: &GridMark| {
                            let text = grouped(mark.value);
                            ui.painter()
                                .layout_no_wrap(text, text_font(11.0), Color32::WHITE)
                                .size()
                                .x
                        };
                        for pair in marks.windows(2).filter(|_| frame > 0) {
                            let room = place(&pair[1])
                                - place(&pair[0])
                                - 0.5 * (size(&pair[0]) + size(&pair[1]));
                            assert!(room >= 6.0, "{last} at {width}: {room}");
                        }
                    }
                }
            });
            output.drop_without_applying_deltas();
        }
    }

    #[test]
    fn logarithmic_marks_are_round_numbers() {
        let values: Vec<_> = log_marks((-1.05, 0.1))
            .iter()
            .map(|m| 10.0_f64.powf(m.value))
            .collect();
        let expected = [0.1, 0.2, 0.5, 1.0];
        assert_eq!(values.len(), expected.len());
        for (value, expected) in values.iter().zip(expected) {
            assert!((value / expected - 1.0).abs() < 1e-9);
        }
    }
}
