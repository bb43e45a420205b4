//! The tilted density of a class: p_t(x) p_t(y | x)^w, in closed form up to its constant.
//!
//! Its score is the guided field of weight w (Ho & Salimans 2022, "Classifier-free guidance", eq. 6). Samples that follow that field do
//! not have the density of t = 0: a tilted density that is noised is not the tilted density of the noised data.

use std::collections::HashSet;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::exact::Marginal;
use super::schedule::Scales;
use crate::data::bounds::Bounds;
use crate::data::mixture::Mixture;

/// Cells a side of the first grid that draws are found by, and into how many a side each that counts is divided.
const COARSE: u32 = 96;
const FINE: u32 = 6;
/// Cells this many nats beneath the densest one have nothing.
const DEEPEST: f64 = 30.0;
/// The box that draws lie in: so many σ of the noised components about them, this much larger; a weight below 0 leads away, and as much
/// farther.
const SIGMAS: f32 = 6.0;
const LARGER: f32 = 1.5;

/// The tilted density of one class at one noise level.
pub struct Tilted {
    all: Marginal,
    class: Marginal,
    weight: f64,
    around: Bounds,
    /// Means of the noised components.
    means: Vec<[f64; 2]>,
}

impl Tilted {
    /// Of the distribution of all data and that of a class of them, with a weight: 0 gives the former, 1 the latter.
    pub fn new(all: &Mixture, class: &Mixture, weight: f64, scales: Scales) -> Self {
        let Scales { a, s } = scales;
        let noised = |bounds: Bounds| {
            let reach = SIGMAS * s as f32;
            Bounds {
                min: bounds.min.map(|side| a as f32 * side - reach),
                max: bounds.max.map(|side| a as f32 * side + reach),
            }
        };
        Self {
            all: all.marginal(scales),
            class: class.marginal(scales),
            weight,
            around: noised(all.bounds_at(SIGMAS)).scaled(LARGER * (1.0 - weight.min(0.0) as f32)),
            means: (all.components.iter())
                .map(|component| component.mean.map(|c| a * f64::from(c)))
                .collect(),
        }
    }

    /// ln p_t(x) + w ln p_t(y | x), less what does not depend on x.
    pub fn log_density(&self, x: [f64; 2]) -> f64 {
        let all = self.all.log_density(x);
        // Of all data alone a class that is nowhere near says nothing.
        if self.weight == 0.0 {
            return all;
        }
        all + self.weight * (self.class.log_density(x) - all)
    }

    /// ∇ ln of it: that of all data, and `weight` times what that of the class has more.
    pub fn score(&self, x: [f64; 2]) -> [f64; 2] {
        let (all, class) = (self.all.score(x), self.class.score(x));
        [0, 1].map(|axis| all[axis] + self.weight * (class[axis] - all[axis]))
    }

    /// ln of the density at the cell centres of a box, row-major from the lower left, with the constant by which the cells of the box have 1.
    pub fn on_grid(&self, bounds: Bounds, resolution: u32) -> Vec<f32> {
        let grid = Grid {
            bounds,
            side: resolution,
        };
        let logs: Vec<f64> = (0..resolution * resolution)
            .map(|cell| self.log_density(grid.centre(cell)))
            .collect();
        let densest = densest(logs.iter().copied());
        let sum: f64 = logs.iter().map(|log| (log - densest).exp()).sum();
        let constant = densest + (sum * grid.cell_area()).ln();
        logs.iter().map(|log| (log - constant) as f32).collect()
    }

