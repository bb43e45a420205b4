//! The window's contents: everything that is drawn, whether on a screen, in a test, or into a picture.

use std::sync::Arc;

use egui::{Context, Key, Modifiers, Rect, Sense, Ui, UiBuilder, vec2};

use super::canvas::camera::Camera;
use super::canvas::{View, canvas_ui, empty_ui};
use super::chapters::{Chapter, Pages};
use super::desk::Desk;
use super::files::Purpose;
use super::pace::Pace;
use super::picture::{self, Drawing, Order, Pictures};
use super::theme::{TITLE, strong_font};
use super::toasts::Toasts;
use super::widgets::button;
use super::widgets::equation::equation_ui;
use super::widgets::icon::Icon;
use super::{bars, controls};
use crate::engine::gpu::GpuContext;
use crate::lab::experiment::DataSource;
use crate::lab::message::{Command, Notice};

const TOP_BAR: f32 = 44.0;
const RAIL: f32 = 150.0;
const CLOCK_BAR: f32 = 54.0;
const TRAINING_STRIP: f32 = 66.0;

/// The lab's window.
pub struct LabApp {
    /// What all parts share.
    pub desk: Desk,
    /// The open chapter.
    pub chapter: Chapter,
    /// The device that pictures are painted on; `None` saves none.
    pub painter: Option<Arc<GpuContext>>,
    /// The chapter that the last frame showed.
    shown: Chapter,
    pages: Pages,
    pace: Pace,
    toasts: Toasts,
    pictures: Pictures,
    notice_seen: u64,
    frame_seen: Option<u64>,
}

impl LabApp {
    /// A window on a desk.
    pub fn new(desk: Desk, pace: Pace, chapter: Chapter) -> Self {
        let notice_seen = desk.snapshot.notice.as_ref().map_or(0, |(number, _)| *number);
        Self {
            desk,
            chapter,
            painter: None,
            shown: chapter,
            pages: Pages::default(),
            pace,
            toasts: Toasts::default(),
            pictures: Pictures::default(),
            notice_seen,
            frame_seen: None,
        }
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
        log::trace!("frame {frame}, step {}", self.desk.snapshot.step);
        self.pace.begin_frame();
        self.pace.fit_interval(ctx.content_rect().area() * ctx.pixels_per_point().powi(2));
        self.desk.take_news();
        self.desk.clock.tick(ctx.input(|i| i.time));
        self.take_files();
        self.take_notice(ctx.input(|i| i.time));
        self.take_pictures(ctx);
        let theme = if self.desk.light { egui::Theme::Light } else { egui::Theme::Dark };
        if ctx.theme() != theme {
            ctx.set_theme(theme);
        }
    }

    fn take_files(&mut self) {
        while let Some((purpose, path)) = self.desk.files.take() {
            match purpose {
                Purpose::OpenCsv => self.desk.choose_data(DataSource::Csv(path)),
                Purpose::SaveModel => self.desk.send(Command::Save(path)),
                Purpose::SavePicture => controls::order_picture(&mut self.desk),
            }
        }
    }

    /// Lay out the picture that was asked for, and tell of those that are saved.
    fn take_pictures(&mut self, ctx: &Context) {
        let now = ctx.input(|i| i.time);
        while let Some(notice) = self.pictures.take() {
            self.toasts.add(notice, now);
        }
        let Some(order) = self.desk.files.picture_order.take() else { return };
        let Some(painter) = self.painter.clone() else {
            let text = "this window saves no pictures; use noise-compass render".to_owned();
            self.toasts.add(Notice::Error(text), now);
            return;
        };
        if let Some(drawing) = self.lay_out(&order) {
            self.pictures.save(drawing, order.path, &painter, ctx);
        }
    }

