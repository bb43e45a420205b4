//! The equations of the samplers beyond DDPM, DDIM and the flow on its clock. m is half-way between t and r.

use super::{Equation, Piece, at, stride, with_noise, x0_hat};

/// "x_r = ".
fn x_r() -> Vec<Piece> {
    let mut pieces = at("x", "r").to_vec();
    pieces.push(Piece::Sign(" = "));
    pieces
}

/// An ancestral step with the variance that the network says: √β̃ is s_r/s_t times σ_{t|r}, √β is σ_{t|r}, and v lies between.
pub fn ancestral_learned() -> Equation {
    let mut noise = vec![Piece::Sign("(")];
    noise.extend(at("s", "r"));
    noise.push(Piece::Sign("/"));
    noise.extend(at("s", "t"));
    noise.push(Piece::Sign(")"));
    noise.push(Piece::Sup(vec![Piece::Sign("1−"), Piece::Var("v")]));
    noise.push(Piece::Sign(" "));
    noise.extend(stride());
    with_noise(
        noise,
        "x r, at a time r before t, is c x times x t, plus c 0 times the estimate of x 0, plus s r over s t to the power of 1 minus v times \
         sigma times fresh noise z, but none in the last step. v, on each axis, is what the network says of the variance: from 0, the \
         variance of the step with x 0 known, to 1, that of the step forward",
    )
}

/// x̂_0 half-way.
fn x0_half_way() -> [Piece; 2] {
    let index = vec![Piece::Sign("0,"), Piece::Var("m")];
    [Piece::Hat("x"), Piece::Sub(index)]
}

/// ε̂ half-way.
fn eps_half_way() -> [Piece; 2] {
    [Piece::Hat("ε"), Piece::Sub(vec![Piece::Var("m")])]
}

/// The quotient of a variable at r and at t, in brackets, times x_t.
fn scaled(variable: &'static str) -> Vec<Piece> {
    let mut pieces = vec![Piece::Sign("(")];
    pieces.extend(at(variable, "r"));
    pieces.push(Piece::Sign("/"));
    pieces.extend(at(variable, "t"));
    pieces.push(Piece::Sign(") "));
    pieces.extend(at("x", "t"));
    pieces
}

/// A line of its own: e^h = a_r s_t/(a_t s_r).
fn growth() -> Vec<Piece> {
    let mut pieces = vec![
        Piece::Break,
        Piece::Var("e"),
        Piece::Sup(vec![Piece::Var("h")]),
        Piece::Sign(" = "),
    ];
    pieces.extend(at("a", "r"));
    pieces.push(Piece::Sign(" "));
    pieces.extend(at("s", "t"));
    pieces.push(Piece::Sign("/("));
    pieces.extend(at("a", "t"));
    pieces.push(Piece::Sign(" "));
    pieces.extend(at("s", "r"));
    pieces.push(Piece::Sign(")"));
    pieces
}

/// DPM-Solver-2.
pub fn by_eps_half_way() -> Equation {
    let mut pieces = x_r();
    pieces.extend(scaled("a"));
    pieces.push(Piece::Sign(" − "));
    pieces.extend(at("s", "r"));
    pieces.extend([
        Piece::Sign(" ("),
        Piece::Var("e"),
        Piece::Sup(vec![Piece::Var("h")]),
        Piece::Sign(" − 1) "),
    ]);
    pieces.extend(eps_half_way());
    pieces.extend(growth());
    Equation {
        pieces,
        spoken: "x r is a r over a t times x t, minus s r times e to the h minus 1 times the estimate of the noise half-way in log SNR, \
                 where a step of DDIM leads. e to the h is a r s t over a t s r",
    }
}

/// DPM-Solver++(2S).
pub fn by_x0_half_way() -> Equation {
    let mut pieces = x_r();
    pieces.extend(scaled("s"));
    pieces.push(Piece::Sign(" + "));
    pieces.extend(at("a", "r"));
    pieces.extend([
        Piece::Sign(" (1 − "),
        Piece::Var("e"),
        Piece::Sup(vec![Piece::Sign("−"), Piece::Var("h")]),
        Piece::Sign(") "),
    ]);
    pieces.extend(x0_half_way());
    pieces.extend(growth());
    Equation {
        pieces,
        spoken: "x r is s r over s t times x t, plus a r times 1 minus e to the minus h times the estimate of x 0 half-way in log SNR, \
                 where a step of DDIM leads. e to the h is a r s t over a t s r",
    }
}

