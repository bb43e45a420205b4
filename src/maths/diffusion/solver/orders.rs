//! The solvers of the probability-flow ODE on every schedule, for every T, against the closed form that one Gaussian has.
//!
//! For data N(m, σ² I) the flow keeps (x − a m)/√(a²σ² + s²) (Song et al. 2021, section 4.3). Orders are judged on the way
//! from t = T to t = 1; then all methods land on x̂_0.

use std::sync::Arc;

use super::{Placement, Plan, PlanContext, PlanStep, Registers, Sampler, Scales, Schedule, Target};
use crate::data::shapes::Shape;
use crate::diffusion::exact::{ExactField, Marginal};
use crate::philox::{Stream, normal};

/// Means and widths: narrow at the middle and beside it, unit, wide.
const GAUSSIANS: [[f64; 2]; 5] = [
    [0.0, 0.02],
    [0.7, 0.02],
    [0.0, 1.0],
    [0.0, 3.0],
    [-1.3, 0.4],
];
const TIMESTEPS: [u32; 4] = [10, 100, 1000, 4000];
/// Rounding, in widths of p_1, of some hundred steps.
const ROUNDING: f64 = 1e-11;

pub(super) fn context(schedule: Schedule, timesteps: u32) -> PlanContext {
    PlanContext {
        schedule,
        target: Target::Eps,
        timesteps,
    }
}

/// E[x_0 | x] of N(m, σ²).
pub(super) fn posterior([m, sigma]: [f64; 2], Scales { a, s }: Scales, x: f64) -> f64 {
    m + a * sigma * sigma / width([m, sigma], Scales { a, s }).powi(2) * (x - a * m)
}

/// √(a²σ² + s²).
pub(super) fn width([_, sigma]: [f64; 2], Scales { a, s }: Scales) -> f64 {
    (a * sigma).hypot(s)
}

/// Run a plan with the exact x̂_0 of a Gaussian; both coordinates alike.
fn ends(plan: &Plan, gaussian: [f64; 2], start: f64) -> f64 {
    plan.run(
        [start; 2],
        |stage, x| x.map(|x| posterior(gaussian, stage.scales, x)),
        |_| [0.0; 2],
    )[0]
}

/// The error of a plan of so many steps where it lands from, in widths of p there. The landing is checked on the way.
///
/// Where there is no signal at t = T, log SNR and σ are infinite, and no number of steps makes the first one shorter: then from its end.
fn error(
    (sampler, placement): (Sampler, Placement),
    steps: u32,
    gaussian: [f64; 2],
    schedule: Schedule,
    timesteps: u32,
) -> f64 {
    let context = context(schedule, timesteps);
    // Between the same ends there may be more knots than timesteps.
    let mut plan = sampler.plan_at(&placement.knots(steps, context), None);
    let unbounded = matches!(placement, Placement::LogSnr | Placement::Karras);
    if unbounded && schedule == Schedule::Flow && steps > 2 {
        let first = plan.steps.iter().position(|stage| stage.ends_step);
        plan.steps.drain(..=first.unwrap_or(0));
    }
    let [first, last] = [&plan.steps[0], &plan.steps[plan.steps.len() - 1]].map(|s| s.scales);
    let start = first.a * gaussian[0] + 1.3 * width(gaussian, first);
    let landed = ends(&plan, gaussian, start);
    plan.steps.pop();
    let x = ends(&plan, gaussian, start);
    assert!(
        x.is_nan() || (landed - posterior(gaussian, last, x)).abs() < 1e-12 * (1.0 + x.abs()),
        "{sampler} {placement} {schedule} {timesteps} {steps} {gaussian:?}: the last step is the landing: {landed} {x}"
    );
    let expected = last.a * gaussian[0] + 1.3 * width(gaussian, last);
    (x - expected).abs() / width(gaussian, last)
}

pub(super) fn everywhere(mut check: impl FnMut([f64; 2], Schedule, u32)) {
    for gaussian in GAUSSIANS {
        for schedule in Schedule::every() {
            for timesteps in TIMESTEPS {
                check(gaussian, schedule, timesteps);
            }
        }
    }
}

