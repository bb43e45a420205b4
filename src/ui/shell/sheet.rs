//! The sheet beside the canvas: why things are as they are, what to try, and where to go next; during a lesson, its text.

use std::collections::BTreeSet;

use egui::{Align2, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::chapters::{Chapter, Page};
use crate::desk::Desk;
use crate::shell::lessons::Lesson;
use crate::theme::{BODY, Palette, SMALL, TITLE, strong_font, text_font};
use crate::widgets::button;
use crate::widgets::column::column_ui;
use crate::widgets::maths;
use crate::widgets::text;
use crate::widgets::tip::Tip as _;

/// What the hand asks for on the sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Fold it to its tab.
    Fold,
    /// Set the lab up for a try.
    Try(usize),
    /// Open another chapter.
    Open(Chapter),
    /// Begin another lesson.
    Begin(Lesson),
    /// Leave the lesson's text; the comparison stays.
    Leave,
}

/// What the sheet remembers.
#[derive(Debug, Default)]
pub struct Sheets {
    /// Open beside the canvas, or folded to a tab. `None`: open where there is room for it.
    pub open: Option<bool>,
    /// Tries that were begun, and those that are done.
    begun: BTreeSet<(&'static str, usize)>,
    done: BTreeSet<(&'static str, usize)>,
}

/// Width of the window from which on there is room for the sheet by itself.
const ROOM: f32 = 1500.0;
/// Width of the tab.
pub const TAB: f32 = 18.0;

impl Sheets {
    /// True where it stands beside the canvas.
    pub fn is_open(&self, window: f32) -> bool {
        self.open.unwrap_or(window >= ROOM)
    }

    /// Its width in a window of this width.
    pub fn width(window: f32) -> f32 {
        (0.21 * window).clamp(264.0, 380.0)
    }

    /// A try is begun anew.
    pub fn begin(&mut self, chapter: Chapter, index: usize) {
        self.begun.insert((chapter.name(), index));
        self.done.remove(&(chapter.name(), index));
    }

    /// Tick what was begun and is done by now.
    pub fn tick(&mut self, chapter: Chapter, page: &dyn Page, desk: &Desk) {
        for index in 0..chapter.sheet().tries.len() {
            let key = (chapter.name(), index);
            if self.begun.contains(&key) && !self.done.contains(&key) && page.is_tried(index, desk)
            {
                log::debug!("try {} of {} is done", index + 1, chapter.name());
                self.done.insert(key);
            }
        }
    }

    /// True where a try of a chapter is done.
    pub fn is_done(&self, chapter: Chapter, index: usize) -> bool {
        self.done.contains(&(chapter.name(), index))
    }

    /// The folded sheet: a tab at the right edge of the canvas. Returns true where it is asked to open.
    pub fn tab_ui(ui: &Ui, rect: Rect, palette: &Palette) -> bool {
        let response = ui.interact(rect, ui.make_persistent_id("why tab"), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Why"));
        let fill = if response.hovered() || response.has_focus() {
            palette.raised
        } else {
            palette.panel
        };
        ui.painter().rect_filled(rect, 0.0, fill);
        ui.painter()
            .vline(rect.left(), rect.y_range(), Stroke::new(1.0, palette.line));
        let galley = ui
            .painter()
            .layout_no_wrap("Why?".to_owned(), strong_font(13.0), palette.ink);
        let size = galley.size();
        // Read from below, as the spine of a book.
        let at = pos2(
            rect.center().x - 0.5 * size.y,
            (rect.top() + 60.0 + 0.5 * size.x).min(rect.bottom()),
        );
        let shape = egui::epaint::TextShape::new(at, galley, palette.ink)
            .with_angle(-std::f32::consts::FRAC_PI_2);
        ui.painter().add(shape);
        response
            .tip("Why things are as they are, what to try, and where to go next")
            .clicked()
    }

    /// The open sheet. During a lesson it shows the lesson.
    pub fn sheet_ui(
        &self,
        ui: &mut Ui,
        rect: Rect,
        chapter: Chapter,
        lesson: Option<Lesson>,
        palette: &Palette,
    ) -> Option<Asked> {
        ui.painter().rect_filled(rect, 0.0, palette.panel);
        ui.painter()
            .vline(rect.left(), rect.y_range(), Stroke::new(1.0, palette.line));
        let salt = lesson.map_or(chapter.name(), |lesson| lesson.words().name);
        let mut asked = None;
        column_ui(ui, rect, ("sheet", salt), |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            ui.add_space(10.0);
            match lesson {
                Some(lesson) => lesson_ui(ui, lesson, &mut asked, palette),
                None => self.chapter_ui(ui, chapter, &mut asked, palette),
            }
            ui.add_space(12.0);
        });
        asked
    }

    fn chapter_ui(
        &self,
        ui: &mut Ui,
        chapter: Chapter,
        asked: &mut Option<Asked>,
        palette: &Palette,
    ) {
        let sheet = chapter.sheet();
        head_ui(ui, "Why", asked, palette);
        for answer in sheet.answers {
            lead(ui, answer.question, palette);
            paragraph(ui, answer.answer, palette);
        }
        section(ui, "Look", palette);
        for look in sheet.looks {
            lead(ui, look.act, palette);
            paragraph(ui, look.see, palette);
            paragraph(
                ui,
                &format!("Because: {}", lower_first(look.because)),
                palette,
            );
        }
        section(ui, "Try", palette);
        for (index, words) in sheet.tries.iter().enumerate() {
            if try_ui(ui, index, words, self.is_done(chapter, index), palette) {
                *asked = Some(Asked::Try(index));
            }
        }
        let (next, what) = sheet.next;
        if let Some(next) = Chapter::ALL.into_iter().find(|c| c.name() == next) {
            section(ui, "Next", palette);
            paragraph(ui, &format!("{what}."), palette);
            let name = format!("On to {}", next.title());
            let tip = "Open this chapter";
            if button::text(ui, &name, tip, ui.available_width(), palette).clicked() {
                *asked = Some(Asked::Open(next));
            }
        }
    }
}

/// What a lesson says.
fn lesson_ui(ui: &mut Ui, lesson: Lesson, asked: &mut Option<Asked>, palette: &Palette) {
    let words = lesson.words();
    head_ui(ui, words.title, asked, palette);
    for (head, text) in [
        ("What differs", words.differs),
        ("Look at", words.look),
        ("What happens", words.happens),
        ("Why", words.because),
    ] {
        lead(ui, head, palette);
        paragraph(ui, text, palette);
    }
    ui.add_space(8.0);
    let next = lesson.next();
    let wide = ui.available_width();
    let tip = format!("{}. What A and B are now is kept", next.words().title);
    if button::text(ui, "Next lesson", &tip, wide, palette).clicked() {
        *asked = Some(Asked::Begin(next));
    }
    let tip = "Fold the lesson away; the comparison stays. The menu End leads back to what you had";
    if button::text(ui, "Leave the lesson", tip, wide, palette).clicked() {
        *asked = Some(Asked::Leave);
    }
}

fn head_ui(ui: &mut Ui, title: &str, asked: &mut Option<Asked>, palette: &Palette) {
    ui.horizontal(|ui| {
        let room = (ui.available_width() - 60.0).max(40.0);
        ui.allocate_ui_with_layout(
            vec2(room, 24.0),
            egui::Layout::top_down(egui::Align::Min),
            |ui| {
                let title = egui::RichText::new(title)
                    .font(strong_font(TITLE))
                    .color(palette.ink);
                ui.add(egui::Label::new(title).wrap());
            },
        );
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Min), |ui| {
            let tip = "Fold this sheet to a tab at the right of the canvas";
            if button::text(ui, "Fold", tip, 0.0, palette).clicked() {
                *asked = Some(Asked::Fold);
            }
        });
    });
    ui.add_space(2.0);
}

