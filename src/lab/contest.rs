//! Samplers side by side: each begins from the same noise, with as many steps as is asked for, and is held against the data and against
//! where the field that it follows leads.

use std::sync::Arc;
use std::time::Instant;

use super::choice::told_of;
use super::entrant::Entrant;
use super::quality::Data;
use super::setup::Setup;
use engine::{Denoiser, Engine, EngineError, Frames, Run, Start};
use maths::data::bounds::Bounds;
use maths::data::dataset::Dataset;
use maths::diffusion::solver::{Placement, Plan, PlanContext, Sampler};
use maths::measure::law::Likeness;
use maths::measure::trajectories::rms_distance;
use maths::measure::{Estimate, MeasureError};

/// Steps of Runge–Kutta to where a field leads: enough that its own error is none beside those of samplers.
const TO_THE_END: u32 = 200;

/// The table that leads to where the flow of a field does.
pub fn plan_to_the_end(context: PlanContext, clip: Option<Bounds>) -> Plan {
    let taus = Placement::Crowded.taus(TO_THE_END, context);
    Sampler::Rk4.plan_through(taus, context, clip)
}

/// What one has reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// Who.
    pub entrant: Entrant,
    /// How often a sample asks for a prediction; where each particle chooses its own steps, the mean.
    pub evaluations: f64,
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

/// What one set of samples is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Sliced W₂ to draws of the data, data units.
    pub distance: Estimate,
    /// −E ln p_0(samples) − h(p_0), nats.
    pub surprise: Estimate,
    /// Root mean square distance from the ends that were given.
    pub apart: Option<f64>,
}

/// A set of samples, and what it took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampled {
    /// Seconds.
    pub secs: f64,
    /// How often a sample asked for a prediction, on the mean.
    pub evaluations: f64,
    /// What it is worth.
    pub judged: Judged,
}

/// The data that sets of samples are held against.
#[derive(Debug)]
pub struct Yardstick(Data);

impl Yardstick {
    /// For sets of so many samples.
    ///
    /// # Errors
    /// Data that keep nothing to measure against.
    pub fn new(dataset: Arc<Dataset>, samples: usize) -> Result<Self, MeasureError> {
        Data::new(dataset, samples).map(Self)
    }

    /// What draws of the data score against draws.
    pub fn floor(&self) -> Estimate {
        self.0.floor()
    }

    /// Hold samples against the data, and each against its end where the flow leads.
    ///
    /// # Errors
    /// Samples that are not finite, or another number of ends.
    pub fn judge(
        &self,
        samples: &[[f32; 2]],
        ends: Option<&[[f32; 2]]>,
    ) -> Result<Judged, MeasureError> {
        let (distance, Likeness { surprise, .. }) = self.0.compare(samples)?;
        let apart = ends.map(|ends| rms_distance(samples, ends)).transpose()?;
        Ok(Judged {
            distance,
            surprise,
            apart,
        })
    }
}

impl Scored {
    /// The mean of what each seed gave: at least one.
    pub fn of(entrant: Entrant, found: &[Sampled]) -> Self {
        let mut secs: Vec<f64> = found.iter().map(|one| one.secs).collect();
        secs.sort_by(f64::total_cmp);
        let evaluations = found.iter().map(|one| one.evaluations).sum::<f64>();
        Self {
            entrant,
            evaluations: evaluations / found.len() as f64,
            secs: secs.get(secs.len() / 2).copied().unwrap_or(f64::NAN),
            distance: over_seeds(found.iter().map(|one| one.judged.distance)),
            surprise: over_seeds(found.iter().map(|one| one.judged.surprise)),
            apart: found.iter().find_map(|one| one.judged.apart),
            order: None,
        }
    }
}

