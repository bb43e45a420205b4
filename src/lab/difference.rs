//! How two experiments differ, in plain words.

use super::experiment::Experiment;
use engine::EngineKind;
use maths::diffusion::schedule::Schedule;
use maths::diffusion::solver::{Placement, Sampler};
use maths::transport::Coupling;

/// One setting that differs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// Which setting.
    pub what: &'static str,
    /// A's, in words that stand by themselves: `cosine`, `width 64`.
    pub a: String,
    /// B's.
    pub b: String,
}

/// Most differences that a sentence names.
const NAMED: usize = 4;

/// Every setting in which A and B differ; `engines` are those that run them.
pub fn differences(a: &Experiment, b: &Experiment, engines: [EngineKind; 2]) -> Vec<Difference> {
    let words = [words(a, engines[0]), words(b, engines[1])];
    let [of_a, of_b] = words;
    of_a.into_iter()
        .zip(of_b)
        .filter(|((_, a), (_, b))| a != b)
        .map(|((what, a), (_, b))| Difference { what, a, b })
        .collect()
}

/// The differences as a sentence: `A linear · B cosine, the rest alike`.
pub fn sentence(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return "A and B are alike".to_owned();
    }
    let named = &differences[..differences.len().min(NAMED)];
    let list = |of: fn(&Difference) -> &str| named.iter().map(of).collect::<Vec<_>>().join(", ");
    let more = match differences.len() - named.len() {
        0 => String::new(),
        count => format!(", and {count} more"),
    };
    format!(
        "A {} · B {}{more}, the rest alike",
        list(|d| &d.a),
        list(|d| &d.b)
    )
}

/// Numbers of two experiments that do not compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incomparable {
    /// Which do not, and what does, in a few words.
    pub words: &'static str,
    /// Why, as a sentence.
    pub reason: &'static str,
}

/// Which of their numbers do not compare; `None` where all do. A loss is of one target, one schedule and one data set; a score
/// error is a mean over the timesteps of one schedule.
pub fn incomparable(a: &Experiment, b: &Experiment) -> Option<Incomparable> {
    let (words, reason) = if a.data != b.data {
        (
            "losses and errors do not compare: other data",
            "The data differ, and each has its own least possible loss.",
        )
    } else if a.schedule != b.schedule {
        (
            "losses, score errors do not compare: see x̂₀ error",
            "The schedules differ: a mean over t is of other noise levels.",
        )
    } else if a.timesteps != b.timesteps {
        (
            "losses, score errors do not compare: see x̂₀ error",
            "T differs: a mean over t is of other noise levels.",
        )
    } else if a.target != b.target {
        (
            "losses do not compare: see x̂₀ error",
            "The targets differ: each loss is in a unit of its own.",
        )
    } else if a.objective != b.objective {
        (
            "losses and errors do not compare: other objectives",
            "The objectives differ: one is a mean of clean points, the other the end of a path.",
        )
    } else if (a.labels, a.labels.then_some(a.label_dropout))
        != (b.labels, b.labels.then_some(b.label_dropout))
    {
        (
            "losses do not compare: see x̂₀ error",
            "Who is told a label has less to guess: the losses are of other questions.",
        )
    } else if a.times != b.times {
        (
            "losses do not compare: see x̂₀ error",
            "The times differ: each loss is a mean over the timesteps that were drawn.",
        )
    } else {
        return None;
    };
    Some(Incomparable { words, reason })
}

