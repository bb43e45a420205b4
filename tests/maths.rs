//! The closed forms against independent things: finite differences, numerical integrals, sampled moments, answers known
//! by hand, and slow derivations of the samplers' coefficients.

use std::sync::Arc;

use noise_compass::data::mixture::{Component, Mixture};
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::exact::ExactField;
use noise_compass::diffusion::log_snr::LogSnr;
use noise_compass::diffusion::schedule::{Scales, Schedule};
use noise_compass::diffusion::solver::{Plan, PlanContext, PlanStep, Registers, Sampler, Variance};
use noise_compass::diffusion::target::Target;
use noise_compass::measure::spread::Spread;
use noise_compass::measure::wasserstein2;
use noise_compass::philox::{Stream, normal};
use proptest::prelude::*;
use rayon::prelude::*;

const T: u32 = 1000;

fn exact(mixture: Mixture, schedule: Schedule) -> ExactField {
    ExactField {
        mixture: Arc::new(mixture),
        schedule,
        timesteps: T,
    }
}

fn context(schedule: Schedule) -> PlanContext {
    PlanContext {
        schedule,
        target: Target::Eps,
        timesteps: T,
    }
}

// ---- the exact field ------------------------------------------------------------------------------------------------

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// The score against central differences of ln p, at points where the data and the noise really are.
    #[test]
    fn score_is_the_gradient_of_log_density(
        shape in proptest::sample::select(Shape::ALL.to_vec()), schedule in proptest::sample::select(Schedule::every()), t in 0..5_usize, seed in 0..1_000_000_u64,
    ) {
        let tau = [0.0, 0.05, 0.2, 0.6, 1.0][t];
        let field = exact(shape.mixture(), schedule);
        let Scales { a, s } = field.scales(tau);
        let (x0, z) = (field.mixture.draw(1, seed)[0], normal(seed, Stream::Forward, 0, 0));
        let x = [0, 1].map(|axis| a * f64::from(x0[axis]) + s * f64::from(z[axis]));
        let score = field.score(x, tau);
        // A step well below the narrowest feature of p_t.
        let width = (a * f64::from(field.mixture.components[0].sigma)).hypot(s);
        let h = 1e-3 * width;
        for axis in 0..2 {
            let at = |shift: f64| {
                let mut moved = x;
                moved[axis] += shift;
                field.log_p(moved, tau)
            };
            // Five points: the error is O(h⁴).
            let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
            prop_assert!((slope - score[axis]).abs() < 1e-7 / width, "{slope} and {}", score[axis]);
        }
    }
}

/// ∫ p_t = 1 by the midpoint rule on a grid finer than the narrowest component, out to six standard deviations.
#[test]
fn densities_integrate_to_one() {
    for (shape, tau) in [
        (Shape::Figure8, 0.15),
        (Shape::Checkerboard, 0.0),
        (Shape::Pinwheel, 0.1),
        (Shape::Rings, 0.3),
        (Shape::Gaussian, 1.0),
    ] {
        for schedule in Schedule::every() {
            let marginal = exact(shape.mixture(), schedule).marginal(tau);
            let (reach, cells) = (6.0 * schedule.scales(tau, T).s.max(1.0), 600);
            let side = 2.0 * reach / f64::from(cells);
            let centre = |i: i32| -reach + (f64::from(i) + 0.5) * side;
            let total: f64 = (0..cells)
                .into_par_iter()
                .map(|i| {
                    (0..cells)
                        .map(|j| marginal.log_density([centre(i), centre(j)]).exp())
                        .sum::<f64>()
                })
                .sum();
            assert!(
                (total * side * side - 1.0).abs() < 1e-6,
                "{shape:?} {schedule:?}: {}",
                total * side * side
            );
        }
    }
}

