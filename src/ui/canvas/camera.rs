//! Where the canvas looks: pan, zoom about the cursor, equal aspect.

use egui::{Pos2, Rect, Vec2, pos2, vec2};

use maths::data::bounds::Bounds;
use maths::data::mixture::Standardisation;

/// The closest and the farthest that one can zoom, as reach.
const REACH_LIMITS: [f32; 2] = [0.02, 200.0];

/// A view of the plane, the same on any screen: all of `centre` ± `reach` is seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Data point in the middle of the canvas.
    pub centre: [f32; 2],
    /// Data units from the centre to the nearest edge.
    pub reach: f32,
}

impl Camera {
    /// The closest view that shows all of a box.
    pub fn fit(bounds: Bounds, canvas: Rect) -> Self {
        let [width, height] = [0, 1].map(|axis| (bounds.max[axis] - bounds.min[axis]).max(1e-3));
        let scale = (canvas.width().max(1.0) / width).min(canvas.height().max(1.0) / height);
        let centre = [0, 1].map(|axis| f32::midpoint(bounds.min[axis], bounds.max[axis]));
        Self {
            centre,
            reach: 0.5 * canvas.width().min(canvas.height()).max(1.0) / scale,
        }
    }

    /// Points (of the screen) per data unit, the same along both axes.
    pub fn points_per_unit(&self, canvas: Rect) -> f32 {
        0.5 * canvas.width().min(canvas.height()).max(1.0) / self.reach
    }

    /// Where a data point lies on the screen.
    pub fn to_screen(&self, canvas: Rect, point: [f32; 2]) -> Pos2 {
        let scale = self.points_per_unit(canvas);
        let centre = canvas.center();
        pos2(
            centre.x + (point[0] - self.centre[0]) * scale,
            centre.y - (point[1] - self.centre[1]) * scale,
        )
    }

    /// Which data point lies at a place of the screen.
    pub fn to_data(&self, canvas: Rect, screen: Pos2) -> [f32; 2] {
        let away = (screen - canvas.center()) / self.points_per_unit(canvas);
        [self.centre[0] + away.x, self.centre[1] - away.y]
    }

    /// The box that the canvas shows, in data units.
    pub fn visible(&self, canvas: Rect) -> Bounds {
        let half = canvas.size() * 0.5 / self.points_per_unit(canvas);
        let [x, y] = self.centre;
        Bounds {
            min: [x - half.x, y - half.y],
            max: [x + half.x, y + half.y],
        }
    }

    /// The same view in standardised units, of a plane in the units that this map standardises.
    #[must_use]
    pub fn through(&self, map: Standardisation) -> Self {
        Self {
            centre: map.apply(self.centre.map(f64::from)),
            reach: (f64::from(self.reach) / map.scale) as f32,
        }
    }

    /// Move with the hand: what was under the pointer stays under it.
    pub fn pan(&mut self, canvas: Rect, delta_in_points: Vec2) {
        let moved = delta_in_points / self.points_per_unit(canvas);
        self.centre = [self.centre[0] - moved.x, self.centre[1] + moved.y];
    }

    /// Zoom by a factor (> 1: closer) about a place of the screen that keeps its data point.
    pub fn zoom(&mut self, canvas: Rect, factor: f32, about: Pos2) {
        let held = self.to_data(canvas, about);
        self.reach = (self.reach / factor).clamp(REACH_LIMITS[0], REACH_LIMITS[1]);
        let now = self.to_data(canvas, about);
        self.centre = [
            self.centre[0] + held[0] - now[0],
            self.centre[1] + held[1] - now[1],
        ];
    }

