//! Quality against cost: one curve a sampler, both axes logarithmic, and what honest draws of the data score as a band.

use egui::{Align2, Color32, Painter, Pos2, Rect, RichText, Shape, Stroke, Ui, UiBuilder, vec2};
use egui_plot::{Line, MarkerShape, PlotPoints, Points, Polygon, Text};

use super::{axis_style, log_marks, nothing_yet, plot, title};
use crate::theme::{Palette, text_font};
use crate::widgets::number::{grouped, short};
use lab::contest::Scored;
use maths::measure::Estimate;

/// A curve.
pub struct Series {
    /// The sampler.
    pub name: String,
    /// Its colour, and its mark: colours alone do not tell everybody.
    pub look: (Color32, MarkerShape),
    /// Cost and quality, ascending by cost.
    pub points: Vec<[f64; 2]>,
}

impl Series {
    /// A curve through points in any order.
    pub fn new(
        name: impl Into<String>,
        look: (Color32, MarkerShape),
        points: impl Iterator<Item = [f64; 2]>,
    ) -> Self {
        let mut points: Vec<_> = points.collect();
        points.sort_by(|a, b| a[0].total_cmp(&b[0]));
        Self {
            name: name.into(),
            look,
            points,
        }
    }
}

/// What is drawn.
pub struct Chart<'a> {
    name: &'a str,
    title: String,
    cost: &'a str,
    /// Least value that is drawn: what lies beneath it is drawn there.
    least: f64,
    /// What honest draws of the data score, from and to.
    band: Option<[f64; 2]>,
}

/// Colour and mark of the curve at a place of the list: no two of the first thirty-six are alike.
pub fn look(palette: &Palette, index: usize) -> (Color32, MarkerShape) {
    const MARKS: [MarkerShape; 6] = [
        MarkerShape::Circle,
        MarkerShape::Square,
        MarkerShape::Diamond,
        MarkerShape::Up,
        MarkerShape::Down,
        MarkerShape::Asterisk,
    ];
    let color = palette.series[index % palette.series.len()];
    (
        color,
        MARKS[(index + index / palette.series.len()) % MARKS.len()],
    )
}

/// Surprise beneath this is drawn there: honest samples have none on average, and a logarithm no zero.
const LEAST_SURPRISE: f64 = 3e-3;

/// What is drawn upwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Sliced W₂ to the data.
    Distance,
    /// Surprise under the data's density.
    Surprise,
}

impl Quantity {
    /// Of one that was scored.
    pub fn of(self, scored: &Scored) -> f64 {
        match self {
            Self::Distance => scored.distance.value,
            Self::Surprise => scored.surprise.value,
        }
    }

    /// Its chart against what a sample costs, beside what draws of the data score: a distance of `floor`, and of the surprise the
    /// middle one of these standard errors.
    pub fn chart<'a>(self, cost: &'a str, floor: Option<Estimate>, all: &[&Scored]) -> Chart<'a> {
        let (name, what, least, band) = match self {
            Self::Distance => {
                let band = floor.map(|f| [-2.0, 2.0].map(|errors| f.value + errors * f.error));
                ("Distance of each sampler", "Sliced W₂", 1e-6, band)
            }
            Self::Surprise => {
                let mut errors: Vec<f64> = all.iter().map(|scored| scored.surprise.error).collect();
                errors.sort_by(f64::total_cmp);
                let usual = errors.get(errors.len() / 2);
                let band = usual.map(|error| [LEAST_SURPRISE, 2.0 * error]);
                let (name, what) = ("Surprise of each sampler", "Surprise, nats");
                (name, what, LEAST_SURPRISE, band)
            }
        };
        Chart {
            name,
            title: format!("{what} against {cost}"),
            cost,
            least,
            band,
        }
    }
}

/// Paint the mark of a curve about a place, as the chart has it.
pub fn mark_ui(painter: &Painter, shape: MarkerShape, at: Pos2, color: Color32) {
    const RADIUS: f32 = 4.0;
    let tips = |corners: &[[f32; 2]]| {
        let corners = corners.iter().map(|[x, y]| at + RADIUS * vec2(*x, *y));
        Shape::convex_polygon(corners.collect(), color, Stroke::NONE)
    };
    let painted = match shape {
        MarkerShape::Square => tips(&[[-0.8, -0.8], [0.8, -0.8], [0.8, 0.8], [-0.8, 0.8]]),
        MarkerShape::Diamond => tips(&[[0.0, -1.1], [1.1, 0.0], [0.0, 1.1], [-1.1, 0.0]]),
        MarkerShape::Up => tips(&[[0.0, -1.0], [0.9, 0.7], [-0.9, 0.7]]),
        MarkerShape::Down => tips(&[[0.0, 1.0], [0.9, -0.7], [-0.9, -0.7]]),
        MarkerShape::Asterisk => {
            let arms = [0.0, 60.0, 120.0].map(|degrees: f32| {
                let arm = RADIUS * egui::Vec2::angled(degrees.to_radians());
                Shape::line_segment([at - arm, at + arm], (1.5, color))
            });
            Shape::Vec(arms.to_vec())
        }
        _ => Shape::circle_filled(at, 0.9 * RADIUS, color),
    };
    painter.add(painted);
}