/// One Gaussian N(μ, σ²): x_t is N(a μ, a² σ² + s²), by formula, by the mixture's closed form and by drawing it.
#[test]
fn the_forward_marginal_of_one_gaussian_is_the_textbook_one() {
    let (mu, sigma) = ([0.7_f32, -1.2], 0.4_f32);
    let mixture = Mixture::new(vec![Component {
        mean: mu,
        sigma,
        weight: 1.0,
    }])
    .unwrap();
    let n = 100_000;
    let x0 = mixture.draw(n, 11);
    for schedule in Schedule::every() {
        for tau in [0.0, 0.1, 0.35, 0.8, 1.0] {
            let Scales { a, s } = schedule.scales(tau, T);
            let variance = a * a * f64::from(sigma).powi(2) + s * s;
            for x in [[0.0, 0.0], [1.5, -2.0], [-30.0, 4.0]] {
                let square = (0..2)
                    .map(|axis| (x[axis] - a * f64::from(mu[axis])).powi(2))
                    .sum::<f64>();
                let by_hand = -(std::f64::consts::TAU * variance).ln() - 0.5 * square / variance;
                let closed = mixture.log_density(x, schedule.scales(tau, T));
                assert!(
                    (closed - by_hand).abs() < 1e-9 * by_hand.abs().max(1.0),
                    "{schedule:?} {tau}"
                );
            }
            for axis in 0..2 {
                let (mut sum, mut squares) = (0.0, 0.0);
                for (i, x0) in x0.iter().enumerate() {
                    let x = a * f64::from(x0[axis])
                        + s * f64::from(normal(5, Stream::Forward, 0, i as u32)[axis]);
                    let off = x - a * f64::from(mu[axis]);
                    sum += off;
                    squares += off * off;
                }
                // Five standard errors.
                let count = n as f64;
                assert!(
                    (sum / count).abs() < 5.0 * (variance / count).sqrt(),
                    "{schedule:?} {tau}: mean"
                );
                let spread = squares / count / variance;
                assert!(
                    (spread - 1.0).abs() < 5.0 * (2.0 / count).sqrt(),
                    "{schedule:?} {tau}: variance"
                );
            }
        }
    }
}

// ---- samplers with the exact field ----------------------------------------------------------------------------------

/// Run a plan in a plain loop, with E[x_0 | x] in the place of a network.
fn run_exactly(plan: &Plan, field: &ExactField, n: u32, seed: u64) -> Vec<[f32; 2]> {
    let start =
        |i: u32| normal(seed, Stream::SamplerStart, 0, i).map(|z| plan.start_std * f64::from(z));
    if plan.control.is_some() {
        // Each in steps of its own.
        let x0 = |stage: &PlanStep, x| field.mixture.posterior_mean(x, stage.scales);
        let end = |i: u32| plan.run(start(i), x0, |_| [0.0; 2]).map(|c| c as f32);
        return (0..n).into_par_iter().map(end).collect();
    }
    let mut particles: Vec<Registers> = (0..n).map(|i| Registers::at(start(i))).collect();
    for (index, step) in plan.steps.iter().enumerate() {
        let marginal = field.marginal(step.tau);
        particles
            .par_iter_mut()
            .enumerate()
            .for_each(|(i, particle)| {
                let x0 = marginal.posterior_mean(particle.x);
                let z = normal(seed, Stream::SamplerNoise, index as u32, i as u32).map(f64::from);
                step.advance(particle, x0, z);
            });
    }
    particles
        .into_iter()
        .map(|particle| particle.x.map(|c| c as f32))
        .collect()
}

/// The distance of a sampler's points to fresh data in sampling floors. One pair alone scatters by a third of the floor
/// (by how many points fell into which loop), so both are averaged over some runs, against the same fresh data.
fn floors_from_data(plan: &Plan, field: &ExactField, n: u32, runs: u64) -> f64 {
    distance_from_data(plan, field, n, runs) / floor(&field.mixture, n, runs)
}

