//! The bundle on the canvas: the hand that places its point, its arrows and paths, and its numbers.

use super::bundle::{Bundle, Strand, back};
use super::layers::plate_ui;
use super::{Field, ScoreField};
use crate::canvas::{Mark, Role, Scene, View};
use crate::chapters::shared::arrow::{arrow, thin_arrow};
use crate::desk::Desk;
use crate::theme::Palette;
use crate::truths;
use crate::widgets::number::fixed;
use crate::widgets::row::{self, Track};
use crate::widgets::{readout, text};
use egui::{Color32, Painter, PointerButton, Pos2, Response, Shape, Ui, vec2};

/// Points of the screen about an x_0 within which the hand takes it.
const GRIP: f32 = 9.0;
/// The longest arrow, of the canvas's smaller side.
const REACH: f64 = 0.36;
/// How many x_0 may be drawn.
const DRAWS: std::ops::RangeInclusive<u32> = 10..=160;

fn pair(v: [f64; 2]) -> String {
    format!("{}, {}", fixed(v[0], 2), fixed(v[1], 2))
}

fn place(view: &View, point: [f64; 2]) -> Pos2 {
    view.to_screen(point.map(|c| c as f32))
}

/// A thin line of many, on the canvas.
fn faint(color: Color32) -> Color32 {
    color.gamma_multiply(0.55)
}

impl ScoreField {
    /// Let the hand place the point, drag it, and take an x_0 or let it go.
    pub(super) fn place_point(&mut self, ui: &Ui, view: &View, response: &Response) {
        let (pressed, down, origin) = ui.input(|i| {
            let pointer = &i.pointer;
            (
                pointer.primary_pressed(),
                pointer.primary_down(),
                pointer.press_origin(),
            )
        });
        let Some(at) = response.interact_pointer_pos() else {
            return;
        };
        let clicked = response.clicked();
        if (pressed && response.is_pointer_button_down_on()) || (clicked && !self.placing) {
            self.placing = self.strand_at(view, origin.unwrap_or(at)).is_none();
        }
        let held = (down && response.is_pointer_button_down_on())
            || response.drag_stopped_by(PointerButton::Primary);
        if self.placing && (held || clicked) {
            self.hand.at = Some(view.to_data(at).map(f64::from));
        } else if clicked {
            let found = self.strand_at(view, at);
            self.hand.picked = found.filter(|_| found != self.hand.picked);
        }
        self.placing &= down;
    }

    /// The x_0 at a place of the screen.
    fn strand_at(&self, view: &View, at: Pos2) -> Option<usize> {
        let strands = &self.bundle.as_ref()?.strands;
        let away = |strand: &Strand| place(view, strand.x_0).distance(at);
        let near = strands.iter().map(away).enumerate();
        let (index, away) = near.min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        (away <= GRIP).then_some(index)
    }

    /// −u at the point by the network, once it has answered for this point and time.
    fn learned_back(&self) -> Option<[f64; 2]> {
        let bundle = self.bundle.as_ref()?;
        let answer = self.at_pointer.shown_as_asked()?;
        let [x, x_0]: [[f32; 2]; 2] = answer.host.as_ref()?.get(..2)?.try_into().ok()?;
        let here = bundle.point().map(|c| c as f32) == x;
        here.then(|| {
            back(
                bundle
                    .velocity
                    .conditional(bundle.point(), x_0.map(f64::from)),
            )
        })
    }

    /// Name what the bundle is made of.
    pub(super) fn name_bundle(&self, scene: &mut Scene, desk: &Desk) {
        let palette = desk.palette();
        let exact = palette.exact;
        let name = format!("−u(x | x₀) of {} x₀", self.show.draws);
        scene.name(Role::Exact, Mark::Arrow, faint(exact), name);
        scene.name(Role::Exact, Mark::Dotted, exact, "their paths to x₀");
        let name = truths::exact(desk, "marginal −u(x)");
        scene.name(Role::Exact, Mark::Arrow, exact, name);
        scene.name(Role::Exact, Mark::Line, exact, "its path");
        scene.name(Role::Learned, Mark::Arrow, palette.learned, "learned −u(x)");
        if self.hand.picked.is_some() {
            let name = "path of the x₀ that you clicked";
            scene.name(Role::Other, Mark::Line, palette.truth, name);
        }
    }

    /// What the key says of the bundle's arrows.
    pub(super) fn bundle_key(&self, view: &View, desk: &Desk) -> Option<String> {
        let bundle = self.bundle.as_ref()?;
        if self.show.field != Field::Velocity || bundle.velocity.is_at_rest() {
            return None;
        }
        let stride = bundle.stride(reach(view));
        let digits = (1.0 - stride.log10().floor()).max(0.0) as usize;
        let stride = format!("{stride:.digits$}");
        let stride = stride.trim_end_matches('0').trim_end_matches('.');
        let whose = if desk.one_canvas {
            format!(", {}", desk.side().letter())
        } else {
            String::new()
        };
        Some(format!("at x{whose}: the way in Δt / T = {stride}"))
    }

