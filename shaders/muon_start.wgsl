// Twin: src/engine/cpu/muon.rs orthogonalise
//
// Copies the direction of each of Muon's matrices into its scratch, over its Frobenius norm. One workgroup a matrix.
//
// training: uniform. directions [parameter_stride], of which the matrices count. scratch [matrix_count][4][matrix_length]: the
// first quarter is written.

//!include types

@group(0) @binding(0) var<uniform> training: Training;
@group(0) @binding(1) var<storage, read> directions: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> scratch: array<vec4<f32>>;

// As in src/engine/network/optimiser.rs.
const SMALLEST_NORM = 1e-7;

var<workgroup> squares: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let first = training.matrix_first + group.x * training.matrix_period;
    var sum = 0.0;
    for (var i = local; i < training.matrix_length; i += 64u) {
        let direction = directions[first + i];
        sum += dot(direction, direction);
    }
    squares[local] = sum;
    workgroupBarrier();
    var total = 0.0;
    for (var i = 0u; i < 64u; i++) {
        total += squares[i];
    }
    let scale = 1.0 / max(sqrt(total), SMALLEST_NORM);
    let out = group.x * 4u * training.matrix_length;
    for (var i = local; i < training.matrix_length; i += 64u) {
        scratch[out + i] = scale * directions[first + i];
    }
}
