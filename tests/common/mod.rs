//! What the tests of the window share: one device, a lab that is driven in place, a window, and a hand.

#![allow(dead_code, reason = "each test file uses what it needs")]

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use eframe::egui_wgpu::{WgpuSetup, WgpuSetupExisting};
use egui::{Rect, Shape, Vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use egui_kittest::{Harness, SnapshotOptions};

use noise_compass::diffusion::schedule::Schedule;
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::gpu::{GpuContext, GpuEngine, backends};
use noise_compass::engine::{self, Engine, EngineChoice, EngineInfo, EngineKind, ModelState};
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::message::{Command, Order, Side, Snapshot, Snapshots};

use noise_compass::lab::pair::Pair;
use noise_compass::lab::session::{EngineFactory, Session};
use noise_compass::lab::setup::Setup;
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::desk::Desk;
use noise_compass::ui::desk::lab_handle::LabHandle;
use noise_compass::ui::desk::repaint::Pace;
use noise_compass::ui::shell::app::LabApp;
use noise_compass::ui::theme;

/// The one device of all tests of a file: many made at once can hang.
pub static DEVICE: LazyLock<WgpuSetupExisting> = LazyLock::new(|| {
    let mut setup = egui_kittest::wgpu::default_wgpu_setup();
    if let WgpuSetup::CreateNew(new) = &mut setup {
        // As the lab itself: each window lists the adapters, and OpenGL's are not safe to let go on two threads.
        new.instance_descriptor.backends = backends();
    }
    let state = egui_kittest::wgpu::create_render_state(
        setup,
        eframe::egui_wgpu::RendererOptions::PREDICTABLE,
    );
    WgpuSetupExisting {
        instance: state.instance,
        adapter: state.adapter,
        device: state.device,
        queue: state.queue,
    }
});

/// The same device, for engines.
pub static CONTEXT: LazyLock<Arc<GpuContext>> =
    LazyLock::new(|| GpuContext::new(&DEVICE.adapter, DEVICE.device.clone(), DEVICE.queue.clone()));

/// An experiment that trains at once: a network of two layers of 32, few points, a short sampler.
pub fn small() -> Experiment {
    Experiment {
        width: 32,
        depth: 2,
        batch: 64,
        points: 512,
        sampler_steps: 8,
        ..Experiment::default()
    }
}

/// A graphics card that there is not.
pub fn card() -> EngineInfo {
    EngineInfo {
        kind: EngineKind::Gpu,
        adapter: "a card (driver)".into(),
        backend: "Vulkan".into(),
        software: false,
    }
}

/// A lab that computes nothing: it takes over the experiments that it is told, and remembers what was asked of A.
#[derive(Clone)]
pub struct Still(Rc<(RefCell<Snapshot>, RefCell<Vec<Order>>)>);

impl Still {
    /// Paused, after so many updates.
    pub fn new(experiment: Experiment, engine: EngineInfo, step: u64) -> Self {
        let mut snapshot = Snapshot::starting(&Setup::new(experiment).unwrap(), engine);
        (snapshot.step, snapshot.version) = (step, 1);
        Self(Rc::new((RefCell::new(snapshot), RefCell::default())))
    }

    /// What was asked for since the last call.
    pub fn orders(&self) -> Vec<Order> {
        std::mem::take(&mut *self.0.1.borrow_mut())
    }

    /// What was asked of A among it.
    pub fn asked(&self) -> Vec<Command> {
        let orders = self.orders().into_iter();
        orders
            .filter_map(|order| order.command_for(Side::A))
            .collect()
    }

    /// How it stands, to be read or changed.
    pub fn snapshot(&self) -> std::cell::RefMut<'_, Snapshot> {
        self.0.0.borrow_mut()
    }

    /// The experiments among it.
    pub fn configured(&self) -> Vec<Experiment> {
        let experiment = |command| match command {
            Command::Configure { experiment, .. } => Some(*experiment),
            _ => None,
        };
        self.asked().into_iter().filter_map(experiment).collect()
    }
}

