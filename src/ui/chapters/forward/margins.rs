//! Histograms of both axes in the margins of a canvas, against the noise that sampling starts from.

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, pos2};

use crate::canvas::camera::Camera;
use crate::theme::Palette;

/// Height of the normal density, in points, unless a bar would be higher than all may be.
const PEAK: f32 = 42.0;
/// Highest bar.
const HIGHEST: f32 = 84.0;
/// Above the axis numbers.
const LIFT: f32 = 20.0;

/// Counts of equally wide bins, as a density.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Left edge of the first bin.
    low: f32,
    width: f32,
    /// Share of all values per unit of length, bin by bin.
    density: Vec<f32>,
}

impl Histogram {
    /// Over `[low, high]`, with bins of a width that is a power of two, at least `finest`: panning does not change what a
    /// bin holds.
    pub fn new(values: impl Iterator<Item = f32>, low: f32, high: f32, finest: f32) -> Self {
        let width = finest.max(1e-6).log2().ceil().exp2();
        let first = (low / width).floor();
        let bins = ((high / width).ceil() - first).max(1.0) as usize;
        let mut counts = vec![0_u32; bins];
        let mut total = 0_u32;
        for value in values {
            total += 1;
            let bin = (value / width).floor() - first;
            if (0.0..bins as f32).contains(&bin) {
                counts[bin as usize] += 1;
            }
        }
        let unit = 1.0 / (total.max(1) as f32 * width);
        Self {
            low: first * width,
            width,
            density: counts
                .into_iter()
                .map(|count| count as f32 * unit)
                .collect(),
        }
    }
}

/// The density of N(0, std²).
fn normal(x: f32, std: f32) -> f32 {
    (-0.5 * (x / std).powi(2)).exp() / (std::f32::consts::TAU.sqrt() * std)
}

/// Points per unit of density: one scale for bars and curve, at which no bar is cut.
fn scale(histogram: &Histogram, std: f32) -> f32 {
    let highest = histogram.density.iter().copied().fold(0.0, f32::max);
    (PEAK / normal(0.0, std)).min(HIGHEST / highest.max(f32::MIN_POSITIVE))
}

/// Draw the histograms of x along the lower edge and of y along the right edge, against N(0, std²).
pub fn paint(
    painter: &Painter,
    rect: Rect,
    camera: &Camera,
    points: &dyn Fn() -> Box<dyn Iterator<Item = [f32; 2]>>,
    color: Color32,
    std: f32,
    palette: &Palette,
) {
    let painter = painter.with_clip_rect(rect);
    let visible = camera.visible(rect);
    let finest = camera.reach / 24.0;
    for axis in 0..2 {
        let histogram = Histogram::new(
            points().map(|p| p[axis]),
            visible.min[axis],
            visible.max[axis],
            finest,
        );
        let scale = scale(&histogram, std);
        // The place of a value at a height above the edge.
        let place = |value: f32, up: f32| -> Pos2 {
            if axis == 0 {
                pos2(
                    camera.to_screen(rect, [value, 0.0]).x,
                    rect.bottom() - LIFT - up,
                )
            } else {
                pos2(rect.right() - up, camera.to_screen(rect, [0.0, value]).y)
            }
        };
        let bars = histogram
            .density
            .iter()
            .enumerate()
            .filter(|(_, density)| **density > 0.0)
            .map(|(bin, &density)| {
                let left = histogram.low + bin as f32 * histogram.width;
                let bar = Rect::from_two_pos(
                    place(left, 0.0),
                    place(left + histogram.width, scale * density),
                );
                Shape::rect_filled(bar.shrink(0.4), 0.0, color.gamma_multiply(0.55))
            });
        painter.extend(bars.collect::<Vec<_>>());
        let [low, high] = [visible.min[axis], visible.max[axis]];
        let curve = (0..=96)
            .map(|i| low + (high - low) * i as f32 / 96.0)
            .map(|x| place(x, scale * normal(x, std)));
        painter.line(curve.collect(), Stroke::new(1.5, palette.weak));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Data of width 0.02 and noise of width 10: neither leaves its margin, and bars and curve keep their proportion.
    #[test]
    fn no_bar_is_cut() {
        for std in [1.0, 10.0] {
            for width in [0.02, 1.0, 10.0] {
                let values = (0..1000).map(|i| width * (i as f32 / 500.0 - 1.0));
                let histogram = Histogram::new(values, -12.0, 12.0, 0.05);
                let highest = histogram.density.iter().copied().fold(0.0, f32::max);
                let scale = scale(&histogram, std);
                assert!(
                    scale * highest <= 1.0001 * HIGHEST
                        && scale * normal(0.0, std) <= 1.0001 * PEAK
                );
                assert!(
                    scale * highest > 0.9999 * HIGHEST || scale * normal(0.0, std) > 0.9999 * PEAK
                );
            }
        }
    }

    #[test]
    fn a_histogram_is_a_density_over_bins_that_stand_still() {
        let values = [-0.9_f32, 0.1, 0.2, 0.3, 5.0];
        let histogram = Histogram::new(values.into_iter(), -1.0, 1.0, 0.03);
        assert_eq!(histogram.width, 0.03125);
        let inside: f32 = histogram.density.iter().sum::<f32>() * histogram.width;
        assert!(
            (inside - 0.8).abs() < 1e-6,
            "one of five lies outside: {inside}"
        );
        let panned = Histogram::new(values.into_iter(), -0.99, 1.01, 0.03);
        assert_eq!(
            panned.low / panned.width,
            (panned.low / panned.width).round()
        );
        assert_eq!(panned.width, histogram.width);
    }
}
