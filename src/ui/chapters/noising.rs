//! What the chapters about the forward process share: its particles and its formula.

use std::sync::Arc;

use crate::data::mixture::Mixture;
use crate::diffusion::path::Path;
use crate::engine::philox::{Stream, normal};
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
        let version = self.0.as_ref().map_or(0, |made| made.particles.version) + 1;
        let particles = Arc::new(Particles {
            x_0: mixture.draw(count as usize, seed),
            epsilon: (0..count).map(|i| normal(seed, Stream::Forward, 0, i)).collect(),
            version,
        });
        self.0 = Some(Made { mixture: mixture.clone(), seed, particles: particles.clone() });
        particles
    }
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
