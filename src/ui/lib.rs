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
use lab::home;
use lab::keeper::{self, Keeper};
use lab::memory::Memory;
use lab::message::{Command, Notice};
use lab::setup::Setup;
use lab::worker::Worker;
use shell::app::LabApp;
use shell::closing::Closing;
use shell::lessons::Lesson;
use shell::remember::Remember;
use shell::{event_loop, window};

/// What the window opens with, whatever it was left at.
#[derive(Clone, Copy, Debug, Default)]
pub struct FirstView {
    /// A chapter.
    pub chapter: Option<Chapter>,
    /// A lesson, which has a chapter of its own.
    pub lesson: Option<Lesson>,
}

/// Open the window as it was left, and stay until it is closed. It begins with the experiment that was `asked` for; `None`
/// is the last one. Its trainings are kept every `save_every`; `None` keeps none.
///
/// # Errors
/// One sentence, where there is no display, no adapter that can paint, or an experiment that cannot be prepared.
pub fn run_window(
    asked: Option<Experiment>,
    choice: EngineChoice,
    save_every: Option<Duration>,
    first: FirstView,
) -> anyhow::Result<()> {
    let mut complaints = Vec::new();
    // Where there is no home directory, the keeper says so.
    let remember = home::memory().map(|file| {
        let (remember, wrong) = Remember::open(file);
        complaints.extend(wrong);
        remember
    });
    let memory = remember
        .as_ref()
        .map_or_else(Memory::default, |remember| remember.memory().clone());
    let (setup, told) = memory.first_setup(asked).map_err(anyhow::Error::msg)?;
    complaints.extend(told);
    let screens = event_loop::Screens::default();
    let mut options = eframe::NativeOptions {
        viewport: window::builder(memory.window)
            .with_title("Noise Compass")
            .with_app_id("noise-compass"),
        renderer: eframe::Renderer::Wgpu,
        ..Default::default()
    };
    if let Some(place) = memory.window {
        let known = screens.clone();
        options.window_builder = Some(Box::new(move |builder| {
            let screens = known.get().map_or(&[][..], Vec::as_slice);
            match place.corner.filter(|_| window::is_in_reach(place, screens)) {
                Some(corner) => builder.with_position(corner),
                None => builder,
            }
        }));
    }
    let mut adapters = WgpuSetupCreateNew::without_display_handle();
    adapters.device_descriptor = Arc::new(GpuContext::device_descriptor);
    adapters.instance_descriptor.backends = backends();
    options.wgpu_options.wgpu_setup = WgpuSetup::CreateNew(adapters);
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
        let (keeper, complaint) = keeper(save_every);
        complaints.extend(complaint);
        let opening = Opening {
            setup,
            choice,
            keeper,
            remember,
            complaints,
            first,
        };
        let app = open(&cc.egui_ctx, state, opening, &shared);
        *told.borrow_mut() = Some(app.as_ref().map(drop).map_err(|error| format!("{error:#}")));
        Ok(Box::new(app?))
    };
    event_loop::run("Noise Compass", options, Box::new(create), device, screens)
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

/// What a window opens with.
struct Opening {
    setup: Setup,
    choice: EngineChoice,
    keeper: Option<Keeper>,
    remember: Option<Remember>,
    /// What is to be told first.
    complaints: Vec<String>,
    first: FirstView,
}

/// The app on the window's device, which the worker shares: what it computes is painted without a copy.
fn open(
    ctx: &egui::Context,
    state: &RenderState,
    opening: Opening,
    device: &event_loop::Device,
) -> anyhow::Result<LabApp> {
    let Opening {
        setup,
        choice,
        keeper,
        remember,
        complaints,
        first,
    } = opening;
    theme::install(ctx);
    window::keep_fitting(ctx);
    let context = GpuContext::of_window(&state.adapter, state.device.clone(), state.queue.clone());
    // Set once: there is one window.
    let _ = device.set(context.clone());
    let software = context.info().software;
    let light = ctx.system_theme() == Some(egui::Theme::Light);
    let pace = Pace::new(software);
    let keeps = keeper.is_some();
    let worker = Worker::spawn_on(
        setup,
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
    desk.drawings = home::drawings();
    let mut app = LabApp::new(desk, pace, Chapter::Training);
    if let Some(remember) = remember {
        // A lab that was never left knows no window: somebody is new. A lesson that was asked for says more than the tour.
        let new = remember.memory().window.is_none() && first.lesson.is_none();
        app.tour = new.then_some(0);
        app.open_as_left(ctx, remember);
    }
    if let Some(chapter) = first.chapter {
        app.open_chapter(chapter);
    }
    if let Some(lesson) = first.lesson {
        app.begin_lesson(lesson);
    }
    app.painter = Some(context);
    app.closing = Closing::listen(ctx, keeps);
    for complaint in complaints {
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
