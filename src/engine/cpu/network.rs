//! The network: forward, loss and gradient of blocks of samples.
//!
//! Rows are samples. Weights keep PyTorch's [out, in] in the flat parameter vector; beside it lie two copies in panels,
//! as the products read them: Wᵀ for the forward pass, W for the gradient of a layer's input.

mod points;

use super::activation::activate;
use super::matmul::{LANES, Left, Right, Start, multiply, padded};
use super::real::Real;
use crate::network::layout::{LayerSpan, NetworkShape, coordinate_features};
use crate::network::timetable::{TIME_FEATURES, Timetable, time_embedding};

/// Samples that are worked on at a time: their activations stay in the processor's cache.
pub const BLOCK: usize = 64;

/// A network and its weights.
pub struct Network<T> {
    shape: NetworkShape,
    layers: Vec<Layer<T>>,
    parameters: Vec<T>,
}

struct Layer<T> {
    span: LayerSpan,
    /// Wᵀ in panels: [padded(out)/LANES, in, LANES].
    forward: Vec<T>,
    /// W in panels: [padded(in)/LANES, out, LANES]; empty for the first layer, whose input needs no gradient.
    backward: Vec<T>,
    /// Bias, padded.
    bias: Vec<T>,
}

/// Noisy points, their times and what the network should say of them; one row a sample.
#[derive(Clone, Copy)]
pub struct Samples<'a> {
    /// x_t [n, 2].
    pub x: &'a [[f32; 2]],
    /// t in 1..=T `[n]`.
    pub t: &'a [u32],
    /// Target [n, 2].
    pub target: &'a [[f32; 2]],
    /// One more than the class that the network is told, 0 for none `[n]`; empty where none is told anywhere.
    pub labels: &'a [u32],
}

/// Activations of one block.
pub struct Workspace<T> {
    /// Input [BLOCK, padded(inputs)]; the padding stays zero.
    features: Vec<T>,
    /// act(z) of every hidden layer [BLOCK, width].
    hidden: Vec<Vec<T>>,
    /// act'(z) of every hidden layer [BLOCK, width].
    slopes: Vec<Vec<T>>,
    /// Output [BLOCK, LANES], of which the first columns count: two, or four with the variance.
    pub(super) output: Vec<T>,
    /// Gradient by a layer's z [BLOCK, width or LANES], and by its input.
    pub(super) delta: Vec<T>,
    delta_below: Vec<T>,
}

/// What a network says of one point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer<T> {
    /// What it predicts.
    pub output: [T; 2],
    /// Of the variance, on each axis; 0 where it has learned none.
    pub variance: [T; 2],
}

impl<T: Real> Workspace<T> {
    /// What stands in the first rows of the output.
    fn answers(&self, rows: usize) -> impl Iterator<Item = Answer<T>> {
        let rows = self.output.chunks_exact(LANES).take(rows);
        rows.map(|row| Answer {
            output: [row[0], row[1]],
            variance: [row[2], row[3]],
        })
    }

    /// Room for a block of a network of this shape.
    pub fn new(shape: NetworkShape) -> Self {
        let width = shape.width as usize;
        let block = |columns: usize| vec![T::ZERO; BLOCK * columns];
        let hidden = || (0..shape.depth).map(|_| block(width)).collect();
        Self {
            features: block(padded(shape.inputs())),
            hidden: hidden(),
            slopes: hidden(),
            output: block(LANES),
            delta: block(width),
            delta_below: block(width),
        }
    }
}

impl<T: Real> Network<T> {
    /// A network with these parameters (flat, [`NetworkShape::parameters`] of them).
    pub fn new(shape: NetworkShape, parameters: &[T]) -> Self {
        Self::of_layers(shape, shape.layers(), parameters)
    }

    /// A network of this shape but for its layers, of which the last may have any number of outputs up to [`LANES`].
    pub(super) fn of_layers(shape: NetworkShape, spans: Vec<LayerSpan>, parameters: &[T]) -> Self {
        let layers = spans.into_iter().enumerate().map(|(index, span)| Layer {
            span,
            forward: vec![T::ZERO; span.inputs * padded(span.outputs)],
            backward: vec![
                T::ZERO;
                if index == 0 {
                    0
                } else {
                    span.outputs * padded(span.inputs)
                }
            ],
            bias: vec![T::ZERO; padded(span.outputs)],
        });
        let mut network = Self {
            shape,
            layers: layers.collect(),
            parameters: Vec::new(),
        };
        network.change(|own| own.extend_from_slice(parameters));
        network
    }