/// W₂ of samples to fresh draws, the mean over runs.
fn distance_from_data(plan: &Plan, field: &ExactField, n: u32, runs: u64) -> f64 {
    let distance = |run: u64| {
        let fresh = field.mixture.draw(n as usize, 100 + run);
        wasserstein2(&run_exactly(plan, field, n, 21 + run), &fresh).unwrap()
    };
    (0..runs).map(distance).sum::<f64>() / runs as f64
}

/// W₂ of draws to the same fresh draws.
fn floor(mixture: &Mixture, n: u32, runs: u64) -> f64 {
    let draw = |seed: u64| mixture.draw(n as usize, seed);
    let pairs = (0..runs).flat_map(|run| (0..2).map(move |k| (run, k)));
    let distances =
        pairs.map(|(run, k)| wasserstein2(&draw(1000 + 2 * run + k), &draw(100 + run)).unwrap());
    distances.sum::<f64>() / (2 * runs) as f64
}

#[test]
fn ancestral_sampling_with_the_exact_field_returns_the_data() {
    for (shape, schedule, steps) in [
        (Shape::Figure8, Schedule::Linear, 1000),
        (Shape::EightGaussians, Schedule::Cosine, 1000),
        (Shape::Figure8, Schedule::Cosine, 50),
        (Shape::Figure8, Schedule::Linear, 50),
        (Shape::Checkerboard, Schedule::Linear, 50),
        (Shape::Moons, Schedule::Cosine, 50),
    ] {
        let field = exact(shape.mixture(), schedule);
        let plan = Sampler::Ddpm(Variance::BetaTilde).plan(steps, context(schedule), None);
        let floors = floors_from_data(&plan, &field, 1024, if steps > 200 { 2 } else { 6 });
        assert!(
            floors < 1.3,
            "{shape:?}, {schedule:?}, {steps} steps: {floors:.2} floors"
        );
    }
}

#[test]
fn every_sampler_and_path_returns_the_data() {
    let floors = [Shape::EightGaussians, Shape::Figure8]
        .map(|shape| (shape, floor(&shape.mixture(), 512, 4)));
    // Of the limits of one's own schedule those that lead from noise to data without a cliff.
    for schedule in Schedule::ALL
        .into_iter()
        .chain([LogSnr::default(), LogSnr::CORNERS[0]].map(Schedule::Custom))
    {
        // Those that come from one level alone do not: that is what it shows.
        // Nor does what lands on the mean of the data in every step, which is made for other models.
        let one_level = |sampler: &Sampler| {
            matches!(sampler, Sampler::LangevinOne { .. } | Sampler::Consistency)
        };
        let all = Sampler::ALL
            .into_iter()
            .filter(|sampler| !one_level(sampler))
            .chain([Sampler::Ddim { eta: 0.5 }, Sampler::Edm { churn: 20.0 }])
            .map(|s| (s, Shape::EightGaussians));
        // The thin lines of the figure-8, with its 512 components, by one of the kinds.
        let thin =
            [Sampler::Ddim { eta: 0.5 }, Sampler::Heun].map(|sampler| (sampler, Shape::Figure8));
        for (sampler, shape) in all.chain(thin) {
            let field = exact(shape.mixture(), schedule);
            let spread = Spread::of(&field.mixture);
            let plan = sampler.plan(50, context(schedule), None);
            let plan = plan.with_posterior_variance(|scales| spread.at(scales));
            let (_, floor) = floors.iter().find(|(of, _)| *of == shape).unwrap();
            let floors = distance_from_data(&plan, &field, 512, 4) / floor;
            assert!(
                floors < 1.3,
                "{schedule}, {sampler}, {shape:?}: {floors:.2} floors"
            );
        }
    }
}

