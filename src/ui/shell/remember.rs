//! What the window takes over from the last start, and what it leaves for the next: theme, place and size, chapter, size of
//! type, and the last experiment.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{Context, Vec2, ViewportCommand};

use crate::chapters::Chapter;
use crate::desk::Desk;
use crate::shell::lessons::Lesson;
use crate::shell::window;
use lab::experiment::Experiment;
use lab::memory::{Memory, MemoryFile, WindowPlace, from_anywhere};
use lab::message::{Notice, Side};

/// The memory of a window.
pub struct Remember {
    file: MemoryFile,
    memory: Memory,
    /// The theme that was seen last: one that nobody chose follows the system.
    light: Option<bool>,
    /// The experiment that is remembered, as the lab has it.
    experiment: Option<Arc<Experiment>>,
    /// The window is still to fill the screen, as it did.
    fills: bool,
}

impl Remember {
    /// Read the file, if there is one. In one sentence, what is wrong with it.
    pub fn open(file: PathBuf) -> (Self, Option<String>) {
        let (file, memory, wrong) = MemoryFile::open(file);
        let remember = Self {
            fills: memory.window.is_some_and(|window| window.maximised),
            file,
            memory,
            light: None,
            experiment: None,
        };
        (remember, wrong)
    }

    /// What was remembered, and by now is to be.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Once a frame: see how things stand, and write it where it has changed, though not at every moment. The experiment of a
    /// `lesson` is nobody's own: that from before it stays.
    pub fn tick(
        &mut self,
        ctx: &Context,
        desk: &Desk,
        chapter: Chapter,
        lesson: Option<Lesson>,
    ) -> Option<Notice> {
        fill_screen(ctx, &mut self.fills);
        self.see(ctx, desk, chapter);
        if lesson.is_none() {
            self.see_experiment(desk);
        }
        let due = self.file.due_in(&self.memory)?;
        if !due.is_zero() {
            ctx.request_repaint_after(due);
            return None;
        }
        self.file.write(&self.memory).err().map(Notice::Error)
    }

    fn see(&mut self, ctx: &Context, desk: &Desk, chapter: Chapter) {
        if self
            .light
            .replace(desk.light)
            .is_some_and(|light| light != desk.light)
        {
            self.memory.light = Some(desk.light);
        }
        self.memory.window = place_of(ctx, self.memory.window);
        if self.memory.chapter.as_deref() != Some(chapter.name()) {
            self.memory.chapter = Some(chapter.name().to_owned());
        }
        self.memory.type_size = Some(window::chosen_zoom(ctx));
    }

    fn see_experiment(&mut self, desk: &Desk) {
        let Some(state) = desk.side_state(Side::A) else {
            return;
        };
        let experiment = &state.snapshot.experiment;
        if !self
            .experiment
            .as_ref()
            .is_some_and(|seen| Arc::ptr_eq(seen, experiment))
        {
            self.experiment = Some(experiment.clone());
            self.memory.experiment = Some(from_anywhere(experiment));
        }
    }

    /// The window closes: write what is not yet written.
    pub fn close(&mut self) {
        if let Err(error) = self.file.write(&self.memory) {
            log::warn!("{error}");
        }
    }
}

/// The chapter that was open last; the first one where there was none, or none of that name any more.
pub fn chapter(memory: &Memory) -> Chapter {
    let named = |chapter: &Chapter| memory.chapter.as_deref() == Some(chapter.name());
    Chapter::ALL
        .into_iter()
        .find(named)
        .unwrap_or(Chapter::Training)
}

/// Let a window fill the screen once it is on show. Asked for as it is made, some desktops pass over it.
fn fill_screen(ctx: &Context, fills: &mut bool) {
    if ctx.cumulative_frame_nr() >= SHOWN && std::mem::take(fills) {
        let filled = ctx.input(|i| i.viewport().maximized == Some(true));
        if !filled {
            ctx.send_viewport_cmd(ViewportCommand::Maximized(true));
        }
    }
}

/// The frame by which a window is on show: it is made unseen, and shown with its first frame.
const SHOWN: u64 = 3;

