//! Running a plan: the recurrence of [`maths::diffusion::solver`], for the network's x̂_0 or the exact one.

use std::sync::Arc;

use rayon::prelude::*;

use super::exact::Posterior;
use super::network::{Answer, BLOCK, Network, Workspace};
use crate::run::{Passage, guided};
use crate::{Denoiser, EngineError, Guidance, Piece, Recording, Run, Underway};
use maths::data::bounds::Bounds;
use maths::data::mixture::Mixture;
use maths::diffusion::solver::{MEMORIES, Mix, Plan, PlanStep, Widening};
use maths::philox::{Stream, normal};

/// Most particles that a stage takes at once: some milliseconds of work, after which a run can pause.
const MOST_AT_ONCE: usize = 256 * BLOCK;

/// A particle on its way from noise to data: its registers.
#[derive(Clone, Copy)]
struct Particle {
    x: [f32; 2],
    base: [f32; 2],
    memory: [[f32; 2]; MEMORIES],
}

/// Which x̂_0 particles follow.
pub enum Follows {
    /// A network's.
    Learned(Network<f32>),
    /// The exact one.
    Exact(Arc<Mixture>),
    /// One that is given for each.
    Given(Arc<Vec<[f32; 2]>>),
}

impl Follows {
    /// What a run asks for; `network` where it asks for one.
    pub fn of(denoiser: &Denoiser, network: impl FnOnce() -> Network<f32>) -> Self {
        match denoiser {
            Denoiser::Learned => Self::Learned(network()),
            Denoiser::Exact(mixture) => Self::Exact(mixture.clone()),
            Denoiser::Given(clean) => Self::Given(clean.clone()),
        }
    }
}

