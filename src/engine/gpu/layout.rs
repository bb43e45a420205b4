//! How the network lies in device memory.
//!
//! Weights are transposed to [in][out], so that every kernel reads vec4 along the outputs. Widths are padded to
//! multiples of 8 (the tile of the matrix kernels): the coordinate part of the input, its classes, and the outputs. Padding
//! weights stay zero, for their gradients are zero.

use super::types::Layer;
use crate::network::layout::NetworkShape;
use crate::network::timetable::TIME_FEATURES;

/// Rows of a batch are padded to a multiple of this: eight tiles, one workgroup of the head.
pub const ROW_PADDING: u32 = 64;

/// The layout of one network; lengths and offsets in vec4 unless they say otherwise.
#[derive(Clone, Debug)]
pub struct DeviceLayout {
    shape: NetworkShape,
    /// Coordinate part of an input row.
    pub coordinate_stride: u32,
    /// An input row.
    pub input_stride: u32,
    /// A row of a hidden layer.
    pub hidden_stride: u32,
    /// The parameter vector.
    pub parameter_stride: u32,
    /// Tiles of the weight-gradient dispatch.
    pub tile_count: u32,
    layers: Vec<Layer>,
}

impl DeviceLayout {
    /// Lay out a network.
    pub fn new(shape: NetworkShape) -> Self {
        let coordinate_stride = (shape.coordinate_features() as u32).next_multiple_of(8) / 4;
        let class_stride = shape.classes.next_multiple_of(8) / 4;
        let input_stride = coordinate_stride + TIME_FEATURES as u32 / 4 + class_stride;
        let hidden_stride = shape.width / 4;
        let (mut offset, mut tile_count) = (0, 0);
        let mut layers = Vec::with_capacity(shape.depth as usize + 1);
        for index in 0..=shape.depth {
            let inputs = if index == 0 {
                input_stride
            } else {
                hidden_stride
            };
            let outputs = if index == shape.depth {
                2
            } else {
                hidden_stride
            };
            layers.push(Layer {
                input_stride: inputs,
                inputs,
                outputs,
                weight_offset: offset,
                bias_offset: offset + 4 * inputs * outputs,
                first_tile: tile_count,
                ..Layer::default()
            });
            offset += (4 * inputs + 1) * outputs;
            tile_count += (inputs / 2 + 1) * (outputs / 2);
        }
        Self {
            shape,
            coordinate_stride,
            input_stride,
            hidden_stride,
            parameter_stride: offset,
            tile_count,
            layers,
        }
    }

    /// Where the first square matrix between hidden layers begins.
    pub fn first_matrix(&self) -> u32 {
        self.layers[1].weight_offset
    }

    /// From one square matrix between hidden layers to the next.
    pub fn matrix_period(&self) -> u32 {
        (4 * self.hidden_stride + 1) * self.hidden_stride
    }

    /// The network that is laid out.
    pub fn shape(&self) -> NetworkShape {
        self.shape
    }

    /// Layers for training on batches of `rows` (padded) rows: every layer's activations are kept.
    pub fn training_layers(&self, rows: u32) -> Vec<Layer> {
        let hidden = |index: u32| index * rows * self.hidden_stride;
        let mut layers = self.layers.clone();
        for (index, layer) in (0..).zip(&mut layers) {
            layer.input_offset = if index == 0 {
                0
            } else {
                rows * self.input_stride + hidden(index - 1)
            };
            layer.output_offset = rows * self.input_stride + hidden(index);
            layer.delta_offset = hidden(index);
            layer.derivative_offset = hidden(index);
            if index > 0 {
                layer.previous_delta_offset = hidden(index - 1);
                layer.previous_derivative_offset = hidden(index - 1);
            }
        }
        layers
    }

    /// Layers for inference on slices of `rows` rows, each of which is run through `times` times: two buffers of activations in turn, and
    /// a first layer that reads only the coordinates (its bias, with the time in it, comes from elsewhere).
    pub fn inference_layers(&self, rows: u32, times: u32) -> Vec<Layer> {
        let features = rows * self.coordinate_stride;
        let ping_pong = |index: u32| features + (index % 2) * times * rows * self.hidden_stride;
        let mut layers = self.layers.clone();
        for (index, layer) in (0..).zip(&mut layers) {
            layer.output_offset = ping_pong(index);
            if index == 0 {
                layer.inputs = self.coordinate_stride;
                layer.input_stride = self.coordinate_stride;
            } else {
                layer.input_offset = ping_pong(index - 1);
            }
        }
        layers
    }

    /// Length in f32 of the parameter vector on the device.
    pub fn parameters(&self) -> usize {
        4 * self.parameter_stride as usize
    }

    /// A flat parameter vector in the order of [`NetworkShape::layers`], as it lies on the device.
    pub fn to_device(&self, host: &[f32]) -> Vec<f32> {
        let mut device = vec![0.0; self.parameters()];
        self.each_parameter(|host_index, device_index| device[device_index] = host[host_index]);
        device
    }

    /// The inverse of [`DeviceLayout::to_device`].
    pub fn to_host(&self, device: &[f32]) -> Vec<f32> {
        let mut host = vec![0.0; self.shape.parameters()];
        self.each_parameter(|host_index, device_index| host[host_index] = device[device_index]);
        host
    }

    /// Visit every parameter with its index on the host and on the device.
    fn each_parameter(&self, mut visit: impl FnMut(usize, usize)) {
        let coordinates = self.shape.coordinate_features();
        let gap = 4 * self.coordinate_stride as usize - coordinates;
        for (index, (span, layer)) in self
            .shape
            .layers()
            .into_iter()
            .zip(&self.layers)
            .enumerate()
        {
            let row_length = 4 * layer.outputs as usize;
            for output in 0..span.outputs {
                for input in 0..span.inputs {
                    let row = if index == 0 && input >= coordinates {
                        input + gap
                    } else {
                        input
                    };
                    visit(
                        span.weight + output * span.inputs + input,
                        4 * layer.weight_offset as usize + row * row_length + output,
                    );
                }
                visit(span.bias + output, 4 * layer.bias_offset as usize + output);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::layout::{Activation, WIDTHS};

    #[test]
    fn parameters_survive_the_way_to_the_device_and_back() {
        for width in WIDTHS {
            for depth in [1, 2, 6] {
                for octaves in 0..=6 {
                    let shape = NetworkShape {
                        octaves,
                        width,
                        depth,
                        activation: Activation::Silu,
                        learns_variance: octaves % 2 == 0,
                        classes: 3 * (octaves % 3),
                    };
                    let layout = DeviceLayout::new(shape);
                    let host: Vec<f32> = (0..shape.parameters()).map(|i| i as f32 + 1.0).collect();
                    let device = layout.to_device(&host);
                    assert_eq!(layout.to_host(&device), host);
                    assert_eq!(
                        device.iter().filter(|v| **v != 0.0).count(),
                        host.len(),
                        "two parameters share a place"
                    );
                }
            }
        }
    }
}
