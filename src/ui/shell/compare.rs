//! The bar of a comparison: how A and B differ, how they are arranged and linked, and the ways out. And the button and
//! the menu that begin one.

use egui::{Align, Layout, Rect, Role, Sense, Ui, WidgetInfo, vec2};

use crate::desk::{Desk, Links};
use crate::shell::lessons::Lesson;
use crate::shell::stage::{Arrangement, Stage};
use crate::theme::{Palette, strong_font, text_font};
use crate::widgets::number::grouped;
use crate::widgets::row::row_in;
use crate::widgets::text;
use crate::widgets::tip::Tip as _;
use crate::widgets::{button, pill, segmented};
use lab::difference::{differences, sentence};
use lab::message::{InStep, Order, Side};

/// Split the lab, or begin a lesson.
pub fn begin_ui(ui: &mut Ui, desk: &Desk, open: &mut Option<Lesson>) {
    let palette = desk.palette();
    let tip = "A second experiment beside this one: it begins as a copy, then change what you like";
    if button::text(ui, "Split A | B", tip, 0.0, palette).clicked() {
        desk.order(Order::Equalise);
    }
    lessons_menu(ui, desk, open);
}

/// The comparisons worth a lesson.
fn lessons_menu(ui: &mut Ui, desk: &Desk, open: &mut Option<Lesson>) {
    let palette = desk.palette();
    let tip = "Comparisons worth a lesson, one click each";
    pill::menu(ui, ["Lessons", "", "Lessons"], tip, palette, |ui| {
        ui.set_width(330.0);
        ui.spacing_mut().item_spacing.y = 1.0;
        for lesson in Lesson::ALL {
            let cost = if lesson.keeps_weights() {
                "Keeps the weights."
            } else {
                "Trains both anew."
            };
            let words = lesson.words();
            let text = format!("{} {cost}", words.differs);
            if pill::described(ui, words.title, &text, palette).clicked() {
                *open = Some(lesson);
                ui.close();
            }
        }
    });
}

/// Which experiment the pills and the panel set.
pub fn focus_ui(ui: &mut Ui, desk: &Desk, focus: &mut Side) {
    let own = desk.palette();
    let size = vec2(30.0, 26.0);
    ui.spacing_mut().item_spacing.x = 3.0;
    for side in Side::BOTH {
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let chosen = *focus == side;
        let name = format!("Experiment: {}", side.letter());
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, chosen, &name));
        if response.clicked() {
            *focus = side;
        }
        let color = desk.color(side);
        let fill = if chosen {
            color
        } else if response.hovered() {
            own.raised
        } else {
            own.panel
        };
        ui.painter()
            .rect(rect, 6.0, fill, (1.5, color), egui::StrokeKind::Inside);
        let ink = if chosen { own.canvas } else { color };
        ui.painter().text(
            rect.center(),
            egui::Align2::CENTER_CENTER,
            side.letter(),
            strong_font(13.0),
            ink,
        );
        response.tip(format!(
            "Set {} by the menus beside this and by the panel",
            side.letter()
        ));
    }
    ui.spacing_mut().item_spacing.x = 8.0;
}

/// The bar beneath the top bar while the lab is split.
pub fn bar_ui(
    ui: &mut Ui,
    rect: Rect,
    desk: &mut Desk,
    stage: &mut Stage,
    open: &mut Option<Lesson>,
) {
    let palette = desk.palette();
    let mut left = rect.right();
    row_in(
        ui,
        rect.with_max_x(rect.right() - 13.0),
        Layout::right_to_left(Align::Center),
        "comparison",
        |ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            end_menu(ui, desk);
            lessons_menu(ui, desk, open);
            links_menu(ui, desk);
            let mut in_step = desk.in_step;
            let options = [(InStep::Steps, "Same steps"), (InStep::Time, "Same time")];
            let chosen = segmented::choose(ui, "In step", &mut in_step, &options, palette);
            if chosen
                .tip("What A and B have equal while they train: updates, or seconds of training")
                .changed()
            {
                desk.order(Order::InStep(in_step));
            }
            let options = [
                (Arrangement::Beside, "Beside"),
                (Arrangement::Divider, "Divider"),
                (Arrangement::Overlay, "Overlay"),
            ];
            segmented::choose(ui, "Canvas", &mut stage.arrangement, &options, palette)
                .tip("Two canvases; one with a line to drag; or one over the other");
            left = ui.min_rect().left();
        },
    );
    let words = rect.with_min_x(rect.left() + 14.0).with_max_x(left - 10.0);
    row_in(
        ui,
        words,
        Layout::left_to_right(Align::Center),
        "differences",
        |ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            if button::text(ui, "Swap", "A becomes B and B becomes A", 0.0, palette).clicked() {
                desk.order(Order::Swap);
            }
            let tip = "B becomes a copy of A: settings, weights, optimiser, losses";
            if button::text(ui, "B = A", tip, 0.0, palette).clicked() {
                desk.order(Order::Equalise);
            }
            ui.add_space(6.0);
            sentence_ui(ui, desk, palette);
        },
    );
}

