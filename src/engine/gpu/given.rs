//! Batches that the host makes, on their way to the device: several steps' beside one another, so that one submission takes them all.

use std::time::Instant;

use rayon::prelude::*;

use super::context::{GpuContext, STORAGE};
use super::inference::Times;
use super::kernels::Kernels;
use super::layout::DeviceLayout;
use super::refresh::PredictRun;
use crate::consistency::Consistency;
use crate::cpu::batch::{Batch, Source};
use crate::cpu::network::Samples;
use crate::{EngineError, TrainSpec};

/// Bytes of one sample on the device: (x_t, t − 1, label), (target, 0, 0).
const SAMPLE_BYTES: u64 = 32;
/// Bytes that the batches of one submission take at most, where it has more than one.
const MOST_BYTES: u64 = 16 << 20;

/// Room on the device for the batches of a submission.
pub struct Given {
    /// [slots, batch] samples.
    pub(super) buffer: wgpu::Buffer,
    batch: u32,
    /// Batches that fit.
    pub(super) slots: u32,
}

impl Given {
    /// Room for batches of so many samples: as many as a submission has steps, if they are not too large.
    pub fn new(context: &GpuContext, batch: u32, most_slots: u32) -> Self {
        let bytes = SAMPLE_BYTES * u64::from(batch.max(1));
        let fitting = (MOST_BYTES / bytes).max(1);
        let slots = most_slots.min(fitting as u32);
        Self {
            buffer: context.buffer("given batches", u64::from(slots) * bytes, STORAGE),
            batch,
            slots,
        }
    }

    /// Hand a batch to the device: it is seen by the submissions that follow.
    pub fn write(&self, context: &GpuContext, slot: u32, samples: &Samples<'_>) {
        let label = |row| samples.labels.get(row).copied().unwrap_or(0);
        let rows: Vec<[[f32; 4]; 2]> = (samples.x.iter().zip(samples.t).zip(samples.target))
            .enumerate()
            .map(|(row, ((x, t), target))| {
                let (t, label) = (f32::from_bits(t - 1), f32::from_bits(label(row)));
                [[x[0], x[1], t, label], [target[0], target[1], 0.0, 0.0]]
            })
            .collect();
        let offset = u64::from(slot) * u64::from(self.batch) * SAMPLE_BYTES;
        let bytes = bytemuck::cast_slice(&rows);
        context.queue().write_buffer(&self.buffer, offset, bytes);
    }
}

/// What draws the batches of a training on the host.
pub struct HostBatches {
    source: Source,
    /// What makes the targets where they are the student's own.
    consistency: Option<Consistency>,
    /// What says the student's outputs.
    student: Option<PredictRun>,
    /// One a thread: batches do not depend on the weights, so those of several steps are drawn at once.
    batches: Vec<Batch>,
}

impl HostBatches {
    /// Of a specification that draws on the host.
    pub fn new(spec: &TrainSpec) -> Self {
        Self {
            source: Source::new(spec),
            consistency: Consistency::new(spec),
            student: None,
            batches: (0..rayon::current_num_threads())
                .map(|_| Batch::default())
                .collect(),
        }
    }

    /// Where targets depend on the student's weights, draw the batch of the step after `step` updates and hand it over. What the weights
    /// say is read back: one step at a time. False where targets do not depend on them.
    fn fill_by_student(
        &mut self,
        (context, kernels, layout): (&GpuContext, &Kernels, &DeviceLayout),
        (given, weights): (&Given, &wgpu::Buffer),
        spec: &TrainSpec,
        step: u64,
    ) -> Result<bool, EngineError> {
        let (Some(consistency), Some(batch)) = (&self.consistency, self.batches.first_mut()) else {
            return Ok(false);
        };
        batch.fill(&self.source, spec, step as u32);
        let neighbours = consistency.neighbours(batch);
        let (taus, inputs) = neighbours.asked(&spec.timetable);
        let student = if let Some(student) = self.student.take() {
            student
        } else {
            let of = (spec.batch, Times::AParticle);
            PredictRun::new(context, kernels, layout, weights, of)?
        };
        let student = self.student.insert(student);
        let outputs = student.predict((context, kernels, layout), &taus, &inputs, None)?;
        neighbours.retarget(batch, &spec.timetable, &outputs);
        given.write(context, 0, &batch.samples());
        Ok(true)
    }

    /// Draw the batches of at most `most` steps after `step` updates and hand them over, but for no longer than about
    /// `budget_secs`; at least one. Says how many.
    pub fn fill(
        &mut self,
        device: (&GpuContext, &Kernels, &DeviceLayout),
        by: (&Given, &wgpu::Buffer),
        spec: &TrainSpec,
        (step, most): (u64, u32),
        budget_secs: f64,
    ) -> Result<u32, EngineError> {
        if self.fill_by_student(device, by, spec, step)? {
            return Ok(1);
        }
        let (context, given) = (device.0, by.0);
        let (began, most) = (Instant::now(), most.min(given.slots));
        let mut done = 0;
        while done < most && (done == 0 || began.elapsed().as_secs_f64() < budget_secs) {
            let round = (most - done).min(self.batches.len() as u32);
            let source = &self.source;
            let batches = &mut self.batches[..round as usize];
            batches
                .par_iter_mut()
                .zip(done..done + round)
                .for_each(|(batch, slot)| {
                    batch.fill(source, spec, (step + u64::from(slot)) as u32);
                });
            for (batch, slot) in batches.iter().zip(done..) {
                given.write(context, slot, &batch.samples());
            }
            done += round;
        }
        Ok(done)
    }
}
