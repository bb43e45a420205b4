//! The bare matrix product: what this adapter can do with our best kernel and nothing around it.

use std::time::Instant;

use super::context::{GpuContext, STORAGE};
use super::kernel::Bind::{Read, Uniform, Write};
use super::kernel::{Kernel, groups_of_64};
use crate::EngineError;

/// The better median rate, in FLOP/s, of the bare kernel with tiles of 8×8 and of 16×8 on C [m, n] = A [m, k] B [k, n],
/// over `repeats` timings of several products each. m must be a multiple of 16, n of 8, k of 4.
pub fn bench_matmul(
    context: &GpuContext,
    size: [u32; 3],
    repeats: u32,
) -> Result<f64, EngineError> {
    Ok(rate(context, 8, size, repeats)?.max(rate(context, 16, size, repeats)?))
}

fn rate(
    context: &GpuContext,
    tile_rows: u32,
    [m, k, n]: [u32; 3],
    repeats: u32,
) -> Result<f64, EngineError> {
    let kernel = Kernel::new(
        context,
        "matmul",
        &[Uniform, Read, Read, Write],
        &[("TILE_ROWS", f64::from(tile_rows))],
    )?;
    let fill =
        |count: u32| -> Vec<f32> { (0..count).map(|i| (i % 101) as f32 / 101.0 - 0.5).collect() };
    let size = context.uniform("size", &[m, k / 4, n / 4, 0]);
    let a = context.storage("a", &fill(m * k));
    let b = context.storage("b", &fill(k * n));
    let c = context.buffer("c", 4 * u64::from(m * n), STORAGE);
    let group = kernel.bind(context, &[&size, &a, &b, &c]);
    let run = |products: u32| -> Result<f64, EngineError> {
        let mut encoder = context
            .device()
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for _ in 0..products {
                kernel.dispatch(
                    &mut pass,
                    &group,
                    &[],
                    [groups_of_64(m / tile_rows * (n / 8)), 1],
                );
            }
        }
        let start = Instant::now();
        context.submit([encoder.finish()]);
        context.wait()?;
        Ok(start.elapsed().as_secs_f64() / f64::from(products))
    };
    run(2)?;
    // About 50 ms a timing.
    let products = (0.05 / run(4)?.max(1e-6)).clamp(1.0, 1000.0) as u32;
    let mut times = (0..repeats.max(1))
        .map(|_| run(products))
        .collect::<Result<Vec<_>, _>>()?;
    times.sort_by(f64::total_cmp);
    Ok(2.0 * f64::from(m) * f64::from(k) * f64::from(n) / times[times.len() / 2])
}
