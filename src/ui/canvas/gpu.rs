//! Painting points and the density by the window's own device, inside egui's render pass.
//!
//! A cloud that an engine left in a storage buffer of this device is drawn from that buffer; host points are uploaded
//! when their version changes. The forward process x_t = a x_0 + s ε is computed in the vertex shader, so moving the
//! clock uploads sixteen numbers.

use std::collections::HashMap;
use std::sync::Arc;

use eframe::egui_wgpu::{CallbackResources, CallbackTrait, ScreenDescriptor};

use super::camera::Camera;
use super::device::{density_texture, pipeline, straight, uniform_buffer, upload};
use super::field::{FieldLayer, FieldResources, Onto};
use super::motion::{Motion, MotionResources};
use engine::Cloud;
use lab::message::DensityField;
use maths::diffusion::path::Scales;

/// Something that the canvas paints by wgpu, back to front. The key tells layers of one scene apart.
#[derive(Clone, Debug)]
pub enum Layer {
    /// The exact density.
    Density {
        /// What to paint; its `version` says when to upload.
        field: DensityField,
        /// Colour; its alpha is that of the maximum.
        color: egui::Color32,
    },
    /// Points as they are.
    Points {
        /// Name of the layer.
        key: &'static str,
        /// The points.
        cloud: Cloud,
        /// Changes when the points do.
        version: u64,
        /// How they look.
        dots: Dots,
    },
    /// The forward process: x_t = a x_0 + s ε, every particle with its own ε.
    Noised {
        /// Name of the layer.
        key: &'static str,
        /// x_0 and ε.
        particles: Arc<Particles>,
        /// a and s.
        scales: Scales,
        /// How they look.
        dots: Dots,
    },
    /// Arrows, heat maps and contours.
    Field(FieldLayer),
    /// A recorded run: one of its frames, or its paths.
    Motion(Motion),
}

/// How points look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dots {
    /// Colour; its alpha is that of a disc's middle.
    pub color: egui::Color32,
    /// Radius in points of the screen.
    pub radius: f32,
}

/// Particles of the forward process. Equal versions mean equal contents.
#[derive(Clone, Debug)]
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

/// The twin of `Density` in `shaders/canvas_density.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct DensityUniform {
    corners: [f32; 4],
    color: [f32; 4],
}

/// One frame of one canvas.
pub struct CanvasPaint {
    /// Format of the target, for the pipelines.
    pub format: wgpu::TextureFormat,
    /// Tells the canvases of a window apart.
    pub canvas: egui::Id,
    /// Place of the canvas, in points of the screen.
    pub rect: egui::Rect,
    /// Where it looks.
    pub camera: Camera,
    /// What to paint.
    pub layers: Vec<Layer>,
}

/// Pipelines and buffers, kept in egui's callback resources.
struct CanvasResources {
    points: wgpu::RenderPipeline,
    density: wgpu::RenderPipeline,
    sampler: wgpu::Sampler,
    point_slots: HashMap<(egui::Id, &'static str), PointSlot>,
    density_slots: HashMap<egui::Id, DensitySlot>,
    fields: FieldResources,
    motion: MotionResources,
}

struct PointSlot {
    uniform: wgpu::Buffer,
    bind: wgpu::BindGroup,
    source: Source,
    count: u32,
}

/// What a slot's bind group was made from: it is made anew when this changes.
#[derive(PartialEq)]
pub(super) enum Source {
    Version(u64),
    Buffer(wgpu::Buffer, usize),
}

struct DensitySlot {
    uniform: wgpu::Buffer,
    bind: wgpu::BindGroup,
    version: u64,
}

impl CanvasResources {
    fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        Self {
            points: pipeline(
                device,
                format,
                include_str!("../../../shaders/canvas_points.wgsl"),
                "canvas points",
                wgpu::PrimitiveTopology::TriangleList,
            ),
            density: pipeline(
                device,
                format,
                include_str!("../../../shaders/canvas_density.wgsl"),
                "canvas density",
                wgpu::PrimitiveTopology::TriangleStrip,
            ),
            sampler: device.create_sampler(&wgpu::SamplerDescriptor {
                mag_filter: wgpu::FilterMode::Linear,
                min_filter: wgpu::FilterMode::Linear,
                ..Default::default()
            }),
            point_slots: HashMap::new(),
            density_slots: HashMap::new(),
            fields: FieldResources::new(device, format),
            motion: MotionResources::new(device, format),
        }
    }

