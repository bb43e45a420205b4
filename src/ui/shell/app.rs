//! The window's contents: everything that is drawn, whether on a screen, in a test, or into a picture.

mod news;
mod sides;

use std::sync::Arc;

use egui::{Context, Key, Modifiers, Ui};

use crate::chapters::{Chapter, Pages};
use crate::clock::next_stop;
use crate::desk::Desk;
use crate::desk::repaint::Pace;
use crate::shell::closing::Closing;
use crate::shell::compare;
use crate::shell::focus_ring;
use crate::shell::help::{self, HelpPage};
use crate::shell::lessons::Lesson;
use crate::shell::picture::Pictures;
use crate::shell::remember::{self, Remember};
use crate::shell::rooms::{Rooms, Wanted};
use crate::shell::sheet::Sheets;
use crate::shell::stage::{Arrangement, Book, Stage};
use crate::shell::strip;
use crate::shell::toasts::Toasts;
use crate::shell::tour;
use crate::shell::{clock_bar, rail, top_bar};
use engine::gpu::GpuContext;
use lab::message::{Command, Notice, Order, Side};
use maths::data::dataset::FileStamp;

/// Keys that open the chapters, in their order.
const NUMBER_KEYS: [Key; 11] = [
    Key::Num1,
    Key::Num2,
    Key::Num3,
    Key::Num4,
    Key::Num5,
    Key::Num6,
    Key::Num7,
    Key::Num8,
    Key::Num9,
    Key::Num0,
    Key::Minus,
];

/// The lab's window.
pub struct LabApp {
    /// What all parts share.
    pub desk: Desk,
    /// The open chapters of A and of B.
    chapters: [Chapter; 2],
    /// The device that pictures are painted on; `None` saves none.
    pub painter: Option<Arc<GpuContext>>,
    /// How two experiments share the canvas.
    pub stage: Stage,
    /// The side that menus and panel set.
    focus: Side,
    /// The chapters that the last frame showed.
    shown: [Chapter; 2],
    pages: [Pages; 2],
    was_split: bool,
    pace: Pace,
    toasts: Toasts,
    pictures: Pictures,
    notices_seen: [u64; 2],
    /// The files of which it was told what was taken for granted.
    files_told: Vec<FileStamp>,
    frame_seen: Option<u64>,
    /// How the window closes.
    pub closing: Closing,
    /// The sheet beside the canvas.
    pub sheets: Sheets,
    /// The lesson whose text is on the screen.
    lesson: Option<Lesson>,
    /// The panel of the chapter stands open.
    pub panel_open: bool,
    /// The step of the tour that is on show.
    pub tour: Option<usize>,
    /// The help, while it is open.
    help: Option<HelpPage>,
    /// What is left for the next start; `None` leaves nothing.
    pub remember: Option<Remember>,
}

/// How many notices an experiment has told.
fn notices_told(desk: &Desk, side: Side) -> u64 {
    desk.side_state(side)
        .map_or(0, |side_state| side_state.snapshot.notices.told())
}

impl LabApp {
    /// A window on a desk.
    pub fn new(desk: Desk, pace: Pace, chapter: Chapter) -> Self {
        Self {
            notices_seen: Side::BOTH.map(|side| notices_told(&desk, side)),
            files_told: Vec::new(),
            was_split: desk.is_split(),
            desk,
            chapters: [chapter; 2],
            painter: None,
            stage: Stage::default(),
            focus: Side::A,
            shown: [chapter; 2],
            pages: Default::default(),
            pace,
            toasts: Toasts::default(),
            pictures: Pictures::default(),
            frame_seen: None,
            closing: Closing::default(),
            sheets: Sheets::default(),
            lesson: None,
            panel_open: true,
            tour: None,
            help: None,
            remember: None,
        }
    }

    /// Open as the lab was left, and remember it from here on.
    pub fn open_as_left(&mut self, ctx: &Context, remember: Remember) {
        self.chapters = [remember::chapter(remember.memory()); 2];
        self.shown = self.chapters;
        self.desk.light = remember.memory().light.unwrap_or(self.desk.light);
        if let Some(size) = remember.memory().type_size {
            ctx.set_zoom_factor(size);
        }
        self.remember = Some(remember);
    }