    /// Clip space of a target of `screen` points: data · scale + offset.
    pub fn to_clip(&self, canvas: Rect, screen: Vec2) -> (Vec2, Vec2) {
        let per_unit = self.points_per_unit(canvas);
        let scale = vec2(2.0 * per_unit / screen.x, 2.0 * per_unit / screen.y);
        let origin = self.to_screen(canvas, [0.0, 0.0]);
        (
            scale,
            vec2(
                2.0 * origin.x / screen.x - 1.0,
                1.0 - 2.0 * origin.y / screen.y,
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    const CANVAS: Rect = Rect {
        min: pos2(100.0, 50.0),
        max: pos2(900.0, 450.0),
    };

    #[test]
    fn screen_and_data_are_inverse_and_the_aspect_is_equal() {
        let camera = Camera {
            centre: [0.4, -0.7],
            reach: 1.6,
        };
        let point = [1.3, 0.2];
        let back = camera.to_data(CANVAS, camera.to_screen(CANVAS, point));
        assert_abs_diff_eq!(back[0], point[0], epsilon = 1e-5);
        assert_abs_diff_eq!(back[1], point[1], epsilon = 1e-5);
        let origin = camera.to_screen(CANVAS, [0.0, 0.0]);
        let (right, up) = (
            camera.to_screen(CANVAS, [1.0, 0.0]),
            camera.to_screen(CANVAS, [0.0, 1.0]),
        );
        assert_abs_diff_eq!(right.x - origin.x, 125.0, epsilon = 1e-3);
        assert_abs_diff_eq!(origin.y - up.y, 125.0, epsilon = 1e-3);
    }

    #[test]
    fn zooming_keeps_what_is_under_the_cursor_and_panning_carries_it() {
        let mut camera = Camera {
            centre: [0.0, 0.0],
            reach: 2.7,
        };
        let cursor = pos2(700.0, 120.0);
        let held = camera.to_data(CANVAS, cursor);
        camera.zoom(CANVAS, 2.5, cursor);
        assert_abs_diff_eq!(camera.reach, 2.7 / 2.5, epsilon = 1e-6);
        assert_abs_diff_eq!(camera.to_data(CANVAS, cursor)[0], held[0], epsilon = 1e-5);
        camera.pan(CANVAS, vec2(-30.0, 80.0));
        let carried = camera.to_screen(CANVAS, held);
        assert_abs_diff_eq!(carried.x, cursor.x - 30.0, epsilon = 1e-3);
        assert_abs_diff_eq!(carried.y, cursor.y + 80.0, epsilon = 1e-3);
    }

    #[test]
    fn a_fitted_box_touches_the_nearer_edges_and_no_more() {
        let bounds = Bounds {
            min: [-1.0, 0.0],
            max: [3.0, 1.0],
        };
        let camera = Camera::fit(bounds, CANVAS);
        let (low, high) = (
            camera.to_screen(CANVAS, bounds.min),
            camera.to_screen(CANVAS, bounds.max),
        );
        assert_abs_diff_eq!(low.x, CANVAS.left(), epsilon = 1e-3);
        assert_abs_diff_eq!(high.x, CANVAS.right(), epsilon = 1e-3);
        assert_abs_diff_eq!(low.y - high.y, 200.0, epsilon = 1e-3);
    }

    /// A point, and what it is standardised, lie at one place.
    #[test]
    fn through_a_map_everything_lies_where_it_was() {
        let camera = Camera {
            centre: [0.4, -0.7],
            reach: 1.6,
        };
        let map = Standardisation {
            mean: [0.3, 12.0],
            scale: 0.25,
        };
        let point = [1.0, -0.2];
        let there = camera
            .through(map)
            .to_screen(CANVAS, map.apply(point.map(f64::from)));
        let here = camera.to_screen(CANVAS, point);
        assert_abs_diff_eq!(there.x, here.x, epsilon = 1e-2);
        assert_abs_diff_eq!(there.y, here.y, epsilon = 1e-2);
    }

    #[test]
    fn clip_space_agrees_with_the_screen() {
        let camera = Camera {
            centre: [0.3, 0.1],
            reach: 0.9,
        };
        let screen = vec2(1280.0, 800.0);
        let (scale, offset) = camera.to_clip(CANVAS, screen);
        let point = [-0.6, 0.5];
        let at = camera.to_screen(CANVAS, point);
        assert_abs_diff_eq!(
            point[0] * scale.x + offset.x,
            at.x / screen.x * 2.0 - 1.0,
            epsilon = 1e-5
        );
        assert_abs_diff_eq!(
            point[1] * scale.y + offset.y,
            1.0 - at.y / screen.y * 2.0,
            epsilon = 1e-5
        );
    }
}
