// Twin: src/engine/cpu/update.rs apply
//
// Sums the partial gradients, then one update by the scalars of an optimiser, and the moving average of the weights. Of a
// matrix that Muon makes orthogonal it moves the momentum alone, and leaves the direction in the place of the gradient.
// One invocation four parameters; the first one also sums the loss.
//
// training: uniform. step: uniform, dynamic. partials [chunk_count][parameter_stride]; the sum is left in the first chunk.
// weights, ema, moments_1, moments_2: [parameter_stride]. loss_partials [loss_partials]. losses: ring of mean losses.

//!include types

@group(0) @binding(0) var<uniform> training: Training;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read_write> partials: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> weights: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> ema: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> moments_1: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> moments_2: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> loss_partials: array<f32>;
@group(0) @binding(8) var<storage, read_write> losses: array<f32>;

// As in src/engine/network/optimiser.rs.
const BETA_2 = 0.999;
const MUON_MOMENTUM = 0.95;

fn is_in_matrix(i: u32) -> bool {
    let place = i - training.matrix_first;
    return training.matrix_count > 0u && i >= training.matrix_first
        && place / training.matrix_period < training.matrix_count && place % training.matrix_period < training.matrix_length;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.x;
    if i == 0u {
        var sum = 0.0;
        for (var p = 0u; p < training.loss_partials; p++) {
            sum += loss_partials[p];
        }
        losses[step.loss_slot] = sum / f32(training.batch);
    }
    if i >= training.parameter_stride {
        return;
    }
    var gradient = partials[i];
    for (var chunk = 1u; chunk < training.chunk_count; chunk++) {
        gradient += partials[chunk * training.parameter_stride + i];
    }
    partials[i] = gradient;
    if step.dry == 1u {
        return;
    }
    let v = BETA_2 * moments_2[i] + (1.0 - BETA_2) * gradient * gradient;
    moments_2[i] = v;
    if is_in_matrix(i) {
        let momentum = MUON_MOMENTUM * moments_1[i] + (1.0 - MUON_MOMENTUM) * gradient;
        moments_1[i] = momentum;
        partials[i] = MUON_MOMENTUM * momentum + (1.0 - MUON_MOMENTUM) * gradient;
        return;
    }
    let m = step.first_decay * moments_1[i] + step.first_gain * gradient;
    moments_1[i] = m;
    let update = (step.learning_rate / step.bias_correction_1) * m / (sqrt(v) / step.sqrt_bias_correction_2 + step.epsilon);
    let w = step.kept * weights[i] - update;
    weights[i] = w;
    ema[i] = step.ema_decay * ema[i] + (1.0 - step.ema_decay) * w;
}