/// The data and the noise that all are measured by.
pub struct Contest {
    yardstick: Yardstick,
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
            yardstick: Yardstick::new(setup.dataset.clone(), particles as usize)?,
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
        self.yardstick.floor()
    }

    /// Let one run from the noise of so many seeds; `done` is called after each.
    ///
    /// # Errors
    /// The engine's, samples that are not finite, or a plan that is made for another model.
    pub fn score(
        &mut self,
        engine: &mut dyn Engine,
        setup: &Setup,
        entrant: &Entrant,
        seeds: u64,
        mut done: impl FnMut(),
    ) -> anyhow::Result<Scored> {
        let context = setup.experiment.plan_context();
        // The exact x̂_0 lies where it should.
        let learned = matches!(self.denoiser, Denoiser::Learned);
        let clip = (setup.experiment.clip && learned)
            .then_some(setup.dataset.clip_box(setup.experiment.fresh));
        let plan = told_of(&setup.dataset.mixture, entrant.plan(context, clip)?);
        let follows_the_flow = entrant.follows_the_flow(&plan);
        if follows_the_flow && self.ends.is_none() {
            self.ends = Some(self.sample(engine, &plan_to_the_end(context, clip), 0)?.0);
        }
        let mut found = Vec::new();
        for seed in 0..seeds.max(1) {
            let begun = Instant::now();
            let (samples, evaluations) = self.sample(engine, &plan, seed)?;
            let secs = begun.elapsed().as_secs_f64();
            let ends = self.ends.as_deref();
            let ends = ends.filter(|_| seed == 0 && follows_the_flow);
            found.push(Sampled {
                secs,
                evaluations,
                judged: self.yardstick.judge(&samples, ends)?,
            });
            done();
        }
        Ok(Scored::of(entrant.clone(), &found))
    }

    /// Samples, and how often each asked for a prediction.
    fn sample(
        &self,
        engine: &mut dyn Engine,
        plan: &Plan,
        seed: u64,
    ) -> Result<(Vec<[f32; 2]>, f64), EngineError> {
        let run = Run {
            plan,
            start: &Start::Noise(self.particles),
            seed,
            denoiser: &self.denoiser,
            guidance: None,
            frames: Frames::End,
        };
        let ended = engine.run(&run, &|_| true)?;
        match ended {
            Some(recording) => Ok((
                recording.points.to_host()?.to_vec(),
                recording.evaluations(plan).unwrap_or(f64::NAN),
            )),
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
        let half = before
            .iter()
            .find(|half| half.entrant.is_half_of(&one.entrant));
        // Where twice the steps asked no oftener, as where each particle chooses its own, nothing was doubled.
        let half = half.filter(|half| half.evaluations < one.evaluations);
        one.order = half
            .and_then(|half| Some((half.apart? / one.apart?).log2()))
            .filter(|order| order.is_finite());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::Choice;
    use crate::contest_table::Row;
    use crate::entrant::Pick;
    use crate::experiment::{DataSource, Experiment};
    use crate::own_sampler::OwnSampler;
    use engine::ModelState;
    use engine::cpu::CpuEngine;
    use maths::data::shapes::Shape;
    use maths::diffusion::solver::PlanFile;

    /// A contest by the exact field, and what it is of.
    fn contest(particles: u32) -> (Contest, CpuEngine, Setup) {
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
        (
            Contest::new(&setup, particles, true).unwrap(),
            engine,
            setup,
        )
    }

    /// By the exact field: every sampler comes to the floor, the better the more steps, and the orders are those of the papers.
    #[test]
    fn orders_and_distances_are_those_of_the_exact_field() {
        let (mut contest, mut engine, setup) = contest(1024);
        let floor = contest.floor();
        for (sampler, order) in [
            (Sampler::Euler, 1.0),
            (Sampler::DpmPp2M, 2.0),
            (Sampler::Heun, 2.0),
        ] {
            let mut scored: Vec<Scored> = [40, 80, 160]
                .map(|steps| Choice {
                    sampler,
                    placement: None,
                    steps,
                })
                .map(|choice| {
                    contest
                        .score(&mut engine, &setup, &choice.into(), 2, || ())
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
        let noisy = Choice {
            sampler: Sampler::Ddim { eta: 1.0 },
            placement: None,
            steps: 100,
        };
        let noisy = noisy.into();
        let scored = contest
            .score(&mut engine, &setup, &noisy, 1, || ())
            .unwrap();
        assert_eq!((scored.apart, scored.evaluations), (None, 100.0));
    }
    /// A built-in sampler that was printed into a file has the very numbers of its name's, but for the order: it has one count of steps.
    #[test]
    fn a_plan_from_a_file_is_scored_as_the_sampler_that_it_was_printed_of() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mine.json");
        let (mut contest, mut engine, setup) = contest(256);
        let context = setup.experiment.plan_context();
        for (sampler, evaluations) in [(Sampler::Heun, 23.0), (Sampler::Ddim { eta: 1.0 }, 12.0)] {
            let choice = Choice {
                sampler,
                placement: None,
                steps: 12,
            };
            let plan = PlanFile::of(&choice.plan(context, None), context).unwrap();
            std::fs::write(&path, serde_json::to_string(&plan).unwrap()).unwrap();
            let own = Arc::new(OwnSampler::open(&path, context).unwrap());
            // Whatever is asked for, the file says how many steps there are.
            let own = Pick::Own(own).entrant(3, Some(Placement::Karras));
            let half = Choice { steps: 6, ..choice };
            let mut scored = [half.into(), choice.into(), own.clone()].map(|entrant| {
                contest
                    .score(&mut engine, &setup, &entrant, 2, || ())
                    .unwrap()
            });
            tell_orders(&mut scored);
            let [_, named, read] = scored;
            assert_eq!(read.entrant, own);
            assert_eq!((read.entrant.steps(), read.evaluations), (12, evaluations));
            assert_eq!(read.apart.is_some(), sampler == Sampler::Heun);
            let same = Scored {
                entrant: named.entrant.clone(),
                secs: named.secs,
                order: named.order,
                ..read.clone()
            };
            assert_eq!(same, named);
            assert_eq!(
                (named.order.is_some(), read.order),
                (sampler == Sampler::Heun, None)
            );
            let [named, read] = [named, read].map(|one| Row::of(&one, contest.floor()));
            assert_eq!(
                (&*read.sampler, &*read.placement, read.steps),
                ("mine.json", "file", 12)
            );
            assert_eq!(read.cells()[5..9], named.cells()[5..9]);
        }
    }
}
