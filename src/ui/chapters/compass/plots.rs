//! How the next step's coefficients change along t.

use egui::{Align2, Color32, Rect, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use egui_plot::{Line, Plot, PlotPoints, Points, VLine};

use crate::desk::Desk;
use crate::plots::{axis_style, plot_over_time, round_marks, title};
use crate::theme::{Palette, text_font};
use crate::widgets::number::short;
use maths::diffusion::solver::Variance;

/// Points of a curve.
const POINTS: usize = 240;
/// What the logarithmic axis begins at, as log10.
const LOWEST: f64 = -4.0;
/// A change of a coefficient that counts as one.
const CHANGE: f64 = 2e-3;

/// How a curve goes, in the words of who reads it from t = T to 0, as a sampler goes.
fn course(values: &[f64]) -> &'static str {
    let mut turns: Vec<bool> = Vec::new();
    let mut extreme = values.first().copied().unwrap_or(0.0);
    for &value in values {
        let rises = value > extreme;
        let last = turns.last().copied();
        if last == Some(rises) {
            extreme = value;
        } else if (value - extreme).abs() > CHANGE {
            turns.push(rises);
            extreme = value;
        }
    }
    match turns[..] {
        [] => "stays",
        [true] => "rises",
        [false] => "falls",
        [true, false] => "rises, then falls",
        [false, true] => "falls, then rises",
        _ => "rises and falls",
    }
}

/// A curve over t/T.
struct Curve<'a> {
    name: &'static str,
    color: Color32,
    /// Drawn thin and not marked at the clock.
    thin: bool,
    value: Box<dyn Fn(f64) -> f64 + 'a>,
}

/// Two plots over t/T in the place of `ui`: the mean's coefficients, and the standard deviation of the next of `steps`
/// steps; `now` is marked. Of two experiments, each has its colour.
pub(super) fn show(ui: &mut Ui, desk: &Desk, now: f64, steps: u32, variance: Variance, log: bool) {
    let palette = desk.palette();
    let rect = ui.max_rect();
    let middle = rect.center().x;
    let split = desk.is_split();
    let (mut mean, mut spread) = (Vec::new(), Vec::new());
    for (_, side_state, own) in desk.side_states() {
        let experiment = &side_state.snapshot.experiment;
        let scales = move |tau: f64| experiment.schedule.scales(tau, experiment.timesteps);
        // The step from t/T.
        let step = move |tau: f64, variance: Variance| {
            let next = (tau - 1.0 / f64::from(steps.max(1))).max(0.0);
            variance.step(scales(tau), scales(next))
        };
        let color = |alone| if split { own } else { alone };
        let curve = |name, alone, thin, value| Curve {
            name,
            color: color(alone),
            thin: thin && split,
            value,
        };
        mean.push(curve(
            "A₂ = c₀, of x̂₀",
            palette.exact,
            false,
            Box::new(move |tau| step(tau, variance).x_0) as Box<_>,
        ));
        mean.push(curve(
            "A₁ = c_t, of x_t",
            palette.noise,
            true,
            Box::new(move |tau| step(tau, variance).x),
        ));
        for (name, kind, alone) in [
            ("forward step", Variance::Beta, palette.truth),
            ("posterior", Variance::BetaTilde, palette.learned),
        ] {
            spread.push(curve(
                name,
                alone,
                kind != variance,
                Box::new(move |tau| step(tau, kind).z) as Box<_>,
            ));
        }
    }
    let [titles, other] = if split {
        let spread = match variance {
            Variance::Beta => "σ of the next step: forward; thin: posterior",
            Variance::BetaTilde => "σ of the next step: posterior; thin: forward",
        };
        ["A₂ = c₀, of x̂₀; thin: A₁ = c_t, of x_t", spread]
    } else {
        [
            "μ = A₁ x_t + A₂ x̂₀, by t / T",
            "σ of the next step, by t / T",
        ]
    };
    let axis = if log { Axis::Log } else { Axis::One };
    curves_ui(ui, desk, rect.with_max_x(middle), titles, now, &mean, axis);
    curves_ui(
        ui,
        desk,
        rect.with_min_x(middle),
        other,
        now,
        &spread,
        Axis::Any,
    );
}

/// How a plot's values stand on its axis.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Axis {
    /// From 0 to 1, with room on all sides, so that the ends show.
    One,
    /// log10, from 10^[`LOWEST`] to 1.
    Log,
    /// From 0 to what there is.
    Any,
}