    /// The flat parameter vector.
    pub fn parameters(&self) -> &[T] {
        &self.parameters
    }

    /// Shape.
    pub fn shape(&self) -> NetworkShape {
        self.shape
    }

    /// Change the parameters in place; their number must stay.
    pub fn change(&mut self, change: impl FnOnce(&mut Vec<T>)) {
        change(&mut self.parameters);
        for layer in &mut self.layers {
            layer.pack(&self.parameters);
        }
    }

    /// The first layer's bias plus what the time embedding of τ = t/T and a label add to it: the same for every point of one time.
    pub fn time_bias(&self, tau: f64, label: Option<u32>) -> Vec<T> {
        let embedding = time_embedding(tau);
        let (first_time, first_class) =
            (self.shape.coordinate_features(), self.shape.first_class());
        let Layer { span, bias, .. } = &self.layers[0];
        let mut sum = bias.clone();
        for (sum, row) in sum
            .iter_mut()
            .zip(self.parameters[span.weight..span.bias].chunks(span.inputs))
        {
            for (weight, feature) in row[first_time..first_class].iter().zip(embedding) {
                *sum += *weight * T::from_f32(feature);
            }
            if let Some(weight) = label.and_then(|label| row.get(first_class + label as usize)) {
                *sum += *weight;
            }
        }
        sum
    }

    /// Raw output at up to [`BLOCK`] points of one time, each times `input_scale`; `time_bias` from [`Network::time_bias`].
    pub fn predict(
        &self,
        points: &[[f32; 2]],
        input_scale: f32,
        time_bias: &[T],
        work: &mut Workspace<T>,
    ) -> impl Iterator<Item = Answer<T>> {
        let inputs = points.iter().map(|x| x.map(|x| input_scale * x));
        self.write_coordinates(inputs, work);
        self.forward(
            points.len(),
            self.shape.coordinate_features(),
            time_bias,
            work,
        );
        work.answers(points.len())
    }

    /// Raw output at up to [`BLOCK`] points as the network sees them, each at its own τ = t/T, all with one label.
    pub fn predict_each(
        &self,
        points: &[[f32; 2]],
        taus: &[f64],
        label: Option<u32>,
        work: &mut Workspace<T>,
    ) -> impl Iterator<Item = [T; 2]> {
        self.forward_each(points, taus, label, work);
        work.answers(points.len()).map(|answer| answer.output)
    }

    /// As [`Network::predict_each`]; the whole output stands in `work`.
    pub(super) fn forward_each(
        &self,
        points: &[[f32; 2]],
        taus: &[f64],
        label: Option<u32>,
        work: &mut Workspace<T>,
    ) {
        self.write_coordinates(points.iter().copied(), work);
        let first = self.shape.coordinate_features();
        let rows = work.features.chunks_mut(padded(self.shape.inputs()));
        // Mostly all are of one time.
        let mut known = (f64::NAN, [0.0; TIME_FEATURES]);
        for (tau, row) in taus.iter().zip(rows) {
            if known.0 != *tau {
                known = (*tau, time_embedding(*tau));
            }
            for (to, from) in row[first..].iter_mut().zip(known.1) {
                *to = T::from_f32(from);
            }
        }
        self.write_labels(points.len(), |_| label.map_or(0, |label| label + 1), work);
        let Layer { span, bias, .. } = &self.layers[0];
        self.forward(points.len(), span.inputs, bias, work);
    }

    /// Raw output at up to [`BLOCK`] points x_t, each at a timestep of its own.
    pub fn predict_at(
        &self,
        timetable: &Timetable,
        points: &[[f32; 2]],
        t: &[u32],
        work: &mut Workspace<T>,
    ) -> impl Iterator<Item = [T; 2]> {
        let row_of = |t: &u32| &timetable.rows[*t as usize - 1];
        let inputs = points.iter().zip(t).map(|(x, t)| row_of(t).input(*x));
        self.write_coordinates(inputs, work);
        self.write_times(t, timetable, work);
        self.write_labels(points.len(), |_| 0, work);
        let Layer { span, bias, .. } = &self.layers[0];
        self.forward(points.len(), span.inputs, bias, work);
        work.answers(points.len()).map(|answer| answer.output)
    }

