//! Curves against the guidance weight.

use egui::{Color32, Rect, Ui, UiBuilder, vec2};
use egui_plot::{Line, LineStyle, PlotPoints, Points, VLine};

use super::{axis_style, log_marks, nothing_yet, plot, round_marks, title};
use crate::theme::Palette;
use crate::widgets::number::{fixed, short};

/// A curve.
pub struct OverWeights {
    /// What it is of.
    pub name: String,
    /// Its colour.
    pub color: Color32,
    /// Drawn dashed.
    pub dashed: bool,
    /// Weight and value, ascending.
    pub points: Vec<[f64; 2]>,
}

/// How a chart goes upwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upwards {
    /// From 0 to 1.
    Share,
    /// As far as the weights from 1 on go: what lies below leads away from the class, and is far off.
    FromOneOn,
    /// By its logarithm, of what is above 0.
    Logarithm,
}

/// A chart.
pub struct Chart<'a> {
    /// Name for screen readers.
    pub name: &'a str,
    /// What stands above it.
    pub title: &'a str,
    /// How it goes upwards.
    pub upwards: Upwards,
    /// Its curves.
    pub curves: Vec<OverWeights>,
}

/// Draw the curves into a place of the window; `at` are the weights on show, each in its colour.
pub fn weights_ui(
    ui: &mut Ui,
    rect: Rect,
    chart: &Chart<'_>,
    at: &[(f64, Color32)],
    palette: &Palette,
) {
    let Chart {
        name,
        title: heading,
        upwards,
        curves,
    } = chart;
    title(ui, rect, heading, palette);
    let inner = Rect::from_min_max(rect.min + vec2(8.0, 24.0), rect.max - vec2(10.0, 4.0));
    if curves.iter().all(|curve| curve.points.is_empty()) {
        return nothing_yet(ui, inner, "nothing measured yet", palette);
    }
    let logarithm = *upwards == Upwards::Logarithm;
    let value_of = move |height: f64| {
        if logarithm {
            10.0_f64.powf(height)
        } else {
            height
        }
    };
    let height = |value: f64| {
        if logarithm {
            value.max(f64::MIN_POSITIVE).log10()
        } else {
            value
        }
    };
    let least = if *upwards == Upwards::FromOneOn {
        1.0
    } else {
        f64::NEG_INFINITY
    };
    let seen = curves.iter().flat_map(|curve| &curve.points);
    let seen = seen.filter(|[weight, value]| *weight >= least && value.is_finite());
    let (low, high) = seen
        .map(|[_, value]| height(*value))
        .fold((0.0_f64, 0.0_f64), |(low, high), h| {
            (low.min(h), high.max(h))
        });
    let (low, high) = match upwards {
        Upwards::Share => (0.0, 1.0),
        Upwards::FromOneOn => (low, high.max(low + 0.2)),
        Upwards::Logarithm => (low, high.max(low + 0.3)),
    };
    let air = 0.08 * (high - low);
    ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
        axis_style(ui, palette);
        let plot = plot(name, palette)
            .x_grid_spacer(|input| round_marks(input.bounds, 6.0))
            .y_grid_spacer(move |input| {
                if logarithm {
                    log_marks(input.bounds)
                } else {
                    round_marks(input.bounds, 4.0)
                }
            })
            .x_axis_formatter(|mark, _| fixed(mark.value, 0))
            .y_axis_formatter(move |mark, _| short(value_of(mark.value)))
            .label_formatter(move |hover| match hover {
                egui_plot::HoverPosition::NearDataPoint {
                    plot_name,
                    position,
                    ..
                } if !plot_name.is_empty() => Some(format!(
                    "{plot_name}\nw = {}: {}",
                    fixed(position.x, 1),
                    short(value_of(position.y))
                )),
                _ => None,
            });
        plot.show(ui, |plot| {
            for (weight, color) in at {
                let line = VLine::new("", *weight).allow_hover(false);
                plot.vline(line.color(color.gamma_multiply(0.5)).width(1.5));
            }
            for curve in curves {
                let points: Vec<[f64; 2]> = curve
                    .points
                    .iter()
                    .map(|[weight, value]| [*weight, height(*value)])
                    .collect();
                let line = Line::new("", PlotPoints::from(points.clone()));
                let style = if curve.dashed {
                    LineStyle::dashed_dense()
                } else {
                    LineStyle::Solid
                };
                let line = line.color(curve.color).width(1.5).style(style);
                plot.line(line.allow_hover(false));
                let marks = Points::new(curve.name.clone(), PlotPoints::from(points));
                plot.points(marks.color(curve.color).radius(2.5));
            }
            plot.set_plot_bounds(egui_plot::PlotBounds::from_min_max(
                [-1.3, low - air],
                [10.3, high + air],
            ));
        });
    });
}
