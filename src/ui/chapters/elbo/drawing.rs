//! The two Gaussians of one term on the canvas: where the step back leads that knows x_0, and where the model's does.

use egui::epaint::EllipseShape;
use egui::{Align2, Color32, Painter, Pos2, Rect, Shape, pos2, vec2};

use crate::canvas::{View, paint_plate};
use crate::theme::{Palette, strong_font, text_font};
use crate::widgets::number::short;
use maths::measure::elbo::Step;

/// Radius of the marks of points.
const DOT: f32 = 5.5;
/// The lens's side, and its share of a small canvas.
const LENS: f32 = 190.0;
const LENS_SHARE: f32 = 0.42;
/// How much of half the lens the wider Gaussian's 2σ fills.
const FILL: f32 = 0.8;

/// A Gaussian of independent axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Normal {
    pub(super) mean: [f64; 2],
    pub(super) std: [f64; 2],
}

impl Normal {
    fn widest(&self) -> f64 {
        self.std[0].max(self.std[1])
    }
}

/// All that is drawn at one clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) t: u32,
    pub(super) step: Step,
    pub(super) x_0: [f64; 2],
    pub(super) x_t: [f64; 2],
    /// x̂_0, and σ² of p_θ on each axis; `None` until both are known.
    pub(super) model: Option<([f64; 2], [f64; 2])>,
}

impl Reading {
    fn mean(&self, x_0: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|i| self.step.c_t * self.x_t[i] + self.step.c_0 * x_0[i])
    }

    /// q(x_{t−1}|x_t, x_0). At t = 1 it is x_0 itself.
    pub(super) fn q(&self) -> Normal {
        Normal {
            mean: self.mean(self.x_0),
            std: [self.step.beta_tilde.sqrt(); 2],
        }
    }

    /// p_θ(x_{t−1}|x_t).
    pub(super) fn p(&self) -> Option<Normal> {
        let (x0_hat, sigma_squared) = self.model?;
        Some(Normal {
            mean: self.mean(x0_hat),
            std: sigma_squared.map(f64::sqrt),
        })
    }

    /// The term at this x_t, nats.
    pub(super) fn term(&self) -> Option<f64> {
        let (x0_hat, sigma_squared) = self.model?;
        let of_axis = |i: usize| {
            let error = x0_hat[i] - self.x_0[i];
            self.step.axis_term(sigma_squared[i], error)
        };
        Some(of_axis(0) + of_axis(1))
    }

    /// What the term is called.
    pub(super) fn name(&self) -> &'static str {
        if self.t == 1 { "−ln p" } else { "KL" }
    }
}

/// Paints a reading.
pub(super) struct Sketch<'a> {
    pub(super) painter: &'a Painter,
    pub(super) view: &'a View,
    /// What is seen of the canvas.
    pub(super) seen: Rect,
    pub(super) palette: &'a Palette,
    /// Colour of p_θ.
    pub(super) model: Color32,
    /// The lens stands at the left.
    pub(super) at_left: bool,
}

