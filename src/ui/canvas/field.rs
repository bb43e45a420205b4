//! Painting fields: arrows, the distance of two fields as a heat map, and contours of the density.
//!
//! Arrows and heat are drawn from the buffers that the engine's run wrote: places in frame 0, vectors in frame 1.

use std::collections::HashMap;

use egui::Color32;

use crate::canvas::arrow_length::ArrowLength;
use crate::canvas::device::{
    Onto, Source, buffer, density_texture, linear_sampler, pipeline, straight, uniform_buffer,
};
use engine::Cloud;
use lab::message::DensityField;

/// A part of a field that the canvas paints. The key tells layers of one scene apart.
#[derive(Clone, Debug)]
pub enum FieldLayer {
    /// An arrow on every place.
    Arrows {
        /// Name of the layer.
        key: &'static str,
        /// Places, then vectors [2, n].
        field: Cloud,
        /// Changes when the field does.
        version: u64,
        /// How they look.
        look: ArrowLook,
    },
    /// The distance of two fields on one grid, row by row, faint where small, and where there is next to no density.
    Heat {
        /// Name of the layer.
        key: &'static str,
        /// Places, then vectors [2, n], of both.
        fields: [Cloud; 2],
        /// Change when the fields do.
        versions: [u64; 2],
        /// Places a row.
        columns: u32,
        /// Distance that is unseen, and that is painted in full; between them by its logarithm.
        range: [f32; 2],
        /// Colour; its alpha is that of the largest distance.
        color: Color32,
        /// The density; its `version` says when to upload.
        density: DensityField,
        /// Nats below (−) the densest cell of `density` at which the map is gone, and from which on it is full.
        fade: [f32; 2],
    },
    /// Lines of equal log density.
    Contours {
        /// The density; its `version` says when to upload.
        field: DensityField,
        /// Colour.
        color: Color32,
        /// Nats between two lines.
        step: f32,
    },
}

/// How arrows look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArrowLook {
    /// Colour of weak and of strong vectors.
    pub colors: [Color32; 2],
    /// How lengths follow from magnitudes.
    pub length: ArrowLength,
    /// The greatest length, in data units.
    pub reach: f32,
    /// Width of the shaft, in points of the screen.
    pub width: f32,
}

/// The longest arrow's length from which on shafts have their full width, in points of the screen.
const ROOM: f32 = 22.0;
/// Contours end this many nats below the maximum, before the texture's floor.
const DEEPEST: f32 = 22.0;

/// The twin of `Arrows` in `shaders/canvas_arrows.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct ArrowsUniform {
    scale: [f32; 2],
    offset: [f32; 2],
    pixel: [f32; 2],
    longest: f32,
    half_width: f32,
    weak: [f32; 4],
    strong: [f32; 4],
    rule: u32,
    count: u32,
    padding: [u32; 2],
}

/// The twin of `Heat` in `shaders/canvas_heat.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct HeatUniform {
    scale: [f32; 2],
    offset: [f32; 2],
    color: [f32; 4],
    low: f32,
    high: f32,
    columns: u32,
    count: u32,
    min: [f32; 2],
    max: [f32; 2],
    fade: [f32; 2],
    padding: [f32; 2],
}

/// The twin of `Contours` in `shaders/canvas_contours.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct ContoursUniform {
    corners: [f32; 4],
    color: [f32; 4],
    step: f32,
    deepest: f32,
    padding: [f32; 2],
}

/// Pipelines and bindings of all field layers.
pub(super) struct FieldResources {
    arrows: wgpu::RenderPipeline,
    heat: wgpu::RenderPipeline,
    contours: wgpu::RenderPipeline,
    sampler: wgpu::Sampler,
    slots: HashMap<(egui::Id, &'static str), Slot>,
}

struct Slot {
    uniform: wgpu::Buffer,
    bind: wgpu::BindGroup,
    sources: Vec<Source>,
    /// Vertices and instances.
    draw: [u32; 2],
}

impl FieldLayer {
    fn key(&self) -> &'static str {
        match self {
            Self::Arrows { key, .. } | Self::Heat { key, .. } => key,
            Self::Contours { .. } => "contours",
        }
    }
}

