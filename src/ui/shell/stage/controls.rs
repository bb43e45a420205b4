//! What lies over the canvases: the divider, and the button that brings the camera home.

use super::{Book, Canvas, GRIP, Stage};
use crate::desk::Desk;
use crate::widgets::icon::Icon;
use crate::widgets::{button, hand};
use egui::{CursorIcon, Rect, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use lab::message::Side;

impl Stage {
    /// The line between A and B, dragged left and right.
    pub(super) fn divider_ui(&mut self, ui: &mut Ui, canvas: Rect, desk: &Desk) {
        let x = canvas.left() + self.divider * canvas.width();
        let strip = Rect::from_center_size(
            pos2(x, canvas.center().y),
            vec2(2.0 * GRIP, canvas.height()),
        );
        let response = ui.interact(
            strip,
            ui.make_persistent_id("divider"),
            Sense::click_and_drag(),
        );
        response.widget_info(|| {
            WidgetInfo::slider(true, f64::from(self.divider), "Divider between A and B")
        });
        let keys = |key| ui.input(|i| i.num_presses(key)) as f32;
        let mut moved = 0.0;
        if response.has_focus() {
            moved = 0.02 * (keys(egui::Key::ArrowRight) - keys(egui::Key::ArrowLeft));
        }
        if let Some(pointer) = hand::pulled_to(&response) {
            moved = (pointer.x - canvas.left()) / canvas.width() - self.divider;
        }
        if response.double_clicked() {
            moved = 0.5 - self.divider;
        }
        self.divider = (self.divider + moved).clamp(0.04, 0.96);
        let active = response.hovered() || response.dragged() || response.has_focus();
        if active {
            ui.ctx().set_cursor_icon(CursorIcon::ResizeHorizontal);
        }
        let x = canvas.left() + self.divider * canvas.width();
        let ink = desk.palette();
        let painter = ui.painter_at(canvas);
        painter.vline(
            x,
            canvas.y_range(),
            (if active { 2.5 } else { 1.5 }, ink.weak),
        );
        let knob = Rect::from_center_size(pos2(x, canvas.center().y), vec2(10.0, 34.0));
        painter.rect(
            knob,
            5.0,
            ink.panel,
            (1.5, ink.weak),
            egui::StrokeKind::Inside,
        );
        for (side, left) in Side::BOTH.into_iter().zip([true, false]) {
            let align = if left {
                egui::Align2::RIGHT_CENTER
            } else {
                egui::Align2::LEFT_CENTER
            };
            let at = knob.center() + vec2(if left { -11.0 } else { 11.0 }, 0.0);
            let color = desk.color(side);
            painter.text(
                at,
                align,
                side.letter(),
                crate::theme::strong_font(13.0),
                color,
            );
        }
    }
}

/// The button that brings the camera home.
pub(super) fn reset_view_ui(ui: &mut Ui, canvas: Rect, desk: &mut Desk, book: &Book<'_>) {
    let corner = Rect::from_min_size(canvas.right_top() + vec2(-42.0, 9.0), vec2(30.0, 30.0));
    let mut child = ui.new_child(UiBuilder::new().max_rect(corner).id_salt("reset view"));
    let tip = "Show all (double click on the canvas). Drag to pan, wheel or pinch to zoom";
    if button::round(&mut child, Icon::Frame, "Reset view", tip, desk.palette()).clicked() {
        for &side in desk.sides() {
            desk.turn_to(side);
            desk.here.look(book.chapter(side).name(), None);
        }
    }
}

/// Where nothing of what a chapter shows is in sight any more, a button in the middle leads back to it.
pub(super) fn way_back_ui(ui: &mut Ui, canvases: &[Canvas], desk: &mut Desk, book: &mut Book<'_>) {
    for Canvas {
        side, view, clip, ..
    } in canvases.iter().filter(|canvas| canvas.view.index == 0)
    {
        desk.turn_to(*side);
        let home = book.page(*side).home(desk);
        let seen = view.camera.visible(view.rect);
        let apart =
            (0..2).any(|axis| home.max[axis] < seen.min[axis] || seen.max[axis] < home.min[axis]);
        // Far out, all that there is would be a dot.
        let dot = (seen.max[0] - seen.min[0]) > 40.0 * (home.max[0] - home.min[0]);
        if !apart && !dot {
            continue;
        }
        let place = Rect::from_center_size(view.rect.intersect(*clip).center(), vec2(190.0, 27.0));
        let mut child = ui.new_child(
            UiBuilder::new()
                .max_rect(place)
                .id_salt(("way back", side.letter())),
        );
        let tip = "The view was moved away from all that this chapter shows";
        if button::text(&mut child, "Back to the data", tip, 190.0, desk.palette()).clicked() {
            desk.here.cameras.remove(book.chapter(*side).name());
        }
    }
}
