//! Losses on their way back from the device, without anybody waiting for them.

use std::collections::VecDeque;
use std::time::Instant;

use super::context::GpuContext;
use super::training::{BIN_WORDS, HISTOGRAM_BYTES, LOSS_LIMBS, MAX_STEPS_A_SUBMISSION, Workspace};
use crate::{EngineError, LOSS_BINS, LossHistogram, Progress};

/// The unit of the lowest limb of a sum of losses.
const UNIT: f64 = 1.0 / ((1_u128 << 80) as f64 * (1_u128 << 80) as f64);
const LOSS_BYTES: u64 = 4 * MAX_STEPS_A_SUBMISSION as u64;

/// Submissions in flight, and a measure of how long a step takes.
#[derive(Default)]
pub struct Readback {
    in_flight: VecDeque<Submission>,
    spare: Vec<wgpu::Buffer>,
    last_completion: Option<Instant>,
    secs_per_step: Option<f64>,
    totals: Vec<u32>,
    progress: Progress,
}

struct Submission {
    staging: wgpu::Buffer,
    /// Updates done before this submission.
    first: u64,
    count: u32,
    submitted: Instant,
}

impl Readback {
    /// How many submissions are in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Seconds a step takes, once one has been timed.
    pub fn secs_per_step(&self) -> Option<f64> {
        self.secs_per_step
    }

    /// The histogram starts at zero again (a new workspace), and updates count from `step`.
    pub fn restart(&mut self, step: u64) {
        self.totals.clear();
        self.secs_per_step = None;
        self.progress.step = step;
    }

    /// Updates up to `step` are known to be done.
    pub fn advance(&mut self, step: u64) {
        self.progress.step = step;
    }

    /// Append the copies to an encoder, submit it, and ask for the mapping.
    pub fn submit(
        &mut self,
        context: &GpuContext,
        workspace: &Workspace,
        mut encoder: wgpu::CommandEncoder,
        first: u64,
        count: u32,
    ) {
        let staging = self
            .spare
            .pop()
            .inspect(wgpu::Buffer::unmap)
            .unwrap_or_else(|| {
                let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
                context.buffer("loss read-back", LOSS_BYTES + HISTOGRAM_BYTES, usage)
            });
        encoder.copy_buffer_to_buffer(&workspace.losses, 0, &staging, 0, 4 * u64::from(count));
        encoder.copy_buffer_to_buffer(
            &workspace.histogram,
            0,
            &staging,
            LOSS_BYTES,
            HISTOGRAM_BYTES,
        );
        let submitted = Instant::now();
        context.submit([encoder.finish()]);
        staging.slice(..).map_async(wgpu::MapMode::Read, |_| {});
        self.in_flight.push_back(Submission {
            staging,
            first,
            count,
            submitted,
        });
    }

    /// Wait for the oldest submission and take its losses.
    pub fn wait_oldest(&mut self, context: &GpuContext) -> Result<(), EngineError> {
        let Some(oldest) = self.in_flight.front() else {
            return Ok(());
        };
        let view = context.await_mapping(&oldest.staging)?;
        let now = Instant::now();
        let began = self
            .last_completion
            .map_or(oldest.submitted, |last| last.max(oldest.submitted));
        let measured = (now - began).as_secs_f64() / f64::from(oldest.count);
        self.secs_per_step = Some(
            self.secs_per_step
                .map_or(measured, |mean| 0.8 * mean + 0.2 * measured),
        );
        self.last_completion = Some(now);
        self.take(&view);
        self.collect(context)
    }

    /// Take the losses of every submission that is done, without waiting.
    pub fn collect(&mut self, context: &GpuContext) -> Result<(), EngineError> {
        while let Some(oldest) = self.in_flight.front() {
            let Some(view) = context.try_read(&oldest.staging)? else {
                break;
            };
            self.take(&view);
        }
        Ok(())
    }

    /// What has come in since the last call.
    pub fn report(&mut self) -> Progress {
        let step = self.progress.step;
        std::mem::replace(
            &mut self.progress,
            Progress {
                step,
                ..Progress::default()
            },
        )
    }

    /// Take what the oldest submission brought.
    fn take(&mut self, view: &wgpu::BufferView) {
        let words: Vec<u32> = bytemuck::pod_collect_to_vec(view);
        let Some(done) = self.in_flight.pop_front() else {
            return;
        };
        let (losses, totals) = words.split_at(MAX_STEPS_A_SUBMISSION as usize);
        let numbered = (done.first + 1..).zip(&losses[..done.count as usize]);
        self.progress
            .losses
            .extend(numbered.map(|(step, bits)| (step, f32::from_bits(*bits))));
        self.progress.step = done.first + u64::from(done.count);
        self.add_histogram(&totals[..BIN_WORDS * LOSS_BINS]);
        self.spare.push(done.staging);
    }

    /// The device's sums only grow; the news is the difference.
    fn add_histogram(&mut self, totals: &[u32]) {
        let before = std::mem::replace(&mut self.totals, totals.to_vec());
        let before = if before.is_empty() {
            vec![0; totals.len()]
        } else {
            before
        };
        let histogram = self
            .progress
            .histogram
            .get_or_insert_with(LossHistogram::default);
        for (bin, (now, then)) in totals
            .chunks_exact(BIN_WORDS)
            .zip(before.chunks_exact(BIN_WORDS))
            .enumerate()
        {
            let news = |word: usize| now[word].wrapping_sub(then[word]);
            histogram.sum[bin] += grown(&now[..LOSS_LIMBS], &then[..LOSS_LIMBS]);
            if news(LOSS_LIMBS + 1) > 0 {
                histogram.sum[bin] = f64::NAN;
            }
            histogram.count[bin] += u64::from(news(LOSS_LIMBS)) + u64::from(news(LOSS_LIMBS + 1));
        }
    }
}

/// By how much a sum in limbs has grown, exact but for the rounding to f64; the sums wrap.
fn grown(now: &[u32], then: &[u32]) -> f64 {
    let (mut sum, mut unit, mut borrow) = (0.0, UNIT, false);
    for (now, then) in now.iter().zip(then) {
        let (limb, below) = now.overflowing_sub(*then);
        let (limb, lent) = limb.overflowing_sub(u32::from(borrow));
        borrow = below || lent;
        sum += f64::from(limb) * unit;
        unit *= 4_294_967_296.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_in_limbs_grows_by_what_was_added_and_borrows_and_wraps() {
        let one = |limb: usize, value: u32| {
            let mut limbs = [0; LOSS_LIMBS];
            limbs[limb] = value;
            limbs
        };
        // 1 is 2^160 units: the lowest bit of limb 5.
        assert_eq!(grown(&one(5, 3), &one(5, 1)), 2.0);
        assert_eq!(grown(&one(0, 1), &one(0, 0)), (-160.0_f64).exp2());
        assert_eq!(grown(&one(5, 1), &one(4, 1 << 31)), 0.5);
        assert_eq!(grown(&one(9, 1), &one(0, 1)), 128.0_f64.exp2());
        // What is borrowed is borrowed on by a limb that has nothing itself: 2^64 − 1, rounded.
        assert_eq!(grown(&one(7, 1), &one(5, 1)), 64.0_f64.exp2());
        // 2^32 − 1 in the highest limb, and one more: around the end.
        assert_eq!(grown(&one(9, 0), &one(9, u32::MAX)), 128.0_f64.exp2());
    }
}
