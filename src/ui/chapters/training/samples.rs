//! The live samples as they are drawn: of which update they are, whether that was long ago, and where the clip acts.

use egui::Stroke;

use crate::canvas::device::Dots;
use crate::canvas::paint::Layer;
use crate::canvas::{Mark, Role, Scene};
use crate::desk::Desk;
use crate::desk::side_state::SideState;
use crate::widgets::number::grouped;
use engine::Cloud;
use maths::data::bounds::Bounds;

/// Share of the samples at the edge of the clip's box from which on the clip is said to act.
const ACTS: f64 = 0.01;
/// Updates during which it is likely to act where nobody counts.
const LIKELY: u64 = 2000;

/// How many samples lie at the edge of the clip's box, counted once for each picture.
#[derive(Default)]
pub(super) struct AtClip {
    version: u64,
    /// `None` where the samples lie on a device and were not counted.
    count: Option<usize>,
}

impl AtClip {
    /// Count those of the picture on show.
    pub(super) fn count(&mut self, desk: &Desk) {
        let snapshot = &desk.here.snapshot;
        if self.version == snapshot.samples_version {
            return;
        }
        let clip = snapshot.dataset.clip_box(snapshot.experiment.fresh);
        self.version = snapshot.samples_version;
        self.count = match &snapshot.samples {
            Some(Cloud::Host(points)) => Some(at_edge(points, clip)),
            _ => None,
        };
    }
}

/// How many points lie at the edge of a box.
fn at_edge(points: &[[f32; 2]], clip: Bounds) -> usize {
    let room = 1e-4 * (clip.max[0] - clip.min[0]);
    let at = |point: &&[f32; 2]| {
        (0..2).any(|axis| {
            (point[axis] - clip.min[axis]).abs() < room
                || (point[axis] - clip.max[axis]).abs() < room
        })
    };
    points.iter().filter(at).count()
}

/// `update 131`, or `updates 120 to 131` where the particles were renewed in turn.
fn updates(oldest: u64, newest: u64) -> String {
    let [first, last] = [oldest, newest].map(|update| grouped(update as f64));
    if oldest == newest {
        format!("update {last}")
    } else {
        format!("updates {first} to {last}")
    }
}

/// What the legend says of the samples.
pub(super) fn words(side_state: &SideState) -> String {
    let snapshot = &side_state.snapshot;
    match snapshot.samples_of {
        None if snapshot.step == 0 => "noise, where samples start".to_owned(),
        None => "samples".to_owned(),
        Some(of) => {
            let now = if side_state.is_old(of.newest) {
                format!(", now {}", grouped(snapshot.step as f64))
            } else {
                String::new()
            };
            format!("samples by {}{now}", updates(of.oldest, of.newest))
        }
    }
}

/// Put the samples on the canvas; of long ago they are faint.
pub(super) fn draw(scene: &mut Scene, desk: &Desk, at_clip: &AtClip) {
    let palette = desk.palette();
    let snapshot = &desk.here.snapshot;
    let Some(samples) = &snapshot.samples else {
        return;
    };
    let old = snapshot
        .samples_of
        .is_some_and(|of| desk.here.is_old(of.newest));
    let color = match snapshot.samples_of {
        None if snapshot.step == 0 => palette.noise,
        _ => palette.learned,
    };
    let points = Layer::Points {
        key: "samples",
        cloud: samples.clone(),
        version: snapshot.samples_version,
        dots: Dots {
            color: color.gamma_multiply(if old { 0.35 } else { 0.9 }),
            radius: 1.5,
        },
    };
    scene.push(Role::Learned, points);
    let color = if old {
        color.gamma_multiply(0.5)
    } else {
        color
    };
    scene.name(Role::Learned, Mark::Dot, color, words(&desk.here));
    draw_clip(scene, desk, at_clip);
}

/// The box that clips x̂_0, where samples lie at its edge.
fn draw_clip(scene: &mut Scene, desk: &Desk, at_clip: &AtClip) {
    let palette = desk.palette();
    let snapshot = &desk.here.snapshot;
    if !snapshot.experiment.clip || snapshot.samples_of.is_none() {
        return;
    }
    let total = snapshot.samples.as_ref().map_or(0, Cloud::len);
    let words = match at_clip.count {
        Some(count) if (count as f64) < ACTS * total as f64 => return,
        Some(count) => format!(
            "clip of x̂₀: {} of {} samples at its edge",
            grouped(count as f64),
            grouped(total as f64)
        ),
        // On a device nobody counts: the box stands as long as it is likely to act.
        None if snapshot.step > LIKELY => return,
        None => "clip of x̂₀".to_owned(),
    };
    let Bounds { min, max } = snapshot.dataset.clip_box(snapshot.experiment.fresh);
    let corners = vec![min, [max[0], min[1]], max, [min[0], max[1]], min];
    scene
        .lines_behind
        .push((corners, Stroke::new(1.0, palette.faint)));
    scene.name(Role::Other, Mark::Line, palette.faint, words);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_at_the_edge_of_a_box_are_counted_and_no_others() {
        let clip = Bounds {
            min: [-2.0, -1.0],
            max: [2.0, 1.0],
        };
        let points = [
            [2.0, 0.3],
            [-2.0, 1.0],
            [0.0, -1.0],
            [1.99, 0.99],
            [0.0, 0.0],
            [2.5, 0.0],
        ];
        assert_eq!(at_edge(&points, clip), 3);
        assert_eq!(at_edge(&[], clip), 0);
    }

    #[test]
    fn updates_are_named_one_or_from_to() {
        assert_eq!(updates(131, 131), "update 131");
        assert_eq!(updates(990, 12_480), "updates 990 to 12\u{2009}480");
    }
}
