//! Painting points and the density by the window's own device, inside egui's render pass.
//!
//! A cloud that an engine left in a storage buffer of this device is drawn from that buffer; host points are uploaded
//! when their version changes. The forward process x_t = a x_0 + s ε is computed in the vertex shader, so moving the
//! clock uploads sixteen numbers.

use std::collections::HashMap;
use std::sync::Arc;

use eframe::egui_wgpu::{CallbackResources, CallbackTrait, ScreenDescriptor};
use wgpu::util::DeviceExt as _;

use super::camera::Camera;
use super::field::{FieldLayer, FieldResources, Onto};
use super::motion::{Motion, MotionResources};
use crate::diffusion::path::Scales;
use crate::engine::Cloud;
use crate::lab::message::DensityField;

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

/// A pipeline of one file with the entry points `vertex` and `fragment`, that blends over what is there.
pub(super) fn pipeline(
    device: &wgpu::Device,
    format: wgpu::TextureFormat,
    source: &'static str,
    label: &'static str,
    topology: wgpu::PrimitiveTopology,
) -> wgpu::RenderPipeline {
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(label),
        source: wgpu::ShaderSource::Wgsl(source.into()),
    });
    let constants = [("srgb_target", f64::from(u8::from(format.is_srgb())))];
    let compilation_options =
        wgpu::PipelineCompilationOptions { constants: &constants, ..wgpu::PipelineCompilationOptions::default() };
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some(label),
        layout: None,
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: Some("vertex"),
            compilation_options: compilation_options.clone(),
            buffers: &[],
        },
        primitive: wgpu::PrimitiveState { topology, ..Default::default() },
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: &module,
            entry_point: Some("fragment"),
            compilation_options,
            targets: &[Some(wgpu::ColorTargetState {
                format,
                blend: Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                write_mask: wgpu::ColorWrites::ALL,
            })],
        }),
        multiview_mask: None,
        cache: None,
    })
}

/// A buffer for a uniform of so many bytes.
pub(super) fn uniform_buffer(device: &wgpu::Device, size: usize) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("canvas uniform"),
        size: size as u64,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

/// A storage buffer of points.
pub(super) fn upload(device: &wgpu::Device, points: &[[f32; 2]]) -> wgpu::Buffer {
    device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: Some("canvas points"),
        contents: bytemuck::cast_slice(points),
        usage: wgpu::BufferUsages::STORAGE,
    })
}

/// Straight alpha, gamma space, as the shaders take it.
pub(super) fn straight(color: egui::Color32) -> [f32; 4] {
    let [r, g, b, a] = color.to_srgba_unmultiplied();
    [r, g, b, a].map(|v| f32::from(v) / 255.0)
}

/// The bits of a half float, for finite numbers well inside its range; tiny ones become 0.
fn half_bits(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let exponent = ((bits >> 23) & 0xff) as i32 - 127 + 15;
    if exponent <= 0 {
        return sign;
    }
    sign | ((exponent.min(30) as u16) << 10) | ((bits >> 13) & 0x3ff) as u16
}

/// log p − max log p, cut where its square root is invisible, as half floats.
pub(super) fn relative_log_density(log_p: &[f32]) -> Vec<u16> {
    const FLOOR: f32 = -24.0;
    let max = log_p.iter().copied().filter(|v| v.is_finite()).fold(f32::NEG_INFINITY, f32::max);
    // A cell without a value is empty.
    log_p.iter().map(|&v| half_bits(if v.is_nan() { FLOOR } else { (v - max).clamp(FLOOR, 0.0) })).collect()
}

/// log p of a field, relative to its maximum, as a texture of half floats.
pub(super) fn density_texture(device: &wgpu::Device, queue: &wgpu::Queue, field: &DensityField) -> wgpu::Texture {
    let side = field.view.resolution;
    let size = wgpu::Extent3d { width: side, height: side, depth_or_array_layers: 1 };
    device.create_texture_with_data(
        queue,
        &wgpu::TextureDescriptor {
            label: Some("canvas density"),
            size,
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::R16Float,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        },
        wgpu::util::TextureDataOrder::LayerMajor,
        bytemuck::cast_slice(&relative_log_density(&field.log_p)),
    )
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

    /// Powers of two, 1/3 and the cut, against the values of IEEE 754-2008 binary16 (truncated).
    #[test]
    fn half_floats_have_the_published_bits() {
        for (value, bits) in [(0.0, 0), (1.0, 0x3c00), (-2.0, 0xc000), (1.0 / 3.0, 0x3555), (-24.0, 0xce00)] {
            assert_eq!(half_bits(value), bits, "{value}");
        }
    }

    #[test]
    fn the_densest_cell_is_zero_and_empty_cells_stay_empty() {
        let bits = relative_log_density(&[-3.0, -5.0, f32::NEG_INFINITY, f32::NAN]);
        assert_eq!(bits, [half_bits(0.0), half_bits(-2.0), half_bits(-24.0), half_bits(-24.0)]);
    }

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
