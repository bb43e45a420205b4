//! A model in training, on the host and in safetensors files.
//!
//! A file holds f32 tensors `layers.{i}.weight` [out, in] and `layers.{i}.bias` `[out]`; the same with the prefix `ema.`
//! (the moving average, which is what one samples with); and, to go on training, with `adam_m.` and `adam_v.`. The
//! metadata has `experiment` (JSON), `step`, and `data` (JSON, see [`super::model_data`]).

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead, Read as _};
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};

use super::fault::{Fault, WeightsError};
use super::layout::NetworkShape;
use super::model_data::ModelData;

/// A model in training, on the host. All vectors are flat in the order of [`NetworkShape::layers`].
#[derive(Clone, Debug, PartialEq)]
pub struct ModelState {
    /// Updates done.
    pub step: u64,
    /// Weights.
    pub weights: Vec<f32>,
    /// Their exponential moving average.
    pub ema: Vec<f32>,
    /// Adam's first moment.
    pub adam_m: Vec<f32>,
    /// Adam's second moment.
    pub adam_v: Vec<f32>,
}

impl ModelState {
    /// A model before its first step: the average starts at the weights, the moments at zero.
    pub fn fresh(weights: Vec<f32>) -> Self {
        let zeros = vec![0.0; weights.len()];
        Self {
            step: 0,
            ema: weights.clone(),
            weights,
            adam_m: zeros.clone(),
            adam_v: zeros,
        }
    }

    /// True for a model that can be sampled from and trained further: no number of it is NaN or infinite.
    pub fn is_finite(&self) -> bool {
        [&self.weights, &self.ema, &self.adam_m, &self.adam_v]
            .into_iter()
            .flatten()
            .all(|number| number.is_finite())
    }
}

/// Files larger than this are not read: the largest model has 6 MB of weights, and 80 MB of rows.
const MAX_BYTES: u64 = 96 << 20;
/// Prefixes of the four vectors of a state: weights, average, moments.
const PREFIXES: [&str; 4] = ["", "ema.", "adam_m.", "adam_v."];

/// The file of a model. `experiment` is JSON text that [`load`] hands back, as it does `data`.
///
/// # Errors
/// A state that is not of this shape.
pub fn to_bytes(
    shape: NetworkShape,
    state: &ModelState,
    experiment: &str,
    data: Option<&ModelData>,
) -> io::Result<Vec<u8>> {
    let vectors = [&state.weights, &state.ema, &state.adam_m, &state.adam_v];
    let bytes: Vec<Vec<u8>> = vectors
        .iter()
        .map(|v| v.iter().flat_map(|x| x.to_le_bytes()).collect())
        .collect();
    let mut tensors = Vec::new();
    for (prefix, bytes) in PREFIXES.iter().zip(&bytes) {
        if bytes.len() != 4 * shape.parameters() {
            return Err(io::Error::other(
                "the model is not of the shape that was to be written",
            ));
        }
        for (i, layer) in shape.layers().into_iter().enumerate() {
            let weight = &bytes[4 * layer.weight..4 * layer.bias];
            let bias = &bytes[4 * layer.bias..4 * (layer.bias + layer.outputs)];
            let parts = [
                ("weight", vec![layer.outputs, layer.inputs], weight),
                ("bias", vec![layer.outputs], bias),
            ];
            for (kind, dimensions, data) in parts {
                let view =
                    TensorView::new(Dtype::F32, dimensions, data).map_err(io::Error::other)?;
                tensors.push((format!("{prefix}layers.{i}.{kind}"), view));
            }
        }
    }
    let mut metadata = HashMap::from([
        ("experiment".to_owned(), experiment.to_owned()),
        ("step".to_owned(), state.step.to_string()),
    ]);
    let tables = data.map(ModelData::tables).unwrap_or_default();
    for (name, dimensions, bytes) in &tables {
        let view =
            TensorView::new(Dtype::F32, dimensions.clone(), bytes).map_err(io::Error::other)?;
        tensors.push(((*name).to_owned(), view));
    }
    if let Some(data) = data {
        metadata.insert(ModelData::KEY.to_owned(), data.about.clone());
        if let Some(teacher) = &data.teacher {
            let about = serde_json::to_string(&**teacher).map_err(io::Error::other)?;
            metadata.insert(ModelData::TEACHER.to_owned(), about);
        }
    }
    with_sorted_header(serialize(tensors, Some(metadata)).map_err(io::Error::other)?)
}

