//! Arrows that egui paints: a few of them, each by itself.

use egui::{Color32, Painter, Pos2, Shape, Stroke, vec2};

/// An arrow with a head of fixed size.
pub fn arrow(painter: &Painter, from: Pos2, to: Pos2, width: f32, color: Color32) {
    headed(painter, from, to, [width, 12.0], color);
}

/// One of many, with a small head.
pub fn thin_arrow(painter: &Painter, from: Pos2, to: Pos2, color: Color32) {
    headed(painter, from, to, [1.0, 7.0], color);
}

/// With a shaft of this width and a head of this length.
fn headed(painter: &Painter, from: Pos2, to: Pos2, [width, head]: [f32; 2], color: Color32) {
    let along = to - from;
    let length = along.length();
    if length < 2.0 {
        return;
    }
    let unit = along / length;
    let head = (0.45 * length).min(head);
    let base = to - head * unit;
    let wing = 0.45 * head * vec2(-unit.y, unit.x);
    painter.line_segment([from, base + 0.5 * unit], (width, color));
    painter.add(Shape::convex_polygon(
        vec![to, base + wing, base - wing],
        color,
        Stroke::NONE,
    ));
}
