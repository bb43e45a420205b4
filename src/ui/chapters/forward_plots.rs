//! What the chapter Forward draws along t: signal and noise, variance, entropy.

use egui::{Rect, Ui};

use super::noising::{growing_scales, variance};
use crate::diffusion::path::{Path, Scales};
use crate::measure::entropy::STANDARD_NORMAL;
use crate::ui::desk::Desk;
use crate::ui::widgets::chart::{Chart, Curve, chart_ui, times};
use crate::ui::widgets::number::{fixed, short};

/// Signal a and noise s of the experiment's path.
pub fn scales_ui(ui: &mut Ui, rect: Rect, desk: &mut Desk) {
    let palette = desk.palette();
    let (path, timesteps, tau) = (desk.draft.path, desk.draft.timesteps, desk.clock.tau);
    let curves = [(palette.data, (|s| s.a) as fn(Scales) -> f64), (palette.noise, |s| s.s)].map(|(color, value)| {
        let now = value(path.scales(tau, timesteps));
        let points = times(120).map(|tau| [tau, value(path.scales(tau, timesteps))]).collect();
        Curve { color, points, now: Some((now, fixed(now, 3))) }
    });
    // Where variance explodes the axis ends at the largest noise.
    let most = path.scales(1.0, timesteps).s.max(1.0);
    let top = short(most);
    let marks = [(0.0, "0"), (most, if most > 1.0 { &*top } else { "1" })];
    let title = "signal a falls, noise s rises";
    let chart = Chart { name: "Signal a and noise s against t", title, range: [0.0, 1.08 * most], marks: &marks };
    chart_ui(ui, rect, &chart, &curves, &mut desk.clock, palette);
}

/// Variance of x at t along a path, and, where asked for, of noise of the same β that is only added.
pub fn variance_ui(ui: &mut Ui, rect: Rect, desk: &mut Desk, path: Path, growing: bool) {
    let palette = desk.palette();
    let (timesteps, tau) = (desk.draft.timesteps, desk.clock.tau);
    let sums = if growing { path.summed_betas(timesteps) } else { vec![0.0] };
    let mut curves = Vec::new();
    let mut add = |color, scales: &dyn Fn(f64) -> Scales| {
        let now = variance(scales(tau));
        let points = times(120).map(|tau| [tau, variance(scales(tau))]).collect();
        curves.push(Curve { color, points, now: Some((now, fixed(now, 2))) });
    };
    add(palette.learned, &|tau| path.scales(tau, timesteps));
    if growing {
        add(palette.other, &|tau| growing_scales(&sums, tau));
    }
    let most = curves.iter().flat_map(|c| &c.points).map(|p| p[1]).fold(1.0, f64::max);
    let top = short(most);
    let marks: &[(f64, &str)] =
        if most > 1.5 { &[(0.0, "0"), (1.0, "1"), (most, &top)] } else { &[(0.0, "0"), (1.0, "1")] };
    let chart =
        Chart { name: "Variance against t", title: "variance at t, per axis", range: [0.0, 1.15 * most], marks };
    chart_ui(ui, rect, &chart, &curves, &mut desk.clock, palette);
}

/// Differential entropy of x at t, a curve of (t/T, nats), against that of N(0, I).
pub fn entropy_ui(ui: &mut Ui, rect: Rect, desk: &mut Desk, points: Vec<[f64; 2]>) {
    let palette = desk.palette();
    let now = value_at(&points, desk.clock.tau);
    let extent = points.iter().map(|p| p[1]).chain([STANDARD_NORMAL]);
    let (low, high) = extent.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let margin = 0.12 * (high - low).max(0.5);
    let level = fixed(STANDARD_NORMAL, 2);
    let bottom = fixed(low, 2);
    let marks: &[(f64, &str)] = if STANDARD_NORMAL - low > 0.4 {
        &[(STANDARD_NORMAL, &level), (low, &bottom)]
    } else {
        &[(STANDARD_NORMAL, &level)]
    };
    let title = "entropy at t, nats; thin line: N(0, I)";
    let chart = Chart { name: "Entropy against t", title, range: [low - margin, high + margin], marks };
    let reference =
        Curve { color: palette.exact, points: vec![[0.0, STANDARD_NORMAL], [1.0, STANDARD_NORMAL]], now: None };
    let present = now.map(|value| (value, fixed(value, 3)));
    let curves =
        [reference, Curve { color: palette.exact, points, now: Some(present.unwrap_or((f64::NAN, String::new()))) }];
    chart_ui(ui, rect, &chart, &curves, &mut desk.clock, palette);
}

/// Linear between the points of a curve.
pub fn value_at(points: &[[f64; 2]], tau: f64) -> Option<f64> {
    let after = points.partition_point(|p| p[0] < tau).min(points.len().checked_sub(1)?);
    let before = after.saturating_sub(1);
    let ([t_0, v_0], [t_1, v_1]) = (points[before], points[after]);
    Some(if t_1 > t_0 { v_0 + (v_1 - v_0) * (tau - t_0) / (t_1 - t_0) } else { v_1 })
}