/// Every setting of an experiment, in the order in which people ask for them.
fn words(experiment: &Experiment, engine: EngineKind) -> Vec<(&'static str, String)> {
    // Without `..`, so that a new setting is not forgotten.
    let Experiment {
        data,
        points,
        fresh,
        bandwidth,
        schedule,
        target,
        objective,
        timesteps,
        octaves,
        width,
        depth,
        activation,
        learn_variance,
        labels,
        // Follows from the file.
        file_classes: _,
        label_dropout,
        coupling,
        source,
        batch,
        times,
        weighting,
        optimiser,
        learning_rate,
        weight_decay,
        warmup,
        decay,
        decay_steps,
        decay_end,
        ema_decay,
        seed,
        sampler,
        sampler_steps,
        placement,
        clip,
    } = experiment;
    let variance = if *learn_variance {
        "variance learned"
    } else {
        "variance not learned"
    };
    let engine = match engine {
        EngineKind::Gpu => "on WGSL",
        EngineKind::Cpu => "on plain Rust",
    };
    vec![
        ("data", data.title()),
        ("schedule", schedule_words(*schedule)),
        ("timesteps", format!("T {timesteps}")),
        ("target", target.words().short.to_owned()),
        ("objective", objective.words().short.to_owned()),
        ("width", format!("width {width}")),
        ("depth", format!("depth {depth}")),
        ("activation", activation.words().short.to_owned()),
        ("variance", variance.to_owned()),
        (
            "labels",
            if *labels {
                "labels learned"
            } else {
                "labels not learned"
            }
            .to_owned(),
        ),
        ("label dropout", format!("label dropout {label_dropout}")),
        ("octaves", format!("octaves {octaves}")),
        ("sampler", sampler_words(*sampler)),
        ("sampler steps", format!("{sampler_steps} steps")),
        (
            "placement",
            placement.map_or_else(
                || "steps as the sampler has them".to_owned(),
                placement_words,
            ),
        ),
        (
            "clip",
            if *clip { "clip on" } else { "clip off" }.to_owned(),
        ),
        ("coupling", coupling_words(*coupling)),
        ("source", format!("from {}", source.title())),
        ("batch", format!("batch {batch}")),
        ("times", times.words().short.to_owned()),
        ("weighting", weighting.words().short.to_owned()),
        ("optimiser", optimiser.words().short.to_owned()),
        ("learning rate", format!("lr {learning_rate}")),
        ("weight decay", format!("weight decay {weight_decay}")),
        ("warm-up", format!("warm-up {warmup}")),
        ("decay", decay.words().short.to_owned()),
        ("decay steps", format!("decay in {decay_steps}")),
        ("decay end", format!("decay to {decay_end}")),
        ("EMA decay", format!("EMA {ema_decay}")),
        (
            "training set",
            if *fresh { "fresh draws" } else { "finite set" }.to_owned(),
        ),
        ("points", format!("{points} points")),
        (
            "bandwidth",
            bandwidth.map_or_else(
                || "likeliest bandwidth".to_owned(),
                |h| format!("bandwidth {h}"),
            ),
        ),
        ("seed", format!("seed {seed}")),
        ("engine", engine.to_owned()),
    ]
}

fn schedule_words(schedule: Schedule) -> String {
    match schedule {
        Schedule::Custom(own) => format!("{} {own}", schedule.words().short),
        _ => schedule.words().short.to_owned(),
    }
}

fn coupling_words(coupling: Coupling) -> String {
    let short = coupling.words().short;
    match coupling {
        Coupling::Sinkhorn(eps) => format!("{short} ε {eps}"),
        _ => short.to_owned(),
    }
}

fn placement_words(placement: Placement) -> String {
    let short = placement.words().short;
    match placement {
        Placement::Own(spacing) => format!("steps {short} {spacing}"),
        _ => format!("steps {short}"),
    }
}

