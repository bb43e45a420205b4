//! Settings from a file: what `train --config` repeats and `train --vs` compares with.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use clap::ArgMatches;
use clap::parser::ValueSource;
use serde_json::{Map, Value};

use super::say;
use lab::change::Change;
use lab::experiment::Experiment;
use lab::model_dir::{self, Saved};
use lab::setup::Setup;

/// Settings, and the model that they stand beside or in, if there is one.
#[derive(Debug)]
pub struct Config {
    /// The settings.
    pub experiment: Experiment,
    model: Option<Saved>,
}

/// Read settings: of a model (its directory or `model.safetensors`), of an `experiment.json`, or any of them as JSON.
/// What is not said is as in `base`. `flag` is what asked for the file.
///
/// # Errors
/// A file that cannot be read, is no JSON object, names a setting that there is not, or gives one an impossible value.
pub fn read(file: &Path, flag: &str, base: &Experiment) -> anyhow::Result<Config> {
    let is_model = file
        .extension()
        .is_some_and(|extension| extension == "safetensors");
    let file = match model_dir::settings_file(file).filter(|_| file.is_dir()) {
        Some(settings) => settings,
        // The model itself says how it was trained.
        None if is_model || file.is_dir() => {
            let model = model_dir::load(file)?;
            return Ok(Config {
                experiment: model.experiment.clone(),
                model: Some(model),
            });
        }
        None => file.to_path_buf(),
    };
    let name = file.display();
    let text = fs::read_to_string(&file).map_err(|error| {
        anyhow!("cannot read {name}: {error}; give {flag} the experiment.json of a model")
    })?;
    let given: Value = serde_json::from_str(&text).map_err(|error| {
        anyhow!("{name} is no JSON ({error}); give {flag} settings as in experiment.json")
    })?;
    let Value::Object(given) = given else {
        bail!("{name} holds no settings; give {flag} a JSON object as in experiment.json");
    };
    let mut settings = map(base)?;
    for (key, value) in given {
        let key = Experiment::present_name(&key).to_owned();
        if !settings.contains_key(&key) {
            let known: Vec<_> = settings.keys().map(String::as_str).collect();
            bail!(
                "{name} names a setting '{key}' that there is not; use {}",
                known.join(", ")
            );
        }
        settings.insert(key, value);
    }
    let experiment: Experiment = serde_json::from_value(Value::Object(settings))
        .map_err(|error| anyhow!("{name} gives a setting a value that it cannot have: {error}"))?;
    experiment
        .validate()
        .map_err(|error| anyhow!("{name}: {error}"))?;
    // Without it the settings are as good.
    let model = model_dir::model_beside(&file).and_then(|model| model_dir::load(&model).ok());
    Ok(Config { experiment, model })
}

impl Config {
    /// Steps of the model that the settings are of.
    pub fn steps(&self) -> Option<u64> {
        self.model
            .as_ref()
            .map(|model| model.state.step)
            .filter(|steps| *steps > 0)
    }

    /// An experiment made ready. On the data of the model it takes the model's own rows, unless the file is to be `read`,
    /// and says so where the file that they came from is another by now.
    ///
    /// # Errors
    /// One sentence: an impossible setting, or a data file that cannot be used.
    pub fn setup(&self, experiment: &Experiment, read: bool) -> anyhow::Result<Setup> {
        let own = self.model.as_ref().filter(|model| {
            !read && model.data.is_some() && model.experiment.data == experiment.data
        });
        let Some(model) = own else {
            return Setup::new(experiment.clone()).map_err(anyhow::Error::msg);
        };
        let mut setup = model.setup()?;
        if let Some(remark) = setup.meet_file() {
            say(&format!(
                "noise-compass: warning: {remark}; give --data to read the file"
            ));
        }
        if model.experiment.change_to(experiment) == Change::Nothing {
            return Ok(setup);
        }
        setup
            .changed(experiment.clone())
            .map_err(anyhow::Error::msg)
    }
}