/// Draw the curves into a place of the window.
pub fn contest_ui(
    ui: &mut Ui,
    rect: Rect,
    chart: &Chart<'_>,
    series: &[Series],
    palette: &Palette,
) {
    title(ui, rect, &chart.title, palette);
    let inner = Rect::from_min_max(rect.min + vec2(8.0, 24.0), rect.max - vec2(10.0, 4.0));
    if series.iter().all(|series| series.points.is_empty()) {
        return nothing_yet(ui, inner, "nothing measured yet", palette);
    }
    let log = |[cost, value]: [f64; 2]| [cost.log10(), value.max(chart.least).log10()];
    let all = || {
        series
            .iter()
            .flat_map(|series| &series.points)
            .map(|point| log(*point))
    };
    let [left, right] = [f64::min as fn(f64, f64) -> f64, f64::max]
        .map(|pick| all().map(|[cost, _]| cost).fold(f64::NAN, pick));
    // A margin, so that no mark lies on the frame.
    let margin = 0.06 * (right - left).max(0.3);
    let band = chart
        .band
        .map(|band| band.map(|value| value.max(chart.least).log10()));
    let (cost, named) = (chart.cost.to_owned(), |value: f64| 10.0_f64.powf(value));
    ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
        axis_style(ui, palette);
        let plot = plot(chart.name, palette)
            .include_x(left - margin)
            .include_x(right + margin)
            .x_grid_spacer(|input| log_marks(input.bounds))
            .y_grid_spacer(|input| log_marks(input.bounds))
            .x_axis_formatter(|mark, _| {
                let value = 10.0_f64.powf(mark.value);
                if value < 10.0 {
                    short(value).trim_end_matches(".00").to_owned()
                } else {
                    grouped(value)
                }
            })
            .y_axis_formatter(|mark, _| short(10.0_f64.powf(mark.value)))
            .label_formatter(move |hover| match hover {
                egui_plot::HoverPosition::NearDataPoint {
                    plot_name,
                    position,
                    ..
                } if !plot_name.is_empty() => {
                    let [cost_value, value] = [position.x, position.y].map(named);
                    Some(format!(
                        "{plot_name}\n{} {cost}\n{}",
                        short(cost_value),
                        short(value)
                    ))
                }
                _ => None,
            });
        plot.show(ui, |plot| {
            if let Some([low, high]) = band {
                let [from, to] = [left - 10.0, right + 10.0];
                let corners = vec![[from, low], [to, low], [to, high], [from, high]];
                let area = Polygon::new("", PlotPoints::from(corners))
                    .fill_color(palette.faint.gamma_multiply(0.25))
                    .stroke((0.0, Color32::TRANSPARENT))
                    .allow_hover(false);
                plot.polygon(area);
                let words = RichText::new("draws of the data")
                    .font(text_font(11.0))
                    .color(palette.faint);
                let corner = [right + margin, high].into();
                plot.text(Text::new("", corner, words).anchor(Align2::RIGHT_TOP));
            }
            for Series {
                name,
                look: (color, mark),
                points,
            } in series
            {
                let points: Vec<[f64; 2]> = points.iter().map(|point| log(*point)).collect();
                let line = Line::new("", PlotPoints::from(points.clone()));
                plot.line(line.color(*color).width(1.5).allow_hover(false));
                let marks = Points::new(name.clone(), PlotPoints::from(points));
                plot.points(marks.color(*color).shape(*mark).radius(4.0));
            }
            // The band is wider than the plot: what it may show is set by the curves.
            let (low, high) = all()
                .map(|[_, value]| value)
                .chain(band.into_iter().flatten())
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                    (low.min(value), high.max(value))
                });
            let air = 0.08 * (high - low).max(0.3);
            plot.set_plot_bounds(egui_plot::PlotBounds::from_min_max(
                [left - margin, low - air],
                [right + margin, high + air],
            ));
        });
    });
}
