//! A cloud on its way between data and noise: its particles, its spread, and the noise that it ends in.

use std::sync::Arc;

use crate::canvas::points::Particles;
use crate::desk::Desk;
use crate::widgets::number::short;
use lab::message::fresh_version;
use maths::data::bounds::Bounds;
use maths::data::mixture::Mixture;
use maths::diffusion::schedule::Scales;
use maths::philox::{Stream, normal};

/// The particles of a chapter, drawn once for a data set, a seed and a number.
#[derive(Default)]
pub struct ForwardCloud {
    /// What they were drawn for.
    of: Option<(Arc<Mixture>, u64)>,
    particles: Arc<Particles>,
}

impl ForwardCloud {
    /// The particles, as they were drawn last.
    pub fn particles(&self) -> Arc<Particles> {
        self.particles.clone()
    }

    /// Draw the particles, each with the noise that it keeps; the first ones stay the same when their number changes.
    pub fn draw(&mut self, desk: &Desk, count: u32) -> Arc<Particles> {
        let mixture = &desk.here.snapshot.dataset.mixture;
        let seed = desk.here.snapshot.experiment.seed;
        let same = |(of, by): &(Arc<Mixture>, u64)| Arc::ptr_eq(of, mixture) && *by == seed;
        if self.of.as_ref().is_some_and(same) && self.particles.x_0.len() == count as usize {
            return self.particles.clone();
        }
        let version = fresh_version();
        self.particles = Arc::new(Particles {
            x_0: mixture.draw(count as usize, seed),
            epsilon: (0..count)
                .map(|i| normal(seed, Stream::Forward, 0, i))
                .collect(),
            version,
        });
        self.of = Some((mixture.clone(), seed));
        self.particles.clone()
    }
}

/// Variance of x_t per axis, on average: the data have 1.
pub fn variance(scales: Scales) -> f64 {
    scales.a.powi(2) + scales.s.powi(2)
}

/// x_t = a x_0 + s ε.
pub fn noised(particles: &Particles, index: usize, Scales { a, s }: Scales) -> [f32; 2] {
    [0, 1].map(|axis| {
        a as f32 * particles.x_0[index][axis] + s as f32 * particles.epsilon[index][axis]
    })
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
    Bounds {
        min: [-3.0, -2.5],
        max: [3.0, 2.5],
    }
    .scaled(reach)
}

/// The noise that sampling starts from, of variance `unit`: `N(0, 1)`, or where variance explodes `N(0, 10²)`.
pub fn prior_name(desk: &Desk, unit: &str) -> String {
    normal_name(
        desk.here.schedule().prior_std(desk.here.draft.timesteps),
        unit,
    )
}

/// `N(0, 1)` of one axis, `N(0, I)` of both; of another standard deviation its square.
pub fn normal_name(std: f64, unit: &str) -> String {
    let std = short(std);
    let both = if unit == "1" { "" } else { " I" };
    if std == "1.00" {
        format!("N(0, {unit})")
    } else {
        format!("N(0, {std}²{both})")
    }
}
