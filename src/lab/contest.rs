//! Samplers side by side: each begins from the same noise, with as many steps as is asked for, and is held against the data and against
//! where the field that it follows leads.

use std::time::Instant;

use serde::Serialize;

use super::quality::Data;
use super::setup::Setup;
use engine::{Denoiser, Engine, EngineError, Frames, Run, Start};
use maths::diffusion::solver::{Placement, Plan, Sampler};
use maths::measure::law::Likeness;
use maths::measure::trajectories::rms_distance;
use maths::measure::{Estimate, MeasureError};

/// Steps of Runge–Kutta to where a field leads: enough that its own error is none beside those of samplers.
const TO_THE_END: u32 = 400;

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entrant {
    /// The sampler.
    pub sampler: Sampler,
    /// Where its steps lie; `None` as it has them.
    pub placement: Option<Placement>,
    /// How many.
    pub steps: u32,
}

/// What one has reached.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scored {
    /// The sampler by name, with its number.
    pub sampler: String,
    /// The placement by name.
    pub placement: &'static str,
    /// Steps from noise to data.
    pub steps: u32,
    /// How often a sample asks for a prediction.
    pub evaluations: usize,
    /// Seconds that a set of samples took, the median over seeds.
    pub secs: f64,
    /// Sliced W₂ to draws of the data, data units: the mean over seeds.
    pub distance: Estimate,
    /// −E ln p_0(samples) − h(p_0), nats: the mean over seeds.
    pub surprise: Estimate,
    /// Root mean square distance of the end points from where the flow of the same field leads from the same noise. `None` of a sampler
    /// with noise of its own, which leads elsewhere.
    pub apart: Option<f64>,
    /// log₂ of how much nearer twice the steps came, over the last two counts; `None` where there are no two of which one is the double.
    pub order: Option<f64>,
}

/// The data and the noise that all are measured by.
pub struct Contest {
    data: Data,
    particles: u32,
    denoiser: Denoiser,
    /// Where the flow leads from the noise of the first seed.
    ends: Option<Vec<[f32; 2]>>,
}

impl Contest {
    /// By so many samples a set, of the network or of the exact x̂_0.
    ///
    /// # Errors
    /// Data that keep nothing to measure against.
    pub fn new(setup: &Setup, particles: u32, exact: bool) -> Result<Self, MeasureError> {
        Ok(Self {
            data: Data::new(setup.dataset.clone(), particles as usize)?,
            particles,
            denoiser: if exact {
                Denoiser::Exact(setup.dataset.mixture.clone())
            } else {
                Denoiser::Learned
            },
            ends: None,
        })
    }

    /// What draws of the data score against draws.
    pub fn floor(&self) -> Estimate {
        self.data.floor()
    }

    /// Let one run from the noise of so many seeds; `done` is called after each.
    ///
    /// # Errors
    /// The engine's, or samples that are not finite.
    pub fn score(
        &mut self,
        engine: &mut dyn Engine,
        setup: &Setup,
        entrant: Entrant,
        seeds: u64,
        mut done: impl FnMut(),
    ) -> anyhow::Result<Scored> {
        let Entrant {
            sampler,
            placement,
            steps,
        } = entrant;
        let context = setup.experiment.plan_context();
        // The exact x̂_0 lies where it should.
        let learned = matches!(self.denoiser, Denoiser::Learned);
        let clip = (setup.experiment.clip && learned)
            .then_some(setup.dataset.clip_box(setup.experiment.fresh));
        let plan = sampler.plan_placed(placement, steps, context, clip);
        let follows_the_flow = !plan.is_noisy() && !matches!(sampler, Sampler::LangevinOne { .. });
        let mut found = Vec::new();
        let mut apart = None;
        for seed in 0..seeds.max(1) {
            let begun = Instant::now();
            let samples = self.sample(engine, &plan, seed)?;
            let secs = begun.elapsed().as_secs_f64();
            let (distance, Likeness { surprise, .. }) = self.data.compare(&samples)?;
            found.push((secs, distance, surprise));
            if seed == 0 && follows_the_flow {
                if self.ends.is_none() {
                    let taus = Placement::Crowded.taus(TO_THE_END, context);
                    let flow = Sampler::Rk4.plan_through(taus, context, clip);
                    self.ends = Some(self.sample(engine, &flow, 0)?);
                }
                let ends = self.ends.as_deref().unwrap_or_default();
                apart = Some(rms_distance(&samples, ends)?);
            }
            done();
        }
        let mut secs: Vec<f64> = found.iter().map(|(secs, ..)| *secs).collect();
        secs.sort_by(f64::total_cmp);
        Ok(Scored {
            sampler: sampler.to_string(),
            placement: placement.unwrap_or(sampler.placement()).name(),
            steps,
            evaluations: plan.evaluations(),
            secs: secs[secs.len() / 2],
            distance: over_seeds(found.iter().map(|(_, distance, _)| *distance)),
            surprise: over_seeds(found.iter().map(|(.., surprise)| *surprise)),
            apart,
            order: None,
        })
    }

