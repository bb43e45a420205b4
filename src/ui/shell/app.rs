//! The window's contents: everything that is drawn, whether on a screen, in a test, or into a picture.

use std::sync::Arc;

use egui::{Context, Key, Modifiers, Rect, Ui, UiBuilder};

use crate::chapters::{Chapter, Pages};
use crate::desk::Desk;
use crate::desk::files::{self, Purpose};
use crate::desk::repaint::Pace;
use crate::settings::save;
use crate::shell::closing::Closing;
use crate::shell::compare;
use crate::shell::picture::{self, Drawing, PictureRequest, Pictures};
use crate::shell::stage::{Book, Stage};
use crate::shell::strip;
use crate::shell::toasts::Toasts;
use crate::shell::{clock_bar, rail, top_bar};
use crate::theme::{TITLE, strong_font};
use crate::widgets::equation::{equation_ui, named_equation_ui};
use crate::widgets::text;
use engine::gpu::GpuContext;
use lab::experiment::DataSource;
use lab::message::{Command, Notice, Side};
use maths::data::dataset::FileStamp;

const TOP_BAR: f32 = 44.0;
const COMPARISON_BAR: f32 = 40.0;
const RAIL: f32 = 150.0;
const CLOCK_BAR: f32 = 54.0;

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
        }
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
            // B is a session that begins now: whatever it has said is news.
            self.notices_seen[1] = 0;
        }
    }

    fn take_files(&mut self, now: f64) {
        while let Some((purpose, path)) = self.desk.files.take() {
            match purpose {
                Purpose::OpenCsv => self.desk.choose_data(DataSource::Csv(path)),
                Purpose::OpenModel => self.desk.open_model(path),
                Purpose::SaveModel => self.desk.send(Command::Save(path)),
                Purpose::SavePicture => {
                    if !save::order_picture(&mut self.desk) {
                        let text = format!(
                            "{} is there already; the menu File asks whether to replace it",
                            path.display()
                        );
                        self.toasts.add(Notice::Error(text), now);
                    }
                }
            }
        }
    }

    /// Open what was dropped on the window, for the side whose settings are on show.
    fn take_dropped(&mut self, ctx: &Context) {
        let dropped = ctx.input(|i| i.raw.dropped_files.clone());
        if dropped.is_empty() {
            return;
        }
        self.desk.turn_to(self.focus);
        for path in dropped.iter().map(|file| file.path().to_path_buf()) {
            match files::purpose_of(&path) {
                Some(Purpose::OpenCsv) => self.desk.choose_data(DataSource::Csv(path)),
                Some(_) => self.desk.open_model(path),
                None => {
                    let text = format!(
                        "{} is neither points nor a model; drop a CSV file, a model's directory or its model.safetensors",
                        path.display()
                    );
                    self.toasts.add(Notice::Error(text), ctx.input(|i| i.time));
                }
            }
        }
    }

    /// Lay out the picture that was asked for, and tell of those that are saved.
    fn take_pictures(&mut self, ctx: &Context) {
        let now = ctx.input(|i| i.time);
        while let Some(notice) = self.pictures.take() {
            self.toasts.add(notice, now);
        }
        let Some(order) = self.desk.files.picture_order.take() else {
            return;
        };
        let Some(painter) = self.painter.clone() else {
            let text = "this window saves no pictures; use noise-compass render".to_owned();
            self.toasts.add(Notice::Error(text), now);
            return;
        };
        if let Some(drawing) = self.lay_out(&order) {
            self.pictures
                .save(drawing, order.destination(), &painter, ctx);
        }
    }

    /// The window's contents as they stand, laid out anew for a picture.
    fn lay_out(&mut self, order: &PictureRequest) -> Option<Drawing> {
        let (light, format) = (self.desk.light, self.desk.format);
        (self.desk.light, self.desk.format, self.desk.still) =
            (order.light, Some(picture::FORMAT), true);
        let drawing = picture::lay_out(order.size, order.light, |ui| {
            self.show(ui);
            false
        });
        (self.desk.light, self.desk.format, self.desk.still) = (light, format, false);
        drawing
    }

    fn take_notices(&mut self, now: f64) {
        for (side, seen) in Side::BOTH.into_iter().zip(&mut self.notices_seen) {
            let Some(side_state) = self.desk.side_state(side) else {
                continue;
            };
            let notices = &side_state.snapshot.notices;
            for notice in notices.after(*seen) {
                let notice = if self.desk.is_split() {
                    notice.of(side)
                } else {
                    notice.clone()
                };
                self.toasts.add(notice, now);
            }
            *seen = notices.told();
        }
        // What a file left open is told of its rows, not of a session that trains on them.
        for side_state in Side::BOTH
            .into_iter()
            .filter_map(|side| self.desk.side_state(side))
        {
            let dataset = &side_state.snapshot.dataset;
            let Some(file) = dataset
                .file
                .as_ref()
                .filter(|file| !self.files_told.contains(file))
            else {
                continue;
            };
            self.files_told.push(file.clone());
            if !dataset.notices.is_empty() {
                let name = side_state.snapshot.experiment.data.title();
                self.toasts.add(
                    Notice::Info(format!("{name}: {}", dataset.notices.join("; "))),
                    now,
                );
            }
        }
    }

    /// Keys that mean the same everywhere, unless a control has the keyboard.
    fn keys(&mut self, ctx: &Context) {
        if ctx.memory(|memory| memory.focused().is_some()) || ctx.any_popup_open() {
            return;
        }
        let pressed =
            |modifiers: Modifiers, key: Key| ctx.input_mut(|i| i.consume_key(modifiers, key));
        let focus = self.focus.index();
        let page = self.pages[focus].page(self.chapters[focus]);
        if pressed(Modifiers::NONE, Key::Space) {
            page.play(&mut self.desk);
        }
        if pressed(Modifiers::NONE, Key::R) {
            page.reset(&mut self.desk);
        }
        for (key, sign) in [(Key::ArrowLeft, -1.0), (Key::ArrowRight, 1.0)] {
            for (modifiers, step) in [(Modifiers::SHIFT, 0.1), (Modifiers::NONE, 0.01)] {
                if pressed(modifiers, key) {
                    let tau = self.desk.here.clock.tau + sign * step;
                    self.desk.here.clock.set((tau * 1000.0).round() / 1000.0);
                }
            }
        }
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

    /// Draw everything over the whole of `ui`.
    pub fn show(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.desk.turn_to(self.focus);
        self.keys(&ctx);
        let window = ui.max_rect();

        let (top, below) = window.split_top_bottom_at_y(window.top() + TOP_BAR);
        let comparison = if self.desk.is_split() {
            COMPARISON_BAR
        } else {
            0.0
        };
        let (comparison, below) = below.split_top_bottom_at_y(below.top() + comparison);
        let bars_height = CLOCK_BAR + strip::height(&self.desk);
        let (middle, bars) = below.split_top_bottom_at_y(below.bottom() - bars_height);
        let (clock, strip) = bars.split_top_bottom_at_y(bars.top() + CLOCK_BAR);
        let panel_width = (0.215 * window.width()).clamp(275.0, 380.0);
        let (rail, rest) = middle.split_left_right_at_x(middle.left() + RAIL);
        let (centre, panel) = rest.split_left_right_at_x(rest.right() - panel_width);

        // Only what the canvas does not fill: on a software adapter every painted pixel counts.
        let palette = self.desk.palette();
        for rect in [top, comparison, rail, panel, bars] {
            ui.painter().rect_filled(rect, 0.0, palette.panel);
        }
        let mut open = None;
        top_bar::top_bar_ui(ui, top, &mut self.desk, &mut self.focus, &mut open);
        self.desk.turn_to(self.focus);
        if self.desk.is_split() {
            compare::bar_ui(ui, comparison, &mut self.desk, &mut self.stage, &mut open);
        }
        rail::rail_ui(ui, rail, &mut self.chapters, self.focus, &self.desk);
        if let Some(chapter) = open {
            self.chapters = [chapter; 2];
        }
        if self.desk.links.chapter {
            self.chapters[self.focus.other().index()] = self.chapter();
        }
        clock_bar::clock_bar_ui(ui, clock, &mut self.desk);
        strip::strip_ui(ui, strip, &mut self.desk);
        // Before the pages ask for anything, and again for what the panel changes.
        let (focus, points) = (self.focus, self.desk.links.points);
        self.book().spread(focus, points);
        self.open_pages(&ctx);
        self.panel_ui(ui, panel);
        let mut book = Book {
            pages: &mut self.pages,
            chapters: self.chapters,
            focus,
        };
        book.spread(focus, points);
        self.stage.show(ui, centre, &mut self.desk, &mut book);

        let palette = self.desk.palette();
        let line = (1.0, palette.line);
        for y in [top.bottom(), comparison.bottom(), clock.top(), strip.top()] {
            ui.painter().hline(window.x_range(), y, line);
        }
        for x in [centre.left(), centre.right()] {
            ui.painter().vline(x, middle.y_range(), line);
        }
        if !self.desk.still {
            self.toasts.show(&ctx, bars_height, palette);
            self.closing.question_ui(&ctx, &self.desk);
            let animating = self
                .desk
                .side_states()
                .any(|(_, side_state, _)| side_state.clock.playing);
            self.pace.end_frame(&ctx, animating, self.desk.lab());
        }
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

    fn panel_ui(&mut self, ui: &mut Ui, rect: Rect) {
        let chapter = self.chapter();
        let Self {
            desk, pages, focus, ..
        } = self;
        let page = pages[focus.index()].page(chapter);
        let palette = desk.palette();
        if desk.is_split() {
            // Whose settings these are.
            let edge = rect.with_max_y(rect.top() + 2.0);
            ui.painter().rect_filled(edge, 0.0, palette.learned);
        }
        // The scroll bar lies in the margin, beside the numbers.
        let inner = Rect::from_x_y_ranges(rect.left() + 16.0..=rect.right() - 3.0, rect.y_range());
        let mut panel = ui.new_child(
            UiBuilder::new()
                .max_rect(inner)
                .id_salt(("panel", chapter.name())),
        );
        egui::ScrollArea::vertical()
            .auto_shrink(false)
            .show(&mut panel, |ui| {
                ui.set_max_width(ui.available_width() - 13.0);
                ui.spacing_mut().item_spacing.y = 3.0;
                ui.add_space(14.0);
                ui.label(
                    egui::RichText::new(chapter.title())
                        .font(strong_font(TITLE))
                        .color(palette.ink),
                );
                ui.add_space(4.0);
                text::note(ui, page.hint(), palette);
                for (side, equation) in page.equations(desk) {
                    match side {
                        None => equation_ui(ui, &equation, palette),
                        Some((side, name)) => {
                            named_equation_ui(ui, &name, desk.color(side), &equation, palette);
                        }
                    }
                }
                ui.separator();
                page.controls_ui(ui, desk);
                ui.add_space(10.0);
            });
    }
}

impl eframe::App for LabApp {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.tick(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.show(ui);
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        self.desk.palette().panel.to_normalized_gamma_f32()
    }
}
