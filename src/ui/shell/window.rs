//! The window's size: it fits the screen that it opens on, and what is in it fits the window.

use std::sync::{Arc, Mutex, PoisonError};

use egui::{Context, Vec2, ViewportBuilder, ViewportCommand, vec2};

/// What the window would like to have, in points.
const WANTED: Vec2 = vec2(1280.0, 800.0);
/// The least that everything has room in, also of two experiments. In a smaller window everything is drawn smaller.
const LEAST: Vec2 = vec2(1180.0, 700.0);
/// As small as the window can be made.
const SMALLEST: Vec2 = vec2(480.0, 300.0);
/// What a title bar and edges take, until the window knows its own.
const FRAME: Vec2 = vec2(4.0, 40.0);
/// Frames until a window without title bar is taken to have none.
const PATIENCE: u32 = 120;

/// How the window opens.
pub fn builder() -> ViewportBuilder {
    ViewportBuilder::default()
        .with_inner_size(WANTED)
        .with_min_inner_size(SMALLEST)
        .with_icon(super::icon::icon())
}

/// Let a window fit its screen, and its contents the window, from the next frame on.
pub fn keep_fitting(ctx: &Context) {
    let fit = Mutex::new(Fit::default());
    ctx.on_begin_pass(
        "fit the window",
        Arc::new(move |ui| {
            fit.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .begin_pass(ui.ctx());
        }),
    );
}

/// What is remembered of the window's size.
#[derive(Debug, Default)]
struct Fit {
    /// The zoom that the user chose, where it is not what was last set here.
    chosen: Option<f32>,
    set: Option<f32>,
    /// The zoom of the last pass, and the frame in which it came to hold.
    last: Option<(f32, u64)>,
    /// Frames in which the window was held against its screen.
    frames: u32,
    /// The window was held against its screen with its own title bar.
    fits: bool,
}

impl Fit {
    fn begin_pass(&mut self, ctx: &Context) {
        let zoom = ctx.zoom_factor();
        // Before zoom: as the system counts.
        let inner = zoom * ctx.content_rect().size();
        if self.set != Some(zoom) {
            self.chosen = Some(zoom);
        }
        // In the frame in which another zoom comes to hold, what the system told of the screen is still by the one before.
        let frame = ctx.cumulative_frame_nr();
        let (_, since) = *self.last.insert(
            self.last
                .filter(|(last, _)| *last == zoom)
                .unwrap_or((zoom, frame)),
        );
        let settled = since == 0 || frame > since;
        // A size is given in points: the zoom stays as it is until the window has it.
        if settled && self.fit_screen(ctx, inner) {
            return;
        }
        let fitting = zoom_for(self.chosen.unwrap_or(1.0), inner);
        if (fitting - zoom).abs() > 0.002 {
            ctx.set_zoom_factor(fitting);
            self.set = Some(fitting);
        }
    }

    /// True where the window was told another size.
    fn fit_screen(&mut self, ctx: &Context, inner: Vec2) -> bool {
        if self.fits {
            return false;
        }
        let (screen, rects, grown) = ctx.input(|i| {
            let viewport = i.viewport();
            let grown = viewport.maximized == Some(true) || viewport.fullscreen == Some(true);
            (
                viewport.monitor_size,
                viewport.outer_rect.zip(viewport.inner_rect),
                grown,
            )
        });
        let zoom = ctx.zoom_factor();
        let Some(screen) = screen.map(|size| zoom * size).filter(|_| !grown) else {
            return false;
        };
        // Both of one moment: the contents may be of another.
        let frame = rects
            .map(|(outer, inside)| zoom * (outer.size() - inside.size()))
            .filter(|frame| frame.y > 1.0);
        self.frames += 1;
        self.fits = frame.is_some() || self.frames > PATIENCE;
        let room = screen - frame.unwrap_or(FRAME);
        let large = inner.x > room.x + 0.5 || inner.y > room.y + 0.5;
        if large {
            ctx.send_viewport_cmd(ViewportCommand::InnerSize(inner.min(room) / zoom));
        }
        large
    }
}

