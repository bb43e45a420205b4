//! The window: what is drawn and what the hand can do. It sends [`lab::message::Command`]s, reads
//! [`lab::message::Snapshot`]s, and never calls an engine.

pub mod canvas;
pub mod chapters;
pub mod clock;
pub mod desk;
pub mod equations;
pub mod glossary;
mod plots;
pub mod settings;
pub mod sheet;
pub mod shell;
pub mod theme;
mod truths;
pub mod widgets;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, bail};
use eframe::egui_wgpu::{RenderState, WgpuSetup, WgpuSetupCreateNew};

use chapters::Chapter;
use desk::Desk;
use desk::repaint::Pace;
use engine::EngineChoice;
use engine::gpu::{GpuContext, backends};
use lab::experiment::Experiment;
use lab::keeper::{self, Keeper};
use lab::message::{Command, Notice};
use lab::worker::Worker;
use shell::app::LabApp;
use shell::closing::Closing;
use shell::lessons::Lesson;
use shell::{event_loop, window};

/// What the window opens with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opening {
    /// A chapter; without one the first.
    pub chapter: Option<Chapter>,
    /// A lesson, which has a chapter of its own.
    pub lesson: Option<Lesson>,
}

/// Open the window and stay until it is closed. Its trainings are kept every `save_every`; `None` keeps none.
///
/// # Errors
/// One sentence, where there is no display, no adapter that can paint, or an experiment that cannot be prepared.
pub fn run_window(
    experiment: Experiment,
    choice: EngineChoice,
    save_every: Option<Duration>,
    opening: Opening,
) -> anyhow::Result<()> {
    experiment.validate().map_err(anyhow::Error::msg)?;
    let mut options = eframe::NativeOptions {
        viewport: window::builder()
            .with_title("Noise Compass")
            .with_app_id("noise-compass"),
        renderer: eframe::Renderer::Wgpu,
        ..Default::default()
    };
    let mut setup = WgpuSetupCreateNew::without_display_handle();
    setup.device_descriptor = Arc::new(GpuContext::device_descriptor);
    setup.instance_descriptor.backends = backends();
    options.wgpu_options.wgpu_setup = WgpuSetup::CreateNew(setup);
    let device = event_loop::Device::default();
    options.wgpu_options.on_surface_status = event_loop::on_surface_status(device.clone());
    // What eframe makes of an error in its event loop is only logged: the outcome is kept here.
    let outcome = Rc::new(RefCell::new(None));
    let (told, shared) = (outcome.clone(), device.clone());
    let create = move |cc: &eframe::CreationContext<'_>| -> Result<
        Box<dyn eframe::App>,
        Box<dyn std::error::Error + Send + Sync>,
    > {
        let state = cc
            .wgpu_render_state
            .as_ref()
            .ok_or("the window has no graphics device to paint with")?;
        let app = open(
            &cc.egui_ctx,
            state,
            experiment,
            choice,
            keeper(save_every),
            opening,
            &shared,
        );
        *told.borrow_mut() = Some(app.as_ref().map(drop).map_err(|error| format!("{error:#}")));
        Ok(Box::new(app?))
    };
    event_loop::run("Noise Compass", options, Box::new(create), device)
        .map_err(|error| plain(&error))?;
    match outcome.take() {
        Some(Ok(())) => Ok(()),
        // A file or a setting that will not do says itself what to do.
        Some(Err(error)) => bail!("{error}"),
        None => match GpuContext::headless() {
            Err(error) => bail!("no graphics adapter that can paint a window ({error})"),
            Ok(_) => bail!(
                "the window could not be opened (RUST_LOG=eframe=error says why); the headless commands need none (noise-compass --help)"
            ),
        },
    }
}

/// The app on the window's device, which the worker shares: what it computes is painted without a copy.
fn open(
    ctx: &egui::Context,
    state: &RenderState,
    experiment: Experiment,
    choice: EngineChoice,
    (keeper, complaint): (Option<Keeper>, Option<String>),
    opening: Opening,
    device: &event_loop::Device,
) -> anyhow::Result<LabApp> {
    theme::install(ctx);
    window::keep_fitting(ctx);
    let context = GpuContext::of_window(&state.adapter, state.device.clone(), state.queue.clone());
    // Set once: there is one window.
    let _ = device.set(context.clone());
    let software = context.info().software;
    let light = ctx.system_theme() == Some(egui::Theme::Light);
    let pace = Pace::new(software);
    let keeps = keeper.is_some();
    let worker = Worker::spawn(
        experiment,
        choice,
        Some(context.clone()),
        keeper,
        pace.on_change(ctx.clone()),
    )?;
    // The lab opens learning: that is its point.
    worker.send(Command::Play);
    let mut desk = Desk::new(Box::new(worker), Some(state.target_format), software, light);
    desk.auto = Some(engine::auto(Ok(context.info())));
    // Calm at first: the rest is one click away.
    desk.more = false;
    let mut app = LabApp::new(desk, pace, opening.chapter.unwrap_or(Chapter::Training));
    if let Some(lesson) = opening.lesson {
        app.begin_lesson(lesson);
    }
    app.painter = Some(context);
    app.closing = Closing::listen(ctx, keeps);
    if let Some(complaint) = complaint {
        app.tell(Notice::Error(complaint));
    }
    Ok(app)
}

/// What keeps the trainings of this window; or why nothing does, in one sentence.
fn keeper(save_every: Option<Duration>) -> (Option<Keeper>, Option<String>) {
    let Some(interval) = save_every else {
        return (None, None);
    };
    let complain = |why: String| {
        (
            None,
            Some(format!(
                "trainings are not kept for the next start: {why}; save what you need"
            )),
        )
    };
    let Some(root) = keeper::default_root() else {
        return complain("there is no home directory".into());
    };
    match Keeper::open(&root, interval) {
        Ok(keeper) => (Some(keeper), None),
        Err(error) => complain(format!("{} cannot be written ({error})", root.display())),
    }
}

/// The failures of opening a window in one sentence that says what to do.
fn plain(error: &eframe::Error) -> anyhow::Error {
    // winit tells where in its source it failed, then why.
    let text = error.to_string();
    let reason = text
        .rsplit(": ")
        .next()
        .unwrap_or(&text)
        .trim_end_matches('.');
    match error {
        eframe::Error::Winit(_) | eframe::Error::WinitEventLoop(_) => anyhow!(
            "no display to open a window on ({reason}); log in to a desktop, or use the headless commands (noise-compass --help)"
        ),
        eframe::Error::AppCreation(error) => anyhow!("{error}"),
        error @ eframe::Error::Wgpu(_) => {
            anyhow!(
                "the window could not be opened ({error}); the headless commands need none (noise-compass --help)"
            )
        }
    }
}
