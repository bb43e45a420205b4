//! The equation of the step that runs, for every sampler.
//!
//! Times go from t to an earlier r. σ²_{t|r} = s_t² − a_{t|r}² s_r² with a_{t|r} = a_t/a_r is the variance of x_t given x_r
//! (Kingma et al. 2021, section 2.1).

mod more;

use crate::widgets::equation::{Equation, Piece};
use maths::diffusion::solver::{Sampler, Variance};

/// A variable with an index.
fn at(variable: &'static str, index: &'static str) -> [Piece; 2] {
    [Piece::Var(variable), Piece::Sub(vec![Piece::Var(index)])]
}

/// x̂_0.
fn x0_hat() -> [Piece; 2] {
    [Piece::Hat("x"), Piece::Sub(vec![Piece::Sign("0")])]
}

/// σ_{t|r}.
fn stride() -> [Piece; 2] {
    [
        Piece::Var("σ"),
        Piece::Sub(vec![Piece::Var("t"), Piece::Sign("|"), Piece::Var("r")]),
    ]
}

/// The end of an ancestral step: c_x x_t + c_0 x̂_0 and the noise.
fn ancestral(variance: Variance) -> Equation {
    let mut noise = Vec::new();
    if variance == Variance::BetaTilde {
        noise.push(Piece::Sign("("));
        noise.extend(at("s", "r"));
        noise.push(Piece::Sign("/"));
        noise.extend(at("s", "t"));
        noise.push(Piece::Sign(") "));
    }
    noise.extend(stride());
    let spoken = match variance {
        Variance::BetaTilde => {
            "x r, at a time r before t, is c x times x t, plus c 0 times the estimate of x 0, plus s r over s t times sigma \
             times fresh noise z. c x is a t s r squared over a r s t squared, c 0 is a r sigma squared over s t squared, \
             and sigma squared is s t squared minus a t squared s r squared over a r squared"
        }
        Variance::Beta => {
            "x r, at a time r before t, is c x times x t, plus c 0 times the estimate of x 0, plus sigma times fresh noise \
             z, but none in the last step. c x is a t s r squared over a r s t squared, c 0 is a r sigma squared over s t \
             squared, and sigma squared is s t squared minus a t squared s r squared over a r squared"
        }
    };
    with_noise(noise, spoken)
}

/// The same with the variance that is best for the data.
fn ancestral_best() -> Equation {
    let noise = [Piece::Var("σ"), Piece::Sub(vec![Piece::Sign("*")])];
    with_noise(
        noise,
        "x r, at a time r before t, is c x times x t, plus c 0 times the estimate of x 0, plus sigma star times fresh noise z, \
         but none in the last step. Sigma star squared is the variance of the step with x 0 known, plus c 0 squared times the \
         variance of x 0 given x t, of a coordinate and on the mean over the data",
    )
}

/// c_x x_t + c_0 x̂_0, and z times its factor.
fn with_noise(noise: impl IntoIterator<Item = Piece>, spoken: &'static str) -> Equation {
    let mut pieces = at("x", "r").to_vec();
    pieces.push(Piece::Sign(" = "));
    pieces.extend(at("c", "x"));
    pieces.push(Piece::Sign(" "));
    pieces.extend(at("x", "t"));
    pieces.extend([
        Piece::Sign(" + "),
        Piece::Var("c"),
        Piece::Sub(vec![Piece::Sign("0")]),
        Piece::Sign(" "),
    ]);
    pieces.extend(x0_hat());
    pieces.push(Piece::Sign(" + "));
    pieces.extend(noise);
    pieces.extend([Piece::Sign(" "), Piece::Var("z")]);
    Equation { pieces, spoken }
}

