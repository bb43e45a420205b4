//! What the chapters about the forward process share: its particles, and noise that is only added.

use std::sync::Arc;

use crate::canvas::points::Particles;
use crate::desk::Desk;
use crate::widgets::number::short;
use lab::message::fresh_version;
use maths::data::bounds::Bounds;
use maths::data::mixture::Mixture;
use maths::diffusion::schedule::{Scales, Schedule};
use maths::diffusion::solver::Transition;
use maths::philox::{Stream, normal};

/// The particles of a chapter, drawn once for a data set, a seed and a number.
#[derive(Default)]
pub struct ForwardCloud(Option<Made>);

struct Made {
    mixture: Arc<Mixture>,
    seed: u64,
    particles: Arc<Particles>,
}

impl ForwardCloud {
    /// The particles, each with the noise that it keeps; the first ones stay the same when their number changes.
    pub fn particles(&mut self, desk: &Desk, count: u32) -> Arc<Particles> {
        let mixture = &desk.here.snapshot.dataset.mixture;
        let seed = desk.here.snapshot.experiment.seed;
        if let Some(made) = &self.0
            && Arc::ptr_eq(&made.mixture, mixture)
            && made.seed == seed
            && made.particles.x_0.len() == count as usize
        {
            return made.particles.clone();
        }
        let version = fresh_version();
        let particles = Arc::new(Particles {
            x_0: mixture.draw(count as usize, seed),
            epsilon: (0..count).map(|i| normal(seed, Stream::Forward, 0, i)).collect(),
            version,
        });
        self.0 = Some(Made { mixture: mixture.clone(), seed, particles: particles.clone() });
        particles
    }
}

/// The variances that the steps of a schedule add, summed up to t = 0..=T: Σ σ²_{i|i−1}, which is Σ β_i where variance is
/// preserved and σ_t² where it explodes.
pub fn summed_noise(schedule: Schedule, timesteps: u32) -> Vec<f64> {
    let scales = |t: u32| schedule.scales(f64::from(t) / f64::from(timesteps), timesteps);
    let sums = (1..=timesteps).scan(0.0, |sum, t| {
        *sum += Transition::between(scales(t), scales(t - 1)).variance;
        Some(*sum)
    });
    std::iter::once(0.0).chain(sums).collect()
}

/// (a, s) of noise that is only added: x_t = x_0 + √(Σ σ²_{i|i−1}) ε by [`summed_noise`], whose sums are taken as linear
/// between whole timesteps.
pub fn growing_scales(sums: &[f64], tau: f64) -> Scales {
    let last = sums.len() - 1;
    let place = tau.clamp(0.0, 1.0) * last as f64;
    let before = (place as usize).min(last.saturating_sub(1));
    let after = (before + 1).min(last);
    let sum = sums[before] + (place - before as f64) * (sums[after] - sums[before]);
    Scales { a: 1.0, s: sum.sqrt() }
}

/// Variance of x_t per axis, on average: the data have 1.
pub fn variance(scales: Scales) -> f64 {
    scales.a.powi(2) + scales.s.powi(2)
}

/// x_t = a x_0 + s ε.
pub fn noised(particles: &Particles, index: usize, Scales { a, s }: Scales) -> [f32; 2] {
    [0, 1].map(|axis| a as f32 * particles.x_0[index][axis] + s as f32 * particles.epsilon[index][axis])
}

/// Positions of particles at the clock.
pub enum Points {
    /// These.
    Given(Arc<Vec<[f32; 2]>>),
    /// x_t = a x_0 + s ε.
    Noised(Arc<Particles>, Scales),
}

impl Points {
    /// One after the other.
    pub fn iter(&self) -> Box<dyn Iterator<Item = [f32; 2]>> {
        match self {
            Self::Given(points) => {
                let points = points.clone();
                Box::new((0..points.len()).map(move |i| points[i]))
            }
            Self::Noised(particles, scales) => {
                let (particles, scales) = (particles.clone(), *scales);
                Box::new((0..particles.x_0.len()).map(move |i| noised(&particles, i, scales)))
            }
        }
    }

    /// Variance per axis, the mean of both; `None` of fewer than two.
    pub fn variance(&self) -> Option<f64> {
        let mut count = 0.0;
        let (mut sum, mut squares) = ([0.0; 2], 0.0);
        for point in self.iter() {
            count += 1.0;
            for axis in 0..2 {
                sum[axis] += f64::from(point[axis]);
                squares += f64::from(point[axis]).powi(2);
            }
        }
        let means = sum.iter().map(|s| s * s).sum::<f64>() / count;
        (count > 1.0).then(|| 0.5 * (squares - means) / (count - 1.0))
    }
}

