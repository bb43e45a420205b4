//! The window's size: it fits the screen that it opens on, and what is in it fits the window.

use std::sync::{Arc, Mutex, PoisonError};

use egui::{Context, Id, Rect, Vec2, ViewportBuilder, ViewportCommand, pos2, vec2};

use lab::memory::WindowPlace;

/// What the window would like to have, in points.
pub const WANTED: Vec2 = vec2(1280.0, 800.0);
/// The least that everything has room in, also of two experiments. In a smaller window everything is drawn smaller.
const LEAST: Vec2 = vec2(1180.0, 700.0);
/// As small as the window can be made.
const SMALLEST: Vec2 = vec2(480.0, 300.0);
/// What a title bar and edges take, until the window knows its own.
const FRAME: Vec2 = vec2(4.0, 40.0);
/// Frames until a window without title bar is taken to have none.
const PATIENCE: u32 = 120;

/// As much of the upper edge is on a screen, in points, that the hand can take hold of it.
const HOLD: Vec2 = vec2(80.0, 20.0);

/// How the window opens: of the size that it had last. Its corner waits for the screens to be known ([`is_in_reach`]).
pub fn builder(last: Option<WindowPlace>) -> ViewportBuilder {
    let builder = ViewportBuilder::default()
        .with_min_inner_size(SMALLEST)
        .with_icon(super::icon::icon());
    match last {
        None => builder.with_inner_size(WANTED),
        Some(last) => builder
            .with_inner_size(Vec2::from(last.size).max(SMALLEST))
            .with_maximized(last.maximised),
    }
}

/// True where a window at this corner can be taken hold of on one of these screens: the one that it was on may be gone.
pub fn is_in_reach(place: WindowPlace, screens: &[Rect]) -> bool {
    let Some([x, y]) = place.corner else {
        return false;
    };
    let edge = Rect::from_min_size(pos2(x, y), vec2(place.size[0], FRAME.y));
    screens.iter().any(|screen| {
        let seen = edge.intersect(*screen).size();
        seen.x >= HOLD.x && seen.y >= HOLD.y
    })
}

/// The zoom that the user chose, whatever the window has room for.
pub fn chosen_zoom(ctx: &Context) -> f32 {
    ctx.data(|data| data.get_temp(Id::unique(CHOSEN)))
        .unwrap_or_else(|| ctx.zoom_factor())
}

/// Under which name the chosen zoom is known.
const CHOSEN: &str = "chosen zoom";

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
            ctx.data_mut(|data| data.insert_temp(Id::unique(CHOSEN), zoom));
        }
        // In the frame in which another zoom comes to hold, what the system told of the screen is still by the one before.
        let frame = ctx.cumulative_frame_nr();
        let (_, since) = *self.last.insert(
            self.last
                .filter(|(last, _)| *last == zoom)
                .unwrap_or((zoom, frame)),
        );
        // One that was set before the first frame finds no size yet in it.
        let settled = frame > since || (since == 0 && zoom == 1.0);
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

    #[test]
    fn a_corner_that_nobody_can_reach_is_not_taken() {
        let screens = [[0.0, 1920.0], [1920.0, 4480.0]]
            .map(|[left, right]| Rect::from_x_y_ranges(left..=right, 0.0..=1080.0));
        for (x, y, reached) in [
            (100.0, 50.0, true),
            (-1100.0, 50.0, true),
            (-1250.0, 50.0, false),
            (4300.0, 0.0, true),
            (4450.0, 0.0, false),
            (100.0, -30.0, false),
            (100.0, 1070.0, false),
            (5000.0, 3000.0, false),
        ] {
            let place = WindowPlace {
                size: [1280.0, 800.0],
                corner: Some([x, y]),
                maximised: false,
            };
            assert_eq!(is_in_reach(place, &screens), reached, "{x}, {y}");
            assert!(!is_in_reach(place, &[]));
        }
    }

    #[test]
    fn the_window_opens_as_large_as_it_was() {
        let last = WindowPlace {
            size: [1500.0, 10.0],
            corner: None,
            maximised: true,
        };
        let opened = builder(Some(last));
        assert_eq!(opened.inner_size, Some(vec2(1500.0, SMALLEST.y)));
        assert_eq!(opened.maximized, Some(true));
        assert_eq!(builder(None).inner_size, Some(WANTED));
    }

    /// Whatever the zoom that the window opens with, its size is the one that it was given.
    #[test]
    fn a_zoom_from_the_last_time_leaves_the_size() {
        for zoom in [0.7, 1.0, 1.1, 2.0] {
            let ctx = Context::default();
            keep_fitting(&ctx);
            ctx.set_zoom_factor(zoom);
            let inner = vec2(2400.0, 1500.0);
            let mut desktop = Desktop {
                screen: vec2(2560.0, 1600.0),
                frame: vec2(2.0, 22.0),
                inner,
            };
            desktop.show(&ctx, PATIENCE + 8);
            assert!(
                (desktop.inner - inner).length() < 0.5,
                "{zoom}: {}",
                desktop.inner
            );
            assert_eq!((ctx.zoom_factor(), chosen_zoom(&ctx)), (zoom, zoom));
        }
    }

    /// In a window that is too small everything is smaller; what was chosen is remembered all the same.
    #[test]
    fn what_was_chosen_is_known_in_a_small_window() {
        let ctx = Context::default();
        keep_fitting(&ctx);
        ctx.set_zoom_factor(1.3);
        let mut desktop = Desktop {
            screen: vec2(1280.0, 800.0),
            frame: vec2(2.0, 22.0),
            inner: WANTED,
        };
        desktop.show(&ctx, PATIENCE + 8);
        assert!(ctx.zoom_factor() < 1.1, "{}", ctx.zoom_factor());
        assert_eq!(chosen_zoom(&ctx), 1.3);
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
