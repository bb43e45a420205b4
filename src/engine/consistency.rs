//! The targets of consistency training and distillation (Song et al. 2023, algorithms 2 and 3), for both engines.
//!
//! A sample at t is to be mapped where the student, as it stands, maps its neighbour, which lies a rung below on one path of the
//! probability flow: on the teacher's, by a step of second order, or, where there is no teacher, on the line that the same noise draws to
//! the same clean point. The neighbour of the lowest is the clean point itself. The student's weights are taken as they are and not
//! averaged (Song & Dhariwal 2024, section 3.2). Engines differ in who says the student's outputs.

use rayon::prelude::*;

use crate::cpu::batch::Batch;
use crate::cpu::network::{BLOCK, Network, Workspace};
use crate::network::timetable::Timetable;
use crate::{EngineError, Objective, Teacher, TrainSpec};
use maths::diffusion::consistency::{Ladder, TAUGHT_RUNGS, UNTAUGHT_RUNGS, descent};
use maths::diffusion::target::Combination;

/// What the targets of one specification are made of.
pub struct Consistency {
    ladder: Ladder,
    teacher: Option<(Network<f32>, Timetable)>,
}

/// The points a rung below those of a batch.
pub struct Neighbours {
    /// x at the lower timestep [n, 2].
    pub x: Vec<[f32; 2]>,
    /// The lower timestep, in 1..=T `[n]`; of those whose neighbour is the clean point, any.
    pub t: Vec<u32>,
    /// True where the neighbour is the clean point `[n]`.
    is_clean: Vec<bool>,
}

/// x̂_0 of a raw output.
fn x0_of(timetable: &Timetable, t: u32, x: [f32; 2], output: [f32; 2]) -> [f32; 2] {
    let Combination(of_x, of_output) = timetable.to_x0(t);
    [0, 1].map(|axis| of_x as f32 * x[axis] + of_output as f32 * output[axis])
}

/// The raw output that has this x̂_0.
fn output_of(timetable: &Timetable, t: u32, x: [f32; 2], x_0: [f32; 2]) -> [f32; 2] {
    let Combination(of_x, of_output) = timetable.to_x0(t);
    [0, 1].map(|axis| ((f64::from(x_0[axis]) - of_x * f64::from(x[axis])) / of_output) as f32)
}

impl Consistency {
    /// Those of a checked specification; `None` where targets are what was drawn.
    pub fn new(spec: &TrainSpec) -> Option<Self> {
        let Objective::Consistency(teacher) = &spec.objective else {
            return None;
        };
        let (schedule, timesteps) = (spec.timetable.schedule(), spec.timetable.timesteps());
        let prepare = |teacher: &Teacher| {
            let network = Network::new(teacher.shape, &teacher.weights);
            (network, Timetable::new(schedule, teacher.target, timesteps))
        };
        let rungs = if teacher.is_some() {
            TAUGHT_RUNGS
        } else {
            UNTAUGHT_RUNGS
        };
        Some(Self {
            ladder: Ladder::new(schedule, timesteps, rungs),
            teacher: teacher.as_deref().map(prepare),
        })
    }