impl Axis {
    fn plot<'a>(self, name: &str, palette: &Palette) -> Plot<'a> {
        let plot = plot_over_time(name, palette)
            .include_x(-0.02)
            .include_x(1.02);
        match self {
            Self::Any => plot,
            Self::One => plot.include_y(1.0),
            Self::Log => plot
                .include_y(LOWEST)
                .y_grid_spacer(|input| round_marks(input.bounds, 4.0))
                .y_axis_formatter(|mark, _| {
                    if (LOWEST..=0.0).contains(&mark.value) {
                        short(10.0_f64.powf(mark.value))
                    } else {
                        String::new()
                    }
                }),
        }
    }

    fn value(self, value: f64) -> f64 {
        if self == Self::Log {
            value.max(0.1_f64.powf(-LOWEST)).log10()
        } else {
            value
        }
    }
}

fn curves_ui(
    ui: &mut Ui,
    desk: &Desk,
    rect: Rect,
    name: &str,
    now: f64,
    curves: &[Curve<'_>],
    axis: Axis,
) {
    let palette = desk.palette();
    title(ui, rect, name, palette);
    let direction = ui.painter().text(
        rect.right_top() + vec2(-16.0, 8.0),
        Align2::RIGHT_TOP,
        "← a sampler goes this way",
        text_font(11.0),
        palette.weak,
    );
    let least = 1.0 / f64::from(desk.here.snapshot.experiment.timesteps.max(1));
    // Denser near the data, where most happens.
    let at = |i: usize| least + (1.0 - least) * (i as f64 / (POINTS - 1) as f64).powi(2);
    let lines: Vec<Vec<[f64; 2]>> = curves
        .iter()
        .map(|curve| {
            (0..POINTS)
                .map(at)
                .map(|tau| [tau, (curve.value)(tau)])
                .filter(|p| p[1].is_finite())
                .collect()
        })
        .collect();
    let mut beneath = direction.bottom();
    if !desk.is_split() {
        let mut left = rect.left() + 14.0;
        for (Curve { name, color, .. }, line) in curves.iter().zip(&lines) {
            let backwards: Vec<f64> = line.iter().rev().map(|p| p[1]).collect();
            let said = format!("{name}: {}", course(&backwards));
            let text = ui.painter().text(
                pos2(left, beneath + 3.0),
                Align2::LEFT_TOP,
                &said,
                text_font(11.0),
                *color,
            );
            let response = ui.interact(text, ui.make_persistent_id(&said), egui::Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &said));
            left = text.right() + 14.0;
        }
        beneath += 16.0;
    }
    let inner = Rect::from_min_max(
        pos2(rect.left() + 8.0, beneath + 2.0),
        rect.max - vec2(14.0, 4.0),
    );
    ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
        axis_style(ui, palette);
        axis.plot(name, palette).show(ui, |plot| {
            plot.vline(VLine::new("now", now).color(palette.ink).width(1.0));
            for (curve, line) in curves.iter().zip(lines) {
                let Curve {
                    name,
                    color,
                    thin,
                    value,
                } = curve;
                let width = if *thin { 1.0 } else { 2.0 };
                let points: Vec<_> = line
                    .into_iter()
                    .map(|[tau, value]| [tau, axis.value(value)])
                    .collect();
                plot.line(
                    Line::new(*name, PlotPoints::from(points))
                        .color(*color)
                        .width(width),
                );
                let here = axis.value(value(now));
                if here.is_finite() && !thin {
                    plot.points(
                        Points::new(*name, vec![[now, here]])
                            .radius(3.5)
                            .color(*color),
                    );
                }
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_is_said_in_the_words_of_who_follows_it() {
        for (values, words) in [
            (&[0.5, 0.5001, 0.4999][..], "stays"),
            (&[0.0, 0.3, 0.9, 1.0], "rises"),
            (&[1.0, 0.9993, 0.9986, 0.998, 0.9974, 0.996], "falls"),
            (&[0.2, 0.9, 0.95, 0.1, 0.0], "rises, then falls"),
            (&[0.9, 0.2, 0.1999, 0.5], "falls, then rises"),
            (&[0.0, 1.0, 0.0, 1.0], "rises and falls"),
            (&[], "stays"),
        ] {
            assert_eq!(course(values), words, "{values:?}");
        }
    }
}