    /// A bind group over x_0 and ε (for points as they are: the points twice, with s = 0).
    fn points_slot(&self, device: &wgpu::Device, buffers: [&wgpu::Buffer; 2], source: Source, count: u32) -> PointSlot {
        let uniform = uniform_buffer(device, size_of::<PointsUniform>());
        let bind = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("canvas points"),
            layout: &self.points.get_bind_group_layout(0),
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: uniform.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 1, resource: buffers[0].as_entire_binding() },
                wgpu::BindGroupEntry { binding: 2, resource: buffers[1].as_entire_binding() },
            ],
        });
        PointSlot { uniform, bind, source, count }
    }

    fn prepare_cloud(&mut self, device: &wgpu::Device, key: (egui::Id, &'static str), cloud: &Cloud, version: u64) {
        let (source, on_device) = match cloud {
            Cloud::Gpu(gpu) if gpu.context().device() == device => {
                (Source::Buffer(gpu.buffer().clone(), gpu.len()), Some(gpu.buffer()))
            }
            _ => (Source::Version(version), None),
        };
        if self.point_slots.get(&key).is_some_and(|slot| slot.source == source) {
            return;
        }
        let count = cloud.len() as u32;
        let slot = if count == 0 {
            None
        } else if let Some(buffer) = on_device {
            Some(self.points_slot(device, [buffer, buffer], source, count))
        } else {
            // Host memory; or, never in the window itself, another device: once per version.
            cloud.to_host().ok().map(|points| {
                let buffer = upload(device, &points);
                self.points_slot(device, [&buffer, &buffer], source, count)
            })
        };
        match slot {
            Some(slot) => self.point_slots.insert(key, slot),
            None => self.point_slots.remove(&key),
        };
    }

    fn prepare_particles(&mut self, device: &wgpu::Device, key: (egui::Id, &'static str), particles: &Particles) {
        let source = Source::Version(particles.version);
        let count = particles.x_0.len().min(particles.epsilon.len());
        if count == 0 {
            self.point_slots.remove(&key);
        } else if self.point_slots.get(&key).is_none_or(|slot| slot.source != source) {
            let [x_0, epsilon] = [&particles.x_0, &particles.epsilon].map(|points| upload(device, points));
            let slot = self.points_slot(device, [&x_0, &epsilon], source, count as u32);
            self.point_slots.insert(key, slot);
        }
    }

    fn prepare_density(&mut self, device: &wgpu::Device, queue: &wgpu::Queue, canvas: egui::Id, field: &DensityField) {
        let side = field.view.resolution;
        if side == 0 || field.log_p.len() != (side * side) as usize {
            return;
        }
        if self.density_slots.get(&canvas).is_some_and(|slot| slot.version == field.version) {
            return;
        }
        let texture = density_texture(device, queue, field);
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        let uniform = uniform_buffer(device, size_of::<DensityUniform>());
        let bind = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("canvas density"),
            layout: &self.density.get_bind_group_layout(0),
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: uniform.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::TextureView(&view) },
                wgpu::BindGroupEntry { binding: 2, resource: wgpu::BindingResource::Sampler(&self.sampler) },
            ],
        });
        self.density_slots.insert(canvas, DensitySlot { uniform, bind, version: field.version });
    }
}

