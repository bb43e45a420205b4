//! The rail at the left: the chapters in their groups, and what can be brought back.

use egui::{Align2, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::chapters::Chapter;
use crate::desk::Desk;
use crate::shell::bring_back;
use crate::theme::{SMALL, strong_font, text_font};
use lab::message::Side;

/// The chapters, in their groups.
pub fn rail_ui(ui: &mut Ui, rect: Rect, chapters: &mut [Chapter; 2], focus: Side, desk: &Desk) {
    let palette = desk.palette();
    let mut y = rect.top() + 20.0;
    let mut group = "";
    for entry in Chapter::ALL {
        if entry.group() != group {
            if !group.is_empty() {
                y += 8.0;
            }
            group = entry.group();
            ui.painter().text(
                pos2(rect.left() + 18.0, y),
                Align2::LEFT_TOP,
                group,
                text_font(SMALL),
                palette.faint,
            );
            y += 20.0;
        }
        let place =
            Rect::from_min_size(pos2(rect.left() + 8.0, y), vec2(rect.width() - 16.0, 28.0));
        let response = ui.interact(
            place,
            ui.make_persistent_id(("chapter", entry.name())),
            Sense::click(),
        );
        let chosen = chapters[focus.index()] == entry;
        response.widget_info(|| WidgetInfo::selected(Role::Tab, true, chosen, entry.title()));
        if response.clicked() {
            chapters[focus.index()] = entry;
            if desk.links.chapter {
                *chapters = [entry; 2];
            }
        }
        if chosen || response.hovered() || response.has_focus() {
            ui.painter().rect_filled(place, 6.0, palette.raised);
        }
        let (font, color) = if chosen {
            (strong_font(13.0), palette.ink)
        } else {
            (text_font(13.0), palette.weak)
        };
        let at = pos2(place.left() + 10.0, place.center().y);
        ui.painter()
            .text(at, Align2::LEFT_CENTER, entry.title(), font, color);
        if desk.is_split() && chapters[0] != chapters[1] {
            for side in Side::BOTH
                .into_iter()
                .filter(|side| chapters[side.index()] == entry)
            {
                let at = pos2(place.right() - 9.0, place.center().y);
                let color = desk.color(side);
                ui.painter().text(
                    at,
                    Align2::RIGHT_CENTER,
                    side.letter(),
                    strong_font(13.0),
                    color,
                );
            }
        }
        y += 30.0;
    }
    bring_back::menu_ui(ui, rect, desk);
}
