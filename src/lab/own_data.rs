//! The data of a model, in its own file: what sampling, fields, measuring and going on with the training need. For a
//! built-in shape its name is enough; of a file the rows are kept, so that neither its absence nor an edit changes
//! anything. How the model's units became those of the file, and the samplers' clip, stand there for everybody.

use serde::{Deserialize, Serialize};

use crate::experiment::Experiment;
use engine::network::model_data::ModelData;
use maths::data::bounds::Bounds;
use maths::data::dataset::{DataSource, Dataset, FileStamp, Pairs};
use maths::data::mixture::Standardisation;
use maths::data::reference::Reference;
use maths::data::table::Classes;

/// The JSON `data` in a model's metadata.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    /// Standardised = (data − mean) / scale.
    mean: [f64; 2],
    /// See `mean`.
    scale: f64,
    /// The box of the samplers' clip, standardised units.
    clip: Bounds,
    /// Of the kernels on a file's rows; `None` for a shape.
    bandwidth: Option<f32>,
    /// The names of the classes of a file's rows; none for a shape, which knows its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    classes: Vec<String>,
}

/// What of a data set goes into a model that is trained on it under this experiment.
///
/// # Errors
/// Numbers that JSON has not.
pub fn of_dataset(experiment: &Experiment, dataset: &Dataset) -> serde_json::Result<ModelData> {
    let Standardisation { mean, scale } = dataset.standardisation;
    let clip = dataset.clip_box(experiment.fresh);
    let is_file = matches!(experiment.data, DataSource::Csv(_));
    let labels = dataset.labels.as_ref().filter(|_| is_file);
    let about = serde_json::to_string(&About {
        mean,
        scale,
        clip,
        bandwidth: dataset.truth.bandwidth(),
        classes: labels.map_or_else(Vec::new, |labels| labels.names.clone()),
    })?;
    let classes = labels.map_or_else(<_>::default, |labels| labels.of_points.clone());
    let held_out = match &dataset.reference {
        Reference::HeldOut(rows) => rows.clone(),
        Reference::Mixture(_) => <_>::default(),
    };
    let pairs = dataset.pairs.as_ref();
    let pairs = pairs.map_or_else(<_>::default, |pairs| {
        [pairs.starts.clone(), pairs.ends.clone()]
    });
    Ok(match &experiment.data {
        DataSource::Shape(_) => ModelData {
            about,
            points: <_>::default(),
            held_out: <_>::default(),
            teacher: None,
            classes,
            pairs,
        },
        DataSource::Csv(_) => ModelData {
            about,
            points: dataset.points.clone(),
            held_out,
            teacher: None,
            classes,
            pairs,
        },
    })
}

/// The data set that a model was trained on.
///
/// # Errors
/// In a few words what is wrong with it.
pub fn to_dataset(experiment: &Experiment, data: ModelData) -> Result<Dataset, String> {
    let about: About = serde_json::from_str(&data.about).map_err(|error| error.to_string())?;
    let standardisation = Standardisation {
        mean: about.mean,
        scale: about.scale,
    };
    let sound = about.mean.iter().all(|mean| mean.is_finite())
        && about.scale.is_normal()
        && about.scale > 0.0;
    let ordered = (0..2).all(|axis| about.clip.min[axis] < about.clip.max[axis]);
    if !sound || !ordered {
        return Err("its mean, scale or clip is impossible".to_owned());
    }
    let [starts, ends] = data.pairs;
    let pairs = if starts.is_empty() && ends.is_empty() {
        None
    } else {
        let pairs = [starts, ends].map(std::sync::Arc::unwrap_or_clone);
        let [starts, ends] = pairs;
        let pairs = Pairs::new(starts, ends).ok_or("its pairs are not as many starts as ends")?;
        Some(std::sync::Arc::new(pairs))
    };
    let mut dataset = match &experiment.data {
        DataSource::Shape(shape) => Dataset::of_shape(*shape, experiment.points, experiment.seed),
        DataSource::Csv(_)
            if data
                .points
                .iter()
                .all(|row| Some(row) == data.points.first()) =>
        {
            return Err("there are no two different rows in it".to_owned());
        }
        DataSource::Csv(path) => {
            let rows = [data.points, data.held_out].map(std::sync::Arc::unwrap_or_clone);
            let [training, held_out] = rows;
            let (names, of_rows) = (about.classes, data.classes);
            let fits = of_rows.len() == if names.is_empty() { 0 } else { training.len() };
            if !fits || of_rows.iter().any(|class| *class as usize >= names.len()) {
                return Err("its classes are not one for each row".to_owned());
            }
            let classes = (!names.is_empty()).then(|| Classes {
                names,
                of_rows: std::sync::Arc::unwrap_or_clone(of_rows),
            });
            let own = Dataset::of_rows(training, held_out, standardisation, about.bandwidth);
            let own = own.with_classes(classes);
            Dataset {
                file: Some(FileStamp::unknown(path)),
                ..own
            }
        }
    };
    dataset.pairs = pairs;
    if !experiment.fresh {
        dataset.clip = about.clip;
    }
    Ok(dataset)
}