    /// The open chapter of the side that menus and panel set.
    pub fn chapter(&self) -> Chapter {
        self.chapters[self.focus.index()]
    }

    /// Tell the user something.
    pub fn tell(&mut self, notice: Notice) {
        self.toasts.add(notice, 0.0);
    }

    /// What happens once a frame before anything is drawn, also while the window is hidden.
    pub fn tick(&mut self, ctx: &Context) {
        self.pace.watch_hidden(ctx, self.desk.lab());
        // A frame of several passes comes here several times.
        let frame = ctx.cumulative_frame_nr();
        if self.frame_seen == Some(frame) {
            return;
        }
        self.frame_seen = Some(frame);
        log::trace!("frame {frame}, step {}", self.desk.here.snapshot.step);
        self.pace.begin_frame();
        self.pace
            .fit_interval(ctx.content_rect().area() * ctx.pixels_per_point().powi(2));
        self.take_news();
        self.desk.tick_clocks(ctx.input(|i| i.time));
        self.take_files(ctx.input(|i| i.time));
        self.take_dropped(ctx);
        self.take_notices(ctx.input(|i| i.time));
        self.take_pictures(ctx);
        self.closing.tick(ctx, &self.desk);
        let chapter = self.chapter();
        if let Some(remember) = &mut self.remember
            && let Some(notice) = remember.tick(ctx, &self.desk, chapter, self.lesson)
        {
            self.tell(notice);
        }
        let theme = if self.desk.light {
            egui::Theme::Light
        } else {
            egui::Theme::Dark
        };
        if ctx.theme() != theme {
            ctx.set_theme(theme);
        }
    }

    /// Take the latest snapshots; the pages go with their experiments.
    fn take_news(&mut self) {
        if self.desk.take_news() % 2 == 1 {
            self.pages.swap(0, 1);
            self.shown.swap(0, 1);
            self.notices_seen.swap(0, 1);
        }
        let split = self.desk.is_split();
        if split != self.was_split {
            // What begins beside A shows things as A does; what ended is forgotten.
            self.was_split = split;
            let [a, b] = &mut self.pages;
            *b = Pages::default();
            for chapter in Chapter::ALL {
                b.show_as(a, chapter);
                b.follow_hand(a, chapter);
            }
            self.chapters[1] = self.chapters[0];
            self.shown[1] = self.chapters[0];
            self.focus = Side::A;
            self.desk.turn_to(Side::A);
            if !split {
                self.lesson = None;
            }
            // B is a session that begins now: whatever it has said is news.
            self.notices_seen[1] = 0;
        }
    }

    /// Keys that mean the same everywhere, unless somebody types; Space and the arrows belong to a control while it has the keyboard.
    fn keys(&mut self, ctx: &Context) {
        let focused = ctx.memory(egui::Memory::focused);
        let types = focused.is_some_and(|id| egui::TextEdit::load_state(ctx, id).is_some());
        if types || ctx.any_popup_open() {
            return;
        }
        let pressed =
            |modifiers: Modifiers, key: Key| ctx.input_mut(|i| i.consume_key(modifiers, key));
        if pressed(Modifiers::NONE, Key::F1) || ctx.input(|i| i.key_pressed(Key::Questionmark)) {
            self.help = match self.help {
                Some(_) => None,
                None => Some(HelpPage::default()),
            };
        }
        if pressed(Modifiers::NONE, Key::F11) {
            let full = ctx.input(|i| i.viewport().fullscreen.unwrap_or(false));
            ctx.send_viewport_cmd(egui::ViewportCommand::Fullscreen(!full));
        }
        if pressed(Modifiers::NONE, Key::P) {
            self.panel_open = !self.panel_open;
        }
        if pressed(Modifiers::NONE, Key::W) {
            let open = self.sheets.is_open(ctx.content_rect().width());
            self.sheets.open = Some(!open);
        }
        for (index, key) in NUMBER_KEYS.into_iter().take(3).enumerate() {
            if pressed(Modifiers::ALT, key) {
                self.begin_try(index);
            }
        }
        for (key, chapter) in NUMBER_KEYS.into_iter().zip(Chapter::ALL) {
            if pressed(Modifiers::NONE, key) {
                self.open_chapter(chapter);
            }
        }
        let focus = self.focus.index();
        let page = self.pages[focus].page(self.chapters[focus]);
        // The thumb moves as the key points.
        let along = if page.generates() { -1.0 } else { 1.0 };
        if pressed(Modifiers::NONE, Key::R) {
            page.reset(&mut self.desk);
        }
        if focused.is_some() {
            return;
        }
        if pressed(Modifiers::NONE, Key::Space) {
            page.play(&mut self.desk);
        }
        for (key, sign) in [(Key::ArrowLeft, -1.0), (Key::ArrowRight, 1.0)] {
            for (modifiers, step) in [(Modifiers::SHIFT, 0.1), (Modifiers::NONE, 0.01)] {
                if pressed(modifiers, key) {
                    let tau = next_stop(self.desk.here.clock.tau, step, along * sign);
                    self.desk.here.clock.set(tau);
                }
            }
        }
    }

