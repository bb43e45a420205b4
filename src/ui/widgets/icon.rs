//! Icons as painted shapes: no glyph of a font can be missing.

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, pos2, vec2};

/// What a round button shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// A triangle.
    Play,
    /// Two bars.
    Pause,
    /// A triangle against a bar: one step.
    Step,
    /// An arrow back to the start.
    Reset,
    /// The sun: to the light theme.
    Sun,
    /// The moon: to the dark theme.
    Moon,
    /// Four corners: show all.
    Frame,
    /// A question mark: help.
    Question,
}

/// Paint an icon of about 12 points around a place.
pub fn paint(painter: &Painter, icon: Icon, at: Pos2, color: Color32, behind: Color32) {
    let place = |x: f32, y: f32| at + vec2(x, y);
    let filled = |points: Vec<Pos2>| Shape::convex_polygon(points, color, Stroke::NONE);
    let bar = |x: f32, half: f32| Rect::from_center_size(place(x, 0.0), vec2(half, 11.0));
    match icon {
        Icon::Question => drop(painter.text(
            at,
            egui::Align2::CENTER_CENTER,
            "?",
            crate::theme::strong_font(15.0),
            color,
        )),
        Icon::Play => drop(painter.add(filled(vec![
            place(-3.8, -5.8),
            place(6.2, 0.0),
            place(-3.8, 5.8),
        ]))),
        Icon::Pause => {
            painter.rect_filled(bar(-3.0, 3.2), 1.0, color);
            painter.rect_filled(bar(3.0, 3.2), 1.0, color);
        }
        Icon::Step => {
            painter.add(filled(vec![
                place(-5.0, -4.6),
                place(2.6, 0.0),
                place(-5.0, 4.6),
            ]));
            painter.rect_filled(bar(4.6, 2.0), 0.5, color);
        }
        Icon::Reset => {
            let arc: Vec<_> = (0..=20)
                .map(|i| {
                    let angle = std::f32::consts::TAU * (0.17 + 0.78 * i as f32 / 20.0)
                        - std::f32::consts::FRAC_PI_2;
                    place(5.2 * angle.cos(), 5.2 * angle.sin())
                })
                .rev()
                .collect();
            let tip = arc[arc.len() - 1];
            painter.line(arc, Stroke::new(1.6, color));
            painter.add(filled(vec![
                tip + vec2(-4.6, 0.4),
                tip + vec2(1.2, -4.4),
                tip + vec2(1.6, 2.4),
            ]));
        }
        Icon::Sun => {
            painter.circle_filled(at, 3.4, color);
            for i in 0..8 {
                let angle = std::f32::consts::TAU * i as f32 / 8.0;
                let ray = vec2(angle.cos(), angle.sin());
                painter.line_segment([at + ray * 5.2, at + ray * 7.4], Stroke::new(1.4, color));
            }
        }
        Icon::Moon => {
            painter.circle_filled(at, 5.8, color);
            painter.circle_filled(place(2.8, -2.2), 4.9, behind);
        }
        Icon::Frame => {
            let stroke = Stroke::new(1.5, color);
            for (x, y) in [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)] {
                let corner = place(5.5 * x, 5.0 * y);
                painter.line_segment([corner, corner - vec2(3.6 * x, 0.0)], stroke);
                painter.line_segment([corner, corner - vec2(0.0, 3.6 * y)], stroke);
            }
        }
    }
}

/// A small triangle that points down: here a menu opens.
pub fn chevron(painter: &Painter, at: Pos2, color: Color32) {
    let points = vec![
        pos2(at.x - 3.5, at.y - 2.0),
        pos2(at.x + 3.5, at.y - 2.0),
        pos2(at.x, at.y + 2.6),
    ];
    painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
}
