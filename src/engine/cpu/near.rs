//! Which components of a diffused mixture matter in a region: a file's truth has thousands, of which few are near.

use super::matmul::LANES;
use maths::data::bounds::Bounds;

/// Components whose share of the density is below e^−30 are left out: 16,384 of them are below f32's resolution.
const NEGLIGIBLE: f32 = 30.0;

/// A component as ln p_k(x) = log_weight − half_precision · |x − mean|².
#[derive(Clone, Copy, Debug)]
pub struct Lobe {
    /// Its centre.
    pub mean: [f32; 2],
    /// 1/2v.
    pub half_precision: f32,
    /// But for a constant that is the same for all.
    pub log_weight: f32,
}

/// Bounds of groups of [`LANES`] components that follow one another, [`LANES`] groups at a time.
pub struct Groups {
    lanes: Vec<GroupLanes>,
    count: usize,
}

struct GroupLanes {
    min: [[f32; LANES]; 2],
    max: [[f32; LANES]; 2],
    /// Least and largest of the group.
    half_precision: [[f32; LANES]; 2],
    log_weight: [[f32; LANES]; 2],
}

impl Groups {
    /// Of the components in their order.
    pub fn new(lobes: &[Lobe]) -> Self {
        let groups: Vec<&[Lobe]> = lobes.chunks(LANES).collect();
        let lanes = groups.chunks(LANES).map(|groups| {
            // Lanes without a group hold a component of no weight.
            let empty = [Lobe {
                mean: [0.0; 2],
                half_precision: 0.0,
                log_weight: f32::NEG_INFINITY,
            }];
            let extreme = |value: &dyn Fn(&Lobe) -> f32, most: bool| {
                std::array::from_fn(|lane| {
                    let values = groups
                        .get(lane)
                        .copied()
                        .unwrap_or(&empty)
                        .iter()
                        .map(value);
                    values
                        .reduce(if most { f32::max } else { f32::min })
                        .unwrap_or_default()
                })
            };
            GroupLanes {
                min: [0, 1].map(|axis| extreme(&|lobe| lobe.mean[axis], false)),
                max: [0, 1].map(|axis| extreme(&|lobe| lobe.mean[axis], true)),
                half_precision: [false, true]
                    .map(|most| extreme(&|lobe| lobe.half_precision, most)),
                log_weight: [false, true].map(|most| extreme(&|lobe| lobe.log_weight, most)),
            }
        });
        Self {
            lanes: lanes.collect(),
            count: groups.len(),
        }
    }

    /// Put into `near` the groups that matter somewhere in a region. At least one.
    #[inline(always)]
    pub fn near(&self, region: Bounds, near: &mut Vec<u32>) {
        near.clear();
        // Somewhere in the region, and everywhere in it, the largest component is at least this high.
        let mut floors = [f32::NEG_INFINITY; LANES];
        for lanes in &self.lanes {
            let lowest = lanes.lowest(region);
            for lane in 0..LANES {
                floors[lane] = if lowest[lane] > floors[lane] {
                    lowest[lane]
                } else {
                    floors[lane]
                };
            }
        }
        let floor = floors.into_iter().fold(f32::NEG_INFINITY, f32::max) - NEGLIGIBLE;
        for (lanes, first) in self.lanes.iter().zip((0_u32..).step_by(LANES)) {
            let highest = lanes.highest(region);
            let mut any = false;
            for highest in highest {
                any |= highest >= floor;
            }
            if any {
                let groups = (first..self.count as u32).zip(highest);
                near.extend(
                    groups
                        .filter(|(_, highest)| *highest >= floor)
                        .map(|(group, _)| group),
                );
            }
        }
        // Of a place that is no number nothing is known.
        if near.is_empty() {
            near.extend(0..self.count as u32);
        }
    }
}

