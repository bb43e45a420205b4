//! What a live picture is of: how many samples, from which noise, by which weights.

/// Particles of the live picture.
pub const LIVE_SAMPLES: u32 = 2048;
/// The key of their noise: always the same, so that the same noise is seen to land better and better.
pub const LIVE_SEED: u64 = 0x5EED;

/// Which weights a picture is by: the fewest and the most updates that they had seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureOf {
    /// Of the particles that were sampled longest ago.
    pub oldest: u64,
    /// Of those that were sampled last.
    pub newest: u64,
}
