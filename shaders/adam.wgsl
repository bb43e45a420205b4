// Twin: src/engine/cpu/adam.rs apply
//
// Sums the partial gradients, then Adam (Kingma & Ba 2015, algorithm 1) and the moving average of the weights.
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

// As in src/engine/network/adam.rs.
const BETA_1 = 0.9;
const BETA_2 = 0.999;
const EPSILON = 1e-8;

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
    let m = BETA_1 * moments_1[i] + (1.0 - BETA_1) * gradient;
    let v = BETA_2 * moments_2[i] + (1.0 - BETA_2) * gradient * gradient;
    moments_1[i] = m;
    moments_2[i] = v;
    let update = (step.learning_rate / step.bias_correction_1) * m / (sqrt(v) / step.sqrt_bias_correction_2 + EPSILON);
    let w = weights[i] - update;
    weights[i] = w;
    ema[i] = step.ema_decay * ema[i] + (1.0 - step.ema_decay) * w;
}