/// The same file with the header's keys in alphabetical order. The library writes the metadata in the order of a hash
/// map, which differs from run to run; the same model should be the same bytes.
fn with_sorted_header(mut bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    let length = bytes
        .first_chunk()
        .map_or(0, |length| u64::from_le_bytes(*length)) as usize;
    let header = bytes
        .get_mut(8..8 + length)
        .ok_or_else(|| io::Error::other("the file has no header"))?;
    let keys: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header)?;
    let sorted = serde_json::to_vec(&keys)?;
    if sorted.len() > length {
        return Err(io::Error::other(
            "the sorted header is longer than the header",
        ));
    }
    // The format pads its header with spaces.
    header.fill(b' ');
    header[..sorted.len()].copy_from_slice(&sorted);
    Ok(bytes)
}

/// True for a file that begins as those of this lab do, whether or not the rest is sound.
///
/// # Errors
/// A file that cannot be read.
pub fn is_model(file: &mut dyn BufRead) -> io::Result<bool> {
    let mut length = [0; 8];
    match file.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        other => other?,
    }
    let mut header = Vec::new();
    file.take(u64::from_le_bytes(length).min(MAX_BYTES))
        .read_to_end(&mut header)?;
    let header = serde_json::from_slice::<serde_json::Value>(&header).unwrap_or_default();
    let metadata = &header["__metadata__"];
    Ok(metadata["experiment"].is_string()
        && metadata["step"].is_string()
        && header["layers.0.weight"].is_object())
}

/// What a file holds, sound in itself; [`LoadedWeights::into_state`] checks it against the experiment.
#[derive(Debug)]
pub struct LoadedWeights {
    /// The experiment, as the JSON text that was saved.
    pub experiment_json: String,
    /// What it was trained on, where the file says so: older ones do not.
    pub data: Option<ModelData>,
    path: PathBuf,
    /// (inputs, outputs) of every layer.
    layers: Vec<(usize, usize)>,
    state: ModelState,
}

impl LoadedWeights {
    /// The model, if it is one of this shape (the shape of the experiment in the file).
    pub fn into_state(self, shape: NetworkShape) -> Result<ModelState, WeightsError> {
        let expected = shape.layers();
        if self.layers.len() != expected.len() {
            let fault = Fault::Layers {
                found: self.layers.len(),
                expected: expected.len(),
            };
            return Err(WeightsError {
                path: self.path,
                fault,
            });
        }
        for (i, ((inputs, outputs), layer)) in self.layers.into_iter().zip(expected).enumerate() {
            if (inputs, outputs) != (layer.inputs, layer.outputs) {
                let fault = Fault::Shape {
                    name: format!("layers.{i}.weight"),
                    found: vec![outputs, inputs],
                    expected: vec![layer.outputs, layer.inputs],
                };
                return Err(WeightsError {
                    path: self.path,
                    fault,
                });
            }
        }
        Ok(self.state)
    }
}

/// Read a model. Without Adam's moments in the file they start at zero.
pub fn load(path: &Path) -> Result<LoadedWeights, WeightsError> {
    let read = || -> Result<LoadedWeights, Fault> {
        let fault = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Fault::Missing,
            _ => Fault::Read(error),
        };
        let length = std::fs::metadata(path).map_err(fault)?.len();
        if length > MAX_BYTES {
            return Err(Fault::TooLarge(length));
        }
        parse(path, &std::fs::read(path).map_err(fault)?)
    };
    read().map_err(|fault| WeightsError {
        path: path.into(),
        fault,
    })
}

