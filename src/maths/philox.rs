//! Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3").
//!
//! The twin of `shaders/shared/philox.wgsl`. Key = seed, counter = (stream, step, index, 0), so that a draw
//! depends on nothing but its own coordinates: two engines see the same data, times and noise.

const MULTIPLIER_0: u32 = 0xD251_1F53;
const MULTIPLIER_1: u32 = 0xCD9E_8D57;
const WEYL_0: u32 = 0x9E37_79B9;
const WEYL_1: u32 = 0xBB67_AE85;

/// What a draw is for: the first word of the counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stream {
    /// Training: word 0 the data index, word 1 the timestep, words 2 and 3 the noise.
    Batch = 0,
    /// Training on fresh samples: word 0 and 1 the component, words 2 and 3 its normal deviate.
    FreshData = 1,
    /// The start x_T of a sampler: words 2 and 3; word 0 the component where it is no noise.
    SamplerStart = 2,
    /// The noise z of a sampler's step: words 2 and 3.
    SamplerNoise = 3,
    /// The noise ε that a particle of the forward process keeps: words 2 and 3.
    Forward = 4,
    /// Training on the host: word 0 the partner, word 1 the component of the source.
    Coupling = 5,
}

/// The ten rounds of Philox4x32 on one counter. Returns four uniform 32-bit words.
#[inline]
pub const fn philox4x32(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    let mut round = 0;
    while round < 10 {
        let product_0 = MULTIPLIER_0 as u64 * counter[0] as u64;
        let product_1 = MULTIPLIER_1 as u64 * counter[2] as u64;
        counter = [
            (product_1 >> 32) as u32 ^ counter[1] ^ key[0],
            product_1 as u32,
            (product_0 >> 32) as u32 ^ counter[3] ^ key[1],
            product_0 as u32,
        ];
        key = [key[0].wrapping_add(WEYL_0), key[1].wrapping_add(WEYL_1)];
        round += 1;
    }
    counter
}

/// The four words at (stream, step, index) under a seed.
#[inline]
pub const fn draw(seed: u64, stream: Stream, step: u32, index: u32) -> [u32; 4] {
    philox4x32(
        [stream as u32, step, index, 0],
        [seed as u32, (seed >> 32) as u32],
    )
}

/// A word as an integer in `0..n`: the high half of `word · n`.
#[inline]
pub const fn below(word: u32, n: u32) -> u32 {
    ((word as u64 * n as u64) >> 32) as u32
}

/// A word as a uniform number in (0, 1], never 0.
#[inline]
pub fn uniform(word: u32) -> f32 {
    word as f32 * 2.0_f32.powi(-32) + 2.0_f32.powi(-33)
}

/// Two words as two independent standard normal deviates (Box & Muller 1958).
#[inline]
pub fn normal_pair(word_radius: u32, word_angle: u32) -> [f32; 2] {
    let radius = (-2.0 * uniform(word_radius).ln()).sqrt();
    let (sin, cos) = (std::f32::consts::TAU * uniform(word_angle)).sin_cos();
    [radius * cos, radius * sin]
}

/// The normal deviate in words 2 and 3 of a draw.
#[inline]
pub fn normal(seed: u64, stream: Stream, step: u32, index: u32) -> [f32; 2] {
    let words = draw(seed, stream, step, index);
    normal_pair(words[2], words[3])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known-answer vectors of Random123 (`kat_vectors`, philox4x32 10).
    #[test]
    fn philox_matches_the_known_answers_of_random123() {
        let cases = [
            (
                [0, 0, 0, 0],
                [0, 0],
                [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8],
            ),
            (
                [u32::MAX; 4],
                [u32::MAX; 2],
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
            ),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, answer) in cases {
            assert_eq!(philox4x32(counter, key), answer);
        }
    }

    #[test]
    fn normals_have_the_moments_of_a_standard_normal() {
        let n = 200_000;
        let (mut sum, mut square, mut fourth) = (0.0_f64, 0.0, 0.0);
        for index in 0..n {
            for z in normal(7, Stream::Forward, 3, index) {
                let z = f64::from(z);
                sum += z;
                square += z * z;
                fourth += z.powi(4);
            }
        }
        let count = f64::from(2 * n);
        assert!((sum / count).abs() < 5.0 / count.sqrt());
        assert!((square / count - 1.0).abs() < 5.0 * (2.0 / count).sqrt());
        assert!((fourth / count - 3.0).abs() < 5.0 * (96.0 / count).sqrt());
    }
}
