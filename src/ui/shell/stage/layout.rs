//! Where the canvases of one or two experiments lie, and where the pointer is on each.

use super::{Arrangement, Book, Canvas, Region, Stage};
use crate::canvas::camera::Camera;
use crate::canvas::{self, View};
use crate::desk::Desk;
use egui::{Rect, Ui, UiBuilder, Vec2, vec2};
use lab::message::Side;
use maths::data::bounds::Bounds;

impl Stage {
    pub(super) fn regions(
        self,
        canvas: Rect,
        desk: &Desk,
        book: &Book<'_>,
        one_canvas: bool,
    ) -> Vec<Region> {
        let whole = |side| Region {
            side,
            rect: canvas,
            clip: canvas,
            over: false,
            hand: true,
        };
        if !desk.is_split() {
            return vec![whole(Side::A)];
        }
        let middle = if one_canvas { self.divider } else { 0.5 };
        let (left, right) = if is_stacked(canvas) && !one_canvas {
            canvas.split_top_bottom_at_fraction(0.5)
        } else {
            canvas.split_left_right_at_fraction(middle)
        };
        match self.arrangement {
            Arrangement::Overlay if one_canvas => Side::BOTH
                .map(|side| Region {
                    over: side == Side::B,
                    hand: side == book.focus,
                    ..whole(side)
                })
                .to_vec(),
            Arrangement::Divider if one_canvas => {
                vec![
                    Region {
                        clip: left,
                        ..whole(Side::A)
                    },
                    Region {
                        clip: right,
                        ..whole(Side::B)
                    },
                ]
            }
            _ => [(Side::A, left), (Side::B, right)]
                .map(|(side, rect)| Region {
                    rect,
                    clip: rect,
                    ..whole(side)
                })
                .to_vec(),
        }
    }

    /// Where all canvases lie and look, after the hand has moved them.
    pub(super) fn canvases(
        ui: &mut Ui,
        desk: &mut Desk,
        book: &mut Book<'_>,
        regions: &[Region],
        whole: Rect,
    ) -> Vec<Canvas> {
        let mut canvases: Vec<Canvas> = Vec::new();
        let mut home: Option<Bounds> = None;
        if desk.links.camera && book.same_chapter() && !desk.is_drawing() {
            // Both look at the same place: at what is home to either.
            for region in regions {
                desk.turn_to(region.side);
                let own = book.page(region.side).home(desk);
                home = Some(home.map_or(own, |home| home.joined(own)));
            }
        }
        for region in regions {
            let Region {
                side,
                rect,
                clip,
                over,
                hand,
            } = *region;
            desk.turn_to(side);
            let (chapter, split) = (book.chapter(side), desk.is_split());
            let page = book.page(side);
            let count = page.canvases(desk);
            let upwards = split && !is_stacked(whole);
            let [columns, rows] = grid(count, rect.size(), upwards);
            let size = rect.size() / vec2(columns as f32, rows as f32);
            let first = Rect::from_min_size(rect.min, size);
            let home = Camera::fit(home.unwrap_or_else(|| page.home(desk)), first);
            let mut camera = desk.here.camera(chapter.name()).unwrap_or(home);
            let before = camera;
            let mut child = ui.new_child(
                UiBuilder::new()
                    .max_rect(rect)
                    .id_salt(("side", side.letter())),
            );
            child.set_clip_rect(clip.intersect(ui.clip_rect()));
            for index in 0..count {
                let place = vec2((index % columns) as f32, (index / columns) as f32);
                let rect = first.translate(place * size);
                let ordinal = ORDINALS.get(index).copied().unwrap_or_default();
                let letter = if split {
                    format!(", {}", side.letter())
                } else {
                    String::new()
                };
                let name = format!("{} canvas{ordinal}{letter}", chapter.title());
                let response = if hand {
                    canvas::hand_ui(&child, &name, rect, &mut camera, page.takes_drags())
                } else {
                    canvas::no_hand_ui(&child, &name, rect)
                };
                // Two dabs of a brush are no wish to look elsewhere.
                if response.double_clicked() && desk.here.easel.is_none() {
                    desk.here.look(chapter.name(), None);
                    camera = before;
                }
                if response.has_focus() {
                    ui.ctx()
                        .memory_mut(|memory| memory.surrender_focus(response.id));
                }
                let view = View {
                    index,
                    rect,
                    camera,
                    pointer: None,
                    canvas: response.id,
                };
                canvases.push(Canvas {
                    side,
                    view,
                    response,
                    clip,
                    over,
                    mark: None,
                });
            }
            if camera != before {
                desk.here.look(chapter.name(), Some(camera));
            }
            // Any of them may have been moved: all of a side look alike.
            for canvas in canvases.iter_mut().filter(|canvas| canvas.side == side) {
                canvas.view.camera = camera;
            }
        }
        canvases
    }
}