/// How A and B differ, the letters in their colours; in full where the pointer rests on it.
fn sentence_ui(ui: &mut Ui, desk: &Desk, own: &Palette) {
    let [Some(a), Some(b)] = Side::BOTH.map(|side| desk.side_state(side)) else {
        return;
    };
    let engines = [a, b].map(|side_state| side_state.snapshot.engine.kind);
    let mut text = sentence(&differences(&a.draft, &b.draft, engines));
    for (side, side_state) in [(Side::A, a), (Side::B, b)] {
        if let Some(step) = side_state.snapshot.changed_at {
            let (letter, step) = (side.letter(), grouped(step as f64));
            text = format!("{text}; {letter} was changed at step {step}: start anew to be fair");
        }
    }
    let wrap = egui::text::TextWrapping::truncate_at_width(ui.available_width() - 4.0);
    let mut job = egui::text::LayoutJob {
        wrap,
        ..Default::default()
    };
    for word in text.split_inclusive(' ') {
        let side = Side::BOTH
            .into_iter()
            .find(|side| word.trim() == side.letter());
        let (font, color) = side.map_or((text_font(13.0), own.ink), |side| {
            (strong_font(13.0), desk.color(side))
        });
        job.append(word, 0.0, egui::TextFormat::simple(font, color));
    }
    let galley = ui.painter().layout_job(job);
    let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
    ui.painter().galley(rect.min, galley, own.ink);
    response.tip(text);
}

fn links_menu(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let linked = desk.links == Links::default();
    let value = if linked { "Linked" } else { "Links" };
    let tip = "What the hand does on one side and the other follows";
    pill::menu(ui, ["Links", "", value], tip, palette, |ui| {
        ui.set_width(250.0);
        let links = &mut desk.links;
        for (link, name, words) in [
            (&mut links.clock, "Clock", "Clock and scrubber"),
            (&mut links.camera, "Camera", "Pan and zoom"),
            (
                &mut links.cursor,
                "Cursor",
                "Cursor: shown at the same place",
            ),
            (&mut links.points, "Points", "Points that a click places"),
            (&mut links.chapter, "Chapter", "Chapter: both show the same"),
        ] {
            ui.checkbox(link, words)
                .tip(format!("{name}: linked, or each side by itself"));
        }
        ui.add_space(4.0);
        text::note(
            ui,
            "Unlinked, each side keeps its own; the letters at the top left choose which one is set.",
            palette,
        );
    });
}

fn end_menu(ui: &mut Ui, desk: &Desk) {
    let palette = desk.palette();
    pill::menu(
        ui,
        ["End", "", "End"],
        "End the comparison",
        palette,
        |ui| {
            ui.set_width(250.0);
            for (side, text) in [(Side::A, "Keep A"), (Side::B, "Keep B")] {
                let tip = "The other experiment goes; Bring back leads to it.";
                if pill::described(ui, text, tip, palette).clicked() {
                    desk.order(Order::Keep(side));
                    ui.close();
                }
            }
            if let Some((a, b)) = desk.before {
                let b = b.map_or_else(String::new, |b| format!(", and B's at step {b}"));
                let tip = format!(
                    "The training that was here before, at step {a}{b}. What A and B are now is kept."
                );
                if pill::described(ui, "Go back", &tip, palette).clicked() {
                    desk.order(Order::Return);
                    ui.close();
                }
            }
        },
    );
}
