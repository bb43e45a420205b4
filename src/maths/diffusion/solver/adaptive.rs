//! The probability-flow ODE by Runge–Kutta methods that choose their own steps: each particle for itself, by an estimate of its error.
//!
//! What is integrated is the flow dw/dζ of [`super::ode`], from t = T to t = 1; then the last step lands as all samplers do. It is integrated
//! over u = ln ζ, dw/du = ζ dw/dζ: near the data the flow changes within a share of ζ, as ζ comes down to the width of what is there, and a
//! step over ζ would leap over that unseen. A method has two sets of weights: one moves the particle, their difference is the estimate. A step is taken where the estimate is below the
//! tolerance, else it is tried again, shorter. The control is that of Hairer, Nørsett & Wanner, "Solving Ordinary Differential Equations I",
//! section II.4, with the constants that SciPy has, but for the growth of steps, the first one and the longest.
//!
//! A plan says where the particles are seen: at its knots, between the ends of their own steps by a cubic (section II.6 there).
//!
//! Nothing here evaluates anything: [`Control::asks`] says where x̂_0 is wanted, and [`Control::answer`] takes it. So any engine asks for many
//! particles at once, each at its own time.

use super::knots::Knots;
use super::knots::{Clock, Knot};
use super::{Dial, FEW_STEPS, Placement, PlanContext, PlanStep, Row, families, few_steps};
use crate::diffusion::target::Combination;
use crate::names::Words;

/// The tolerance of both.
const TOLERANCE: Dial = Dial {
    symbol: "ε",
    title: "Tolerance",
    help: "The error that one step may have, of a cloud of width 1: a step is taken where its estimate is below it, else it is tried again, shorter",
    word: "TOLERANCE",
    range: [1e-6, 0.1],
    usual: 1e-3,
};

/// Dormand & Prince 1980, order 5 with an estimate of order 4.
pub const DORMAND_PRINCE: Row = Row {
    words: Words {
        name: "dopri5",
        title: "ODE by Dormand–Prince 5(4)",
        symbol: "DP5(4)",
        short: "ODE by Dormand–Prince",
        help: "the probability-flow ODE by the method of Dormand and Prince, which chooses its own steps; dopri5:TOLERANCE, between 1e-6 and 0.1",
    },
    family: families::ADAPTIVE,
    steps: FEW_STEPS,
    few_steps: few_steps::OWN,
    placement: Placement::Crowded,
    dial: Some(TOLERANCE),
    embedded: Some(Embedded::DormandPrince),
    stages: frames,
};

/// Bogacki & Shampine 1989, order 3 with an estimate of order 2.
pub const BOGACKI_SHAMPINE: Row = Row {
    words: Words {
        name: "bosh3",
        title: "ODE by Bogacki–Shampine 3(2)",
        symbol: "BS3(2)",
        short: "ODE by Bogacki–Shampine",
        help: "the probability-flow ODE by the method of Bogacki and Shampine, which chooses its own steps; bosh3:TOLERANCE, between 1e-6 and 0.1",
    },
    embedded: Some(Embedded::BogackiShampine),
    ..DORMAND_PRINCE
};

/// One stage a knot, which says where the particles are seen, and the landing from t = 1.
fn frames(knots: &Knots, _tolerance: f64) -> Vec<PlanStep> {
    let mut seen = knots.before_landing().to_vec();
    let nearest = Clock(knots.context()).nearest();
    if seen.last().is_some_and(|last| last.tau > nearest) {
        seen.push(knots.knot(nearest));
    }
    let stages = seen.windows(2).map(|pair| PlanStep {
        tau_next: pair[1].tau,
        ..pair[0].evaluated()
    });
    let landing = seen.last().map(|last| last.turn(&knots.knot(0.0)));
    stages.chain(landing).collect()
}

/// A method with two sets of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embedded {
    /// Dormand & Prince, "A family of embedded Runge–Kutta formulae", 1980, table 2.
    DormandPrince,
    /// Bogacki & Shampine, "A 3(2) pair of Runge–Kutta formulas", 1989.
    BogackiShampine,
}