/// What follows on the name of a canvas that is not alone.
const ORDINALS: [&str; 6] = ["", ", second", ", third", ", fourth", ", fifth", ", sixth"];

/// Columns and rows of so many canvases of one side. Two lie beside one another, or where the sides do, over one another: two of each
/// of two experiments make four quarters. More lie so that each is as near to a square as can be.
fn grid(count: usize, size: Vec2, upwards: bool) -> [usize; 2] {
    match (count, upwards) {
        (..=1, _) => [1, 1],
        (2, true) => [1, 2],
        (2, false) => [2, 1],
        _ => {
            let lopsided = |columns: usize| {
                let rows = count.div_ceil(columns);
                let aspect = size.x * rows as f32 / (size.y * columns as f32).max(1.0);
                // An empty cell counts like a canvas a quarter too wide.
                aspect.ln().abs() + 0.25 * (columns * rows - count) as f32
            };
            let best = (1..=count).min_by(|a, b| lopsided(*a).total_cmp(&lopsided(*b)));
            let columns = best.unwrap_or(1);
            [columns, count.div_ceil(columns)]
        }
    }
}

/// True where two canvases lie over one another, not beside: in a place that is higher than wide.
pub(super) fn is_stacked(canvas: Rect) -> bool {
    canvas.height() > 1.15 * canvas.width()
}

/// Let the pointer be known on the canvas that it is over, on those that lie over or under that one, and where linked at the
/// same place of the plane on the other side.
pub(super) fn carry_pointer(canvases: &mut [Canvas], linked: bool) {
    let under_hand = canvases.iter().find_map(|canvas| {
        let at = canvas
            .response
            .hover_pos()
            .filter(|_| canvas.response.contains_pointer())?;
        Some((
            canvas.side,
            canvas.view.index,
            canvas.view.rect,
            at,
            canvas.view.to_data(at),
        ))
    });
    let Some((hovered, index, rect, at, point)) = under_hand else {
        return;
    };
    for canvas in canvases
        .iter_mut()
        .filter(|canvas| canvas.view.index == index)
    {
        if canvas.side == hovered {
            canvas.view.pointer = Some(at);
        } else if linked && rect != canvas.view.rect {
            canvas.mark = Some(canvas.view.to_screen(point));
            canvas.view.pointer = canvas.mark;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canvases_lie_so_that_none_is_a_strip() {
        let wide = vec2(1000.0, 500.0);
        let high = vec2(400.0, 900.0);
        let grids = |size| [1, 2, 3, 4, 5, 6].map(|count| grid(count, size, false));
        assert_eq!(
            grids(wide),
            [[1, 1], [2, 1], [3, 1], [2, 2], [3, 2], [3, 2]]
        );
        assert_eq!(
            grids(high),
            [[1, 1], [2, 1], [1, 3], [1, 4], [2, 3], [2, 3]]
        );
        assert_eq!(grid(2, wide, true), [1, 2]);
        assert_eq!(grid(4, vec2(800.0, 700.0), false), [2, 2]);
    }
}
