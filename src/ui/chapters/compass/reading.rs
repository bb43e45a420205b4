//! What the compass reads at one clock, and how it is drawn.

use egui::{Align2, Color32, Painter, Stroke, vec2};

use crate::canvas::View;
use crate::chapters::compass::needle::combine;
use crate::theme::{Palette, text_font};
use maths::diffusion::schedule::Scales;
use maths::diffusion::solver::Factors;

/// How a reading is drawn.
#[derive(Clone, Copy)]
pub(super) struct Look {
    /// Colour of the needle.
    pub(super) needle: Color32,
    /// Mark where the network's step would lead, beside the needle's.
    pub(super) learned: bool,
}

/// All that is drawn and read out at one clock.
pub(super) struct Reading {
    pub(super) scales: Scales,
    pub(super) x_0: [f64; 2],
    pub(super) x_t: [f64; 2],
    pub(super) epsilon: [f64; 2],
    /// ε̂ and x̂_0 of the needle; `None` until the network has answered.
    pub(super) needle: Option<([f64; 2], [f64; 2])>,
    /// x̂_0 of the network.
    pub(super) learned: Option<[f64; 2]>,
    /// t/T after the next step.
    pub(super) tau_next: f64,
    /// Of the next step; `z` is its σ.
    pub(super) step: Factors,
}

impl Reading {
    /// c_x x_t + c_0 x̂_0.
    pub(super) fn mean(&self, x_0: [f64; 2]) -> [f64; 2] {
        combine(self.step.x, self.x_t, self.step.x_0, x_0)
    }

    /// Draw x_t, both needles and the next step.
    pub(super) fn draw(&self, painter: &Painter, view: &View, look: Look, palette: &Palette) {
        let place = |p: [f64; 2]| view.to_screen(p.map(|v| v as f32));
        // Names stand outside the triangle.
        let label = |at: egui::Pos2, from: egui::Pos2, text: &str, color| {
            let away = 17.0 * (at - from).normalized();
            painter.text(
                at + away,
                Align2::CENTER_CENTER,
                text,
                text_font(14.0),
                color,
            );
        };
        let Reading {
            scales,
            x_0,
            x_t,
            epsilon,
            ..
        } = *self;
        let here = place(x_t);
        // An arrow against the noise, from x_t to a x_0, and the way on to x_0 through the division by a.
        let head = |epsilon: [f64; 2]| place(combine(1.0, x_t, -scales.s, epsilon));
        let needle = |epsilon: [f64; 2],
                      end: [f64; 2],
                      other: Option<[f64; 2]>,
                      name: &str,
                      color: Color32| {
            let shrunk = head(epsilon);
            let ray = egui::Shape::dashed_line(
                &[shrunk, place(end)],
                Stroke::new(1.2, color.gamma_multiply(0.8)),
                3.0,
                3.0,
            );
            painter.extend(ray);
            arrow(painter, here, shrunk, 2.4, color);
            let along = shrunk - here;
            // The name stands on the side that the other arrow leaves free.
            let side = vec2(-along.y, along.x).normalized();
            let flip = other.is_some_and(|other| side.dot(head(other) - shrunk) > 0.0);
            let side = if flip { -side } else { side };
            painter.text(
                here + 0.68 * along + 20.0 * side,
                Align2::CENTER_CENTER,
                name,
                text_font(14.0),
                color,
            );
        };
        let color = look.needle;
        if let Some((epsilon_hat, x_0_hat)) = self.needle {
            needle(epsilon_hat, x_0_hat, Some(epsilon), "−s ε̂", color);
        }
        needle(
            epsilon,
            x_0,
            self.needle.map(|n| n.0),
            "−s ε",
            palette.truth,
        );
        if let Some((_, x_0_hat)) = self.needle {
            let error = [place(x_0), place(x_0_hat)];
            painter.extend(egui::Shape::dashed_line(
                &error,
                Stroke::new(1.0, palette.weak),
                2.0,
                4.0,
            ));
            self.draw_step(painter, view, x_0_hat, look, palette);
            painter.circle(error[1], 5.5, color, (1.5, palette.canvas));
            label(error[1], here, "x̂₀", color);
        }
        painter.circle(place(x_0), 5.5, palette.truth, (1.5, palette.canvas));
        label(place(x_0), here, "x₀", palette.truth);
        painter.circle(here, 7.5, palette.ink, (2.0, palette.canvas));
        label(here, place(x_0), "x_t", palette.ink);
    }

    /// Mean and spread of the next step.
    fn draw_step(
        &self,
        painter: &Painter,
        view: &View,
        x_0_hat: [f64; 2],
        look: Look,
        palette: &Palette,
    ) {
        let place = |p: [f64; 2]| view.to_screen(p.map(|v| v as f32));
        let mean = place(self.mean(x_0_hat));
        let radius = self.step.z as f32 * view.camera.points_per_unit(view.rect);
        let color = palette.ink;
        painter.circle(
            mean,
            radius,
            palette.noise.gamma_multiply(0.16),
            (1.2, palette.noise),
        );
        painter.circle_stroke(mean, 2.0 * radius, (1.0, palette.noise.gamma_multiply(0.5)));
        let cross = 4.0;
        for side in [vec2(cross, cross), vec2(cross, -cross)] {
            painter.line_segment([mean - side, mean + side], (1.8, color));
        }
        if look.learned
            && let Some(x_0) = self.learned
        {
            painter.circle(
                place(self.mean(x_0)),
                4.0,
                palette.learned,
                (1.2, palette.canvas),
            );
        }
    }
}

/// An arrow with a head of fixed size.
fn arrow(painter: &Painter, from: egui::Pos2, to: egui::Pos2, width: f32, color: Color32) {
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
    painter.add(egui::Shape::convex_polygon(
        vec![to, base + wing, base - wing],
        color,
        Stroke::NONE,
    ));
}