/// Most slopes of a step: six, and the one at its end.
const MOST_SLOPES: usize = 7;

/// The coefficients of a method. The slope at the end of a step is the first one of the next.
struct Tableau {
    /// Where each slope but the first is taken, in steps; the last is the end.
    nodes: &'static [f64],
    /// What leads there: of each, the factors of the slopes before. The last row moves the particle.
    rows: &'static [&'static [f64]],
    /// The difference of both sets of weights, of all slopes.
    error: &'static [f64],
    /// Order of the estimate.
    order: f64,
}

const DORMAND_PRINCE_TABLEAU: Tableau = Tableau {
    nodes: &[1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0, 1.0],
    rows: &[
        &[1.0 / 5.0],
        &[3.0 / 40.0, 9.0 / 40.0],
        &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
        &[
            19372.0 / 6561.0,
            -25360.0 / 2187.0,
            64448.0 / 6561.0,
            -212.0 / 729.0,
        ],
        &[
            9017.0 / 3168.0,
            -355.0 / 33.0,
            46732.0 / 5247.0,
            49.0 / 176.0,
            -5103.0 / 18656.0,
        ],
        &[
            35.0 / 384.0,
            0.0,
            500.0 / 1113.0,
            125.0 / 192.0,
            -2187.0 / 6784.0,
            11.0 / 84.0,
        ],
    ],
    error: &[
        -71.0 / 57600.0,
        0.0,
        71.0 / 16695.0,
        -71.0 / 1920.0,
        17253.0 / 339_200.0,
        -22.0 / 525.0,
        1.0 / 40.0,
    ],
    order: 4.0,
};

const BOGACKI_SHAMPINE_TABLEAU: Tableau = Tableau {
    nodes: &[1.0 / 2.0, 3.0 / 4.0, 1.0],
    rows: &[
        &[1.0 / 2.0],
        &[0.0, 3.0 / 4.0],
        &[2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0],
    ],
    error: &[5.0 / 72.0, -1.0 / 12.0, -1.0 / 9.0, 1.0 / 8.0],
    order: 2.0,
};

impl Embedded {
    const fn tableau(self) -> &'static Tableau {
        match self {
            Self::DormandPrince => &DORMAND_PRINCE_TABLEAU,
            Self::BogackiShampine => &BOGACKI_SHAMPINE_TABLEAU,
        }
    }
}

/// A step aims at this share of the tolerance.
const SAFETY: f64 = 0.9;
/// The least and the most that a step becomes of the one before. An estimate may pass through 0 by chance: where that made the next step ten
/// times as long, as usual elsewhere, ends were wrong by up to 13 tolerances, and by less than 3 where it makes it twice as long.
const FACTORS: [f64; 2] = [0.2, 2.0];
/// In u: the first step that is tried. At pure noise the flow stands still, and says nothing of the step that it will bear.
const FIRST_STEP: f64 = 0.2;
/// In u: no step is longer. Within it ζ falls to a third: what the flow meets nearer to the data is not leapt over.
const LONGEST_STEP: f64 = 1.0;
/// In u: a shorter step is taken whatever its estimate, for that is rounding by then.
const LEAST_STEP: f64 = 1e-7;

/// How the particles of a plan choose their steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Control {
    method: Embedded,
    /// What one step may be wrong by, of w and of 1 + |w|.
    tolerance: f64,
    context: PlanContext,
    /// u of t = 1, where the method ends.
    end: f64,
}

/// Where a particle was, with its slope there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Node {
    u: f64,
    w: [f64; 2],
    slope: [f64; 2],
}

/// What a particle waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// The slope where it begins.
    Slope,
    /// The slope of this number, of a step.
    Stage(usize),
}

/// What it took a particle to come so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Steps taken.
    pub accepted: u32,
    /// Steps tried and not taken.
    pub rejected: u32,
    /// Predictions of x̂_0.
    pub evaluations: u32,
}