/// From points of p_t one step by the best variance leads to points as spread as those of p_r, whatever the data and the stride (the law of
/// total variance); by the posterior's some of it is lost.
#[test]
fn a_step_by_the_best_variance_keeps_the_spread_of_the_noisy_points() {
    const POINTS: u32 = 40_000;
    for shape in [Shape::EightGaussians, Shape::Moons, Shape::Figure8] {
        let field = exact(shape.mixture(), Schedule::Cosine);
        let spread = Spread::of(&field.mixture);
        let clean = field.mixture.draw(POINTS as usize, 3);
        let square = |p: [f64; 2]| p[0] * p[0] + p[1] * p[1];
        let of_data: f64 = clean.iter().map(|p| square(p.map(f64::from))).sum();
        let of_data = of_data / f64::from(POINTS);
        let mut lost = Vec::new();
        for sampler in [Sampler::DdpmAnalytic, Sampler::Ddpm(Variance::BetaTilde)] {
            let plan = sampler.plan(5, context(Schedule::Cosine), None);
            let plan = plan.with_posterior_variance(|scales| spread.at(scales));
            for stage in &plan.steps[..plan.steps.len() - 1] {
                let (now, marginal) = (stage.scales, field.marginal(stage.tau));
                let led = (0..POINTS).into_par_iter().map(|i| {
                    let noise = |stream| normal(8, stream, 0, i).map(f64::from);
                    let epsilon = noise(Stream::Forward);
                    let x_0 = clean[i as usize];
                    let x = [0, 1].map(|k| now.a * f64::from(x_0[k]) + now.s * epsilon[k]);
                    let mut particle = Registers::at(x);
                    let x_0 = marginal.posterior_mean(x);
                    stage.advance(&mut particle, x_0, noise(Stream::SamplerNoise));
                    square(particle.x)
                });
                let found = led.sum::<f64>() / f64::from(POINTS);
                let next = field.scales(stage.tau_next);
                let expected = next.a * next.a * of_data + 2.0 * next.s * next.s;
                let off = found / expected - 1.0;
                // The square of a normal deviate has the variance 2: four standard errors of both coordinates.
                let chance = 4.0 / f64::from(POINTS).sqrt();
                if sampler == Sampler::DdpmAnalytic {
                    assert!(off.abs() < chance, "{shape:?} at {}: {off:.4}", stage.tau);
                } else {
                    lost.push(off);
                }
            }
        }
        let most = lost.into_iter().fold(0.0, f64::min);
        assert!(most < -0.1, "{shape:?}: by the posterior's {most:.3}");
    }
}

/// The trap: jump 20 timesteps, but take the posterior of one. The samples are wrong, and the measure above sees it.
#[test]
fn a_strided_step_with_the_one_step_posterior_would_fail() {
    let schedule = Schedule::Linear;
    let field = exact(Shape::Figure8.mixture(), schedule);
    let right = Sampler::Ddpm(Variance::BetaTilde).plan(50, context(schedule), None);
    let one_step = Sampler::Ddpm(Variance::BetaTilde).plan(T, context(schedule), None);
    let mistaken = |step: &PlanStep| {
        let (_, t) = timesteps_of(step);
        let PlanStep { to_x, .. } = one_step.steps[(T - t) as usize];
        PlanStep { to_x, ..*step }
    };
    let wrong = Plan {
        steps: right.steps.iter().map(mistaken).collect(),
        ..right
    };
    let floors = floors_from_data(&wrong, &field, 1024, 2);
    assert!(floors > 3.0, "{floors:.2} floors");
}

