//! Against closed forms of one Gaussian, against integrals and against the chain itself, drawn step by step.

use super::*;
use crate::data::mixture::{Component, Mixture};
use crate::measure::entropy::{differential_entropy, normal_entropy};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;

const COUNTS: [u32; 4] = [10, 50, 200, 1000];

fn gaussian(mean: [f32; 2], sigma: f32) -> Mixture {
    let weight = 1.0;
    Mixture::new(vec![Component {
        mean,
        sigma,
        weight,
    }])
    .unwrap()
}

/// Three lobes of different widths and weights.
fn lobes() -> Mixture {
    let lobe = |mean, sigma, weight| Component {
        mean,
        sigma,
        weight,
    };
    Mixture::new(vec![
        lobe([-1.2, 0.3], 0.2, 0.5),
        lobe([0.9, 0.8], 0.35, 0.3),
        lobe([0.8, -1.4], 0.15, 0.2),
    ])
    .unwrap()
}

/// What the exact denoiser of N(0, variance I) makes: E‖x_0 − x̂_0‖²/D = v s²/(a² v + s²), Γ = 1/(a² v + s²).
fn closed_moments(chain: &Chain, variance: f64) -> Vec<Moments> {
    let at = |step: &Step| {
        let Scales { a, s } = step.now;
        let marginal = a * a * variance + s * s;
        Moments {
            x0_error: variance * s * s / marginal,
            gamma: 1.0 / marginal,
            data_variance: variance,
            // Only the mean of β̃ + c_0² v s²/(a² v + s²), whatever x_t is.
            widening: None,
        }
    };
    chain.steps.iter().map(at).collect()
}

/// The bound of that denoiser, every expectation in closed form.
fn closed_bound(chain: &Chain, choice: StepVariance, variance: f64) -> f64 {
    let moments = closed_moments(chain, variance);
    let sigma_squared = chain.variances(choice, &moments);
    let terms = chain.steps.iter().zip(&moments).zip(&sigma_squared);
    let terms = terms.map(|((step, moments), &s)| step.term(s, D * moments.x0_error));
    chain.prior_term(D * variance) + terms.sum::<f64>()
}

/// Of one Gaussian x_{t−1} given x_t is a Gaussian: by the best variances nothing is lost but at the prior, so that for every schedule
/// and every T the bound is h(p_0) + KL(p_T ‖ prior).
#[test]
fn of_one_gaussian_the_best_variances_reach_the_entropy() {
    for schedule in Schedule::every() {
        for timesteps in COUNTS {
            for sigma in [0.05_f64, 0.7, 1.6] {
                let chain = Chain::new(schedule, timesteps);
                let Scales { a, s } = schedule.scales(1.0, timesteps);
                // Samplers start from the variance of x_T, of data of variance 1.
                let ratio = ((a * sigma).powi(2) + s * s) / (a * a + s * s);
                let known = normal_entropy(sigma) + ratio - 1.0 - ratio.ln();
                for choice in [StepVariance::Least, StepVariance::Analytic] {
                    let found = closed_bound(&chain, choice, sigma * sigma);
                    assert!(
                        (found - known).abs() < 1e-6 * (1.0 + known.abs()),
                        "{schedule}, T = {timesteps}, σ = {sigma}, {choice:?}: {found}, not {known}"
                    );
                }
            }
        }
    }
}

/// With the variance β the bound comes down to the entropy as 1/T.
#[test]
fn of_one_gaussian_the_bound_tends_to_the_entropy() {
    for schedule in [Schedule::Linear, Schedule::Cosine] {
        let above = |timesteps| {
            closed_bound(&Chain::new(schedule, timesteps), StepVariance::Beta, 0.5)
                - normal_entropy(0.5_f64.sqrt())
        };
        let [few, many] = [1000, 8000].map(above);
        assert!(many > 0.0 && many < 0.01, "{schedule}: {many}");
        assert!(
            (4.0..12.0).contains(&(few / many)),
            "{schedule}: {few}, {many}"
        );
    }
}

/// N(mean, variance) of one axis, its logarithm.
fn log_normal(x: f64, mean: f64, variance: f64) -> f64 {
    -0.5 * ((TAU * variance).ln() + (x - mean).powi(2) / variance)
}

/// ∫ q ln(q/p) by the midpoint rule, over ± 12 deviations of q.
fn divergence(q: (f64, f64), p: (f64, f64)) -> f64 {
    let (cells, reach) = (6000, 12.0 * q.1.sqrt());
    let width = 2.0 * reach / f64::from(cells);
    let at = |cell: i32| q.0 - reach + (f64::from(cell) + 0.5) * width;
    let part = |x| {
        let log_q = log_normal(x, q.0, q.1);
        log_q.exp() * (log_q - log_normal(x, p.0, p.1)) * width
    };
    (0..cells).map(at).map(part).sum()
}

