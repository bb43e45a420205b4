//! The probability-flow ODE by the methods of Euler, Heun and Runge–Kutta, on one clock for every schedule.
//!
//! The flow is dw/dζ = cos ζ ε̂ − sin ζ x̂_0 ([`Knot`]): bounded at both ends. Heun and Runge–Kutta integrate it; for data N(0, I) its
//! slope is 0, and they stand still. Euler's step is that of DDIM with η = 0 (Song, Meng & Ermon 2021, eq. 12), which turns w by Δζ in
//! the plane of x̂_0 and ε̂.
//!
//! From t = T the flow is followed to t = 1, the first timestep that a network has seen. From there one step lands on
//! x̂_0 for all methods: ε̂ has no slope left at s = 0. Orders are those of the flow to t = 1 and that landing; what the
//! landing itself leaves out (the width of the posterior at t = 1) no method can mend. So that no stretch of the way
//! decides the error, the times crowd towards the data: ζ^(1/3) is evenly spaced (Karras et al. 2022, appendix D.1, where
//! the same exponent nearly equalises the truncation error of Heun's steps in σ). The first steps, near pure noise, are
//! shorter: there a network knows x̂_0 least, and what a step takes on trust is its length in ζ.

use super::knots::{Knot, Knots};
use super::{FEW_STEPS, Mix, Placement, Plan, PlanContext, PlanStep, Row, families, few_steps};
use crate::diffusion::schedule::Scales;
use crate::diffusion::target::Combination;
use crate::names::Words;

/// Euler's method.
pub const EULER: Row = Row {
    words: Words {
        name: "euler",
        title: "ODE by Euler",
        symbol: "Euler",
        short: "ODE by Euler",
        help: "the probability-flow ODE by Euler's method",
    },
    family: families::FLOW,
    steps: FEW_STEPS,
    few_steps: few_steps::STRAYS,
    placement: Placement::Crowded,
    dial: None,
    embedded: None,
    stages: |knots, _| Method::Euler.followed(knots),
};

/// Heun's method.
pub const HEUN: Row = Row {
    words: Words {
        name: "heun",
        title: "ODE by Heun",
        symbol: "Heun",
        short: "ODE by Heun",
        help: "the probability-flow ODE by Heun's method",
    },
    family: families::FLOW,
    steps: FEW_STEPS,
    few_steps: few_steps::CLEAN,
    placement: Placement::Crowded,
    dial: None,
    embedded: None,
    stages: |knots, _| Method::Heun.followed(knots),
};

/// The classical Runge–Kutta method.
pub const RK4: Row = Row {
    words: Words {
        name: "rk4",
        title: "ODE by RK4",
        symbol: "RK4",
        short: "ODE by RK4",
        help: "the probability-flow ODE by the classical Runge–Kutta method",
    },
    family: families::FLOW,
    steps: FEW_STEPS,
    few_steps: few_steps::CLEAN,
    placement: Placement::Crowded,
    dial: None,
    embedded: None,
    stages: |knots, _| Method::Rk4.followed(knots),
};

/// A Runge–Kutta method, for integrating on the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Euler's, in the form of DDIM: x̂_0 and ε̂ as at the start.
    Euler,
    /// Heun's: the mean of the slopes at both ends.
    Heun,
    /// The classical one of fourth order.
    Rk4,
}

impl Method {
    /// The stages through the knots; `at` finds what lies between. Heun's steps evaluate twice, Runge–Kutta's four times.
    pub fn stages(self, knots: &[Knot], at: &dyn Fn(f64) -> Knot) -> Vec<PlanStep> {
        let mut stages = Vec::new();
        for pair in knots.windows(2) {
            let (now, next) = (&pair[0], &pair[1]);
            match self {
                Self::Euler => stages.push(now.turn(next)),
                Self::Heun => stages.extend(heun(now, next)),
                Self::Rk4 => stages.extend(rk4(now, next, at)),
            }
        }
        stages
    }

    fn followed(self, knots: &Knots) -> Vec<PlanStep> {
        let at = |zeta| knots.knot_at_zeta(zeta);
        let mut stages = self.stages(knots.before_landing(), &at);
        stages.extend(knots.landing());
        stages
    }
}

/// One step of Heun's on the clock.
pub fn heun(now: &Knot, next: &Knot) -> [PlanStep; 2] {
    let mean = Weights {
        slope: 0.5,
        memory: 0.5,
        ..Weights::LAST
    };
    [
        stage(now, now, next, &Weights::PREDICT),
        stage(now, next, next, &mean),
    ]
}