/// The deterministic solvers and the order that their papers prove.
const ORDERS: [(Sampler, f64); 13] = [
    (Sampler::Ddim { eta: 0.0 }, 1.0),
    (Sampler::Euler, 1.0),
    (Sampler::Heun, 2.0),
    (Sampler::Rk4, 4.0),
    (Sampler::Ab4, 4.0),
    (Sampler::Dpm1, 1.0),
    (Sampler::Dpm2, 2.0),
    (Sampler::DpmPp2S, 2.0),
    (Sampler::DpmPp2M, 2.0),
    (Sampler::DpmPp3M, 3.0),
    (Sampler::UniPc, 3.0),
    (Sampler::Edm { churn: 0.0 }, 2.0),
    (Sampler::Midpoint, 2.0),
];

/// True where a solver's steps become short in what it integrates over as there are more of them. Out of pure noise log SNR and σ have no
/// bounds: evenly in log SNR, or as Karras has them, all steps become short; by other placements the first ones keep their length. It
/// costs solvers over λ or σ of third order one order, and those of second order a logarithm where there is no signal at all.
fn becomes_short(sampler: Sampler, placement: Placement, schedule: Schedule) -> bool {
    let all = matches!(placement, Placement::LogSnr | Placement::Karras);
    match sampler {
        Sampler::DpmPp3M | Sampler::UniPc => all,
        Sampler::Dpm2 | Sampler::DpmPp2S | Sampler::DpmPp2M | Sampler::Edm { .. } => {
            all || schedule != Schedule::Flow
        }
        _ => true,
    }
}

/// Twice the steps, 2^order less error: of the last two errors above rounding, or of all so far, since an error may pass through 0 on the
/// way. Steps are doubled until the order is seen.
fn slope(errors: impl Iterator<Item = f64>, order: f64) -> (f64, Vec<f64>) {
    let mut seen: Vec<f64> = Vec::new();
    let mut found = f64::NEG_INFINITY;
    for error in errors {
        seen.push(error);
        let doublings = seen.len() - 1;
        if doublings >= 1 {
            let last = (seen[doublings - 1] / error).log2();
            let overall = (seen[0] / error).log2() / doublings as f64;
            found = last.max(overall);
        }
        // NaN is no number to go on with, and at rounding nothing is left to become less.
        if error.is_nan() || error < 10.0 * ROUNDING || (doublings >= 3 && found > order - 0.15) {
            break;
        }
    }
    (found, seen)
}

#[test]
fn every_solver_has_its_textbook_order_on_every_path_and_placement() {
    let mut seen_at_it = Vec::new();
    for (sampler, order) in ORDERS {
        // Evenly in t the last step begins where it will, and not at t = 1.
        for placement in Placement::ALL.into_iter().skip(1) {
            for gaussian in [[0.7, 0.02], [0.0, 3.0]] {
                for schedule in Schedule::every() {
                    if !becomes_short(sampler, placement, schedule) {
                        continue;
                    }
                    for timesteps in [10, 1000] {
                        let errors = (0..9).map(|doublings| {
                            let steps = (20 << doublings) + 1;
                            error((sampler, placement), steps, gaussian, schedule, timesteps)
                        });
                        let (found, errors) = slope(errors, order);
                        // Or rounding came before the order was seen.
                        let last = errors[errors.len() - 1];
                        let exact = last < 10.0 * ROUNDING
                            && (found > order - 0.5 || errors[0] < 100.0 * ROUNDING);
                        assert!(
                            exact || found > order - 0.15,
                            "{sampler}, {placement}, {schedule}, T = {timesteps}, N({}, {}²): {found}, {errors:?}",
                            gaussian[0],
                            gaussian[1]
                        );
                        if found < order + 0.15 {
                            seen_at_it.push(sampler);
                        }
                    }
                }
            }
        }
    }
    // And none has more than that everywhere.
    for (sampler, _) in ORDERS {
        assert!(seen_at_it.contains(&sampler), "{sampler}");
    }
}

/// From twelve steps on, without exception. T = 10 allows ten alone: there a narrow component is not resolved before the
/// landing, x̂_0 hardly moves, and where Euler wins both end within a hundredth of the data's width.
#[test]
fn heun_is_never_worse_than_euler_at_equal_steps_nor_runge_kutta_than_heun() {
    everywhere(|gaussian, schedule, timesteps| {
        let last = schedule.scales(1.0 / f64::from(timesteps), timesteps);
        let landed = last.a * gaussian[1] / width(gaussian, last);
        for steps in [10, 12, 15, 20, 30, 50, 100, 250] {
            // Ten steps where there are no more, and else at least twelve.
            if steps > timesteps || (steps == 10) != (timesteps == 10) {
                continue;
            }
            let close = if steps == 10 { 0.01 } else { 0.0 };
            let [euler, heun, rk4] = [Sampler::Euler, Sampler::Heun, Sampler::Rk4].map(|sampler| {
                let crowded = (sampler, Placement::Crowded);
                error(crowded, steps, gaussian, schedule, timesteps)
            });
            let what = format!(
                "{schedule}, T = {timesteps}, {steps} steps, {gaussian:?}: {euler:e} {heun:e} {rk4:e}"
            );
            assert!(
                heun <= euler.max(ROUNDING) || heun * landed < close,
                "{what}"
            );
            assert!(rk4 <= heun.max(ROUNDING) || rk4 * landed < close, "{what}");
        }
    });
}

