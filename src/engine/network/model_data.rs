//! What a model was trained on, in its own file beside the weights, so that it needs no other.
//!
//! The metadata has `data` (JSON, the business of `lab::own_data`). Rows of a file are the f32 tensors
//! `data.points` [N, 2], those that are trained on, and `data.held_out` [M, 2], those kept to judge by; there is no
//! second where M is 0, and neither for a built-in shape. Pairs of reflow are `data.pair_starts` and `data.pair_ends` [P, 2]. All are in standardised units.
//!
//! Of a distilled model the metadata has `teacher` (JSON: its shape, target, schedule and T), and the f32 tensor `teacher` `[n]` its weights,
//! in the order of `layers.0.weight`, `layers.0.bias` and so on.

use std::sync::Arc;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use super::fault::Fault;
use super::objective::Teacher;

/// Rows, and a text about them.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelData {
    /// JSON.
    pub about: String,
    /// Rows that are trained on.
    pub points: Arc<Vec<[f32; 2]>>,
    /// Rows that are not.
    pub held_out: Arc<Vec<[f32; 2]>>,
    /// The class of each row that is trained on; empty where they have none.
    pub classes: Arc<Vec<u32>>,
    /// The pairs of reflow: where each begins, and where it ends.
    pub pairs: [Arc<Vec<[f32; 2]>>; 2],
    /// The network that it was distilled from.
    pub teacher: Option<Arc<Teacher>>,
}

/// The tensors' names.
const TABLES: [&str; 4] = [
    "data.points",
    "data.held_out",
    "data.pair_starts",
    "data.pair_ends",
];

impl ModelData {
    /// Its key in the metadata.
    pub const KEY: &str = "data";
    /// The tensor of the classes.
    const CLASSES: &str = "data.classes";
    /// The teacher's, and the name of its tensor.
    pub const TEACHER: &str = "teacher";

    /// Name, shape and bytes of every tensor.
    pub(super) fn tables(&self) -> Vec<(&'static str, Vec<usize>, Vec<u8>)> {
        let bytes = |rows: &[[f32; 2]]| {
            rows.iter()
                .flatten()
                .flat_map(|x| x.to_le_bytes())
                .collect()
        };
        let [starts, ends] = &self.pairs;
        let all = TABLES
            .into_iter()
            .zip([&self.points, &self.held_out, starts, ends])
            .filter(|(_, rows)| !rows.is_empty());
        let tables = all.map(|(name, rows)| (name, vec![rows.len(), 2], bytes(rows)));
        let teacher = self.teacher.iter().map(|teacher| {
            let numbers = &teacher.weights;
            let bytes = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
            (Self::TEACHER, vec![numbers.len()], bytes)
        });
        // A few small whole numbers, in the type that all tensors have.
        let classes = (!self.classes.is_empty()).then(|| {
            let numbers = self.classes.iter().map(|class| *class as f32);
            let bytes = numbers.flat_map(f32::to_le_bytes).collect();
            (Self::CLASSES, vec![self.classes.len()], bytes)
        });
        tables.chain(classes).chain(teacher).collect()
    }

    /// Read from a file's tensors.
    pub(super) fn read(
        about: &str,
        teacher: Option<&String>,
        tensors: &SafeTensors,
    ) -> Result<Self, Fault> {
        let [points, held_out, starts, ends] = TABLES.map(|name| table(tensors, name));
        Ok(Self {
            about: about.to_owned(),
            points: Arc::new(points?),
            held_out: Arc::new(held_out?),
            pairs: [Arc::new(starts?), Arc::new(ends?)],
            classes: Arc::new(read_classes(tensors)?),
            teacher: teacher
                .map(|about| read_teacher(about, tensors))
                .transpose()?,
        })
    }
}

fn read_classes(tensors: &SafeTensors) -> Result<Vec<u32>, Fault> {
    let name = ModelData::CLASSES;
    let Ok(tensor) = tensors.tensor(name) else {
        return Ok(Vec::new());
    };
    let class = |number: f32| {
        let whole = number >= 0.0 && number.fract() == 0.0 && number < 1e6;
        whole.then_some(number as u32)
    };
    let classes: Option<Vec<u32>> = numbers(name, &tensor)?.into_iter().map(class).collect();
    classes.ok_or_else(|| Fault::Data(format!("tensor `{name}` holds what is no class")))
}

fn read_teacher(about: &str, tensors: &SafeTensors) -> Result<Arc<Teacher>, Fault> {
    let mut teacher: Teacher = serde_json::from_str(about)
        .map_err(|error| Fault::Data(format!("its teacher does not read ({error})")))?;
    teacher.shape.validate().map_err(Fault::Data)?;
    let tensor = tensors
        .tensor(ModelData::TEACHER)
        .map_err(|_| Fault::MissingTensor(ModelData::TEACHER.into()))?;
    teacher.weights = numbers(ModelData::TEACHER, &tensor)?;
    if teacher.weights.len() != teacher.shape.parameters() {
        return Err(Fault::Data(
            "its teacher is of another shape than it says".into(),
        ));
    }
    Ok(Arc::new(teacher))
}

fn table(tensors: &SafeTensors, name: &str) -> Result<Vec<[f32; 2]>, Fault> {
    let Ok(tensor) = tensors.tensor(name) else {
        return Ok(Vec::new());
    };
    let &[rows, 2] = tensor.shape() else {
        return Err(Fault::Data(format!(
            "tensor `{name}` has the shape {:?}, not [rows, 2]",
            tensor.shape()
        )));
    };
    let numbers = numbers(name, &tensor)?;
    let (points, _) = numbers.as_chunks::<2>();
    debug_assert_eq!(points.len(), rows);
    Ok(points.to_vec())
}

/// The finite numbers of a tensor.
fn numbers(name: &str, tensor: &TensorView<'_>) -> Result<Vec<f32>, Fault> {
    if tensor.dtype() != Dtype::F32 {
        return Err(Fault::Type {
            name: name.to_owned(),
            found: tensor.dtype(),
        });
    }
    let (numbers, _) = tensor.data().as_chunks::<4>();
    let numbers: Vec<f32> = numbers
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    if !numbers.iter().all(|x| x.is_finite()) {
        return Err(Fault::Data(format!(
            "tensor `{name}` holds numbers that are not finite"
        )));
    }
    Ok(numbers)
}