impl FieldResources {
    pub(super) fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        use wgpu::PrimitiveTopology::{TriangleList, TriangleStrip};
        Self {
            arrows: pipeline(
                device,
                format,
                include_str!("../../../shaders/canvas_arrows.wgsl"),
                "canvas arrows",
                TriangleStrip,
            ),
            heat: pipeline(
                device,
                format,
                include_str!("../../../shaders/canvas_heat.wgsl"),
                "canvas heat",
                TriangleList,
            ),
            contours: pipeline(
                device,
                format,
                include_str!("../../../shaders/canvas_contours.wgsl"),
                "canvas contours",
                TriangleStrip,
            ),
            sampler: linear_sampler(device),
            slots: HashMap::new(),
        }
    }

    /// Bind what a layer is drawn from, if it is not bound already, and write its uniform.
    pub(super) fn prepare(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        canvas: egui::Id,
        layer: &FieldLayer,
        onto: Onto,
    ) {
        let key = (canvas, layer.key());
        let Onto {
            scale,
            offset,
            pixel,
            pixels_per_point,
            ..
        } = onto;
        let (bytes, draw) = match layer {
            FieldLayer::Arrows { field, look, .. } => {
                let count = (field.len() / 2) as u32;
                let longest = look.reach * scale[0] / pixel[0];
                // Short arrows are slim.
                let slim = (longest / (ROOM * pixels_per_point)).min(1.0);
                let uniform = ArrowsUniform {
                    scale,
                    offset,
                    pixel,
                    longest,
                    half_width: 0.5 * slim * look.width * pixels_per_point,
                    weak: straight(look.colors[0]),
                    strong: straight(look.colors[1]),
                    rule: look.length as u32,
                    count,
                    padding: [0; 2],
                };
                (bytemuck::bytes_of(&uniform).to_vec(), [4, count])
            }
            FieldLayer::Heat {
                fields,
                columns,
                range,
                color,
                density,
                fade,
                ..
            } => {
                let count = fields
                    .iter()
                    .map(|field| field.len() / 2)
                    .min()
                    .unwrap_or(0) as u32;
                let columns = (*columns).max(2);
                let uniform = HeatUniform {
                    scale,
                    offset,
                    color: straight(*color),
                    low: range[0].log10(),
                    high: range[1].log10(),
                    columns,
                    count,
                    min: density.view.bounds.min,
                    max: density.view.bounds.max,
                    fade: *fade,
                    padding: [0.0; 2],
                };
                let vertices = 6 * (columns - 1) * (count / columns).saturating_sub(1);
                (bytemuck::bytes_of(&uniform).to_vec(), [vertices, 1])
            }
            FieldLayer::Contours { field, color, step } => {
                let bounds = field.view.bounds;
                let corner =
                    |p: [f32; 2]| [p[0] * scale[0] + offset[0], p[1] * scale[1] + offset[1]];
                let ([left, bottom], [right, top]) = (corner(bounds.min), corner(bounds.max));
                let uniform = ContoursUniform {
                    corners: [left, bottom, right, top],
                    color: straight(*color),
                    step: *step,
                    deepest: DEEPEST,
                    padding: [0.0; 2],
                };
                (bytemuck::bytes_of(&uniform).to_vec(), [4, 1])
            }
        };
        let sources = match layer {
            FieldLayer::Arrows { field, version, .. } => vec![Source::of(device, field, *version)],
            FieldLayer::Heat {
                fields,
                versions,
                density,
                ..
            } => fields
                .iter()
                .zip(versions)
                .map(|(field, version)| Source::of(device, field, *version))
                .chain([Source::Version(density.version)])
                .collect(),
            FieldLayer::Contours { field, .. } => vec![Source::Version(field.version)],
        };
        if draw.contains(&0) {
            self.slots.remove(&key);
            return;
        }
        if self
            .slots
            .get(&key)
            .is_none_or(|slot| slot.sources != sources)
        {
            match self.bind(device, queue, layer, bytes.len()) {
                Some((uniform, bind)) => drop(self.slots.insert(
                    key,
                    Slot {
                        uniform,
                        bind,
                        sources,
                        draw,
                    },
                )),
                None => drop(self.slots.remove(&key)),
            }
        }
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.draw = draw;
            queue.write_buffer(&slot.uniform, 0, &bytes);
        }
    }

    fn bind(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        layer: &FieldLayer,
        uniform_size: usize,
    ) -> Option<(wgpu::Buffer, wgpu::BindGroup)> {
        let uniform = uniform_buffer(device, uniform_size);
        let group = |resources: &[wgpu::BindingResource<'_>]| {
            let all = std::iter::once(uniform.as_entire_binding()).chain(resources.iter().cloned());
            let entries: Vec<_> = all
                .zip(0..)
                .map(|(resource, binding)| wgpu::BindGroupEntry { binding, resource })
                .collect();
            device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("canvas field"),
                layout: &self.pipeline(layer).get_bind_group_layout(0),
                entries: &entries,
            })
        };
        let bind = match layer {
            FieldLayer::Arrows { field, .. } => {
                group(&[buffer(device, field)?.as_entire_binding()])
            }
            FieldLayer::Heat {
                fields: [left, right],
                density,
                ..
            } => {
                let [left, right] = [buffer(device, left)?, buffer(device, right)?];
                let view = texture_view(device, queue, density)?;
                group(&[
                    left.as_entire_binding(),
                    right.as_entire_binding(),
                    wgpu::BindingResource::TextureView(&view),
                    wgpu::BindingResource::Sampler(&self.sampler),
                ])
            }
            FieldLayer::Contours { field, .. } => {
                let view = texture_view(device, queue, field)?;
                group(&[
                    wgpu::BindingResource::TextureView(&view),
                    wgpu::BindingResource::Sampler(&self.sampler),
                ])
            }
        };
        Some((uniform, bind))
    }

    fn pipeline(&self, layer: &FieldLayer) -> &wgpu::RenderPipeline {
        match layer {
            FieldLayer::Arrows { .. } => &self.arrows,
            FieldLayer::Heat { .. } => &self.heat,
            FieldLayer::Contours { .. } => &self.contours,
        }
    }

    /// Draw a layer that was prepared.
    pub(super) fn paint(
        &self,
        pass: &mut wgpu::RenderPass<'static>,
        canvas: egui::Id,
        layer: &FieldLayer,
    ) {
        if let Some(slot) = self.slots.get(&(canvas, layer.key())) {
            pass.set_pipeline(self.pipeline(layer));
            pass.set_bind_group(0, &slot.bind, &[]);
            pass.draw(0..slot.draw[0], 0..slot.draw[1]);
        }
    }
}