/// Each term against the integral of its definition, the means and the posterior's variance written out from the two Gaussians
/// q(x_{t−1}|x_0) and q(x_t|x_{t−1}).
#[test]
fn a_term_is_the_divergence_of_its_two_gaussians() {
    let (x_0, x0_hat) = ([0.4, -1.2], [0.7, -0.9]);
    for schedule in Schedule::every() {
        for (timesteps, t) in [(10, 2_u32), (10, 10), (1000, 2), (1000, 400)] {
            let at = |t: u32| schedule.scales(f64::from(t) / f64::from(timesteps), timesteps);
            let (now, next) = (at(t), at(t - 1));
            let chain = Chain::new(schedule, timesteps);
            let step = chain.steps[t as usize - 1];
            // Precisions add: of N(a_r x_0, s_r²), and of x_t = κ x_r + noise.
            let kappa = now.a / next.a;
            let noise = now.s * now.s - (kappa * next.s).powi(2);
            let width = 1.0 / (1.0 / (next.s * next.s) + kappa * kappa / noise);
            let mean = |x_0: f64, x_t: f64| {
                width * (next.a * x_0 / (next.s * next.s) + kappa * x_t / noise)
            };
            for stretch in [0.6, 1.0, 1.7] {
                let sigma_squared = stretch * width;
                let of_axis = |axis: usize| {
                    let x_t = now.a * x_0[axis] + 0.3 * now.s;
                    divergence(
                        (mean(x_0[axis], x_t), width),
                        (mean(x0_hat[axis], x_t), sigma_squared),
                    )
                };
                let square = (0.3_f64).powi(2) + (0.3_f64).powi(2);
                let (found, known) = (step.term(sigma_squared, square), of_axis(0) + of_axis(1));
                assert!(
                    (found - known).abs() < 1e-6 * (1.0 + known.abs()),
                    "{schedule}, T = {timesteps}, t = {t}, {stretch}: {found}, not {known}"
                );
            }
        }
        let chain = Chain::new(schedule, 50);
        let Scales { a, s } = schedule.scales(1.0, 50);
        let of_axis = |x: f64| divergence((a * x, s * s), (0.0, chain.prior_variance));
        let known = of_axis(x_0[0]) + of_axis(x_0[1]);
        let found = chain.prior_term(0.4_f64.powi(2) + 1.2_f64.powi(2));
        assert!(
            (found - known).abs() < 1e-6 * (1.0 + known),
            "{schedule}: {found}, not {known}"
        );
        let last = chain.steps[0];
        let density = -log_normal(0.4, 0.7, 0.02) - log_normal(-1.2, -0.9, 0.02);
        assert!((last.term(0.02, 0.18) - density).abs() < 1e-9);
    }
}

/// No denoiser crosses the entropy, whatever the schedule, the variances and T; more steps come nearer to it.
#[test]
fn the_bound_lies_above_the_entropy_and_comes_down_with_t() {
    let mixture = lobes();
    let own = crate::diffusion::log_snr::LogSnr::default();
    for schedule in Schedule::ALL.into_iter().chain([Schedule::Custom(own)]) {
        let mut before: Option<Estimate> = None;
        for timesteps in COUNTS {
            let draws = Draws::exact(&mixture, schedule, timesteps, 400, 3);
            for choice in StepVariance::ALL {
                let bound = Bound::of(&draws, choice).unwrap();
                let Estimate { value, error } = bound.above_entropy;
                let case = format!("{schedule}, T = {timesteps}, {choice:?}: {value} ± {error}");
                assert!(
                    value > -3.0 * error && error < 0.2 * (1.0 + value),
                    "{case}"
                );
                let sum = bound.prior.value + bound.denoising.value + bound.reconstruction.value;
                assert!(
                    (sum - bound.total.value).abs() < 1e-9 * (1.0 + sum.abs()),
                    "{case}"
                );
                let least = Bound::of(&draws, StepVariance::Least).unwrap();
                if choice == StepVariance::Learned {
                    // It is of each x_t, and they are means over all: of wide data it is lower yet.
                    let lower = least.above_entropy.less(bound.above_entropy);
                    assert!(lower.value > -3.0 * lower.error, "{case}: {lower:?}");
                } else {
                    let least = least.total.value;
                    assert!(least <= bound.total.value + 1e-9, "{case}: least {least}");
                }
            }
            let now = Bound::of(&draws, StepVariance::Least)
                .unwrap()
                .above_entropy;
            if let Some(before) = before {
                let fall = before.less(now);
                assert!(
                    fall.value > -3.0 * fall.error,
                    "{schedule}, T = {timesteps}: {fall:?}"
                );
            } else {
                // Ten steps are far from enough.
                assert!(now.value > 3.0 * now.error, "{schedule}: {now:?}");
            }
            before = Some(now);
        }
    }
}

