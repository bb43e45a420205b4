//! The chapters as pictures: the same app, drawn into a texture without a window.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use eframe::egui_wgpu::{Renderer, RendererOptions, ScreenDescriptor};
use egui::{Pos2, RawInput, Rect, vec2};

use super::app::LabApp;
use super::chapters::Chapter;
use super::desk::Desk;
use super::link::Lab;
use super::pace::Pace;
use super::theme;
use crate::engine::gpu::GpuContext;
use crate::engine::{self, EngineChoice};
use crate::lab::experiment::Experiment;
use crate::lab::message::{Command, Snapshot};
use crate::lab::session::{EngineFactory, Session};
use crate::lab::setup::Setup;

/// How a picture is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderOptions {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The light theme.
    pub light: bool,
    /// Seed of data, weights and noise, where no model is given.
    pub seed: u64,
}

/// Steps of the model that is trained for the pictures where none is given.
const STEPS: u64 = 1500;
/// The size that the layout is made for; larger pictures are sharper, not emptier.
const LAYOUT: [f32; 2] = [1280.0, 800.0];
/// Frames until asked-for densities and samples are there and every layout has settled.
const FRAMES: usize = 4;

/// Draw a chapter, or `all`, as `NAME.png` into the directory `out`. Returns the files.
///
/// # Errors
/// An unknown name, no adapter, a model that cannot be read, or a directory that cannot be written: one sentence.
pub fn render_figures(
    figure: &str,
    model: Option<&Path>,
    out: &Path,
    options: RenderOptions,
) -> anyhow::Result<Vec<PathBuf>> {
    let chapters: Vec<Chapter> = Chapter::ALL.into_iter().filter(|c| figure == "all" || c.name() == figure).collect();
    if chapters.is_empty() {
        let names: Vec<_> = Chapter::ALL.into_iter().map(Chapter::name).collect();
        bail!("'{figure}' is not a figure: use {} or all", names.join(", "));
    }
    std::fs::create_dir_all(out)
        .with_context(|| format!("cannot make the directory {}; choose another with --out", out.display()))?;
    let context = GpuContext::headless()?;
    let mut session = Some(trained(model, &context, options.seed)?);
    let mut files = Vec::new();
    for chapter in chapters {
        let lab = Still { session: RefCell::new(session.take().context("the session is in use")?) };
        let lab = std::rc::Rc::new(lab);
        let image = draw(chapter, Box::new(lab.clone()), &context, options)?;
        session = std::rc::Rc::into_inner(lab).map(|still| still.session.into_inner());
        let path = out.join(format!("{}.png", chapter.name()));
        save(&image, &path)?;
        files.push(path);
    }
    Ok(files)
}

/// A session with the model that the pictures show: a given one, or one trained now.
fn trained(model: Option<&Path>, context: &Arc<GpuContext>, seed: u64) -> anyhow::Result<Session> {
    let device = context.clone();
    let factory: EngineFactory = Arc::new(move |choice| engine::create(choice, Some(&device)));
    if let Some(path) = model {
        let (experiment, state) = crate::export::model_dir::load(path)?;
        let setup = Setup::new(experiment).map_err(anyhow::Error::msg)?;
        return Ok(Session::resume(setup, state, factory(EngineChoice::Auto)?, factory.clone())?);
    }
    let setup = Setup::new(Experiment { seed, ..Experiment::default() }).map_err(anyhow::Error::msg)?;
    let mut session = Session::new(setup, factory(EngineChoice::Auto)?, factory.clone())?;
    session.train_until(STEPS);
    session.handle(Command::Play);
    settle(&mut session);
    Ok(session)
}

/// Let a session do all that it was asked for.
fn settle(session: &mut Session) {
    while !session.tick(Duration::from_millis(100)).idle {}
}

/// A session that is driven in place: whatever is asked for is there in the next snapshot.
struct Still {
    session: RefCell<Session>,
}

