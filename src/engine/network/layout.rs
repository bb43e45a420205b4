//! Shapes of the network and where each parameter lies in one flat vector.
//!
//! Input: x, y, then the sines and cosines of the coordinate octaves, then the time embedding, then, where labels are learned, one number
//! for each class: 1 for that of the sample, 0 for the others, and all 0 where no class is given. `depth` hidden layers
//! of `width`; output 2, or 4 where the variance of a step back is learned as well. The order of the input is fixed: saved weights depend
//! on it.

use serde::{Deserialize, Serialize};

use crate::network::timetable::TIME_FEATURES;
use maths::names::{self, Words};

/// The nonlinearity between the layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum Activation {
    /// z · sigmoid(z).
    Silu,
    /// The tanh form of GELU (Hendrycks & Gimpel 2016).
    Gelu,
    /// max(z, 0).
    Relu,
    /// tanh(z).
    Tanh,
}

impl std::str::FromStr for Activation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        names::find(Self::ALL, "an activation", text, |one| [one.name()])
    }
}

impl TryFrom<String> for Activation {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl Activation {
    /// Every activation, in the order of the menus and of the kernels' `ACTIVATION` constant.
    pub const ALL: [Self; 4] = [Self::Silu, Self::Gelu, Self::Relu, Self::Tanh];

    /// What it is called.
    pub const fn words(self) -> &'static Words {
        match self {
            Self::Silu => &Words {
                name: "silu",
                title: "SiLU",
                symbol: "SiLU",
                short: "silu",
                help: "z · sigmoid(z)",
            },
            Self::Gelu => &Words {
                name: "gelu",
                title: "GELU",
                symbol: "GELU",
                short: "gelu",
                help: "the tanh form of GELU",
            },
            Self::Relu => &Words {
                name: "relu",
                title: "ReLU",
                symbol: "ReLU",
                short: "relu",
                help: "max(z, 0)",
            },
            Self::Tanh => &Words {
                name: "tanh",
                title: "tanh",
                symbol: "tanh",
                short: "tanh",
                help: "tanh(z)",
            },
        }
    }

    /// The name on the command line and in files.
    pub const fn name(self) -> &'static str {
        self.words().name
    }
}

/// The shape of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkShape {
    /// Coordinate octaves, 0 to 6.
    pub octaves: u32,
    /// Width of every hidden layer: 32, 64, 128 or 256.
    pub width: u32,
    /// Number of hidden layers, 1 to 6.
    pub depth: u32,
    /// Nonlinearity.
    pub activation: Activation,
    /// Two more outputs, one an axis, say the variance of the step back from x_t (Nichol & Dhariwal 2021, section 3.1).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub learns_variance: bool,
    /// Classes whose labels it takes; 0 where it takes none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub classes: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_none(classes: &u32) -> bool {
    *classes == 0
}

/// The most classes.
pub const MAX_CLASSES: u32 = 16;

/// Widths that the kernels are built for.
pub const WIDTHS: [u32; 4] = [32, 64, 128, 256];
/// The most hidden layers.
pub const MAX_DEPTH: u32 = 6;
/// The most coordinate octaves.
pub const MAX_OCTAVES: u32 = 6;

impl Default for NetworkShape {
    fn default() -> Self {
        Self {
            octaves: 3,
            width: 128,
            depth: 3,
            activation: Activation::Silu,
            learns_variance: false,
            classes: 0,
        }
    }
}

/// Where one linear layer lies in the flat parameter vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerSpan {
    /// Number of inputs.
    pub inputs: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// Offset of the weight, row-major [out, in] as in PyTorch.
    pub weight: usize,
    /// Offset of the bias `[out]`.
    pub bias: usize,
}

impl NetworkShape {
    /// Features made from the coordinates alone: x, y and 4 an octave.
    pub fn coordinate_features(self) -> usize {
        2 + 4 * self.octaves as usize
    }

    /// Length of the network's input: the coordinate features, the 64 of the time embedding, then the classes.
    pub fn inputs(self) -> usize {
        self.first_class() + self.classes as usize
    }

