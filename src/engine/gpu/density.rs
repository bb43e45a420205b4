//! The exact density of the diffused mixture on a grid.

use super::context::{GpuContext, STORAGE};
use super::kernel::Bind::{Read, Uniform, Write};
use super::kernel::{Kernel, groups_of_64};
use super::types::View;
use crate::data::bounds::Bounds;
use crate::data::mixture::Mixture;
use crate::diffusion::path::Scales;
use crate::engine::EngineError;

/// The kernel, compiled on first use.
#[derive(Default)]
pub struct DensityKernel {
    kernel: Option<Kernel>,
}

impl DensityKernel {
    /// log p_t at `resolution`² cell centres of a box, row-major from the lower left. Blocks.
    pub fn log_density(
        &mut self,
        context: &GpuContext,
        mixture: &Mixture,
        scales: Scales,
        bounds: Bounds,
        resolution: u32,
    ) -> Result<Vec<f32>, EngineError> {
        if resolution == 0 || mixture.components.is_empty() {
            return Ok(Vec::new());
        }
        let kernel = match self.kernel.take() {
            Some(kernel) => kernel,
            None => Kernel::new(context, "log_density", &[Uniform, Read, Write], &[])?,
        };
        let components: Vec<[f32; 4]> = mixture
            .components
            .iter()
            .map(|c| {
                let variance = (scales.a * f64::from(c.sigma)).powi(2) + scales.s.powi(2);
                let log_weight = (f64::from(c.weight) / (std::f64::consts::TAU * variance)).ln();
                [
                    (scales.a * f64::from(c.mean[0])) as f32,
                    (scales.a * f64::from(c.mean[1])) as f32,
                    (0.5 / variance) as f32,
                    log_weight as f32,
                ]
            })
            .collect();
        let cell = |axis: usize| (bounds.max[axis] - bounds.min[axis]) / resolution as f32;
        let view = View {
            min: bounds.min,
            cell: [cell(0), cell(1)],
            resolution,
            component_count: components.len() as u32,
            padding: [0; 2],
        };
        let cells = resolution * resolution;
        let view = context.uniform("density view", &view);
        let components = context.storage("diffused components", &components);
        let log_p = context.buffer("log density", 4 * u64::from(cells), STORAGE);
        let group = kernel.bind(context, &[&view, &components, &log_p]);
        let mut encoder = context.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            kernel.dispatch(&mut pass, &group, &[], [groups_of_64(cells), 1]);
        }
        context.submit([encoder.finish()]);
        let bytes = context.read_buffer(&log_p, 0, 4 * u64::from(cells))?;
        self.kernel = Some(kernel);
        Ok(bytemuck::pod_collect_to_vec(&bytes))
    }
}