/// Of N(0, I) the flow moves nothing: w has no slope, whatever the schedule and however few the steps. DDIM turns by Δζ, and
/// shrinks what it takes for noise by cos Δζ a step.
#[test]
fn the_flow_of_unit_data_stands_still() {
    for schedule in Schedule::every() {
        for timesteps in TIMESTEPS {
            for intervals in [1, 2, 4, 9, 49] {
                for sampler in [Sampler::Heun, Sampler::Rk4, Sampler::Ab4] {
                    let crowded = (sampler, Placement::Crowded);
                    let error = error(crowded, intervals + 1, [0.0, 1.0], schedule, timesteps);
                    assert!(
                        error < ROUNDING,
                        "{sampler}, {schedule}, T = {timesteps}, {intervals} steps: {error:e}"
                    );
                }
            }
            let crowded = (Sampler::Euler, Placement::Crowded);
            let euler = error(crowded, 50, [0.0, 1.0], schedule, timesteps);
            // 1.3 (1 − Π cos Δζ) ≤ 1.3 Σ Δζ²/2 ≤ 0.65 max Δζ · π/2, of the largest of 49 steps 3 · (π/2)/49.
            assert!(euler < 0.1, "{schedule}, T = {timesteps}: {euler}");
        }
    }
}

/// Root mean square distance of the end points of two plans by the exact field, from the same 64 starts.
fn apart(field: &ExactField, plans: [&Plan; 2]) -> f64 {
    let ends = plans.map(|plan| {
        let marginals: Vec<Marginal> = plan
            .steps
            .iter()
            .map(|stage| field.mixture.marginal(stage.scales))
            .collect();
        let ends = (0..64).map(|i| {
            let z = normal(3, Stream::SamplerStart, 0, i).map(f64::from);
            let mut particle = Registers::at(z.map(|z| plan.start_std * z));
            for (stage, marginal) in plan.steps.iter().zip(&marginals) {
                let x0 = marginal.posterior_mean(particle.x);
                stage.advance(&mut particle, x0, [0.0; 2]);
            }
            particle.x
        });
        ends.collect::<Vec<_>>()
    });
    let squares = ends[0]
        .iter()
        .zip(&ends[1])
        .map(|(a, b)| (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2));
    (squares.sum::<f64>() / 64.0).sqrt()
}

fn narrowest(field: &ExactField) -> f64 {
    field
        .mixture
        .components
        .iter()
        .map(|c| f64::from(c.sigma))
        .fold(f64::INFINITY, f64::min)
}

fn figure8(schedule: Schedule, timesteps: u32) -> ExactField {
    ExactField {
        mixture: Arc::new(Shape::Figure8.mixture()),
        schedule,
        timesteps,
    }
}

/// On the cosine schedule σ = s/a reaches 20,291, and over σ the errors of Heun and Runge–Kutta were 2.49 and 1.21. Against the
/// converged flow of the figure-8 with the same landing; the expected errors are those of a program in numpy, of the same
/// starts.
#[test]
fn the_cosine_path_is_followed_to_its_end() {
    let field = figure8(Schedule::Cosine, 1000);
    let context = context(Schedule::Cosine, 1000);
    let converged = Sampler::Rk4.plan(600, context, None);
    for (sampler, expected) in [
        (Sampler::Euler, 0.09355),
        (Sampler::Heun, 2.625e-3),
        (Sampler::Rk4, 1.105e-4),
    ] {
        let error = apart(&field, [&sampler.plan(20, context, None), &converged]);
        assert!(
            (error / expected - 1.0).abs() < 0.01,
            "{sampler}: {error:e}, not {expected:e}"
        );
    }
}

