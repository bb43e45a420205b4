//! Running a plan: the recurrence of [`maths::diffusion::solver`], for the network's x̂_0 or the exact one.

use std::sync::Arc;

use rayon::prelude::*;

use super::exact::Posterior;
use super::network::{BLOCK, Network, Workspace};
use crate::run::ended;
use crate::{Cloud, Denoiser, EngineError, Piece, Recording, Run, Start, Underway};
use maths::data::bounds::Bounds;
use maths::diffusion::solver::{Plan, PlanStep};
use maths::philox::{Stream, normal};

/// Most particles that a stage takes at once: some milliseconds of work, after which a run can pause.
const MOST_AT_ONCE: usize = 256 * BLOCK;

/// A particle on its way from noise to data: its registers.
#[derive(Clone, Copy)]
struct Particle {
    x: [f32; 2],
    memory: [f32; 2],
    base: [f32; 2],
}

/// The starts of the particles `first..first + count`: N(0, std² I). They depend on nothing but seed and index.
pub fn starts(seed: u64, first: u32, count: u32, std: f64) -> Vec<[f32; 2]> {
    let std = std as f32;
    (first..first + count)
        .map(|index| normal(seed, Stream::SamplerStart, 0, index).map(|z| std * z))
        .collect()
}

/// A plan on its way: what it follows, and by what noise.
pub struct Way {
    /// What takes the particles there, where the network is followed.
    pub network: Network<f32>,
    /// Which x̂_0 they follow.
    pub denoiser: Denoiser,
    /// The stages.
    pub plan: Plan,
    /// Key of the noise.
    pub seed: u64,
}

impl Way {
    /// Take particles, of which the first has the index `first`, through stage `number`.
    fn advance(&self, particles: &mut [Particle], number: usize, first: u32) {
        let stage = &self.plan.steps[number];
        let step = Stage::new(stage, self.plan.clip, self.seed, number as u32);
        let index_of = |block: usize, row: usize| first + (block * BLOCK + row) as u32;
        match &self.denoiser {
            Denoiser::Learned => {
                let network = &self.network;
                let time_bias = network.time_bias(stage.tau);
                particles.par_chunks_mut(BLOCK).enumerate().for_each_init(
                    || Workspace::new(network.shape()),
                    |work, (block, particles)| {
                        let mut points = [[0.0; 2]; BLOCK];
                        for (point, particle) in points.iter_mut().zip(&*particles) {
                            *point = particle.x;
                        }
                        let outputs = network.predict(&points[..particles.len()], &time_bias, work);
                        for (row, (particle, output)) in
                            particles.iter_mut().zip(outputs).enumerate()
                        {
                            let x_0 = step.prediction(particle.x, output);
                            step.advance(particle, x_0, index_of(block, row));
                        }
                    },
                );
            }
            Denoiser::Exact(mixture) => {
                let posterior = Posterior::new(mixture, stage.scales, stage.quantity);
                particles.par_chunks_mut(BLOCK).enumerate().for_each_init(
                    Vec::new,
                    |near, (block, particles)| {
                        for (row, particle) in particles.iter_mut().enumerate() {
                            let x_0 = posterior.mean(particle.x, near);
                            step.advance(particle, x_0, index_of(block, row));
                        }
                    },
                );
            }
        }
    }
}

/// Particles at their starts.
fn particles_at(starts: &[[f32; 2]]) -> Vec<Particle> {
    let at = |&x| Particle {
        x,
        memory: [0.0; 2],
        base: x,
    };
    starts.iter().map(at).collect()
}

/// A run under way.
pub struct CpuRun {
    way: Way,
    particles: Vec<Particle>,
    /// The stages after which a frame is kept, ascending.
    kept: Vec<usize>,
    taus: Vec<f64>,
    /// Points [frames so far, particles].
    frames: Vec<[f32; 2]>,
    /// The stage that comes next, and the first particle that it comes to.
    stage: usize,
    next: usize,
    is_done: bool,
}

