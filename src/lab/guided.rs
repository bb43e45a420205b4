//! What guided samples are worth: inside the class or not, how surprising, and how far from the class and from the tilted density.

use std::sync::Arc;

use engine::{Guidance, GuideBy};
use maths::data::dataset::Dataset;
use maths::data::labels::Labels;
use maths::data::mixture::Mixture;
use maths::data::reference::Reference;
use maths::diffusion::exact::Marginal;
use maths::diffusion::schedule::Scales;
use maths::diffusion::tilted::Tilted;
use maths::measure::floor::{Quality, sliced_quality};
use maths::measure::law::Law;
use maths::measure::{Estimate, MeasureError};

/// The data themselves.
const DATA: Scales = Scales { a: 1.0, s: 0.0 };
/// Draws of the tilted density for each sample: enough for pairs of sets without a point in common.
const DRAWS_A_SAMPLE: usize = 8;
/// Key of what is drawn to measure against.
const SEED: u64 = 0;
/// Components times samples that a measurement asks at most: some hundredths of a second.
const EVALUATIONS: usize = 1 << 20;

/// A class that samples are held against, or all data.
pub struct ClassYardstick {
    all: Arc<Mixture>,
    /// What samples should be like: the class, else all.
    wanted: Arc<Mixture>,
    p_0: Marginal,
    class: Option<(Labels, u32)>,
    law: Law,
}

/// What one set of guided samples is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GuidedWorth {
    /// Share of the samples whose likeliest class is the one that is asked for; `None` where none is.
    pub inside: Option<Estimate>,
    /// −E ln p_0(x | y) − h of the class, nats: 0 of honest samples of the class. Without a class, of all data.
    pub surprise: Estimate,
    /// Sliced W₂ to draws of the class, or of all data.
    pub to_class: Quality,
    /// Sliced W₂ to draws of the tilted density of this weight; `None` where no class is asked for, or none is meant.
    pub to_tilted: Option<Quality>,
}

/// Samples led towards a class of these data by classifier-free guidance, with a weight between two ln SNR. `None` where there is no such
/// class. With another [`GuideBy`] in its place it is led otherwise.
pub fn guidance(dataset: &Dataset, label: u32, weight: f64, log_snr: [f64; 2]) -> Option<Guidance> {
    let class = dataset
        .labels
        .as_ref()?
        .mixture_of(&dataset.mixture, label)?;
    Some(Guidance {
        label: Some(label),
        weight,
        log_snr,
        class: Some(Arc::new(class)),
        by: GuideBy::ClassifierFree,
    })
}

impl ClassYardstick {
    /// For one class of these data, or for all of them. `None` where there is no such class.
    pub fn new(dataset: &Dataset, label: Option<u32>) -> Option<Self> {
        let all = dataset.mixture.clone();
        let (wanted, class) = match label {
            None => (all.clone(), None),
            Some(label) => {
                let labels = dataset.labels.clone()?;
                (
                    Arc::new(labels.mixture_of(&all, label)?),
                    Some((labels, label)),
                )
            }
        };
        Some(Self {
            p_0: all.marginal(DATA),
            law: Law::new(wanted.clone(), EVALUATIONS),
            all,
            wanted,
            class,
        })
    }

