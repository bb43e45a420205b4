//! What the hand does on the canvas: it places points, drags them, paints a cloud, moves the line where a coordinate is held.

use egui::{CursorIcon, Pos2, Response, Ui, Vec2};

use super::{Edit, Editing, THICK};
use crate::canvas::View;
use crate::desk::Desk;
use crate::widgets::hand;
use lab::message::fresh_version;
use maths::philox::{Stream, normal};

/// Points of the screen about a point within which the hand takes hold of it.
const GRIP: f32 = 12.0;
/// Most points that go there and back, and most of a cloud.
pub const MOST: usize = 100;
pub const MOST_CLOUD: usize = 4000;
/// Points of a dab of the brush.
const DAB: usize = 8;
/// Points of the screen between two.
const BETWEEN: f32 = 8.0;
/// Least half-width of a region.
const THIN: f32 = 0.02;

impl Editing {
    /// The hand on a canvas.
    pub(super) fn use_hand(&mut self, ui: &Ui, view: &View, response: &Response, desk: &Desk) {
        let (pressed, down, origin) = ui.input(|i| {
            let pointer = &i.pointer;
            (
                pointer.primary_pressed(),
                pointer.primary_down(),
                pointer.press_origin(),
            )
        });
        let Some(pointer) = response.interact_pointer_pos() else {
            self.held = None;
            return;
        };
        let taken = response.is_pointer_button_down_on() || response.clicked();
        let begins = self.held.is_none() && taken && (pressed || response.clicked());
        let pulled = hand::pulled_to(response).is_some();
        let origin = origin.unwrap_or(pointer);
        match self.show.edit {
            Edit::Invert => {
                if response.secondary_clicked() {
                    self.remove(view, pointer, desk);
                } else if begins {
                    self.take_point(view, origin, desk);
                }
                if let Some(point) = self.held.and_then(|held| self.hand.points.get_mut(held))
                    && pulled
                {
                    *point = view.to_data(pointer);
                }
            }
            Edit::Join => {
                if begins {
                    self.take_end(view, origin, desk);
                }
                if let (Some(held), Some(ends)) = (self.held, &mut self.hand.ends)
                    && (pulled || begins)
                {
                    ends[held.min(1)] = view.to_data(pointer);
                }
            }
            Edit::Cloud => {
                if begins || pulled {
                    let way = if pulled {
                        hand::pulled_by(response)
                    } else {
                        Vec2::ZERO
                    };
                    // A quick stroke is as dense as a slow one.
                    let dabs = (way.length() / BETWEEN).ceil().clamp(1.0, 60.0) as u32;
                    for dab in 0..dabs {
                        let back = way * (dab as f32 / dabs as f32);
                        self.dab(view.to_data(pointer - back));
                    }
                    self.held = Some(0);
                }
            }
            Edit::Fix => {
                if begins || pulled {
                    self.held = Some(0);
                    self.hold_at(view.to_data(pointer)[self.show.axis], begins);
                }
            }
        }
        if pulled {
            ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
        }
        if !down {
            self.held = None;
        }
    }

    /// The placed point under a place of the screen.
    fn near(view: &View, points: &[[f32; 2]], at: Pos2) -> Option<usize> {
        let far = |point: &[f32; 2]| view.to_screen(*point).distance(at);
        let nearest =
            (0..points.len()).min_by(|&a, &b| far(&points[a]).total_cmp(&far(&points[b])));
        nearest.filter(|&index| far(&points[index]) <= GRIP)
    }

    fn take_point(&mut self, view: &View, at: Pos2, desk: &Desk) {
        let points = self.points(desk);
        if let Some(index) = Self::near(view, &points, at) {
            // What was drawn is the hand's own from here on.
            self.hand.points = points;
            self.held = Some(index);
        } else if self.hand.points.len() < MOST {
            self.hand.points.push(view.to_data(at));
            self.held = Some(self.hand.points.len() - 1);
        }
    }

    fn remove(&mut self, view: &View, at: Pos2, desk: &Desk) {
        let mut points = self.points(desk);
        if let Some(index) = Self::near(view, &points, at) {
            points.remove(index);
            self.hand.points = points;
        }
    }

    /// Take hold of the end that is nearer.
    fn take_end(&mut self, view: &View, at: Pos2, desk: &Desk) {
        let Some(ends) = self.ends(desk) else { return };
        let [a, b] = ends.map(|end| view.to_screen(end).distance(at));
        self.hand.ends = Some(ends);
        self.held = Some(usize::from(b < a));
    }

    /// A dab of the brush.
    fn dab(&mut self, [x, y]: [f32; 2]) {
        let room = MOST_CLOUD.saturating_sub(self.hand.cloud.len()).min(DAB);
        let first = self.hand.cloud.len() as u32;
        for index in (first..).take(room) {
            let z = normal(1, Stream::Forward, 0, index).map(|z| 1.2 * THICK * z);
            self.hand.cloud.push([x + z[0], y + z[1]]);
        }
        self.hand.version = fresh_version();
    }

    /// Hold the coordinate here; of a region, its nearer edge, or all of it where it begins elsewhere.
    fn hold_at(&mut self, value: f32, begins: bool) {
        let apart = (value - self.hand.at).abs();
        let by_edge = self.show.region && (apart - self.hand.half).abs() < 0.5 * self.hand.half;
        if self.show.region && by_edge && !begins {
            self.hand.half = apart.max(THIN);
        } else if !self.show.region || apart > 1.5 * self.hand.half {
            self.hand.at = value;
        }
    }
}
