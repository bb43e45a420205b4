// Twin: src/engine/cpu/network.rs accumulate
//
// The output layer, the loss, and the first step of the backward pass. One invocation a row.
//
// o = h W + b (2 outputs, or 4 with the variance, stored as 8 with zeros); loss = w |o − target|² / 2 per sample of the first two, its mean over the batch the loss;
// The gradient is that of λ_t times the loss, with the weighting λ_t of the training: ∂L/∂o goes to this layer's delta, (∂L/∂o Wᵀ) ∘ act'(z) to the delta of the last hidden layer.
// Where the variance is learned, the outputs for it have the slope of the bound's term with the mean held; else its pull is 0.
//
// training, layer: uniform (layer is the output layer). weights. activations: h [rows][inputs].
// derivatives: act'(z) [rows][inputs]. deltas. targets [rows] as (target, loss weight, timestep as bits).
// losses: [loss_partials] sums over 64 rows each.
// timetable [timesteps].
// histogram: per bin the sum in limbs of 32 bits, the lowest first and in units of 2^-160, so that any f32 has its place; then
// how many losses were summed, and how many were not because they are not finite.

//!include math
//!include types
//!include head

@group(0) @binding(0) var<uniform> training: Training;
@group(0) @binding(1) var<uniform> layer: Layer;
@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> activations: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> derivatives: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> deltas: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> targets: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> loss_partials: array<f32>;
@group(0) @binding(8) var<storage, read_write> histogram: array<atomic<u32>>;
@group(0) @binding(9) var<storage, read> timetable: array<TimestepRow>;

const LOSS_BINS = 64u;
const LIMBS = 10u;

var<workgroup> row_losses: array<f32, 64>;

// Integer sums are exact in any order, so the histogram is the same in every run. An f32 is m 2^(e − 150), which is m shifted
// by e + 10 in units of 2^-160; what passes the end of a limb is carried.
fn count_loss(loss: f32, t_index: u32) {
    let bin = (LIMBS + 2u) * (t_index * LOSS_BINS / training.timesteps);
    let bits = bitcast<u32>(loss);
    let exponent = (bits >> 23u) & 0xffu;
    if exponent == 0xffu {
        atomicAdd(&histogram[bin + LIMBS + 1u], 1u);
        return;
    }
    let mantissa = (bits & 0x7fffffu) | select(0u, 0x800000u, exponent > 0u);
    let place = max(exponent, 1u) + 10u;
    let shift = place % 32u;
    add_to_limb(bin, place / 32u, mantissa << shift);
    // A shift by 32 is none, so by 31 and by one more.
    add_to_limb(bin, place / 32u + 1u, (mantissa >> 1u) >> (31u - shift));
    atomicAdd(&histogram[bin + LIMBS], 1u);
}

fn add_to_limb(bin: u32, first: u32, value: u32) {
    var carry = value;
    for (var limb = first; limb < LIMBS && carry != 0u; limb++) {
        let before = atomicAdd(&histogram[bin + limb], carry);
        carry = select(0u, 1u, before + carry < before);
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let row = id.x;
    let output = output_at(row);
    let wanted = targets[row];
    let residual = output.xy - wanted.xy;
    var loss = 0.0;
    var delta = vec4<f32>(0.0);
    if row < training.batch {
        loss = 0.5 * wanted.z * dot(residual, residual);
        let t_index = bitcast<u32>(wanted.w);
        let at = timetable[t_index];
        let narrower = exp(-at.variance_span * (1.0 + output.zw));
        let off = at.variance_base + at.variance_gain * residual * residual;
        let of_variance = at.variance_pull * (1.0 - off * narrower);
        delta = vec4<f32>(at.weighting * wanted.z * residual, of_variance) / f32(training.batch);
        count_loss(loss, t_index);
    }
    deltas[layer.delta_offset + row * layer.outputs] = delta;
    deltas[layer.delta_offset + row * layer.outputs + 1u] = vec4<f32>(0.0);
    for (var k = 0u; k < layer.inputs; k++) {
        let w = layer.weight_offset + 4u * k * layer.outputs;
        let back = vec4<f32>(
            dot(delta, weights[w]),
            dot(delta, weights[w + layer.outputs]),
            dot(delta, weights[w + 2u * layer.outputs]),
            dot(delta, weights[w + 3u * layer.outputs]),
        );
        let at = row * layer.inputs + k;
        deltas[layer.previous_delta_offset + at] = back * derivatives[layer.previous_derivative_offset + at];
    }
    row_losses[local] = loss;
    workgroupBarrier();
    if local == 0u {
        var sum = 0.0;
        for (var i = 0u; i < 64u; i++) {
            sum += row_losses[i];
        }
        loss_partials[group.x] = sum;
    }
}
