//! Conditional paths and velocities, of one x_0 each, and the marginal ones: what the first are on average over the x_0 that could be at x.

use super::exact::Marginal;
use super::reverse_step::ReverseStep;
use super::schedule::{Rates, Scales, Schedule};
use crate::data::mixture::Mixture;

/// Velocities dx/d(t/T) at one time of a schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Velocity {
    scales: Scales,
    rates: Rates,
}

impl Velocity {
    /// At τ = t/T; `None` at the data, where s = 0.
    pub fn at(schedule: Schedule, tau: f64, timesteps: u32) -> Option<Self> {
        Some(Self {
            scales: schedule.scales(tau, timesteps),
            rates: schedule.rates(tau, timesteps)?,
        })
    }

    /// u(x | x_0) = a′ x_0 + s′ (x − a x_0)/s: of a point on the path of one x_0 and its noise (Lipman et al. 2022, theorem 3, where
    /// t runs the other way).
    pub fn conditional(self, x: [f64; 2], x_0: [f64; 2]) -> [f64; 2] {
        let (Scales { a, s }, rates) = (self.scales, self.rates);
        [0, 1].map(|axis| rates.a * x_0[axis] + rates.s * (x[axis] - a * x_0[axis]) / s)
    }

    /// u(x) = E[u(x | x_0) | x_t = x] (Lipman et al. 2022, eq. 8): u(x | x_0) is linear in x_0, so that it is that of x̂_0* = E[x_0 | x_t = x],
    /// and a′ x̂_0* + s′ ε̂*. It is the velocity of the probability-flow ODE, f x − ½ g² score (Song et al. 2021, eq. 13).
    pub fn marginal(self, x: [f64; 2], marginal: &Marginal) -> [f64; 2] {
        self.conditional(x, marginal.posterior_mean(x))
    }

    /// Factors of x and of x_0 in u(x | x_0).
    pub fn factors(self) -> [f64; 2] {
        let (Scales { a, s }, rates) = (self.scales, self.rates);
        [rates.s / s, rates.a - a * rates.s / s]
    }

    /// True where neither scale changes, and nothing moves.
    pub fn is_at_rest(self) -> bool {
        self.rates.a == 0.0 && self.rates.s == 0.0
    }
}

/// p(x_0 | x_t = x) of a mixture, itself one: the step all the way back.
pub fn posterior(mixture: &Mixture, x: [f64; 2], scales: Scales) -> ReverseStep {
    ReverseStep::new(mixture, x, scales, Scales { a: 1.0, s: 0.0 })
}

/// Where a path is seen: scales from one t/T to another, at even steps of the angle ζ = atan2(s, a), along which paths bend evenly.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage(Vec<Scales>);

impl Passage {
    /// So many steps from one t/T to another, both ends included.
    pub fn between(schedule: Schedule, timesteps: u32, from: f64, to: f64, steps: u32) -> Self {
        let steps = steps.max(1);
        let scales = |tau| schedule.scales(tau, timesteps);
        let [first, last] = [from, to].map(|tau| angle(scales(tau)));
        let inner = (1..steps).map(|step| {
            let share = f64::from(step) / f64::from(steps);
            let wanted = first + share * (last - first);
            // ζ grows with τ: the interval around it is halved to f64's resolution.
            let (mut low, mut high) = (from.min(to), from.max(to));
            for _ in 0..52 {
                let middle = f64::midpoint(low, high);
                if angle(scales(middle)) < wanted {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            scales(high)
        });
        let ends = [from, to].map(scales);
        let all = std::iter::once(ends[0]).chain(inner).chain([ends[1]]);
        Self(all.collect())
    }

    /// The path of one x_0 and its noise, a x_0 + s ε: straight where a + s = 1, else bent.
    pub fn conditional(&self, x_0: [f64; 2], epsilon: [f64; 2]) -> Vec<[f64; 2]> {
        let at = |&Scales { a, s }: &Scales| [0, 1].map(|axis| a * x_0[axis] + s * epsilon[axis]);
        self.0.iter().map(at).collect()
    }

    /// The path of the probability-flow ODE through x, by Heun's method on dw/dζ = cos ζ ε̂* − sin ζ x̂_0* with w = x/√(a² + s²), and by x̂_0*
    /// onto the data.
    pub fn marginal(&self, mixture: &Mixture, x: [f64; 2]) -> Vec<[f64; 2]> {
        let mut path = vec![x];
        let mut x = x;
        for pair in self.0.windows(2) {
            let [now, next] = [pair[0], pair[1]];
            x = if next.s == 0.0 {
                mixture.posterior_mean(x, now)
            } else {
                let turned = angle(next) - angle(now);
                let radius = |scales: Scales| scales.a.hypot(scales.s);
                let w = x.map(|c| c / radius(now));
                let first = turning(mixture, w, now);
                let ahead = [0, 1].map(|axis| w[axis] + turned * first[axis]);
                let second = turning(mixture, ahead, next);
                [0, 1].map(|axis| {
                    radius(next) * (w[axis] + 0.5 * turned * (first[axis] + second[axis]))
                })
            };
            path.push(x);
        }
        path
    }
}

fn angle(Scales { a, s }: Scales) -> f64 {
    s.atan2(a)
}

/// dw/dζ of the probability-flow ODE.
fn turning(mixture: &Mixture, w: [f64; 2], scales: Scales) -> [f64; 2] {
    let Scales { a, s } = scales;
    let radius = a.hypot(s);
    let x = w.map(|c| radius * c);
    let x_0 = mixture.posterior_mean(x, scales);
    [0, 1].map(|axis| {
        let epsilon = (x[axis] - a * x_0[axis]) / s;
        (a * epsilon - s * x_0[axis]) / radius
    })
}

#[cfg(test)]
mod tests;
