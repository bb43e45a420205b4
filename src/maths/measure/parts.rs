//! The parts of a mixture whose shares are counted: its separate lobes, and these cut up where they are large.

use std::collections::HashMap;

use crate::data::mixture::{Component, Mixture};

/// Parts wanted of a mixture that has more components.
pub const PARTS: usize = 16;
/// Components whose centres are closer than this many σ of the wider one belong to one lobe: a curve of dense components is one,
/// squares that touch at their corners are not.
const LINK: f64 = 2.5;

/// Which part each component belongs to, and the shares of the parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// Part of each component.
    pub part: Vec<usize>,
    /// Probability of each part, all of about one size where they could be cut.
    pub shares: Vec<f64>,
}

impl Parts {
    /// Group the components: those that touch are a lobe; lobes lighter than `least` are gathered into one part; then the
    /// heaviest part is halved across its longest direction until there are [`PARTS`], or none can be halved without falling
    /// below `least`. Whatever the grouping, an honest sample comes from a part with just its share.
    pub fn of(mixture: &Mixture, least: f64) -> Self {
        let total = mixture.total_weight();
        let weight = |index: &usize| f64::from(mixture.components[*index].weight) / total;
        let heft = |group: &Vec<usize>| group.iter().map(weight).sum::<f64>();
        let (mut groups, light): (Vec<_>, Vec<_>) = lobes(&mixture.components)
            .into_iter()
            .partition(|group| heft(group) >= least);
        let light: Vec<usize> = light.concat();
        if !light.is_empty() {
            let alone = heft(&light) >= least;
            match groups
                .iter_mut()
                .min_by(|a, b| heft(a).total_cmp(&heft(b)))
                .filter(|_| !alone)
            {
                Some(lightest) => lightest.extend(light),
                None => groups.push(light),
            }
        }
        // The heaviest last.
        groups.sort_by(|a, b| heft(a).total_cmp(&heft(b)));
        let mut done = Vec::new();
        while groups.len() + done.len() < PARTS {
            let Some(heaviest) = groups.pop() else { break };
            let halves = halves(&mixture.components, &heaviest);
            if halves
                .iter()
                .all(|half| !half.is_empty() && heft(half) >= least)
            {
                groups.extend(halves);
                groups.sort_by(|a, b| heft(a).total_cmp(&heft(b)));
            } else {
                done.push(heaviest);
            }
        }
        groups.extend(done);
        let mut part = vec![0; mixture.components.len()];
        for (number, group) in groups.iter().enumerate() {
            for &index in group {
                part[index] = number;
            }
        }
        Self {
            part,
            shares: groups.iter().map(heft).collect(),
        }
    }
}

/// Indices of components that are linked, directly or by others.
fn lobes(components: &[Component]) -> Vec<Vec<usize>> {
    let widest = components
        .iter()
        .map(|c| f64::from(c.sigma))
        .fold(0.0, f64::max);
    let reach = LINK * widest;
    let cell = |c: &Component| c.mean.map(|m| (f64::from(m) / reach).floor() as i64);
    let mut cells: HashMap<[i64; 2], Vec<usize>> = HashMap::new();
    for (index, component) in components.iter().enumerate() {
        cells.entry(cell(component)).or_default().push(index);
    }
    let mut seen = vec![false; components.len()];
    let mut lobes = Vec::new();
    for first in 0..components.len() {
        if std::mem::replace(&mut seen[first], true) {
            continue;
        }
        let mut lobe = vec![first];
        let mut next = 0;
        while let Some(&from) = lobe.get(next) {
            next += 1;
            let one = &components[from];
            let [x, y] = cell(one);
            for place in (x - 1..=x + 1).flat_map(|x| (y - 1..=y + 1).map(move |y| [x, y])) {
                let Some(neighbours) = cells.get_mut(&place) else {
                    continue;
                };
                neighbours.retain(|&index| {
                    let other = &components[index];
                    let [dx, dy] =
                        [0, 1].map(|axis| f64::from(one.mean[axis]) - f64::from(other.mean[axis]));
                    let linked = dx.hypot(dy) < LINK * f64::from(one.sigma.max(other.sigma));
                    if linked && !std::mem::replace(&mut seen[index], true) {
                        lobe.push(index);
                    }
                    // Who has been reached is not asked again.
                    !seen[index]
                });
            }
        }
        lobes.push(lobe);
    }
    lobes
}

