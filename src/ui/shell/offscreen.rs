//! The chapters as pictures: the same app, drawn into a texture without a window.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::chapters::Chapter;
use crate::desk::Desk;
use crate::desk::lab_handle::LabHandle;
use crate::desk::repaint::Pace;
use crate::shell::app::LabApp;
use crate::shell::picture::{self, picture_file};
use anyhow::{Context as _, bail};
use engine::EngineChoice;
use engine::gpu::GpuContext;
use lab::experiment::Experiment;
use lab::message::{Command, Order, Snapshots};
use lab::pair::Pair;
use lab::session::{EngineFactory, Parked, Session};
use lab::setup::Setup;
use maths::atomic::Destination;
use maths::names::same;

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
/// Draw a chapter, or `all`, as `NAME.png` into the directory `out`; by `force` also over files that are not pictures of
/// this lab. Returns the files.
///
/// # Errors
/// An unknown name, no adapter, a model that cannot be read, or a directory that cannot be written: one sentence.
pub fn render_figures(
    figure: &str,
    model: Option<&Path>,
    out: &Path,
    options: RenderOptions,
    force: bool,
) -> anyhow::Result<Vec<PathBuf>> {
    let place = |chapter: Chapter| picture_file(out.join(format!("{}.png", chapter.name())), force);
    let wanted = Chapter::ALL
        .into_iter()
        .filter(|chapter| figure == "all" || same(chapter.name(), figure));
    let chapters: Vec<(Chapter, Destination)> =
        wanted.map(|chapter| (chapter, place(chapter))).collect();
    if chapters.is_empty() {
        let names: Vec<_> = Chapter::ALL.into_iter().map(Chapter::name).collect();
        bail!(
            "'{figure}' is not a figure: use {} or all",
            names.join(", ")
        );
    }
    std::fs::create_dir_all(out).with_context(|| {
        format!(
            "cannot make the directory {}; choose another with --out",
            out.display()
        )
    })?;
    chapters
        .iter()
        .try_for_each(|(_, picture)| picture.check())?;
    let context = GpuContext::headless()?;
    let mut pair = Pair::new(trained(model, &context, options.seed)?);
    let mut files = Vec::new();
    for (chapter, picture) in chapters {
        let image;
        (image, pair) = draw(chapter, pair, &context, options)?;
        picture::save(&image, &picture)?;
        files.push(picture.path().to_path_buf());
    }
    Ok(files)
}

/// Draw two experiments side by side, with their curves and the table of what they have reached. Returns the lab.
///
/// # Errors
/// No adapter that can paint, or a file that cannot be written: one sentence.
pub fn render_comparison(pair: Pair, picture: &Destination) -> anyhow::Result<Pair> {
    let context = GpuContext::headless()?;
    let options = RenderOptions {
        width: 1600,
        height: 1000,
        light: true,
        seed: 0,
    };
    let (image, pair) = draw(Chapter::Training, pair, &context, options)?;
    picture::save(&image, picture)?;
    Ok(pair)
}

/// A session with the model that the pictures show: a given one, or one trained now.
fn trained(model: Option<&Path>, context: &Arc<GpuContext>, seed: u64) -> anyhow::Result<Session> {
    let device = context.clone();
    let factory: EngineFactory = Arc::new(move |choice| engine::create(choice, Some(&device)));
    if let Some(path) = model {
        // With its losses, if they lie beside it.
        let parked = Parked::open(path)?;
        let setup = parked.setup().clone();
        let mut session = Session::new(setup, factory(EngineChoice::Auto)?, factory.clone())?;
        session.unpark(parked)?;
        return Ok(session);
    }
    let setup = Setup::new(Experiment {
        seed,
        ..Experiment::default()
    })
    .map_err(anyhow::Error::msg)?;
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

/// A lab that is driven in place: whatever is asked for is there in the next snapshots.
struct Still {
    pair: RefCell<Pair>,
}

impl LabHandle for Rc<Still> {
    fn send(&self, order: Order) {
        self.pair.borrow_mut().handle(order);
    }

    fn snapshots(&self) -> Snapshots {
        let mut pair = self.pair.borrow_mut();
        while !pair.tick(Duration::from_millis(100)).idle {}
        pair.snapshots()
    }
}

/// Draw one chapter.
fn draw(
    chapter: Chapter,
    pair: Pair,
    context: &Arc<GpuContext>,
    options: RenderOptions,
) -> anyhow::Result<(image::RgbaImage, Pair)> {
    let lab = Rc::new(Still {
        pair: RefCell::new(pair),
    });
    let desk = Desk::new(
        Box::new(lab.clone()),
        Some(picture::FORMAT),
        true,
        options.light,
    );
    let mut app = LabApp::new(desk, Pace::new(true), chapter);
    let size = [options.width, options.height];
    let layout = picture::lay_out(size, options.light, |ui| {
        app.tick(ui.ctx());
        app.show(ui);
        app.is_busy()
    });
    let image = layout.context("nothing was drawn")?.paint(context)?;
    drop(app);
    let still = Rc::into_inner(lab).context("the lab is in use")?;
    Ok((image, still.pair.into_inner()))
}
