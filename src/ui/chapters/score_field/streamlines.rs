//! Streamlines of a field that is known on a square lattice: evenly spaced, by the midpoint rule along the directions.

use engine::Start;
use lab::message::RunResult;
use maths::data::bounds::Bounds;

/// A square lattice in the plane, and the number of its places a side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lattice {
    /// Lower left place, data units.
    pub first: [f32; 2],
    /// From one place to the next.
    pub step: f32,
    /// Places a side.
    pub side: u32,
}

/// Cells of the mesh, a side, in each of which at most one line runs.
const LANES: usize = 26;
/// Steps of a line, of a third of the lattice's step each, at most.
const MOST_STEPS: usize = 500;

impl Lattice {
    /// The lattice for what is visible: `side` places over its longer side, a little more so that the lattice stays
    /// while the camera moves a little.
    pub fn over(visible: Bounds, side: u32) -> Self {
        let [width, height] = [0, 1].map(|axis| visible.max[axis] - visible.min[axis]);
        let wanted = width.max(height).max(1e-6) / side as f32;
        let step = ((wanted.log2() * 8.0).ceil() / 8.0).exp2();
        let first = [0, 1].map(|axis| {
            let middle = f32::midpoint(visible.min[axis], visible.max[axis]);
            let first = middle - 0.5 * (side - 1) as f32 * step;
            ((first / step - 0.5).round() + 0.5) * step
        });
        Self { first, step, side }
    }

    /// The lattice that a result was computed on.
    pub fn of(result: &RunResult) -> Option<Self> {
        let Start::Points(points) = &result.request.start else {
            return None;
        };
        let [first, next] = [points.first()?, points.get(1)?];
        Some(Self {
            first: *first,
            step: next[0] - first[0],
            side: points.len().isqrt() as u32,
        })
    }
}

impl Lattice {
    /// Every place, row by row from the lower left.
    pub(super) fn points(self) -> Vec<[f32; 2]> {
        let place = |axis: usize, index: u32| self.first[axis] + index as f32 * self.step;
        (0..self.side)
            .flat_map(|j| (0..self.side).map(move |i| [place(0, i), place(1, j)]))
            .collect()
    }

    /// The field between the places, bilinear; `None` outside.
    fn at(self, vectors: &[[f32; 2]], point: [f32; 2]) -> Option<[f32; 2]> {
        let last = self.side.checked_sub(2)? as f32 + 1.0;
        let [u, v] = [0, 1].map(|axis| (point[axis] - self.first[axis]) / self.step);
        if !(0.0..=last).contains(&u) || !(0.0..=last).contains(&v) {
            return None;
        }
        let (i, j) = (
            (u as usize).min(self.side as usize - 2),
            (v as usize).min(self.side as usize - 2),
        );
        let (right, up) = (u - i as f32, v - j as f32);
        let vector = |i: usize, j: usize| vectors[j * self.side as usize + i];
        let mix = |axis: usize| {
            let low = vector(i, j)[axis] * (1.0 - right) + vector(i + 1, j)[axis] * right;
            let high = vector(i, j + 1)[axis] * (1.0 - right) + vector(i + 1, j + 1)[axis] * right;
            low * (1.0 - up) + high * up
        };
        Some([mix(0), mix(1)])
    }

    /// Streamlines of the field with these vectors, one a place.
    pub(super) fn streamlines(self, vectors: &[[f32; 2]]) -> Vec<Vec<[f32; 2]>> {
        let extent = self.step * self.side.saturating_sub(1) as f32;
        if vectors.len() != (self.side * self.side) as usize || extent <= 0.0 {
            return Vec::new();
        }
        let lane = extent / LANES as f32;
        let cell = |p: [f32; 2]| {
            let [i, j] = [0, 1]
                .map(|axis| ((p[axis] - self.first[axis]) / lane).clamp(0.0, LANES as f32 - 1.0));
            j as usize * LANES + i as usize
        };
        let mut taken = vec![false; LANES * LANES];
        let mut lines = Vec::new();
        // A stride that shares no factor with the number of cells visits each once, far from the one before.
        let count = LANES * LANES;
        for seed in (0..count).map(|k| (k * 277 + count / 2) % count) {
            if taken[seed] {
                continue;
            }
            let middle = |index: usize, axis: usize| self.first[axis] + (index as f32 + 0.5) * lane;
            let start = [middle(seed % LANES, 0), middle(seed / LANES, 1)];
            let walk = |sign: f32| self.walk(vectors, start, sign, |p| !taken[cell(p)]);
            let mut line: Vec<_> = walk(-1.0).into_iter().rev().collect();
            line.extend(walk(1.0).into_iter().skip(1));
            if line.len() as f32 * self.step / 3.0 > 2.0 * lane {
                for &point in &line {
                    taken[cell(point)] = true;
                }
                lines.push(line);
            }
        }
        lines
    }