    fn sample(
        &self,
        engine: &mut dyn Engine,
        plan: &Plan,
        seed: u64,
    ) -> Result<Vec<[f32; 2]>, EngineError> {
        let run = Run {
            plan,
            start: &Start::Noise(self.particles),
            seed,
            denoiser: &self.denoiser,
            frames: Frames::End,
        };
        let ended = engine.run(&run, &|_| true)?;
        match ended {
            Some(recording) => Ok(recording.points.to_host()?.to_vec()),
            None => Err(EngineError::Invalid("the sampling was stopped".to_owned())),
        }
    }
}

/// The mean of what each seed gave; of one seed, with its own error.
fn over_seeds(each: impl Iterator<Item = Estimate>) -> Estimate {
    let each: Vec<Estimate> = each.collect();
    match each[..] {
        [one] => one,
        _ => Estimate::of_mean(&each.iter().map(|one| one.value).collect::<Vec<_>>()),
    }
}

/// Write the orders: of each sampler, between a count of steps and its double.
pub fn tell_orders(scored: &mut [Scored]) {
    let before: Vec<Scored> = scored.to_vec();
    for one in scored {
        let half = before.iter().find(|half| {
            (&half.sampler, half.placement, 2 * half.steps)
                == (&one.sampler, one.placement, one.steps)
        });
        one.order = half
            .and_then(|half| Some((half.apart? / one.apart?).log2()))
            .filter(|order| order.is_finite());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{DataSource, Experiment};
    use engine::ModelState;
    use engine::cpu::CpuEngine;
    use maths::data::shapes::Shape;

    /// By the exact field: every sampler comes to the floor, the better the more steps, and the orders are those of the papers.
    #[test]
    fn orders_and_distances_are_those_of_the_exact_field() {
        let setup = Setup::new(Experiment {
            data: DataSource::Shape(Shape::EightGaussians),
            width: 32,
            depth: 1,
            ..Experiment::default()
        })
        .unwrap();
        let mut engine = CpuEngine::new();
        let weights = vec![0.0; setup.spec.shape.parameters()];
        engine
            .load(&setup.spec, &ModelState::fresh(weights))
            .unwrap();
        let mut contest = Contest::new(&setup, 1024, true).unwrap();
        let floor = contest.floor();
        for (sampler, order) in [
            (Sampler::Euler, 1.0),
            (Sampler::DpmPp2M, 2.0),
            (Sampler::Heun, 2.0),
        ] {
            let mut scored: Vec<Scored> = [40, 80, 160]
                .map(|steps| Entrant {
                    sampler,
                    placement: None,
                    steps,
                })
                .map(|entrant| {
                    contest
                        .score(&mut engine, &setup, entrant, 2, || ())
                        .unwrap()
                })
                .to_vec();
            tell_orders(&mut scored);
            let last = &scored[2];
            assert!((last.order.unwrap() - order).abs() < 0.3, "{scored:#?}");
            let most = floor.value + 4.0 * last.distance.error.hypot(floor.error);
            assert!(last.distance.value < most, "{last:?}, floor {floor:?}");
            assert_eq!(scored[0].order, None);
        }
        let noisy = Entrant {
            sampler: Sampler::Ddim { eta: 1.0 },
            placement: None,
            steps: 100,
        };
        let scored = contest.score(&mut engine, &setup, noisy, 1, || ()).unwrap();
        assert_eq!((scored.apart, scored.evaluations), (None, 100));
    }
}
