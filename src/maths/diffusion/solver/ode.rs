//! The probability-flow ODE by the methods of Euler, Heun and Runge–Kutta, on one clock for every schedule.
//!
//! With r = √(a² + s²) and ζ = atan2(s, a) the state w = x/r is cos ζ x_0 + sin ζ ε, and the flow is
//! dw/dζ = cos ζ ε̂ − sin ζ x̂_0: bounded at both ends, where σ = s/a (Karras et al. 2022, eq. 3) grows beyond all
//! bounds as the signal goes. Heun and Runge–Kutta integrate it; for data N(0, I) its slope is 0, and they stand still.
//! Euler's step is that of DDIM with η = 0 (Song, Meng & Ermon 2021, eq. 12), which turns w by Δζ in the plane of
//! x̂_0 and ε̂.
//!
//! From t = T the flow is followed to t = 1, the first timestep that a network has seen. From there one step lands on
//! x̂_0 for all methods: ε̂ has no slope left at s = 0. Orders are those of the flow to t = 1 and that landing; what the
//! landing itself leaves out (the width of the posterior at t = 1) no method can mend. So that no stretch of the way
//! decides the error, the times crowd towards the data: ζ^(1/3) is evenly spaced (Karras et al. 2022, appendix D.1, where
//! the same exponent nearly equalises the truncation error of Heun's steps in σ). The first steps, near pure noise, are
//! shorter: there a network knows x̂_0 least, and what a step takes on trust is its length in ζ.

use super::transition::Factors;
use super::{FEW_STEPS, Plan, PlanContext, PlanStep, Row, ddim};
use crate::data::bounds::Bounds;
use crate::diffusion::schedule::Scales;
use crate::diffusion::target::Combination;
use crate::names::Words;

/// Halvings of the interval in which a time is sought: f64 holds no more.
const BISECTIONS: u32 = 60;
/// ζ to the power of one over this is evenly spaced.
const CROWDING: f64 = 3.0;
/// By so much the first step is shorter than if it were: a stride of the share u of the way is 1 − EASING at u = 0 and 1 at
/// u = 1. On the exact field of the figure-8, 20 steps, it costs Heun 1.4 times and Runge–Kutta 2.8 times the error of the
/// end points (1.9e-3 and 3.9e-5 without it); of a network of 2500 updates it takes W₂ by Heun from 3.9 floors to 2.2, by
/// Euler from 6.1 to 3.2.
const EASING: f64 = 0.7;

/// Euler's method.
pub const EULER: Row = Row {
    words: Words {
        name: "euler",
        title: "ODE by Euler",
        symbol: "Euler",
        short: "ODE by Euler",
        help: "the probability-flow ODE by Euler's method",
    },
    steps: FEW_STEPS,
    plan: |steps, context, clip| Method::Euler.plan(steps, context, context.start_std(), clip),
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
    steps: FEW_STEPS,
    plan: |steps, context, clip| Method::Heun.plan(steps, context, context.start_std(), clip),
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
    steps: FEW_STEPS,
    plan: |steps, context, clip| Method::Rk4.plan(steps, context, context.start_std(), clip),
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
    /// Compile for so many steps, at least one, of which the last is the landing. It evaluates once, Heun's others twice,
    /// Runge–Kutta's four times ([`Plan::evaluations`]).
    pub fn plan(
        self,
        steps: u32,
        context: PlanContext,
        start_std: f64,
        clip: Option<Bounds>,
    ) -> Plan {
        let clock = Clock(context);
        let knots = clock.knots(steps.max(1) - 1);
        Plan {
            steps: self.stages(&knots, &|zeta| clock.at_zeta(zeta)),
            start_std,
            clip,
        }
    }

    /// The stages through the knots, and the landing from the last; `at` finds what lies between.
    fn stages(self, knots: &[Knot], at: &dyn Fn(f64) -> Knot) -> Vec<PlanStep> {
        let mut stages = Vec::new();
        for pair in knots.windows(2) {
            let (now, next) = (&pair[0], &pair[1]);
            match self {
                Self::Euler => stages.push(now.turn(next)),
                Self::Heun => {
                    stages.push(now.stage(now, next, &Weights::PREDICT));
                    let mean = Weights {
                        slope: 0.5,
                        memory: 0.5,
                        ..Weights::LAST
                    };
                    stages.push(now.stage(next, next, &mean));
                }
                Self::Rk4 => {
                    let middle = at(0.5 * (now.zeta() + next.zeta()));
                    let inner = Weights {
                        keep: 1.0,
                        add: 2.0,
                        ..Weights::PREDICT
                    };
                    stages.push(now.stage(now, &middle, &Weights::PREDICT));
                    stages.push(now.stage(&middle, &middle, &inner));
                    stages.push(now.stage(&middle, next, &inner));
                    let sixth = 1.0 / 6.0;
                    stages.push(now.stage(
                        next,
                        next,
                        &Weights {
                            slope: sixth,
                            memory: sixth,
                            ..Weights::LAST
                        },
                    ));
                }
            }
        }
        stages.extend(knots.last().map(Knot::land));
        stages
    }
}