    /// The window's contents as they stand, laid out anew for a picture.
    fn lay_out(&mut self, order: &Order) -> Option<Drawing> {
        let (light, format) = (self.desk.light, self.desk.format);
        (self.desk.light, self.desk.format, self.desk.still) = (order.light, Some(picture::FORMAT), true);
        let drawing = picture::lay_out(order.size, order.light, |ui| {
            self.show(ui);
            false
        });
        (self.desk.light, self.desk.format, self.desk.still) = (light, format, false);
        drawing
    }

    fn take_notice(&mut self, now: f64) {
        let Some((number, notice)) = &self.desk.snapshot.notice else { return };
        if *number != self.notice_seen {
            self.notice_seen = *number;
            self.toasts.add(notice.clone(), now);
        }
    }

    /// Keys that mean the same everywhere, unless a control has the keyboard.
    fn keys(&mut self, ctx: &Context) {
        if ctx.memory(|memory| memory.focused().is_some()) || ctx.any_popup_open() {
            return;
        }
        let pressed = |modifiers: Modifiers, key: Key| ctx.input_mut(|i| i.consume_key(modifiers, key));
        let page = self.pages.page(self.chapter);
        if pressed(Modifiers::NONE, Key::Space) {
            page.play(&mut self.desk);
        }
        if pressed(Modifiers::NONE, Key::R) {
            page.reset(&mut self.desk);
        }
        for (key, sign) in [(Key::ArrowLeft, -1.0), (Key::ArrowRight, 1.0)] {
            for (modifiers, step) in [(Modifiers::SHIFT, 0.1), (Modifiers::NONE, 0.01)] {
                if pressed(modifiers, key) {
                    let tau = self.desk.clock.tau + sign * step;
                    self.desk.clock.set((tau * 1000.0).round() / 1000.0);
                }
            }
        }
    }

    /// Draw everything over the whole of `ui`.
    pub fn show(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        if self.shown != self.chapter {
            self.pages.page(self.shown).leave(&mut self.desk);
            self.shown = self.chapter;
        }
        self.keys(&ctx);
        let palette = self.desk.palette();
        let window = ui.max_rect();

        let (top, below) = window.split_top_bottom_at_y(window.top() + TOP_BAR);
        let (middle, bars) = below.split_top_bottom_at_y(below.bottom() - CLOCK_BAR - TRAINING_STRIP);
        let (clock, strip) = bars.split_top_bottom_at_y(bars.top() + CLOCK_BAR);
        let panel_width = (0.215 * window.width()).clamp(264.0, 380.0);
        let (rail, rest) = middle.split_left_right_at_x(middle.left() + RAIL);
        let (centre, panel) = rest.split_left_right_at_x(rest.right() - panel_width);

        // Only what the canvas does not fill: on a software adapter every painted pixel counts.
        for rect in [top, rail, panel, bars] {
            ui.painter().rect_filled(rect, 0.0, palette.panel);
        }
        bars::top_bar_ui(ui, top, &mut self.desk);
        bars::rail_ui(ui, rail, &mut self.chapter, &self.desk);
        bars::clock_bar_ui(ui, clock, &mut self.desk);
        bars::training_strip_ui(ui, strip, &mut self.desk);
        self.panel_ui(ui, panel);
        self.centre_ui(ui, centre);

        let palette = self.desk.palette();
        let line = (1.0, palette.line);
        for y in [top.bottom(), clock.top(), strip.top()] {
            ui.painter().hline(window.x_range(), y, line);
        }
        for x in [centre.left(), centre.right()] {
            ui.painter().vline(x, middle.y_range(), line);
        }
        if !self.desk.still {
            self.toasts.show(&ctx, CLOCK_BAR + TRAINING_STRIP, palette);
            self.pace.end_frame(&ctx, self.desk.clock.playing, self.desk.lab());
        }
    }

    /// True while the open chapter computes something of its own.
    pub fn is_busy(&mut self) -> bool {
        self.pages.page(self.chapter).is_busy()
    }

