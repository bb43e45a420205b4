//! What the layers of the canvas make on the device: pipelines, buffers, textures of densities.

use wgpu::util::DeviceExt as _;

use engine::Cloud;
use engine::gpu::shader;
use lab::message::DensityField;

/// How points look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dots {
    /// Colour; its alpha is that of a disc's middle.
    pub color: egui::Color32,
    /// Radius in points of the screen.
    pub radius: f32,
}

/// What a slot's bind group was made from: it is made anew when this changes.
#[derive(PartialEq)]
pub(super) enum Source {
    Version(u64),
    Buffer(wgpu::Buffer, usize),
}

impl Source {
    /// The buffer where it lies on this device, else the version of what is uploaded.
    pub(super) fn of(device: &wgpu::Device, cloud: &Cloud, version: u64) -> Self {
        on_device(device, cloud).map_or(Self::Version(version), |buffer| {
            Self::Buffer(buffer.clone(), cloud.len())
        })
    }
}

/// Where a frame is painted: clip space = data · scale + offset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Onto {
    pub scale: [f32; 2],
    pub offset: [f32; 2],
    /// Clip space per pixel.
    pub pixel: [f32; 2],
    pub pixels_per_point: f32,
    /// Discs are so many times larger: on a large canvas the same ones would be lost.
    pub magnified: f32,
}

/// The buffer of a cloud where it lies on this device.
fn on_device<'a>(device: &wgpu::Device, cloud: &'a Cloud) -> Option<&'a wgpu::Buffer> {
    match cloud {
        Cloud::Gpu(gpu) if gpu.context().device() == device => Some(gpu.buffer()),
        _ => None,
    }
}

/// The buffer to draw from; host points, and never in the window itself those of another device, are uploaded. `None` where
/// the device fails.
pub(super) fn buffer(device: &wgpu::Device, cloud: &Cloud) -> Option<wgpu::Buffer> {
    match on_device(device, cloud) {
        Some(buffer) => Some(buffer.clone()),
        None => cloud.to_host().ok().map(|points| upload(device, &points)),
    }
}

/// A shader of the canvas, whole.
pub(super) fn resolved(source: &str) -> String {
    // An include that there is not: the shader's own error names it.
    shader::join(source).unwrap_or_else(|error| error)
}

/// A pipeline of one shader with the entry points `vertex` and `fragment`, that blends over what is there.
pub(super) fn pipeline(
    device: &wgpu::Device,
    format: wgpu::TextureFormat,
    source: &'static str,
    label: &'static str,
    topology: wgpu::PrimitiveTopology,
) -> wgpu::RenderPipeline {
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(label),
        source: wgpu::ShaderSource::Wgsl(resolved(source).into()),
    });
    let constants = [("srgb_target", f64::from(u8::from(format.is_srgb())))];
    let compilation_options = wgpu::PipelineCompilationOptions {
        constants: &constants,
        ..wgpu::PipelineCompilationOptions::default()
    };
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some(label),
        layout: None,
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: Some("vertex"),
            compilation_options: compilation_options.clone(),
            buffers: &[],
        },
        primitive: wgpu::PrimitiveState {
            topology,
            ..Default::default()
        },
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

/// A sampler that interpolates between cells.
pub(super) fn linear_sampler(device: &wgpu::Device) -> wgpu::Sampler {
    device.create_sampler(&wgpu::SamplerDescriptor {
        mag_filter: wgpu::FilterMode::Linear,
        min_filter: wgpu::FilterMode::Linear,
        ..Default::default()
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
    let max = log_p
        .iter()
        .copied()
        .filter(|v| v.is_finite())
        .fold(f32::NEG_INFINITY, f32::max);
    // A cell without a value is empty.
    log_p
        .iter()
        .map(|&v| {
            half_bits(if v.is_nan() {
                FLOOR
            } else {
                (v - max).clamp(FLOOR, 0.0)
            })
        })
        .collect()
}

/// log p of a field, relative to its maximum, as a texture of half floats.
pub(super) fn density_texture(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    field: &DensityField,
) -> wgpu::Texture {
    let side = field.view.resolution;
    let size = wgpu::Extent3d {
        width: side,
        height: side,
        depth_or_array_layers: 1,
    };
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

/// Check that a struct of Rust has the size and offsets of its twin in a shader of the canvas.
#[cfg(test)]
pub(super) fn assert_twin(source: &str, name: &str, size: usize, fields: &[(&str, usize)]) {
    shader::check_twin(&resolved(source), name, size, fields).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Powers of two, 1/3 and the cut, against the values of IEEE 754-2008 binary16 (truncated).
    #[test]
    fn half_floats_have_the_published_bits() {
        for (value, bits) in [
            (0.0, 0),
            (1.0, 0x3c00),
            (-2.0, 0xc000),
            (1.0 / 3.0, 0x3555),
            (-24.0, 0xce00),
        ] {
            assert_eq!(half_bits(value), bits, "{value}");
        }
    }

    #[test]
    fn the_densest_cell_is_zero_and_empty_cells_stay_empty() {
        let bits = relative_log_density(&[-3.0, -5.0, f32::NEG_INFINITY, f32::NAN]);
        assert_eq!(
            bits,
            [
                half_bits(0.0),
                half_bits(-2.0),
                half_bits(-24.0),
                half_bits(-24.0)
            ]
        );
    }
}
