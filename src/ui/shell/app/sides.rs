//! What stands beside the canvas: the sheet and the panel, each of which folds away.

use egui::{Rect, Sense, Ui, vec2};

use super::LabApp;
use crate::chapters::Chapter;
use crate::shell::sheet::{Asked, Sheets};
use crate::theme::{TITLE, strong_font};
use crate::widgets::column::column_ui;
use crate::widgets::equation::{equation_ui, named_equation_ui};
use crate::widgets::text;
use crate::widgets::tip::Tip as _;

impl LabApp {
    /// The sheet, or its tab, and what the hand asks for there.
    pub(super) fn sheet_ui(&mut self, ui: &mut Ui, rect: Rect, open: bool) {
        let chapter = self.chapter();
        let page = self.pages[self.focus.index()].page(chapter);
        self.sheets.tick(chapter, page, &self.desk);
        let palette = self.desk.palette();
        if !open {
            if Sheets::tab_ui(ui, rect, palette) {
                self.sheets.open = Some(true);
            }
            return;
        }
        let asked = self
            .sheets
            .sheet_ui(ui, rect, chapter, self.lesson, palette);
        match asked {
            None => {}
            Some(Asked::Fold) => self.sheets.open = Some(false),
            Some(Asked::Open(chapter)) => self.open_chapter(chapter),
            Some(Asked::Begin(lesson)) => self.begin_lesson(lesson),
            Some(Asked::Leave) => self.lesson = None,
            Some(Asked::Try(index)) => self.begin_try(index),
        }
        if asked.is_some() {
            ui.ctx().request_repaint();
        }
    }

    /// Set the lab up for a try of the open chapter's sheet.
    pub(super) fn begin_try(&mut self, index: usize) {
        let chapter = self.chapter();
        if index >= chapter.sheet().tries.len() {
            return;
        }
        self.sheets.begin(chapter, index);
        self.pages[self.focus.index()]
            .page(chapter)
            .try_it(index, &mut self.desk);
    }

    /// The button that folds the panel away, and brings it back.
    pub(super) fn fold_ui(&mut self, ui: &mut Ui, panel: Rect) {
        let palette = self.desk.palette();
        let (name, sign) = if self.panel_open {
            ("Fold the panel", "»")
        } else {
            ("Open the panel", "«")
        };
        let size = vec2(20.0, 22.0);
        let corner = if self.panel_open {
            panel.right_top() + vec2(-size.x - 8.0, 12.0)
        } else {
            panel.left_top() + vec2(2.0, 12.0)
        };
        let place = Rect::from_min_size(corner, size);
        let response = ui.interact(place, ui.make_persistent_id("fold panel"), Sense::click());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
        // The panel may have been scrolled beneath it.
        let fill = if response.hovered() || response.has_focus() {
            palette.raised
        } else {
            palette.panel
        };
        ui.painter().rect_filled(place, 5.0, fill);
        ui.painter().text(
            place.center(),
            egui::Align2::CENTER_CENTER,
            sign,
            strong_font(13.0),
            palette.weak,
        );
        if response.tip(format!("{name} (P)")).clicked() {
            self.panel_open = !self.panel_open;
        }
    }

    pub(super) fn panel_ui(&mut self, ui: &mut Ui, rect: Rect) {
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
        column_ui(ui, rect, ("panel", chapter.name()), |ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            ui.add_space(14.0);
            ui.label(
                egui::RichText::new(chapter.title())
                    .font(strong_font(TITLE))
                    .color(palette.ink),
            );
            ui.add_space(4.0);
            text::note(ui, page.hint(), palette);
            let elsewhere = [Chapter::Training, Chapter::FewSteps].contains(&chapter);
            let why = desk.here.snapshot.experiment.without_exact_field();
            if let Some(why) = why.filter(|_| !elsewhere) {
                text::warning(ui, why, palette);
            }
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
