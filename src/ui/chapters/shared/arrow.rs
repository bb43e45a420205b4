//! Arrows that egui paints: a few of them, each by itself.

use egui::{Color32, Painter, Pos2, Shape, Stroke, vec2};

/// An arrow with a head of fixed size.
pub fn arrow(painter: &Painter, from: Pos2, to: Pos2, width: f32, color: Color32) {
    let along = to - from;
    let length = along.length();
    if length < 2.0 {
        return;
    }
    let unit = along / length;
    let head = (0.45 * length).min(12.0);
    let base = to - head * unit;
    let wing = 0.45 * head * vec2(-unit.y, unit.x);
    painter.line_segment([from, base + 0.5 * unit], (width, color));
    painter.add(Shape::convex_polygon(
        vec![to, base + wing, base - wing],
        color,
        Stroke::NONE,
    ));
}
