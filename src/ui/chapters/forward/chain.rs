//! The Markov chain of the forward process: x_t from x_{t−1}, with fresh noise at every step.

use std::sync::Arc;

use maths::diffusion::schedule::Schedule;
use maths::diffusion::solver::Transition;
use maths::philox::{Stream, normal};

/// Most frames that are kept: beyond it, every few steps.
const MOST_FRAMES: u32 = 1000;

/// Particles on their way through the chain.
pub struct Chain {
    /// Where all are after every `stride` steps, from t = 0 on.
    frames: Vec<Arc<Vec<[f32; 2]>>>,
    stride: u32,
}

/// The steps of a schedule, t = 1..=T, and the key of their noise.
pub struct Steps {
    transitions: Vec<Transition>,
    seed: u64,
}

impl Steps {
    /// x_t = a_{t|r} x_r + σ_{t|r} z with r = t − 1, as `equations::step` shows it: for a variance-preserving schedule √(1 − β_t)
    /// and √β_t (Ho et al. 2020, eq. 2).
    pub fn new(schedule: Schedule, timesteps: u32, seed: u64) -> Self {
        let scales = |t: u32| schedule.scales(f64::from(t) / f64::from(timesteps), timesteps);
        let transitions = (1..=timesteps)
            .map(|t| Transition::between(scales(t), scales(t - 1)))
            .collect();
        Self { transitions, seed }
    }

    /// Where particle `index` is at t = 0, 1, ..., T. A particle's noise depends on its number alone, so that one can be
    /// walked again by itself.
    pub fn walk(&self, x_0: [f32; 2], index: u32) -> impl Iterator<Item = [f32; 2]> {
        let mut x = x_0.map(f64::from);
        let later = self
            .transitions
            .iter()
            .zip(1..)
            .map(move |(transition, t)| {
                let z = normal(self.seed, Stream::Forward, t, index);
                x = [0, 1].map(|axis| {
                    transition.a * x[axis] + transition.variance.sqrt() * f64::from(z[axis])
                });
                x.map(|v| v as f32)
            });
        std::iter::once(x_0).chain(later)
    }
}

impl Chain {
    /// Walk all particles.
    pub fn new(x_0: &[[f32; 2]], steps: &Steps) -> Self {
        let timesteps = steps.transitions.len() as u32;
        let stride = timesteps.div_ceil(MOST_FRAMES).max(1);
        let mut frames = vec![vec![[0.0; 2]; x_0.len()]; (timesteps / stride) as usize + 1];
        for (index, &start) in x_0.iter().enumerate() {
            for (frame, x) in steps
                .walk(start, index as u32)
                .step_by(stride as usize)
                .enumerate()
            {
                frames[frame][index] = x;
            }
        }
        Self {
            frames: frames.into_iter().map(Arc::new).collect(),
            stride,
        }
    }