    /// True where the open chapter of the side that menus and panel set runs its clock from noise to data.
    fn generates(&mut self) -> bool {
        let focus = self.focus.index();
        self.pages[focus].page(self.chapters[focus]).generates()
    }

    /// Leave the chapters that are no longer open, and let those that are do what they must.
    fn open_pages(&mut self, ctx: &Context) {
        for &side in self.desk.sides() {
            let index = side.index();
            self.desk.turn_to(side);
            if self.shown[index] != self.chapters[index] {
                self.pages[index]
                    .page(self.shown[index])
                    .leave(&mut self.desk);
                self.shown[index] = self.chapters[index];
                log::debug!("chapter {}", self.chapters[index].name());
            }
            self.pages[index]
                .page(self.chapters[index])
                .prepare(ctx, &mut self.desk);
        }
        self.desk.turn_to(self.focus);
    }

    /// Draw the chapter's figure alone over the whole of `ui`: canvases, plots and legends, and nothing to be clicked.
    pub fn show_figure(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let (focus, points) = (self.focus, self.desk.links.points);
        self.desk.turn_to(focus);
        self.book().spread(focus, points);
        self.open_pages(&ctx);
        let mut book = Book {
            pages: &mut self.pages,
            chapters: self.chapters,
            focus,
        };
        self.stage
            .show(ui, ui.max_rect(), &mut self.desk, &mut book);
    }