impl LabHandle for Still {
    fn send(&self, order: Order) {
        let command = order.clone().command_for(Side::A);
        if let Some(Command::Configure { experiment, .. }) = command {
            self.0.0.borrow_mut().experiment = Arc::new(*experiment);
        }
        self.0.1.borrow_mut().push(order);
    }

    fn snapshots(&self) -> Snapshots {
        Snapshots::one(Arc::new(self.0.0.borrow().clone()))
    }
}

/// A lab that is driven in place: what is asked for is there in the next frame. Remembers what that was.
#[derive(Clone)]
pub struct Driven(Rc<(RefCell<Pair>, RefCell<Vec<Order>>)>);

impl Driven {
    /// An experiment on an engine of its own; further engines are of the wanted kind, on the tests' device.
    pub fn new(experiment: Experiment, choice: EngineChoice) -> Self {
        let factory: EngineFactory = Arc::new(|choice| -> Result<Box<dyn Engine>, _> {
            match choice {
                EngineChoice::Cpu => Ok(Box::new(CpuEngine::new())),
                EngineChoice::Gpu | EngineChoice::Auto => {
                    Ok(Box::new(GpuEngine::new(CONTEXT.clone())?))
                }
            }
        });
        let engine = factory(choice).unwrap();
        let session = Session::new(Setup::new(experiment).unwrap(), engine, factory).unwrap();
        let lab = Self(Rc::new((
            RefCell::new(Pair::new(session)),
            RefCell::default(),
        )));
        // A lab that is driven in place would train for ever.
        lab.train_until(0);
        lab
    }

    /// Train no further than this.
    pub fn train_until(&self, step: u64) {
        self.pair(|pair| pair.train_until(step));
    }

    /// What was asked for since the last call.
    pub fn asked(&self) -> Vec<Order> {
        std::mem::take(&mut *self.0.1.borrow_mut())
    }

    /// The two experiments themselves.
    pub fn pair<R>(&self, look: impl FnOnce(&mut Pair) -> R) -> R {
        look(&mut self.0.0.borrow_mut())
    }
}

impl LabHandle for Driven {
    fn send(&self, order: Order) {
        self.0.1.borrow_mut().push(order.clone());
        self.0.0.borrow_mut().handle(order);
    }

    fn snapshots(&self) -> Snapshots {
        let mut pair = self.0.0.borrow_mut();
        while !pair.tick(Duration::from_millis(50)).idle {}
        pair.snapshots()
    }
}

/// A session whose network has no weight but 0, on plain Rust: what is asked for is there in the next frame.
#[derive(Clone)]
pub struct Zeros(pub Rc<RefCell<Session>>);

impl Zeros {
    /// At the beginning of this experiment.
    pub fn new(experiment: Experiment) -> Self {
        let weights = vec![0.0; experiment.shape().parameters()];
        let factory: EngineFactory = Arc::new(|choice| engine::create(choice, None));
        let engine = factory(EngineChoice::Cpu).unwrap();
        let setup = Setup::new(experiment).unwrap();
        Self(Rc::new(RefCell::new(
            Session::resume(setup, ModelState::fresh(weights), engine, factory).unwrap(),
        )))
    }

    /// N(0, I) as data: of a network whose every weight is 0, ε̂ is 0 everywhere.
    pub fn of_a_gaussian(schedule: Schedule) -> Self {
        Self::new(Experiment {
            data: DataSource::Shape(noise_compass::data::shapes::Shape::Gaussian),
            schedule,
            width: 32,
            depth: 1,
            ..Experiment::default()
        })
    }
}

impl LabHandle for Zeros {
    fn send(&self, order: Order) {
        let Some(command) = order.command_for(Side::A) else {
            return;
        };
        self.0.borrow_mut().handle(command);
    }

    fn snapshots(&self) -> Snapshots {
        let mut session = self.0.borrow_mut();
        while !session.tick(Duration::from_millis(50)).idle {}
        Snapshots::one(Arc::new(session.snapshot()))
    }
}

/// Let the window answer, and what it computes by itself arrive.
pub fn settle(window: &mut Harness<'_, LabApp>) {
    window.run_steps(3);
    while window.state_mut().is_busy() {
        std::thread::sleep(Duration::from_millis(5));
        window.run_steps(1);
    }
    window.run_steps(2);
}