/// Where the window is. Of one that fills the screen it is where it was before, and of a minimised one nothing is new.
fn place_of(ctx: &Context, last: Option<WindowPlace>) -> Option<WindowPlace> {
    // The first frame has no size yet, where type is not of its common size.
    if ctx.cumulative_frame_nr() == 0 {
        return last;
    }
    let zoom = ctx.zoom_factor();
    let rounded = |at: Vec2| [at.x.round(), at.y.round()];
    let size = rounded(zoom * ctx.content_rect().size());
    ctx.input(|i| {
        let viewport = i.viewport();
        let is = |state: Option<bool>| state == Some(true);
        if is(viewport.minimized) || is(viewport.fullscreen) || size.iter().any(|side| *side < 1.0)
        {
            return last;
        }
        if is(viewport.maximized) {
            let before = last.unwrap_or(WindowPlace {
                size: window::WANTED.into(),
                corner: None,
                maximised: true,
            });
            return Some(WindowPlace {
                maximised: true,
                ..before
            });
        }
        let corner = viewport
            .outer_rect
            .map(|outer| rounded(zoom * outer.min.to_vec2()));
        Some(WindowPlace {
            size,
            corner,
            maximised: false,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{Pos2, RawInput, Rect, ViewportId, pos2, vec2};

    /// What is seen of a window of this inside and corner.
    fn seen(
        last: Option<WindowPlace>,
        inside: Rect,
        set: impl Fn(&mut egui::ViewportInfo),
    ) -> Option<WindowPlace> {
        let ctx = Context::default();
        let mut input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, inside.size())),
            ..RawInput::default()
        };
        let viewport = input.viewports.get_mut(&ViewportId::ROOT).unwrap();
        viewport.outer_rect = Some(inside);
        set(viewport);
        let mut place = None;
        for _ in 0..2 {
            ctx.run_ui(input.clone(), |ui| place = place_of(ui.ctx(), last))
                .drop_without_applying_deltas();
        }
        place
    }

    #[test]
    fn a_window_that_fills_the_screen_remembers_where_it_was_before() {
        let inside = Rect::from_min_size(pos2(30.0, 40.4), vec2(1500.0, 900.0));
        let whole = Rect::from_min_size(Pos2::ZERO, vec2(2560.0, 1440.0));
        let open = seen(None, inside, |_| ()).unwrap();
        assert_eq!(
            open,
            WindowPlace {
                size: [1500.0, 900.0],
                corner: Some([30.0, 40.0]),
                maximised: false
            }
        );
        let large = seen(Some(open), whole, |viewport| {
            viewport.maximized = Some(true);
        });
        assert_eq!(
            large,
            Some(WindowPlace {
                maximised: true,
                ..open
            })
        );
        for set in [
            (|viewport: &mut egui::ViewportInfo| viewport.minimized = Some(true))
                as fn(&mut egui::ViewportInfo),
            |viewport| viewport.fullscreen = Some(true),
        ] {
            assert_eq!(seen(large, whole, set), large);
        }
        assert_eq!(seen(large, inside, |_| ()), Some(open), "it is small again");
        let first = seen(None, whole, |viewport| viewport.maximized = Some(true)).unwrap();
        assert_eq!((first.size, first.maximised), (window::WANTED.into(), true));
    }

    /// It is asked for once, when the window is there, and not where the system did it.
    #[test]
    fn the_window_fills_the_screen_again() {
        for (already, asked) in [(Some(false), 1), (None, 1), (Some(true), 0)] {
            let (ctx, mut fills, mut count) = (Context::default(), true, 0);
            for frame in 0..8 {
                let mut input = RawInput::default();
                let viewport = input.viewports.get_mut(&ViewportId::ROOT).unwrap();
                viewport.maximized = already;
                let output = ctx.run_ui(input, |ui| fill_screen(ui.ctx(), &mut fills));
                let commands = &output.viewport_output[&ViewportId::ROOT].commands;
                let wish = ViewportCommand::Maximized(true);
                let wishes = commands.iter().filter(|command| **command == wish);
                let wishes = wishes.count();
                assert!(wishes == 0 || frame >= SHOWN);
                count += wishes;
                output.drop_without_applying_deltas();
            }
            assert_eq!(count, asked, "{already:?}");
        }
    }

    #[test]
    fn a_chapter_that_there_is_not_is_the_first() {
        let named = |name: &str| {
            chapter(&Memory {
                chapter: Some(name.into()),
                ..Memory::default()
            })
        };
        for known in Chapter::ALL {
            assert_eq!(named(known.name()), known);
        }
        assert_eq!(named("of tomorrow"), Chapter::Training);
        assert_eq!(chapter(&Memory::default()), Chapter::Training);
    }
}
