//! The built-in data sets.

use std::f64::consts::{PI, TAU};

use serde::{Deserialize, Serialize};

use super::curves::{circle, evenly_along, polyline, ring, spiral};
use super::mixture::{Component, Mixture};
use crate::names::{self, Words};

/// A built-in data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum Shape {
    /// Lemniscate of Gerono (sin u, sin u cos u).
    Figure8,
    /// Unit circle.
    Circle,
    /// Two half circles, interleaved.
    Moons,
    /// A rolled-up line.
    SwissRoll,
    /// Two spiral arms.
    Spirals,
    /// Eight squares of a 4×4 board.
    Checkerboard,
    /// Eight Gaussians on a circle.
    EightGaussians,
    /// Five curved blades.
    Pinwheel,
    /// Three concentric circles.
    Rings,
    /// One Gaussian, whose answers are known by hand.
    Gaussian,
}

impl std::str::FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Files have one of them in words.
        let words = |shape: Self| {
            if shape == Self::EightGaussians {
                "eightgaussians"
            } else {
                shape.name()
            }
        };
        names::find(Self::ALL, "a built-in data set", text, |shape| {
            [shape.name(), shape.title(), words(shape)]
        })
    }
}

impl TryFrom<String> for Shape {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Components of the three rings: in proportion to their radius.
const RING_COMPONENTS: [usize; 3] = [85, 170, 255];

/// The most components of a built-in mixture.
pub const MAX_COMPONENTS: usize = 512;

impl Shape {
    /// Every shape, in the order of the menus.
    pub const ALL: [Self; 10] = [
        Self::Figure8,
        Self::Circle,
        Self::Moons,
        Self::SwissRoll,
        Self::Spirals,
        Self::Checkerboard,
        Self::EightGaussians,
        Self::Pinwheel,
        Self::Rings,
        Self::Gaussian,
    ];

    /// What it is called.
    pub const fn words(self) -> &'static Words {
        match self {
            Self::Figure8 => &Words {
                name: "figure8",
                title: "Figure-8",
                symbol: "Figure-8",
                short: "figure8",
                help: "lemniscate of Gerono, (sin u, sin u cos u)",
            },
            Self::Circle => &Words {
                name: "circle",
                title: "Circle",
                symbol: "Circle",
                short: "circle",
                help: "unit circle",
            },
            Self::Moons => &Words {
                name: "moons",
                title: "Two moons",
                symbol: "Two moons",
                short: "moons",
                help: "two half circles, interleaved",
            },
            Self::SwissRoll => &Words {
                name: "swissroll",
                title: "Swiss roll",
                symbol: "Swiss roll",
                short: "swissroll",
                help: "a rolled-up line",
            },
            Self::Spirals => &Words {
                name: "spirals",
                title: "Spirals",
                symbol: "Spirals",
                short: "spirals",
                help: "two spiral arms",
            },
            Self::Checkerboard => &Words {
                name: "checkerboard",
                title: "Checkerboard",
                symbol: "Checkerboard",
                short: "checkerboard",
                help: "eight squares of a 4 × 4 board",
            },
            Self::EightGaussians => &Words {
                name: "8gaussians",
                title: "8 Gaussians",
                symbol: "8 Gaussians",
                short: "8gaussians",
                help: "eight Gaussians on a circle",
            },
            Self::Pinwheel => &Words {
                name: "pinwheel",
                title: "Pinwheel",
                symbol: "Pinwheel",
                short: "pinwheel",
                help: "five curved blades",
            },
            Self::Rings => &Words {
                name: "rings",
                title: "Rings",
                symbol: "Rings",
                short: "rings",
                help: "three concentric circles",
            },
            Self::Gaussian => &Words {
                name: "gaussian",
                title: "Gaussian",
                symbol: "Gaussian",
                short: "gaussian",
                help: "one Gaussian, whose answers are known by hand",
            },
        }
    }

