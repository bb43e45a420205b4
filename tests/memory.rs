//! What is painted or computed again and again takes no memory for ever.
#![cfg(target_os = "linux")]

use std::sync::Arc;

use eframe::egui_wgpu::{CallbackResources, CallbackTrait as _, ScreenDescriptor};
use egui::{Color32, Rect, pos2, vec2};
use noise_compass::data::bounds::Bounds;
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::{Scales, Schedule};
use noise_compass::engine::gpu::{GpuContext, GpuEngine};
use noise_compass::engine::{Cloud, Engine as _};
use noise_compass::lab::message::{DensityField, DensityView};
use noise_compass::ui::canvas::arrow_length::ArrowLength;
use noise_compass::ui::canvas::camera::Camera;
use noise_compass::ui::canvas::device::Dots;
use noise_compass::ui::canvas::field::{ArrowLook, FieldLayer};
use noise_compass::ui::canvas::motion::{FrameAt, Motion, MotionStyle, Projection};
use noise_compass::ui::canvas::paint::{CanvasPaint, Layer};
use noise_compass::ui::canvas::points::Particles;

const SIDE: u32 = 256;
const FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
/// Paintings before the first look at the memory, and between any two looks.
const PAINTINGS: u32 = 50;
/// Spans between looks: an allocator takes or returns some MiB now and then, a leak grows in every span.
const SPANS: u32 = 4;
/// How much the process may grow in its calmest span.
const MOST_KIB: i64 = 512;

/// Memory of this process that is in no file, in KiB.
fn anonymous_kib() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

fn points(count: usize) -> Vec<[f32; 2]> {
    (0..count)
        .map(|i| [(i as f32 * 0.37).sin(), (i as f32 * 0.73).cos()])
        .collect()
}

fn cloud(count: usize) -> Cloud {
    Cloud::Host(Arc::new(points(count)))
}

fn arrows(number: u32, length: ArrowLength) -> Layer {
    let colors = [Color32::GRAY, Color32::WHITE];
    let look = ArrowLook {
        colors,
        length,
        reach: 0.2 + 0.001 * number as f32,
        width: 1.5,
    };
    Layer::Field(FieldLayer::Arrows {
        key: "arrows",
        field: cloud(2 * 400),
        version: 1,
        look,
    })
}

fn density() -> DensityField {
    let view = DensityView {
        scales: Scales { a: 0.6, s: 0.8 },
        bounds: Bounds {
            min: [-1.0; 2],
            max: [1.0; 2],
        },
        resolution: 64,
    };
    let log_p = points(64 * 64).iter().map(|p| -4.0 * p[0] * p[0]).collect();
    DensityField {
        view,
        log_p: Arc::new(log_p),
        version: 1,
    }
}

const FRAMES: usize = 21;
const PARTICLES: usize = 500;

/// A recording, looked at from another side and at another time with every painting.
fn motion(number: u32, drawn: MotionStyle) -> Layer {
    let turn = 0.01 * number as f32;
    Layer::Motion(Motion {
        key: "motion",
        cloud: cloud(FRAMES * PARTICLES),
        version: 1,
        particles: PARTICLES,
        taus: (0..FRAMES)
            .map(|frame| 1.0 - frame as f32 / (FRAMES - 1) as f32)
            .collect(),
        view: Projection::turned(turn, 0.3, 4.0),
        now: turn.fract(),
        drawn,
    })
}

/// Every kind of layer in every way in which its shader can go, as the `number`-th painting has it.
fn kinds(number: u32) -> Vec<(&'static str, Layer)> {
    let dots = Dots {
        color: Color32::WHITE,
        radius: 1.0 + 0.01 * number as f32,
    };
    let particles = Particles {
        x_0: points(2000),
        epsilon: points(2000),
        version: 1,
    };
    let at = FrameAt {
        first: number as usize % 20,
        next: number as usize % 20 + 1,
        share: 0.01 * (number % 100) as f32,
    };
    let scales = Scales {
        a: 0.9,
        s: 0.001 * f64::from(number),
    };
    let origin = Some((0.73 + 0.01 * number as f32, Color32::GRAY));
    let width = 1.0 + 0.01 * number as f32;
    let step = 0.5 + 0.01 * number as f32;
    let heat = FieldLayer::Heat {
        key: "heat",
        fields: [cloud(2 * 400), cloud(2 * 400)],
        versions: [1; 2],
        columns: 20,
        range: [0.01, 1.0 + 0.01 * number as f32],
        color: Color32::WHITE,
        density: density(),
        fade: [-9.0, -4.0 - 0.01 * number as f32],
    };
    vec![
        (
            "points",
            Layer::Points {
                key: "points",
                cloud: cloud(2000),
                version: 1,
                dots,
            },
        ),
        (
            "noised",
            Layer::Noised {
                key: "noised",
                particles: Arc::new(particles),
                scales,
                dots,
            },
        ),
        (
            "density",
            Layer::Density {
                field: density(),
                color: Color32::WHITE,
            },
        ),
        (
            "contours",
            Layer::Field(FieldLayer::Contours {
                field: density(),
                color: Color32::WHITE,
                step,
            }),
        ),
        ("heat", Layer::Field(heat)),
        ("arrows log", arrows(number, ArrowLength::Log)),
        ("arrows true", arrows(number, ArrowLength::True)),
        ("arrows unit", arrows(number, ArrowLength::Unit)),
        (
            "frame",
            motion(
                number,
                MotionStyle::Frame {
                    at,
                    dots,
                    origin: None,
                },
            ),
        ),
        (
            "frame by origin",
            motion(number, MotionStyle::Frame { at, dots, origin }),
        ),
        (
            "paths",
            motion(
                number,
                MotionStyle::Paths {
                    color: Color32::WHITE,
                    width,
                    ahead: 0.2,
                },
            ),
        ),
    ]
}

