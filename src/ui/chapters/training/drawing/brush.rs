//! The brush: what it sprays along the way of the hand, and what an eraser of its size covers.

use std::f32::consts::TAU;

use lab::drawing::Dot;
use maths::philox::{philox4x32, uniform};

/// Its size, in the units of the drawing.
pub const RADII: std::ops::RangeInclusive<f32> = 0.02..=1.0;
/// Points that it sprays in a second.
pub const RATES: std::ops::RangeInclusive<f32> = 20.0..=5000.0;
/// First word of its random numbers ("draw").
const STREAM: u32 = 0x6472_6177;

/// What the hand does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tool {
    /// Puts points down.
    #[default]
    Brush,
    /// Takes them away.
    Eraser,
}

/// The brush in the hand.
#[derive(Clone, Debug)]
pub struct Brush {
    /// What it does.
    pub tool: Tool,
    /// Its size, in the units of the drawing.
    pub radius: f32,
    /// Points in a second.
    pub rate: f32,
    /// The colour of its points: 0 or 1.
    pub label: u8,
    /// Points sprayed so far: the counter of the random numbers.
    sprayed: u32,
    /// What is owed of a point.
    owed: f32,
}

impl Default for Brush {
    fn default() -> Self {
        Self {
            tool: Tool::Brush,
            radius: 0.15,
            rate: 400.0,
            label: 0,
            sprayed: 0,
            owed: 1.0,
        }
    }
}

impl Brush {
    /// The hand comes down: the first point is there at once.
    pub fn touch(&mut self) {
        self.owed = 1.0;
    }

    /// What it sprays within so many seconds along a path, evenly along its length and over its disc. Of a fast hand more,
    /// so that its way has no gaps: a point for each half of its radius.
    pub fn spray(&mut self, path: &[[f32; 2]], secs: f32) -> Vec<Dot> {
        let by_time = self.owed + self.rate * secs.max(0.0);
        let by_way = (length(path) / (0.5 * self.radius)).ceil();
        let count = by_time.floor().max(by_way);
        self.owed = (by_time - count).max(0.0);
        let count = count as u32;
        (0..count)
            .filter_map(|i| {
                let [along, out, around, _] = philox4x32([STREAM, self.sprayed, 0, 0], [0, 0]);
                self.sprayed = self.sprayed.wrapping_add(1);
                let [x, y] = point_at(path, (i as f32 + uniform(along)) / count as f32)?;
                let away = self.radius * uniform(out).sqrt();
                let (sin, cos) = (TAU * uniform(around)).sin_cos();
                Some(Dot {
                    at: [x + away * cos, y + away * sin],
                    label: self.label,
                })
            })
            .collect()
    }
}

fn length(path: &[[f32; 2]]) -> f32 {
    path.windows(2).map(|ends| distance(ends[0], ends[1])).sum()
}

fn distance(a: [f32; 2], b: [f32; 2]) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// The point at a share of a path's length.
fn point_at(path: &[[f32; 2]], share: f32) -> Option<[f32; 2]> {
    let mut left = share * length(path);
    for ends in path.windows(2) {
        let piece = distance(ends[0], ends[1]);
        if left <= piece && piece > 0.0 {
            let way = left / piece;
            return Some([0, 1].map(|axis| ends[0][axis] + way * (ends[1][axis] - ends[0][axis])));
        }
        left -= piece;
    }
    path.last().copied()
}

/// True where a point is no farther than `radius` from a path.
pub fn covers(path: &[[f32; 2]], radius: f32, point: [f32; 2]) -> bool {
    from_path(path, point) <= radius
}

