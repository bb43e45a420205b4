use std::mem::offset_of;

use super::*;
use crate::canvas::device::assert_twin;

#[test]
fn the_frame_of_a_time_is_the_nearest_or_lies_between_its_neighbours() {
    let taus = [1.0, 0.6, 0.2, 0.0];
    let at = |tau| FrameAt::nearest(&taus, tau).first;
    assert_eq!(
        [1.0, 0.81, 0.79, 0.6, 0.41, 0.39, 0.11, 0.09, 0.0].map(at),
        [0, 0, 1, 1, 1, 2, 2, 3, 3]
    );
    let between = FrameAt::between(&taus, 0.3);
    assert_eq!((between.first, between.next), (1, 2));
    assert!((between.share - 0.75).abs() < 1e-6);
    for (tau, frame) in [(1.0, 0), (0.0, 3)] {
        let FrameAt { first, next, share } = FrameAt::between(&taus, tau);
        assert_eq!(if share > 0.5 { next } else { first }, frame, "{tau}");
    }
    assert_eq!(FrameAt::nearest(&[0.5], 0.9).first, 0);
}

#[test]
fn the_turned_view_holds_both_flat_ones() {
    let close = |a: [f32; 2], b: [f32; 2]| (a[0] - b[0]).abs() < 1e-5 && (a[1] - b[1]).abs() < 1e-5;
    let (point, tau) = ([0.7, -1.3], 0.2);
    let side = Projection::turned(0.0, 0.0, 6.0).place(point, tau);
    assert!(
        close(side, Projection::space_time(1, 6.0).place(point, tau))
            && close(side, [0.3 * 6.0, -1.3])
    );
    let front = Projection::turned(std::f32::consts::FRAC_PI_2, 0.0, 6.0).place(point, tau);
    assert!(close(front, point) && close(Projection::PLANE.place(point, tau), point));
}

/// Distances in (x, y, t) survive a turn seen along two perpendicular lines of sight.
#[test]
fn a_turn_is_a_rotation() {
    for (turn, tilt) in [(0.3, 0.4), (1.2, -0.6), (2.5, 0.9)] {
        let view = Projection::turned(turn, tilt, 1.0);
        let rows = [0, 1].map(|axis| [view.x[axis], view.y[axis], view.t[axis]]);
        let dot = |a: [f32; 3], b: [f32; 3]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        assert!(
            (dot(rows[0], rows[0]) - 1.0).abs() < 1e-6
                && (dot(rows[1], rows[1]) - 1.0).abs() < 1e-6
        );
        assert!(dot(rows[0], rows[1]).abs() < 1e-6);
    }
}

#[test]
fn opposite_starts_have_other_colours_and_the_middle_is_pale() {
    let white = egui::Color32::WHITE;
    assert_eq!(
        origin_color([3.0, 0.0], white),
        egui::Color32::from_rgb(230, 159, 0)
    );
    assert_eq!(
        origin_color([-3.0, 0.0], white),
        egui::Color32::from_rgb(0, 114, 178)
    );
    assert_eq!(
        origin_color([0.0, 3.0], white),
        egui::Color32::from_rgb(0, 158, 115)
    );
    let middle = origin_color([1e-6, 0.0], white);
    assert!(middle.b() > 180, "{middle:?}");
}

#[test]
fn the_uniform_has_the_layout_of_its_wgsl_twins() {
    let fields = [
        ("scale", offset_of!(MotionUniform, scale)),
        ("offset", offset_of!(MotionUniform, offset)),
        ("pixel", offset_of!(MotionUniform, pixel)),
        ("radius", offset_of!(MotionUniform, radius)),
        ("share", offset_of!(MotionUniform, share)),
        ("color", offset_of!(MotionUniform, color)),
        ("pale", offset_of!(MotionUniform, pale)),
        ("view_x", offset_of!(MotionUniform, view_x)),
        ("view_y", offset_of!(MotionUniform, view_y)),
        ("view_t", offset_of!(MotionUniform, view_t)),
        ("first", offset_of!(MotionUniform, first)),
        ("next", offset_of!(MotionUniform, next)),
        ("particles", offset_of!(MotionUniform, particles)),
        ("frames", offset_of!(MotionUniform, frames)),
        ("now", offset_of!(MotionUniform, now)),
        ("by_origin", offset_of!(MotionUniform, by_origin)),
    ];
    for source in [
        include_str!("../../../../shaders/canvas_frames.wgsl"),
        include_str!("../../../../shaders/canvas_paths.wgsl"),
    ] {
        assert_twin(source, "Motion", size_of::<MotionUniform>(), &fields);
    }
}