impl CallbackTrait for CanvasPaint {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        let resources = resources.entry().or_insert_with(|| CanvasResources::new(device, self.format));
        let [width, height] = screen.size_in_pixels.map(|v| v as f32);
        let screen_in_points = egui::vec2(width, height) / screen.pixels_per_point;
        let (scale, offset) = self.camera.to_clip(self.rect, screen_in_points);
        // On a large canvas the same discs would be lost.
        let magnified = (self.rect.size().min_elem() / 520.0).sqrt().clamp(1.0, 2.0);
        let points_uniform = |dots: Dots, scales: Scales| PointsUniform {
            scale: scale.into(),
            offset: offset.into(),
            pixel: [2.0 / width, 2.0 / height],
            radius: dots.radius * magnified * screen.pixels_per_point,
            signal: scales.a as f32,
            color: straight(dots.color),
            noise: scales.s as f32,
            padding: [0.0; 3],
        };
        for layer in &self.layers {
            match layer {
                Layer::Density { field, color } => {
                    resources.prepare_density(device, queue, self.canvas, field);
                    let Some(slot) = resources.density_slots.get(&self.canvas) else { continue };
                    let bounds = field.view.bounds;
                    let corner = |p: [f32; 2]| [p[0] * scale.x + offset.x, p[1] * scale.y + offset.y];
                    let ([left, bottom], [right, top]) = (corner(bounds.min), corner(bounds.max));
                    let uniform = DensityUniform { corners: [left, bottom, right, top], color: straight(*color) };
                    queue.write_buffer(&slot.uniform, 0, bytemuck::bytes_of(&uniform));
                }
                Layer::Points { key, cloud, version, dots } => {
                    let key = (self.canvas, *key);
                    resources.prepare_cloud(device, key, cloud, *version);
                    if let Some(slot) = resources.point_slots.get(&key) {
                        let uniform = points_uniform(*dots, Scales { a: 1.0, s: 0.0 });
                        queue.write_buffer(&slot.uniform, 0, bytemuck::bytes_of(&uniform));
                    }
                }
                Layer::Motion(motion) => {
                    let screen = ([width, height], screen.pixels_per_point);
                    let look = (&self.camera, self.rect);
                    resources.motion.prepare(device, queue, self.canvas, motion, look, screen);
                }
                Layer::Noised { key, particles, scales, dots } => {
                    let key = (self.canvas, *key);
                    resources.prepare_particles(device, key, particles);
                    if let Some(slot) = resources.point_slots.get(&key) {
                        let uniform = points_uniform(*dots, *scales);
                        queue.write_buffer(&slot.uniform, 0, bytemuck::bytes_of(&uniform));
                    }
                }
                Layer::Field(layer) => {
                    let onto = Onto {
                        scale: scale.into(),
                        offset: offset.into(),
                        pixel: [2.0 / width, 2.0 / height],
                        pixels_per_point: screen.pixels_per_point,
                    };
                    resources.fields.prepare(device, queue, self.canvas, layer, onto);
                }
            }
        }
        Vec::new()
    }

    fn paint(
        &self,
        info: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &CallbackResources,
    ) {
        let Some(resources) = resources.get::<CanvasResources>() else { return };
        // egui clamps the viewport of a callback to the screen, which would stretch a view that is partly outside:
        // the uniforms speak of the whole screen instead, and egui's scissor cuts.
        let [width, height] = info.screen_size_px.map(|v| v as f32);
        pass.set_viewport(0.0, 0.0, width, height, 0.0, 1.0);
        for layer in &self.layers {
            match layer {
                Layer::Density { .. } => {
                    if let Some(slot) = resources.density_slots.get(&self.canvas) {
                        pass.set_pipeline(&resources.density);
                        pass.set_bind_group(0, &slot.bind, &[]);
                        pass.draw(0..4, 0..1);
                    }
                }
                Layer::Motion(motion) => resources.motion.paint(pass, self.canvas, motion),
                Layer::Points { key, .. } | Layer::Noised { key, .. } => {
                    if let Some(slot) = resources.point_slots.get(&(self.canvas, *key)) {
                        pass.set_pipeline(&resources.points);
                        pass.set_bind_group(0, &slot.bind, &[]);
                        pass.draw(0..3 * slot.count, 0..1);
                    }
                }
                Layer::Field(layer) => resources.fields.paint(pass, self.canvas, layer),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniforms_have_the_layout_of_their_wgsl_twins() {
        for (source, name, size, offsets) in [
            (
                include_str!("../../../shaders/canvas_points.wgsl"),
                "Points",
                size_of::<PointsUniform>(),
                vec![
                    std::mem::offset_of!(PointsUniform, scale),
                    std::mem::offset_of!(PointsUniform, offset),
                    std::mem::offset_of!(PointsUniform, pixel),
                    std::mem::offset_of!(PointsUniform, radius),
                    std::mem::offset_of!(PointsUniform, signal),
                    std::mem::offset_of!(PointsUniform, color),
                    std::mem::offset_of!(PointsUniform, noise),
                ],
            ),
            (
                include_str!("../../../shaders/canvas_density.wgsl"),
                "Density",
                size_of::<DensityUniform>(),
                vec![std::mem::offset_of!(DensityUniform, corners), std::mem::offset_of!(DensityUniform, color)],
            ),
        ] {
            let module = wgpu::naga::front::wgsl::parse_str(source).unwrap();
            let (_, twin) = module.types.iter().find(|(_, t)| t.name.as_deref() == Some(name)).unwrap();
            let wgpu::naga::TypeInner::Struct { members, span } = &twin.inner else { panic!("{name} is no struct") };
            assert_eq!(*span as usize, size, "{name}");
            for (member, offset) in members.iter().zip(offsets) {
                assert_eq!(member.offset as usize, offset, "{name}.{:?}", member.name);
            }
        }
    }
}
