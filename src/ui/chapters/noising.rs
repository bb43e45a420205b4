//! What the chapters about the forward process share: its particles and its formula.

use std::sync::Arc;

use crate::data::mixture::Mixture;
use crate::diffusion::path::{Path, Scales};
use crate::engine::philox::{Stream, normal};
use crate::lab::message::fresh_version;
use crate::ui::bench::Bench;
use crate::ui::canvas::gpu::Particles;
use crate::ui::desk::Desk;
use crate::ui::widgets::equation::{Equation, Piece};

/// The particles of a chapter, drawn once for a data set, a seed and a number.
#[derive(Default)]
pub struct Drawn(Option<Made>);

struct Made {
    mixture: Arc<Mixture>,
    seed: u64,
    particles: Arc<Particles>,
}

impl Drawn {
    /// The particles, each with the noise that it keeps; the first ones stay the same when their number changes.
    pub fn particles(&mut self, desk: &Desk, count: u32) -> Arc<Particles> {
        let mixture = &desk.snapshot.dataset.mixture;
        let seed = desk.snapshot.experiment.seed;
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

/// The path whose noise is added without shrinking: the experiment's, or the linear one where that has no β.
pub fn preserving(bench: &Bench) -> Path {
    if bench.draft.path.preserves_variance() { bench.draft.path } else { Path::Linear }
}

/// x_t from x_0 and ε in one jump, as the path writes it.
pub fn jump_equation(path: Path) -> Equation {
    let x = |index: &'static str, upright: bool| {
        let index = if upright { Piece::Sign(index) } else { Piece::Var(index) };
        [Piece::Var("x"), Piece::Sub(vec![index])]
    };
    let alpha_bar = || vec![Piece::Bar("α"), Piece::Sub(vec![Piece::Var("t")])];
    let mut pieces = x("t", false).to_vec();
    pieces.push(Piece::Sign(" = "));
    let spoken = match path {
        Path::Linear | Path::Cosine | Path::Literal | Path::Custom(_) => {
            let rest = [vec![Piece::Sign("1 − ")], alpha_bar()].concat();
            pieces.push(Piece::Root(alpha_bar()));
            pieces.push(Piece::Sign(" "));
            pieces.extend(x("0", true));
            pieces.extend([Piece::Sign(" + "), Piece::Root(rest), Piece::Sign(" "), Piece::Var("ε")]);
            "x t is root alpha bar t times x 0, plus root of one minus alpha bar t times epsilon"
        }
        Path::Ve => {
            pieces.extend(x("0", true));
            let sigma = [Piece::Var("σ"), Piece::Sub(vec![Piece::Var("t")])];
            pieces.push(Piece::Sign(" + "));
            pieces.extend(sigma);
            pieces.extend([Piece::Sign(" "), Piece::Var("ε")]);
            "x t is x 0 plus sigma t times epsilon"
        }
        Path::Flow => {
            pieces.extend([Piece::Sign("(1 − "), Piece::Var("t"), Piece::Sign(") ")]);
            pieces.extend(x("0", true));
            pieces.extend([Piece::Sign(" + "), Piece::Var("t ε")]);
            "x t is one minus t times x 0, plus t times epsilon"
        }
    };
    Equation { pieces, spoken }
}

/// x_t from x_{t−1}; `shrinks`: the signal by √(1 − β_t), so that the variance stays.
pub fn step_equation(shrinks: bool) -> Equation {
    let beta = || vec![Piece::Var("β"), Piece::Sub(vec![Piece::Var("t")])];
    let mut pieces = vec![Piece::Var("x"), Piece::Sub(vec![Piece::Var("t")]), Piece::Sign(" = ")];
    if shrinks {
        pieces.extend([Piece::Root([vec![Piece::Sign("1 − ")], beta()].concat()), Piece::Sign(" ")]);
    }
    let before = Piece::Sub(vec![Piece::Var("t"), Piece::Sign("−1")]);
    pieces.extend([
        Piece::Var("x"),
        before,
        Piece::Sign(" + "),
        Piece::Root(beta()),
        Piece::Sign(" "),
        Piece::Var("z"),
    ]);
    pieces.push(Piece::Sub(vec![Piece::Var("t")]));
    let spoken = if shrinks {
        "x t is root of one minus beta t times x t minus one, plus root beta t times z t"
    } else {
        "x t is x t minus one, plus root beta t times z t"
    };
    Equation { pieces, spoken }
}

/// (a, s) of noise that is only added: x_t = x_0 + √(Σβ) ε, β of a path, linear between whole timesteps.
pub fn growing_scales(summed_betas: &[f64], tau: f64) -> Scales {
    let last = summed_betas.len() - 1;
    let place = tau.clamp(0.0, 1.0) * last as f64;
    let before = (place as usize).min(last.saturating_sub(1));
    let after = (before + 1).min(last);
    let sum = summed_betas[before] + (place - before as f64) * (summed_betas[after] - summed_betas[before]);
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
