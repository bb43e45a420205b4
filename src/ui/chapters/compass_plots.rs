//! How the next step's coefficients change along t.

use egui::{Align2, Color32, Rect, Ui, UiBuilder, pos2, vec2};
use egui_plot::{Line, PlotPoints, Points, VLine};

use crate::diffusion::solver::Variance;
use crate::ui::desk::Desk;
use crate::ui::plots::{axis_style, plot, round_marks, title};
use crate::ui::theme::text_font;
use crate::ui::widgets::number::short;

/// Points of a curve.
const POINTS: usize = 200;

/// A curve: its name, its colour, its value at t/T.
type Curve<'a> = (&'static str, Color32, &'a dyn Fn(f64) -> f64);

/// Two plots over t/T in the place of `ui`: the mean's coefficients, and the standard deviations. `coefficients` gives
/// (c_x, c_0, σ) of the step from t/T; `now` is marked.
pub(super) fn show(ui: &mut Ui, desk: &Desk, now: f64, coefficients: &dyn Fn(f64, Variance) -> (f64, f64, f64)) {
    let palette = desk.palette();
    let rect = ui.max_rect();
    let middle = rect.center().x;
    let c_0 = |tau| coefficients(tau, Variance::BetaTilde).1;
    let c_t = |tau| coefficients(tau, Variance::BetaTilde).0;
    let beta = |tau| coefficients(tau, Variance::Beta).2;
    let beta_tilde = |tau| coefficients(tau, Variance::BetaTilde).2;
    let mean: [Curve<'_>; 2] = [("c₀, of x̂₀", palette.exact, &c_0), ("c_t, of x_t", palette.noise, &c_t)];
    let spread: [Curve<'_>; 2] = [("√β, forward", palette.fault, &beta), ("posterior", palette.learned, &beta_tilde)];
    curves_ui(ui, desk, rect.with_max_x(middle), "The mean's coefficients by t / T", now, &mean);
    curves_ui(ui, desk, rect.with_min_x(middle), "σ of the next step by t / T", now, &spread);
}

fn curves_ui(ui: &mut Ui, desk: &Desk, rect: Rect, name: &str, now: f64, curves: &[Curve<'_>]) {
    let palette = desk.palette();
    title(ui, rect, name, palette);
    let mut right = rect.right() - 16.0;
    for (label, color, _) in curves.iter().rev() {
        let text = ui.painter().text(pos2(right, rect.top() + 8.0), Align2::RIGHT_TOP, label, text_font(11.0), *color);
        right = text.left() - 14.0;
    }
    let inner = Rect::from_min_max(rect.min + vec2(8.0, 24.0), rect.max - vec2(14.0, 4.0));
    let least = 1.0 / f64::from(desk.snapshot.experiment.timesteps.max(1));
    let at = |i: usize| least + (1.0 - least) * i as f64 / (POINTS - 1) as f64;
    ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
        axis_style(ui, palette);
        plot(name, palette)
            .include_x(0.0)
            .include_x(1.0)
            .include_y(0.0)
            .x_grid_spacer(|input| round_marks(input.bounds, 5.0))
            .y_grid_spacer(|input| round_marks(input.bounds, 4.0))
            .y_axis_formatter(|mark, _| if mark.value < 0.0 { String::new() } else { short(mark.value) })
            .x_axis_formatter(|mark, _| format!("{:.1}", mark.value))
            .label_formatter(|_| None)
            .show(ui, |plot| {
                plot.vline(VLine::new("now", now).color(palette.ink).width(1.0));
                for (label, color, value) in curves {
                    let points: Vec<_> =
                        (0..POINTS).map(at).map(|tau| [tau, value(tau)]).filter(|p| p[1].is_finite()).collect();
                    plot.line(Line::new(*label, PlotPoints::from(points)).color(*color).width(2.0));
                    let here = value(now);
                    if here.is_finite() {
                        plot.points(Points::new(*label, vec![[now, here]]).radius(3.5).color(*color));
                    }
                }
            });
    });
}
