//! Consistency models (Song et al. 2023): f(x_t, t) is to be the point on the data where the probability flow through x_t ends.
//!
//! f is the network's x̂_0. It is asked to agree with itself at two neighbouring times of one path, and at the lowest with the
//! clean point. How far apart the two are is a matter of rungs, which are even in ζ^(1/3): close to one another where little noise is left,
//! bounded on every schedule.

use super::schedule::{Scales, Schedule};

/// Rungs from t = 1 to T of a student that has a teacher. More of them leave less between two neighbours, and make the way longer on which
/// each learns from the one below.
pub const TAUGHT_RUNGS: u32 = 16;
/// And of one that has none: what it takes for the step of a teacher is as wrong as it is long.
pub const UNTAUGHT_RUNGS: u32 = 32;

/// Which timestep lies a rung below another.
#[derive(Clone, Debug, PartialEq)]
pub struct Ladder {
    /// Of t = 1..=T, index t − 1.
    scales: Vec<Scales>,
    /// See [`Ladder::below`].
    below: Vec<u32>,
}

impl Ladder {
    /// So many rungs from t = 1 to T of a schedule.
    pub fn new(schedule: Schedule, timesteps: u32, rungs: u32) -> Self {
        let at = |t: u32| schedule.scales(f64::from(t) / f64::from(timesteps), timesteps);
        let scales: Vec<Scales> = (1..=timesteps).map(at).collect();
        let heights: Vec<f64> = scales.iter().map(|at| at.s.atan2(at.a).cbrt()).collect();
        let span = match &heights[..] {
            [lowest, .., highest] => highest - lowest,
            _ => 0.0,
        };
        let rung = span / f64::from(rungs.max(1));
        let below = (0..heights.len()).map(|index| {
            let under = heights.partition_point(|height| *height < heights[index] - rung);
            under.min(index) as u32
        });
        Self {
            below: below.collect(),
            scales,
        }
    }

    /// The highest timestep that lies a rung or more below t; 0, the clean point, where there is none.
    pub fn below(&self, t: u32) -> u32 {
        self.below[t as usize - 1]
    }

    /// a and s of timestep t.
    pub fn scales(&self, t: u32) -> Scales {
        self.scales[t as usize - 1]
    }
}

/// (k_x, k_0) with the point at a lower noise, on a straight way along ε̂: x_r = k_x x_t + k_0 x̂_0 (Song, Meng & Ermon 2021, eq. 12).
pub fn descent(now: Scales, next: Scales) -> (f64, f64) {
    let of_x = next.s / now.s;
    (of_x, next.a - now.a * of_x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the schedule and T: from t = T down to the clean point in about as many rungs, which are even in ζ^(1/3).
    #[test]
    fn a_ladder_leads_from_t_to_the_clean_point_rung_by_rung() {
        for schedule in Schedule::every() {
            for (timesteps, rungs) in [(2, 16), (100, 16), (1000, 16), (1000, 32)] {
                let ladder = Ladder::new(schedule, timesteps, rungs);
                let height = |t: u32| {
                    let Scales { a, s } = ladder.scales(t);
                    s.atan2(a).cbrt()
                };
                let rung = (height(timesteps) - height(1)) / f64::from(rungs);
                let (mut t, mut count) = (timesteps, 0);
                while t > 0 {
                    let below = ladder.below(t);
                    assert!(below < t, "{schedule}, {t}");
                    // A whole rung, and no timestep further than that.
                    let next = height(below + 1);
                    let of = format!("{schedule}, T = {timesteps}: {below} below {t}");
                    assert!(
                        below == 0 || height(t) - height(below) > rung * (1.0 - 1e-9),
                        "{of}"
                    );
                    assert!(
                        below + 1 == t || height(t) - next <= rung * (1.0 + 1e-9),
                        "{of}"
                    );
                    (t, count) = (below, count + 1);
                }
                assert!(count <= rungs + 1, "{schedule}: {count} rungs");
            }
        }
    }

    #[test]
    fn a_descent_keeps_the_noise() {
        for schedule in Schedule::every() {
            let [now, next] = [0.7, 0.3].map(|tau| schedule.scales(tau, 1000));
            let (of_x, of_x0) = descent(now, next);
            let (x_0, eps) = (1.3, -0.4);
            let found = of_x * (now.a * x_0 + now.s * eps) + of_x0 * x_0;
            assert!((found - (next.a * x_0 + next.s * eps)).abs() < 1e-12);
        }
    }
}
