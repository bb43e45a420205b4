// Philox4x32-10 (Salmon et al. 2011). The twin of src/maths/philox.rs: the same words for the same counter.

const STREAM_BATCH = 0u;
const STREAM_FRESH_DATA = 1u;
const STREAM_SAMPLER_START = 2u;
const STREAM_SAMPLER_NOISE = 3u;

// High half of the 64-bit product, from 16-bit parts: WGSL has no 64-bit integers.
fn multiply_high(a: u32, b: u32) -> u32 {
    let a_low = a & 0xffffu;
    let a_high = a >> 16u;
    let b_low = b & 0xffffu;
    let b_high = b >> 16u;
    let low = a_low * b_low;
    let middle_1 = a_high * b_low + (low >> 16u);
    let middle_2 = a_low * b_high + (middle_1 & 0xffffu);
    return a_high * b_high + (middle_1 >> 16u) + (middle_2 >> 16u);
}

fn philox4x32(counter_in: vec4<u32>, key_in: vec2<u32>) -> vec4<u32> {
    var counter = counter_in;
    var key = key_in;
    for (var round = 0u; round < 10u; round++) {
        counter = vec4<u32>(
            multiply_high(0xCD9E8D57u, counter.z) ^ counter.y ^ key.x,
            0xCD9E8D57u * counter.z,
            multiply_high(0xD2511F53u, counter.x) ^ counter.w ^ key.y,
            0xD2511F53u * counter.x,
        );
        key += vec2<u32>(0x9E3779B9u, 0xBB67AE85u);
    }
    return counter;
}

// The four words at (stream, step, index) under a seed.
fn draw(seed: vec2<u32>, stream: u32, step: u32, index: u32) -> vec4<u32> {
    return philox4x32(vec4<u32>(stream, step, index, 0u), seed);
}

// A word as an integer in 0..n.
fn below(word: u32, n: u32) -> u32 {
    return multiply_high(word, n);
}

// A word as a uniform number in (0, 1].
fn uniform_01(word: u32) -> f32 {
    return f32(word) * 0x1p-32f + 0x1p-33f;
}

// Two words as two independent standard normal deviates (Box & Muller 1958).
fn normal_pair(word_radius: u32, word_angle: u32) -> vec2<f32> {
    let radius = sqrt(-2.0 * log_accurate(uniform_01(word_radius)));
    let sin_cos = sin_cos_accurate(6.283185307179586 * uniform_01(word_angle));
    return radius * sin_cos.yx;
}