/// One step of the classical Runge–Kutta method on the clock, by way of its middle.
pub fn rk4(now: &Knot, next: &Knot, at: &dyn Fn(f64) -> Knot) -> [PlanStep; 4] {
    let middle = at(0.5 * (now.zeta() + next.zeta()));
    let inner = Weights {
        keep: 1.0,
        add: 2.0,
        ..Weights::PREDICT
    };
    let mean = Weights {
        slope: 1.0 / 6.0,
        memory: 1.0 / 6.0,
        ..Weights::LAST
    };
    [
        stage(now, now, &middle, &Weights::PREDICT),
        stage(now, &middle, &middle, &inner),
        stage(now, &middle, next, &inner),
        stage(now, next, next, &mean),
    ]
}

/// The flow of the exact field from t = T until s/a = `nearest`, by Runge–Kutta in `steps` steps of one ratio of ζ, then
/// onto x̂_0. It knows nothing of timesteps, so the schedule matters at its noisy end alone, and `tau` of a stage is the
/// share of ζ that is left. No network has been trained there: one that follows it gets no finite x̂_0.
pub fn exact_flow(context: PlanContext, steps: u32, nearest: f64, start_std: f64) -> Plan {
    let start = Knot {
        tau: 1.0,
        scales: context.schedule.scales(1.0, context.timesteps),
        x0: NO_NETWORK,
        input_scale: 1.0,
    };
    let first = start.zeta();
    let at = |zeta: f64| {
        let (s, a) = zeta.sin_cos();
        Knot {
            tau: zeta / first,
            scales: Scales { a, s },
            x0: NO_NETWORK,
            input_scale: 1.0,
        }
    };
    let ratio = nearest.atan() / first;
    // A schedule that ends nearer to the data than asked for has nothing to be followed.
    let steps = if ratio < 1.0 { steps } else { 0 };
    let later = (1..=steps).map(|k| at(first * ratio.powf(f64::from(k) / f64::from(steps))));
    let knots: Vec<Knot> = std::iter::once(start).chain(later).collect();
    let landing = knots.last().map(|knot| PlanStep {
        tau_next: 0.0,
        to_x: Mix::X_0,
        ..knot.evaluated()
    });
    let mut steps = Method::Rk4.stages(&knots, &at);
    steps.extend(landing);
    Plan {
        steps,
        start_std,
        clip: None,
        control: None,
        awaits_data: false,
    }
}

/// Factors of x and of a network's output where there is no network to follow.
const NO_NETWORK: Combination = Combination(f64::INFINITY, f64::INFINITY);

/// How a stage weighs the slope k at its point and the sum m of the slopes before: the next point is
/// base + Δ (slope·k + memory·m), the next memory keep·m + add·k.
#[derive(Clone, Copy)]
struct Weights {
    slope: f64,
    memory: f64,
    keep: f64,
    add: f64,
    ends_step: bool,
}

impl Weights {
    const PREDICT: Self = Self {
        slope: 1.0,
        memory: 0.0,
        keep: 0.0,
        add: 1.0,
        ends_step: false,
    };
    const LAST: Self = Self {
        slope: 1.0,
        memory: 0.0,
        keep: 0.0,
        add: 0.0,
        ends_step: true,
    };
}

/// One stage of the step from `from`: evaluated `at`, its result lies at `to`.
fn stage(from: &Knot, at: &Knot, to: &Knot, weights: &Weights) -> PlanStep {
    let Combination(k_x, k_0) = at.slope();
    let delta = to.radius() * (to.zeta() - from.zeta());
    let of_base = to.radius() / from.radius();
    // Where the point is the base itself, the two factors are added here, in f64: they nearly cancel at the noise end.
    let (base, point) = if at.tau == from.tau {
        (0.0, of_base)
    } else {
        (of_base, 0.0)
    };
    let to_x = Mix {
        x: point + delta * weights.slope * k_x,
        x_0: delta * weights.slope * k_0,
        memory: [delta * weights.memory, 0.0, 0.0, 0.0],
        base,
        z: 0.0,
    };
    let sum = Mix {
        x: weights.add * k_x,
        x_0: weights.add * k_0,
        memory: [weights.keep, 0.0, 0.0, 0.0],
        ..Mix::default()
    };
    let [_, m_1, m_2, m_3] = PlanStep::KEEP;
    PlanStep {
        to_memory: [sum, m_1, m_2, m_3],
        ends_step: weights.ends_step,
        ..at.leads_to(to, to_x)
    }
}