    /// Add the gradient of `scale` · Σ_i λ_t w_t |out_i − target_i|² / 2 over all samples to `gradient` (flat), with the
    /// weighting λ_t of the training, and write each sample's loss w_t |out − target|² / 2 (its mean over the two components)
    /// into `losses`. Where the variance is learned, what it adds to the gradient is that of the bound's term with the mean held
    /// (Nichol & Dhariwal 2021, section 3.1): it moves the outputs for the variance, and reaches the prediction by the hidden layers alone.
    pub fn accumulate(
        &self,
        timetable: &Timetable,
        samples: Samples,
        scale: T,
        work: &mut Workspace<T>,
        gradient: &mut [T],
        losses: &mut [T],
    ) {
        let blocks = samples
            .x
            .chunks(BLOCK)
            .zip(samples.t.chunks(BLOCK))
            .zip(samples.target.chunks(BLOCK));
        let mut labels = samples.labels.chunks(BLOCK);
        for (((x, t), target), losses) in blocks.zip(losses.chunks_mut(BLOCK)) {
            let labels = labels.next().unwrap_or_default();
            let rows = x.len();
            let row_of = |t: &u32| &timetable.rows[*t as usize - 1];
            let inputs = x.iter().zip(t).map(|(x, t)| row_of(t).input(*x));
            self.write_coordinates(inputs, work);
            self.write_times(t, timetable, work);
            self.write_labels(rows, |row| labels.get(row).copied().unwrap_or(0), work);
            self.forward(rows, self.shape.inputs(), &self.layers[0].bias, work);
            for row in 0..rows {
                let at = row_of(&t[row]);
                let weight = T::from_f32(at.loss_weight);
                let slope = scale * weight * T::from_f32(at.weighting);
                let mut square = T::ZERO;
                let pull = scale * T::from_f32(at.variance_pull);
                for (axis, target) in target[row].into_iter().enumerate() {
                    let column = row * LANES + axis;
                    let error = work.output[column] - T::from_f32(target);
                    square += error * error;
                    work.delta[column] = slope * error;
                    if self.shape.learns_variance {
                        // w^−2 = e^{−span (1 + o)}, see `Widening`.
                        let widening = T::from_f32(at.variance_span);
                        let narrower = (-(widening * (T::ONE + work.output[column + 2]))).exp();
                        let off = T::from_f32(at.variance_base)
                            + T::from_f32(at.variance_gain) * error * error;
                        work.delta[column + 2] = pull * (T::ONE - off * narrower);
                    }
                }
                losses[row] = weight * square * T::from_f64(0.5);
            }
            self.backward(rows, work, gradient);
        }
    }

    /// Mean loss of some samples, and the gradient (flat) of the weighted one, on this thread.
    pub fn loss_and_gradient(&self, timetable: &Timetable, samples: Samples) -> (f64, Vec<T>) {
        let count = samples.x.len() as f64;
        let mut gradient = vec![T::ZERO; self.parameters.len()];
        let mut losses = vec![T::ZERO; samples.x.len()];
        let mut work = Workspace::new(self.shape);
        self.accumulate(
            timetable,
            samples,
            T::from_f64(1.0 / count),
            &mut work,
            &mut gradient,
            &mut losses,
        );
        (
            losses.iter().map(|loss| loss.to_f64()).sum::<f64>() / count,
            gradient,
        )
    }

    fn write_coordinates(&self, points: impl Iterator<Item = [f32; 2]>, work: &mut Workspace<T>) {
        let mut features = [0.0; 2 + 4 * crate::network::layout::MAX_OCTAVES as usize];
        let features = &mut features[..self.shape.coordinate_features()];
        for (point, row) in points.zip(work.features.chunks_mut(padded(self.shape.inputs()))) {
            coordinate_features(point, self.shape.octaves, features);
            for (to, from) in row.iter_mut().zip(features.iter()) {
                *to = T::from_f32(*from);
            }
        }
    }

    fn write_times(&self, times: &[u32], timetable: &Timetable, work: &mut Workspace<T>) {
        let first = self.shape.coordinate_features();
        for (t, row) in times
            .iter()
            .zip(work.features.chunks_mut(padded(self.shape.inputs())))
        {
            let embedding =
                &timetable.embedding[(*t as usize - 1) * TIME_FEATURES..][..TIME_FEATURES];
            for (to, from) in row[first..].iter_mut().zip(embedding) {
                *to = T::from_f32(*from);
            }
        }
    }

