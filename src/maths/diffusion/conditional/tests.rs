use super::*;
use crate::data::mixture::Component;
use crate::data::shapes::Shape;
use crate::diffusion::solver::drift_and_diffusion;
use crate::measure::Estimate;

const TIMESTEPS: [u32; 4] = [10, 50, 250, 1000];

/// Some timesteps from 1 to T.
fn taus(timesteps: u32) -> impl Iterator<Item = f64> {
    let of = f64::from(timesteps);
    [0.0, 0.05, 0.2, 0.5, 0.8, 0.95, 1.0]
        .into_iter()
        .map(move |share: f64| (share * of).round().max(1.0) / of)
}

/// Every schedule, T and t.
fn times() -> impl Iterator<Item = (Schedule, u32, f64)> {
    Schedule::every().into_iter().flat_map(|schedule| {
        TIMESTEPS
            .into_iter()
            .flat_map(move |t| taus(t).map(move |tau| (schedule, t, tau)))
    })
}

fn lobes(of: &[([f32; 2], f32, f32)]) -> Mixture {
    let lobe = |&(mean, sigma, weight): &([f32; 2], f32, f32)| Component {
        mean,
        sigma,
        weight,
    };
    Mixture::new(of.iter().map(lobe).collect()).unwrap()
}

fn one() -> Mixture {
    lobes(&[([0.3, -0.2], 0.8, 1.0)])
}

fn three() -> Mixture {
    lobes(&[
        ([-1.2, 0.3], 0.3, 0.5),
        ([1.1, -0.6], 0.4, 0.3),
        ([0.2, 1.3], 0.25, 0.2),
    ])
}

fn close(found: [f64; 2], expected: [f64; 2], relative: f64) -> bool {
    let size = 1.0 + expected[0].hypot(expected[1]);
    (0..2).all(|axis| (found[axis] - expected[axis]).abs() < relative * size)
}

/// Seen from the side of the data, to the second order: corners of a schedule lie on timesteps.
#[test]
fn the_conditional_velocity_is_the_derivative_of_the_conditional_path() {
    let (x_0, epsilon) = ([0.7, -1.1], [-0.4, 1.6]);
    for (schedule, timesteps, tau) in times() {
        let path = |tau| {
            let Scales { a, s } = schedule.scales(tau, timesteps);
            [0, 1].map(|axis| a * x_0[axis] + s * epsilon[axis])
        };
        let h = 1e-5 * tau;
        let [now, before, first] = [tau, tau - h, tau - 2.0 * h].map(path);
        let expected =
            [0, 1].map(|axis| (3.0 * now[axis] - 4.0 * before[axis] + first[axis]) / (2.0 * h));
        let velocity = Velocity::at(schedule, tau, timesteps).unwrap();
        let found = velocity.conditional(now, x_0);
        assert!(
            close(found, expected, 1e-6),
            "{schedule} {timesteps} {tau}: {found:?}, not {expected:?}"
        );
        let [of_x, of_x_0] = velocity.factors();
        let sum = [0, 1].map(|axis| of_x * now[axis] + of_x_0 * x_0[axis]);
        assert!(close(sum, found, 1e-9), "{schedule} {timesteps} {tau}");
    }
}

/// f and g² from their integrals over a short step, which are closed forms of their own.
#[test]
fn the_marginal_velocity_is_that_of_the_probability_flow() {
    let mixture = Shape::ALL[0].mixture();
    for (schedule, timesteps, tau) in times() {
        let (velocity, now) = (
            Velocity::at(schedule, tau, timesteps).unwrap(),
            schedule.scales(tau, timesteps),
        );
        if now.a == 0.0 {
            continue;
        }
        // As the step gets short, by two of them.
        let rates = |h: f64| {
            let (drift, diffusion) =
                drift_and_diffusion(schedule, now, schedule.scales(tau - h, timesteps));
            [-drift / h, diffusion / h]
        };
        // The cosine's cap begins just before its end.
        let h = if tau == 1.0 { 1e-5 } else { 2e-4 * tau };
        let [short, long] = [h, 2.0 * h].map(rates);
        let [f, g_squared] = [0, 1].map(|which| 2.0 * short[which] - long[which]);
        let marginal = mixture.marginal(now);
        for x in [[0.0, 0.1], [0.9, -0.7], [-2.0, 1.5]] {
            let score = marginal.score(x);
            let expected = [0, 1].map(|axis| f * x[axis] - 0.5 * g_squared * score[axis]);
            let found = velocity.marginal(x, &marginal);
            assert!(
                close(found, expected, 5e-5),
                "{schedule} {timesteps} {tau} {x:?}: {found:?}, not {expected:?}"
            );
        }
    }
}