/// The sum of the terms against E[ln q(x_1:T|x_0) − ln p_θ(x_0:T)] along chains that are drawn step by step.
#[test]
fn the_terms_add_up_to_the_ratio_of_both_chains() {
    let (mixture, timesteps, count) = (lobes(), 25, 3000);
    for schedule in [Schedule::Linear, Schedule::Ve, Schedule::Flow] {
        let draws = Draws::exact(&mixture, schedule, timesteps, count, 8);
        let chain = draws.chain();
        let marginals: Vec<_> = chain
            .steps
            .iter()
            .map(|step| mixture.marginal(step.now))
            .collect();
        for choice in StepVariance::ALL {
            let bound = Bound::of(&draws, choice).unwrap();
            let mut rng = StdRng::seed_from_u64(21);
            let log_both = |x: [f64; 2], mean: [f64; 2], variance: f64| {
                log_normal(x[0], mean[0], variance) + log_normal(x[1], mean[1], variance)
            };
            let ratios: Vec<f64> = mixture
                .draw(count, 99)
                .iter()
                .map(|x_0| {
                    let mut x = x_0.map(f64::from);
                    let mut ratio = 0.0;
                    for (index, step) in chain.steps.iter().enumerate() {
                        let before = x;
                        let mean = before.map(|x| step.now.a / step.next.a * x);
                        x = mean.map(|m| {
                            let noise: f64 = rng.sample(StandardNormal);
                            m + step.beta.sqrt() * noise
                        });
                        let (x0_hat, unknown) = marginals[index].posterior_moments(x);
                        let back = [0, 1].map(|i| step.c_t * x[i] + step.c_0 * x0_hat[i]);
                        let widths = if choice == StepVariance::Learned {
                            unknown.map(|v| step.beta_tilde + step.c_0 * step.c_0 * v)
                        } else {
                            [bound.sigma_squared[index]; 2]
                        };
                        let of_axis = |i: usize| log_normal(before[i], back[i], widths[i]);
                        ratio += log_both(x, mean, step.beta) - of_axis(0) - of_axis(1);
                    }
                    ratio - log_both(x, [0.0; 2], chain.prior_variance)
                })
                .collect();
            let apart = Estimate::of_mean(&ratios).less(bound.total);
            assert!(
                apart.value.abs() < 3.0 * apart.error && apart.error < 0.4,
                "{schedule}, {choice:?}: {apart:?} from {:?}",
                bound.total
            );
        }
    }
}

/// The draws of one Gaussian against its closed forms, term by term; and its entropy beneath.
#[test]
fn draws_agree_with_the_closed_form() {
    let (sigma, timesteps) = (0.6_f32, 40);
    let (mixture, variance) = (gaussian([0.0; 2], sigma), f64::from(sigma).powi(2));
    for schedule in Schedule::ALL {
        let draws = Draws::exact(&mixture, schedule, timesteps, 4000, 5);
        let chain = draws.chain();
        let known = closed_moments(chain, variance);
        for (found, known) in draws.moments().iter().zip(&known) {
            for (found, known) in [
                (found.x0_error, known.x0_error),
                (found.gamma, known.gamma),
                (found.data_variance, known.data_variance),
            ] {
                // A mean of 8000 squares of normal numbers.
                assert!(
                    (found / known - 1.0).abs() < 4.0 / 4000_f64.sqrt(),
                    "{schedule}"
                );
            }
        }
        let bound = Bound::of(&draws, StepVariance::Beta).unwrap();
        let sigma_squared = chain.variances(StepVariance::Beta, &known);
        for (index, term) in bound.terms.iter().enumerate() {
            let known = chain.steps[index].term(sigma_squared[index], D * known[index].x0_error);
            assert!(
                (term.value - known).abs() < 4.5 * term.error,
                "{schedule}, t = {}: {term:?}, not {known}",
                index + 1
            );
        }
        let entropy = differential_entropy(&mixture, Scales { a: 1.0, s: 0.0 }, 400, 1);
        let above = closed_bound(chain, StepVariance::Beta, variance) - entropy.nats;
        let found = bound.above_entropy;
        assert!(
            (found.value - above).abs() < 4.0 * found.error,
            "{schedule}: {found:?}, {above}"
        );
        // The posterior of a Gaussian is as wide at every x_t: what is said of each is the least variance.
        let said = Bound::of(&draws, StepVariance::Learned).unwrap();
        let least = chain.variances(StepVariance::Least, &known);
        for (said, least) in said.sigma_squared.iter().zip(&least) {
            assert!(
                (said / least - 1.0).abs() < 1e-6,
                "{schedule}: {said}, not {least}"
            );
        }
        let above = closed_bound(chain, StepVariance::Least, variance) - entropy.nats;
        let found = said.above_entropy;
        assert!(
            (found.value - above).abs() < 4.0 * found.error + 1e-9,
            "{schedule}: {found:?}, {above}"
        );
    }
}