    /// One way along the field, as long as it leads on and the place is free.
    fn walk(
        self,
        vectors: &[[f32; 2]],
        start: [f32; 2],
        sign: f32,
        free: impl Fn([f32; 2]) -> bool,
    ) -> Vec<[f32; 2]> {
        let stride = self.step / 3.0;
        let direction = |p: [f32; 2]| {
            let v = self.at(vectors, p)?;
            let size = v[0].hypot(v[1]);
            (size.is_finite() && size > 1e-6).then(|| v.map(|c| sign * c / size))
        };
        let moved = |p: [f32; 2], d: [f32; 2], by: f32| [p[0] + by * d[0], p[1] + by * d[1]];
        let mut line = vec![start];
        let (mut at, mut before) = (start, None::<[f32; 2]>);
        while line.len() < MOST_STEPS {
            let Some(first) = direction(at) else { break };
            let Some(d) = direction(moved(at, first, 0.5 * stride)) else {
                break;
            };
            // A sharp turn: the line has arrived where the field converges.
            if before.is_some_and(|b| b[0] * d[0] + b[1] * d[1] < 0.2) {
                break;
            }
            at = moved(at, d, stride);
            if !free(at) {
                break;
            }
            line.push(at);
            before = Some(d);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lattice() -> Lattice {
        Lattice {
            first: [-2.0, -2.0],
            step: 4.0 / 31.0,
            side: 32,
        }
    }

    /// Of the rotation (−y, x) streamlines are circles about the origin.
    #[test]
    fn a_rotation_has_circles() {
        let vectors: Vec<_> = lattice().points().iter().map(|p| [-p[1], p[0]]).collect();
        let lines = lattice().streamlines(&vectors);
        assert!(lines.len() > 5);
        for line in lines {
            let radius = line[0][0].hypot(line[0][1]);
            let drift = line
                .iter()
                .map(|p| (p[0].hypot(p[1]) - radius).abs())
                .fold(0.0, f32::max);
            assert!(drift < 0.05, "{radius} drifts by {drift}");
        }
    }

    /// Of the field −x they are rays, which end near the origin.
    #[test]
    fn a_sink_has_rays() {
        let vectors: Vec<_> = lattice().points().iter().map(|p| p.map(|c| -c)).collect();
        for line in lattice().streamlines(&vectors) {
            let (first, last) = (line[0], line[line.len() - 1]);
            assert!(first[0].hypot(first[1]) > last[0].hypot(last[1]) - 0.05);
            let apart = first[0] * last[1] - first[1] * last[0];
            assert!(
                apart.abs() < 0.05 * first[0].hypot(first[1]).max(0.2),
                "{first:?} {last:?}"
            );
        }
    }

    #[test]
    fn too_few_vectors_give_no_line() {
        assert!(lattice().streamlines(&[[1.0, 0.0]]).is_empty());
        assert!(
            Lattice {
                first: [0.0; 2],
                step: 1.0,
                side: 1
            }
            .streamlines(&[[1.0, 0.0]])
            .is_empty()
        );
    }

    #[test]
    fn the_lattice_covers_what_is_visible_and_stays_while_the_camera_moves_a_little() {
        let visible = Bounds {
            min: [-3.3, -2.6],
            max: [3.3, 2.6],
        };
        let lattice = Lattice::over(visible, 32);
        let points = lattice.points();
        assert_eq!(points.len(), 32 * 32);
        let around = Bounds::around(&points).unwrap();
        let margin = lattice.step;
        assert!((0..2).all(|i| around.min[i] <= visible.min[i] + margin
            && visible.max[i] <= around.max[i] + margin));
        let moved = |by: f32| Bounds {
            min: [-3.3 + by, -2.6],
            max: [3.3 + by, 2.6],
        };
        assert_eq!(Lattice::over(moved(0.02), 32), lattice);
        // Farther on its places are still those of before.
        let far = Lattice::over(moved(1.0), 32);
        let steps = (far.first[0] - lattice.first[0]) / lattice.step;
        assert!(steps > 2.0 && (steps - steps.round()).abs() < 1e-3);
    }
}