    /// Draw the bundle over a canvas.
    pub(super) fn bundle_ui(&self, ui: &Ui, view: &View, desk: &Desk) {
        let Some(bundle) = &self.bundle else { return };
        let palette = desk.palette();
        let painter = ui.painter_at(view.rect.intersect(ui.clip_rect()));
        let stride = bundle.stride(reach(view));
        let here = place(view, bundle.point());
        let tip = |back: [f64; 2]| {
            let x = bundle.point();
            place(view, [0, 1].map(|axis| x[axis] + stride * back[axis]))
        };
        let pointed = self.pointed.map(|point| view.to_screen(point));
        let hovered = pointed.filter(|_| !self.placing);
        let hovered = hovered.and_then(|at| self.strand_at(view, at));
        let picked = hovered.or(self.hand.picked);
        let picked = picked.and_then(|index| bundle.strands.get(index));
        // Of two experiments on one canvas with one truth it is there already.
        if let Some(exact) = truths::ink(desk) {
            paint_strands(&painter, view, bundle, exact);
            for strand in &bundle.strands {
                thin_arrow(&painter, here, tip(back(strand.u)), faint(exact));
            }
            if let Some(strand) = picked {
                let onwards = bundle.onwards(strand);
                for path in [&strand.path, &onwards] {
                    let path = path.iter().map(|&x| place(view, x)).collect();
                    painter.line(path, (1.5, palette.truth));
                }
                arrow(&painter, here, tip(back(strand.u)), 2.0, palette.truth);
            }
            let path: Vec<Pos2> = bundle.path.iter().map(|&x| place(view, x)).collect();
            painter.line(path.clone(), (4.5, palette.canvas));
            painter.line(path, (2.0, exact));
            framed_arrow(&painter, here, tip(back(bundle.marginal)), exact, palette);
        }
        if let Some(learned) = self.learned_back() {
            framed_arrow(&painter, here, tip(learned), palette.learned, palette);
        }
        painter.circle(here, 4.5, palette.ink, (1.5, palette.canvas));
        if let Some(strand) = picked {
            let lines = [
                (format!("x₀  {}", pair(strand.x_0)), palette.truth),
                (format!("ε  {}", pair(strand.epsilon)), palette.ink),
                (
                    format!("−u(x | x₀)  {}", pair(back(strand.u))),
                    palette.truth,
                ),
            ];
            let x_0 = strand.x_0.map(|c| c as f32);
            plate_ui(ui, view, (x_0, palette.truth), &lines, palette);
        }
    }

    /// How many x_0 are drawn.
    pub(super) fn draws_row(&mut self, ui: &mut Ui, palette: &Palette) {
        let tip = "How many x₀ are drawn from p(x₀ | x_t = x), what could be at the point x. Their mean velocity comes nearer to the marginal one \
                   as one over the root of their number";
        let text = |count: f64| fixed(count, 0);
        let track = Track::linear(DRAWS);
        row::slider(
            ui,
            ["Draws of x₀", tip],
            &mut self.show.draws,
            track,
            text,
            palette,
        );
    }

    /// The marginal velocity beside the mean of the drawn ones.
    pub(super) fn bundle_readings(&self, ui: &mut Ui, palette: &Palette) {
        let bundle = self.bundle.as_ref();
        let mut line = |name: &str, value: Option<String>, color, tip: &str| {
            let value = value.unwrap_or_else(|| "–".to_owned());
            readout::line(ui, name, &value, color, tip, palette);
        };
        let point = bundle.map(|b| pair(b.point()));
        let tip = "The point that the hand placed: a click, or a drag";
        line("x", point, palette.ink, tip);
        let mean = bundle.map(|b| pair(b.mean.map(|m| -m.value)));
        let tip = "The mean of −u(x | x₀) = −(a′ x₀ + s′ ε) over the drawn x₀, along x and y. It points where samples go, from noise to data";
        line("mean of −u(x | x₀)", mean, palette.exact, tip);
        let error = bundle.map(|b| pair(b.mean.map(|m| m.error)));
        let tip = "What this mean may be off by, along x and y: the standard deviation of what is drawn over the root of their number";
        line("its standard error", error, palette.ink, tip);
        let marginal = bundle.map(|b| pair(back(b.marginal)));
        let tip = "−(a′ x̂₀* + s′ ε̂*) with x̂₀* = E[x₀ | x_t = x], in closed form: the velocity of the probability-flow ODE, −(f x − ½ g² ∇ log p_t)";
        line("marginal −u(x)", marginal, palette.exact, tip);
        let off = bundle.map(|b| {
            let text = |off: Option<f64>| off.map_or_else(|| "–".to_owned(), |off| fixed(off, 1));
            b.off().map(text).join(", ")
        });
        let tip = "How far the two are apart along x and y, in standard errors: within 2 in 19 of 20 draws, as the mean of what is drawn should be";
        line("apart, in standard errors", off, palette.ink, tip);
        let learned = self.learned_back().map(pair);
        let tip = "The same by the network, −(a′ x̂₀ + s′ ε̂)";
        line("learned −u(x)", learned, palette.learned, tip);
        if bundle.is_some_and(|b| b.velocity.is_at_rest()) {
            let still = "At this t the schedule changes neither a nor s: nothing moves.";
            text::note(ui, still, palette);
        }
    }
}

/// The longest arrow, in data units.
fn reach(view: &View) -> f64 {
    let side = view.rect.width().min(view.rect.height());
    REACH * f64::from(side / view.camera.points_per_unit(view.rect))
}

/// Dotted paths to the drawn x_0, and these.
fn paint_strands(painter: &Painter, view: &View, bundle: &Bundle, color: Color32) {
    for strand in &bundle.strands {
        let path: Vec<Pos2> = strand.path.iter().map(|&x| place(view, x)).collect();
        painter.extend(Shape::dotted_line(&path, faint(color), 6.0, 0.8));
        painter.circle_filled(place(view, strand.x_0), 2.2, faint(color));
    }
}

/// A thick arrow that stands off what is beneath it.
fn framed_arrow(painter: &Painter, from: Pos2, to: Pos2, color: Color32, palette: &Palette) {
    let along = to - from;
    let beyond = if along.length() > 1.0 {
        2.5 * along.normalized()
    } else {
        vec2(0.0, 0.0)
    };
    arrow(painter, from, to + beyond, 7.0, palette.canvas);
    arrow(painter, from, to, 3.5, color);
}