/// The velocity by the method of the middle.
pub fn velocity_half_way() -> Equation {
    let mut pieces = x_r();
    pieces.extend(at("x", "t"));
    let change = |variable| {
        let mut pieces = vec![Piece::Sign(" + (")];
        pieces.extend(at(variable, "r"));
        pieces.push(Piece::Sign(" − "));
        pieces.extend(at(variable, "t"));
        pieces.push(Piece::Sign(") "));
        pieces
    };
    pieces.extend(change("a"));
    pieces.extend(x0_half_way());
    pieces.extend(change("s"));
    pieces.extend(eps_half_way());
    Equation {
        pieces,
        spoken: "x r is x t, plus the change of a times the estimate of x 0, plus the change of s times the estimate of the noise, both \
                 half-way in t, where a step of DDIM leads",
    }
}

/// EDM's Heun, without churn.
pub fn over_sigma() -> Equation {
    let mut pieces = at("y", "r").to_vec();
    pieces.push(Piece::Sign(" = "));
    pieces.extend(at("y", "t"));
    pieces.push(Piece::Sign(" + ("));
    pieces.extend(at("σ", "r"));
    pieces.push(Piece::Sign(" − "));
    pieces.extend(at("σ", "t"));
    pieces.push(Piece::Sign(") ("));
    pieces.extend(at("d", "t"));
    pieces.push(Piece::Sign(" + "));
    pieces.extend(at("d", "r"));
    pieces.extend([
        Piece::Sign(")/2"),
        Piece::Break,
        Piece::Var("d"),
        Piece::Sign(" = ("),
        Piece::Var("y"),
        Piece::Sign(" − "),
    ]);
    pieces.extend(super::x0_hat());
    pieces.extend([
        Piece::Sign(")/"),
        Piece::Var("σ"),
        Piece::Break,
        Piece::Var("y"),
        Piece::Sign(" = "),
        Piece::Var("x"),
        Piece::Sign("/"),
        Piece::Var("a"),
        Piece::Sign(",  "),
        Piece::Var("σ"),
        Piece::Sign(" = "),
        Piece::Var("s"),
        Piece::Sign("/"),
        Piece::Var("a"),
    ]);
    Equation {
        pieces,
        spoken: "With y, x over a, and sigma, s over a: y r is y t plus the step of sigma times the mean of the slopes d at t and, by a step of \
                 Euler's, at r. The slope is y minus the estimate of x 0, over sigma. Churn adds noise before each step. The last step is \
                 the estimate of x 0 itself",
    }
}

/// The score.
fn score(index: &'static str) -> Vec<Piece> {
    let mut pieces = vec![Piece::Sign("∇ log ")];
    pieces.extend(at("p", index));
    pieces
}

/// Euler–Maruyama.
pub fn euler_maruyama() -> Equation {
    let mut pieces = x_r();
    pieces.extend(at("x", "t"));
    pieces.extend([Piece::Sign(" + "), Piece::Var("F"), Piece::Sign(" ")]);
    pieces.extend(at("x", "t"));
    pieces.extend([Piece::Sign(" + "), Piece::Var("G"), Piece::Sign(" ")]);
    pieces.extend(score("t"));
    pieces.extend([
        Piece::Sign(" + "),
        Piece::Root(vec![Piece::Var("G")]),
        Piece::Sign(" "),
        Piece::Var("z"),
        Piece::Break,
        Piece::Var("F"),
        Piece::Sign(" = ∫ −"),
        Piece::Var("f"),
        Piece::Sign(" d"),
        Piece::Var("t"),
        Piece::Sign(",  "),
        Piece::Var("G"),
        Piece::Sign(" = ∫ "),
        Piece::Var("g"),
        Piece::Sup(vec![Piece::Sign("2")]),
        Piece::Sign(" d"),
        Piece::Var("t"),
    ]);
    Equation {
        pieces,
        spoken: "x r is x t, plus F times x t, plus G times the score, plus the root of G times fresh noise z. F and G are the integrals of \
                 minus f and of g squared over the step. The last step is the estimate of x 0 itself",
    }
}