/// The mean of u(x | x_0) over the plane of x_0, weighed by p_0(x_0) N(x; a x_0, s² I).
#[test]
fn conditional_velocities_integrate_to_the_marginal_one() {
    const CELL: f64 = 0.04;
    for mixture in [one(), three()] {
        let grid: Vec<([f64; 2], f64)> = (-110..=110)
            .flat_map(|i| (-110..=110).map(move |j| [i, j].map(|k| CELL * f64::from(k))))
            .map(|x_0| (x_0, mixture.log_density(x_0, Scales { a: 1.0, s: 0.0 })))
            .collect();
        for schedule in Schedule::every() {
            for (timesteps, tau) in [(10, 0.3), (10, 1.0), (1000, 0.5), (1000, 0.9), (1000, 1.0)] {
                let scales = schedule.scales(tau, timesteps);
                // Narrower than that the grid does not see it.
                if scales.s < 2.0 * CELL * scales.a {
                    continue;
                }
                let velocity = Velocity::at(schedule, tau, timesteps).unwrap();
                for x in [[0.1, 0.2], [1.0, -1.1]] {
                    let (mut sum, mut mass) = ([0.0; 2], 0.0);
                    for (x_0, log_p) in &grid {
                        let away = [0, 1].map(|axis| (x[axis] - scales.a * x_0[axis]) / scales.s);
                        let weight = (log_p - 0.5 * (away[0] * away[0] + away[1] * away[1])).exp();
                        let u = velocity.conditional(x, *x_0);
                        mass += weight;
                        sum = [0, 1].map(|axis| sum[axis] + weight * u[axis]);
                    }
                    let expected = sum.map(|sum| sum / mass);
                    let found = velocity.marginal(x, &mixture.marginal(scales));
                    assert!(
                        close(found, expected, 1e-4),
                        "{schedule} {timesteps} {tau} {x:?}: {found:?}, not {expected:?}"
                    );
                }
            }
        }
    }
}

/// Within three standard errors, as often as a mean is.
#[test]
fn conditional_velocities_of_draws_average_to_the_marginal_one() {
    let (mut count, mut beyond, mut squares) = (0.0, 0.0, 0.0);
    let all = [one(), three(), Shape::ALL[0].mixture()];
    for (seed, (schedule, timesteps, tau)) in (0..).zip(times()) {
        let velocity = Velocity::at(schedule, tau, timesteps).unwrap();
        let scales = schedule.scales(tau, timesteps);
        for mixture in &all {
            for x in [[0.2, -0.1], [-0.9, 1.4]] {
                let marginal = velocity.marginal(x, &mixture.marginal(scales));
                let draws = posterior(mixture, x, scales).draws(seed, 400);
                for (axis, expected) in marginal.into_iter().enumerate() {
                    let drawn: Vec<f64> = draws
                        .iter()
                        .map(|x_0| velocity.conditional(x, *x_0)[axis])
                        .collect();
                    let mean = Estimate::of_mean(&drawn);
                    // Where nothing moves, and where x_t alone says what u is, all draws are one.
                    if mean.error < 1e-9 * (1.0 + expected.abs()) {
                        assert!((mean.value - expected).abs() < 1e-6);
                        continue;
                    }
                    let off = (mean.value - expected) / mean.error;
                    assert!(
                        off.abs() < 6.0,
                        "{schedule} {timesteps} {tau} {x:?}: off by {off} standard errors"
                    );
                    count += 1.0;
                    squares += off * off;
                    beyond += f64::from(u8::from(off.abs() > 3.0));
                }
            }
        }
    }
    assert!(count > 2000.0, "{count}");
    // 0.3 % for a normal mean, a little more for few draws of a skew one.
    assert!(beyond < 0.006 * count, "{beyond} of {count}");
    let spread = squares / count;
    assert!((0.9..1.1).contains(&spread), "{spread}");
}

