// Twin: src/engine/cpu/matmul.rs multiply
//
// The bare matrix product that the training step is measured against: C [m][n] = A [m][k] B [k][n], one invocation a
// tile of 8×8 or 16×8, blocks as in dense_forward, nothing but loads, products and stores. `bench` takes the better one.
//
// size: uniform (m, k/4, n/4, 0). a, b, c: row-major, in vec4.

// Rows of a tile: 8, or 16.
override TILE_ROWS: u32 = 8u;

@group(0) @binding(0) var<uniform> size: vec4<u32>;
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> c: array<vec4<f32>>;

fn load_a(row: u32, k: u32) -> mat4x4<f32> {
    let at = row * size.y + k;
    return mat4x4<f32>(a[at], a[at + size.y], a[at + 2u * size.y], a[at + 3u * size.y]);
}

fn load_b(k: u32, n: u32) -> mat4x4<f32> {
    let at = 4u * k * size.z + n;
    return mat4x4<f32>(b[at], b[at + size.z], b[at + 2u * size.z], b[at + 3u * size.z]);
}

fn store(row: u32, n: u32, sums: mat4x4<f32>) {
    c[row * size.z + n] = sums[0];
    c[(row + 1u) * size.z + n] = sums[1];
    c[(row + 2u) * size.z + n] = sums[2];
    c[(row + 3u) * size.z + n] = sums[3];
}

fn tile_8(row: u32, n: u32) {
    var c_00: mat4x4<f32>;
    var c_01: mat4x4<f32>;
    var c_10: mat4x4<f32>;
    var c_11: mat4x4<f32>;
    for (var k = 0u; k < size.y; k++) {
        let b_0 = load_b(k, n);
        let b_1 = load_b(k, n + 1u);
        let a_0 = load_a(row, k);
        c_00 += b_0 * a_0;
        c_01 += b_1 * a_0;
        let a_1 = load_a(row + 4u, k);
        c_10 += b_0 * a_1;
        c_11 += b_1 * a_1;
    }
    store(row, n, c_00);
    store(row, n + 1u, c_01);
    store(row + 4u, n, c_10);
    store(row + 4u, n + 1u, c_11);
}

fn tile_16(row: u32, n: u32) {
    var c_00: mat4x4<f32>;
    var c_01: mat4x4<f32>;
    var c_10: mat4x4<f32>;
    var c_11: mat4x4<f32>;
    var c_20: mat4x4<f32>;
    var c_21: mat4x4<f32>;
    var c_30: mat4x4<f32>;
    var c_31: mat4x4<f32>;
    for (var k = 0u; k < size.y; k++) {
        let b_0 = load_b(k, n);
        let b_1 = load_b(k, n + 1u);
        let a_0 = load_a(row, k);
        c_00 += b_0 * a_0;
        c_01 += b_1 * a_0;
        let a_1 = load_a(row + 4u, k);
        c_10 += b_0 * a_1;
        c_11 += b_1 * a_1;
        let a_2 = load_a(row + 8u, k);
        c_20 += b_0 * a_2;
        c_21 += b_1 * a_2;
        let a_3 = load_a(row + 12u, k);
        c_30 += b_0 * a_3;
        c_31 += b_1 * a_3;
    }
    store(row, n, c_00);
    store(row, n + 1u, c_01);
    store(row + 4u, n, c_10);
    store(row + 4u, n + 1u, c_11);
    store(row + 8u, n, c_20);
    store(row + 8u, n + 1u, c_21);
    store(row + 12u, n, c_30);
    store(row + 12u, n + 1u, c_31);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let tiles_n = size.z / 2u;
    let row = TILE_ROWS * (id.x / tiles_n);
    let n = 2u * (id.x % tiles_n);
    if row >= size.x {
        return;
    }
    if TILE_ROWS == 16u {
        tile_16(row, n);
    } else {
        tile_8(row, n);
    }
}
