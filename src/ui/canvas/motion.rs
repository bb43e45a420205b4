//! Recorded runs on the canvas: one frame as points, or all frames as paths, drawn from the recording's buffer.
//!
//! Scrubbing a recording uploads a hundred bytes: which frame, and from where one looks.

use std::collections::HashMap;
use std::sync::Arc;

use wgpu::util::DeviceExt as _;

use crate::canvas::camera::Camera;
use crate::canvas::device::{Dots, pipeline, straight, uniform_buffer, upload};
use engine::{Cloud, Recording};
use lab::message::RunResult;

/// How a point (x, y) at t/T is laid on the canvas: place = x · `x` + y · `y` + (t/T − ½) · `t`, data units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projection {
    /// Where x points.
    pub x: [f32; 2],
    /// Where y points.
    pub y: [f32; 2],
    /// Where t/T points.
    pub t: [f32; 2],
}

impl Projection {
    /// The plane, whatever the time.
    pub const PLANE: Self = Self {
        x: [1.0, 0.0],
        y: [0.0, 1.0],
        t: [0.0, 0.0],
    };

    /// Time from noise at the left to data at the right, over `width`; one coordinate (0 or 1) upwards.
    pub fn space_time(coordinate: usize, width: f32) -> Self {
        let up = |axis: usize| [0.0, if axis == coordinate { 1.0 } else { 0.0 }];
        Self {
            x: up(0),
            y: up(1),
            t: [-width, 0.0],
        }
    }

    /// x, y and time in perspective of an infinitely far eye: `turn` about the upright axis, then `tilt`, in radians.
    /// Unturned, it is the space-time view of y; turned by a right angle, the plane.
    pub fn turned(turn: f32, tilt: f32, width: f32) -> Self {
        let ((sin_turn, cos_turn), (sin_tilt, cos_tilt)) = (turn.sin_cos(), tilt.sin_cos());
        Self {
            x: [sin_turn, sin_tilt * cos_turn],
            y: [0.0, cos_tilt],
            t: [-width * cos_turn, width * sin_tilt * sin_turn],
        }
    }

    /// Where (x, y) at t/T lies.
    pub fn place(&self, [x, y]: [f32; 2], tau: f32) -> [f32; 2] {
        [0, 1].map(|axis| x * self.x[axis] + y * self.y[axis] + (tau - 0.5) * self.t[axis])
    }
}

/// Which frame of a recording is seen: `first`, or on the way from it to `next`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameAt {
    /// A frame.
    pub first: usize,
    /// The frame after it, or the same.
    pub next: usize,
    /// Of the way to `next`, 0 to 1.
    pub share: f32,
}

impl FrameAt {
    /// The frame whose t/T is nearest; t/T falls from frame to frame.
    pub fn nearest(taus: &[f64], tau: f64) -> Self {
        let Self { first, next, share } = Self::between(taus, tau);
        let frame = if share < 0.5 { first } else { next };
        Self {
            first: frame,
            next: frame,
            share: 0.0,
        }
    }

    /// On the way between the two frames around t/T.
    pub fn between(taus: &[f64], tau: f64) -> Self {
        let after = taus.partition_point(|&t| t > tau);
        let last = taus.len().saturating_sub(1);
        if after == 0 || after > last {
            let frame = if after == 0 { 0 } else { last };
            return Self {
                first: frame,
                next: frame,
                share: 0.0,
            };
        }
        let (before, behind) = (taus[after - 1], taus[after]);
        Self {
            first: after - 1,
            next: after,
            share: ((before - tau) / (before - behind)) as f32,
        }
    }
}

/// What is drawn of a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MotionStyle {
    /// One frame, as points.
    Frame {
        /// Which.
        at: FrameAt,
        /// How points look.
        dots: Dots,
        /// Coloured by where each began: 1 / standard deviation of the starts, and the colour of starts near 0.
        origin: Option<(f32, egui::Color32)>,
    },
    /// All frames, as paths: full up to the clock, faint beyond.
    Paths {
        /// Colour; its alpha is that of the way behind.
        color: egui::Color32,
        /// In points of the screen.
        width: f32,
        /// Of the colour, on the way ahead of the clock.
        ahead: f32,
    },
}