impl Sketch<'_> {
    fn place(&self, point: [f64; 2]) -> Pos2 {
        self.view.to_screen(point.map(|v| v as f32))
    }

    /// σ and 2σ, the mean as a dot.
    fn rings(painter: &Painter, at: Pos2, unit: f32, normal: Normal, color: Color32) {
        let [x, y] = normal.std.map(|std| std as f32 * unit);
        let inner = EllipseShape {
            stroke: (1.6, color).into(),
            ..EllipseShape::filled(at, vec2(x, y), color.gamma_multiply(0.14))
        };
        painter.add(inner);
        let outer = (1.0, color.gamma_multiply(0.55));
        painter.add(EllipseShape::stroke(at, 2.0 * vec2(x, y), outer));
        painter.circle_filled(at, 2.5, color);
    }

    fn name(&self, at: Pos2, text: &str, color: Color32) {
        let away = if at.x > self.seen.center().x {
            (vec2(-10.0, -10.0), Align2::RIGHT_BOTTOM)
        } else {
            (vec2(10.0, -10.0), Align2::LEFT_BOTTOM)
        };
        let galley = self.painter.layout_job(crate::widgets::maths::job(
            self.painter,
            text,
            &text_font(13.0),
            color,
        ));
        let place = away.1.anchor_size(at + away.0, galley.size());
        let ground = self.palette.canvas.gamma_multiply(0.75);
        self.painter.rect_filled(place.expand(2.0), 3.0, ground);
        self.painter.galley(place.min, galley, color);
    }

    /// Points and rings on the canvas, then the lens.
    pub(super) fn draw(&self, reading: &Reading) {
        let palette = self.palette;
        let unit = self.view.camera.points_per_unit(self.view.rect);
        let [clean, noised] = [reading.x_0, reading.x_t].map(|x| self.place(x));
        self.painter
            .extend(Shape::dotted_line(&[clean, noised], palette.weak, 5.0, 1.1));
        let q = reading.q();
        Self::rings(self.painter, self.place(q.mean), unit, q, palette.truth);
        if let Some(p) = reading.p() {
            Self::rings(self.painter, self.place(p.mean), unit, p, self.model);
        }
        if let Some((x0_hat, _)) = reading.model {
            let at = self.place(x0_hat);
            self.painter
                .circle(at, DOT, self.model, (1.5, palette.canvas));
            self.name(at, "x̂₀", self.model);
        }
        self.painter
            .circle(clean, DOT, palette.truth, (1.5, palette.canvas));
        self.name(clean, "x₀", palette.truth);
        self.painter
            .circle(noised, 7.5, palette.ink, (2.0, palette.canvas));
        self.name(noised, "x_t", palette.ink);
        self.lens(reading, q);
    }

    /// Both Gaussians, as large as they fit: of a thousand steps each is a dot on the canvas.
    fn lens(&self, reading: &Reading, q: Normal) {
        let Some(p) = reading.p() else { return };
        let palette = self.palette;
        let side = LENS
            .min(LENS_SHARE * self.seen.height())
            .min(LENS_SHARE * self.seen.width());
        if side < 80.0 {
            return;
        }
        let size = vec2(side, side + 20.0);
        let margin = 10.0;
        let left = if self.at_left {
            self.seen.left() + margin
        } else {
            self.seen.right() - margin - size.x
        };
        let plate = Rect::from_min_size(pos2(left, self.seen.bottom() - margin - size.y), size);
        paint_plate(self.painter, plate, palette);
        let inside = plate.with_min_y(plate.top() + 20.0).shrink(2.0);
        let painter = self
            .painter
            .with_clip_rect(inside.intersect(self.painter.clip_rect()));
        let apart = (p.mean[0] - q.mean[0]).hypot(p.mean[1] - q.mean[1]);
        let reach = (2.0 * p.widest().max(q.widest()) + 0.5 * apart).max(f64::MIN_POSITIVE);
        let unit = FILL * 0.5 * inside.height() / reach as f32;
        let middle = [0, 1].map(|i| 0.5 * (p.mean[i] + q.mean[i]));
        let at = |mean: [f64; 2]| {
            let [dx, dy] = [0, 1].map(|i| (mean[i] - middle[i]) as f32 * unit);
            inside.center() + vec2(dx, -dy)
        };
        Self::rings(&painter, at(q.mean), unit, q, palette.truth);
        Self::rings(&painter, at(p.mean), unit, p, self.model);
        if let Some(term) = reading.term() {
            self.painter.text(
                plate.left_top() + vec2(8.0, 4.0),
                Align2::LEFT_TOP,
                format!("{} {} nats", reading.name(), short(term)),
                strong_font(12.0),
                palette.ink,
            );
        }
        if side > 140.0 {
            let times = unit / self.view.camera.points_per_unit(self.view.rect);
            self.painter.text(
                plate.right_top() + vec2(-8.0, 5.0),
                Align2::RIGHT_TOP,
                format!("× {}", short(f64::from(times))),
                text_font(11.0),
                palette.weak,
            );
        }
    }
}
