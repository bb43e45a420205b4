//! A plan in plain f64: the recurrence as it is written, for what no engine's precision should decide.

use super::{Plan, PlanStep};

/// The registers of one particle, of which an engine keeps the same three in f32.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Registers {
    /// The point x at which x̂_0 is evaluated.
    pub x: [f64; 2],
    /// The memory m.
    pub memory: [f64; 2],
    /// The base b of the present step.
    pub base: [f64; 2],
}

impl Registers {
    /// A particle at its start.
    #[inline]
    pub fn at(x: [f64; 2]) -> Self {
        Self {
            x,
            memory: [0.0; 2],
            base: x,
        }
    }
}

impl PlanStep {
    /// Take a particle through this stage, given x̂_0 at its x and fresh noise z ~ N(0, I).
    #[inline]
    pub fn advance(&self, particle: &mut Registers, x0: [f64; 2], z: [f64; 2]) {
        let Registers { x, memory, base } = *particle;
        for axis in 0..2 {
            particle.x[axis] = self.c_x * x[axis]
                + self.c_0 * x0[axis]
                + self.c_prev * memory[axis]
                + self.c_base * base[axis]
                + self.c_z * z[axis];
            particle.memory[axis] =
                self.m_x * x[axis] + self.m_0 * x0[axis] + self.m_prev * memory[axis];
        }
        if self.ends_step {
            particle.base = particle.x;
        }
    }
}

impl Plan {
    /// Take one particle through the whole plan. `x0` gives x̂_0 for a stage and a point, `z` the noise of a stage by its
    /// number. Nothing is clipped.
    pub fn run(
        &self,
        start: [f64; 2],
        x0: impl Fn(&PlanStep, [f64; 2]) -> [f64; 2],
        z: impl Fn(usize) -> [f64; 2],
    ) -> [f64; 2] {
        let mut particle = Registers::at(start);
        for (number, stage) in self.steps.iter().enumerate() {
            let x0 = x0(stage, particle.x);
            // Where no noise is added none is drawn.
            let z = if stage.c_z == 0.0 {
                [0.0; 2]
            } else {
                z(number)
            };
            stage.advance(&mut particle, x0, z);
        }
        particle.x
    }
}
