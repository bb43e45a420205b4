//! A plan in plain f64: the recurrence as it is written, for what no engine's precision should decide.

use super::{Control, MEMORIES, Mix, Plan, PlanStep};

/// The registers of one particle, of which an engine keeps the same six in f32.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Registers {
    /// The point x at which x̂_0 is evaluated.
    pub x: [f64; 2],
    /// The base b of the present step.
    pub base: [f64; 2],
    /// The memories m.
    pub memory: [[f64; 2]; MEMORIES],
}

impl Registers {
    /// A particle at its start.
    #[inline]
    pub fn at(x: [f64; 2]) -> Self {
        Self {
            x,
            base: x,
            memory: [[0.0; 2]; MEMORIES],
        }
    }

    /// What a mix makes of them.
    fn mixed(&self, mix: &Mix, x0: [f64; 2], z: [f64; 2]) -> [f64; 2] {
        std::array::from_fn(|axis| {
            let memories = mix.memory.iter().zip(&self.memory);
            let remembered: f64 = memories.map(|(factor, m)| factor * m[axis]).sum();
            mix.x * self.x[axis]
                + mix.x_0 * x0[axis]
                + remembered
                + mix.base * self.base[axis]
                + mix.z * z[axis]
        })
    }
}

impl PlanStep {
    /// Take a particle through this stage, given x̂_0 at its x and fresh noise z ~ N(0, I).
    #[inline]
    pub fn advance(&self, particle: &mut Registers, x0: [f64; 2], z: [f64; 2]) {
        let [x, base, m_0, m_1, m_2, m_3] = self.mixes().map(|mix| particle.mixed(&mix, x0, z));
        let held = |of: [f64; 2]| {
            let known = |axis| self.known.and_then(|known| known.value(axis, z[axis]));
            [0, 1].map(|axis| known(axis).unwrap_or(of[axis]))
        };
        *particle = Registers {
            x: held(x),
            base: held(base),
            memory: [m_0, m_1, m_2, m_3],
        };
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
        if let Some(control) = &self.control {
            return self.run_controlled(control, start, x0);
        }
        let mut particle = Registers::at(start);
        for (number, stage) in self.steps.iter().enumerate() {
            // Where nothing is predicted or no noise is added, nobody is asked.
            let x0 = if stage.predicts {
                x0(stage, particle.x)
            } else {
                [0.0; 2]
            };
            let z = if stage.is_noisy() {
                z(number)
            } else {
                [0.0; 2]
            };
            stage.advance(&mut particle, x0, z);
        }
        particle.x
    }

    /// The same where a particle chooses its own steps.
    fn run_controlled(
        &self,
        control: &Control,
        start: [f64; 2],
        x0: impl Fn(&PlanStep, [f64; 2]) -> [f64; 2],
    ) -> [f64; 2] {
        let mut x = start;
        let mut flight = self
            .steps
            .first()
            .map(|first| control.begin(first.tau, start));
        for (number, stage) in self.steps.iter().enumerate() {
            let Some(flight) = &mut flight else { break };
            if number + 1 == self.steps.len() {
                let at = control.seen(flight, stage.tau);
                let x0 = x0(stage, at);
                x = [0, 1].map(|axis| stage.to_x.x * at[axis] + stage.to_x.x_0 * x0[axis]);
                break;
            }
            let until = control.clock(stage.tau_next);
            while let Some(asked) = control.asks(flight, until) {
                let x0 = x0(&asked.knot.evaluated(), asked.x);
                control.answer(flight, &asked, x0);
            }
            x = control.seen(flight, stage.tau_next);
        }
        x
    }
}