/// The frames of a run, written down by hand: two points, T = 2.
#[test]
fn frames_are_read_as_they_are_recorded() {
    let mixture = gaussian([0.0; 2], 1.0);
    let frames = [
        [1.0, 0.0],
        [0.0, 2.0], // x_0
        [0.5, 0.5],
        [0.5, 0.0], // x_1
        [1.0, 1.0],
        [0.0, 0.0], // x̂_0
        [9.0, 9.0],
        [8.0, 8.0], // x_2
        [3.0, 0.0],
        [0.0, 2.5], // x̂_0
    ];
    let of = |frames: &[[f32; 2]], asks_variance| {
        Draws::of_frames(&mixture, Schedule::Linear, 2, frames, asks_variance)
    };
    let draws = of(&frames, false).unwrap();
    assert_eq!(draws.len(), 2);
    assert_eq!(draws.errors(0), [1.0, 4.0]);
    assert_eq!(draws.errors(1), [4.0, 0.25]);
    let Scales { a, s } = Schedule::Linear.scales(0.5, 2);
    let square = 2.0 * (a - 0.5).powi(2) + 0.25;
    let gamma = square / s.powi(4) / 4.0;
    assert!((draws.moments()[0].gamma / gamma - 1.0).abs() < 1e-12);
    let both = draws.clone().with(draws.clone());
    assert_eq!((both.len(), both.errors(1).len()), (4, 4));
    assert!((both.moments()[0].gamma / gamma - 1.0).abs() < 1e-12);
    assert!(of(&frames[1..], false).is_none() && of(&frames, true).is_none());
    assert!(Bound::of(&draws, StepVariance::Learned).is_none());
    // The same with w = 1 after each x̂_0, which is σ² = β̃, at t = 1 that of t = 2.
    let widened: Vec<[f32; 2]> =
        [&frames[..6], &[[1.0; 2]; 2], &frames[6..], &[[1.0; 2]; 2]].concat();
    let widened = of(&widened, true).unwrap();
    let [said, plain] = [StepVariance::Learned, StepVariance::BetaTilde]
        .map(|choice| Bound::of(&widened, choice).unwrap());
    for (said, plain) in said.terms.iter().zip(&plain.terms) {
        assert!((said.value - plain.value).abs() < 1e-9 * (1.0 + plain.value.abs()));
    }
    assert_eq!(said.sigma_squared, plain.sigma_squared);
}

/// L_simple against the bound: the weight of ‖ε − ε̂‖² in the latter is β²/(2σ²α(1 − ᾱ)) (Ho et al. 2020, eq. 12).
#[test]
fn l_simple_weighs_by_the_inverse_of_the_published_weight() {
    let timesteps = 1000;
    let chain = Chain::new(Schedule::Linear, timesteps);
    let sigma_squared: Vec<f64> = chain.steps.iter().map(|step| step.beta).collect();
    let alpha_bar = |t: u32| Schedule::Linear.alpha_bar(f64::from(t) / 1000.0, timesteps);
    let published = (1..=timesteps).map(|t| {
        let alpha = alpha_bar(t) / alpha_bar(t - 1);
        let beta = 1.0 - alpha;
        beta * beta / (2.0 * beta * alpha * (1.0 - alpha_bar(t)))
    });
    let published: Vec<f64> = published.collect();
    let mean = published.iter().sum::<f64>() / 1000.0;
    let found = chain.weighed_up(Target::Eps, &sigma_squared);
    for (t, (found, weight)) in found.iter().zip(&published).enumerate() {
        assert!((found * weight / mean - 1.0).abs() < 1e-6, "t = {}", t + 1);
    }
    // The score with its weight s² is the same loss; x_0 weighs what is near to the data down.
    let score = chain.weighed_up(Target::Score, &sigma_squared);
    assert!(
        found
            .iter()
            .zip(&score)
            .all(|(a, b)| (a / b - 1.0).abs() < 1e-9)
    );
    assert!(chain.weighed_up(Target::X0, &sigma_squared)[0] < 0.01 * found[0]);
    // Flow's last step knows nothing of x_0.
    let flow = Chain::new(Schedule::Flow, 10);
    let sigma_squared: Vec<f64> = flow.steps.iter().map(|step| step.beta).collect();
    let ratios = flow.weighed_up(Target::Velocity, &sigma_squared);
    assert!(ratios[9].is_nan() && ratios[..9].iter().all(|ratio| ratio.is_finite()));
}
