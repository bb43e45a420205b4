//! How far each number of an experiment may go: what is checked, what the command line says, and what the panel takes.

use std::ops::RangeInclusive;

/// Size of the finite training set.
pub const POINTS: RangeInclusive<u32> = 2..=1_000_000;
/// Bandwidth of the kernels on a file's rows, standardised units: below 1, all of their variance.
pub const BANDWIDTH: RangeInclusive<f32> = 1e-3..=0.99;
/// Timesteps T.
pub const TIMESTEPS: RangeInclusive<u32> = 2..=10_000;
/// Share of the samples that are told no label.
pub const LABEL_DROPOUT: RangeInclusive<f32> = 0.01..=0.9;
/// Samples of one training step.
pub const BATCH: RangeInclusive<u32> = 32..=16_384;
/// The optimiser's step size.
pub const LEARNING_RATE: RangeInclusive<f32> = 1e-12..=10.0;
/// Weight decay λ of AdamW and Muon.
pub const WEIGHT_DECAY: RangeInclusive<f32> = 0.0..=1.0;
/// Updates of the learning rate's warm-up.
pub const WARMUP: RangeInclusive<u32> = 0..=1_000_000;
/// Updates of the learning rate's decay.
pub const DECAY_STEPS: RangeInclusive<u32> = 1..=10_000_000;
/// Where the learning rate's decay ends: a factor of the rate.
pub const DECAY_END: RangeInclusive<f32> = 0.0..=1.0;
/// Upper limit of the EMA decay: below 1.
pub const EMA_DECAY: RangeInclusive<f32> = 0.0..=1.0 - 0.5 * f32::EPSILON;
/// Steps of the live picture's sampler. It takes no more than T.
pub const SAMPLER_STEPS: RangeInclusive<u32> = 1..=*TIMESTEPS.end();

/// What is not written into a file: a number that is only known once it was found.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
pub(crate) fn is_zero(number: &u32) -> bool {
    *number == 0
}
