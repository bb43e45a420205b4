// Twin: src/engine/cpu/muon.rs orthogonalise
//
// One product of the iteration of Newton and Schulz, for each of Muon's matrices. One invocation a 4×4 block of one matrix.
//
// product: uniform, dynamic. scratch [matrices][4][side][side/4].

//!include types

@group(0) @binding(0) var<uniform> product: Product;
@group(0) @binding(1) var<storage, read_write> scratch: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let stride = product.side / 4u;
    if id.x >= stride * stride {
        return;
    }
    let row = 4u * (id.x / stride);
    let column = id.x % stride;
    let base = id.y * 4u * product.side * stride;
    let left = base + product.left + row * stride;
    let right = base + product.right;
    var sums: mat4x4<f32>;
    for (var k = 0u; k < stride; k++) {
        // The rows of a block of the right factor. Where that is transposed, they are its columns.
        let at = right + select(4u * k * stride + column, 4u * column * stride + k, product.transposed == 1u);
        var block = mat4x4<f32>(scratch[at], scratch[at + stride], scratch[at + 2u * stride], scratch[at + 3u * stride]);
        if product.transposed == 1u {
            block = transpose(block);
        }
        sums += block * mat4x4<f32>(scratch[left + k], scratch[left + stride + k], scratch[left + 2u * stride + k], scratch[left + 3u * stride + k]);
    }
    for (var r = 0u; r < 4u; r++) {
        let at = base + (row + r) * stride + column;
        scratch[at + product.out] = product.added_factor * scratch[at + product.added] + product.factor * sums[r];
    }
}