/// How far a point is from a path.
fn from_path(path: &[[f32; 2]], point: [f32; 2]) -> f32 {
    let from_piece = |[a, b]: [[f32; 2]; 2]| {
        let along = [b[0] - a[0], b[1] - a[1]];
        let square = along[0] * along[0] + along[1] * along[1];
        let toward = (point[0] - a[0]) * along[0] + (point[1] - a[1]) * along[1];
        let way = if square > 0.0 {
            (toward / square).clamp(0.0, 1.0)
        } else {
            0.0
        };
        distance(point, [a[0] + way * along[0], a[1] + way * along[1]])
    };
    let first = path.first().map(|first| [*first; 2]);
    let pieces = path.windows(2).map(|ends| [ends[0], ends[1]]);
    first
        .into_iter()
        .chain(pieces)
        .map(from_piece)
        .fold(f32::INFINITY, f32::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: [[f32; 2]; 3] = [[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]];

    #[test]
    fn the_spray_stays_within_the_brush_and_fills_it() {
        let mut brush = Brush {
            radius: 0.5,
            rate: 4000.0,
            label: 1,
            ..Brush::default()
        };
        let dots = brush.spray(&PATH, 1.0);
        assert_eq!(dots.len(), 4001, "the first is there at once");
        let away: Vec<f32> = dots.iter().map(|dot| from_path(&PATH, dot.at)).collect();
        assert!(away.iter().all(|away| *away <= 0.5 + 1e-6));
        assert!(dots.iter().all(|dot| dot.label == 1));
        // Over the disc evenly: of a standing hand the mean of r² is half of R².
        brush.touch();
        let still = brush.spray(&[[1.0, 1.0]], 1.0);
        let squares = still.iter().map(|dot| distance(dot.at, [1.0, 1.0]).powi(2));
        let mean = squares.sum::<f32>() / still.len() as f32;
        // r²/R² is uniform: its mean over 4001 draws has the standard error 1/√(12 · 4001).
        assert!(
            (mean / 0.25 - 0.5).abs() < 5.0 / (12.0 * 4001.0_f32).sqrt(),
            "{mean}"
        );
    }

    /// However fast the hand, each piece of its way has its point.
    #[test]
    fn a_fast_hand_leaves_no_gaps() {
        let mut brush = Brush {
            rate: 20.0,
            radius: 0.1,
            ..Brush::default()
        };
        let dots = brush.spray(&[[0.0, 0.0], [10.0, 0.0]], 1e-3);
        let mut xs: Vec<f32> = dots.iter().map(|dot| dot.at[0]).collect();
        xs.sort_unstable_by(f32::total_cmp);
        let widest = xs.windows(2).map(|x| x[1] - x[0]).fold(0.0, f32::max);
        // Two neighbours are at most two pieces of half a radius apart, and each a radius from its own.
        assert!(
            widest <= 0.1 + 2.0 * 0.1 && xs.len() == 200,
            "{widest}, {}",
            xs.len()
        );
    }

    /// As many frames as there are in a second, the points are those of the second.
    #[test]
    fn the_rate_is_that_of_a_second_at_any_frame_rate() {
        for frames in [7_u8, 60, 240] {
            let mut brush = Brush::default();
            brush.touch();
            let secs = 1.0 / f32::from(frames);
            let count: usize = (0..frames)
                .map(|_| brush.spray(&[[0.0, 0.0]], secs).len())
                .sum();
            assert!((400..=401).contains(&count), "{frames}: {count}");
        }
    }

    #[test]
    fn the_same_hand_makes_the_same_drawing() {
        let drawn = || Brush::default().spray(&PATH, 0.3);
        assert_eq!(drawn(), drawn());
        let mut brush = Brush::default();
        assert_ne!(
            brush.spray(&PATH, 0.3),
            brush.spray(&PATH, 0.3),
            "no stroke is a stamp"
        );
    }

    #[test]
    fn what_is_covered_is_a_capsule_about_the_way() {
        for (point, covered) in [
            ([1.5, 0.49], true),
            ([1.5, 0.51], false),
            ([-0.49, 0.0], true),
            ([-0.51, 0.0], false),
            ([3.4, 3.0], true),
            ([3.0, 4.49], true),
            ([3.4, 4.4], false),
        ] {
            assert_eq!(covers(&PATH, 0.5, point), covered, "{point:?}");
        }
        assert!(covers(&[[1.0, 1.0]], 0.1, [1.05, 1.0]) && !covers(&[], 9.0, [0.0, 0.0]));
    }
}