    /// The neighbours of a batch that was drawn.
    pub fn neighbours(&self, batch: &Batch) -> Neighbours {
        let (samples, clean) = (batch.samples(), batch.clean());
        let below = |t: &u32| self.ladder.below(*t);
        let is_clean: Vec<bool> = samples.t.iter().map(|t| below(t) == 0).collect();
        let t: Vec<u32> = samples.t.iter().map(|t| below(t).max(1)).collect();
        let times = || samples.t.par_chunks(BLOCK).zip(t.par_chunks(BLOCK));
        let points = samples.x.par_chunks(BLOCK).zip(clean.par_chunks(BLOCK));
        let blocks = points.zip(times()).map(|((x, clean), (from, to))| {
            let down = |row: usize, x_0: [f32; 2]| {
                let (of_x, of_x0) =
                    descent(self.ladder.scales(from[row]), self.ladder.scales(to[row]));
                [0, 1].map(|axis| of_x as f32 * x[row][axis] + of_x0 as f32 * x_0[axis])
            };
            let step = |x_0: &[[f32; 2]]| -> Vec<[f32; 2]> {
                x_0.iter()
                    .enumerate()
                    .map(|(row, x_0)| down(row, *x_0))
                    .collect()
            };
            let Some((network, own)) = &self.teacher else {
                return step(clean);
            };
            let mut work = Workspace::new(network.shape());
            let mut predict = |x: &[[f32; 2]], t: &[u32]| -> Vec<[f32; 2]> {
                let outputs = network.predict_at(own, x, t, &mut work).enumerate();
                outputs
                    .map(|(row, output)| x0_of(own, t[row], x[row], output))
                    .collect()
            };
            let first = predict(x, from);
            let second = predict(&step(&first), to);
            let both = first.iter().zip(&second);
            // The integral over x̂_0 by the trapezoidal rule.
            let mean: Vec<_> = both
                .map(|(a, b)| [0, 1].map(|axis| 0.5 * (a[axis] + b[axis])))
                .collect();
            step(&mean)
        });
        Neighbours {
            x: blocks.flatten_iter().collect(),
            t,
            is_clean,
        }
    }
}

impl Neighbours {
    /// The student's raw outputs there, by a network on the host.
    pub fn outputs(&self, student: &Network<f32>, timetable: &Timetable) -> Vec<[f32; 2]> {
        let mut outputs = vec![[0.0; 2]; self.x.len()];
        let asked = self.x.par_chunks(BLOCK).zip(self.t.par_chunks(BLOCK));
        outputs.par_chunks_mut(BLOCK).zip(asked).for_each_init(
            || Workspace::new(student.shape()),
            |work, (outputs, (x, t))| {
                let found = student.predict_at(timetable, x, t, work);
                outputs.iter_mut().zip(found).for_each(|(to, of)| *to = of);
            },
        );
        outputs
    }

    /// What the student is asked by an engine that takes t/T and points as the network sees them.
    pub fn asked(&self, timetable: &Timetable) -> (Vec<f64>, Vec<[f32; 2]>) {
        let timesteps = f64::from(timetable.timesteps());
        let row = |t: &u32| timetable.rows[*t as usize - 1];
        let taus = self.t.iter().map(|t| f64::from(*t) / timesteps);
        let inputs = self.x.iter().zip(&self.t).map(|(x, t)| row(t).input(*x));
        (taus.collect(), inputs.collect())
    }

    /// Put what the student says here in the place of the batch's targets.
    pub fn retarget(&self, batch: &mut Batch, timetable: &Timetable, outputs: &[[f32; 2]]) {
        let asked = self.x.iter().zip(&self.t).zip(outputs).zip(&self.is_clean);
        batch.retarget(
            asked.map(|(((x, t), output), is_clean)| {
                (!is_clean).then(|| x0_of(timetable, *t, *x, *output))
            }),
            |t, x, x_0| output_of(timetable, t, x, x_0),
        );
    }
}