fn sampler_words(sampler: Sampler) -> String {
    let short = sampler.words().short;
    match sampler.dial().zip(sampler.dial_value()) {
        _ if sampler.is_usual() => short.to_owned(),
        Some((dial, value)) => format!("{short} {} {value}", dial.symbol),
        None => short.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::DataSource;
    use maths::data::shapes::Shape;
    use maths::diffusion::solver::{Spacing, Variance};
    use maths::diffusion::target::Target;
    use maths::diffusion::times::Times;
    use serde_json::{Value, json};

    const SAME: [EngineKind; 2] = [EngineKind::Cpu; 2];

    /// Each field by itself, changed through its JSON: exactly one difference, and no field left out.
    #[test]
    fn every_setting_is_told_by_itself() {
        let base = Experiment::default();
        let Value::Object(fields) = serde_json::to_value(&base).unwrap() else {
            panic!("an object")
        };
        let changed = |name: &str, value: &Value| match (name, value) {
            ("data", _) => serde_json::to_value(DataSource::Shape(Shape::Circle)).unwrap(),
            ("schedule" | "decay", _) => json!("cosine"),
            ("target", _) => json!("v"),
            ("objective", _) => json!("consistency"),
            ("activation", _) => json!("tanh"),
            ("bandwidth", _) => json!(0.1),
            ("width", _) => json!(256),
            ("times", _) => json!("log-normal"),
            ("coupling", _) => json!("optimal"),
            ("source", _) => json!({"shape": "moons"}),
            ("weighting", _) => json!("min-snr"),
            ("optimiser", _) => json!("muon"),
            ("placement", _) => json!("karras"),
            ("sampler", _) => serde_json::to_value(Sampler::Euler).unwrap(),
            (_, Value::Bool(value)) => json!(!value),
            (_, Value::Number(number)) if number.is_u64() => json!(number.as_u64().unwrap() + 1),
            (_, Value::Number(number)) if number.as_f64() == Some(0.0) => json!(0.5),
            (_, Value::Number(number)) => json!(0.5 * number.as_f64().unwrap()),
            (name, value) => panic!("how is {name} = {value} changed?"),
        };
        for (name, value) in &fields {
            let mut other = fields.clone();
            other.insert(name.clone(), changed(name, value));
            let other: Experiment = serde_json::from_value(Value::Object(other)).unwrap();
            // These two are of one schedule.
            let is_of_flow = ["coupling", "source"].contains(&&**name);
            assert_eq!(other.validate().is_ok(), !is_of_flow, "{name}");
            assert_ne!(base, other, "{name}");
            assert_eq!(differences(&base, &other, SAME).len(), 1, "{name}");
        }
        assert_eq!(fields.len() + 1, words(&base, EngineKind::Cpu).len());
    }

    #[test]
    fn settings_are_said_in_the_words_of_the_field() {
        let base = Experiment::default();
        let say = |b: Experiment| {
            differences(&base, &b, SAME)
                .into_iter()
                .map(|d| d.b)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let sampled = |sampler| Experiment {
            sampler,
            ..base.clone()
        };
        assert_eq!(say(sampled(Sampler::Ddpm(Variance::BetaTilde))), "DDPM");
        assert_eq!(
            say(sampled(Sampler::Ddpm(Variance::Beta))),
            "DDPM (variance β)"
        );
        assert_eq!(say(sampled(Sampler::Ddim { eta: 0.5 })), "DDIM η 0.5");
        assert_eq!(say(sampled(Sampler::Rk4)), "ODE by RK4");
        let placed = |placement| Experiment {
            placement: Some(placement),
            ..base.clone()
        };
        assert_eq!(say(placed(Placement::Even)), "steps even in t");
        let own = Placement::Own(Spacing::new([0.8, 0.5, 0.2]));
        assert_eq!(say(placed(own)), "steps by hand 0.8,0.5,0.2");
        let data = DataSource::Csv("some/where/points.csv".into());
        assert_eq!(
            say(Experiment {
                data,
                target: Target::X0,
                ..base.clone()
            }),
            "points.csv, x₀"
        );
        let other = Experiment {
            clip: false,
            learning_rate: 1e-3,
            points: 512,
            schedule: Schedule::Literal,
            ..base.clone()
        };
        assert_eq!(say(other), "literal β, clip off, lr 0.001, 512 points");
    }

    #[test]
    fn what_does_not_compare_is_said_with_its_reason() {
        let base = Experiment::default();
        let said = |b: Experiment| incomparable(&base, &b);
        assert_eq!(
            said(Experiment {
                width: 32,
                seed: 4,
                batch: 64,
                sampler_steps: 9,
                ..base.clone()
            }),
            None
        );
        for (b, words, reason) in [
            (
                Experiment {
                    target: Target::V,
                    ..base.clone()
                },
                "losses do not compare: see x̂₀",
                "targets",
            ),
            (
                Experiment {
                    schedule: Schedule::Cosine,
                    target: Target::V,
                    ..base.clone()
                },
                "score errors do not",
                "schedules",
            ),
            (
                Experiment {
                    labels: true,
                    ..base.clone()
                },
                "losses do not compare: see x̂₀",
                "told a label",
            ),
            (
                Experiment {
                    times: Times::LogNormal,
                    ..base.clone()
                },
                "losses do not compare: see x̂₀",
                "times differ",
            ),
            (
                Experiment {
                    timesteps: 10,
                    ..base.clone()
                },
                "losses, score errors do not compare: see x̂₀",
                "T differs",
            ),
            (
                Experiment {
                    data: DataSource::Shape(Shape::Circle),
                    ..base.clone()
                },
                "compare: other data",
                "data differ",
            ),
        ] {
            let said = said(b).unwrap();
            assert!(
                said.words.contains(words) && said.reason.contains(reason),
                "{said:?}"
            );
        }
    }

    #[test]
    fn sentences_are_plain() {
        let base = Experiment::default();
        let say = |b: &Experiment, engines| sentence(&differences(&base, b, engines));
        assert_eq!(say(&base, SAME), "A and B are alike");
        let cosine = Experiment {
            schedule: Schedule::Cosine,
            ..base.clone()
        };
        assert_eq!(say(&cosine, SAME), "A linear · B cosine, the rest alike");
        let v = Experiment {
            target: Target::V,
            sampler_steps: 64,
            ..cosine.clone()
        };
        assert_eq!(
            say(&v, SAME),
            "A linear, ε, 20 steps · B cosine, v, 64 steps, the rest alike"
        );
        let wide = Experiment {
            width: 256,
            depth: 2,
            batch: 1024,
            ..v
        };
        let text = "A linear, ε, width 128, depth 3 · B cosine, v, width 256, depth 2, and 2 more, the rest alike";
        assert_eq!(say(&wide, SAME), text);
        let engines = [EngineKind::Gpu, EngineKind::Cpu];
        assert_eq!(
            say(&base, engines),
            "A on WGSL · B on plain Rust, the rest alike"
        );
    }
}