/// A density as a texture; `None` where it is not whole.
fn texture_view(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    field: &DensityField,
) -> Option<wgpu::TextureView> {
    let side = field.view.resolution;
    let whole = side > 0 && field.log_p.len() == (side * side) as usize;
    whole.then(|| {
        density_texture(device, queue, field).create_view(&wgpu::TextureViewDescriptor::default())
    })
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;
    use crate::canvas::device::assert_twin;

    #[test]
    fn uniforms_have_the_layout_of_their_wgsl_twins() {
        type Twin = (
            &'static str,
            &'static str,
            usize,
            &'static [(&'static str, usize)],
        );
        let twins: [Twin; 3] = [
            (
                include_str!("../../../shaders/canvas_arrows.wgsl"),
                "Arrows",
                size_of::<ArrowsUniform>(),
                &[
                    ("scale", offset_of!(ArrowsUniform, scale)),
                    ("offset", offset_of!(ArrowsUniform, offset)),
                    ("pixel", offset_of!(ArrowsUniform, pixel)),
                    ("longest", offset_of!(ArrowsUniform, longest)),
                    ("weak", offset_of!(ArrowsUniform, weak)),
                    ("strong", offset_of!(ArrowsUniform, strong)),
                    ("half_width", offset_of!(ArrowsUniform, half_width)),
                    ("rule", offset_of!(ArrowsUniform, rule)),
                    ("count", offset_of!(ArrowsUniform, count)),
                ],
            ),
            (
                include_str!("../../../shaders/canvas_heat.wgsl"),
                "Heat",
                size_of::<HeatUniform>(),
                &[
                    ("scale", offset_of!(HeatUniform, scale)),
                    ("offset", offset_of!(HeatUniform, offset)),
                    ("color", offset_of!(HeatUniform, color)),
                    ("low", offset_of!(HeatUniform, low)),
                    ("high", offset_of!(HeatUniform, high)),
                    ("columns", offset_of!(HeatUniform, columns)),
                    ("count", offset_of!(HeatUniform, count)),
                    ("min", offset_of!(HeatUniform, min)),
                    ("max", offset_of!(HeatUniform, max)),
                    ("fade", offset_of!(HeatUniform, fade)),
                ],
            ),
            (
                include_str!("../../../shaders/canvas_contours.wgsl"),
                "Contours",
                size_of::<ContoursUniform>(),
                &[
                    ("corners", offset_of!(ContoursUniform, corners)),
                    ("color", offset_of!(ContoursUniform, color)),
                    ("step", offset_of!(ContoursUniform, step)),
                    ("deepest", offset_of!(ContoursUniform, deepest)),
                ],
            ),
        ];
        for (source, name, size, fields) in twins {
            assert_twin(source, name, size, fields);
        }
    }
}