/// A plan on its way: what it follows, and by what noise.
pub struct Way {
    /// Which x̂_0 they follow.
    pub follows: Follows,
    /// Towards which class.
    pub guidance: Option<Guidance>,
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
        if !stage.predicts {
            for (index, particle) in (first..).zip(particles) {
                step.advance(particle, [0.0; 2], NOT_WIDENED, index);
            }
            return;
        }
        let weight = self.guidance.as_ref();
        let weight = weight.map_or(1.0, |guidance| guidance.weight_at(stage.scales) as f32);
        match &self.follows {
            Follows::Learned(network) => {
                let label = self.guidance.as_ref().map(|guidance| guidance.label);
                let of_class = network.time_bias(stage.tau, label);
                let of_all = (weight != 1.0).then(|| network.time_bias(stage.tau, None));
                let scale = stage.input_scale as f32;
                particles.par_chunks_mut(BLOCK).enumerate().for_each_init(
                    || Workspace::new(network.shape()),
                    |work, (block, particles)| {
                        let mut points = [[0.0; 2]; BLOCK];
                        for (point, particle) in points.iter_mut().zip(&*particles) {
                            *point = particle.x;
                        }
                        let points = &points[..particles.len()];
                        let mut all = [[0.0; 2]; BLOCK];
                        if let Some(of_all) = &of_all {
                            let outputs = network.predict(points, scale, of_all, work);
                            all.iter_mut()
                                .zip(outputs)
                                .for_each(|(to, of)| *to = of.output);
                        }
                        let outputs = network.predict(points, scale, &of_class, work);
                        for (row, (particle, answer)) in
                            particles.iter_mut().zip(outputs).enumerate()
                        {
                            let Answer { output, variance } = answer;
                            let output = if of_all.is_some() {
                                guided(all[row], output, weight)
                            } else {
                                output
                            };
                            let x_0 = step.prediction(particle.x, output);
                            let w = step.widening_by_outputs(variance);
                            step.advance(particle, x_0, w, index_of(block, row));
                        }
                    },
                );
            }
            Follows::Given(clean) => {
                for (index, particle) in (first..).zip(particles) {
                    // What is known has β̃ alone.
                    step.advance(particle, clean[index as usize], NOT_WIDENED, index);
                }
            }
            Follows::Exact(mixture) => {
                let of = |mixture: &Mixture| Posterior::new(mixture, stage.scales, stage.quantity);
                let class = self.guidance.as_ref().and_then(|g| g.class.as_deref());
                // The class's own, and that of all where both are wanted.
                let posterior = of(class.unwrap_or(mixture));
                let of_all = (class.is_some() && weight != 1.0).then(|| of(mixture));
                particles.par_chunks_mut(BLOCK).enumerate().for_each_init(
                    Vec::new,
                    |near, (block, particles)| {
                        for (row, particle) in particles.iter_mut().enumerate() {
                            let mut x_0 = posterior.mean(particle.x, near);
                            let w = step.widening.map_or(NOT_WIDENED, |_| {
                                step.widening_by_variance(posterior.variance(particle.x, x_0, near))
                            });
                            if let Some(of_all) = &of_all {
                                x_0 = guided(of_all.mean(particle.x, near), x_0, weight);
                            }
                            step.advance(particle, x_0, w, index_of(block, row));
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
        base: x,
        memory: [[0.0; 2]; MEMORIES],
    };
    starts.iter().map(at).collect()
}

/// A run under way.
pub struct CpuRun {
    way: Way,
    particles: Vec<Particle>,
    passage: Passage,
}

impl CpuRun {
    /// At its start.
    pub fn begin(follows: Follows, run: &Run<'_>) -> Self {
        let starts = run.start.points(run.seed, run.plan.start_std);
        Self {
            way: Way {
                follows,
                guidance: run.guidance.cloned(),
                plan: run.plan.clone(),
                seed: run.seed,
            },
            particles: particles_at(&starts),
            passage: Passage::begin(run, starts),
        }
    }
}

impl Underway for CpuRun {
    fn advance(&mut self, goes_on: &dyn Fn(f32) -> bool) -> Result<Option<Recording>, EngineError> {
        while let Some((stage, range)) = self.passage.next(MOST_AT_ONCE)? {
            if !goes_on(self.passage.share()) {
                return Ok(None);
            }
            let (first, end) = (range.start as u32, range.end);
            self.way.advance(&mut self.particles[range], stage, first);
            let particles = &self.particles;
            self.passage.pass(end, || particles.iter().map(|p| p.x));
        }
        Ok(Some(self.passage.recording(None)))
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
    pub fn begin(network: Network<f32>, run: &Run<'_>, piece: Piece) -> Self {
        let Run { plan, seed, .. } = *run;
        let range = (piece.first, piece.count);
        let starts = run.start.slice(seed, range, plan.start_std);
        Self {
            way: Way {
                follows: Follows::Learned(network),
                guidance: None,
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
    pub fn advance(&mut self, piece: Piece) -> Option<Vec<[f32; 2]>> {
        for number in piece.stage..piece.end_stage {
            self.way
                .advance(&mut self.particles, number as usize, piece.first);
        }
        self.last = piece;
        let is_whole = piece.end_stage as usize == self.way.plan.steps.len();
        is_whole.then(|| self.particles.iter().map(|p| p.x).collect())
    }
}

/// A stage's coefficients in f32.
struct Stage {
    x0_x: f32,
    x0_output: f32,
    /// What x, the base and the memories become.
    mixes: [[f32; TERMS]; 2 + MEMORIES],
    is_noisy: bool,
    z_is_one: bool,
    widening: Option<Widening>,
    clip: Option<Bounds>,
    seed: u64,
    number: u32,
}

/// The noise is as the plan has it.
const NOT_WIDENED: [f32; 2] = [1.0; 2];

/// What a mix is of, see [`Mix::factors`].
const TERMS: usize = 4 + MEMORIES;

fn terms(mix: Mix) -> [f32; TERMS] {
    mix.factors().map(|factor| factor as f32)
}

impl Stage {
    fn new(step: &PlanStep, clip: Option<Bounds>, seed: u64, number: u32) -> Self {
        Self {
            x0_x: step.x0_x as f32,
            x0_output: step.x0_output as f32,
            mixes: step.mixes().map(terms),
            is_noisy: step.is_noisy(),
            z_is_one: step.z_is_one,
            widening: step.widening,
            clip,
            seed,
            number,
        }
    }

    /// x̂_0 of the network's output, before the clip.
    fn prediction(&self, x: [f32; 2], output: [f32; 2]) -> [f32; 2] {
        [0, 1].map(|axis| self.x0_x * x[axis] + self.x0_output * output[axis])
    }

    /// By how much the noise is widened, by the network's outputs for the variance.
    fn widening_by_outputs(&self, outputs: [f32; 2]) -> [f32; 2] {
        self.widening.map_or(NOT_WIDENED, |widening| {
            outputs.map(|output| widening.by_output(f64::from(output)) as f32)
        })
    }

    /// The same by the variance of x_0 given x.
    fn widening_by_variance(&self, variance: [f32; 2]) -> [f32; 2] {
        self.widening.map_or(NOT_WIDENED, |widening| {
            variance.map(|variance| widening.by_posterior(f64::from(variance)) as f32)
        })
    }

    /// Through the stage by x̂_0 before the clip, with noise that is `widened`.
    fn advance(&self, particle: &mut Particle, x_0: [f32; 2], widened: [f32; 2], index: u32) {
        let z = if self.is_noisy {
            normal(self.seed, Stream::SamplerNoise, self.number, index)
        } else {
            [f32::from(u8::from(self.z_is_one)); 2]
        };
        let z = [0, 1].map(|axis| z[axis] * widened[axis]);
        for axis in 0..2 {
            let mut x_0 = x_0[axis];
            if let Some(clip) = self.clip {
                // `f32::clamp` panics where the box is upside down, and hands NaN through.
                let (low, high) = (
                    clip.min[axis].min(clip.max[axis]),
                    clip.max[axis].max(clip.min[axis]),
                );
                x_0 = x_0.clamp(low, high);
            }
            let [m_0, m_1, m_2, m_3] = particle.memory.map(|memory| memory[axis]);
            let (x, base) = (particle.x[axis], particle.base[axis]);
            let of = [x, x_0, m_0, base, z[axis], m_1, m_2, m_3];
            let mixed = self.mixes.map(|factors| {
                let terms = factors.into_iter().zip(of);
                terms.map(|(factor, value)| factor * value).sum::<f32>()
            });
            particle.x[axis] = mixed[0];
            particle.base[axis] = mixed[1];
            for (memory, value) in particle.memory.iter_mut().zip(&mixed[2..]) {
                memory[axis] = *value;
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
        learns_variance: false,
        classes: 0,
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
            follows: Follows::Learned(network),
            guidance: None,
            plan: plan.clone(),
            seed,
        };
        let mut particles = particles_at(starts);
        for number in 0..plan.steps.len() {
            way.advance(&mut particles, number, first);
        }
        particles.iter().map(|particle| particle.x).collect()
    }

    fn plan(step: &PlanStep, steps: usize, clip: Option<Bounds>) -> Plan {
        Plan {
            steps: vec![*step; steps],
            start_std: 1.0,
            clip,
            control: None,
            awaits_data: false,
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
            to_x: Mix {
                x: 0.5,
                x_0: 0.25,
                memory: [3.0, 0.0, 0.0, 0.0],
                z: 0.1,
                ..Mix::default()
            },
            ..PlanStep::default()
        };
        let first = 7;
        let points = run(
            network,
            &plan(&step, 2, None),
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
            to_x: Mix::X_0,
            ..PlanStep::default()
        };
        let mut weights = vec![0.0; SHAPE.parameters()];
        let start = [[9.0, -9.0]];
        let network = Network::new(SHAPE, &weights);
        assert_eq!(
            run(network, &plan(&step, 1, clip), &start, 0, 0),
            [[1.0, -0.5]]
        );
        weights[0] = f32::NAN;
        let network = Network::new(SHAPE, &weights);
        let points = run(network, &plan(&step, 1, clip), &start, 0, 0);
        assert!(points[0].iter().all(|x| x.is_nan()));
    }
}
