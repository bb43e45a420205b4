//! The log density of a diffused mixture on a grid: p_t = Σ w_k N(a μ_k, (a² σ_k² + s²) I).

use rayon::prelude::*;

use super::matmul::LANES;
use super::near::{Groups, Lobe};
use super::real::Real;
use super::simd::{Kernel, dispatch};
use maths::data::bounds::Bounds;
use maths::data::mixture::Mixture;
use maths::diffusion::schedule::Scales;

/// Components in lanes: ln p_k(x) = log_weight − half_precision · |x − mean|².
struct Lanes {
    mean_x: [f32; LANES],
    mean_y: [f32; LANES],
    half_precision: [f32; LANES],
    log_weight: [f32; LANES],
}

/// ln p_t at the centres of `resolution`² cells of a box, row-major from the lower left.
pub fn log_density(mixture: &Mixture, scales: Scales, bounds: Bounds, resolution: u32) -> Vec<f32> {
    let components = diffuse(mixture, scales);
    let n = resolution as usize;
    let centre = |axis: usize, cell: usize| {
        let (min, max) = (f64::from(bounds.min[axis]), f64::from(bounds.max[axis]));
        (min + (max - min) * (cell as f64 + 0.5) / n as f64) as f32
    };
    let groups = groups_of(&components, mixture.components.len());
    let mut values = vec![0.0; n * n];
    values
        .par_chunks_mut(TILE * n.max(1))
        .enumerate()
        .for_each_init(Vec::new, |near, (band, values)| {
            let rows = values.len() / n;
            let [low, high] = [centre(1, band * TILE), centre(1, band * TILE + rows - 1)];
            for left in (0..n).step_by(TILE) {
                let right = (left + TILE).min(n);
                let tile = Bounds {
                    min: [centre(0, left), low],
                    max: [centre(0, right - 1), high],
                };
                dispatch(Near {
                    groups: &groups,
                    tile,
                    into: near,
                });
                for row in 0..rows {
                    for column in left..right {
                        let (x, y) = (centre(0, column), centre(1, band * TILE + row));
                        values[row * n + column] = dispatch(LogSumExp {
                            components: &components,
                            near,
                            x,
                            y,
                        });
                    }
                }
            }
        });
    values
}

/// Cells a side of the squares for which it is found out together which components matter.
const TILE: usize = 8;

/// Bounds of the components, lane by lane.
fn groups_of(components: &[Lanes], count: usize) -> Groups {
    let lobe = |k: usize| {
        let (lanes, lane) = (&components[k / LANES], k % LANES);
        Lobe {
            mean: [lanes.mean_x[lane], lanes.mean_y[lane]],
            half_precision: lanes.half_precision[lane],
            log_weight: lanes.log_weight[lane],
        }
    };
    Groups::new(&(0..count).map(lobe).collect::<Vec<_>>())
}

struct Near<'a> {
    groups: &'a Groups,
    tile: Bounds,
    into: &'a mut Vec<u32>,
}

impl Kernel for Near<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool, const ROWS: usize>(self) {
        self.groups.near(self.tile, self.into);
    }
}

/// The mixture at one noise level. Lanes that hold no component weigh nothing.
fn diffuse(mixture: &Mixture, Scales { a, s }: Scales) -> Vec<Lanes> {
    let lanes = mixture.components.chunks(LANES).map(|components| {
        let of = |f: &dyn Fn(usize) -> f64, none: f32| {
            std::array::from_fn(|lane| {
                if lane < components.len() {
                    f(lane) as f32
                } else {
                    none
                }
            })
        };
        let variance = |k: usize| (a * f64::from(components[k].sigma)).powi(2) + s * s;
        Lanes {
            mean_x: of(&|k| a * f64::from(components[k].mean[0]), 0.0),
            mean_y: of(&|k| a * f64::from(components[k].mean[1]), 0.0),
            half_precision: of(&|k| 0.5 / variance(k), 0.0),
            log_weight: of(
                &|k| {
                    f64::from(components[k].weight).ln()
                        - (std::f64::consts::TAU * variance(k)).ln()
                },
                f32::NEG_INFINITY,
            ),
        }
    });
    lanes.collect()
}

/// ln Σ_k exp(ln p_k) at one point, about the largest term.
struct LogSumExp<'a> {
    components: &'a [Lanes],
    near: &'a [u32],
    x: f32,
    y: f32,
}

impl Lanes {
    #[inline(always)]
    fn terms(&self, x: f32, y: f32) -> [f32; LANES] {
        let mut terms = self.log_weight;
        for (lane, term) in terms.iter_mut().enumerate() {
            let (dx, dy) = (x - self.mean_x[lane], y - self.mean_y[lane]);
            *term -= self.half_precision[lane] * (dx * dx + dy * dy);
        }
        terms
    }
}

impl Kernel for LogSumExp<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<const FMA: bool, const ROWS: usize>(self) -> f32 {
        let near = || {
            self.near
                .iter()
                .map(|&group| &self.components[group as usize])
        };
        let mut largest = [f32::NEG_INFINITY; LANES];
        for lanes in near() {
            for (largest, term) in largest.iter_mut().zip(lanes.terms(self.x, self.y)) {
                *largest = if term > *largest { term } else { *largest };
            }
        }
        let largest = largest.into_iter().fold(f32::NEG_INFINITY, f32::max);
        let mut sum = [0.0; LANES];
        for lanes in near() {
            for (sum, term) in sum.iter_mut().zip(lanes.terms(self.x, self.y)) {
                *sum += Real::exp(term - largest);
            }
        }
        largest + sum.iter().sum::<f32>().ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maths::data::mixture::Component;

    /// Against the sum written out in f64; 37 components, so that the last lanes are part empty.
    #[test]
    fn grid_holds_the_log_of_the_sum_of_gaussians() {
        let component = |k: usize| {
            let u = k as f32;
            Component {
                mean: [u.sin(), (1.7 * u).cos()],
                sigma: 0.05 + 0.01 * u,
                weight: (1.0 + u) / 703.0,
            }
        };
        let mixture = Mixture {
            components: (0..37).map(component).collect(),
        };
        let bounds = Bounds {
            min: [-2.0, -1.0],
            max: [2.0, 3.0],
        };
        for scales in [Scales { a: 1.0, s: 0.0 }, Scales { a: 0.6, s: 0.8 }] {
            let grid = log_density(&mixture, scales, bounds, 8);
            for (cell, value) in grid.iter().enumerate() {
                let x = -2.0 + 4.0 * ((cell % 8) as f64 + 0.5) / 8.0;
                let y = -1.0 + 4.0 * ((cell / 8) as f64 + 0.5) / 8.0;
                let p: f64 = mixture
                    .components
                    .iter()
                    .map(|c| {
                        let variance = (scales.a * f64::from(c.sigma)).powi(2) + scales.s.powi(2);
                        let dx = x - scales.a * f64::from(c.mean[0]);
                        let dy = y - scales.a * f64::from(c.mean[1]);
                        f64::from(c.weight) / (std::f64::consts::TAU * variance)
                            * (-(dx * dx + dy * dy) / (2.0 * variance)).exp()
                    })
                    .sum();
                assert!(
                    (f64::from(*value) - p.ln()).abs() < 1e-5 * (1.0 + p.ln().abs()),
                    "{value} for {}",
                    p.ln()
                );
            }
        }
    }
}
