//! Pictures of the window's contents: laid out for any size by a context of their own, painted into a texture, saved as
//! PNG.

use std::io::{self, BufRead, Read as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use eframe::egui_wgpu::{Renderer, RendererOptions, ScreenDescriptor};
use egui::{Context, Pos2, RawInput, Rect, TextureId, Ui, epaint, vec2};

use crate::theme;
use engine::gpu::GpuContext;
use lab::message::Notice;
use maths::atomic::{Destination, WriteError};

/// Format of a picture's pixels.
pub const FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
/// The size that the layout is made for; larger pictures are sharper, not emptier.
const LAYOUT: [f32; 2] = [1280.0, 800.0];
/// Frames until asked-for densities and samples are there and every layout has settled.
const FRAMES: usize = 4;
/// How long a picture waits for what a chapter computes by itself.
const PATIENCE: Duration = Duration::from_secs(20);
/// Fewest and most pixels along a side.
pub const SIDES: [u32; 2] = [320, 7680];

/// Everything that a picture is painted from. It can be painted by another thread than it was laid out in.
pub struct Drawing {
    textures: Vec<(TextureId, epaint::ImageDelta)>,
    jobs: Vec<egui::ClippedPrimitive>,
    screen: ScreenDescriptor,
}

/// Lay out what `show` draws, for a picture of `[width, height]` pixels. `show` says whether something is still
/// computed that belongs to the picture.
pub fn lay_out(
    [width, height]: [u32; 2],
    light: bool,
    mut show: impl FnMut(&mut Ui) -> bool,
) -> Option<Drawing> {
    let pixels_per_point = (width as f32 / LAYOUT[0]).min(height as f32 / LAYOUT[1]);
    let ctx = Context::default();
    theme::install(&ctx);
    ctx.set_theme(if light {
        egui::Theme::Light
    } else {
        egui::Theme::Dark
    });
    let screen_rect = Rect::from_min_size(
        Pos2::ZERO,
        vec2(width as f32, height as f32) / pixels_per_point,
    );
    let begun = Instant::now();
    let mut textures = Vec::new();
    let mut frame = 0;
    loop {
        let mut input = RawInput {
            screen_rect: Some(screen_rect),
            time: Some(frame as f64),
            ..RawInput::default()
        };
        if let Some(viewport) = input.viewports.get_mut(&egui::ViewportId::ROOT) {
            viewport.native_pixels_per_point = Some(pixels_per_point);
        }
        let mut busy = false;
        let mut drawn = ctx.run_ui(input, |ui| busy = show(ui));
        for (id, deltas) in drawn.textures_delta.set.drain() {
            textures.extend(deltas.into_iter().map(|delta| (id, delta)));
        }
        // A texture that is set free in one frame is not asked for in the next: freeing can wait for the end.
        drawn.textures_delta.free.clear();
        frame += 1;
        if frame >= FRAMES && (!busy || begun.elapsed() > PATIENCE) {
            let screen = ScreenDescriptor {
                size_in_pixels: [width, height],
                pixels_per_point: drawn.pixels_per_point,
            };
            return Some(Drawing {
                textures,
                jobs: ctx.tessellate(drawn.shapes, drawn.pixels_per_point),
                screen,
            });
        }
        if busy {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drawing {
    /// Paint into a texture and read it back. Blocks.
    ///
    /// # Errors
    /// One sentence, where the adapter cannot paint so large a picture, or is lost.
    pub fn paint(&self, context: &Arc<GpuContext>) -> anyhow::Result<image::RgbaImage> {
        let limits = context.device().limits();
        let [across, down] = self.screen.size_in_pixels;
        // Asking for too much would be a fault of the device, which training shares.
        if across.max(down) > limits.max_texture_dimension_2d
            || u64::from(across + 64) * u64::from(down) * 4 > limits.max_buffer_size
        {
            bail!(
                "this adapter cannot paint a picture of {across} × {down} pixels; choose a smaller one"
            );
        }
        let [width, height] = self.screen.size_in_pixels;
        let (device, queue) = (context.device(), context.queue());
        let mut renderer = Renderer::new(device, FORMAT, RendererOptions::PREDICTABLE);
        for (id, delta) in &self.textures {
            renderer.update_texture(device, queue, *id, delta);
        }
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("picture"),
            size: wgpu::Extent3d {
                width,
                height,
                depth_or_array_layers: 1,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: FORMAT,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let row = (4 * width).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("picture"),
            size: u64::from(row) * u64::from(height),
            usage: wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut commands =
            renderer.update_buffers(device, queue, &mut encoder, &self.jobs, &self.screen);
        {
            let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
            let mut pass = encoder
                .begin_render_pass(&wgpu::RenderPassDescriptor {
                    label: Some("picture"),
                    color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                        view: &view,
                        resolve_target: None,
                        ops: wgpu::Operations {
                            load: wgpu::LoadOp::Clear(wgpu::Color::BLACK),
                            store: wgpu::StoreOp::Store,
                        },
                        depth_slice: None,
                    })],
                    ..Default::default()
                })
                .forget_lifetime();
            renderer.render(&mut pass, &self.jobs, &self.screen);
        }
        encoder.copy_texture_to_buffer(
            texture.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: &buffer,
                layout: wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(row),
                    rows_per_image: None,
                },
            },
            wgpu::Extent3d {
                width,
                height,
                depth_or_array_layers: 1,
            },
        );
        commands.push(encoder.finish());
        context.submit(commands);
        let bytes = context.read_buffer(&buffer, 0, u64::from(row) * u64::from(height))?;
        let pixels = bytes
            .chunks_exact(row as usize)
            .flat_map(|line| line[..4 * width as usize].iter().copied())
            .collect();
        image::RgbaImage::from_raw(width, height, pixels)
            .context("the picture came back with a wrong size")
    }
}