    /// The name on the command line and in files.
    pub const fn name(self) -> &'static str {
        self.words().name
    }

    /// The name in menus.
    pub const fn title(self) -> &'static str {
        self.words().title
    }

    /// The distribution, in standardised units; at most [`MAX_COMPONENTS`] components.
    pub fn mixture(self) -> Mixture {
        self.drawing().mixture().standardised()
    }

    /// The classes that its points fall into by themselves; none of a shape that is one thing.
    pub const fn classes(self) -> &'static [&'static str] {
        match self {
            Self::Figure8 => &["right", "left"],
            Self::Moons => &["upper", "lower"],
            Self::Spirals => &["first", "second"],
            Self::EightGaussians => &["even", "odd"],
            Self::Pinwheel => &["first", "second", "third", "fourth", "fifth"],
            Self::Rings => &["inner", "middle", "outer"],
            Self::Circle | Self::SwissRoll | Self::Checkerboard | Self::Gaussian => &[],
        }
    }

    /// The class of each component of [`Shape::mixture`], by its place in [`Shape::classes`]: the pieces of its curve one after the
    /// other, of the 8 Gaussians every second one.
    pub fn classes_of_components(self) -> Vec<u32> {
        let pieces: &[usize] = match self {
            Self::Figure8 | Self::Spirals => &[256, 256],
            Self::Moons => &[128, 128],
            Self::Pinwheel => &[100; 5],
            Self::Rings => &RING_COMPONENTS,
            Self::EightGaussians => return (0..8).map(|k| k % 2).collect(),
            Self::Circle | Self::SwissRoll | Self::Checkerboard | Self::Gaussian => &[],
        };
        let of_piece = |(class, count): (u32, &usize)| std::iter::repeat_n(class, *count);
        (0..).zip(pieces).flat_map(of_piece).collect()
    }

    /// The manifold as polylines, in the units of [`Shape::mixture`]; a closed curve ends where it begins.
    pub fn outline(self) -> Vec<Vec<[f32; 2]>> {
        let drawing = self.drawing();
        let map = drawing.mixture().standardisation();
        drawing
            .outline
            .into_iter()
            .map(|line| line.into_iter().map(|p| map.apply(p)).collect())
            .collect()
    }

    /// The shape in the units that it is easiest described in.
    fn drawing(self) -> Drawing {
        let mut drawing = Drawing::default();
        match self {
            // Even in u, not along the curve: the data set of that name.
            Self::Figure8 => {
                let lemniscate = |u: f64| [u.sin(), u.sin() * u.cos()];
                let centres =
                    (0..MAX_COMPONENTS).map(|i| lemniscate(TAU * i as f64 / MAX_COMPONENTS as f64));
                drawing
                    .lobes
                    .extend(centres.map(|centre| (centre, 0.02, 1.0)));
                drawing.outline.push(polyline(lemniscate, 0.0, TAU));
            }
            Self::Circle => drawing.curve(circle(1.0), 0.0, TAU, MAX_COMPONENTS, 0.02),
            Self::Moons => {
                drawing.curve(circle(1.0), 0.0, PI, 128, 0.05);
                drawing.curve(|u| [1.0 - u.cos(), 0.5 - u.sin()], 0.0, PI, 128, 0.05);
            }
            // 1.75 turns of an Archimedean spiral.
            Self::SwissRoll => {
                drawing.curve(spiral(4.5 * PI, 0.0), PI, 4.5 * PI, MAX_COMPONENTS, 0.02);
            }
            Self::Spirals => {
                for turn in [0.0, PI] {
                    drawing.curve(spiral(3.0 * PI, turn), 0.25 * PI, 3.0 * PI, 256, 0.025);
                }
            }
            Self::Checkerboard => {
                for (column, row) in (0..4).flat_map(|column| (0..4).map(move |row| (column, row)))
                {
                    if (column + row) % 2 == 0 {
                        drawing.square([f64::from(column), f64::from(row)]);
                    }
                }
            }
            Self::EightGaussians => {
                let sigma = 0.08;
                for k in 0..8 {
                    let centre = circle(1.0)(TAU * f64::from(k) / 8.0);
                    drawing.lobes.push((centre, sigma, 1.0));
                    drawing.outline.push(ring(centre, 2.0 * sigma));
                }
            }
            Self::Pinwheel => {
                for blade in 0..5 {
                    drawing.blade(TAU * f64::from(blade) / 5.0);
                }
            }
            // As many components as the radius asks for: the density is even along all three.
            Self::Rings => {
                for (radius, components) in [1.0, 2.0, 3.0].into_iter().zip(RING_COMPONENTS) {
                    drawing.curve(circle(radius), 0.0, TAU, components, 0.09);
                }
            }
            Self::Gaussian => {
                drawing.lobes.push(([0.0; 2], 1.0, 1.0));
                drawing.outline.push(ring([0.0; 2], 1.0));
            }
        }
        drawing
    }
}