/// Of N(0, σ² I): x_0 | x is N(a σ² x/v, σ² s²/v I) with v = a² σ² + s²; and of lobes far apart each has its share.
#[test]
fn draws_have_the_mean_the_spread_and_the_shares_of_the_posterior() {
    let (scales, x) = (Scales { a: 0.6, s: 0.8 }, [1.4, -0.7]);
    let draws = posterior(&lobes(&[([0.0, 0.0], 1.5, 1.0)]), x, scales).draws(3, 4000);
    let v = 0.36 * 2.25 + 0.64;
    for axis in 0..2 {
        let along: Vec<f64> = draws.iter().map(|x_0| x_0[axis]).collect();
        let mean = Estimate::of_mean(&along);
        assert!((mean.value - 0.6 * 2.25 * x[axis] / v).abs() < 4.0 * mean.error);
        // The standard error of 4000 draws is that of one over √4000.
        let variance = 4000.0 * mean.error * mean.error;
        assert!((variance / (2.25 * 0.64 / v) - 1.0).abs() < 0.1);
    }
    // p(right | x) = 1/(1 + exp(−2 a x/s²) · 3), the left being three times as heavy.
    let two = lobes(&[([-1.0, 0.0], 1e-3, 0.75), ([1.0, 0.0], 1e-3, 0.25)]);
    let draws = posterior(&two, [0.4, 0.0], scales).draws(4, 4000);
    let right = draws.iter().filter(|x_0| x_0[0] > 0.0).count() as f64 / 4000.0;
    let expected = 1.0 / (1.0 + 3.0 * (-2.0 * 0.6 * 0.4 / 0.64_f64).exp());
    let error = (expected * (1.0 - expected) / 4000.0).sqrt();
    assert!((right - expected).abs() < 4.0 * error, "{right} {expected}");
}

/// Of N(0, σ² I) the flow only scales: x along its path is as √(a² σ² + s²).
#[test]
fn the_marginal_path_of_a_gaussian_scales_with_it() {
    let mixture = lobes(&[([0.0, 0.0], 0.5, 1.0)]);
    let x = [0.8, -0.3];
    for schedule in Schedule::every() {
        for timesteps in [10, 1000] {
            let passage = Passage::between(schedule, timesteps, 0.9, 0.3, 64);
            let path = passage.marginal(&mixture, x);
            let width = |scales: &Scales| (0.5 * scales.a).hypot(scales.s);
            let begun = width(&passage.0[0]);
            assert_eq!(path.len(), 65);
            for (scales, found) in passage.0.iter().zip(path) {
                let expected = x.map(|c| c * width(scales) / begun);
                assert!(
                    close(found, expected, 2e-3),
                    "{schedule}: {found:?} {expected:?}"
                );
            }
        }
    }
}

/// To t = 0, from everywhere; and the conditional one ends on its x_0.
#[test]
fn paths_lead_onto_the_data() {
    let mixture = three();
    for (schedule, timesteps, tau) in times() {
        let scales = schedule.scales(tau, timesteps);
        let passage = Passage::between(schedule, timesteps, tau, 0.0, 32);
        let (x, x_0) = ([0.4, 0.3], [-1.2, 0.4]);
        let epsilon = [0, 1].map(|axis| (x[axis] - scales.a * x_0[axis]) / scales.s);
        let path = passage.conditional(x_0, epsilon);
        assert!(close(path[0], x, 1e-9) && path.len() == 33);
        let last = schedule.scales(0.0, timesteps);
        assert!(last.s == 0.0 && close(path[32], x_0, 1e-9), "{schedule}");
        let path = passage.marginal(&mixture, x);
        assert!(path.iter().flatten().all(|c| c.is_finite()), "{schedule}");
    }
}

/// At s = 0 nothing is said, at a = 0 what is finite.
#[test]
fn ends_are_finite_or_silent() {
    for schedule in Schedule::every() {
        for timesteps in TIMESTEPS {
            assert_eq!(Velocity::at(schedule, 0.0, timesteps), None, "{schedule}");
            let end = Velocity::at(schedule, 1.0, timesteps).unwrap();
            let marginal = three().marginal(schedule.scales(1.0, timesteps));
            let u = end.marginal([0.3, 50.0], &marginal);
            assert!(u.iter().all(|c| c.is_finite()), "{schedule} {timesteps}");
            // One's own may end level.
            if !matches!(schedule, Schedule::Custom(_)) {
                assert_eq!(end.is_at_rest(), schedule == Schedule::Cosine, "{schedule}");
            }
        }
    }
}