    /// Draw everything over the whole of `ui`.
    pub fn show(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.desk.turn_to(self.focus);
        self.keys(&ctx);
        let window = ui.max_rect();

        let sheet_open = self.sheets.is_open(window.width()) && !self.desk.still;
        let rooms = Rooms::of(
            window,
            Wanted {
                split: self.desk.is_split(),
                strip: strip::height(&self.desk),
                sheet: sheet_open,
                panel: self.panel_open,
            },
        );
        let Rooms {
            top,
            comparison,
            rail,
            centre,
            sheet,
            panel,
            clock,
            strip,
            middle,
        } = rooms;

        // Only what the canvas does not fill: on a software adapter every painted pixel counts.
        let palette = self.desk.palette();
        for rect in [top, comparison, rail, panel, clock, strip] {
            ui.painter().rect_filled(rect, 0.0, palette.panel);
        }
        let mut open = None;
        let mut help = false;
        top_bar::top_bar_ui(
            ui,
            top,
            &mut self.desk,
            &mut self.focus,
            &mut open,
            &mut help,
        );
        if help {
            self.help.get_or_insert_default();
        }
        self.desk.turn_to(self.focus);
        if self.desk.is_split() {
            compare::bar_ui(ui, comparison, &mut self.desk, &mut self.stage, &mut open);
        }
        rail::rail_ui(ui, rail, &mut self.chapters, self.focus, &self.desk);
        if let Some(lesson) = open {
            self.begin_lesson(lesson);
        }
        if let Some(side) = self.desk.draw_wanted {
            self.chapters[side.index()] = Chapter::Training;
        }
        if let Some(door) = self.desk.door.take() {
            let focus = self.focus.index();
            self.chapters[focus] = Chapter::Algorithm;
            self.pages[focus].page(Chapter::Algorithm).come_in(door);
        }
        if self.desk.links.chapter {
            self.chapters[self.focus.other().index()] = self.chapter();
        }
        let generates = self.generates();
        clock_bar::clock_bar_ui(ui, clock, &mut self.desk, generates);
        strip::strip_ui(ui, strip, &mut self.desk);
        // Before the pages ask for anything, and again for what the panel changes.
        let (focus, points) = (self.focus, self.desk.links.points);
        self.book().spread(focus, points);
        self.open_pages(&ctx);
        if self.panel_open {
            self.panel_ui(ui, panel);
        }
        self.fold_ui(ui, panel);
        self.sheet_ui(ui, sheet, sheet_open);
        let mut book = Book {
            pages: &mut self.pages,
            chapters: self.chapters,
            focus,
        };
        book.spread(focus, points);
        self.stage.show(ui, centre, &mut self.desk, &mut book);
        if !self.generates() && self.desk.here.clock.speed < 0.0 {
            // The other side's chapter, whose clock this is too, generates: who has the panel says where it runs.
            self.desk.here.clock.speed = 1.0;
        }

        let palette = self.desk.palette();
        let line = (1.0, palette.line);
        for y in [top.bottom(), comparison.bottom(), clock.top(), strip.top()] {
            ui.painter().hline(window.x_range(), y, line);
        }
        for x in [centre.left(), panel.left()] {
            ui.painter().vline(x, middle.y_range(), line);
        }
        if !self.desk.still {
            self.toasts.show(&ctx, centre.right_bottom(), palette);
            self.closing.question_ui(&ctx, &self.desk);
            if let Some(step) = self.tour {
                self.tour = tour::tour_ui(&ctx, step, &rooms, palette);
            }
            if let Some(page) = &mut self.help
                && !help::help_ui(&ctx, page, palette)
            {
                self.help = None;
            }
            focus_ring::focus_ring_ui(&ctx, palette);
            let animating = self
                .desk
                .side_states()
                .any(|(_, side_state, _)| side_state.clock.playing);
            self.pace.end_frame(&ctx, animating, self.desk.lab());
        }
    }

    /// Open a chapter on the side that menus and panel set, and where linked on the other.
    pub fn open_chapter(&mut self, chapter: Chapter) {
        self.chapters[self.focus.index()] = chapter;
        if self.desk.links.chapter {
            self.chapters = [chapter; 2];
        }
    }

    /// Begin a lesson: its two experiments, its chapter, and its text.
    pub fn begin_lesson(&mut self, lesson: Lesson) {
        let experiments = lesson.experiments(&self.desk.here.draft);
        self.desk.order(Order::Compare(Box::new(experiments)));
        self.desk.order(Command::Play);
        self.chapters = [lesson.chapter(); 2];
        for &side in self.desk.sides() {
            self.pages[side.index()]
                .page(lesson.chapter())
                .show_learned();
        }
        if lesson.chapter() != Chapter::Training {
            // At the end of the chain, where the two look different.
            self.desk.here.clock.set(0.0);
        }
        if lesson.is_told_by_colours() {
            // On one canvas each side has one colour.
            self.stage.arrangement = Arrangement::Beside;
        }
        self.lesson = Some(lesson);
        self.sheets.open = Some(true);
    }

    /// True while an open chapter computes something of its own.
    pub fn is_busy(&mut self) -> bool {
        let mut sides = self.desk.sides().iter();
        sides.any(|side| {
            self.pages[side.index()]
                .page(self.chapters[side.index()])
                .is_busy()
        })
    }

    /// The pages of both sides.
    fn book(&mut self) -> Book<'_> {
        Book {
            pages: &mut self.pages,
            chapters: self.chapters,
            focus: self.focus,
        }
    }
}

impl eframe::App for LabApp {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.tick(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.show(ui);
    }

    fn on_exit(&mut self) {
        if let Some(remember) = &mut self.remember {
            remember.close();
        }
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        self.desk.palette().panel.to_normalized_gamma_f32()
    }
}