fn parse(path: &Path, bytes: &[u8]) -> Result<LoadedWeights, Fault> {
    let not_safetensors =
        |error: safetensors::SafeTensorError| Fault::NotSafetensors(error.to_string());
    let tensors = SafeTensors::deserialize(bytes).map_err(not_safetensors)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(not_safetensors)?;
    let layers = chain(&tensors)?;
    let entry = |key| {
        header
            .metadata()
            .as_ref()
            .and_then(|map| map.get(key))
            .ok_or(Fault::Metadata(key))
    };
    let experiment_json = entry("experiment")?.clone();
    let step = entry("step")?
        .parse()
        .map_err(|_| Fault::Metadata("step"))?;
    let data = entry(ModelData::KEY)
        .ok()
        .map(|about| ModelData::read(about, entry(ModelData::TEACHER).ok(), &tensors))
        .transpose()?;

    let weights = flatten(&tensors, PREFIXES[0], &layers)?;
    let ema = flatten(&tensors, PREFIXES[1], &layers)?;
    let resumable = tensors
        .names()
        .iter()
        .any(|name| PREFIXES[2..].iter().any(|prefix| name.starts_with(prefix)));
    let moment = |prefix| {
        if resumable {
            flatten(&tensors, prefix, &layers)
        } else {
            Ok(vec![0.0; weights.len()])
        }
    };
    let (adam_m, adam_v) = (moment(PREFIXES[2])?, moment(PREFIXES[3])?);
    let state = ModelState {
        step,
        weights,
        ema,
        adam_m,
        adam_v,
    };
    Ok(LoadedWeights {
        experiment_json,
        data,
        path: path.into(),
        layers,
        state,
    })
}

/// (inputs, outputs) of `layers.0` and on, each of which takes what the one before gives; the last gives 2, or 4 with the variance.
fn chain(tensors: &SafeTensors) -> Result<Vec<(usize, usize)>, Fault> {
    let names = tensors.names();
    let count = names
        .iter()
        .filter(|name| name.starts_with("layers.") && name.ends_with(".weight"))
        .count();
    let mut layers: Vec<(usize, usize)> = Vec::with_capacity(count);
    for i in 0..count.max(1) {
        let name = format!("layers.{i}.weight");
        let shape = find(tensors, &name)?.shape().to_vec();
        let &[outputs, inputs] = &shape[..] else {
            return Err(Fault::Shape {
                name,
                found: shape,
                expected: vec![2, 2],
            });
        };
        let needed_inputs = layers.last().map_or(inputs, |below| below.1);
        let is_last = i + 1 == count;
        let needed_outputs = if is_last && outputs != 4 { 2 } else { outputs };
        if (inputs, outputs) != (needed_inputs, needed_outputs) {
            return Err(Fault::Shape {
                name,
                found: shape,
                expected: vec![needed_outputs, needed_inputs],
            });
        }
        layers.push((inputs, outputs));
    }
    Ok(layers)
}

fn find<'a>(tensors: &SafeTensors<'a>, name: &str) -> Result<TensorView<'a>, Fault> {
    tensors
        .tensor(name)
        .map_err(|_| Fault::MissingTensor(name.into()))
}

/// The tensors with one prefix as a flat vector.
fn flatten(
    tensors: &SafeTensors,
    prefix: &str,
    layers: &[(usize, usize)],
) -> Result<Vec<f32>, Fault> {
    let mut flat = Vec::new();
    for (i, &(inputs, outputs)) in layers.iter().enumerate() {
        for (kind, expected) in [("weight", vec![outputs, inputs]), ("bias", vec![outputs])] {
            let name = format!("{prefix}layers.{i}.{kind}");
            let tensor = find(tensors, &name)?;
            if tensor.dtype() != Dtype::F32 {
                return Err(Fault::Type {
                    name,
                    found: tensor.dtype(),
                });
            }
            if tensor.shape() != expected {
                return Err(Fault::Shape {
                    name,
                    found: tensor.shape().to_vec(),
                    expected,
                });
            }
            let (numbers, _) = tensor.data().as_chunks::<4>();
            let first = flat.len();
            flat.extend(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)));
            if !flat[first..].iter().all(|x| x.is_finite()) {
                return Err(Fault::NotFinite(name));
            }
        }
    }
    Ok(flat)
}

#[cfg(test)]
mod tests;