    /// One more than the class of each row, or 0, as a 1 in its place.
    fn write_labels(&self, rows: usize, of: impl Fn(usize) -> u32, work: &mut Workspace<T>) {
        let (first, stride) = (self.shape.first_class(), padded(self.shape.inputs()));
        if self.shape.classes == 0 {
            return;
        }
        for (row, features) in work.features.chunks_mut(stride).take(rows).enumerate() {
            let classes = &mut features[first..first + self.shape.classes as usize];
            classes.fill(T::ZERO);
            let place = (of(row) as usize).checked_sub(1);
            if let Some(one) = place.and_then(|place| classes.get_mut(place)) {
                *one = T::ONE;
            }
        }
    }

    /// From the first `inputs` features of every row to the output; `first_bias` stands for the first layer's bias.
    fn forward(&self, rows: usize, inputs: usize, first_bias: &[T], work: &mut Workspace<T>) {
        let mut stride = padded(self.shape.inputs());
        for (index, layer) in self.layers.iter().enumerate() {
            let (below, rest) = work.hidden.split_at_mut(index);
            let a = below.last().unwrap_or(&work.features);
            let (used, bias) = if index == 0 {
                (inputs, first_bias)
            } else {
                (layer.span.inputs, &layer.bias[..])
            };
            let columns = padded(layer.span.outputs);
            let c = rest.first_mut().unwrap_or(&mut work.output);
            multiply(
                (rows, used, columns),
                Left::Rows(a, stride),
                Right::panels(&layer.forward, layer.span.inputs),
                Start::Row(bias),
                c,
                columns,
            );
            if let Some(slopes) = work.slopes.get_mut(index) {
                activate(
                    self.shape.activation,
                    &mut c[..rows * columns],
                    &mut slopes[..rows * columns],
                );
            }
            stride = columns;
        }
    }

    /// From `work.delta`, the gradient by the output [rows, LANES], down through all layers; adds to `gradient`.
    pub(super) fn backward(&self, rows: usize, work: &mut Workspace<T>, gradient: &mut [T]) {
        for (index, layer) in self.layers.iter().enumerate().rev() {
            let LayerSpan {
                inputs,
                outputs,
                weight,
                bias,
            } = layer.span;
            let stride = padded(outputs);
            let delta = &work.delta[..rows * stride];
            let (below, below_stride) = match index.checked_sub(1) {
                Some(below) => (&work.hidden[below], inputs),
                None => (&work.features, padded(inputs)),
            };
            let (weight_gradient, bias_gradient) =
                gradient[weight..bias + outputs].split_at_mut(bias - weight);
            multiply(
                (outputs, rows, inputs),
                Left::Columns(delta, stride),
                Right::rows(&below[..rows * below_stride], below_stride),
                Start::Accumulate,
                weight_gradient,
                inputs,
            );
            for row in delta.chunks(stride) {
                for (sum, delta) in bias_gradient.iter_mut().zip(row) {
                    *sum += *delta;
                }
            }
            if index > 0 {
                self.descend(index, rows, work);
            }
        }
    }

    /// From `work.delta`, the gradient by a layer's z, to that by the z of the layer below.
    fn descend(&self, index: usize, rows: usize, work: &mut Workspace<T>) {
        let LayerSpan {
            inputs: columns,
            outputs,
            ..
        } = self.layers[index].span;
        let stride = padded(outputs);
        multiply(
            (rows, outputs, columns),
            Left::Rows(&work.delta[..rows * stride], stride),
            Right::panels(&self.layers[index].backward, outputs),
            Start::Zero,
            &mut work.delta_below,
            columns,
        );
        let slopes = &work.slopes[index - 1][..rows * columns];
        for (delta, slope) in work.delta_below.iter_mut().zip(slopes) {
            *delta = *delta * *slope;
        }
        std::mem::swap(&mut work.delta, &mut work.delta_below);
    }
}

impl<T: Real> Layer<T> {
    /// Copy this layer's part of the flat parameters into panels.
    fn pack(&mut self, parameters: &[T]) {
        let LayerSpan {
            inputs,
            outputs,
            weight,
            bias,
        } = self.span;
        self.bias[..outputs].copy_from_slice(&parameters[bias..bias + outputs]);
        let rows = parameters[weight..bias].chunks(inputs);
        for (output, row) in rows.enumerate() {
            let panel = &mut self.forward[output / LANES * inputs * LANES..][..inputs * LANES];
            for (to, from) in panel.chunks_exact_mut(LANES).zip(row) {
                to[output % LANES] = *from;
            }
            for (to, from) in self
                .backward
                .chunks_exact_mut(outputs * LANES)
                .zip(row.chunks(LANES))
            {
                to[output * LANES..][..from.len()].copy_from_slice(from);
            }
        }
    }
}