    /// Hold samples against the class, and against the tilted density of this weight where there is one.
    ///
    /// # Errors
    /// No samples, or one that is not finite.
    pub fn judge(
        &self,
        samples: &[[f32; 2]],
        tilt: Option<f64>,
    ) -> Result<GuidedWorth, MeasureError> {
        let surprise = self.law.likeness(samples, SEED)?.surprise;
        let to_tilted = |weight: f64| {
            let tilted = Tilted::new(&self.all, &self.wanted, weight, DATA);
            let draws = tilted.draw(DRAWS_A_SAMPLE * samples.len(), SEED);
            sliced_quality(samples, &Reference::HeldOut(Arc::new(draws)), SEED)
        };
        let inside = |(labels, label): &(Labels, u32)| {
            let is_inside = |x: &[f32; 2]| {
                let shares = labels.posterior(&self.p_0, x.map(f64::from));
                let likeliest = (0..shares.len()).max_by(|a, b| shares[*a].total_cmp(&shares[*b]));
                f64::from(u8::from(likeliest == Some(*label as usize)))
            };
            let inside: Vec<f64> = samples.iter().map(is_inside).collect();
            Estimate::of_mean(&inside)
        };
        let wanted = Reference::Mixture(self.wanted.clone());
        Ok(GuidedWorth {
            inside: self.class.as_ref().map(inside),
            surprise,
            to_class: sliced_quality(samples, &wanted, SEED)?,
            to_tilted: tilt
                .filter(|_| self.class.is_some())
                .map(to_tilted)
                .transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{DataSource, Experiment};
    use crate::setup::Setup;
    use engine::cpu::CpuEngine;
    use engine::network::init::initial_weights;
    use engine::{Denoiser, Engine, Frames, ModelState, Run, Start};
    use maths::data::shapes::Shape;
    use maths::diffusion::schedule::Schedule;
    use maths::diffusion::solver::Sampler;

    fn worth(shape: Shape, weight: f64) -> GuidedWorth {
        let setup = Setup::new(Experiment {
            data: DataSource::Shape(shape),
            schedule: Schedule::Cosine,
            width: 32,
            depth: 1,
            ..Experiment::default()
        })
        .unwrap();
        let mut engine = CpuEngine::new();
        let weights = initial_weights(setup.experiment.shape(), 0);
        engine
            .load(&setup.spec, &ModelState::fresh(weights))
            .unwrap();
        let dataset = &setup.dataset;
        let plan = Sampler::Heun.plan(40, setup.experiment.plan_context(), None);
        let led = guidance(dataset, 0, weight, Guidance::EVERYWHERE).unwrap();
        let run = Run {
            plan: &plan,
            start: &Start::Noise(1500),
            seed: 1,
            denoiser: &Denoiser::Exact(dataset.mixture.clone()),
            frames: Frames::End,
            guidance: Some(&led),
        };
        let ended = engine.run(&run, &|_| true).unwrap().unwrap();
        let samples = ended.points.to_host().unwrap();
        let yardstick = ClassYardstick::new(dataset, Some(0)).unwrap();
        yardstick.judge(&samples, Some(weight)).unwrap()
    }

    /// Draws of the class and of the tilted density are what they are held against, within a few floors; the other way round they are not.
    #[test]
    fn draws_of_a_density_are_near_to_it_alone() {
        let dataset = Dataset::of_shape(Shape::Moons, 100, 1);
        let yardstick = ClassYardstick::new(&dataset, Some(1)).unwrap();
        let class = &yardstick.wanted;
        let of_class = yardstick.judge(&class.draw(2000, 7), Some(0.0)).unwrap();
        assert!(of_class.to_class.ratio() < 1.5, "{of_class:?}");
        assert!(of_class.to_tilted.unwrap().ratio() > 5.0, "{of_class:?}");
        assert!(of_class.inside.unwrap().value > 0.99 && of_class.surprise.value.abs() < 0.15);
        let tilted = Tilted::new(&dataset.mixture, class, -0.5, DATA);
        let of_tilted = yardstick.judge(&tilted.draw(2000, 7), Some(-0.5)).unwrap();
        assert!(of_tilted.to_tilted.unwrap().ratio() < 1.5, "{of_tilted:?}");
        assert!(of_tilted.to_class.ratio() > 5.0, "{of_tilted:?}");
        assert!(of_tilted.inside.unwrap().value < 0.2, "{of_tilted:?}");
    }

    /// What the chapter is about: at weight 1 guided samples are those of the class, which is the tilted density. Beyond it they leave
    /// both. The share inside the class goes up, and the surprise too.
    #[test]
    fn guided_samples_are_not_draws_of_the_tilted_density() {
        let none = worth(Shape::Figure8, 0.0);
        let class = worth(Shape::Figure8, 1.0);
        let beyond = worth(Shape::Figure8, 6.0);
        assert!(
            class.to_tilted.unwrap().ratio() < 1.3 && class.to_class.ratio() < 1.3,
            "{class:?}"
        );
        assert!(none.inside.unwrap().value < 0.6 && class.inside.unwrap().value > 0.9);
        assert!(
            beyond.inside.unwrap().value > class.inside.unwrap().value,
            "{beyond:?}"
        );
        let apart = beyond.to_tilted.unwrap();
        assert!(apart.ratio() > 3.0, "{beyond:?}");
        let more = beyond.surprise.less(class.surprise);
        assert!(more.value > 5.0 * more.error, "{class:?}, {beyond:?}");
    }
}