/// A recording on the canvas.
#[derive(Clone, Debug)]
pub struct Motion {
    /// Name of the layer.
    pub key: &'static str,
    /// Points [frames, particles].
    pub cloud: Cloud,
    /// Changes when the points do.
    pub version: u64,
    /// Particles in a frame.
    pub particles: usize,
    /// t/T of the frames.
    pub taus: Arc<[f32]>,
    /// From where one looks.
    pub view: Projection,
    /// t/T at which points lie, and up to which paths are full.
    pub now: f32,
    /// What is drawn.
    pub drawn: MotionStyle,
}

impl Motion {
    /// A result of a run, seen in a view at t/T.
    pub fn of(
        key: &'static str,
        result: &RunResult,
        view: Projection,
        now: f64,
        drawn: MotionStyle,
    ) -> Self {
        let Recording {
            taus,
            particles,
            points,
            ..
        } = &result.recording;
        Self {
            key,
            cloud: points.clone(),
            version: result.version,
            particles: *particles,
            taus: taus.iter().map(|&tau| tau as f32).collect(),
            view,
            now: now as f32,
            drawn,
        }
    }

    fn uniform(
        &self,
        (scale, offset): (egui::Vec2, egui::Vec2),
        pixel: [f32; 2],
        per_point: f32,
    ) -> MotionUniform {
        let Projection { x, y, t } = self.view;
        let half = self.view.place([0.0, 0.0], 0.0);
        let mut uniform = MotionUniform {
            scale: scale.into(),
            offset: [half[0] * scale.x + offset.x, half[1] * scale.y + offset.y],
            pixel,
            view_x: x,
            view_y: y,
            view_t: t,
            particles: self.particles as u32,
            frames: self.taus.len() as u32,
            now: self.now,
            ..MotionUniform::default()
        };
        match self.drawn {
            MotionStyle::Frame { at, dots, origin } => {
                uniform.radius = dots.radius * per_point;
                uniform.color = straight(dots.color);
                uniform.share = at.share;
                uniform.first = (at.first * self.particles) as u32;
                uniform.next = (at.next * self.particles) as u32;
                if let Some((by_origin, pale)) = origin {
                    uniform.by_origin = by_origin;
                    uniform.pale = straight(pale);
                }
            }
            MotionStyle::Paths {
                color,
                width,
                ahead,
            } => {
                uniform.share = ahead;
                uniform.radius = 0.5 * width * per_point;
                uniform.color = straight(color);
            }
        }
        uniform
    }

    /// Frames that the cloud really holds.
    fn frames(&self) -> usize {
        self.cloud
            .len()
            .checked_div(self.particles)
            .unwrap_or(0)
            .min(self.taus.len())
    }

    fn vertices(&self) -> u32 {
        let (particles, frames) = (self.particles as u32, self.frames() as u32);
        match self.drawn {
            MotionStyle::Frame { at, .. } if at.first.max(at.next) < frames as usize => {
                3 * particles
            }
            MotionStyle::Frame { .. } => 0,
            MotionStyle::Paths { .. } => 6 * particles * frames.saturating_sub(1),
        }
    }
}

/// The colour of a particle by where it began (in standard deviations): the angle is the hue, among four colours of
/// Okabe & Ito (2008); the nearer to the middle, the more of `pale`. The twin of `origin_color` in `canvas_frames.wgsl`.
pub fn origin_color(start: [f32; 2], pale: egui::Color32) -> egui::Color32 {
    const WHEEL: [[f32; 3]; 5] = [
        [0.902, 0.624, 0.0],
        [0.0, 0.62, 0.451],
        [0.0, 0.447, 0.698],
        [0.8, 0.475, 0.655],
        [0.902, 0.624, 0.0],
    ];
    let turn = (start[1].atan2(start[0]) / std::f32::consts::TAU + 1.0).fract() * 4.0;
    let sector = (turn as usize).min(3);
    let hue = (0.25 + 0.5 * start[0].hypot(start[1])).clamp(0.0, 1.0);
    let pale = straight(pale);
    let [r, g, b] = [0, 1, 2].map(|c| {
        let pure =
            WHEEL[sector][c] + (WHEEL[sector + 1][c] - WHEEL[sector][c]) * (turn - sector as f32);
        (255.0 * (pale[c] + (pure - pale[c]) * hue)).round() as u8
    });
    egui::Color32::from_rgb(r, g, b)
}