impl Lab for std::rc::Rc<Still> {
    fn send(&self, command: Command) {
        self.session.borrow_mut().handle(command);
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        let mut session = self.session.borrow_mut();
        settle(&mut session);
        Arc::new(session.snapshot())
    }
}

/// Draw one chapter.
fn draw(
    chapter: Chapter,
    lab: Box<dyn Lab>,
    context: &Arc<GpuContext>,
    options: RenderOptions,
) -> anyhow::Result<image::RgbaImage> {
    const FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
    let [width, height] = [options.width, options.height];
    let pixels_per_point = (width as f32 / LAYOUT[0]).min(height as f32 / LAYOUT[1]);
    let ctx = egui::Context::default();
    theme::install(&ctx);
    ctx.set_theme(if options.light { egui::Theme::Light } else { egui::Theme::Dark });
    let desk = Desk::new(lab, Some(FORMAT), true, options.light);
    let mut app = LabApp::new(desk, Pace::new(true), chapter);
    let screen_rect = Rect::from_min_size(Pos2::ZERO, vec2(width as f32, height as f32) / pixels_per_point);
    let mut renderer = Renderer::new(context.device(), FORMAT, RendererOptions::PREDICTABLE);
    let mut output = None;
    for frame in 0..FRAMES {
        let mut input = RawInput { screen_rect: Some(screen_rect), time: Some(frame as f64), ..RawInput::default() };
        if let Some(viewport) = input.viewports.get_mut(&egui::ViewportId::ROOT) {
            viewport.native_pixels_per_point = Some(pixels_per_point);
        }
        let mut drawn = ctx.run_ui(input, |ui| {
            app.tick(ui.ctx());
            app.show(ui);
        });
        for (id, deltas) in drawn.textures_delta.set.drain() {
            for delta in deltas {
                renderer.update_texture(context.device(), context.queue(), id, &delta);
            }
        }
        // A texture that is set free in one frame is not asked for in the next: freeing can wait for the end.
        drawn.textures_delta.free.clear();
        output = Some(drawn);
    }
    let output = output.context("nothing was drawn")?;
    let jobs = ctx.tessellate(output.shapes, output.pixels_per_point);
    let screen = ScreenDescriptor { size_in_pixels: [width, height], pixels_per_point: output.pixels_per_point };
    paint(context, &mut renderer, &jobs, &screen, FORMAT)
}

/// Paint into a texture and read it back.
fn paint(
    context: &Arc<GpuContext>,
    renderer: &mut Renderer,
    jobs: &[egui::ClippedPrimitive],
    screen: &ScreenDescriptor,
    format: wgpu::TextureFormat,
) -> anyhow::Result<image::RgbaImage> {
    let [width, height] = screen.size_in_pixels;
    let (device, queue) = (context.device(), context.queue());
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("picture"),
        size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
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
    let mut commands = renderer.update_buffers(device, queue, &mut encoder, jobs, screen);
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
        renderer.render(&mut pass, jobs, screen);
    }
    encoder.copy_texture_to_buffer(
        texture.as_image_copy(),
        wgpu::TexelCopyBufferInfo {
            buffer: &buffer,
            layout: wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row), rows_per_image: None },
        },
        wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
    );
    commands.push(encoder.finish());
    queue.submit(commands);
    let bytes = context.read_buffer(&buffer, 0, u64::from(row) * u64::from(height))?;
    let pixels = bytes.chunks_exact(row as usize).flat_map(|line| line[..4 * width as usize].iter().copied()).collect();
    image::RgbaImage::from_raw(width, height, pixels).context("the picture came back with a wrong size")
}

/// Write a PNG so that it is there whole or not at all.
fn save(image: &image::RgbaImage, path: &Path) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}; choose another directory with --out", path.display());
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory).with_context(cannot)?;
    image.write_to(&mut std::io::BufWriter::new(file.as_file_mut()), image::ImageFormat::Png).with_context(cannot)?;
    file.persist(path).with_context(cannot)?;
    Ok(())
}