    /// `n` draws that depend on nothing but the seed: from the cells of a fine grid by their share, evenly within a cell.
    pub fn draw(&self, n: usize, seed: u64) -> Vec<[f32; 2]> {
        let coarse = Grid {
            bounds: self.around,
            side: COARSE,
        };
        let fine = Grid {
            side: COARSE * FINE,
            ..coarse
        };
        let logs: Vec<f64> = (0..COARSE * COARSE)
            .map(|cell| self.log_density(coarse.centre(cell)))
            .collect();
        let least = densest(logs.iter().copied()) - DEEPEST;
        // Between the centres of cells a narrow component may hide.
        let holds: HashSet<u32> = self
            .means
            .iter()
            .filter_map(|x| coarse.cell_of(*x))
            .collect();
        let counts = |cell: &u32| logs[*cell as usize] >= least || holds.contains(cell);
        let kept = (0..COARSE * COARSE).filter(counts);
        let cells: Vec<([f64; 2], f64)> = kept
            .flat_map(|cell| {
                let corner = FINE * (cell / COARSE) * fine.side + FINE * (cell % COARSE);
                (0..FINE * FINE).map(move |k| corner + (k / FINE) * fine.side + k % FINE)
            })
            .map(|cell| {
                let centre = fine.centre(cell);
                (centre, self.log_density(centre))
            })
            .collect();
        let densest = densest(cells.iter().map(|(_, log)| *log));
        let sums: Vec<f64> = cells
            .iter()
            .scan(0.0, |sum, (_, log)| {
                *sum += (log - densest).exp();
                Some(*sum)
            })
            .collect();
        let Some(total) = sums.last() else {
            return Vec::new();
        };
        let mut rng = StdRng::seed_from_u64(seed);
        let size = fine.cell_size();
        (0..n)
            .map(|_| {
                let wanted = rng.random::<f64>() * total;
                let at = sums.partition_point(|sum| *sum < wanted);
                let (centre, _) = cells[at.min(cells.len() - 1)];
                [0, 1].map(|axis| (centre[axis] + size[axis] * (rng.random::<f64>() - 0.5)) as f32)
            })
            .collect()
    }
}

fn densest(logs: impl Iterator<Item = f64>) -> f64 {
    logs.fold(f64::NEG_INFINITY, f64::max)
}

/// Square cells of a box, row by row from the lower left.
#[derive(Clone, Copy)]
struct Grid {
    bounds: Bounds,
    side: u32,
}

impl Grid {
    fn cell_size(&self) -> [f64; 2] {
        let Bounds { min, max } = self.bounds;
        [0, 1].map(|axis| f64::from(max[axis] - min[axis]) / f64::from(self.side))
    }

    fn cell_area(&self) -> f64 {
        let [width, height] = self.cell_size();
        width * height
    }

    fn cell_of(&self, x: [f64; 2]) -> Option<u32> {
        let size = self.cell_size();
        let place = [0, 1].map(|axis| (x[axis] - f64::from(self.bounds.min[axis])) / size[axis]);
        let inside = place
            .iter()
            .all(|p| (0.0..f64::from(self.side)).contains(p));
        inside.then(|| place[1] as u32 * self.side + place[0] as u32)
    }