/// The settings that were given as flags, by their names in files.
pub fn given(matches: &ArgMatches) -> anyhow::Result<BTreeSet<String>> {
    let names = map(&Experiment::default())?
        .into_iter()
        .map(|(name, _)| name);
    Ok(names
        .filter(|name| matches.value_source(name) == Some(ValueSource::CommandLine))
        .collect())
}

/// Settings of a file, with those of `flags` that are `given` in their place.
///
/// # Errors
/// An experiment that JSON has no letters for.
pub fn overlay(
    file: &Experiment,
    flags: &Experiment,
    given: &BTreeSet<String>,
) -> anyhow::Result<Experiment> {
    let mut settings = map(file)?;
    settings.extend(
        map(flags)?
            .into_iter()
            .filter(|(name, _)| given.contains(name)),
    );
    serde_json::from_value(Value::Object(settings)).context("the settings do not read back")
}

fn map(experiment: &Experiment) -> anyhow::Result<Map<String, Value>> {
    match serde_json::to_value(experiment).context("the experiment cannot be written as JSON")? {
        Value::Object(settings) => Ok(settings),
        _ => bail!("the experiment is no JSON object"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, FromArgMatches, Parser};
    use maths::diffusion::schedule::Schedule;

    fn read_text(text: &str, first: &Experiment) -> Result<Experiment, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        read(file.path(), "--vs", first)
            .map(|config| config.experiment)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_the_file_does_not_say_is_as_in_the_first() {
        let first = Experiment {
            width: 32,
            seed: 7,
            ..Experiment::default()
        };
        assert_eq!(read_text("{}", &first).unwrap(), first);
        let second = read_text(r#"{"schedule": "cosine", "batch": 64}"#, &first).unwrap();
        // As it was called before.
        assert_eq!(
            read_text(r#"{"path": "cosine", "batch": 64}"#, &first).unwrap(),
            second
        );
        assert_eq!(
            second,
            Experiment {
                schedule: Schedule::Cosine,
                batch: 64,
                ..first.clone()
            }
        );
        let whole = serde_json::to_string(&Experiment::default()).unwrap();
        assert_eq!(read_text(&whole, &first).unwrap(), Experiment::default());
    }

    #[test]
    fn what_cannot_be_is_refused_in_one_sentence() {
        let first = Experiment::default();
        for (text, word) in [
            ("[1, 2]", "JSON object"),
            ("{", "is no JSON"),
            (r#"{"noise": "cosine"}"#, "'noise'"),
            (r#"{"schedule": "sine"}"#, "cannot have"),
            (r#"{"batch": 1}"#, "batch 1"),
        ] {
            let error = read_text(text, &first).unwrap_err();
            assert!(
                error.contains(word) && !error.contains('\n'),
                "{text}: {error}"
            );
        }
        assert!(read(Path::new("nowhere.json"), "--config", &first).is_err());
    }

    /// The experiment alone, as every command has it.
    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        experiment: Experiment,
    }

    /// A flag that gives a setting another value than the default, where that is no number.
    const FLAGS: [(&str, &str); 21] = [
        ("data", "--data moons"),
        ("fresh", "--fresh"),
        ("bandwidth", "--bandwidth 0.25"),
        ("schedule", "--schedule cosine"),
        ("target", "--target v"),
        // Of a target that knows x_0 at t = T: see below.
        ("objective", "--objective consistency"),
        ("width", "--width 64"),
        ("activation", "--activation tanh"),
        ("learn_variance", "--learn-variance"),
        ("labels", "--labels"),
        ("coupling", "--coupling optimal"),
        ("source", "--source moons"),
        ("times", "--times log-normal"),
        ("weighting", "--weighting min-snr"),
        ("optimiser", "--optimiser muon"),
        ("warmup", "--warmup 100"),
        ("decay", "--decay cosine"),
        ("seed", "--seed 18446744073709551615"),
        ("sampler", "--sampler ddim:0.3"),
        ("placement", "--placement karras"),
        ("clip", "--clip false"),
    ];

    /// As in [`FLAGS`], of a setting that is this number by default.
    fn flag(name: &str, default: &Value) -> String {
        if let Some((_, flag)) = FLAGS.iter().find(|(known, _)| *known == name) {
            return (*flag).to_owned();
        }
        let command = Only::command();
        let long = command
            .get_arguments()
            .find(|argument| argument.get_id() == name)
            .and_then(|arg| arg.get_long());
        let long = long.unwrap_or_else(|| panic!("{name} has no flag"));
        match (default.as_u64(), default.as_f64()) {
            (Some(whole), _) => format!("--{long} {}", whole - 1),
            (None, Some(number)) => format!("--{long} {}", 0.5 * number + 0.001),
            (None, None) => panic!("{name} is no number: give it a flag in FLAGS"),
        }
    }

    fn parse(flags: &str) -> (Experiment, BTreeSet<String>) {
        let words = std::iter::once("noise-compass").chain(flags.split_whitespace());
        let matches = Only::command().try_get_matches_from(words).unwrap();
        (
            Only::from_arg_matches(&matches).unwrap().experiment,
            given(&matches).unwrap(),
        )
    }

    /// A new setting without a flag is found by its name.
    #[test]
    fn every_setting_has_a_flag_that_changes_it_alone() {
        let defaults = map(&Experiment::default()).unwrap();
        assert_eq!(parse(""), (Experiment::default(), BTreeSet::new()));
        assert!(FLAGS.iter().all(|(name, _)| defaults.contains_key(*name)));
        for (name, default) in &defaults {
            let flag = &flag(name, default);
            let (experiment, given) = parse(flag);
            // These two are of one schedule.
            let is_of_flow = ["coupling", "source"].contains(&&**name);
            assert_eq!(experiment.validate().is_ok(), !is_of_flow, "{name}");
            let settings = map(&experiment).unwrap();
            let changed: Vec<_> = settings
                .iter()
                .filter(|(key, value)| defaults[*key] != **value)
                .collect();
            assert_eq!(
                changed
                    .iter()
                    .map(|(key, _)| key.as_str())
                    .collect::<Vec<_>>(),
                [name],
                "{flag}"
            );
            assert_eq!(given.iter().collect::<Vec<_>>(), [name], "{flag}");
        }
    }

    /// Also a flag that gives the default wins over a file that says otherwise.
    #[test]
    fn a_flag_wins_over_the_file_and_only_for_its_own_setting() {
        let defaults = map(&Experiment::default()).unwrap();
        let all: Vec<String> = defaults
            .iter()
            .map(|(name, default)| flag(name, default))
            .collect();
        let (file, _) = parse(&all.join(" "));
        let default = |name: &str| match name {
            "fresh" => "--fresh false".to_owned(),
            "clip" => "--clip".to_owned(),
            "learn_variance" => "--learn-variance false".to_owned(),
            "labels" => "--labels false".to_owned(),
            "data" => "--data figure8".to_owned(),
            _ => {
                let value = &defaults[name];
                let flag = flag(name, value);
                let flag = flag.split_once(' ').unwrap().0;
                let text = match (name, value.as_str()) {
                    ("sampler", _) => "heun".to_owned(),
                    (_, Some(text)) => text.to_owned(),
                    (_, None) => value.to_string(),
                };
                format!("{flag} {text}")
            }
        };
        // What has no value by default cannot be given one.
        for name in defaults
            .keys()
            .map(String::as_str)
            .filter(|name| !matches!(*name, "bandwidth" | "placement"))
        {
            let (flags, given) = parse(&default(name));
            let merged = map(&overlay(&file, &flags, &given).unwrap()).unwrap();
            for (key, value) in map(&file).unwrap() {
                let expected = if key == name {
                    &map(&Experiment::default()).unwrap()[name]
                } else {
                    &value
                };
                assert_eq!(&merged[&key], expected, "{name} of {key}");
            }
        }
    }
}
