//! The loss as a small line, for the training strip.

use egui::{Rect, Stroke, Ui, pos2};

use super::thinned;
use crate::desk::side_state::SideState;
use crate::theme::Palette;
use lab::message::LossCurve;

/// The smoothed loss of one experiment as a small line, for the training strip.
pub fn sparkline_ui(ui: &Ui, rect: Rect, side_state: &SideState, palette: &Palette) {
    let LossCurve { raw, smooth } = &*side_state.snapshot.curve;
    let (raw, smooth) = (thinned(raw), thinned(smooth));
    let heights = raw.iter().map(|p| p[1]);
    let (low, high) = heights.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), y| {
        (l.min(y), h.max(y))
    });
    let last = raw.last().map_or(0.0, |p| p[0]);
    if raw.len() < 2 || last <= 0.0 {
        let y = rect.bottom() - 2.0;
        ui.painter().hline(rect.x_range(), y, (1.0, palette.line));
        return;
    }
    let span = (high - low).max(1e-6);
    let place = |p: &[f64; 2]| {
        pos2(
            rect.left() + rect.width() * (p[0] / last) as f32,
            rect.bottom() - rect.height() * ((p[1] - low) / span) as f32,
        )
    };
    // A spike's corner is drawn beyond its points.
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let line = |points: &[[f64; 2]], stroke: Stroke| {
        painter.line(points.iter().map(place).collect(), stroke);
    };
    line(&raw, Stroke::new(1.0, palette.learned.gamma_multiply(0.3)));
    line(&smooth, Stroke::new(1.8, palette.learned));
}