/// A particle on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flight {
    before: Node,
    now: Node,
    /// Length of the step that is tried, and whether a longer one was not taken.
    step: f64,
    was_rejected: bool,
    phase: Phase,
    slopes: [[f64; 2]; MOST_SLOPES],
    /// What it took.
    pub effort: Effort,
}

/// Where a particle wants to know x̂_0.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// When.
    pub knot: Knot,
    /// Where.
    pub x: [f64; 2],
    w: [f64; 2],
}

/// The end of a step that was tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// t/T there.
    pub tau: f64,
    /// x there.
    pub x: [f64; 2],
    /// The step was taken.
    pub accepted: bool,
}

/// Σ factor · slope.
fn sum(factors: &[f64], slopes: &[[f64; 2]]) -> [f64; 2] {
    std::array::from_fn(|axis| factors.iter().zip(slopes).map(|(f, k)| f * k[axis]).sum())
}

/// Root mean square of both.
fn norm(v: [f64; 2]) -> f64 {
    (0.5 * (v[0] * v[0] + v[1] * v[1])).sqrt()
}

impl Control {
    /// Of a method with this tolerance.
    pub fn new(method: Embedded, tolerance: f64, context: PlanContext) -> Self {
        let clock = Clock(context);
        Self {
            method,
            tolerance,
            context,
            end: clock.at(clock.nearest()).zeta().ln(),
        }
    }

    /// u = ln ζ at t/T, by which a particle is told where it is to be seen.
    pub fn clock(&self, tau: f64) -> f64 {
        Clock(self.context).at(tau).zeta().ln()
    }

    /// A particle at x at t/T.
    pub fn begin(&self, tau: f64, x: [f64; 2]) -> Flight {
        let knot = Clock(self.context).at(tau);
        let now = Node {
            u: knot.zeta().ln(),
            w: x.map(|x| x / knot.radius()),
            slope: [0.0; 2],
        };
        Flight {
            before: now,
            now,
            step: 0.0,
            was_rejected: false,
            phase: Phase::Slope,
            slopes: [[0.0; 2]; MOST_SLOPES],
            effort: Effort::default(),
        }
    }

    /// Where a particle wants to know x̂_0 on its way to u; `None` where it has come there.
    pub fn asks(&self, flight: &Flight, until: f64) -> Option<Question> {
        let begins_step = flight.phase == Phase::Stage(1);
        if begins_step && flight.now.u <= until.max(self.end) {
            return None;
        }
        let Node { u, w, .. } = flight.now;
        let (u, w) = match flight.phase {
            Phase::Slope => (u, w),
            Phase::Stage(number) => {
                let tableau = self.method.tableau();
                let slope = sum(tableau.rows[number - 1], &flight.slopes);
                let u = self.after(u, tableau.nodes[number - 1] * flight.step);
                (u, std::array::from_fn(|i| w[i] - flight.step * slope[i]))
            }
        };
        let knot = Clock(self.context).near_zeta(u.exp());
        let x = w.map(|w| knot.radius() * w);
        Some(Question { knot, x, w })
    }

    /// Tell a particle x̂_0 where it asked for it. The end of a step, where this was the last that it asked for.
    pub fn answer(&self, flight: &mut Flight, asked: &Question, x_0: [f64; 2]) -> Option<Mark> {
        let Combination(of_x, of_x_0) = asked.knot.slope();
        let zeta = asked.knot.zeta();
        let slope: [f64; 2] = std::array::from_fn(|i| zeta * (of_x * asked.x[i] + of_x_0 * x_0[i]));
        flight.effort.evaluations += 1;
        let tableau = self.method.tableau();
        match flight.phase {
            Phase::Slope => {
                flight.now.slope = slope;
                flight.slopes[0] = slope;
                self.try_step(flight, FIRST_STEP);
                None
            }
            Phase::Stage(number) => {
                flight.slopes[number] = slope;
                if number < tableau.nodes.len() {
                    flight.phase = Phase::Stage(number + 1);
                    return None;
                }
                Some(self.judge(flight, asked, slope, tableau))
            }
        }
    }

