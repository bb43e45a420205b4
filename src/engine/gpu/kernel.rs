//! A compute pipeline with its explicit bind group layout.

use super::context::GpuContext;
use super::shader;
use crate::EngineError;

/// What a kernel binds at one index; the indices follow the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bind {
    /// A uniform buffer.
    Uniform,
    /// A uniform buffer with a dynamic offset; the size of one entry in bytes.
    Dynamic(u64),
    /// A storage buffer that is only read.
    Read,
    /// A storage buffer.
    Write,
}

/// A compiled kernel.
#[derive(Debug)]
pub struct Kernel {
    pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
    sizes: Vec<Option<u64>>,
}

impl Kernel {
    /// Compile the kernel `name` with its bindings and pipeline-overridable constants.
    pub fn new(
        context: &GpuContext,
        name: &str,
        binds: &[Bind],
        constants: &[(&str, f64)],
    ) -> Result<Self, EngineError> {
        let source = shader::resolve(name).map_err(EngineError::Invalid)?;
        let device = context.device();
        let entries: Vec<_> = (0..)
            .zip(binds)
            .map(|(binding, bind)| layout_entry(binding, *bind))
            .collect();
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(name),
            entries: &entries,
        });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(name),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(name),
            source: wgpu::ShaderSource::Wgsl(source.into()),
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(name),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants,
                ..Default::default()
            },
            cache: None,
        });
        context.check()?;
        let sizes = binds
            .iter()
            .map(|bind| {
                if let Bind::Dynamic(size) = bind {
                    Some(*size)
                } else {
                    None
                }
            })
            .collect();
        Ok(Self {
            pipeline,
            layout,
            sizes,
        })
    }

    /// Bind buffers in the order of the kernel's list.
    pub fn bind(&self, context: &GpuContext, buffers: &[&wgpu::Buffer]) -> wgpu::BindGroup {
        debug_assert_eq!(buffers.len(), self.sizes.len());
        let entries: Vec<_> = (0..)
            .zip(buffers.iter().zip(&self.sizes))
            .map(|(binding, (buffer, size))| wgpu::BindGroupEntry {
                binding,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer,
                    offset: 0,
                    size: size.and_then(wgpu::BufferSize::new),
                }),
            })
            .collect();
        context
            .device()
            .create_bind_group(&wgpu::BindGroupDescriptor {
                label: None,
                layout: &self.layout,
                entries: &entries,
            })
    }

    /// Record a dispatch of `groups` workgroups (x, y).
    pub fn dispatch(
        &self,
        pass: &mut wgpu::ComputePass<'_>,
        group: &wgpu::BindGroup,
        offsets: &[u32],
        groups: [u32; 2],
    ) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, group, offsets);
        pass.dispatch_workgroups(groups[0], groups[1], 1);
    }
}

fn layout_entry(binding: u32, bind: Bind) -> wgpu::BindGroupLayoutEntry {
    let (ty, has_dynamic_offset) = match bind {
        Bind::Uniform => (wgpu::BufferBindingType::Uniform, false),
        Bind::Dynamic(_) => (wgpu::BufferBindingType::Uniform, true),
        Bind::Read => (wgpu::BufferBindingType::Storage { read_only: true }, false),
        Bind::Write => (wgpu::BufferBindingType::Storage { read_only: false }, false),
    };
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty,
            has_dynamic_offset,
            min_binding_size: None,
        },
        count: None,
    }
}

/// Workgroups of 64 invocations that cover `invocations`.
pub fn groups_of_64(invocations: u32) -> u32 {
    invocations.div_ceil(64)
}

/// A table of `T` for a dynamic uniform binding: each entry at a multiple of the device's offset alignment.
pub struct DynamicTable {
    /// The buffer (usage `UNIFORM | COPY_DST`).
    pub buffer: wgpu::Buffer,
    stride: u32,
}

impl DynamicTable {
    /// Room for `count` entries.
    pub fn new<T: bytemuck::Pod>(context: &GpuContext, label: &str, count: u32) -> Self {
        let alignment = context
            .device()
            .limits()
            .min_uniform_buffer_offset_alignment;
        let stride = (size_of::<T>() as u32).next_multiple_of(alignment);
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        Self {
            buffer: context.buffer(label, u64::from(stride) * u64::from(count.max(1)), usage),
            stride,
        }
    }

    /// Write the first entries.
    pub fn write<T: bytemuck::Pod>(&self, context: &GpuContext, entries: &[T]) {
        let mut bytes = vec![0_u8; entries.len() * self.stride as usize];
        for (slot, entry) in bytes.chunks_exact_mut(self.stride as usize).zip(entries) {
            slot[..size_of::<T>()].copy_from_slice(bytemuck::bytes_of(entry));
        }
        context.queue().write_buffer(&self.buffer, 0, &bytes);
    }

    /// The dynamic offset of an entry.
    pub fn offset(&self, index: u32) -> u32 {
        index * self.stride
    }
}