    fn centre(&self, cell: u32) -> [f64; 2] {
        let size = self.cell_size();
        let place = [cell % self.side, cell / self.side];
        [0, 1].map(|axis| {
            f64::from(self.bounds.min[axis]) + (f64::from(place[axis]) + 0.5) * size[axis]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dataset::Dataset;
    use crate::data::mixture::Component;
    use crate::data::shapes::Shape;
    use crate::diffusion::schedule::Schedule;

    /// Every weight of the chapter's range, its ends first.
    const WEIGHTS: [f64; 6] = [-1.0, 10.0, 0.0, 1.0, 2.5, 0.5];

    fn moons() -> [Mixture; 2] {
        let dataset = Dataset::of_shape(Shape::Moons, 100, 1);
        let class = dataset.labels.unwrap().mixture_of(&dataset.mixture, 0);
        [Mixture::clone(&dataset.mixture), class.unwrap()]
    }

    #[test]
    fn the_score_is_the_slope_of_the_logarithm() {
        let [all, class] = moons();
        for (weight, tau) in WEIGHTS.into_iter().zip([0.05, 0.3, 0.6, 0.95, 0.2, 0.5]) {
            let scales = Schedule::Cosine.scales(tau, 1000);
            let tilted = Tilted::new(&all, &class, weight, scales);
            for x in [[0.3, -0.4], [-1.2, 0.7], [1.0, 0.1]] {
                let slope = [0, 1].map(|axis| {
                    let h = 1e-5;
                    let at = |sign: f64| {
                        let mut x = x;
                        x[axis] += sign * h;
                        tilted.log_density(x)
                    };
                    (at(1.0) - at(-1.0)) / (2.0 * h)
                });
                let score = tilted.score(x);
                for axis in 0..2 {
                    let off = (score[axis] - slope[axis]).abs();
                    assert!(
                        off < 1e-5 * (1.0 + slope[axis].abs()),
                        "w {weight}, t {tau}: {score:?}, not {slope:?}"
                    );
                }
            }
        }
    }

    /// Of two Gaussians of one width, far apart, the class at the right: weight −1 gives what lies as far beyond the other one,
    /// N(2 μ_0 − μ_1, σ²): there p is that of the other, and p²/p(x, y) is a Gaussian of the same width.
    #[test]
    fn beyond_the_other_class_lies_its_mirror_image() {
        let sigma = 0.2_f32;
        let at = |x: f32, weight| Component {
            mean: [x, 0.0],
            sigma,
            weight,
        };
        let all = Mixture::new(vec![at(-1.4, 0.5), at(1.4, 0.5)]).unwrap();
        let class = Mixture::new(vec![at(1.4, 1.0)]).unwrap();
        let data = Scales { a: 1.0, s: 0.0 };
        let draws = Tilted::new(&all, &class, -1.0, data).draw(20_000, 3);
        let mean = draws.iter().map(|x| f64::from(x[0])).sum::<f64>() / 2e4;
        let square = draws.iter().map(|x| f64::from(x[0]).powi(2)).sum::<f64>() / 2e4;
        let error = f64::from(sigma) / 2e4_f64.sqrt();
        assert!((mean + 4.2).abs() < 5.0 * error, "{mean}");
        let std = (square - mean * mean).sqrt();
        assert!((std - f64::from(sigma)).abs() < 5.0 * error, "{std}");
    }

    /// Draws have the mean and the variance that a sum over another, plain grid gives; at weight 0 and 1 those of the closed forms.
    #[test]
    fn draws_have_the_moments_of_the_density() {
        let [all, class] = moons();
        let scales = Schedule::Linear.scales(0.15, 1000);
        for weight in WEIGHTS {
            let tilted = Tilted::new(&all, &class, weight, scales);
            let (cells, reach) = (200_u32, 4.5_f64);
            let mut sums = [0.0; 5];
            for cell in 0..cells * cells {
                let side = 2.0 * reach / f64::from(cells);
                let x = [cell % cells, cell / cells]
                    .map(|place| (f64::from(place) + 0.5) * side - reach);
                let p = (tilted.log_density(x) - tilted.log_density([0.0, 0.6])).exp();
                let terms = [1.0, x[0], x[1], x[0] * x[0], x[1] * x[1]];
                std::iter::zip(&mut sums, terms).for_each(|(sum, term)| *sum += p * term);
            }
            let n = 20_000;
            let draws = tilted.draw(n, 5);
            for axis in 0..2 {
                let mean = sums[1 + axis] / sums[0];
                let variance = sums[3 + axis] / sums[0] - mean * mean;
                let count = n as f64;
                let drawn = draws.iter().map(|x| f64::from(x[axis])).sum::<f64>() / count;
                let error = (variance / count).sqrt();
                assert!(
                    (drawn - mean).abs() < 4.0 * error,
                    "w {weight}: {drawn}, not {mean} ± {error}"
                );
                let spread = draws.iter().map(|x| (f64::from(x[axis]) - mean).powi(2));
                let spread = spread.sum::<f64>() / count;
                assert!(
                    (spread / variance - 1.0).abs() < 8.0 / count.sqrt(),
                    "w {weight}: {spread}, not {variance}"
                );
            }
        }
    }

    #[test]
    fn on_a_grid_it_is_the_density_itself_where_that_is_known() {
        let [all, class] = moons();
        let scales = Schedule::Linear.scales(0.3, 1000);
        let bounds = Bounds {
            min: [-4.0, -4.0],
            max: [4.0, 4.0],
        };
        for (weight, of) in [(0.0, &all), (1.0, &class)] {
            let logs = Tilted::new(&all, &class, weight, scales).on_grid(bounds, 160);
            let marginal = of.marginal(scales);
            for (place, x) in [(80 * 160 + 80, 0.025), (100 * 160 + 60, -0.975)] {
                let y = if place == 80 * 160 + 80 { 0.025 } else { 1.025 };
                let expected = marginal.log_density([x, y]);
                assert!((f64::from(logs[place]) - expected).abs() < 1e-3);
            }
        }
    }
}
