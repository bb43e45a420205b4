//! When to paint. The window is reactive: it paints for the hand at once, for news from the training at a measured
//! pace, and else never. On a software adapter every frame is paid for by the training.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use egui::Context;

use crate::desk::lab_handle::LabHandle;
use lab::message::{Command, Order};

/// Between two pictures of a training, where painting has its own processor.
const HARDWARE_INTERVAL: Duration = Duration::from_micros(16_600);
/// The same where painting and training share the cores: a little over 4 pictures a second.
const SOFTWARE_INTERVAL: Duration = Duration::from_millis(215);
/// Pixels of the window that the interval is for.
const REFERENCE_PIXELS: f32 = 1280.0 * 800.0;
/// Between two frames of an animation on a software adapter.
const SOFTWARE_ANIMATION: Duration = Duration::from_millis(50);
/// How long the worker yields after a sign of the hand, and how often it is told.
const YIELD: Duration = Duration::from_millis(400);
const TELL_EVERY: Duration = Duration::from_millis(150);

/// The policy, and its end in the worker's thread.
pub struct Pace {
    shared: Arc<Shared>,
    software: bool,
    told: Option<Instant>,
    hidden: bool,
}

struct Shared {
    begun: Instant,
    /// Microseconds after `begun` at which the last frame began.
    last_frame: AtomicU64,
    /// Microseconds between two pictures of a training.
    interval: AtomicU64,
    /// News was announced and not yet painted.
    pending: AtomicBool,
}

impl Shared {
    fn now(&self) -> u64 {
        self.begun.elapsed().as_micros() as u64
    }
}

impl Pace {
    /// A policy; `software`: painting runs on the processor.
    pub fn new(software: bool) -> Self {
        let interval = if software {
            SOFTWARE_INTERVAL
        } else {
            HARDWARE_INTERVAL
        };
        let shared = Shared {
            begun: Instant::now(),
            last_frame: AtomicU64::new(0),
            interval: AtomicU64::new(interval.as_micros() as u64),
            pending: AtomicBool::new(false),
        };
        Self {
            shared: Arc::new(shared),
            software,
            told: None,
            hidden: false,
        }
    }

    /// What the worker calls at news: it asks for one frame, no sooner than the pace allows.
    pub fn on_change(&self, ctx: Context) -> Box<dyn Fn() + Send> {
        let shared = self.shared.clone();
        Box::new(move || {
            if shared.pending.swap(true, Ordering::AcqRel) {
                return;
            }
            let since = Duration::from_micros(
                shared
                    .now()
                    .saturating_sub(shared.last_frame.load(Ordering::Acquire)),
            );
            let interval = Duration::from_micros(shared.interval.load(Ordering::Acquire));
            ctx.request_repaint_after(wait(interval, since));
        })
    }

    /// A frame begins: news from now on asks for another.
    pub fn begin_frame(&self) {
        self.shared
            .last_frame
            .store(self.shared.now(), Ordering::Release);
        self.shared.pending.store(false, Ordering::Release);
    }

    /// On a software adapter a frame costs as its pixels do: a large window is painted less often, so that training
    /// keeps its share.
    pub fn fit_interval(&self, pixels: f32) {
        if self.software {
            let factor = (pixels / REFERENCE_PIXELS).clamp(1.0, 4.0);
            let interval = SOFTWARE_INTERVAL.mul_f32(factor).as_micros() as u64;
            self.shared.interval.store(interval, Ordering::Release);
        }
    }

    /// A frame ends. While the hand drags or an animation runs the worker is told to yield; an animation asks for its
    /// next frame.
    pub fn end_frame(&mut self, ctx: &Context, animating: bool, lab: &dyn LabHandle) {
        let wheel =
            ctx.input(|i| i.smooth_scroll_delta() != egui::Vec2::ZERO || i.zoom_delta() != 1.0);
        if animating || wheel || ctx.egui_is_using_pointer() {
            if self.told.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
                self.told = Some(Instant::now());
                lab.send(Order::Both(Command::Interacting(YIELD)));
            }
        } else {
            self.told = None;
        }
        if animating {
            if self.software {
                ctx.request_repaint_after(SOFTWARE_ANIMATION);
            } else {
                ctx.request_repaint();
            }
        }
    }

    /// Tell the worker when the window disappears or comes back.
    pub fn watch_hidden(&mut self, ctx: &Context, lab: &dyn LabHandle) {
        let hidden = ctx.input(|i| i.viewport().visible() == Some(false));
        if hidden != self.hidden {
            self.hidden = hidden;
            lab.send(Order::Both(Command::Hidden(hidden)));
        }
        if hidden {
            // Only `App::logic` runs: it takes the news without painting.
            self.begin_frame();
        }
    }
}

/// How long to wait for the next frame, `since` the last began. Never zero: egui takes a request for "now" for two
/// frames.
fn wait(interval: Duration, since: Duration) -> Duration {
    interval.saturating_sub(since).max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn news_asks_for_one_frame_at_the_pace_and_the_next_only_after_it() {
        let ctx = Context::default();
        let asked: Arc<Mutex<Vec<Duration>>> = Arc::default();
        let log = asked.clone();
        ctx.set_request_repaint_callback(move |info| log.lock().unwrap().push(info.delay));
        let pace = Pace::new(true);
        let on_change = pace.on_change(ctx.clone());
        // A new context wants a few frames of its own.
        for _ in 0..4 {
            ctx.run_ui(egui::RawInput::default(), |_| pace.begin_frame())
                .drop_without_applying_deltas();
        }
        asked.lock().unwrap().clear();
        for _ in 0..100 {
            on_change();
        }
        let first = asked.lock().unwrap().clone();
        assert_eq!(first.len(), 1, "{first:?}");
        // egui takes off its own guess of a frame's time.
        assert!(
            first[0] > Duration::from_millis(150) && first[0] <= SOFTWARE_INTERVAL,
            "{first:?}"
        );
        pace.begin_frame();
        on_change();
        assert!(pace.shared.pending.load(Ordering::Acquire));
    }

    #[test]
    fn a_late_picture_is_drawn_soon_and_never_now() {
        let ms = Duration::from_millis;
        assert_eq!(wait(ms(200), ms(50)), ms(150));
        assert_eq!(wait(ms(200), ms(500)), ms(1));
    }
}