/// a_r x̂_0 + s_r ε̂, or with noise a_r x̂_0 + √(s_r² − σ²) ε̂ + σ z.
pub fn implicit(noisy: bool) -> Equation {
    let mut pieces = at("x", "r").to_vec();
    pieces.push(Piece::Sign(" = "));
    pieces.extend(at("a", "r"));
    pieces.push(Piece::Sign(" "));
    pieces.extend(x0_hat());
    pieces.push(Piece::Sign(" + "));
    if noisy {
        let squared = || Piece::Sup(vec![Piece::Sign("2")]);
        let mut under = at("s", "r").to_vec();
        under.extend([squared(), Piece::Sign(" − "), Piece::Var("σ"), squared()]);
        pieces.extend([Piece::Root(under), Piece::Sign(" "), Piece::Hat("ε")]);
        pieces.extend([Piece::Sign(" + "), Piece::Var("σ z")]);
    } else {
        pieces.extend(at("s", "r"));
        pieces.extend([Piece::Sign(" "), Piece::Hat("ε")]);
    }
    let spoken = if noisy {
        "x r, at a time r before t, is a r times the estimate of x 0, plus the root of s r squared minus sigma squared \
         times the estimate of the noise, plus sigma times fresh noise z. Sigma is eta times that of DDPM"
    } else {
        "x r, at a time r before t, is a r times the estimate of x 0, plus s r times the estimate of the noise in x t"
    };
    Equation { pieces, spoken }
}

/// Onto x̂_0, and up to r by fresh noise.
pub fn renoised() -> Equation {
    let mut pieces = x_r();
    pieces.extend(at("a", "r"));
    pieces.push(Piece::Sign(" "));
    pieces.extend([Piece::Hat("x"), Piece::Sub(vec![Piece::Sign("0")])]);
    pieces.push(Piece::Sign(" + "));
    pieces.extend(at("s", "r"));
    pieces.extend([Piece::Sign(" "), Piece::Var("z")]);
    Equation {
        pieces,
        spoken: "x r, at a time r before t, is a r times the estimate of x 0, plus s r times fresh noise z. The last step is the estimate of \
                 x 0 itself",
    }
}

/// One step of Langevin's at r.
pub fn langevin() -> Equation {
    let mut pieces = vec![
        Piece::Var("x"),
        Piece::Sign(" + "),
        Piece::Var("ε"),
        Piece::Sign(" "),
    ];
    pieces.extend(score("r"));
    pieces.extend([
        Piece::Sign(" + "),
        Piece::Root(vec![Piece::Sign("2"), Piece::Var("ε")]),
        Piece::Sign(" "),
        Piece::Var("z"),
    ]);
    Equation {
        pieces,
        spoken: "The new x is x plus epsilon times the score plus the root of 2 epsilon times fresh noise z, at one level as often as it says. The \
                 last step is the estimate of x 0 itself",
    }
}

/// A predictor, and a step of Langevin's after it.
pub fn corrected(predictor: Equation) -> Equation {
    let mut pieces = predictor.pieces;
    pieces.extend([Piece::Break, Piece::Sign("then ")]);
    pieces.extend(langevin().pieces);
    Equation {
        pieces,
        spoken: "First the ancestral step: x r is c x times x t, plus c 0 times the estimate of x 0, plus s r over s t times sigma times fresh \
                 noise. Then one of Langevin's at r: plus epsilon times the score plus the root of 2 epsilon times fresh noise, epsilon \
                 being 2 r squared s r squared",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maths::diffusion::schedule::Schedule;
    use maths::diffusion::solver::{PlanContext, Sampler};
    use maths::diffusion::target::Target;

    /// The formula's last term against the noise of the plan, widened by v.
    #[test]
    fn the_learned_variance_on_show_is_that_which_runs() {
        let shown: Vec<String> = ancestral_learned()
            .pieces
            .iter()
            .map(|piece| format!("{piece:?}"))
            .collect();
        assert!(shown.concat().contains("1−"), "{shown:?}");
        for schedule in Schedule::every() {
            let context = PlanContext {
                schedule,
                target: Target::Eps,
                timesteps: 100,
            };
            let plan = Sampler::DdpmLearned.plan(9, context, None);
            let (last, before) = plan.steps.split_last().unwrap();
            assert_eq!((last.widening, last.to_x.z), (None, 0.0));
            for stage in before {
                let (t, r) = (stage.scales, schedule.scales(stage.tau_next, 100));
                let stride = (t.s.powi(2) - (t.a / r.a * r.s).powi(2)).sqrt();
                let widening = stage.widening.unwrap();
                for v in [0.0, 0.4, 1.0, 1.2] {
                    let expected = (r.s / t.s).powf(1.0 - v) * stride;
                    let found = stage.to_x.z * widening.by_output(2.0 * v - 1.0);
                    assert!((found / expected - 1.0).abs() < 1e-9, "{schedule}, {v}");
                }
            }
        }
    }
}