/// The flow of the exact field from t = T until s/a = `nearest`, by Runge–Kutta in `steps` steps of one ratio of ζ, then
/// onto x̂_0. It knows nothing of timesteps, so the schedule matters at its noisy end alone, and `tau` of a stage is the
/// share of ζ that is left. No network has been trained there: one that follows it gets no finite x̂_0.
pub fn exact_flow(context: PlanContext, steps: u32, nearest: f64, start_std: f64) -> Plan {
    let start = Knot {
        tau: 1.0,
        scales: context.schedule.scales(1.0, context.timesteps),
        x0: NO_NETWORK,
    };
    let first = start.zeta();
    let at = |zeta: f64| {
        let (s, a) = zeta.sin_cos();
        Knot {
            tau: zeta / first,
            scales: Scales { a, s },
            x0: NO_NETWORK,
        }
    };
    let ratio = nearest.atan() / first;
    // A schedule that ends nearer to the data than asked for has nothing to be followed.
    let steps = if ratio < 1.0 { steps } else { 0 };
    let later = (1..=steps).map(|k| at(first * ratio.powf(f64::from(k) / f64::from(steps))));
    let knots: Vec<Knot> = std::iter::once(start).chain(later).collect();
    Plan {
        steps: Method::Rk4.stages(&knots, &at),
        start_std,
        clip: None,
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

/// A time on the clock.
#[derive(Clone, Copy)]
struct Knot {
    /// t/T.
    tau: f64,
    scales: Scales,
    /// Factors of x and of the network's output in x̂_0.
    x0: Combination,
}

impl Knot {
    fn zeta(&self) -> f64 {
        self.scales.s.atan2(self.scales.a)
    }

    /// r: x = r w.
    fn radius(&self) -> f64 {
        self.scales.a.hypot(self.scales.s)
    }

    /// (k_x, k_0) with dw/dζ = cos ζ ε̂ − sin ζ x̂_0 = k_x x + k_0 x̂_0.
    fn slope(&self) -> Combination {
        let (Scales { a, s }, r) = (self.scales, self.radius());
        Combination(a / (r * s), -r / s)
    }

    /// A stage that is evaluated here and moves nothing.
    fn evaluated(&self) -> PlanStep {
        let Combination(x0_x, x0_output) = self.x0;
        PlanStep {
            tau: self.tau,
            x0_x,
            x0_output,
            scales: self.scales,
            ..PlanStep::default()
        }
    }

    /// DDIM's step from here: x̂_0 and ε̂ stay.
    fn turn(&self, next: &Self) -> PlanStep {
        let Factors { x, x_0, .. } = ddim::step(0.0, self.scales, next.scales);
        PlanStep {
            tau_next: next.tau,
            c_x: x,
            c_0: x_0,
            ..self.evaluated()
        }
    }

    /// The step onto the data: x̂_0 itself.
    fn land(&self) -> PlanStep {
        PlanStep {
            tau_next: 0.0,
            c_x: 0.0,
            c_0: 1.0,
            ..self.evaluated()
        }
    }

    /// One stage of the step from here: evaluated `at`, its result lies at `to`.
    fn stage(&self, at: &Self, to: &Self, weights: &Weights) -> PlanStep {
        let Combination(k_x, k_0) = at.slope();
        let delta = to.radius() * (to.zeta() - self.zeta());
        let from_base = to.radius() / self.radius();
        // Where the point is the base itself, the two factors are added here, in f64: they nearly cancel at the noise end.
        let (c_base, c_point) = if at.tau == self.tau {
            (0.0, from_base)
        } else {
            (from_base, 0.0)
        };
        PlanStep {
            tau_next: to.tau,
            c_x: c_point + delta * weights.slope * k_x,
            c_0: delta * weights.slope * k_0,
            c_prev: delta * weights.memory,
            c_base,
            m_x: weights.add * k_x,
            m_0: weights.add * k_0,
            m_prev: weights.keep,
            ends_step: weights.ends_step,
            ..at.evaluated()
        }
    }
}

/// The clock of a schedule, from t = T to t = 1.
#[derive(Clone, Copy)]
struct Clock(PlanContext);

impl Clock {
    fn at(self, tau: f64) -> Knot {
        let PlanContext {
            schedule,
            target,
            timesteps,
        } = self.0;
        let scales = schedule.scales(tau, timesteps);
        Knot {
            tau,
            scales,
            x0: target.to_x0(scales),
        }
    }

    /// The time at which the clock shows ζ.
    fn at_zeta(self, zeta: f64) -> Knot {
        let (mut low, mut high) = (1.0 / f64::from(self.0.timesteps.max(1)), 1.0);
        for _ in 0..BISECTIONS {
            let middle = 0.5 * (low + high);
            if self.at(middle).zeta() < zeta {
                low = middle;
            } else {
                high = middle;
            }
        }
        self.at(0.5 * (low + high))
    }

    /// Times that are `intervals` apart, from T to 1; of none, T alone.
    fn knots(self, intervals: u32) -> Vec<Knot> {
        let (first, last) = (
            self.at(1.0),
            self.at(1.0 / f64::from(self.0.timesteps.max(1))),
        );
        let [from, to] = [first, last].map(|knot| knot.zeta().powf(1.0 / CROWDING));
        let between = (1..intervals).map(|k| {
            let u = f64::from(k) / f64::from(intervals);
            let share = u * (1.0 - EASING * (1.0 - u).powi(2));
            self.at_zeta((from + (to - from) * share).powf(CROWDING))
        });
        let last = (intervals > 0).then_some(last);
        std::iter::once(first).chain(between).chain(last).collect()
    }
}
