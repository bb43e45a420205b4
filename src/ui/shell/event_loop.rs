//! The window's event loop: eframe's own, with a look at each event before eframe sees it.
//!
//! eframe configures the window's surface as soon as it hears of a new size, and wgpu refuses that while work is in
//! flight. Here the queue is held at the first sign of a new size, until the frame after it is painted.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use eframe::egui_wgpu::SurfaceErrorAction;
use eframe::{EframeWinitApplication, UserEvent};
use winit::application::ApplicationHandler;
use winit::event::{DeviceEvent, DeviceId, StartCause, WindowEvent};
use winit::event_loop::{ActiveEventLoop, EventLoop};
use winit::platform::run_on_demand::EventLoopExtRunOnDemand as _;
use winit::window::WindowId;

use engine::gpu::GpuContext;

/// How long after a new size frames may still find that their surface does not fit.
const UNSETTLED: Duration = Duration::from_secs(1);

/// The device that the window paints with, known once the window stands.
pub type Device = Arc<OnceLock<Arc<GpuContext>>>;

/// The screens that there are, in points, known before the window is made.
pub type Screens = Arc<OnceLock<Vec<egui::Rect>>>;

fn screens_of(event_loop: &ActiveEventLoop) -> Vec<egui::Rect> {
    let in_points = |monitor: winit::monitor::MonitorHandle| {
        let scale = monitor.scale_factor();
        let corner = monitor.position().to_logical::<f32>(scale);
        let size = monitor.size().to_logical::<f32>(scale);
        egui::Rect::from_min_size(
            egui::pos2(corner.x, corner.y),
            egui::vec2(size.width, size.height),
        )
    };
    event_loop.available_monitors().map(in_points).collect()
}

/// Run eframe's application until its window is closed.
///
/// # Errors
/// An event loop that cannot be made (no display) or that fails.
pub fn run(
    name: &str,
    options: eframe::NativeOptions,
    create: eframe::AppCreator<'_>,
    device: Device,
    screens: Screens,
) -> eframe::Result {
    let mut event_loop = EventLoop::<UserEvent>::with_user_event().build()?;
    let app = eframe::create_native(name, options, create, &event_loop);
    event_loop.run_app_on_demand(&mut Window {
        app,
        device,
        screens,
        resized: None,
    })?;
    Ok(())
}

/// What to do with a frame that the surface did not give. The queue is held first, so that a surface that is out of date
/// can be configured at once.
pub fn on_surface_status(
    device: Device,
) -> Arc<dyn Fn(&wgpu::CurrentSurfaceTexture) -> SurfaceErrorAction + Send + Sync> {
    Arc::new(move |status| {
        log::debug!("no frame to paint on: {status:?}");
        let action = match status {
            wgpu::CurrentSurfaceTexture::Outdated => SurfaceErrorAction::Reconfigure,
            wgpu::CurrentSurfaceTexture::Lost => SurfaceErrorAction::RecreateSurface,
            _ => return SurfaceErrorAction::SkipFrame,
        };
        if let Some(context) = device.get() {
            context.hold();
        }
        action
    })
}

struct Window<'a> {
    app: EframeWinitApplication<'a>,
    device: Device,
    screens: Screens,
    /// When the size last changed.
    resized: Option<Instant>,
}

impl ApplicationHandler<UserEvent> for Window<'_> {
    fn window_event(&mut self, event_loop: &ActiveEventLoop, window: WindowId, event: WindowEvent) {
        let new_size = matches!(
            event,
            WindowEvent::Resized(_)
                | WindowEvent::ScaleFactorChanged { .. }
                | WindowEvent::Occluded(_)
        );
        if new_size {
            self.resized = Some(Instant::now());
        }
        let unsettled = self.resized.is_some_and(|at| at.elapsed() < UNSETTLED);
        let paints = matches!(event, WindowEvent::RedrawRequested);
        if let Some(context) = self
            .device
            .get()
            .filter(|_| new_size || (paints && unsettled))
        {
            context.hold();
        }
        self.app.window_event(event_loop, window, event);
        if let Some(context) = self.device.get().filter(|_| new_size || paints) {
            context.release();
        }
    }

    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        self.screens.get_or_init(|| screens_of(event_loop));
        self.app.resumed(event_loop);
    }

    fn new_events(&mut self, event_loop: &ActiveEventLoop, cause: StartCause) {
        self.app.new_events(event_loop, cause);
    }

    fn user_event(&mut self, event_loop: &ActiveEventLoop, event: UserEvent) {
        self.app.user_event(event_loop, event);
    }

    fn device_event(&mut self, event_loop: &ActiveEventLoop, device: DeviceId, event: DeviceEvent) {
        self.app.device_event(event_loop, device, event);
    }

    fn about_to_wait(&mut self, event_loop: &ActiveEventLoop) {
        self.app.about_to_wait(event_loop);
    }

    fn suspended(&mut self, event_loop: &ActiveEventLoop) {
        self.app.suspended(event_loop);
    }

    fn exiting(&mut self, event_loop: &ActiveEventLoop) {
        self.app.exiting(event_loop);
    }

    fn memory_warning(&mut self, event_loop: &ActiveEventLoop) {
        self.app.memory_warning(event_loop);
    }
}
