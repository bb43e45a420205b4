//! How often a classifier is right along t, beside the best that there can be.

use egui::{Rect, Ui, UiBuilder, vec2};
use egui_plot::{Line, LineStyle, PlotPoints, VLine};

use super::{axis_style, plot_over_time, title};
use crate::theme::Palette;
use lab::message::AccuracyAt;

/// Draw both curves into a place of the window, and where the clock stands.
pub fn accuracy_ui(ui: &mut Ui, rect: Rect, accuracy: &[AccuracyAt], tau: f64, palette: &Palette) {
    let heading = "Accuracy along t: trained, dashed the best";
    title(ui, rect, heading, palette);
    let inner = Rect::from_min_max(rect.min + vec2(8.0, 24.0), rect.max - vec2(10.0, 4.0));
    ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
        axis_style(ui, palette);
        let plot = plot_over_time("Accuracy of the classifier along t", palette).include_y(1.0);
        plot.show(ui, |plot| {
            let now = VLine::new("", tau).color(palette.faint).width(1.0);
            plot.vline(now.allow_hover(false));
            let curve = |of: fn(&AccuracyAt) -> f64| -> Vec<[f64; 2]> {
                accuracy.iter().map(|at| [at.tau, of(at)]).collect()
            };
            let best = Line::new("best", PlotPoints::from(curve(|at| at.best.value)));
            plot.line(best.color(palette.exact).style(LineStyle::dashed_dense()));
            let trained = Line::new("trained", PlotPoints::from(curve(|at| at.trained.value)));
            plot.line(trained.color(palette.learned).width(1.5));
        });
    });
}