/// A window on a lab, when all that its chapter computes is there.
pub fn window(
    lab: impl LabHandle + 'static,
    chapter: Chapter,
    light: bool,
) -> Harness<'static, LabApp> {
    let mut harness = Harness::builder()
        .with_size(Vec2::new(1280.0, 800.0))
        .with_theme(if light {
            egui::Theme::Light
        } else {
            egui::Theme::Dark
        })
        .with_render_cursor(false)
        .wgpu_setup(WgpuSetup::Existing(DEVICE.clone()))
        .build_eframe(move |cc| {
            theme::install(&cc.egui_ctx);
            let format = cc
                .wgpu_render_state
                .as_ref()
                .map(|state| state.target_format);
            assert!(format.is_some(), "the canvas must be painted");
            LabApp::new(
                Desk::new(Box::new(lab), format, true, light),
                Pace::new(true),
                chapter,
            )
        });
    settle(&mut harness);
    harness
}

/// A file as the desktop hands it over.
#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("not needed".into())
    }
}

/// Drop a file on the window and let it answer.
pub fn drop_on(window: &mut Harness<'_, LabApp>, path: &Path) {
    let file: egui::DroppedFileHandle = Arc::new(Dropped(path.to_path_buf()));
    window.input_mut().dropped_files.push(file);
    window.run_steps(3);
}

/// Click a control and let the window answer.
pub fn click(harness: &mut Harness<'_, LabApp>, name: &str) {
    harness.get_by_label(name).click();
    harness.run_steps(3);
}

/// A text that is painted.
pub struct Painted {
    pub text: String,
    /// Size of its first letter, in points.
    pub size: f32,
    /// Its lines.
    pub rect: Rect,
    /// Its ink.
    pub ink: Rect,
    /// What of the window shows it.
    pub clip: Rect,
    /// It is turned.
    pub is_turned: bool,
}

/// Every text that is painted, in its order.
pub fn painted(window: &Harness<'_, LabApp>) -> Vec<Painted> {
    fn texts(shape: &Shape, clip: Rect, found: &mut Vec<Painted>) {
        match shape {
            Shape::Text(text) => {
                let sections = &text.galley.job.sections;
                found.push(Painted {
                    text: text.galley.text().to_owned(),
                    size: sections.first().map_or(0.0, |s| s.format.font_id.size),
                    rect: text.galley.rect.translate(text.pos.to_vec2()),
                    ink: shape.visual_bounding_rect(),
                    clip,
                    is_turned: text.angle != 0.0,
                });
            }
            Shape::Vec(shapes) => shapes.iter().for_each(|s| texts(s, clip, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for clipped in &window.output().shapes {
        texts(&clipped.shape, clipped.clip_rect, &mut found);
    }
    found
}

/// Every text that is painted, legends included.
pub fn texts(window: &Harness<'_, LabApp>) -> Vec<String> {
    let painted = painted(window).into_iter();
    painted.map(|painted| painted.text).collect()
}

/// The first label or value that begins with `name`, whole.
pub fn find(harness: &Harness<'_, LabApp>, name: &str) -> Option<String> {
    let begins = |text: Option<String>| text.filter(|text| text.starts_with(name));
    let node = harness
        .query_all_by(|node| {
            begins(node.value())
                .or_else(|| begins(node.label()))
                .is_some()
        })
        .next()?;
    let node = node.accesskit_node();
    begins(node.value()).or_else(|| begins(node.label()))
}

/// Compare with the stored picture of this name, which is lavapipe's: elsewhere it is drawn and not compared.
pub fn compare(window: &mut Harness<'_, LabApp>, name: &str) {
    let adapter = DEVICE.adapter.get_info();
    if adapter.name.starts_with("llvmpipe") {
        // Lines of text may move by a fraction of a pixel between versions of the driver.
        window.snapshot_options(
            name,
            &SnapshotOptions::new().threshold(1.2).max_failed_pixels(400),
        );
    } else {
        window.render().unwrap();
        eprintln!(
            "{name}: drawn, not compared: the stored picture is lavapipe's, this is {}",
            adapter.name
        );
    }
}