    /// A question at t/T about where a particle is seen there.
    pub fn question(&self, flight: &Flight, tau: f64) -> Question {
        let knot = Clock(self.context).at(tau);
        let x = self.seen(flight, tau);
        let w = x.map(|x| x / knot.radius());
        Question { knot, x, w }
    }

    /// Where a particle is seen at t/T that has come there or farther: between the ends of its last step by a cubic.
    pub fn seen(&self, flight: &Flight, tau: f64) -> [f64; 2] {
        let knot = Clock(self.context).at(tau);
        let Flight { before, now, .. } = flight;
        let length = now.u - before.u;
        let w: [f64; 2] = if length == 0.0 {
            now.w
        } else {
            let share = ((knot.zeta().ln() - before.u) / length).clamp(0.0, 1.0);
            let (square, cube) = (share * share, share.powi(3));
            std::array::from_fn(|i| {
                (2.0 * cube - 3.0 * square + 1.0) * before.w[i]
                    + (cube - 2.0 * square + share) * length * before.slope[i]
                    + (3.0 * square - 2.0 * cube) * now.w[i]
                    + (cube - square) * length * now.slope[i]
            })
        };
        w.map(|w| knot.radius() * w)
    }

    /// What w may be wrong by.
    fn scale(&self, w: [f64; 2]) -> [f64; 2] {
        w.map(|w| self.tolerance * (1.0 + w.abs()))
    }

    fn scaled(&self, v: [f64; 2], at: [f64; 2]) -> f64 {
        let scale = self.scale(at);
        norm([v[0] / scale[0], v[1] / scale[1]])
    }

    /// So much after u; at the end, the end itself and not by way of a difference.
    fn after(&self, u: f64, step: f64) -> f64 {
        if step >= u - self.end {
            self.end
        } else {
            u - step
        }
    }

    /// Try a step of this length, but not beyond the end.
    fn try_step(&self, flight: &mut Flight, step: f64) {
        flight.step = step.min(LONGEST_STEP).min(flight.now.u - self.end);
        flight.phase = Phase::Stage(1);
    }

    /// Take a step whose slopes are known, or do not.
    fn judge(
        &self,
        flight: &mut Flight,
        asked: &Question,
        slope: [f64; 2],
        tableau: &Tableau,
    ) -> Mark {
        let Node { u, w, .. } = flight.now;
        let wrong = sum(tableau.error, &flight.slopes).map(|error| error * flight.step);
        let larger = std::array::from_fn(|i| w[i].abs().max(asked.w[i].abs()));
        let error = self.scaled(wrong, larger);
        let change = SAFETY * error.powf(-1.0 / (tableau.order + 1.0));
        let [least, most] = FACTORS;
        // What is not finite stays so, and is seen: no step is short enough for it.
        let is_lost = !asked.w.iter().chain(&slope).all(|value| value.is_finite());
        let accepted = error < 1.0 || flight.step <= LEAST_STEP || is_lost;
        if accepted {
            flight.effort.accepted += 1;
            let longest = if flight.was_rejected { 1.0 } else { most };
            let factor = if error == 0.0 {
                longest
            } else {
                change.min(longest)
            };
            flight.before = flight.now;
            flight.now = Node {
                u: if is_lost {
                    self.end
                } else {
                    self.after(u, flight.step)
                },
                w: asked.w,
                slope,
            };
            flight.slopes[0] = slope;
            flight.was_rejected = false;
            let next = if is_lost { 0.0 } else { flight.step * factor };
            self.try_step(flight, next.max(LEAST_STEP));
        } else {
            flight.effort.rejected += 1;
            flight.was_rejected = true;
            let shorter = flight.step * change.max(least);
            self.try_step(flight, shorter.max(LEAST_STEP));
        }
        Mark {
            tau: asked.knot.tau,
            x: asked.x,
            accepted,
        }
    }
}
