//! The density: a texture of its logarithm, uploaded when its version changes.

use std::collections::HashMap;

use crate::canvas::device::{
    Onto, density_texture, linear_sampler, pipeline, straight, uniform_buffer,
};
use lab::message::DensityField;

/// The twin of `Density` in `shaders/canvas_density.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct DensityUniform {
    corners: [f32; 4],
    color: [f32; 4],
}

struct Slot {
    uniform: wgpu::Buffer,
    bind: wgpu::BindGroup,
    version: u64,
}

/// The pipeline, and the texture of each canvas.
pub(super) struct DensityResources {
    pipeline: wgpu::RenderPipeline,
    sampler: wgpu::Sampler,
    slots: HashMap<egui::Id, Slot>,
}

impl DensityResources {
    pub(super) fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let source = include_str!("../../../shaders/canvas_density.wgsl");
        let topology = wgpu::PrimitiveTopology::TriangleStrip;
        Self {
            pipeline: pipeline(device, format, source, "canvas density", topology),
            sampler: linear_sampler(device),
            slots: HashMap::new(),
        }
    }

    /// Upload a density, if it is not there already, and say where it is painted, in which colour.
    pub(super) fn prepare(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        canvas: egui::Id,
        (field, color): (&DensityField, egui::Color32),
        onto: Onto,
    ) {
        let side = field.view.resolution;
        let whole = side > 0 && field.log_p.len() == (side * side) as usize;
        if whole
            && self
                .slots
                .get(&canvas)
                .is_none_or(|slot| slot.version != field.version)
        {
            let slot = self.slot(device, queue, field);
            self.slots.insert(canvas, slot);
        }
        let Some(slot) = self.slots.get(&canvas) else {
            return;
        };
        let bounds = field.view.bounds;
        let corner =
            |p: [f32; 2]| [0, 1].map(|axis| p[axis] * onto.scale[axis] + onto.offset[axis]);
        let ([left, bottom], [right, top]) = (corner(bounds.min), corner(bounds.max));
        let uniform = DensityUniform {
            corners: [left, bottom, right, top],
            color: straight(color),
        };
        queue.write_buffer(&slot.uniform, 0, bytemuck::bytes_of(&uniform));
    }

    fn slot(&self, device: &wgpu::Device, queue: &wgpu::Queue, field: &DensityField) -> Slot {
        let texture = density_texture(device, queue, field);
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        let uniform = uniform_buffer(device, size_of::<DensityUniform>());
        let bind = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("canvas density"),
            layout: &self.pipeline.get_bind_group_layout(0),
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: uniform.as_entire_binding(),
                },
                wgpu::BindGroupEntry {
                    binding: 1,
                    resource: wgpu::BindingResource::TextureView(&view),
                },
                wgpu::BindGroupEntry {
                    binding: 2,
                    resource: wgpu::BindingResource::Sampler(&self.sampler),
                },
            ],
        });
        Slot {
            uniform,
            bind,
            version: field.version,
        }
    }

    pub(super) fn paint(&self, pass: &mut wgpu::RenderPass<'static>, canvas: egui::Id) {
        let Some(slot) = self.slots.get(&canvas) else {
            return;
        };
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &slot.bind, &[]);
        pass.draw(0..4, 0..1);
    }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;
    use crate::canvas::device::assert_twin;

    #[test]
    fn the_uniform_has_the_layout_of_its_wgsl_twin() {
        let fields = [
            ("corners", offset_of!(DensityUniform, corners)),
            ("color", offset_of!(DensityUniform, color)),
        ];
        let source = include_str!("../../../shaders/canvas_density.wgsl");
        assert_twin(source, "Density", size_of::<DensityUniform>(), &fields);
    }
}
