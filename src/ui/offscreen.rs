//! The chapters as pictures: the same app, drawn into a texture without a window.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::app::LabApp;
use super::chapters::Chapter;
use super::desk::Desk;
use super::link::Lab;
use super::pace::Pace;
use super::picture;
use crate::engine::gpu::GpuContext;
use crate::engine::{self, EngineChoice};
use crate::lab::experiment::Experiment;
use crate::lab::message::{Command, Order, Side, Snapshots};
use crate::lab::session::{EngineFactory, Session};
use crate::lab::setup::Setup;
use anyhow::{Context as _, bail};

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
        picture::save(&image, &path)?;
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
    fn send(&self, order: Order) {
        if let Some(command) = order.command_for(Side::A) {
            self.session.borrow_mut().handle(command);
        }
    }

    fn snapshots(&self) -> Snapshots {
        let mut session = self.session.borrow_mut();
        settle(&mut session);
        Snapshots::one(Arc::new(session.snapshot()))
    }
}

/// Draw one chapter.
fn draw(
    chapter: Chapter,
    lab: Box<dyn Lab>,
    context: &Arc<GpuContext>,
    options: RenderOptions,
) -> anyhow::Result<image::RgbaImage> {
    let desk = Desk::new(lab, Some(picture::FORMAT), true, options.light);
    let mut app = LabApp::new(desk, Pace::new(true), chapter);
    let size = [options.width, options.height];
    let layout = picture::lay_out(size, options.light, |ui| {
        app.tick(ui.ctx());
        app.show(ui);
        app.is_busy()
    });
    layout.context("nothing was drawn")?.paint(context)
}
