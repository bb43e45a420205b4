//! What is wrong with a file that should be a model.

use std::io;
use std::path::PathBuf;

use safetensors::tensor::Dtype;

/// A file that is not a model of this lab. One sentence that names the file, the fault and what to do.
#[derive(Debug, thiserror::Error)]
#[error("cannot load {}: {fault}", path.display())]
pub struct WeightsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a weights file.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// No file there.
    #[error(
        "there is no such file; give a directory that `train` wrote, or the model.safetensors in it"
    )]
    Missing,
    /// The file cannot be read.
    #[error("{0}; give a model.safetensors that can be read")]
    Read(io::Error),
    /// More bytes than the largest model has.
    #[error(
        "its {0} bytes are more than any model of this lab has; give a model.safetensors that `train` wrote"
    )]
    TooLarge(u64),
    /// Some other format, or cut short.
    #[error(
        "it is not a whole safetensors file ({0}); give a model.safetensors that `train` wrote"
    )]
    NotSafetensors(String),
    /// A safetensors file of something else.
    #[error(
        "it has no tensor `{0}`, so it is not a model of this lab; give a model.safetensors that `train` wrote"
    )]
    MissingTensor(String),
    /// A safetensors file of something else.
    #[error(
        "its metadata has no usable `{0}`, so it is not a model of this lab; give a file that `train` wrote"
    )]
    Metadata(&'static str),
    /// Numbers of another type.
    #[error("tensor `{name}` holds {found} numbers, not F32; save it again as 32-bit floats")]
    Type {
        /// Tensor.
        name: String,
        /// Its type.
        found: Dtype,
    },
    /// A tensor that does not follow on the others, or not on the experiment.
    #[error(
        "tensor `{name}` has the shape {found:?} where {expected:?} is needed; its network is not the experiment's"
    )]
    Shape {
        /// Tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that would do.
        expected: Vec<usize>,
    },
    /// More or fewer layers than the experiment says.
    #[error(
        "it has {found} layers where its experiment has {expected}; give a file that `train` wrote"
    )]
    Layers {
        /// Linear layers in the file.
        found: usize,
        /// Linear layers of the experiment's network.
        expected: usize,
    },
    /// The data that lie beside the weights.
    #[error("the data in it are damaged ({0}); give a model.safetensors that `train` wrote")]
    Data(String),
    /// NaN or infinity.
    #[error(
        "tensor `{0}` holds numbers that are not finite: the training had failed; load an earlier file"
    )]
    NotFinite(String),
}
