//! The grid behind the canvas and its numbers.

use egui::{Align2, Painter, Rect, pos2};

use crate::canvas::Axes;
use crate::canvas::camera::Camera;
use crate::theme::{Palette, text_font};

/// Points (of the screen) that two grid lines should at least lie apart.
const SPACING: f32 = 72.0;

/// The step of a grid whose lines lie at least `units` apart: 1, 2 or 5 times a power of ten.
fn step(units: f32) -> f32 {
    let power = 10.0_f32.powf(units.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|m| m * power)
        .find(|&s| s >= units)
        .unwrap_or(10.0 * power)
}

/// Grid lines inside `[low, high]`, and the decimals that their numbers need.
fn ticks(low: f32, high: f32, step: f32) -> (impl Iterator<Item = f32>, usize) {
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    let decimals = (-step.log10()).ceil().max(0.0) as usize;
    ((first..=last).map(move |k| k as f32 * step), decimals)
}

/// Times t/T, all and each where it lies on a time axis of `width` data units from noise to data, with their decimals.
fn times(canvas: Rect, camera: &Camera, width: f32) -> (impl Iterator<Item = (f32, f32)>, usize) {
    let step = step(SPACING / (camera.points_per_unit(canvas) * width)).min(1.0);
    let (taus, decimals) = ticks(0.0, 1.0 + 1e-4, step);
    (taus.map(move |tau| (tau, (0.5 - tau) * width)), decimals)
}

/// Draw the lines, behind everything else.
pub fn paint_grid(painter: &Painter, canvas: Rect, camera: &Camera, axes: Axes, palette: &Palette) {
    if axes == Axes::None {
        return;
    }
    let visible = camera.visible(canvas);
    let step = step(SPACING / camera.points_per_unit(canvas));
    let stroke = |value: f32| {
        if value == 0.0 {
            (1.0, palette.axis)
        } else {
            (1.0, palette.grid)
        }
    };
    if let Axes::Time { width } = axes {
        for (tau, x) in times(canvas, camera, width).0 {
            let line = if tau == 0.0 || (tau - 1.0).abs() < 1e-3 {
                palette.axis
            } else {
                palette.grid
            };
            painter.vline(
                camera.to_screen(canvas, [x, 0.0]).x,
                canvas.y_range(),
                (1.0, line),
            );
        }
    } else {
        for x in ticks(visible.min[0], visible.max[0], step).0 {
            painter.vline(
                camera.to_screen(canvas, [x, 0.0]).x,
                canvas.y_range(),
                stroke(x),
            );
        }
    }
    for y in ticks(visible.min[1], visible.max[1], step).0 {
        painter.hline(
            canvas.x_range(),
            camera.to_screen(canvas, [0.0, y]).y,
            stroke(y),
        );
    }
}

/// Draw the numbers along the left and the lower edge, before everything else.
pub fn paint_numbers(
    painter: &Painter,
    canvas: Rect,
    camera: &Camera,
    axes: Axes,
    palette: &Palette,
) {
    if axes == Axes::None {
        return;
    }
    let visible = camera.visible(canvas);
    let step = step(SPACING / camera.points_per_unit(canvas));
    let write = |value: f32, decimals: usize| format!("{value:.decimals$}").replace('-', "−");
    let number = |x: f32, text: String| {
        let at = camera.to_screen(canvas, [x, 0.0]).x;
        if canvas.left() + 28.0 < at && at < canvas.right() - 12.0 {
            let place = pos2(at + 4.0, canvas.bottom() - 3.0);
            painter.text(
                place,
                Align2::LEFT_BOTTOM,
                text,
                text_font(11.0),
                palette.faint,
            );
        }
    };
    if let Axes::Time { width } = axes {
        let (times, decimals) = times(canvas, camera, width);
        times.for_each(|(tau, x)| number(x, format!("t = {}", write(tau, decimals))));
    } else {
        let (xs, decimals) = ticks(visible.min[0], visible.max[0], step);
        xs.for_each(|x| number(x, write(x, decimals)));
    }
    let (ys, decimals) = ticks(visible.min[1], visible.max[1], step);
    for y in ys {
        let at = camera.to_screen(canvas, [0.0, y]).y;
        if canvas.top() + 12.0 < at && at < canvas.bottom() - 24.0 {
            let place = pos2(canvas.left() + 6.0, at - 1.0);
            painter.text(
                place,
                Align2::LEFT_BOTTOM,
                write(y, decimals),
                text_font(11.0),
                palette.faint,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_no_smaller_than_asked() {
        for (units, answer) in [
            (0.7, 1.0),
            (1.0, 1.0),
            (1.01, 2.0),
            (0.03, 0.05),
            (0.6, 1.0),
            (70.0, 100.0),
        ] {
            assert!((step(units) / answer - 1.0).abs() < 1e-5, "{units}");
        }
    }

    #[test]
    fn ticks_are_the_multiples_inside_the_range() {
        let (values, decimals) = ticks(-0.55, 0.5, 0.2);
        let values: Vec<_> = values.collect();
        assert_eq!(values.len(), 5);
        assert!((values[0] + 0.4).abs() < 1e-6 && (values[4] - 0.4).abs() < 1e-6);
        assert_eq!(decimals, 1);
    }
}