/// A group cut in two of about equal weight, across the direction in which its centres spread most.
fn halves(components: &[Component], group: &[usize]) -> [Vec<usize>; 2] {
    let weight = |index: usize| f64::from(components[index].weight);
    let at = |index: usize| components[index].mean.map(f64::from);
    let total: f64 = group.iter().map(|&index| weight(index)).sum();
    let mean = [0, 1].map(|axis| {
        group
            .iter()
            .map(|&index| weight(index) * at(index)[axis])
            .sum::<f64>()
            / total
    });
    let moment = |f: fn([f64; 2]) -> f64| {
        group
            .iter()
            .map(|&index| weight(index) * f([0, 1].map(|axis| at(index)[axis] - mean[axis])))
            .sum::<f64>()
    };
    // The angle of the principal axis: tan 2θ = 2 xy/(xx − yy).
    let angle = 0.5 * (2.0 * moment(|[x, y]| x * y)).atan2(moment(|[x, y]| x * x - y * y));
    let along = |index: usize| at(index)[0] * angle.cos() + at(index)[1] * angle.sin();
    let mut sorted = group.to_vec();
    sorted.sort_by(|&a, &b| along(a).total_cmp(&along(b)));
    let mut below = 0.0;
    let cut = sorted
        .iter()
        .position(|&index| {
            below += weight(index);
            below >= 0.5 * total * (1.0 - 1e-6)
        })
        .map_or(sorted.len(), |index| index + 1);
    let upper = sorted.split_off(cut);
    [sorted, upper]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::shapes::Shape;
    use approx::assert_abs_diff_eq;

    /// What anybody counts in the picture.
    #[test]
    fn lobes_are_those_that_one_sees() {
        for (shape, count) in [
            (Shape::Figure8, 1),
            (Shape::Circle, 1),
            (Shape::Moons, 2),
            (Shape::SwissRoll, 1),
            (Shape::Spirals, 2),
            (Shape::Checkerboard, 8),
            (Shape::EightGaussians, 8),
            (Shape::Pinwheel, 5),
            (Shape::Rings, 3),
            (Shape::Gaussian, 1),
        ] {
            assert_eq!(lobes(&shape.mixture().components).len(), count, "{shape:?}");
        }
    }

    #[test]
    fn parts_never_straddle_two_lobes_and_sum_to_one() {
        for shape in Shape::ALL {
            let mixture = shape.mixture();
            let parts = Parts::of(&mixture, 0.002);
            let expected = match shape {
                Shape::EightGaussians => 8,
                Shape::Gaussian => 1,
                _ => PARTS,
            };
            assert_eq!(parts.shares.len(), expected, "{shape:?}");
            assert_abs_diff_eq!(parts.shares.iter().sum::<f64>(), 1.0, epsilon = 1e-6);
            let lobes = lobes(&mixture.components);
            let mut owner = vec![None; parts.shares.len()];
            for (number, lobe) in lobes.iter().enumerate() {
                for &index in lobe {
                    assert!(
                        owner[parts.part[index]]
                            .replace(number)
                            .is_none_or(|o| o == number),
                        "{shape:?}"
                    );
                }
            }
            let lightest = parts.shares.iter().copied().fold(1.0, f64::min);
            assert!(lightest > 0.02, "{shape:?}: {:?}", parts.shares);
        }
    }

    /// The first cut of the figure-8 parts its two loops.
    #[test]
    fn the_longest_direction_of_the_figure_8_leads_from_loop_to_loop() {
        let components = Shape::Figure8.mixture().components;
        let all: Vec<usize> = (0..components.len()).collect();
        let [left, right] = halves(&components, &all);
        assert!(left.len().abs_diff(right.len()) <= 2);
        assert!(left.iter().all(|&i| components[i].mean[0] < 0.02));
        assert!(right.iter().all(|&i| components[i].mean[0] > -0.02));
    }

    #[test]
    fn specks_are_gathered_and_few_samples_make_few_parts() {
        let component = |x: f32, weight| Component {
            mean: [x, 0.0],
            sigma: 0.1,
            weight,
        };
        let mixture = Mixture::new(vec![
            component(0.0, 0.5),
            component(5.0, 0.47),
            component(10.0, 0.01),
            component(20.0, 0.01),
            component(30.0, 0.01),
        ]);
        let mixture = mixture.unwrap();
        let parts = Parts::of(&mixture, 0.025);
        assert_eq!(parts.part[2..], [parts.part[2]; 3]);
        assert_eq!(parts.shares.len(), 3);
        // Together still too light for a part of their own: they go with the lightest.
        let parts = Parts::of(&mixture, 0.1);
        assert_eq!(parts.shares.len(), 2);
        assert_eq!(parts.part[1..], [parts.part[1]; 4]);
        assert_eq!(Parts::of(&Shape::Circle.mixture(), 0.2).shares.len(), 4);
    }
}
