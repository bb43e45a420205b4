//! Points that stay on the device.

use std::sync::Arc;

use super::GpuContext;
use crate::EngineError;

/// Points in a storage buffer of `vec2<f32>`.
#[derive(Clone, Debug)]
pub struct GpuCloud {
    context: Arc<GpuContext>,
    buffer: wgpu::Buffer,
    len: usize,
}

impl GpuCloud {
    /// A cloud of `len` points over a buffer of at least 8·len bytes.
    pub(super) fn new(context: Arc<GpuContext>, buffer: wgpu::Buffer, len: usize) -> Self {
        Self {
            context,
            buffer,
            len,
        }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True for no points.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The buffer of `vec2<f32>`, for the canvas to draw from (usage `STORAGE | COPY_SRC | COPY_DST`). It lives on
    /// [`GpuCloud::context`]'s device.
    pub fn buffer(&self) -> &wgpu::Buffer {
        &self.buffer
    }

    /// The device that the points lie on.
    pub fn context(&self) -> &Arc<GpuContext> {
        &self.context
    }

    /// Read the points back. Blocks.
    pub fn read(&self) -> Result<Vec<[f32; 2]>, EngineError> {
        let bytes = self
            .context
            .read_buffer(&self.buffer, 0, self.len as u64 * 8)?;
        Ok(bytemuck::pod_collect_to_vec(&bytes))
    }
}
