//! Points: as they are, or as the forward process has them at a time.
//!
//! A cloud that an engine left in a storage buffer of this device is drawn from that buffer; host points are uploaded when
//! their version changes. x_t = a x_0 + s ε is computed in the vertex shader, so moving the clock uploads sixteen numbers.

use std::collections::HashMap;

use crate::canvas::device::{
    Dots, Onto, Source, buffer, pipeline, straight, uniform_buffer, upload,
};
use engine::Cloud;
use maths::diffusion::schedule::Scales;

/// A canvas, and a layer's name.
type Key = (egui::Id, &'static str);

/// Particles of the forward process. Equal versions mean equal contents.
#[derive(Clone, Debug, Default)]
pub struct Particles {
    /// Where each begins.
    pub x_0: Vec<[f32; 2]>,
    /// The noise that each keeps.
    pub epsilon: Vec<[f32; 2]>,
    /// Changes when the contents do.
    pub version: u64,
}

/// The twin of `Points` in `shaders/canvas_points.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct PointsUniform {
    scale: [f32; 2],
    offset: [f32; 2],
    pixel: [f32; 2],
    radius: f32,
    signal: f32,
    color: [f32; 4],
    noise: f32,
    padding: [f32; 3],
}

struct Slot {
    uniform: wgpu::Buffer,
    bind: wgpu::BindGroup,
    source: Source,
    count: u32,
}

/// The pipeline, and what is bound for each layer.
pub(super) struct PointResources {
    pipeline: wgpu::RenderPipeline,
    slots: HashMap<Key, Slot>,
}

impl PointResources {
    pub(super) fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let source = include_str!("../../../shaders/canvas_points.wgsl");
        let topology = wgpu::PrimitiveTopology::TriangleList;
        Self {
            pipeline: pipeline(device, format, source, "canvas points", topology),
            slots: HashMap::new(),
        }
    }

    /// A bind group over x_0 and ε (for points as they are: the points twice, with s = 0).
    fn slot(
        &self,
        device: &wgpu::Device,
        buffers: [&wgpu::Buffer; 2],
        source: Source,
        count: u32,
    ) -> Slot {
        let uniform = uniform_buffer(device, size_of::<PointsUniform>());
        let bind = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("canvas points"),
            layout: &self.pipeline.get_bind_group_layout(0),
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: uniform.as_entire_binding(),
                },
                wgpu::BindGroupEntry {
                    binding: 1,
                    resource: buffers[0].as_entire_binding(),
                },
                wgpu::BindGroupEntry {
                    binding: 2,
                    resource: buffers[1].as_entire_binding(),
                },
            ],
        });
        Slot {
            uniform,
            bind,
            source,
            count,
        }
    }

    fn put(&mut self, key: Key, slot: Option<Slot>) {
        match slot {
            Some(slot) => drop(self.slots.insert(key, slot)),
            None => drop(self.slots.remove(&key)),
        }
    }

    /// Bind a cloud, if it is not bound already.
    pub(super) fn prepare_cloud(
        &mut self,
        device: &wgpu::Device,
        key: Key,
        cloud: &Cloud,
        version: u64,
    ) {
        let source = Source::of(device, cloud, version);
        if self
            .slots
            .get(&key)
            .is_some_and(|slot| slot.source == source)
        {
            return;
        }
        let count = cloud.len() as u32;
        let buffer = if count == 0 {
            None
        } else {
            buffer(device, cloud)
        };
        let slot = buffer.map(|buffer| self.slot(device, [&buffer, &buffer], source, count));
        self.put(key, slot);
    }

    /// Bind particles, if they are not bound already.
    pub(super) fn prepare_particles(
        &mut self,
        device: &wgpu::Device,
        key: Key,
        particles: &Particles,
    ) {
        let source = Source::Version(particles.version);
        if self
            .slots
            .get(&key)
            .is_some_and(|slot| slot.source == source)
        {
            return;
        }
        let count = particles.x_0.len().min(particles.epsilon.len());
        let slot = (count > 0).then(|| {
            let [x_0, epsilon] =
                [&particles.x_0, &particles.epsilon].map(|points| upload(device, points));
            self.slot(device, [&x_0, &epsilon], source, count as u32)
        });
        self.put(key, slot);
    }

    /// Say where and how what is bound is painted.
    pub(super) fn write(
        &self,
        queue: &wgpu::Queue,
        key: Key,
        dots: Dots,
        Scales { a, s }: Scales,
        onto: Onto,
    ) {
        let Some(slot) = self.slots.get(&key) else {
            return;
        };
        let uniform = PointsUniform {
            scale: onto.scale,
            offset: onto.offset,
            pixel: onto.pixel,
            radius: dots.radius * onto.magnified * onto.pixels_per_point,
            signal: a as f32,
            color: straight(dots.color),
            noise: s as f32,
            padding: [0.0; 3],
        };
        queue.write_buffer(&slot.uniform, 0, bytemuck::bytes_of(&uniform));
    }

    pub(super) fn paint(&self, pass: &mut wgpu::RenderPass<'static>, key: Key) {
        let Some(slot) = self.slots.get(&key) else {
            return;
        };
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &slot.bind, &[]);
        pass.draw(0..3 * slot.count, 0..1);
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
            ("scale", offset_of!(PointsUniform, scale)),
            ("offset", offset_of!(PointsUniform, offset)),
            ("pixel", offset_of!(PointsUniform, pixel)),
            ("radius", offset_of!(PointsUniform, radius)),
            ("signal", offset_of!(PointsUniform, signal)),
            ("color", offset_of!(PointsUniform, color)),
            ("noise", offset_of!(PointsUniform, noise)),
        ];
        let source = include_str!("../../../shaders/canvas_points.wgsl");
        assert_twin(source, "Points", size_of::<PointsUniform>(), &fields);
    }
}