impl CpuRun {
    /// At its start.
    pub fn begin(network: Network<f32>, run: &Run<'_>) -> Self {
        let starts = match run.start {
            Start::Noise(n) => starts(run.seed, 0, *n, run.plan.start_std),
            Start::Points(points) => points.to_vec(),
        };
        Self {
            way: Way {
                network,
                denoiser: run.denoiser.clone(),
                plan: run.plan.clone(),
                seed: run.seed,
            },
            particles: particles_at(&starts),
            kept: run.kept_stages(),
            taus: run.taus(),
            frames: if run.keeps_start() {
                starts
            } else {
                Vec::new()
            },
            stage: 0,
            next: 0,
            is_done: false,
        }
    }

    /// The share of the work done.
    fn share(&self) -> f32 {
        let stage = self.next as f32 / self.particles.len().max(1) as f32;
        (self.stage as f32 + stage) / self.way.plan.steps.len() as f32
    }
}

impl Underway for CpuRun {
    fn advance(&mut self, goes_on: &dyn Fn(f32) -> bool) -> Result<Option<Recording>, EngineError> {
        if self.is_done {
            return Err(ended());
        }
        while self.stage < self.way.plan.steps.len() {
            if !goes_on(self.share()) {
                return Ok(None);
            }
            let end = (self.next + MOST_AT_ONCE).min(self.particles.len());
            self.way.advance(
                &mut self.particles[self.next..end],
                self.stage,
                self.next as u32,
            );
            self.next = end;
            if end == self.particles.len() {
                if self.kept.binary_search(&self.stage).is_ok() {
                    self.frames.extend(self.particles.iter().map(|p| p.x));
                }
                (self.stage, self.next) = (self.stage + 1, 0);
            }
        }
        self.is_done = true;
        Ok(Some(Recording {
            taus: std::mem::take(&mut self.taus),
            particles: self.particles.len(),
            points: Cloud::Host(Arc::new(std::mem::take(&mut self.frames))),
        }))
    }
}

/// A slice of a picture on its way: of what it is, how far it has come, and with which weights it goes on.
pub struct SliceRun {
    way: Way,
    last: Piece,
    particles: Vec<Particle>,
}

impl SliceRun {
    /// Begin the slice of a piece.
    pub fn begin(network: Network<f32>, plan: &Plan, seed: u64, piece: Piece) -> Self {
        let starts = starts(seed, piece.first, piece.count, plan.start_std);
        Self {
            way: Way {
                network,
                denoiser: Denoiser::Learned,
                plan: plan.clone(),
                seed,
            },
            last: Piece {
                end_stage: 0,
                ..piece
            },
            particles: particles_at(&starts),
        }
    }

    /// True where a piece goes on with this slice.
    pub fn goes_on(&self, plan: &Plan, seed: u64, piece: &Piece) -> bool {
        piece.follows(&self.last) && self.way.seed == seed && self.way.plan == *plan
    }

    /// Do a piece. The points, where it was the last one.
    pub fn advance(&mut self, piece: Piece) -> Option<impl Iterator<Item = [f32; 2]>> {
        for number in piece.stage..piece.end_stage {
            self.way
                .advance(&mut self.particles, number as usize, piece.first);
        }
        self.last = piece;
        let is_whole = piece.end_stage as usize == self.way.plan.steps.len();
        is_whole.then(|| self.particles.iter().map(|p| p.x))
    }
}

/// A stage's coefficients in f32.
struct Stage {
    x0_x: f32,
    x0_output: f32,
    c_x: f32,
    c_0: f32,
    c_prev: f32,
    c_base: f32,
    c_z: f32,
    m_x: f32,
    m_0: f32,
    m_prev: f32,
    ends_step: bool,
    clip: Option<Bounds>,
    seed: u64,
    number: u32,
}

impl Stage {
    fn new(step: &PlanStep, clip: Option<Bounds>, seed: u64, number: u32) -> Self {
        Self {
            x0_x: step.x0_x as f32,
            x0_output: step.x0_output as f32,
            c_x: step.c_x as f32,
            c_0: step.c_0 as f32,
            c_prev: step.c_prev as f32,
            c_base: step.c_base as f32,
            c_z: step.c_z as f32,
            m_x: step.m_x as f32,
            m_0: step.m_0 as f32,
            m_prev: step.m_prev as f32,
            ends_step: step.ends_step,
            clip,
            seed,
            number,
        }
    }

    /// x̂_0 of the network's output, before the clip.
    fn prediction(&self, x: [f32; 2], output: [f32; 2]) -> [f32; 2] {
        [0, 1].map(|axis| self.x0_x * x[axis] + self.x0_output * output[axis])
    }