/// For one centred Gaussian of standard deviation σ the probability-flow ODE is linear: x keeps its quantile, so that
/// x_0 = x_T · σ / √(a_T² σ² + s_T²) (Song et al. 2021, section 4.3). Deterministic DDIM converges to it in first order.
#[test]
fn deterministic_ddim_converges_to_the_closed_form_ode() {
    for schedule in Schedule::ALL
        .into_iter()
        .chain([LogSnr::default(), LogSnr::CORNERS[0]].map(Schedule::Custom))
    {
        let sigma = 0.5_f32;
        let mixture = Mixture::new(vec![Component {
            mean: [0.0; 2],
            sigma,
            weight: 1.0,
        }])
        .unwrap();
        let timesteps = 8000;
        // Of 8000 timesteps the literal table makes a schedule eight times as long, and each step errs the more.
        let limit = if schedule == Schedule::Literal {
            2e-3
        } else {
            1e-3
        };
        let field = ExactField {
            mixture: Arc::new(mixture),
            schedule,
            timesteps,
        };
        let Scales { a, s } = field.scales(1.0);
        let expected = f64::from(sigma) / (a * f64::from(sigma)).hypot(s);
        let error = |steps: u32| {
            let context = PlanContext {
                schedule,
                target: Target::Eps,
                timesteps,
            };
            let plan = Sampler::Ddim { eta: 0.0 }.plan(steps, context, None);
            let mut x = 1.0;
            for step in &plan.steps {
                let x0 = field.x0_hat([x, 0.0], step.tau)[0];
                x = step.to_x.x * x + step.to_x.x_0 * x0;
            }
            (x / expected - 1.0).abs()
        };
        let (coarse, fine) = (error(500), error(8000));
        assert!(fine < limit, "{schedule:?}: {fine}");
        assert!(
            coarse > 8.0 * fine,
            "{schedule:?}: sixteen times the steps take the error from {coarse} to {fine} only"
        );
    }
}

// ---- coefficients against slow, separate derivations ----------------------------------------------------------------

/// The jointly Gaussian pair (x_r, x_t) given x_0: means as multiples of x_0, and covariance.
struct Joint {
    mean: [f64; 2],
    covariance: [[f64; 2]; 2],
}

/// Walk the chain x_k = √(1 − β_k) x_{k−1} + √β_k z one timestep at a time from x_0 to x_t, keeping x_r in the joint.
fn walk_the_chain(schedule: Schedule, r: u32, t: u32) -> Joint {
    let (mut mean, mut variance) = (1.0, 0.0);
    let one_step = |k: u32| {
        let beta = schedule.beta(k, T);
        ((1.0 - beta).sqrt(), beta)
    };
    for k in 1..=r {
        let (shrink, beta) = one_step(k);
        mean *= shrink;
        variance = shrink * shrink * variance + beta;
    }
    let (mean_r, variance_r) = (mean, variance);
    let mut covariance = variance;
    for k in r + 1..=t {
        let (shrink, beta) = one_step(k);
        mean *= shrink;
        covariance *= shrink;
        variance = shrink * shrink * variance + beta;
    }
    Joint {
        mean: [mean_r, mean],
        covariance: [[variance_r, covariance], [covariance, variance]],
    }
}

impl Joint {
    /// x_r given x_t and x_0: (factor of x_t, factor of x_0, variance), by conditioning the joint.
    fn earlier_given_later(&self) -> (f64, f64, f64) {
        let [[var_r, cov], [_, var_t]] = self.covariance;
        let gain = cov / var_t;
        (gain, self.mean[0] - gain * self.mean[1], var_r - gain * cov)
    }

    /// Variance of x_t given x_r: the stride's own β.
    fn later_given_earlier(&self) -> f64 {
        let [[var_r, cov], [_, var_t]] = self.covariance;
        if var_r == 0.0 {
            var_t
        } else {
            var_t - cov * cov / var_r
        }
    }
}

/// (r, t): the whole timesteps that a step leads to and from.
fn timesteps_of(step: &PlanStep) -> (u32, u32) {
    let whole = |tau: f64| (tau * f64::from(T)).round() as u32;
    (whole(step.tau_next), whole(step.tau))
}

