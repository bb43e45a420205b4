//! Painting the layers of a canvas by the window's own device, inside egui's render pass.

use std::sync::Arc;

use eframe::egui_wgpu::{CallbackResources, CallbackTrait, ScreenDescriptor};

use crate::canvas::camera::Camera;
use crate::canvas::density::DensityResources;
use crate::canvas::device::{Dots, Onto};
use crate::canvas::field::{FieldLayer, FieldResources};
use crate::canvas::motion::{Motion, MotionResources};
use crate::canvas::points::{Particles, PointResources};
use engine::Cloud;
use lab::message::DensityField;
use maths::data::mixture::Standardisation;
use maths::diffusion::schedule::Scales;

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
    /// A layer in standardised units on a canvas that has the units of the data.
    Placed(Standardisation, Box<Layer>),
}

impl Layer {
    /// What is painted, wherever it is placed.
    fn itself(&self) -> &Self {
        match self {
            Self::Placed(_, layer) => layer,
            layer => layer,
        }
    }
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

/// Pipelines and buffers of each kind of layer, kept in egui's callback resources.
struct CanvasResources {
    points: PointResources,
    density: DensityResources,
    fields: FieldResources,
    motion: MotionResources,
}

impl CanvasResources {
    fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        Self {
            points: PointResources::new(device, format),
            density: DensityResources::new(device, format),
            fields: FieldResources::new(device, format),
            motion: MotionResources::new(device, format),
        }
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
        let resources = resources
            .entry()
            .or_insert_with(|| CanvasResources::new(device, self.format));
        let [width, height] = screen.size_in_pixels.map(|v| v as f32);
        let screen_in_points = egui::vec2(width, height) / screen.pixels_per_point;
        for layer in &self.layers {
            let camera = match layer {
                Layer::Placed(map, _) => self.camera.through(*map),
                _ => self.camera,
            };
            let (scale, offset) = camera.to_clip(self.rect, screen_in_points);
            let onto = Onto {
                scale: scale.into(),
                offset: offset.into(),
                pixel: [2.0 / width, 2.0 / height],
                pixels_per_point: screen.pixels_per_point,
                magnified: (self.rect.size().min_elem() / 520.0).sqrt().clamp(1.0, 2.0),
            };
            let layer = layer.itself();
            match layer {
                Layer::Density { field, color } => {
                    resources
                        .density
                        .prepare(device, queue, self.canvas, (field, *color), onto);
                }
                Layer::Points {
                    key,
                    cloud,
                    version,
                    dots,
                } => {
                    let key = (self.canvas, *key);
                    resources.points.prepare_cloud(device, key, cloud, *version);
                    resources
                        .points
                        .write(queue, key, *dots, Scales { a: 1.0, s: 0.0 }, onto);
                }
                Layer::Noised {
                    key,
                    particles,
                    scales,
                    dots,
                } => {
                    let key = (self.canvas, *key);
                    resources.points.prepare_particles(device, key, particles);
                    resources.points.write(queue, key, *dots, *scales, onto);
                }
                Layer::Motion(motion) => {
                    let screen = ([width, height], screen.pixels_per_point);
                    let look = (&camera, self.rect);
                    resources
                        .motion
                        .prepare(device, queue, self.canvas, motion, look, screen);
                }
                Layer::Field(layer) => {
                    resources
                        .fields
                        .prepare(device, queue, self.canvas, layer, onto);
                }
                Layer::Placed(..) => {}
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
        let Some(resources) = resources.get::<CanvasResources>() else {
            return;
        };
        // egui clamps the viewport of a callback to the screen, which would stretch a view that is partly outside:
        // the uniforms speak of the whole screen instead, and egui's scissor cuts.
        let [width, height] = info.screen_size_px.map(|v| v as f32);
        pass.set_viewport(0.0, 0.0, width, height, 0.0, 1.0);
        for layer in self.layers.iter().map(Layer::itself) {
            match layer {
                Layer::Density { .. } => resources.density.paint(pass, self.canvas),
                Layer::Points { key, .. } | Layer::Noised { key, .. } => {
                    resources.points.paint(pass, (self.canvas, *key));
                }
                Layer::Motion(motion) => resources.motion.paint(pass, self.canvas, motion),
                Layer::Field(layer) => resources.fields.paint(pass, self.canvas, layer),
                Layer::Placed(..) => {}
            }
        }
    }
}