    fn advance(&self, particle: &mut Particle, x_0: [f32; 2], index: u32) {
        let z = if self.c_z == 0.0 {
            [0.0; 2]
        } else {
            normal(self.seed, Stream::SamplerNoise, self.number, index)
        };
        for axis in 0..2 {
            let (x, memory) = (particle.x[axis], particle.memory[axis]);
            let mut x_0 = x_0[axis];
            if let Some(clip) = self.clip {
                // `f32::clamp` panics where the box is upside down, and hands NaN through.
                let (low, high) = (
                    clip.min[axis].min(clip.max[axis]),
                    clip.max[axis].max(clip.min[axis]),
                );
                x_0 = x_0.clamp(low, high);
            }
            let moved = self.c_x * x
                + self.c_0 * x_0
                + self.c_prev * memory
                + self.c_base * particle.base[axis]
                + self.c_z * z[axis];
            particle.memory[axis] = self.m_x * x + self.m_0 * x_0 + self.m_prev * memory;
            particle.x[axis] = moved;
            if self.ends_step {
                particle.base[axis] = moved;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::layout::{Activation, NetworkShape};

    const SHAPE: NetworkShape = NetworkShape {
        octaves: 0,
        width: 32,
        depth: 1,
        activation: Activation::Relu,
    };

    /// The end of a plan from given starts, of which the first has this index.
    fn run(
        network: Network<f32>,
        plan: &Plan,
        starts: &[[f32; 2]],
        first: u32,
        seed: u64,
    ) -> Vec<[f32; 2]> {
        let way = Way {
            network,
            denoiser: Denoiser::Learned,
            plan: plan.clone(),
            seed,
        };
        let mut particles = particles_at(starts);
        for number in 0..plan.steps.len() {
            way.advance(&mut particles, number, first);
        }
        particles.iter().map(|particle| particle.x).collect()
    }

    fn plan(step: PlanStep, steps: usize, clip: Option<Bounds>) -> Plan {
        Plan {
            steps: vec![step; steps],
            start_std: 1.0,
            clip,
        }
    }

    /// A network of zeros says 0, so each step is a recurrence that can be written out by hand.
    #[test]
    fn steps_follow_the_recurrence() {
        let network = Network::new(SHAPE, &vec![0.0; SHAPE.parameters()]);
        let step = PlanStep {
            tau: 0.5,
            tau_next: 0.4,
            x0_x: 2.0,
            x0_output: 1.0,
            c_x: 0.5,
            c_0: 0.25,
            c_prev: 3.0,
            c_z: 0.1,
            ..PlanStep::default()
        };
        let first = 7;
        let points = run(
            network,
            &plan(step, 2, None),
            &[[1.0, -2.0], [0.5, 4.0]],
            first,
            11,
        );
        for (index, start) in [[1.0, -2.0], [0.5, 4.0]].into_iter().enumerate() {
            for axis in 0..2 {
                let z = |k| normal(11, Stream::SamplerNoise, k, first + index as u32)[axis];
                let x_1 = 0.5 * start[axis] + 0.25 * 2.0 * start[axis] + 0.1 * z(0);
                let x_2 = 0.5 * x_1 + 0.25 * 2.0 * x_1 + 3.0 * 2.0 * start[axis] + 0.1 * z(1);
                assert!((points[index][axis] - x_2).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn clipping_holds_x0_in_the_box_and_leaves_nan_visible() {
        let clip = Some(Bounds {
            min: [-1.0, -0.5],
            max: [1.0, 0.5],
        });
        let step = PlanStep {
            tau: 0.5,
            tau_next: 0.0,
            x0_x: 1.0,
            x0_output: 1.0,
            c_x: 0.0,
            c_0: 1.0,
            ..PlanStep::default()
        };
        let mut weights = vec![0.0; SHAPE.parameters()];
        let start = [[9.0, -9.0]];
        let network = Network::new(SHAPE, &weights);
        assert_eq!(
            run(network, &plan(step, 1, clip), &start, 0, 0),
            [[1.0, -0.5]]
        );
        weights[0] = f32::NAN;
        let network = Network::new(SHAPE, &weights);
        let points = run(network, &plan(step, 1, clip), &start, 0, 0);
        assert!(points[0].iter().all(|x| x.is_nan()));
    }
}