/// Paints one layer into a texture and waits for it.
fn paint(
    context: &GpuContext,
    target: &wgpu::TextureView,
    resources: &mut CallbackResources,
    layers: Vec<Layer>,
) {
    let rect = Rect::from_min_size(pos2(3.0, 5.0), vec2(SIDE as f32 - 7.0, SIDE as f32 - 13.0));
    let canvas = egui::Id::unique("canvas");
    let paint = CanvasPaint {
        format: FORMAT,
        canvas,
        rect,
        camera: Camera::fit(
            Bounds {
                min: [-2.3, -1.9],
                max: [2.1, 1.7],
            },
            rect,
        ),
        layers,
    };
    let screen = ScreenDescriptor {
        size_in_pixels: [SIDE; 2],
        pixels_per_point: 1.0,
    };
    let device = context.device();
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    paint.prepare(device, context.queue(), &screen, &mut encoder, resources);
    {
        let attachment = wgpu::RenderPassColorAttachment {
            view: target,
            resolve_target: None,
            ops: wgpu::Operations {
                load: wgpu::LoadOp::Clear(wgpu::Color::BLACK),
                store: wgpu::StoreOp::Store,
            },
            depth_slice: None,
        };
        let mut pass = encoder
            .begin_render_pass(&wgpu::RenderPassDescriptor {
                color_attachments: &[Some(attachment)],
                ..wgpu::RenderPassDescriptor::default()
            })
            .forget_lifetime();
        let info = egui::PaintCallbackInfo {
            viewport: rect,
            clip_rect: rect,
            pixels_per_point: 1.0,
            screen_size_px: [SIDE; 2],
        };
        paint.paint(info, &mut pass, resources);
    }
    context.submit([encoder.finish()]);
    context.wait().unwrap();
}

/// Software drivers compile a shader anew for every value of a uniform that it branches on, and keep each: 1 MB a frame.
#[test]
fn painting_any_layer_for_long_takes_no_more_memory() {
    let context = GpuContext::headless().unwrap();
    let texture = context.device().create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d {
            width: SIDE,
            height: SIDE,
            depth_or_array_layers: 1,
        },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: FORMAT,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
        view_formats: &[],
    });
    let target = texture.create_view(&wgpu::TextureViewDescriptor::default());
    let mut grown = Vec::new();
    for index in 0..kinds(0).len() {
        let mut resources = CallbackResources::new();
        let mut repeat = |numbers: std::ops::Range<u32>| {
            for number in numbers {
                let mut layers = kinds(number);
                let (_, layer) = layers.swap_remove(index);
                // Behind it another one, as in the window: only what differs from the one before is bound anew.
                let (_, behind) = layers.swap_remove(0);
                paint(&context, &target, &mut resources, vec![behind, layer]);
            }
            anonymous_kib()
        };
        let looks: Vec<i64> = (0..=SPANS)
            .map(|span| repeat(span * PAINTINGS..(span + 1) * PAINTINGS))
            .collect();
        let kib = looks
            .windows(2)
            .map(|look| look[1] - look[0])
            .min()
            .unwrap();
        if kib > MOST_KIB {
            grown.push((kinds(0)[index].0, kib));
        }
    }
    assert!(
        grown.is_empty(),
        "grown by KiB in {PAINTINGS} paintings: {grown:?}"
    );
}

/// A density is asked for at every place of the clock. 170 KB each stayed where the loops of its kernel end at a uniform's value.
#[test]
fn densities_asked_for_again_and_again_take_no_more_memory() {
    let mut engine = GpuEngine::new(GpuContext::headless().unwrap()).unwrap();
    let mixture = Shape::Figure8.mixture();
    let bounds = Bounds {
        min: [-3.0; 2],
        max: [3.0; 2],
    };
    let mut repeat = |numbers: std::ops::Range<u32>| {
        for number in numbers {
            let scales = Schedule::Linear.scales(0.01 + 0.001 * f64::from(number), 1000);
            engine.log_density(&mixture, scales, bounds, 32).unwrap();
        }
        anonymous_kib()
    };
    let looks: Vec<i64> = (0..=SPANS)
        .map(|span| repeat(span * PAINTINGS..(span + 1) * PAINTINGS))
        .collect();
    let kib = looks
        .windows(2)
        .map(|look| look[1] - look[0])
        .min()
        .unwrap();
    assert!(
        kib <= MOST_KIB,
        "grown by {kib} KiB in {PAINTINGS} densities"
    );
}
