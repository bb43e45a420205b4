//! A sampler of one's own: the plan of a file, under the file's name.

use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::experiment::Experiment;
use maths::data::bounds::Bounds;
use maths::diffusion::solver::{Plan, PlanContext, PlanFile, PlanFileError};

/// Longest file that is read: more than the most stages take.
const MOST_BYTES: u64 = 256 << 20;

/// A sampler that was read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnSampler {
    /// Where it lies, and the name of that file.
    path: PathBuf,
    name: String,
    steps: u32,
    file: PlanFile,
}

/// A file with a number that is none is refused, so each is equal to itself. Of two pointers to one, none is read through.
impl Eq for OwnSampler {}

impl OwnSampler {
    /// Read a file and check it for a model.
    ///
    /// # Errors
    /// A file that cannot be read, is no plan, or is made for another model: one sentence.
    pub fn open(path: &Path, context: PlanContext) -> anyhow::Result<Self> {
        let is_json = |end: &OsStr| end.eq_ignore_ascii_case("json");
        anyhow::ensure!(
            path.extension().is_some_and(is_json),
            "{} is no plan for its name: call it something.json",
            path.display()
        );
        let json =
            read(path).with_context(|| format!("cannot read the plan {}", path.display()))?;
        let refused = || format!("{} is no plan for this model", path.display());
        let file = PlanFile::read(&json);
        if file.is_err() {
            anyhow::ensure!(!is_experiment(&json), "{}: {AN_EXPERIMENT}", refused());
        }
        let file = file.with_context(refused)?;
        let plan = file.plan(context, None).with_context(refused)?;
        let name = path.file_name().unwrap_or(path.as_os_str());
        let steps = plan.steps.iter().filter(|stage| stage.ends_step).count();
        Ok(Self {
            path: path.to_path_buf(),
            // A row of a table has one line.
            name: name.to_string_lossy().replace(char::is_control, "?"),
            steps: u32::try_from(steps)?,
            file,
        })
    }

    /// The name of its file: what `--samplers` is given, so that it is no built-in one's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its file lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same without its ending.
    pub fn title(&self) -> &str {
        let (title, _) = self.name.rsplit_once('.').unwrap_or((&self.name, ""));
        title
    }

    /// Steps from noise to data.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// True where the network is asked for the variance of a step.
    pub fn asks_variance(&self) -> bool {
        self.file
            .stages
            .iter()
            .any(|stage| stage.widening.is_some())
    }

    /// Whether it is made for a model of this schedule and T.
    ///
    /// # Errors
    /// Another model's.
    pub fn suits(&self, context: PlanContext) -> Result<(), PlanFileError> {
        self.file.suits(context)
    }

    /// Its table.
    ///
    /// # Errors
    /// Another model's.
    pub fn plan(&self, context: PlanContext, clip: Option<Bounds>) -> Result<Plan, PlanFileError> {
        self.file.plan(context, clip)
    }
}

/// Why the settings of an experiment are none.
const AN_EXPERIMENT: &str =
    "it holds the settings of an experiment; a plan holds stages, see docs/own-sampler.md";

fn read(path: &Path) -> anyhow::Result<String> {
    // A pipe may have no end.
    let metadata = std::fs::metadata(path)?;
    anyhow::ensure!(
        metadata.is_file(),
        "it is no file; give it one that ends in .json"
    );
    let mut json = String::new();
    let mut file = std::fs::File::open(path)?.take(MOST_BYTES + 1);
    file.read_to_string(&mut json)?;
    let most = MOST_BYTES >> 20;
    anyhow::ensure!(
        json.len() as u64 <= MOST_BYTES,
        "it is longer than {most} MiB; leave out some stages"
    );
    Ok(json)
}

/// True for an `experiment.json`, or some of its settings.
fn is_experiment(json: &str) -> bool {
    type Settings = serde_json::Map<String, serde_json::Value>;
    let settings = serde_json::from_str::<Settings>(json);
    settings.is_ok_and(|settings| {
        let known = serde_json::to_value(Experiment::default()).unwrap_or_default();
        // A plan has these two as well.
        let of_both = |key: &str| matches!(key, "schedule" | "timesteps");
        let is_known = |key: &String| known.get(key).is_some() && !of_both(key);
        !settings.is_empty() && settings.keys().any(is_known) && !settings.contains_key("stages")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_and_counted_and_other_json_is_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mine.v2.json");
        let context = Experiment::default().plan_context();
        let open = |json: &str| {
            std::fs::write(&path, json).unwrap();
            OwnSampler::open(&path, context).map_err(|error| format!("{error:#}"))
        };
        let own = open(
            r#"{"stages": [{"t": 1, "to": 0.5, "x": {"x": 1}, "ends_step": false},
                {"t": 1, "to": 0.5, "x": {"x_0": 1}}, {"t": 0.5, "to": 0, "x": {"x_0": 1}}]}"#,
        );
        let own = own.unwrap();
        assert_eq!(
            (own.name(), own.title(), own.steps()),
            ("mine.v2.json", "mine.v2", 2)
        );
        let experiment = serde_json::to_string(&Experiment::default()).unwrap();
        for (json, words) in [
            (&*experiment, AN_EXPERIMENT),
            (r#"{"schedule": "cosine", "width": 64}"#, AN_EXPERIMENT),
            (
                r#"{"schedule": "flow", "timesteps": 10, "stage": []}"#,
                "unknown field `stage`",
            ),
            (r#"{"name": "mine"}"#, "it is no plan: unknown field"),
            (r#"{"stages": [], "width": 3}"#, "unknown field `width`"),
            (r#"{"stages": []}"#, "from 1 to 100000"),
            (
                r#"{"timesteps": 7, "stages": [{"t": 1, "to": 0, "x": {}}]}"#,
                "made for T = 7, and the model has 1000",
            ),
        ] {
            let told = open(json).unwrap_err();
            let begin = format!("{} is no plan for this model: ", path.display());
            assert!(told.starts_with(&begin) && told.contains(words), "{told}");
        }
        let told = OwnSampler::open(&directory.path().join("none.json"), context).unwrap_err();
        assert!(
            format!("{told:#}").starts_with("cannot read the plan"),
            "{told:#}"
        );
    }
}