    /// The particles after `t` steps (or the kept step before), and the number of that frame.
    pub fn at(&self, t: u32) -> (usize, Arc<Vec<[f32; 2]>>) {
        let frame = ((t / self.stride) as usize).min(self.frames.len() - 1);
        (frame, self.frames[frame].clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::equations;
    use crate::equations::evaluate::Letters;
    use maths::diffusion::log_snr::LogSnr;

    fn schedules() -> impl Iterator<Item = Schedule> {
        let own = [
            LogSnr::default(),
            LogSnr::new([11.0, 2.0, 1.0, -3.0, -12.0]),
        ];
        Schedule::ALL.into_iter().chain(own.map(Schedule::Custom))
    }

    /// Every step of a particle, by the formula as it is read from the screen.
    #[test]
    fn the_chain_that_runs_is_the_one_that_is_shown() {
        for schedule in schedules() {
            for timesteps in [10, 1000] {
                let text = equations::step(schedule).text();
                let lines: Vec<_> = text
                    .lines()
                    .map(|line| line.split_once(" = ").unwrap().1)
                    .collect();
                let walk: Vec<_> = Steps::new(schedule, timesteps, 3)
                    .walk([1.5, -0.5], 5)
                    .collect();
                for t in 1..=timesteps {
                    let tau = |t: u32| f64::from(t) / f64::from(timesteps);
                    let sigma = |t: u32| {
                        if t == 0 {
                            0.0
                        } else {
                            0.01 * 1000.0_f64.powf(tau(t))
                        }
                    };
                    let beta = 1.0
                        - schedule.alpha_bar(tau(t), timesteps)
                            / schedule.alpha_bar(tau(t - 1), timesteps);
                    let z = f64::from(normal(3, Stream::Forward, t, 5)[0]);
                    let [before, after] = [t - 1, t].map(|t| f64::from(walk[t as usize][0]));
                    // Further lines say what σ_{t|r}, a_{t|r} and r are.
                    let (mut factor, mut step) = (f64::NAN, f64::NAN);
                    if let [_, square, rest] = lines[..] {
                        let (quotient, earlier) = rest.split_once(",  r = ").unwrap();
                        let own = |a| {
                            let whole = f64::from(timesteps);
                            Letters::new([
                                ("t", tau(t)),
                                ("r", tau(t - 1)),
                                ("T", whole),
                                ("a_{t|r}", a),
                            ])
                        };
                        assert!(
                            (own(f64::NAN).value(earlier) - tau(t - 1)).abs() < 1e-12,
                            "{earlier}"
                        );
                        factor = own(f64::NAN).value(quotient);
                        step = own(factor).value(square).sqrt();
                    }
                    let letters = Letters::new([
                        ("x_{t−1}", before),
                        ("x_r", before),
                        ("z_t", z),
                        ("β_t", beta),
                        ("σ_t", sigma(t)),
                        ("σ_{t−1}", sigma(t - 1)),
                        ("σ_{t|r}", step),
                        ("a_{t|r}", factor),
                        ("t", tau(t)),
                        ("r", tau(t - 1)),
                    ]);
                    let shown = letters.value(lines[0]);
                    let room = 2e-6 * (1.0 + before.abs() + after.abs());
                    assert!(
                        (shown - after).abs() < room,
                        "{schedule} {t} of {timesteps}: {shown} and not {after}"
                    );
                }
            }
        }
    }

    /// Var x_t = s_t² given x_0, by adding up the steps, against the closed forms of the schedules.
    #[test]
    fn the_variance_of_the_chain_is_that_of_the_closed_form_at_every_step() {
        for timesteps in [1, 2, 10, 100, 1000, 4000] {
            for schedule in schedules() {
                let (mut mean, mut variance) = (1.0, 0.0);
                for (transition, t) in Steps::new(schedule, timesteps, 0)
                    .transitions
                    .iter()
                    .zip(1..)
                {
                    mean *= transition.a;
                    variance = transition.a.powi(2) * variance + transition.variance;
                    let tau = f64::from(t) / f64::from(timesteps);
                    let (a, square) = match schedule {
                        Schedule::Linear => {
                            let log = -0.1 * tau - 9.95 * tau * tau;
                            ((0.5 * log).exp(), -log.exp_m1())
                        }
                        Schedule::Ve => (1.0, 1e-4 * 1e6_f64.powf(tau)),
                        Schedule::Flow => (1.0 - tau, tau * tau),
                        _ => {
                            let alpha_bar = schedule.alpha_bar(tau, timesteps);
                            (alpha_bar.sqrt(), 1.0 - alpha_bar)
                        }
                    };
                    let what = format!("{schedule} {t} of {timesteps}");
                    assert!((mean - a).abs() < 1e-9, "{what}: {mean} and not {a}");
                    assert!(
                        (variance - square).abs() < 1e-9 * square.max(1e-2),
                        "{what}: {variance} and not {square}"
                    );
                }
            }
        }
    }

    /// The chain ends every step with the marginal of the jump: mean a x_0 and variance s².
    #[test]
    fn the_chain_has_the_marginals_of_the_jump() {
        let start = [1.5_f32, -0.5];
        for schedule in schedules() {
            let timesteps = 40;
            let steps = Steps::new(schedule, timesteps, 7);
            let chain = Chain::new(&vec![start; 20_000], &steps);
            for t in [0, 1, 10, 40] {
                let scales = schedule.scales(f64::from(t) / f64::from(timesteps), timesteps);
                let (_, points) = chain.at(t);
                let count = points.len() as f64;
                for axis in 0..2 {
                    let mean = points.iter().map(|p| f64::from(p[axis])).sum::<f64>() / count;
                    let variance = points
                        .iter()
                        .map(|p| (f64::from(p[axis]) - mean).powi(2))
                        .sum::<f64>()
                        / count;
                    // Five standard errors.
                    let room = 5.0 * scales.s / count.sqrt() + 1e-6;
                    assert!(
                        (mean - scales.a * f64::from(start[axis])).abs() < room,
                        "{schedule} {t}: mean {mean}"
                    );
                    let wrong = (variance / (scales.s * scales.s).max(1e-12) - 1.0).abs();
                    assert!(
                        t == 0 || wrong < 5.0 * (2.0 / count).sqrt(),
                        "{schedule} {t}: variance {variance}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_particle_walked_again_is_the_one_in_the_crowd() {
        let steps = Steps::new(Schedule::Linear, 2500, 1);
        let x_0 = [[0.1, 0.2], [-1.0, 0.4], [0.0, 2.0]];
        let chain = Chain::new(&x_0, &steps);
        let trail: Vec<_> = steps.walk(x_0[2], 2).collect();
        assert_eq!(trail.len(), 2501);
        for t in [0, 3, 300, 2499] {
            assert_eq!(chain.at(t).1[2], trail[(t / 3 * 3) as usize]);
        }
    }
}
