//! Whither `sample` leads: the class, how strongly, and by what.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::{round, say, short_error};
use engine::{ClassifierSpec, Guidance, GuideBy, GuideKind, WeakModel};
use lab::classifier::{ClassifierWork, TrainedClassifier};
use lab::model_dir;
use lab::setup::Setup;
use maths::names;

/// Arguments that lead samples.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("led").args(["label", "weak_model"]).multiple(true))]
pub struct Led {
    /// Samples of one class, by its name or number
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,
    /// How strongly they are led: 0 not at all, 1 to the class, above beyond it; away from a weak model 1 not at all [default: 1]
    #[arg(long, value_name = "W", requires = "led", allow_negative_numbers = true, value_parser = weight)]
    guidance: Option<f64>,
    /// ln SNR from A to B, between which the guidance counts; elsewhere it is 1, by a classifier 0 [default: everywhere]
    #[arg(long, value_name = "A,B", requires = "led", allow_hyphen_values = true, value_parser = interval)]
    guidance_interval: Option<[f64; 2]>,
    /// By what they are led
    #[arg(long, value_name = "NAME", requires = "led", help = by_help())]
    guide_by: Option<GuideKind>,
    /// A weaker model of the same schedule, target and timesteps to be led away from: an earlier one or a smaller one; it needs no label
    #[arg(long, value_name = "DIR|FILE.safetensors")]
    weak_model: Option<PathBuf>,
}

fn by_help() -> String {
    let all = GuideKind::ALL.map(|kind| {
        let words = kind.words();
        format!("{} ({})", words.name, words.help)
    });
    format!(
        "By what they are led: {} [default: classifier-free, or model where a weak one is given]",
        names::listed(all.iter().map(String::as_str))
    )
}

/// A guidance weight.
fn weight(text: &str) -> Result<f64, String> {
    let weight: f64 = text
        .parse()
        .map_err(|_| format!("'{text}' is not a number"))?;
    let (least, most) = (Guidance::WEIGHTS.start(), Guidance::WEIGHTS.end());
    if Guidance::WEIGHTS.contains(&weight) {
        return Ok(weight);
    }
    Err(format!(
        "guidance {weight} is not between {least} and {most}"
    ))
}

/// Two numbers with a comma between, the first no larger.
fn interval(text: &str) -> Result<[f64; 2], String> {
    let both = || {
        let (a, b) = text.split_once(',')?;
        Some([a.trim().parse().ok()?, b.trim().parse().ok()?])
    };
    let ordered = both().filter(|[a, b]: &[f64; 2]| a <= b);
    ordered
        .ok_or_else(|| format!("'{text}' is not two numbers A,B with A no larger than B, as -2,4"))
}

impl Led {
    /// What they are led by, where they are; a classifier is trained here.
    pub fn guidance(&self, setup: &Setup) -> anyhow::Result<Option<Guidance>> {
        if self.label.is_none() && self.weak_model.is_none() {
            return Ok(None);
        }
        let kind = match (self.guide_by, &self.weak_model) {
            (Some(kind), _) => kind,
            (None, Some(_)) => GuideKind::Model,
            (None, None) => GuideKind::ClassifierFree,
        };
        anyhow::ensure!(
            (kind == GuideKind::Model) == self.weak_model.is_some(),
            "--weak-model goes with --guide-by model, and with no other: give both, or neither"
        );
        let (experiment, dataset) = (&setup.experiment, &setup.dataset);
        let is_classifier = matches!(kind, GuideKind::Posterior | GuideKind::Classifier);
        if let Some(why) = experiment.without_exact_field().filter(|_| is_classifier) {
            say(&format!("noise-compass: warning: {why}"));
        }
        anyhow::ensure!(
            kind != GuideKind::Model || self.guidance.is_some(),
            "--weak-model leads away from it by a weight: give --guidance, as in --guidance 2; 1 leads nowhere"
        );
        let weight = self.guidance.unwrap_or(1.0);
        let mut label = None;
        if let Some(text) = &self.label {
            anyhow::ensure!(
                experiment.labels || !kind.tells_network(),
                "the model has learned no labels: train one with --labels, lead it --guide-by posterior or classifier, or leave out --label"
            );
            let labels = dataset.labels.as_ref();
            let labels = labels.context(
                "the data of the model have no classes: take a model of data with labels, or leave out --label",
            )?;
            label = Some(labels.find(text).map_err(anyhow::Error::msg)?);
        }
        anyhow::ensure!(
            label.is_some() || !kind.needs_label(),
            "--guide-by {} leads towards a class: give it by --label",
            kind.words().name
        );
        let class = label.zip(dataset.labels.as_ref());
        let class = class.and_then(|(label, labels)| labels.mixture_of(&dataset.mixture, label));
        Ok(Some(Guidance {
            label,
            weight,
            log_snr: self.guidance_interval.unwrap_or(Guidance::EVERYWHERE),
            class: class.map(Arc::new),
            by: match (kind, &self.weak_model) {
                (GuideKind::Posterior, _) => GuideBy::Posterior(dataset.mixture.clone()),
                (GuideKind::Classifier, _) => {
                    GuideBy::Classifier(classifier(setup)?.classifier.clone())
                }
                (GuideKind::Model, Some(path)) => {
                    let weak = model_dir::load(path)?;
                    let its = weak.setup()?;
                    anyhow::ensure!(
                        its.dataset.mixture == dataset.mixture,
                        "the weak model {} was trained on other data: take one of the same",
                        path.display()
                    );
                    let (shape, timetable) = (its.spec.shape, its.spec.timetable);
                    GuideBy::WeakModel(Arc::new(WeakModel::new(shape, weak.state.ema, timetable)?))
                }
                _ => GuideBy::ClassifierFree,
            },
        }))
    }
}

/// Train a classifier of the model's data, say how far it is now and then, and how often it is right at the end.
fn classifier(setup: &Setup) -> anyhow::Result<TrainedClassifier> {
    const BETWEEN: Duration = Duration::from_secs(2);
    let spec = ClassifierSpec::default();
    let mut work = ClassifierWork::begin(spec, setup)?;
    let told = Cell::new(Instant::now());
    let trained = work.advance(&|share| {
        if told.get().elapsed() >= BETWEEN {
            told.set(Instant::now());
            say(&format!(
                "training a classifier: {:.0} % done",
                100.0 * share
            ));
        }
        true
    });
    let trained = trained.context("the classifier's training was stopped; run it again")?;
    say(&format!(
        "a classifier of {} × {}, {} updates in {:.1} s; right of held-out draws along t, and the best that there can be:",
        spec.depth, spec.width, spec.updates, trained.secs
    ));
    for at in trained.accuracy.iter().step_by(3) {
        say(&format!(
            "t/T {:.2}: {:.4} ± {}, best {:.4} ± {}, behind by {} ± {}",
            at.tau,
            at.trained.value,
            short_error(at.trained.error),
            at.best.value,
            short_error(at.best.error),
            round(at.behind.value),
            short_error(at.behind.error),
        ));
    }
    Ok(trained)
}
