//! The gradient of what a network says by the points that it sees, not by its weights.

use super::{Network, Workspace};
use crate::cpu::matmul::padded;
use crate::cpu::real::Real;
use crate::network::layout::{LayerSpan, MAX_OCTAVES, coordinate_frequency};

impl<T: Real> Network<T> {
    /// From `work.delta`, the gradient by the output [rows, LANES], to that by each point as the network sees it. The chain rule through
    /// the sines and cosines goes by their values, which stand in `work`.
    pub(in crate::cpu) fn point_gradients(
        &self,
        rows: usize,
        work: &mut Workspace<T>,
    ) -> Vec<[T; 2]> {
        for index in (1..self.layers.len()).rev() {
            self.descend(index, rows, work);
        }
        let LayerSpan {
            inputs,
            outputs,
            weight,
            bias,
        } = self.layers[0].span;
        let (octaves, used) = (
            self.shape.octaves as usize,
            self.shape.coordinate_features(),
        );
        let mut by_feature = [T::ZERO; 2 + 4 * MAX_OCTAVES as usize];
        let deltas = work.delta.chunks(padded(outputs));
        let features = work.features.chunks(padded(inputs));
        let gradient = |(delta, features): (&[T], &[T])| {
            by_feature.fill(T::ZERO);
            let weights = self.parameters[weight..bias].chunks(inputs);
            for (delta, row) in delta.iter().zip(weights) {
                for (sum, weight) in by_feature[..used].iter_mut().zip(row) {
                    *sum += *delta * *weight;
                }
            }
            [0, 1].map(|axis| {
                let mut sum = by_feature[axis];
                for k in 0..octaves {
                    let frequency = T::from_f32(coordinate_frequency(k));
                    let sin = 2 + axis * octaves + k;
                    let cos = sin + 2 * octaves;
                    let turned = features[cos] * by_feature[sin] - features[sin] * by_feature[cos];
                    sum += frequency * turned;
                }
                sum
            })
        };
        deltas.zip(features).take(rows).map(gradient).collect()
    }
}
