//! How the next step's coefficients change along t.

use egui::{Align2, Color32, Rect, Ui, UiBuilder, pos2, vec2};
use egui_plot::{Line, PlotPoints, Points, VLine};

use crate::desk::Desk;
use crate::plots::{axis_style, plot_over_time, title};
use crate::theme::text_font;
use maths::diffusion::solver::Variance;

/// Points of a curve.
const POINTS: usize = 200;

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
pub(super) fn show(ui: &mut Ui, desk: &Desk, now: f64, steps: u32, variance: Variance) {
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
            "c₀, of x̂₀",
            palette.exact,
            false,
            Box::new(move |tau| step(tau, variance).x_0) as Box<_>,
        ));
        mean.push(curve(
            "c_t, of x_t",
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
        ["The mean's c₀, of x̂₀; thin: c_t, of x_t", spread]
    } else {
        [
            "The mean's coefficients by t / T",
            "σ of the next step by t / T",
        ]
    };
    curves_ui(ui, desk, rect.with_max_x(middle), titles, now, &mean);
    curves_ui(ui, desk, rect.with_min_x(middle), other, now, &spread);
}

fn curves_ui(ui: &mut Ui, desk: &Desk, rect: Rect, name: &str, now: f64, curves: &[Curve<'_>]) {
    let palette = desk.palette();
    title(ui, rect, name, palette);
    if !desk.is_split() {
        let mut right = rect.right() - 16.0;
        for Curve { name, color, .. } in curves.iter().rev() {
            let at = pos2(right, rect.top() + 8.0);
            let text = ui
                .painter()
                .text(at, Align2::RIGHT_TOP, name, text_font(11.0), *color);
            right = text.left() - 14.0;
        }
    }
    let inner = Rect::from_min_max(rect.min + vec2(8.0, 24.0), rect.max - vec2(14.0, 4.0));
    let least = 1.0 / f64::from(desk.here.snapshot.experiment.timesteps.max(1));
    let at = |i: usize| least + (1.0 - least) * i as f64 / (POINTS - 1) as f64;
    ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
        axis_style(ui, palette);
        plot_over_time(name, palette).show(ui, |plot| {
            plot.vline(VLine::new("now", now).color(palette.ink).width(1.0));
            for Curve {
                name,
                color,
                thin,
                value,
            } in curves
            {
                let points: Vec<_> = (0..POINTS)
                    .map(at)
                    .map(|tau| [tau, value(tau)])
                    .filter(|p| p[1].is_finite())
                    .collect();
                let width = if *thin { 1.0 } else { 2.0 };
                plot.line(
                    Line::new(*name, PlotPoints::from(points))
                        .color(*color)
                        .width(width),
                );
                let here = value(now);
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