    /// Where the classes begin in the input.
    pub fn first_class(self) -> usize {
        self.coordinate_features() + TIME_FEATURES
    }

    /// Numbers that it says of a point: what it predicts, and the variance where it learns one.
    pub fn outputs(self) -> usize {
        if self.learns_variance { 4 } else { 2 }
    }

    /// The linear layers from input to output; there are `depth` + 1.
    pub fn layers(self) -> Vec<LayerSpan> {
        let mut spans = Vec::with_capacity(self.depth as usize + 1);
        let mut offset = 0;
        let mut inputs = self.inputs();
        for layer in 0..=self.depth {
            let outputs = if layer == self.depth {
                self.outputs()
            } else {
                self.width as usize
            };
            let bias = offset + inputs * outputs;
            spans.push(LayerSpan {
                inputs,
                outputs,
                weight: offset,
                bias,
            });
            offset = bias + outputs;
            inputs = outputs;
        }
        spans
    }

    /// Length of the flat parameter vector: per layer the weight [out, in], then the bias.
    pub fn parameters(self) -> usize {
        self.layers()
            .last()
            .map_or(0, |last| last.bias + last.outputs)
    }

    /// Floating-point operations of one forward pass of one sample, counting a multiply-add as two.
    pub fn forward_flops(self) -> f64 {
        self.layers()
            .iter()
            .map(|l| 2.0 * (l.inputs * l.outputs) as f64)
            .sum()
    }

    /// Floating-point operations of one training step of one sample: forward, weight gradients, and input gradients of all layers but the first.
    pub fn step_flops(self) -> f64 {
        let first = self.layers()[0];
        3.0 * self.forward_flops() - 2.0 * (first.inputs * first.outputs) as f64
    }

    /// Refuse a label that it has not learned.
    ///
    /// # Errors
    /// One sentence with the labels that there are.
    pub fn check_label(self, label: Option<u32>) -> Result<(), String> {
        match label {
            Some(_) if self.classes == 0 => {
                Err("the network has learned no labels: train one with --labels".to_owned())
            }
            Some(label) if label >= self.classes => Err(format!(
                "the network knows the labels 0 to {}, not {label}",
                self.classes - 1
            )),
            _ => Ok(()),
        }
    }

    /// Check that an engine can run this shape.
    ///
    /// # Errors
    /// One sentence naming the setting and its limits.
    pub fn validate(self) -> Result<(), String> {
        if !WIDTHS.contains(&self.width) {
            return Err(format!(
                "width {} is not one of 32, 64, 128, 256",
                self.width
            ));
        }
        if !(1..=MAX_DEPTH).contains(&self.depth) {
            return Err(format!(
                "depth {} is not between 1 and {MAX_DEPTH}",
                self.depth
            ));
        }
        if self.classes > MAX_CLASSES {
            return Err(format!(
                "{} classes are more than {MAX_CLASSES}",
                self.classes
            ));
        }
        if self.octaves > MAX_OCTAVES {
            return Err(format!(
                "{} octaves are more than {MAX_OCTAVES}",
                self.octaves
            ));
        }
        Ok(())
    }
}

/// The frequency f_k = 2^k π/3 of an octave.
pub fn coordinate_frequency(k: usize) -> f32 {
    std::f32::consts::FRAC_PI_3 * (1_u32 << k) as f32
}

/// The coordinate features of a point, written into `out` (length [`NetworkShape::coordinate_features`]):
/// x, y, sin(x·f_0..), sin(y·f_0..), cos(x·f_0..), cos(y·f_0..) with f_k = 2^k π/3.
pub fn coordinate_features(point: [f32; 2], octaves: u32, out: &mut [f32]) {
    let octaves = octaves as usize;
    out[0] = point[0];
    out[1] = point[1];
    for (axis, coordinate) in point.into_iter().enumerate() {
        for k in 0..octaves {
            let frequency = coordinate_frequency(k);
            let (sin, cos) = (coordinate * frequency).sin_cos();
            out[2 + axis * octaves + k] = sin;
            out[2 + 2 * octaves + axis * octaves + k] = cos;
        }
    }
}