    fn panel_ui(&mut self, ui: &mut Ui, rect: Rect) {
        let Self { desk, pages, chapter, .. } = self;
        let page = pages.page(*chapter);
        let palette = desk.palette();
        // The scroll bar lies in the margin, beside the numbers.
        let inner = Rect::from_x_y_ranges(rect.left() + 16.0..=rect.right() - 3.0, rect.y_range());
        let mut panel = ui.new_child(UiBuilder::new().max_rect(inner).id_salt(("panel", chapter.name())));
        egui::ScrollArea::vertical().auto_shrink(false).show(&mut panel, |ui| {
            ui.set_max_width(ui.available_width() - 13.0);
            ui.spacing_mut().item_spacing.y = 3.0;
            ui.add_space(14.0);
            ui.label(egui::RichText::new(chapter.title()).font(strong_font(TITLE)).color(palette.ink));
            ui.add_space(4.0);
            controls::note(ui, page.hint(), palette);
            equation_ui(ui, &page.equation(desk), palette);
            ui.separator();
            page.controls_ui(ui, desk);
            ui.add_space(10.0);
        });
    }

    fn centre_ui(&mut self, ui: &mut Ui, rect: Rect) {
        let Self { desk, pages, chapter, .. } = self;
        let page = pages.page(*chapter);
        let palette = desk.palette();
        let plots_height = page.plots_height(rect.height()).round();
        let (canvas, plots) = rect.split_top_bottom_at_y(rect.bottom() - plots_height);
        let scenes: Vec<_> = std::iter::once(page.scene(desk)).chain(page.beside(desk)).collect();
        let halves = scenes.len();
        let width = canvas.width() / halves as f32;
        let first = canvas.with_max_x(canvas.left() + width);
        let home = Camera::fit(page.home(desk), first);
        let mut camera = desk.cameras.get(chapter.name()).copied().unwrap_or(home);
        let before = camera;
        for (index, scene) in scenes.into_iter().enumerate() {
            let rect = first.translate(vec2(width * index as f32, 0.0));
            let empty = scene.layers.is_empty();
            let name = format!("{} canvas{}", chapter.title(), if index == 0 { "" } else { ", second" });
            let response = canvas_ui(ui, rect, &name, scene, &mut camera, desk.format, palette);
            if empty {
                empty_ui(ui, rect, "nothing to show yet", palette);
            }
            page.overlay_ui(ui, &View { index, rect, camera }, &response, desk);
            if index > 0 {
                ui.painter().vline(rect.left(), rect.y_range(), (1.0, palette.line));
            }
            if response.double_clicked() {
                desk.cameras.remove(chapter.name());
                camera = before;
            }
            if response.has_focus() {
                ui.ctx().memory_mut(|memory| memory.surrender_focus(response.id));
            }
        }
        if camera != before {
            desk.cameras.insert(chapter.name(), camera);
        }
        if let Some(tau) = page.density_tau(desk) {
            let moving = desk.clock.playing || ui.ctx().egui_is_using_pointer();
            desk.want_density(tau, camera.visible(first), moving);
        }
        let corner = Rect::from_min_size(canvas.right_top() + vec2(-42.0, 9.0), vec2(30.0, 30.0));
        let mut child = ui.new_child(UiBuilder::new().max_rect(corner).id_salt("reset view"));
        let tip = "Show all (double click on the canvas). Drag to pan, wheel or pinch to zoom";
        if button::round(&mut child, Icon::Frame, "Reset view", tip, false, palette).clicked() {
            desk.cameras.remove(chapter.name());
        }
        bars::fault_ui(ui, canvas, desk);
        if plots_height > 0.0 {
            ui.painter().rect_filled(plots, 0.0, palette.canvas);
            ui.painter().hline(plots.x_range(), plots.top(), (1.0, palette.line));
            let mut child = ui.new_child(UiBuilder::new().max_rect(plots).id_salt("plots").sense(Sense::hover()));
            page.plots_ui(&mut child, desk);
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

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        self.desk.palette().panel.to_normalized_gamma_f32()
    }
}