/// The zoom at which a window of this size (points at zoom 1) has room for everything: the chosen one, or less.
fn zoom_for(chosen: f32, inner: Vec2) -> f32 {
    let most = (inner / LEAST).min_elem();
    // A window that is being made has no size yet.
    if most > 0.1 { chosen.min(most) } else { chosen }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_shrink_with_the_window_and_never_grow_beyond_what_was_chosen() {
        for (chosen, inner, zoom) in [
            (1.0, vec2(1280.0, 800.0), 1.0),
            (1.0, vec2(1180.0, 700.0), 1.0),
            (1.0, vec2(590.0, 800.0), 0.5),
            (1.0, vec2(885.0, 600.0), 0.75),
            (1.0, vec2(1180.0, 350.0), 0.5),
            (1.5, vec2(3840.0, 2160.0), 1.5),
            (1.5, vec2(1475.0, 900.0), 1.25),
            (1.0, vec2(0.0, 0.0), 1.0),
        ] {
            assert!((zoom_for(chosen, inner) - zoom).abs() < 1e-3, "{inner}");
        }
    }

    /// A window on a screen, frame by frame, as the system would tell it.
    struct Desktop {
        screen: Vec2,
        frame: Vec2,
        inner: Vec2,
    }

    impl Desktop {
        fn show(&mut self, ctx: &Context, frames: u32) {
            for index in 0..frames {
                let zoom = ctx.zoom_factor();
                let mut input = egui::RawInput {
                    screen_rect: Some(egui::Rect::from_min_size(
                        egui::Pos2::ZERO,
                        self.inner / zoom,
                    )),
                    ..Default::default()
                };
                let viewport = input.viewports.get_mut(&egui::ViewportId::ROOT).unwrap();
                viewport.monitor_size = Some(self.screen / zoom);
                // The title bar is there from the third frame on.
                let outer = self.inner + if index > 2 { self.frame } else { Vec2::ZERO };
                viewport.outer_rect =
                    Some(egui::Rect::from_min_size(egui::Pos2::ZERO, outer / zoom));
                viewport.inner_rect = Some(egui::Rect::from_min_size(
                    egui::Pos2::ZERO,
                    self.inner / zoom,
                ));
                let output = ctx.run_ui(input, |_| {});
                for command in &output.viewport_output[&egui::ViewportId::ROOT].commands {
                    if let ViewportCommand::InnerSize(size) = command {
                        // By the zoom that holds by then.
                        self.inner = *size * ctx.zoom_factor();
                    }
                }
            }
        }
    }

    /// On every screen and at every scale the window lies within it with its title bar, and has room for everything.
    #[test]
    fn the_window_and_its_title_bar_fit_every_screen() {
        for [width, height] in [
            [1366.0, 768.0],
            [1280.0, 800.0],
            [1280.0, 720.0],
            [1920.0, 1080.0],
            [3840.0, 2160.0],
        ] {
            for scale in [1.0, 1.5, 2.0] {
                for title in [0.0, 22.0, 37.0, 60.0] {
                    let screen = vec2(width, height) / scale;
                    let ctx = Context::default();
                    keep_fitting(&ctx);
                    // As eframe opens it: no larger than the screen.
                    let mut desktop = Desktop {
                        screen,
                        frame: vec2(2.0, title),
                        inner: WANTED.min(screen),
                    };
                    desktop.show(&ctx, PATIENCE + 8);
                    let outer = desktop.inner + desktop.frame;
                    let what = format!("{width}×{height} at {scale}, title {title}: {outer}");
                    assert!(
                        outer.x <= screen.x + 0.6 && outer.y <= screen.y + 0.6,
                        "{what}"
                    );
                    let largest = WANTED.min(screen - FRAME.max(desktop.frame));
                    assert!(
                        desktop.inner.x >= largest.x - 1.0 && desktop.inner.y >= largest.y - 1.0,
                        "{what}"
                    );
                    let room = desktop.inner / ctx.zoom_factor();
                    assert!(
                        room.x >= LEAST.x - 1.0 && room.y >= LEAST.y - 1.0,
                        "{what}: {room}"
                    );
                    if screen.x > 1300.0 && screen.y > 900.0 {
                        assert_eq!((desktop.inner, ctx.zoom_factor()), (WANTED, 1.0), "{what}");
                    }
                    // What the user then chooses is left alone.
                    desktop.inner = vec2(2000.0, 1500.0);
                    desktop.show(&ctx, 3);
                    assert_eq!(desktop.inner, vec2(2000.0, 1500.0), "{what}");
                }
            }
        }
    }
}