/// What a picture says of where it comes from, by the keyword that PNG has for it.
const SOFTWARE: [&str; 2] = ["Software", "Noise Compass"];

/// A place for a picture: one that [`save`] wrote is replaced there.
pub fn picture_file(path: impl Into<PathBuf>, force: bool) -> Destination {
    Destination::new(path, is_picture, force)
}

fn is_picture(file: &mut dyn BufRead) -> io::Result<bool> {
    let mut head = Vec::new();
    // It stands before the pixels.
    file.take(4096).read_to_end(&mut head)?;
    let reader = png::Decoder::new(io::Cursor::new(head)).read_info();
    let says_so = |text: &png::text_metadata::TEXtChunk| [&*text.keyword, &*text.text] == SOFTWARE;
    Ok(reader.is_ok_and(|reader| reader.info().uncompressed_latin1_text.iter().any(says_so)))
}

fn to_png(image: &image::RgbaImage) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, image.width(), image.height());
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_compression(png::Compression::Fast);
    let [keyword, text] = SOFTWARE.map(str::to_owned);
    encoder.add_text_chunk(keyword, text)?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(image.as_raw())?;
    writer.finish()?;
    Ok(bytes)
}

/// Write a PNG so that it is there whole or not at all.
///
/// # Errors
/// One sentence, where the file cannot be written.
pub fn save(image: &image::RgbaImage, destination: &Destination) -> anyhow::Result<()> {
    let png = to_png(image).context("the picture could not be made into a PNG")?;
    destination.write(&png).map_err(|error| match error {
        WriteError::Io { path, reason } => {
            anyhow!(
                "cannot write {}: {reason}; choose another place",
                path.display()
            )
        }
        other => other.into(),
    })
}

/// A picture that the user wants.
#[derive(Clone, Debug, PartialEq)]
pub struct PictureRequest {
    /// Where to write it.
    pub path: PathBuf,
    /// Pixels across and down.
    pub size: [u32; 2],
    /// The light theme, as for print.
    pub light: bool,
    /// The whole window, with its buttons; else the chapter's figure alone.
    pub window: bool,
    /// Replace what is there, whatever it is.
    pub replace: bool,
}

impl PictureRequest {
    /// The place for it.
    pub fn destination(&self) -> Destination {
        picture_file(&self.path, self.replace)
    }
}

/// Pictures that are being painted and saved, each in a thread of its own.
pub struct Pictures {
    outcomes: Receiver<Notice>,
    outlet: Sender<Notice>,
}

impl Default for Pictures {
    fn default() -> Self {
        let (outlet, outcomes) = channel();
        Self { outcomes, outlet }
    }
}

impl Pictures {
    /// Paint and save; the outcome is a notice, which asks `ctx` for a frame.
    pub fn save(
        &self,
        drawing: Drawing,
        destination: Destination,
        context: &Arc<GpuContext>,
        ctx: &Context,
    ) {
        let (outlet, context, ctx) = (self.outlet.clone(), context.clone(), ctx.clone());
        let failed = self.outlet.clone();
        let thread = std::thread::Builder::new()
            .name("picture".into())
            .spawn(move || {
                let notice = match drawing
                    .paint(&context)
                    .and_then(|image| save(&image, &destination))
                {
                    Ok(()) => {
                        Notice::Info(format!("picture saved in {}", destination.path().display()))
                    }
                    Err(error) => Notice::Error(format!("{error:#}")),
                };
                // The window may be gone by now: the picture is there all the same.
                let _ = outlet.send(notice);
                ctx.request_repaint();
            });
        if let Err(error) = thread {
            let _ = failed.send(Notice::Error(format!(
                "no picture was saved: no thread could start ({error})"
            )));
        }
    }

    /// An outcome since the last call.
    pub fn take(&mut self) -> Option<Notice> {
        self.outcomes.try_recv().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_pictures_are_told_from_those_of_others() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("picture.png");
        let gradient = |shift: u8| {
            image::RgbaImage::from_fn(90, 70, |x, y| image::Rgba([x as u8, y as u8, shift, 255]))
        };
        for shift in [0, 100] {
            save(&gradient(shift), &picture_file(&path, false)).unwrap();
            assert_eq!(
                image::open(&path).unwrap().to_rgba8(),
                gradient(shift),
                "the second replaces the first"
            );
        }
        // Somebody else's photograph, and no picture at all.
        gradient(7).save(&path).unwrap();
        for theirs in [std::fs::read(&path).unwrap(), b"notes".to_vec()] {
            std::fs::write(&path, &theirs).unwrap();
            let error = save(&gradient(0), &picture_file(&path, false))
                .unwrap_err()
                .to_string();
            assert!(error.contains("not from this program"), "{error}");
            assert_eq!(std::fs::read(&path).unwrap(), theirs);
            save(&gradient(0), &picture_file(&path, true)).unwrap();
            assert_eq!(image::open(&path).unwrap().to_rgba8(), gradient(0));
        }
    }
}