/// Components (centre, sigma, weight) and outlines, before standardising.
#[derive(Default)]
struct Drawing {
    lobes: Vec<([f64; 2], f64, f64)>,
    outline: Vec<Vec<[f64; 2]>>,
}

impl Drawing {
    fn mixture(&self) -> Mixture {
        let total: f64 = self.lobes.iter().map(|lobe| lobe.2).sum();
        let component = |&(centre, sigma, weight): &([f64; 2], f64, f64)| Component {
            mean: centre.map(|c| c as f32),
            sigma: sigma as f32,
            weight: (weight / total) as f32,
        };
        Mixture {
            components: self.lobes.iter().map(component).collect(),
        }
    }

    /// `count` equal components along a curve, evenly spaced by arc length.
    fn curve(
        &mut self,
        curve: impl Fn(f64) -> [f64; 2],
        from: f64,
        to: f64,
        count: usize,
        sigma: f64,
    ) {
        let centres = evenly_along(&curve, from, to, count);
        self.lobes
            .extend(centres.into_iter().map(|centre| (centre, sigma, 1.0)));
        self.outline.push(polyline(curve, from, to));
    }

    /// A unit square filled by a grid of 8×8 components. At sigma = half the spacing the ripple between them is 3 %
    /// and the edge is a sixteenth of the side.
    fn square(&mut self, corner: [f64; 2]) {
        let spacing = 1.0 / 8.0;
        for (i, j) in (0..8).flat_map(|i| (0..8).map(move |j| (i, j))) {
            let centre = [
                corner[0] + (f64::from(i) + 0.5) * spacing,
                corner[1] + (f64::from(j) + 0.5) * spacing,
            ];
            self.lobes.push((centre, 0.5 * spacing, 1.0));
        }
        let corners = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]];
        self.outline.push(
            corners
                .map(|[x, y]| [corner[0] + x, corner[1] + y])
                .to_vec(),
        );
    }

    /// A blade of the pinwheel (Johnson et al. 2016): radius N(1, 0.3²), swept round by exp(radius)/4, 0.05 thick.
    fn blade(&mut self, start: f64) {
        let (inner, outer, count) = (0.25, 1.75, 100);
        let centre_line = |r: f64| {
            let angle = start + 0.25 * r.exp();
            [r * angle.cos(), r * angle.sin()]
        };
        for i in 0..count {
            let r = inner + (outer - inner) * (f64::from(i) + 0.5) / f64::from(count);
            let weight = (-0.5 * ((r - 1.0) / 0.3_f64).powi(2)).exp();
            self.lobes.push((centre_line(r), 0.05, weight));
        }
        self.outline.push(polyline(centre_line, inner, outer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_a_standardised_distribution_of_at_most_512_components() {
        for shape in Shape::ALL {
            let mixture = shape.mixture();
            assert!(
                (1..=MAX_COMPONENTS).contains(&mixture.components.len()),
                "{shape:?}"
            );
            assert!((mixture.total_weight() - 1.0).abs() < 1e-5, "{shape:?}");
            assert!(
                mixture.mean().iter().all(|m| m.abs() < 1e-5),
                "{shape:?}: mean {:?}",
                mixture.mean()
            );
            assert!((mixture.covariance_trace() - 2.0).abs() < 1e-5, "{shape:?}");
            assert_eq!(
                Mixture::new(mixture.components.clone()).map(|m| m.components.len()),
                Ok(mixture.components.len())
            );
        }
    }

    /// Neighbours closer than sigma: the bumps of the components do not show.
    #[test]
    fn curves_are_dense() {
        let curves = [
            Shape::Figure8,
            Shape::Circle,
            Shape::Moons,
            Shape::SwissRoll,
            Shape::Spirals,
            Shape::Pinwheel,
            Shape::Rings,
        ];
        for shape in curves {
            let components = shape.mixture().components;
            let mut gaps: Vec<f32> = components
                .windows(2)
                .map(|pair| {
                    (pair[0].mean[0] - pair[1].mean[0]).hypot(pair[0].mean[1] - pair[1].mean[1])
                })
                .collect();
            gaps.sort_by(f32::total_cmp);
            // All but the jumps from one curve of the shape to the next, of which there are at most four.
            let widest = gaps[gaps.len() - 5];
            assert!(
                widest < components[0].sigma,
                "{shape:?}: gap {widest}, sigma {}",
                components[0].sigma
            );
        }
    }

    #[test]
    fn figure8_is_the_lemniscate_of_gerono_up_to_scale() {
        let mixture = Shape::Figure8.mixture();
        // Variances of sin u and of sin 2u / 2 are 1/2 and 1/8, plus 0.02² on each axis.
        let scale = (0.5 * (0.5 + 0.125) + 0.02_f64.powi(2)).sqrt();
        for component in &mixture.components {
            let [x, y] = component.mean.map(|c| f64::from(c) * scale);
            assert!((y * y - x * x * (1.0 - x * x)).abs() < 1e-5);
            assert!((f64::from(component.sigma) * scale - 0.02).abs() < 1e-6);
        }
    }

    /// Every component's centre lies on (or, for the board and the blobs, within) the outline drawn for it.
    #[test]
    fn outlines_lie_on_the_data() {
        for shape in Shape::ALL {
            let outline: Vec<[f32; 2]> = shape.outline().into_iter().flatten().collect();
            let mixture = shape.mixture();
            let reach = match shape {
                // Half the diagonal of a square, since only its corners are in the outline.
                Shape::Checkerboard => 0.54,
                Shape::EightGaussians => 2.01 * mixture.components[0].sigma,
                Shape::Gaussian => 1.01,
                _ => 0.05,
            };
            for component in &mixture.components {
                let distance =
                    |p: &[f32; 2]| (p[0] - component.mean[0]).hypot(p[1] - component.mean[1]);
                let nearest = outline.iter().map(distance).fold(f32::INFINITY, f32::min);
                assert!(nearest < reach, "{shape:?}: {nearest} from its outline");
            }
        }
    }

    #[test]
    fn rings_hold_points_in_proportion_to_their_radius() {
        let mixture = Shape::Rings.mixture();
        let radius = |c: &Component| c.mean[0].hypot(c.mean[1]);
        let outermost = mixture.components.iter().map(radius).fold(0.0, f32::max);
        for ring in 1..=3 {
            let on_it = |c: &&Component| (3.0 * radius(c) / outermost - ring as f32).abs() < 0.1;
            let share: f32 = mixture
                .components
                .iter()
                .filter(on_it)
                .map(|c| c.weight)
                .sum();
            assert!((share - ring as f32 / 6.0).abs() < 1e-3);
        }
    }
}
