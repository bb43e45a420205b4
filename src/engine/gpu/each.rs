//! The network's outputs at points of which each has its own time, for runs whose particles choose their own steps.

use std::sync::Arc;

use super::context::{GpuContext, STORAGE};
use super::inference::{MAX_SLICE, Times};
use super::kernels::Kernels;
use super::layout::DeviceLayout;
use super::refresh::PredictRun;
use super::underway::copy;
use crate::EngineError;
use crate::adaptive::Outputs;

/// A network as it was when a run began.
pub struct DeviceOutputs {
    context: Arc<GpuContext>,
    kernels: Arc<Kernels>,
    layout: DeviceLayout,
    run: PredictRun,
    room: usize,
}

impl DeviceOutputs {
    /// For runs of so many particles, by a copy of these weights.
    pub fn new(
        (context, kernels, layout): (Arc<GpuContext>, Arc<Kernels>, DeviceLayout),
        weights: &wgpu::Buffer,
        particles: usize,
    ) -> Result<Self, EngineError> {
        let own = context.buffer("weights of a run", weights.size(), STORAGE);
        copy(&context, weights, &own);
        let room = particles.clamp(1, MAX_SLICE as usize);
        let of = (room as u32, Times::AParticle);
        let run = PredictRun::new(&context, &kernels, &layout, &own, of)?;
        Ok(Self {
            context,
            kernels,
            layout,
            run,
            room,
        })
    }
}

impl Outputs for DeviceOutputs {
    fn outputs(
        &mut self,
        taus: &[f64],
        inputs: &[[f32; 2]],
        label: Option<u32>,
    ) -> Result<Vec<[f32; 2]>, EngineError> {
        let mut outputs = Vec::with_capacity(inputs.len());
        for (taus, inputs) in taus.chunks(self.room).zip(inputs.chunks(self.room)) {
            let (context, kernels, layout) = (&self.context, &self.kernels, &self.layout);
            outputs.extend(
                self.run
                    .predict((context, kernels, layout), taus, inputs, label)?,
            );
        }
        Ok(outputs)
    }
}