/// w_r = w_t + Δζ · (the mean of slopes), and in a line each the slope k and the clock.
fn integrated(mean: impl IntoIterator<Item = Piece>, spoken: &'static str) -> Equation {
    let mut pieces = at("w", "r").to_vec();
    pieces.push(Piece::Sign(" = "));
    pieces.extend(at("w", "t"));
    pieces.extend([Piece::Sign(" + Δ"), Piece::Var("ζ"), Piece::Sign(" ")]);
    pieces.extend(mean);
    pieces.extend([
        Piece::Break,
        Piece::Var("k"),
        Piece::Sign(" = cos "),
        Piece::Var("ζ"),
        Piece::Sign(" "),
    ]);
    pieces.extend([
        Piece::Hat("ε"),
        Piece::Sign(" − sin "),
        Piece::Var("ζ"),
        Piece::Sign(" "),
    ]);
    pieces.extend(x0_hat());
    let squared = || Piece::Sup(vec![Piece::Sign("2")]);
    pieces.extend([
        Piece::Break,
        Piece::Var("w"),
        Piece::Sign(" = "),
        Piece::Var("x"),
        Piece::Sign("/"),
    ]);
    pieces.push(Piece::Root(vec![
        Piece::Var("a"),
        squared(),
        Piece::Sign(" + "),
        Piece::Var("s"),
        squared(),
    ]));
    pieces.extend([
        Piece::Sign(",  tan "),
        Piece::Var("ζ"),
        Piece::Sign(" = "),
        Piece::Var("s"),
        Piece::Sign("/"),
    ]);
    pieces.push(Piece::Var("a"));
    Equation { pieces, spoken }
}

/// The equation of one step of a sampler.
pub fn of(sampler: Sampler) -> Equation {
    let slope = |index| [Piece::Var("k"), Piece::Sub(vec![index])];
    match sampler {
        Sampler::Ddpm(variance) => ancestral(variance),
        Sampler::DdpmAnalytic => ancestral_best(),
        Sampler::DdpmLearned => more::ancestral_learned(),
        Sampler::Ddim { eta } => more::implicit(eta != 0.0),
        Sampler::Consistency => more::renoised(),
        Sampler::Euler | Sampler::Dpm1 | Sampler::FlowEuler => more::implicit(false),
        Sampler::Dpm2 => more::by_eps_half_way(),
        Sampler::DpmPp2S => more::by_x0_half_way(),
        Sampler::Midpoint => more::velocity_half_way(),
        Sampler::Edm { .. } => more::over_sigma(),
        Sampler::EulerMaruyama => more::euler_maruyama(),
        Sampler::Langevin { .. } | Sampler::LangevinOne { .. } => more::langevin(),
        Sampler::PredictorCorrector { .. } => more::corrected(ancestral(Variance::BetaTilde)),
        Sampler::Heun => {
            let mut mean = vec![Piece::Sign("(")];
            mean.extend(slope(Piece::Var("t")));
            mean.push(Piece::Sign(" + "));
            mean.extend(slope(Piece::Var("r")));
            mean.push(Piece::Sign(")/2"));
            integrated(
                mean,
                "With w, x over the root of a squared plus s squared, and zeta, the angle whose tangent is s over a: w r is w \
                 t plus the step of zeta times the mean of the slopes k at t and, by a step of Euler's, at r. The slope is \
                 cosine zeta times the estimate of the noise minus sine zeta times the estimate of x 0. The last step is \
                 the estimate of x 0 itself",
            )
        }
        Sampler::Rk4 => {
            let mut mean = vec![Piece::Sign("(")];
            for (index, before) in [("1", ""), ("2", " + 2"), ("3", " + 2"), ("4", " + ")] {
                mean.push(Piece::Sign(before));
                mean.extend(slope(Piece::Sign(index)));
            }
            mean.push(Piece::Sign(")/6"));
            integrated(
                mean,
                "With w, x over the root of a squared plus s squared, and zeta, the angle whose tangent is s over a: w r is w \
                 t plus the step of zeta times the mean of four slopes, of which the second and third, half-way, count \
                 twice. The slope k is cosine zeta times the estimate of the noise minus sine zeta times the estimate of x \
                 0. The last step is the estimate of x 0 itself",
            )
        }
        Sampler::Dopri5 { .. } | Sampler::Bosh3 { .. } => {
            let mut mean = vec![
                Piece::Sign("Σ "),
                Piece::Var("b"),
                Piece::Sub(vec![Piece::Var("i")]),
            ];
            mean.push(Piece::Sign(" "));
            mean.extend(slope(Piece::Var("i")));
            integrated(
                mean,
                "With w, x over the root of a squared plus s squared, and zeta, the angle whose tangent is s over a: w r is w \
                 t plus the step of zeta times a weighted sum of slopes k, each taken where those before lead. Other weights of \
                 the same slopes say how wrong that may be, and each particle takes its own step or tries a shorter one. The last \
                 step is the estimate of x 0 itself",
            )
        }
        // What it remembers of steps before has no formula of one step.
        _ => stage(),
    }
}