/// The view of a cloud at the clock: all but 1 in 80 of N(0, I), and where variance explodes as much of what the data have
/// become by then.
pub fn cloud_bounds(desk: &Desk) -> Bounds {
    let reach = variance(desk.here.scales()).sqrt().max(1.0) as f32;
    Bounds { min: [-3.0, -2.5], max: [3.0, 2.5] }.scaled(reach)
}

/// The noise that sampling starts from, of variance `unit`: `N(0, 1)`, or where variance explodes `N(0, 10²)`.
pub fn prior_name(desk: &Desk, unit: &str) -> String {
    normal_name(desk.here.draft.schedule.prior_std(desk.here.draft.timesteps), unit)
}

/// `N(0, 1)` of one axis, `N(0, I)` of both; of another standard deviation its square.
pub fn normal_name(std: f64, unit: &str) -> String {
    let std = short(std);
    let both = if unit == "1" { "" } else { " I" };
    if std == "1.00" { format!("N(0, {unit})") } else { format!("N(0, {std}²{both})") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::equations;
    use crate::equations::evaluate::Letters;
    use maths::diffusion::log_snr::LogSnr;

    /// Σ β_i, σ_t², and on the straight path Σ (2 i (T − i + 1) − T) / (T (T − i + 1)²), which is
    /// (i/T)² − ((T − i)/(T − i + 1))² ((i − 1)/T)² written as one fraction.
    #[test]
    fn noise_that_is_only_added_is_that_of_the_paths_own_steps() {
        for timesteps in [1, 10, 1000] {
            for schedule in Schedule::ALL.into_iter().chain([Schedule::Custom(LogSnr::default())]) {
                let sums = summed_noise(schedule, timesteps);
                let (betas, whole) = (schedule.summed_betas(timesteps), f64::from(timesteps));
                let mut flow = 0.0;
                for t in 0..=timesteps {
                    let (i, left) = (f64::from(t), f64::from(timesteps - t + 1));
                    flow += if t > 0 { (2.0 * i * left - whole) / (whole * left * left) } else { 0.0 };
                    let expected = match schedule {
                        Schedule::Flow => flow,
                        Schedule::Ve if t == 0 => 0.0,
                        Schedule::Ve => 1e-4 * 1e6_f64.powf(i / whole),
                        _ => betas[t as usize],
                    };
                    let sum = sums[t as usize];
                    assert!((sum - expected).abs() < 1e-8 * expected.max(1.0), "{schedule} {t} of {timesteps}: {sum}");
                }
            }
        }
    }

    /// The formula as it is read from the screen, its sum taken over the steps by the formula's own second line.
    #[test]
    fn what_grows_is_what_is_shown() {
        let timesteps = 50;
        for schedule in Schedule::ALL.into_iter().chain([Schedule::Custom(LogSnr::default())]) {
            let text = equations::growing(schedule).text();
            let lines: Vec<_> = text.lines().map(|line| line.split_once(" = ").unwrap().1).collect();
            let sums = summed_noise(schedule, timesteps);
            let tau = |t: u32| f64::from(t) / f64::from(timesteps);
            let mut own = 0.0;
            for t in 1..=timesteps {
                if let [_, square, rest] = lines[..] {
                    let quotient = rest.split_once(",  r = ").unwrap().0;
                    let letters = |a| Letters::new([("u", tau(t)), ("r", tau(t - 1)), ("a_{u|r}", a)]);
                    own += letters(letters(f64::NAN).value(quotient)).value(square);
                }
                let betas = (1..=t).map(|t| schedule.beta(t, timesteps)).sum();
                let at = |x_0, epsilon| {
                    let letters = [
                        ("x_0", x_0),
                        ("ε", epsilon),
                        ("∑_{i ≤ t} β_i", betas),
                        ("∑_{u ≤ t} σ_{u|r}²", own),
                        ("σ_t", 0.01 * 1000.0_f64.powf(tau(t))),
                    ];
                    Letters::new(letters).value(lines[0])
                };
                let runs = growing_scales(&sums, tau(t));
                let [a, s] = [at(1.0, 0.0), at(0.0, 1.0)];
                assert!(
                    (a - runs.a).abs() < 1e-9 && (s - runs.s).abs() < 1e-9,
                    "{schedule} {t}: {s} and not {}",
                    runs.s
                );
            }
        }
    }
}