/// Where the exact field leads: the closed form of one Gaussian, by every schedule, at every T.
#[test]
fn the_exact_flow_ends_at_the_closed_form_whatever_t() {
    everywhere(|gaussian, schedule, timesteps| {
        let context = context(schedule, timesteps);
        let plan = Plan::exact_flow(context, 400, 1e-3 * gaussian[1]);
        let first = schedule.scales(1.0, timesteps);
        let end = ends(
            &plan,
            gaussian,
            first.a * gaussian[0] + 1.3 * width(gaussian, first),
        );
        let error = (end - gaussian[0] - 1.3 * gaussian[1]).abs() / gaussian[1];
        // The landing leaves out s²/2σ² = 5e-7 of 1.3 widths.
        assert!(
            error < 1e-6,
            "{schedule}, T = {timesteps}, {gaussian:?}: {error:e}"
        );
    });
}

/// Twice the steps, half the distance of the landing: no change to be seen.
#[test]
fn the_exact_flow_has_converged() {
    for (schedule, timesteps) in [
        (Schedule::Cosine, 1000),
        (Schedule::Ve, 10),
        (Schedule::Literal, 100),
    ] {
        let field = figure8(schedule, timesteps);
        let context = context(schedule, timesteps);
        let narrowest = narrowest(&field);
        let plans = [(400, 1e-3), (800, 5e-4)]
            .map(|(steps, share)| Plan::exact_flow(context, steps, share * narrowest));
        let error = apart(&field, [&plans[0], &plans[1]]);
        assert!(error < 1e-6, "{schedule}: {error:e}");
    }
}

/// What Runge–Kutta leaves out at T = 100 is the landing: 1.3e-2, of which a reference that lands likewise sees nothing.
#[test]
fn the_error_of_the_landing_is_seen() {
    let field = figure8(Schedule::Linear, 100);
    let context = context(Schedule::Linear, 100);
    let rk4 = Sampler::Rk4.plan(50, context, None);
    let truth = Plan::exact_flow(context, 400, 1e-3 * narrowest(&field));
    let error = apart(&field, [&rk4, &truth]);
    assert!((error - 1.31e-2).abs() < 2e-4, "{error:e}");
    let lands_likewise = Plan::exact_flow(context, 400, context.nearest());
    let solved = apart(&field, [&rk4, &lands_likewise]);
    assert!(solved < 2e-6, "{solved:e}");
}

#[test]
fn evaluations_are_counted_as_they_happen() {
    for schedule in Schedule::every() {
        for steps in [1, 2, 7, 50] {
            let context = context(schedule, 100);
            for sampler in Sampler::ALL {
                // The landing takes one.
                let before = steps - 1;
                let expected = match sampler {
                    Sampler::Heun
                    | Sampler::Dpm2
                    | Sampler::DpmPp2S
                    | Sampler::Edm { .. }
                    | Sampler::Midpoint
                    | Sampler::PredictorCorrector { .. } => 2 * before + 1,
                    Sampler::Rk4 => 4 * before + 1,
                    Sampler::Ab4 => before + 3 * before.min(3) + 1,
                    Sampler::Langevin { .. } => 5 * before + 1,
                    // Half-way, once.
                    Sampler::DpmPp3M => before + before.min(1) + 1,
                    _ => steps,
                };
                // Without any signal the first step of solvers over λ is Heun's, and a second one begins the third order.
                let heun = schedule == Schedule::Flow
                    && steps > 1
                    && matches!(sampler, Sampler::DpmPp2M | Sampler::UniPc);
                let third = schedule == Schedule::Flow && steps > 2 && sampler == Sampler::DpmPp3M;
                let expected = expected + u32::from(heun) + u32::from(third);
                let plan = sampler.plan(steps, context, None);
                let count = std::cell::Cell::new(0);
                let x0 = |_: &PlanStep, x: [f64; 2]| {
                    count.set(count.get() + 1);
                    x
                };
                plan.run([1.0; 2], x0, |_| [0.0; 2]);
                if plan.control.is_some() {
                    // As often as it wants: the first slope, those of whole steps, and the landing.
                    assert_eq!(plan.evaluations(), None, "{sampler}");
                    let of_steps: u32 = count.get() - 2;
                    assert!(
                        of_steps >= 3 && of_steps.is_multiple_of(3),
                        "{sampler}: {of_steps}"
                    );
                    continue;
                }
                assert_eq!(
                    (count.get(), plan.evaluations()),
                    (expected, Some(expected as usize)),
                    "{sampler}, {steps} steps"
                );
            }
        }
    }
}