impl GroupLanes {
    /// No component of a group is above this anywhere in the region.
    #[inline(always)]
    fn highest(&self, region: Bounds) -> [f32; LANES] {
        let mut squared = [0.0; LANES];
        for axis in 0..2 {
            for (lane, squared) in squared.iter_mut().enumerate() {
                let below = self.min[axis][lane] - region.max[axis];
                let above = region.min[axis] - self.max[axis][lane];
                let gap = if below > above { below } else { above };
                let gap = if gap > 0.0 { gap } else { 0.0 };
                *squared += gap * gap;
            }
        }
        let mut highest = self.log_weight[1];
        for lane in 0..LANES {
            highest[lane] -= self.half_precision[0][lane] * squared[lane];
        }
        highest
    }

    /// Everywhere in the region every component of a group is above this.
    #[inline(always)]
    fn lowest(&self, region: Bounds) -> [f32; LANES] {
        let mut squared = [0.0; LANES];
        for axis in 0..2 {
            for (lane, squared) in squared.iter_mut().enumerate() {
                let right = self.max[axis][lane] - region.min[axis];
                let left = region.max[axis] - self.min[axis][lane];
                let reach = if right > left { right } else { left };
                *squared += reach * reach;
            }
        }
        let mut lowest = self.log_weight[0];
        for lane in 0..LANES {
            lowest[lane] -= self.half_precision[1][lane] * squared[lane];
        }
        lowest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever is left out is below e^−30 of the largest at every place of the region, and something is left out.
        #[test]
        fn nothing_that_matters_is_left_out(
            lobes in prop::collection::vec((-3.0..3.0_f32, -0.1..0.1_f32, 0.1..1.0_f32, -1.0..0.0_f32), 1..700),
            (precision, spread) in (20.0..2000.0_f32, any::<bool>()),
            corner in prop::array::uniform2(-4.0..4.0_f32),
            size in prop::array::uniform2(prop_oneof![Just(0.0), 0.0..0.3_f32]),
            place in prop::array::uniform2(0.0..1.0_f32),
        ) {
            let mut lobes: Vec<Lobe> = lobes
                .into_iter()
                .map(|(x, y, precision_of, weight_of)| Lobe {
                    mean: [x, y],
                    // Kernels are all alike; the components of other mixtures are not.
                    half_precision: if spread { precision * precision_of } else { precision },
                    log_weight: if spread { 9.0 * weight_of } else { 0.0 },
                })
                .collect();
            lobes.sort_by(|a, b| a.mean[0].total_cmp(&b.mean[0]));
            let groups = Groups::new(&lobes);
            let region = Bounds { min: corner, max: [corner[0] + size[0], corner[1] + size[1]] };
            let mut near = vec![7];
            groups.near(region, &mut near);
            prop_assert!(!near.is_empty() && near.iter().all(|&group| (group as usize) < lobes.len().div_ceil(LANES)));
            let x = [0, 1].map(|axis| corner[axis] + place[axis] * size[axis]);
            let at = |lobe: &Lobe| {
                let squared = (lobe.mean[0] - x[0]).powi(2) + (lobe.mean[1] - x[1]).powi(2);
                lobe.log_weight - lobe.half_precision * squared
            };
            let top = lobes.iter().map(at).fold(f32::NEG_INFINITY, f32::max);
            for (group, lobes) in lobes.chunks(LANES).enumerate() {
                let highest = lobes.iter().map(at).fold(f32::NEG_INFINITY, f32::max);
                prop_assert!(near.contains(&(group as u32)) || highest < top - 29.9, "{group}: {highest} of {top}");
            }
        }
    }

    #[test]
    fn far_groups_are_left_out_and_a_place_that_is_no_number_leaves_out_none() {
        let lobe = |i: usize| Lobe {
            mean: [i as f32 * 0.01, 0.0],
            half_precision: 500.0,
            log_weight: -3.0,
        };
        let lobes: Vec<Lobe> = (0..40 * LANES).map(lobe).collect();
        let groups = Groups::new(&lobes);
        let mut near = Vec::new();
        groups.near(
            Bounds {
                min: [1.0, 0.0],
                max: [1.1, 0.0],
            },
            &mut near,
        );
        assert!(near.len() <= 5 && near.contains(&6), "{near:?}");
        groups.near(
            Bounds {
                min: [f32::NAN; 2],
                max: [f32::NAN; 2],
            },
            &mut near,
        );
        assert_eq!(near.len(), 40);
    }
}