fn section(ui: &mut Ui, name: &str, palette: &Palette) {
    ui.add_space(8.0);
    ui.label(
        egui::RichText::new(name)
            .font(text_font(SMALL))
            .color(palette.faint),
    );
}

/// The words that lead a paragraph.
fn lead(ui: &mut Ui, words: &str, palette: &Palette) {
    ui.add_space(4.0);
    let job = maths::job(ui.painter(), words, &strong_font(13.0), palette.ink);
    let layout = egui::Layout::top_down(egui::Align::Min);
    ui.with_layout(layout, |ui| {
        ui.add(egui::Label::new(job).wrap()).accessible_name(words);
    });
}

fn paragraph(ui: &mut Ui, words: &str, palette: &Palette) {
    text::sentence(ui, words, BODY, palette.weak);
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next();
    // A symbol or an acronym stays as it is.
    let second_is_small = letters
        .clone()
        .next()
        .is_none_or(|c| c.is_lowercase() || c == ' ');
    let first: String = match first {
        Some(first) if second_is_small => first.to_lowercase().collect(),
        Some(first) => first.to_string(),
        None => String::new(),
    };
    first + letters.as_str()
}

/// A numbered try, with its tick. True where it is clicked.
fn try_ui(ui: &mut Ui, index: usize, words: &str, done: bool, palette: &Palette) -> bool {
    let width = ui.available_width();
    let galley = ui
        .painter()
        .layout(words.to_owned(), text_font(13.0), palette.ink, width - 44.0);
    let (rect, response) =
        ui.allocate_exact_size(vec2(width, galley.size().y + 14.0), Sense::click());
    let name = format!("Try {}: {words}", index + 1);
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, done, &name));
    let fill = if response.hovered() || response.has_focus() {
        palette.raised
    } else {
        palette.panel
    };
    let edge = if done { palette.exact } else { palette.line };
    let painter = ui.painter();
    painter.rect(rect, 6.0, fill, (1.0, edge), StrokeKind::Inside);
    let middle = pos2(rect.left() + 18.0, rect.center().y);
    if done {
        let points = vec![
            middle + vec2(-5.0, 0.5),
            middle + vec2(-1.5, 4.0),
            middle + vec2(5.0, -4.5),
        ];
        painter.line(points, Stroke::new(2.0, palette.exact));
    } else {
        painter.text(
            middle,
            Align2::CENTER_CENTER,
            index + 1,
            strong_font(13.0),
            palette.weak,
        );
    }
    painter.galley(rect.min + vec2(34.0, 7.0), galley, palette.ink);
    response
        .tip("Sets the lab up for it; ticked when it is done")
        .clicked()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_go_on_in_small_letters_and_symbols_stay() {
        assert_eq!(
            lower_first("Large t is learned first."),
            "large t is learned first."
        );
        assert_eq!(lower_first("DDPM draws."), "DDPM draws.");
        assert_eq!(lower_first("A blurred field."), "a blurred field.");
        assert_eq!(lower_first("p_t is the data."), "p_t is the data.");
    }

    #[test]
    fn every_sheet_has_its_parts_and_leads_to_a_chapter() {
        for chapter in Chapter::ALL {
            let sheet = chapter.sheet();
            assert!((3..=5).contains(&sheet.answers.len()), "{chapter:?}");
            assert!(!sheet.looks.is_empty(), "{chapter:?}");
            assert!((2..=3).contains(&sheet.tries.len()), "{chapter:?}");
            let next = Chapter::ALL
                .iter()
                .any(|c| c.name() == sheet.next.0 && *c != chapter);
            assert!(next, "{chapter:?} leads to {}", sheet.next.0);
        }
    }
}