#[test]
fn ddpm_steps_are_the_conditionals_of_the_one_step_chain() {
    for schedule in [Schedule::Linear, Schedule::Cosine] {
        for steps in [1, 7, 50, 333, 1000] {
            let tilde = Sampler::Ddpm(Variance::BetaTilde).plan(steps, context(schedule), None);
            let beta = Sampler::Ddpm(Variance::Beta).plan(steps, context(schedule), None);
            for (tilde, beta) in tilde.steps.iter().zip(&beta.steps) {
                let (r, t) = timesteps_of(tilde);
                let joint = walk_the_chain(schedule, r, t);
                let (c_x, c_0, variance) = joint.earlier_given_later();
                assert!(
                    (tilde.to_x.x - c_x).abs() < 1e-9,
                    "{schedule:?} {t} → {r}: c_x {} and {c_x}",
                    tilde.to_x.x
                );
                assert!(
                    (tilde.to_x.x_0 - c_0).abs() < 1e-9,
                    "{schedule:?} {t} → {r}: c_0 {} and {c_0}",
                    tilde.to_x.x_0
                );
                assert!(
                    (tilde.to_x.z.powi(2) - variance).abs() < 1e-9,
                    "{schedule:?} {t} → {r}: variance"
                );
                assert_eq!((beta.to_x.x, beta.to_x.x_0), (tilde.to_x.x, tilde.to_x.x_0));
                let wide = if r == 0 {
                    0.0
                } else {
                    joint.later_given_earlier()
                };
                assert!(
                    (beta.to_x.z.powi(2) - wide).abs() < 1e-9,
                    "{schedule:?} {t} → {r}: β"
                );
            }
        }
    }
}

/// Ho et al. 2020 in their own symbols, eq. 7, for whole runs: the strided formula at stride 1 must be it.
#[test]
fn ddpm_at_full_length_is_the_papers_formula() {
    let schedule = Schedule::Linear;
    let plan = Sampler::Ddpm(Variance::BetaTilde).plan(T, context(schedule), None);
    assert_eq!(plan.steps.len(), 1000);
    let alpha_bar = |t: u32| schedule.alpha_bar(f64::from(t) / f64::from(T), T);
    for (step, t) in plan.steps.iter().zip((1..=T).rev()) {
        let beta = schedule.beta(t, T);
        let rest = 1.0 - alpha_bar(t);
        assert!((step.to_x.x_0 - alpha_bar(t - 1).sqrt() * beta / rest).abs() < 1e-9);
        assert!((step.to_x.x - (1.0 - beta).sqrt() * (1.0 - alpha_bar(t - 1)) / rest).abs() < 1e-9);
        assert!((step.to_x.z.powi(2) - (1.0 - alpha_bar(t - 1)) / rest * beta).abs() < 1e-9);
    }
}

proptest! {
    /// Song, Meng & Ermon 2021, eq. 12 and 16, word for word in ᾱ and ε: what a step does to any x and ε̂.
    #[test]
    fn ddim_steps_are_equation_12(
        x in -4.0..4.0_f64, eps in -4.0..4.0_f64, z in -3.0..3.0_f64, eta in 0.0..=1.0_f64,
        steps in 1..=1000_u32, cosine: bool,
    ) {
        let schedule = if cosine { Schedule::Cosine } else { Schedule::Linear };
        let plan = Sampler::Ddim { eta }.plan(steps, context(schedule), None);
        for step in &plan.steps {
            let alpha = schedule.alpha_bar(step.tau, T);
            let alpha_prev = schedule.alpha_bar(step.tau_next, T);
            let sigma = eta * ((1.0 - alpha_prev) / (1.0 - alpha)).sqrt() * (1.0 - alpha / alpha_prev).sqrt();
            let predicted_x0 = (x - (1.0 - alpha).sqrt() * eps) / alpha.sqrt();
            let direction = (1.0 - alpha_prev - sigma * sigma).max(0.0).sqrt() * eps;
            let expected = alpha_prev.sqrt() * predicted_x0 + direction + sigma * z;
            // As an engine runs it, the network's output being ε̂.
            let x0 = step.x0_x * x + step.x0_output * eps;
            let next = step.to_x.x * x + step.to_x.x_0 * x0 + step.to_x.z * z;
            let scale = 1.0 + predicted_x0.abs();
            prop_assert!((next - expected).abs() < 1e-7 * scale, "{} → {}", step.tau, step.tau_next);
        }
    }
}
