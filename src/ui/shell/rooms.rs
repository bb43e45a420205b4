//! Where everything lies in the window.

use egui::Rect;

use super::sheet::{Sheets, TAB};

const TOP_BAR: f32 = 44.0;
const COMPARISON_BAR: f32 = 40.0;
const RAIL: f32 = 146.0;
const CLOCK_BAR: f32 = 54.0;
/// Width of the tab that a folded panel leaves.
const FOLDED: f32 = 24.0;

/// What takes room.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// There are two experiments.
    pub split: bool,
    /// Height of the training strip.
    pub strip: f32,
    /// The sheet stands open.
    pub sheet: bool,
    /// The panel stands open.
    pub panel: bool,
}

/// The places, in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rooms {
    /// The bar at the top.
    pub top: Rect,
    /// The bar of a comparison; of no height without one.
    pub comparison: Rect,
    /// The chapters.
    pub rail: Rect,
    /// Canvases and plots.
    pub centre: Rect,
    /// The sheet, or its tab.
    pub sheet: Rect,
    /// The chapter's controls, or their tab.
    pub panel: Rect,
    /// The clock.
    pub clock: Rect,
    /// The training.
    pub strip: Rect,
    /// Between the bars at the top and at the bottom.
    pub middle: Rect,
}

impl Rooms {
    /// Share a window out.
    pub fn of(window: Rect, wanted: Wanted) -> Self {
        let (top, below) = window.split_top_bottom_at_y(window.top() + TOP_BAR);
        let comparison = if wanted.split { COMPARISON_BAR } else { 0.0 };
        let (comparison, below) = below.split_top_bottom_at_y(below.top() + comparison);
        let (middle, bars) = below.split_top_bottom_at_y(below.bottom() - CLOCK_BAR - wanted.strip);
        let (clock, strip) = bars.split_top_bottom_at_y(bars.top() + CLOCK_BAR);
        let panel_width = if wanted.panel {
            (0.215 * window.width()).clamp(275.0, 380.0)
        } else {
            FOLDED
        };
        let sheet_width = if wanted.sheet {
            Sheets::width(window.width())
        } else {
            TAB
        };
        let (rail, rest) = middle.split_left_right_at_x(middle.left() + RAIL);
        let (rest, panel) = rest.split_left_right_at_x(rest.right() - panel_width);
        let (centre, sheet) = rest.split_left_right_at_x(rest.right() - sheet_width);
        Self {
            top,
            comparison,
            rail,
            centre,
            sheet,
            panel,
            clock,
            strip,
            middle,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{Pos2, vec2};

    #[test]
    fn the_canvas_keeps_room_in_the_smallest_window_with_everything_open() {
        for size in [
            vec2(1180.0, 700.0),
            vec2(1280.0, 720.0),
            vec2(3840.0, 2160.0),
        ] {
            for split in [false, true] {
                let window = Rect::from_min_size(Pos2::ZERO, size);
                let rooms = Rooms::of(
                    window,
                    Wanted {
                        split,
                        strip: 88.0,
                        sheet: true,
                        panel: true,
                    },
                );
                assert!(
                    rooms.centre.width() >= 440.0 && rooms.centre.height() >= 400.0,
                    "{size}: {rooms:?}"
                );
                let all = [
                    rooms.top,
                    rooms.comparison,
                    rooms.rail,
                    rooms.centre,
                    rooms.sheet,
                    rooms.panel,
                    rooms.clock,
                    rooms.strip,
                ];
                let area: f32 = all.iter().map(Rect::area).sum();
                assert!((area - window.area()).abs() < 1.0, "nothing is left over");
            }
        }
    }
}
