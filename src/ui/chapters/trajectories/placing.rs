//! What the hand does on the canvas: it turns the view, places starts, drags them, and takes them away.

use super::starts::Kind;
use super::{Look, Trajectories};
use crate::canvas::View;
use crate::desk::Desk;
use crate::widgets::hand::{pulled_by, pulled_to};
use crate::widgets::tip::Tip as _;
use egui::{
    CursorIcon, Event, Key, Modifiers, PointerButton, Pos2, Rect, Response, Sense, Ui, Vec2,
    WidgetInfo, vec2,
};

/// Side of the square in which a start is taken hold of, in points.
const GRIP: f32 = 20.0;

impl Trajectories {
    /// The hand on a canvas.
    pub(super) fn use_hand(&mut self, ui: &Ui, view: &View, canvas: &Response, desk: &Desk) {
        (self.held, self.moving) = (None, false);
        if self.show.look == Look::Turned {
            let way = pulled_by(canvas);
            if way != Vec2::ZERO {
                self.show.turn = (self.show.turn - 0.4 * way.x).clamp(-90.0, 90.0);
                self.show.tilt = (self.show.tilt + 0.4 * way.y).clamp(-80.0, 80.0);
            }
            return;
        }
        self.hold_starts(ui, view, canvas, desk);
        let (true, Some(at)) = (canvas.clicked(), canvas.interact_pointer_pos()) else {
            return;
        };
        let start = self.start_at(view, at, [0.0; 2]);
        if self.show.click_bundles || with_shift(canvas) {
            self.hand.place_bundle(start);
        } else {
            self.hand.place(start);
        }
    }

    /// The start at a place of the screen. In the space-time view one coordinate is that of `other`.
    fn start_at(&self, view: &View, at: Pos2, other: [f32; 2]) -> [f32; 2] {
        let place = view.to_data(at);
        if self.show.look != Look::Time {
            return place;
        }
        let mut start = other;
        start[self.show.coordinate] = place[1];
        start
    }

    /// Let the hand drag the starts that it placed, and take them away.
    fn hold_starts(&mut self, ui: &Ui, view: &View, canvas: &Response, desk: &Desk) {
        let projection = self.projection(desk);
        let letter = if desk.is_split() {
            format!(", {}", desk.side().letter())
        } else {
            String::new()
        };
        let placed = self.hand.kind == Kind::Placed;
        let mut gone = None;
        for (index, point) in self.hand.held().to_vec().into_iter().enumerate() {
            let at = view.to_screen(projection.place(point, 1.0));
            let grip = Rect::from_center_size(at, vec2(GRIP, GRIP)).intersect(canvas.rect);
            if !canvas.rect.contains(at) {
                continue;
            }
            let id = ui.make_persistent_id(("start", view.canvas, index));
            let response = ui.interact(grip, id, Sense::click_and_drag());
            let name = if placed {
                format!("Start {}{letter}", index + 1)
            } else {
                format!("Start of the bundle{letter}")
            };
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &name));
            let first = PointerButton::Primary;
            if response.dragged_by(first) || response.drag_stopped_by(first) {
                if let Some(to) = pulled_to(&response) {
                    self.hand.move_to(index, self.start_at(view, to, point));
                }
                self.moving = response.dragged_by(first);
                ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
            } else if response.hovered() {
                ui.ctx().set_cursor_icon(CursorIcon::Grab);
            }
            let touched = response.hovered() || response.dragged() || response.has_focus();
            if touched {
                self.held = Some(index);
            }
            let deleted = |key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
            let by_key = touched && (deleted(Key::Delete) || deleted(Key::Backspace));
            if placed && (response.secondary_clicked() || by_key) {
                gone = Some(index);
            }
            response.tip(if placed {
                "Drag to move; a right click or Delete takes it away"
            } else {
                "Drag to move"
            });
        }
        if let Some(index) = gone {
            self.hand.remove(index);
            self.held = None;
        }
    }

    /// Rings around the starts that can be dragged; a larger one around that under the hand.
    pub(super) fn rings_ui(&self, ui: &Ui, view: &View, desk: &Desk) {
        let palette = desk.palette();
        let painter = ui.painter_at(view.rect);
        let projection = self.projection(desk);
        for (index, point) in self.hand.held().iter().enumerate() {
            let at = view.to_screen(projection.place(*point, 1.0));
            let radius = if self.held == Some(index) { 7.5 } else { 5.5 };
            painter.circle_stroke(at, radius, (3.5, palette.canvas));
            painter.circle_stroke(at, radius, (1.5, palette.ink));
        }
    }
}

/// As it was at the click: by the end of a slow frame the key may be up again.
fn with_shift(response: &Response) -> bool {
    response.ctx.input(|i| {
        let click = i.events.iter().rev().find_map(|event| match event {
            Event::PointerButton {
                pressed: false,
                modifiers,
                ..
            } => Some(*modifiers),
            _ => None,
        });
        click.unwrap_or(i.modifiers).shift
    })
}
