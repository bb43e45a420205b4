// Twin: src/engine/cpu/update.rs apply_orthogonal
//
// Moves Muon's matrices along their orthogonal directions, and the moving average of the weights. One invocation four weights.
//
// training: uniform. step: uniform, dynamic. scratch [matrix_count][4][matrix_length]: the second quarter is read.
// weights, ema: [parameter_stride].

//!include types

@group(0) @binding(0) var<uniform> training: Training;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> scratch: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> weights: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> ema: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= training.matrix_length || step.dry == 1u {
        return;
    }
    let at = training.matrix_first + id.y * training.matrix_period + id.x;
    let direction = scratch[(4u * id.y + 1u) * training.matrix_length + id.x];
    let w = step.kept * weights[at] - step.matrix_rate * direction;
    weights[at] = w;
    ema[at] = step.ema_decay * ema[at] + (1.0 - step.ema_decay) * w;
}
