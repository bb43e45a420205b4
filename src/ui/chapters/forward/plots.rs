//! What the chapter Forward draws along t: signal and noise, variance, entropy.

use egui::{Rect, Ui};

use egui::Color32;

use super::noising::squared;
use super::way::Way;
use crate::chapters::forward::noising::{growing_scales, summed_noise};
use crate::chapters::shared::cloud::{normal_name, variance};
use crate::desk::Desk;
use crate::equations;
use crate::widgets::chart::{Chart, Curve, chart_ui, times};
use crate::widgets::number::{fixed, short};
use maths::diffusion::schedule::Scales;
use maths::measure::entropy::normal_entropy;

/// Signal a and noise s of the experiments' schedules. Two experiments have a colour each, and s is thin.
pub fn scales_ui(ui: &mut Ui, rect: Rect, desk: &mut Desk) {
    let palette = desk.palette();
    let mut curves = Vec::new();
    let mut most = 1.0_f64;
    let split = desk.is_split();
    for (_, side_state, own) in desk.side_states() {
        let (schedule, timesteps, tau) = (
            side_state.schedule(),
            side_state.draft.timesteps,
            desk.here.clock.tau,
        );
        let colors: [Color32; 2] = if split {
            [own; 2]
        } else {
            [palette.data, palette.noise]
        };
        for ((noise, value), color) in [(false, (|s| s.a) as fn(Scales) -> f64), (true, |s| s.s)]
            .into_iter()
            .zip(colors)
        {
            let now = value(schedule.scales(tau, timesteps));
            let points = times(120)
                .map(|tau| [tau, value(schedule.scales(tau, timesteps))])
                .collect();
            let now = (!split || !noise).then(|| (now, fixed(now, 3)));
            curves.push(Curve { color, points, now });
        }
        // Where variance explodes the axis ends at the largest noise.
        most = most.max(schedule.scales(1.0, timesteps).s);
    }
    let top = short(most);
    let marks = [(0.0, "0"), (most, if most > 1.0 { &*top } else { "1" })];
    let title = if split {
        "signal a; thin: noise s"
    } else {
        equations::scales_title(desk.here.schedule())
    };
    let chart = Chart {
        name: "Signal a and noise s against t",
        title,
        range: [0.0, 1.08 * most],
        marks: &marks,
    };
    chart_ui(ui, rect, &chart, &curves, &mut desk.here.clock, palette);
}

/// Variance of x at t along the schedules on show, and of the way that stands beside them: of
/// one experiment in the other colour, of two thin.
pub(super) fn variance_ui(ui: &mut Ui, rect: Rect, desk: &mut Desk, way: Way) {
    let palette = desk.palette();
    let split = desk.is_split();
    let mut curves = Vec::new();
    for (_, side_state, own) in desk.side_states() {
        let (timesteps, tau) = (side_state.draft.timesteps, desk.here.clock.tau);
        let mut add = |color, marked: bool, scales: &dyn Fn(f64) -> Scales| {
            let now = variance(scales(tau));
            let points = times(120).map(|tau| [tau, variance(scales(tau))]).collect();
            curves.push(Curve {
                color,
                points,
                now: marked.then(|| (now, fixed(now, 2))),
            });
        };
        let schedule = side_state.schedule();
        add(own, true, &|tau| schedule.scales(tau, timesteps));
        if way == Way::Rootless {
            let color = if split { own } else { palette.other };
            add(color, !split, &|tau| {
                squared(schedule.scales(tau, timesteps))
            });
        }
        if way == Way::Growing {
            let sums = summed_noise(schedule, timesteps);
            add(if split { own } else { palette.other }, !split, &|tau| {
                growing_scales(&sums, tau)
            });
        }
    }
    let most = curves
        .iter()
        .flat_map(|c| &c.points)
        .map(|p| p[1])
        .fold(1.0, f64::max);
    let top = short(most);
    let marks: &[(f64, &str)] = match most {
        // So far up there is no room for both below.
        8.0.. => &[(0.0, "0"), (most, &top)],
        1.5.. => &[(0.0, "0"), (1.0, "1"), (most, &top)],
        _ => &[(0.0, "0"), (1.0, "1")],
    };
    let chart = Chart {
        name: "Variance against t",
        title: "variance at t, per axis",
        range: [0.0, 1.15 * most],
        marks,
    };
    chart_ui(ui, rect, &chart, &curves, &mut desk.here.clock, palette);
}

/// Differential entropy of x at t of each experiment, curves of (t/T, nats), against that of the noise it starts from.
pub fn entropy_ui(ui: &mut Ui, rect: Rect, desk: &mut Desk, entropies: &[Vec<[f64; 2]>]) {
    let palette = desk.palette();
    let mut priors: Vec<f64> = desk
        .side_states()
        .map(|(_, b, _)| b.schedule().prior_std(b.draft.timesteps))
        .collect();
    priors.dedup_by(|a, b| (*a - *b).abs() < 1e-3);
    let levels: Vec<f64> = priors.iter().map(|std| normal_entropy(*std)).collect();
    let extent = entropies
        .iter()
        .flatten()
        .map(|p| p[1])
        .chain(levels.iter().copied());
    let (low, high) = extent.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
        (l.min(v), h.max(v))
    });
    let margin = 0.12 * (high - low).max(0.5);
    let mut ticks = levels.clone();
    // The lowest value has room where it is well below.
    if ticks
        .iter()
        .all(|level| level - low > 0.1 * (high - low).max(4.0))
    {
        ticks.push(low);
    }
    let texts: Vec<String> = ticks.iter().map(|tick| fixed(*tick, 2)).collect();
    let marks: Vec<(f64, &str)> = ticks
        .into_iter()
        .zip(texts.iter().map(String::as_str))
        .collect();
    let names: Vec<String> = priors.iter().map(|std| normal_name(*std, "I")).collect();
    let thin = if names.len() > 1 {
        "thin lines"
    } else {
        "thin line"
    };
    let title = format!("entropy at t, nats; {thin}: {}", names.join(", "));
    let range = [low - margin, high + margin];
    let chart = Chart {
        name: "Entropy against t",
        title: &title,
        range,
        marks: &marks,
    };
    let references = levels.into_iter().map(|level| Curve {
        color: palette.exact,
        points: vec![[0.0, level], [1.0, level]],
        now: None,
    });
    let split = desk.is_split();
    let each = desk
        .side_states()
        .zip(entropies)
        .map(|((_, _, own), points)| {
            let present = value_at(points, desk.here.clock.tau)
                .map_or((f64::NAN, String::new()), |v| (v, fixed(v, 3)));
            let color = if split { own } else { palette.exact };
            Curve {
                color,
                points: points.clone(),
                now: Some(present),
            }
        });
    let curves: Vec<_> = references.chain(each).collect();
    chart_ui(ui, rect, &chart, &curves, &mut desk.here.clock, palette);
}

/// Linear between the points of a curve.
pub fn value_at(points: &[[f64; 2]], tau: f64) -> Option<f64> {
    let after = points
        .partition_point(|p| p[0] < tau)
        .min(points.len().checked_sub(1)?);
    let before = after.saturating_sub(1);
    let ([t_0, v_0], [t_1, v_1]) = (points[before], points[after]);
    Some(if t_1 > t_0 {
        v_0 + (v_1 - v_0) * (tau - t_0) / (t_1 - t_0)
    } else {
        v_1
    })
}
