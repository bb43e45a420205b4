//! The exact density of the diffused mixture on a grid.

use std::time::Instant;

use super::context::{GpuContext, STORAGE};
use super::groups::groups_of;
use super::kernel::Bind::{Read, Uniform, Write};
use super::kernel::{Kernel, groups_of_64};
use super::types::DensityGrid;
use crate::EngineError;
use maths::data::bounds::Bounds;
use maths::data::mixture::Mixture;
use maths::diffusion::schedule::Scales;

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
            None => Kernel::new(context, "log_density", &[Uniform, Read, Read, Write], &[])?,
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
        let cells = resolution * resolution;
        let whole = DensityGrid {
            min: bounds.min,
            cell: [cell(0), cell(1)],
            resolution,
            padding: 0,
            first: 0,
            end: cells,
        };
        let view = context.uniform("density view", &whole);
        // (Least mean, largest mean), (least half precision, largest log factor, 0, 0).
        let groups = groups_of(&components, |least, largest| {
            [
                [least[0], least[1], largest[0], largest[1]],
                [least[2], largest[3], 0.0, 0.0],
            ]
        });
        let groups = context.storage("groups of components", &groups);
        let diffused = context.storage("diffused components", &components);
        let log_p = context.buffer("log density", 4 * u64::from(cells), STORAGE);
        let bound = kernel.bind(context, &[&view, &diffused, &groups, &log_p]);
        let mut first = 0;
        let mut cells_a_piece = (FIRST_PAIRS / components.len() as u32).max(64);
        while first < cells {
            let end = first.saturating_add(cells_a_piece).min(cells);
            let begun = Instant::now();
            context.queue().write_buffer(
                &view,
                0,
                bytemuck::bytes_of(&DensityGrid {
                    first,
                    end,
                    ..whole
                }),
            );
            let mut encoder = context
                .device()
                .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                kernel.dispatch(&mut pass, &bound, &[], [groups_of_64(end - first), 1]);
            }
            context.submit([encoder.finish()]);
            if end < cells {
                // What paints waits for a piece at most.
                context.wait()?;
                let cells_a_sec = f64::from(end - first) / begun.elapsed().as_secs_f64().max(1e-6);
                cells_a_piece = (PIECE_SECS * cells_a_sec).clamp(64.0, 65_536.0) as u32;
            }
            first = end;
        }
        let bytes = context.read_buffer(&log_p, 0, 4 * u64::from(cells))?;
        self.kernel = Some(kernel);
        Ok(bytemuck::pod_collect_to_vec(&bytes))
    }
}

/// The first piece of a grid: so many pairs of a cell and a component, all of a built-in shape.
const FIRST_PAIRS: u32 = 1 << 25;
/// A piece of a grid, on the queue that paints.
const PIECE_SECS: f64 = 0.02;