/// The twin of `Motion` in `shaders/shared/motion.wgsl`.
#[derive(Clone, Copy, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct MotionUniform {
    scale: [f32; 2],
    offset: [f32; 2],
    pixel: [f32; 2],
    radius: f32,
    share: f32,
    color: [f32; 4],
    pale: [f32; 4],
    view_x: [f32; 2],
    view_y: [f32; 2],
    view_t: [f32; 2],
    first: u32,
    next: u32,
    particles: u32,
    frames: u32,
    now: f32,
    by_origin: f32,
}

/// Pipelines and buffers of recordings, kept beside the canvas's own.
pub struct MotionResources {
    frames: wgpu::RenderPipeline,
    paths: wgpu::RenderPipeline,
    slots: HashMap<(egui::Id, &'static str), Slot>,
}

struct Slot {
    uniform: wgpu::Buffer,
    bind: wgpu::BindGroup,
    source: Source,
}

/// What a slot's bind group was made from: it is made anew when this changes.
#[derive(PartialEq)]
struct Source {
    paths: bool,
    version: u64,
    device_buffer: Option<wgpu::Buffer>,
}

impl MotionResources {
    /// Compile.
    pub fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let triangles = wgpu::PrimitiveTopology::TriangleList;
        let make = |source, label| pipeline(device, format, source, label, triangles);
        Self {
            frames: make(
                include_str!("../../../shaders/canvas_frames.wgsl"),
                "canvas frames",
            ),
            paths: make(
                include_str!("../../../shaders/canvas_paths.wgsl"),
                "canvas paths",
            ),
            slots: HashMap::new(),
        }
    }

    /// Bind what a layer needs and write its uniform.
    pub fn prepare(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        canvas: egui::Id,
        motion: &Motion,
        (camera, rect): (&Camera, egui::Rect),
        ([width, height], per_point): ([f32; 2], f32),
    ) {
        let key = (canvas, motion.key);
        if motion.vertices() == 0 {
            self.slots.remove(&key);
            return;
        }
        let paths = matches!(motion.drawn, MotionStyle::Paths { .. });
        let device_buffer = match &motion.cloud {
            Cloud::Gpu(gpu) if gpu.context().device() == device => Some(gpu.buffer().clone()),
            _ => None,
        };
        let source = Source {
            paths,
            version: motion.version,
            device_buffer,
        };
        if self
            .slots
            .get(&key)
            .is_none_or(|slot| slot.source != source)
        {
            match self.bind(device, motion, source) {
                Some(slot) => self.slots.insert(key, slot),
                None => self.slots.remove(&key),
            };
        }
        if let Some(slot) = self.slots.get(&key) {
            let clip = camera.to_clip(rect, egui::vec2(width, height) / per_point);
            let uniform = motion.uniform(clip, [2.0 / width, 2.0 / height], per_point);
            queue.write_buffer(&slot.uniform, 0, bytemuck::bytes_of(&uniform));
        }
    }

    fn bind(&self, device: &wgpu::Device, motion: &Motion, source: Source) -> Option<Slot> {
        let points = match &source.device_buffer {
            Some(buffer) => buffer.clone(),
            // Host memory; or, never in the window itself, another device: once per version.
            None => upload(device, &motion.cloud.to_host().ok()?),
        };
        let uniform = uniform_buffer(device, size_of::<MotionUniform>());
        let entry = |binding, buffer: &'_ wgpu::Buffer| (binding, buffer.clone());
        let mut buffers = vec![entry(0, &uniform), entry(1, &points)];
        if source.paths {
            let taus = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
                label: Some("frame times"),
                contents: bytemuck::cast_slice(&motion.taus),
                usage: wgpu::BufferUsages::STORAGE,
            });
            buffers.push(entry(2, &taus));
        }
        let entries: Vec<_> = buffers
            .iter()
            .map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding: *binding,
                resource: buffer.as_entire_binding(),
            })
            .collect();
        let pipeline = if source.paths {
            &self.paths
        } else {
            &self.frames
        };
        let bind = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("canvas motion"),
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        Some(Slot {
            uniform,
            bind,
            source,
        })
    }

    /// Paint a layer that was prepared.
    pub fn paint(&self, pass: &mut wgpu::RenderPass<'static>, canvas: egui::Id, motion: &Motion) {
        if let Some(slot) = self.slots.get(&(canvas, motion.key)) {
            pass.set_pipeline(if slot.source.paths {
                &self.paths
            } else {
                &self.frames
            });
            pass.set_bind_group(0, &slot.bind, &[]);
            pass.draw(0..motion.vertices(), 0..1);
        }
    }
}

#[cfg(test)]
mod tests;