impl TrainSpec {
    /// Refuse an objective that cannot be met.
    pub(crate) fn check_objective(&self) -> Result<(), EngineError> {
        let Objective::Consistency(teacher) = &self.objective else {
            return Ok(());
        };
        let refuse = |text: &str| Err(EngineError::Invalid(text.to_owned()));
        if self.shape.learns_variance || self.shape.classes > 0 {
            return refuse(
                "a consistency model learns neither labels nor variances: switch them off",
            );
        }
        let Some(teacher) = teacher else {
            return Ok(());
        };
        if (teacher.schedule, teacher.timesteps)
            != (self.timetable.schedule(), self.timetable.timesteps())
        {
            return refuse(
                "the teacher has another schedule or another T than its student: give both the same",
            );
        }
        if teacher.weights.len() != teacher.shape.parameters() {
            return refuse("the teacher's weights are not of its shape: distil from a sound model");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cpu::batch::Source;
    use crate::network::layout::{Activation, NetworkShape};
    use crate::network::optimiser::UpdateRule;
    use crate::{Pairing, TrainingData};
    use maths::diffusion::schedule::Schedule;
    use maths::diffusion::target::Target;

    const SHAPE: NetworkShape = NetworkShape {
        octaves: 0,
        width: 32,
        depth: 1,
        activation: Activation::Silu,
        learns_variance: false,
        classes: 0,
    };

    fn spec(timesteps: u32, teacher: Option<Arc<Teacher>>) -> TrainSpec {
        TrainSpec {
            shape: SHAPE,
            timetable: Arc::new(Timetable::new(Schedule::Cosine, Target::V, timesteps)),
            data: TrainingData::Finite(Arc::new(vec![[0.5, -1.0], [1.5, 0.25]])),
            labels: None,
            pairing: Pairing::default(),
            objective: Objective::Consistency(teacher),
            batch: 300,
            learning_rate: 1e-3,
            rule: UpdateRule::default(),
            seed: 3,
            ema_decay: 0.9,
        }
    }

    fn drawn(spec: &TrainSpec) -> (Batch, Neighbours) {
        let mut batch = Batch::default();
        batch.fill(&Source::new(spec), spec, 0);
        let neighbours = Consistency::new(spec).unwrap().neighbours(&batch);
        (batch, neighbours)
    }

    /// Without a teacher the neighbour has the same clean point and the same noise.
    #[test]
    fn untaught_neighbours_are_of_one_clean_point_and_one_noise() {
        let spec = spec(20, None);
        let (batch, neighbours) = drawn(&spec);
        let samples = batch.samples();
        for (row, clean) in batch.clean().iter().enumerate() {
            let [now, next] =
                [samples.t[row], neighbours.t[row]].map(|t| spec.timetable.rows[t as usize - 1]);
            for (axis, clean) in clean.iter().enumerate() {
                let eps = (samples.x[row][axis] - now.a * clean) / now.s;
                let expected = next.a * clean + next.s * eps;
                assert!((neighbours.x[row][axis] - expected).abs() < 1e-4, "{row}");
            }
        }
    }

    /// A network of zeros says v = 0, so x̂_0 = a x: that of data which are themselves N(0, I). Their probability flow moves nothing where
    /// the variance is kept.
    #[test]
    fn the_step_of_a_teacher_follows_its_probability_flow() {
        let teacher = Teacher {
            shape: SHAPE,
            target: Target::V,
            schedule: Schedule::Cosine,
            timesteps: 1000,
            weights: vec![0.0; SHAPE.parameters()],
        };
        let (batch, neighbours) = drawn(&spec(1000, Some(Arc::new(teacher))));
        let pairs = batch.samples().x.iter().zip(&neighbours.x);
        let worst = pairs.map(|(x, y)| ((x[0] - y[0]).hypot(x[1] - y[1])) / x[0].hypot(x[1]));
        let worst = worst.fold(0.0, f32::max);
        // A step of first order is off by 1e-2.
        assert!(worst < 3e-3, "{worst}");
    }

    /// The lowest are to land on the clean point that they were drawn with, the others where the student is said to map their neighbour.
    #[test]
    fn targets_map_to_the_student_or_to_the_clean_point() {
        let spec = spec(20, None);
        let (mut batch, neighbours) = drawn(&spec);
        let outputs: Vec<_> = neighbours.x.iter().map(|x| [x[0] - 0.3, 0.1]).collect();
        neighbours.retarget(&mut batch, &spec.timetable, &outputs);
        let samples = batch.samples();
        let mut kinds = [0; 2];
        for (row, output) in outputs.iter().enumerate() {
            let (x, t) = (samples.x[row], samples.t[row]);
            let end = x0_of(&spec.timetable, t, x, samples.target[row]);
            let is_clean = neighbours.is_clean[row];
            let expected = if is_clean {
                batch.clean()[row]
            } else {
                x0_of(
                    &spec.timetable,
                    neighbours.t[row],
                    neighbours.x[row],
                    *output,
                )
            };
            assert!(
                (0..2).all(|axis| (end[axis] - expected[axis]).abs() < 2e-4),
                "{row}, t = {t}"
            );
            kinds[usize::from(is_clean)] += 1;
        }
        assert!(kinds[0] > 200 && kinds[1] > 3, "{kinds:?}");
    }
}