/// One stage of any plan: x, x̂_0, the memories m, the base b and fresh noise z, each with a factor of the plan's table.
fn stage() -> Equation {
    let mut pieces = at("x", "r").to_vec();
    pieces.push(Piece::Sign(" = "));
    let factor = |index| [Piece::Var("c"), Piece::Sub(vec![index])];
    pieces.extend(factor(Piece::Var("x")));
    pieces.push(Piece::Sign(" "));
    pieces.extend(at("x", "t"));
    pieces.push(Piece::Sign(" + "));
    pieces.extend(factor(Piece::Sign("0")));
    pieces.push(Piece::Sign(" "));
    pieces.extend(x0_hat());
    for register in ["m", "b", "z"] {
        pieces.push(Piece::Sign(" + "));
        pieces.extend(factor(Piece::Var(register)));
        pieces.extend([Piece::Sign(" "), Piece::Var(register)]);
    }
    let spoken = "x r, at a time r before t, is a sum of x t, of the estimate of x 0, of what is remembered of the steps before, m, of the base b and of \
                  fresh noise z, each with a factor of the plan's table";
    Equation { pieces, spoken }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maths::diffusion::schedule::{Scales, Schedule};
    use maths::diffusion::solver::PlanContext;
    use maths::diffusion::target::Target;

    fn text(pieces: &[Piece]) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Var(text) | Piece::Sign(text) => (*text).to_owned(),
            Piece::Sub(inner) => format!("_{{{}}}", text(inner)),
            Piece::Sup(inner) => format!("^{}", text(inner)),
            Piece::Root(inner) => format!("√({})", text(inner)),
            Piece::Bar(symbol) => format!("bar {symbol}"),
            Piece::Hat(symbol) => format!("{symbol}^"),
            Piece::Tilde(symbol) => format!("{symbol}~"),
            Piece::Break => "\n".to_owned(),
        };
        pieces.iter().map(piece).collect()
    }

    /// A field with nothing special about it.
    fn x0(Scales { a, s }: Scales, x: f64) -> f64 {
        (1.3 * x * a + 0.2).sin() - 0.1 * s * x
    }

    /// x_r by the equation as it is shown, word for word. Arguments: scales at t and at r, half-way on the clock, x_t, z.
    type Shown = fn([Scales; 3], f64, f64) -> f64;

    fn eps(scales: Scales, x: f64) -> f64 {
        (x - scales.a * x0(scales, x)) / scales.s
    }

    fn stride_variance(t: Scales, r: Scales) -> f64 {
        t.s.powi(2) - (t.a / r.a * r.s).powi(2)
    }

    fn posterior_mean([t, r, _]: [Scales; 3], x: f64) -> f64 {
        t.a / r.a * r.s.powi(2) / t.s.powi(2) * x
            + r.a * stride_variance(t, r) / t.s.powi(2) * x0(t, x)
    }

    fn slope(scales: Scales, w: f64) -> f64 {
        let (x, zeta) = (w * scales.a.hypot(scales.s), scales.s.atan2(scales.a));
        zeta.cos() * eps(scales, x) - zeta.sin() * x0(scales, x)
    }

    fn step_of_zeta(t: Scales, r: Scales) -> f64 {
        r.s.atan2(r.a) - t.s.atan2(t.a)
    }

    /// As `PlanStep` says it.
    #[test]
    fn a_new_sampler_has_the_formula_of_its_stages() {
        let expected = "x_{r} = c_{x} x_{t} + c_{0} x^_{0} + c_{m} m + c_{b} b + c_{z} z";
        assert_eq!(text(&stage().pieces), expected);
    }

    fn implicit(t: Scales, r: Scales, x: f64) -> f64 {
        r.a * x0(t, x) + r.s * eps(t, x)
    }

    fn score(scales: Scales, x: f64) -> f64 {
        -eps(scales, x) / scales.s
    }

    fn sigma(Scales { a, s }: Scales) -> f64 {
        s / a
    }

    /// ∫ g² dt from r to t, of a² dσ² by the family that the scales are of.
    fn diffusion(t: Scales, r: Scales) -> f64 {
        let (high, low) = (sigma(t), sigma(r));
        if (t.a - 1.0).abs() < 1e-12 && (r.a - 1.0).abs() < 1e-12 {
            high * high - low * low
        } else if (t.a + t.s - 1.0).abs() < 1e-12 {
            2.0 * ((1.0 + high) / (1.0 + low)).ln() + 2.0 / (1.0 + high) - 2.0 / (1.0 + low)
        } else {
            ((1.0 + high * high) / (1.0 + low * low)).ln()
        }
    }

    fn step_of_langevin(scales: Scales, x: f64, length: f64, z: f64) -> f64 {
        x + length * score(scales, x) + (2.0 * length).sqrt() * z
    }

    #[test]
    fn the_equation_on_show_is_the_step_that_runs() {
        let half = Sampler::Ddim { eta: 0.5 };
        let shown: [(Sampler, &str, Shown); 18] = [
            (
                Sampler::Ddpm(Variance::BetaTilde),
                "x_{r} = c_{x} x_{t} + c_{0} x^_{0} + (s_{r}/s_{t}) σ_{t|r} z",
                |s, x, z| {
                    posterior_mean(s, x) + s[1].s / s[0].s * stride_variance(s[0], s[1]).sqrt() * z
                },
            ),
            (
                Sampler::Ddpm(Variance::Beta),
                "x_{r} = c_{x} x_{t} + c_{0} x^_{0} + σ_{t|r} z",
                |s, x, z| posterior_mean(s, x) + stride_variance(s[0], s[1]).sqrt() * z,
            ),
            (
                Sampler::Ddim { eta: 0.0 },
                "x_{r} = a_{r} x^_{0} + s_{r} ε^",
                |[t, r, _], x, _| r.a * x0(t, x) + r.s * eps(t, x),
            ),
            (
                half,
                "x_{r} = a_{r} x^_{0} + √(s_{r}^2 − σ^2) ε^ + σ z",
                |[t, r, _], x, z| {
                    let sigma = 0.5 * r.s / t.s * stride_variance(t, r).sqrt();
                    r.a * x0(t, x) + (r.s.powi(2) - sigma * sigma).sqrt() * eps(t, x) + sigma * z
                },
            ),
            (
                Sampler::Ddim { eta: 1.0 },
                "x_{r} = a_{r} x^_{0} + √(s_{r}^2 − σ^2) ε^ + σ z",
                |[t, r, _], x, z| {
                    let sigma = r.s / t.s * stride_variance(t, r).sqrt();
                    r.a * x0(t, x) + (r.s.powi(2) - sigma * sigma).sqrt() * eps(t, x) + sigma * z
                },
            ),
            (
                Sampler::Euler,
                "x_{r} = a_{r} x^_{0} + s_{r} ε^",
                |[t, r, _], x, _| r.a * x0(t, x) + r.s * eps(t, x),
            ),
            (
                Sampler::Heun,
                "w_{r} = w_{t} + Δζ (k_{t} + k_{r})/2\nk = cos ζ ε^ − sin ζ x^_{0}\nw = x/√(a^2 + s^2),  tan ζ = s/a",
                |[t, r, _], x, _| {
                    let (w, step) = (x / t.a.hypot(t.s), step_of_zeta(t, r));
                    let k_t = slope(t, w);
                    let k_r = slope(r, w + step * k_t);
                    (w + step * (k_t + k_r) / 2.0) * r.a.hypot(r.s)
                },
            ),
            (
                Sampler::Rk4,
                "w_{r} = w_{t} + Δζ (k_{1} + 2k_{2} + 2k_{3} + k_{4})/6\nk = cos ζ ε^ − sin ζ x^_{0}\nw = x/√(a^2 + s^2),  tan ζ = s/a",
                |[t, r, middle], x, _| {
                    let (w, step) = (x / t.a.hypot(t.s), step_of_zeta(t, r));
                    let k_1 = slope(t, w);
                    let k_2 = slope(middle, w + 0.5 * step * k_1);
                    let k_3 = slope(middle, w + 0.5 * step * k_2);
                    let k_4 = slope(r, w + step * k_3);
                    (w + step * (k_1 + 2.0 * k_2 + 2.0 * k_3 + k_4) / 6.0) * r.a.hypot(r.s)
                },
            ),
            (
                Sampler::Dpm1,
                "x_{r} = a_{r} x^_{0} + s_{r} ε^",
                |[t, r, _], x, _| implicit(t, r, x),
            ),
            (
                Sampler::FlowEuler,
                "x_{r} = a_{r} x^_{0} + s_{r} ε^",
                |[t, r, _], x, _| implicit(t, r, x),
            ),
            (
                Sampler::Dpm2,
                "x_{r} = (a_{r}/a_{t}) x_{t} − s_{r} (e^h − 1) ε^_{m}\ne^h = a_{r} s_{t}/(a_{t} s_{r})",
                |[t, r, m], x, _| {
                    let grown = r.a * t.s / (t.a * r.s);
                    r.a / t.a * x - r.s * (grown - 1.0) * eps(m, implicit(t, m, x))
                },
            ),
            (
                Sampler::DpmPp2S,
                "x_{r} = (s_{r}/s_{t}) x_{t} + a_{r} (1 − e^−h) x^_{0,m}\ne^h = a_{r} s_{t}/(a_{t} s_{r})",
                |[t, r, m], x, _| {
                    let grown = r.a * t.s / (t.a * r.s);
                    r.s / t.s * x + r.a * (1.0 - 1.0 / grown) * x0(m, implicit(t, m, x))
                },
            ),
            (
                Sampler::Midpoint,
                "x_{r} = x_{t} + (a_{r} − a_{t}) x^_{0,m} + (s_{r} − s_{t}) ε^_{m}",
                |[t, r, m], x, _| {
                    let u = implicit(t, m, x);
                    x + (r.a - t.a) * x0(m, u) + (r.s - t.s) * eps(m, u)
                },
            ),
            (
                Sampler::Edm { churn: 0.0 },
                "y_{r} = y_{t} + (σ_{r} − σ_{t}) (d_{t} + d_{r})/2\nd = (y − x^_{0})/σ\ny = x/a,  σ = s/a",
                |[t, r, _], x, _| {
                    let (y, step) = (x / t.a, sigma(r) - sigma(t));
                    let d_t = (y - x0(t, x)) / sigma(t);
                    let euler = y + step * d_t;
                    let d_r = (euler - x0(r, r.a * euler)) / sigma(r);
                    r.a * (y + step * (d_t + d_r) / 2.0)
                },
            ),
            (
                Sampler::EulerMaruyama,
                "x_{r} = x_{t} + F x_{t} + G ∇ log p_{t} + √(G) z\nF = ∫ −f dt,  G = ∫ g^2 dt",
                |[t, r, _], x, z| {
                    let g = diffusion(t, r);
                    x + (r.a / t.a).ln() * x + g * score(t, x) + g.sqrt() * z
                },
            ),
            (
                Sampler::PredictorCorrector { snr: 0.16 },
                "x_{r} = c_{x} x_{t} + c_{0} x^_{0} + (s_{r}/s_{t}) σ_{t|r} z\nthen x + ε ∇ log p_{r} + √(2ε) z",
                |s, x, z| {
                    let predicted = posterior_mean(s, x)
                        + s[1].s / s[0].s * stride_variance(s[0], s[1]).sqrt() * z;
                    step_of_langevin(s[1], predicted, 2.0 * (0.16 * s[1].s).powi(2), z)
                },
            ),
            (
                Sampler::Consistency,
                "x_{r} = a_{r} x^_{0} + s_{r} z",
                |[t, r, _], x, z| r.a * x0(t, x) + r.s * z,
            ),
            (
                Sampler::Langevin { step: 0.1 },
                "x + ε ∇ log p_{r} + √(2ε) z",
                |[_, r, _], x, z| (0..5).fold(x, |x, _| step_of_langevin(r, x, 0.1 * r.s * r.s, z)),
            ),
        ];
        for (sampler, equation, by_hand) in shown {
            assert_eq!(text(&of(sampler).pieces), equation, "{sampler}");
            for schedule in Schedule::every() {
                let mut plan = sampler.plan(
                    9,
                    PlanContext {
                        schedule,
                        target: Target::Eps,
                        timesteps: 100,
                    },
                    None,
                );
                // The fourth step.
                let ends: Vec<usize> = (0..plan.steps.len())
                    .filter(|&k| plan.steps[k].ends_step)
                    .collect();
                plan.steps = plan.steps[ends[2] + 1..=ends[3]].to_vec();
                let (first, last) = (&plan.steps[0], &plan.steps[plan.steps.len() - 1]);
                let middle = plan.steps[plan.steps.len() / 2].scales;
                let scales = [first.scales, schedule.scales(last.tau_next, 100), middle];
                let (x, z) = (0.8 * first.scales.a.hypot(first.scales.s), 0.37);
                let ran = plan.run(
                    [x; 2],
                    |stage, x| x.map(|x| x0(stage.scales, x)),
                    |_| [z; 2],
                )[0];
                let expected = by_hand(scales, x, z);
                assert!(
                    (ran - expected).abs() < 1e-9 * (1.0 + expected.abs()),
                    "{sampler}, {schedule}: {ran}, {expected}"
                );
            }
        }
    }
}
