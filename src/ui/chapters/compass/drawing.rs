//! The marks of the compass. Each kind has its entry in the legend: what is drawn and what is named is one list.

use egui::{Color32, Mesh, Painter, Pos2, Rect, Shape, Vec2, vec2};

use crate::canvas::labels::{self, Wish, clipped};
use crate::canvas::{Mark, Role, Scene, View, paint_mark};
use crate::chapters::compass::needle::{Needle, combine, distance};
use crate::chapters::compass::reading::{Heat, Reading};
use crate::chapters::shared::arrow::arrow;
use crate::theme::{Palette, text_font};
use crate::widgets::maths;
use crate::widgets::number::short;

/// A kind of mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// x_t.
    Point,
    /// The true x_0.
    Clean,
    /// The arrow of the true noise.
    Noise,
    /// The arrow of the needle.
    Needle,
    /// x̂_0.
    Estimate,
    /// From the arrows' tips on to x_0 and x̂_0.
    Rays,
    /// From x_0 to x̂_0.
    Error,
    /// E[x_0 | x_t].
    Mean,
    /// Draws from p(x_0 | x_t).
    CouldBe,
    /// The mean of the next step.
    Next,
    /// The next step as it is.
    Law,
    /// The spread of the next step.
    Spread,
    /// The mean of the network's next step.
    NextLearned,
    /// Where the hand put x_t, where x_t does not stand there.
    Hand,
}

/// How a reading is drawn.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) whose: Needle,
    /// The needle's colour.
    pub(super) color: Color32,
    /// The next step is drawn too.
    pub(super) step: bool,
}

/// Radius of the marks of points, in points of the screen.
const DOT: f32 = 5.5;
/// From a name to its mark beyond which a line joins them.
const LEADER: f32 = 22.0;

/// The kinds that a reading has, in the order of the legend.
pub(super) fn kinds(reading: &Reading, look: Look) -> Vec<Kind> {
    let pointed = reading.needle.is_some();
    let aims_at_mean = look.whose != Needle::Imprecise;
    let all = [
        (Kind::Point, true),
        (Kind::Clean, true),
        (Kind::Noise, true),
        (Kind::Needle, pointed),
        (Kind::Estimate, pointed),
        (Kind::Rays, true),
        (Kind::Mean, aims_at_mean || look.step),
        (Kind::CouldBe, aims_at_mean),
        (Kind::Error, pointed && look.step),
        (Kind::Law, look.step && reading.posterior.step.is_some()),
        (Kind::Next, pointed && look.step),
        (Kind::Spread, pointed && look.step),
        (
            Kind::NextLearned,
            look.step && look.whose != Needle::Learned && reading.learned.is_some(),
        ),
        (Kind::Hand, reading.placed.is_pulled()),
    ];
    let there = all.into_iter().filter(|(_, there)| *there);
    there.map(|(kind, _)| kind).collect()
}

/// How a kind of mark stands in the legend.
fn entry(kind: Kind, look: Look, palette: &Palette) -> (Mark, Color32, &'static str) {
    match kind {
        Kind::Point => (Mark::Dot, palette.ink, "x_t"),
        Kind::Clean => (Mark::Dot, palette.truth, "x₀, true"),
        Kind::Noise => (Mark::Arrow, palette.truth, "−s ε, true noise"),
        Kind::Needle => {
            let text = match look.whose {
                Needle::Imprecise => "−s ε̂, imprecise",
                Needle::Learned => "−s ε_θ, learned",
                Needle::Exact => "−s ε*, exact",
            };
            (Mark::Arrow, look.color, text)
        }
        Kind::Estimate => (Mark::Dot, look.color, "x̂₀"),
        Kind::Rays => (Mark::Dotted, palette.weak, "on by 1/a"),
        Kind::Error => (Mark::Line, palette.weak, "error x̂₀ − x₀"),
        Kind::Mean => (Mark::Diamond, palette.exact, "m = E[x₀ | x_t]"),
        Kind::CouldBe => (Mark::Dot, could_be_color(palette), "x₀ that could be here"),
        Kind::Next => (Mark::Cross, palette.ink, "μ, mean of the next step"),
        Kind::Law => (
            Mark::Area,
            palette.exact.gamma_multiply(0.6),
            "p(x′ | x_t), the step as it is",
        ),
        Kind::Spread => (Mark::Ring, palette.noise, "its σ and 2σ"),
        Kind::NextLearned => (Mark::Dot, palette.learned, "μ by the network"),
        Kind::Hand => (Mark::Ring, palette.ink, "where you put x_t"),
    }
}

fn could_be_color(palette: &Palette) -> Color32 {
    palette.exact.gamma_multiply(0.6)
}

/// Name all that is drawn of a reading.
pub(super) fn name_all(scene: &mut Scene, reading: &Reading, look: Look, palette: &Palette) {
    for kind in kinds(reading, look) {
        let (mark, color, text) = entry(kind, look, palette);
        scene.name(Role::Other, mark, color, text);
    }
}

/// Marks on their way to the canvas, and the names that look for a place.
pub(super) struct Sketch<'a> {
    painter: &'a Painter,
    view: &'a View,
    /// What is seen of the canvas.
    seen: Rect,
    palette: &'a Palette,
    avoid: Vec<Rect>,
    names: Vec<(Wish, String, Color32)>,
}

/// A name in its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    /// What it says.
    pub(super) text: String,
    /// What it names.
    pub(super) at: Pos2,
    /// Where it stands.
    pub(super) place: Rect,
}

impl<'a> Sketch<'a> {
    pub(super) fn new(
        painter: &'a Painter,
        view: &'a View,
        seen: Rect,
        palette: &'a Palette,
    ) -> Self {
        Self {
            painter,
            view,
            seen,
            palette,
            avoid: Vec::new(),
            names: Vec::new(),
        }
    }

    fn place(&self, point: [f64; 2]) -> Pos2 {
        self.view.to_screen(point.map(|v| v as f32))
    }

    /// Draw a reading: first what lies behind.
    pub(super) fn draw(&mut self, reading: &Reading, look: Look) {
        const BACK_TO_FRONT: [Kind; 14] = [
            Kind::Law,
            Kind::CouldBe,
            Kind::Spread,
            Kind::Error,
            Kind::Rays,
            Kind::Needle,
            Kind::Noise,
            Kind::Next,
            Kind::NextLearned,
            Kind::Estimate,
            Kind::Mean,
            Kind::Clean,
            Kind::Hand,
            Kind::Point,
        ];
        let there = kinds(reading, look);
        for kind in BACK_TO_FRONT.iter().filter(|kind| there.contains(kind)) {
            self.draw_kind(*kind, reading, look);
        }
    }

    fn draw_kind(&mut self, kind: Kind, reading: &Reading, look: Look) {
        let (mark, color, _) = entry(kind, look, self.palette);
        let painter = self.painter;
        let Reading {
            scales,
            placed,
            x_t,
            ..
        } = *reading;
        let [here, clean] = [x_t, placed.x_0].map(|p| self.place(p));
        let needle = reading.needle;
        // An arrow against the noise, from x_t to a x_0; the way on to x_0 is the division by a.
        let tip = |epsilon: [f64; 2]| combine(1.0, x_t, -scales.s, epsilon);
        match kind {
            Kind::Point => {
                painter.circle(here, 7.5, color, (2.0, self.palette.canvas));
                self.dot(here, 7.5);
                self.name(here, here - clean, "x_t", color);
            }
            Kind::Clean => {
                painter.circle(clean, DOT, color, (1.5, self.palette.canvas));
                self.dot(clean, DOT);
                self.name(clean, clean - here, "x₀", color);
            }
            Kind::Noise => {
                let side = needle.map(|(other, _)| self.place(tip(other)));
                self.arrow(here, self.place(tip(placed.epsilon)), side, "−s ε", color);
            }
            Kind::Needle => {
                let Some((epsilon, _)) = needle else { return };
                let text = match look.whose {
                    Needle::Imprecise => "−s ε̂",
                    Needle::Learned => "−s ε_θ",
                    Needle::Exact => "−s ε*",
                };
                let side = self.place(tip(placed.epsilon));
                self.arrow(here, self.place(tip(epsilon)), Some(side), text, color);
            }
            Kind::Rays => {
                let truth = (placed.epsilon, placed.x_0, self.palette.truth);
                let other = needle.map(|(epsilon, end)| (epsilon, end, look.color));
                for (epsilon, end, color) in other.into_iter().chain([truth]) {
                    let ends = [tip(epsilon), end].map(|p| self.place(p));
                    if let Some(line) = clipped(self.seen, ends[0], ends[1]) {
                        painter.extend(Shape::dotted_line(&line, color, 5.0, 1.2));
                    }
                }
            }
            Kind::Error => {
                let Some((_, x_0)) = needle else { return };
                if let Some(line) = clipped(self.seen, clean, self.place(x_0)) {
                    painter.line_segment(line, (1.0, color));
                }
            }
            Kind::Estimate => self.draw_estimate(reading, look),
            Kind::Mean => {
                let at = self.place(reading.posterior.mean);
                // Over the exact x̂_0, which lies there too, its ground still shows.
                paint_mark(painter, mark, at, DOT + 3.0, self.palette.canvas);
                paint_mark(painter, mark, at, DOT + 1.0, color);
                self.dot(at, DOT + 1.0);
                if !self.is_mean(reading) {
                    self.name(at, at - here, "m", color);
                }
            }
            Kind::CouldBe => {
                for &draw in &reading.posterior.draws {
                    painter.circle_filled(self.place(draw), 2.2, color);
                }
            }
            Kind::Law => {
                let Some(law) = &reading.posterior.step else {
                    return;
                };
                painter.add(self.heat(&law.picture, color));
            }
            Kind::Next => {
                let Some((_, x_0)) = needle else { return };
                let at = self.place(reading.mean(x_0));
                paint_mark(painter, mark, at, DOT, color);
                self.dot(at, DOT);
                self.name(at, vec2(0.0, 1.0), "μ", color);
            }
            Kind::Spread => {
                let Some((_, x_0)) = needle else { return };
                let at = self.place(reading.mean(x_0));
                let radius =
                    reading.step.z as f32 * self.view.camera.points_per_unit(self.view.rect);
                painter.circle(at, radius, color.gamma_multiply(0.16), (1.2, color));
                painter.circle_stroke(at, 2.0 * radius, (1.0, color.gamma_multiply(0.5)));
            }
            Kind::NextLearned => {
                let Some(x_0) = reading.learned else { return };
                let at = self.place(reading.mean(x_0));
                painter.circle(at, 4.0, color, (1.2, self.palette.canvas));
                self.dot(at, 4.0);
            }
            Kind::Hand => {
                let at = self.place(placed.hand);
                if let Some(line) = clipped(self.seen, here, at) {
                    painter.extend(Shape::dotted_line(
                        &line,
                        color.gamma_multiply(0.6),
                        6.0,
                        1.0,
                    ));
                }
                painter.circle_stroke(at, 7.5, (1.5, color));
                self.dot(at, 7.5);
            }
        }
    }

    /// A density as a colour that fades with it.
    fn heat(&self, heat: &Heat, color: Color32) -> Mesh {
        const SIDE: usize = Heat::SIDE;
        let [from, to] = [heat.min, heat.max].map(|corner| self.place(corner));
        let mut mesh = Mesh::default();
        for (index, density) in heat.density.iter().enumerate() {
            let [column, row] = [index % SIDE, index / SIDE];
            let share = |at: usize| at as f32 / (SIDE - 1) as f32;
            let at = from + vec2(share(column), share(row)) * (to - from);
            mesh.colored_vertex(at, color.gamma_multiply(density.sqrt()));
            if column > 0 && row > 0 {
                let (here, left, below) = (index as u32, index as u32 - 1, (index - SIDE) as u32);
                mesh.add_triangle(here, left, below);
                mesh.add_triangle(left, below - 1, below);
            }
        }
        mesh
    }

    /// True where x̂_0 and the mean of all x_0 are one point, drawn and named once.
    fn is_mean(&self, reading: &Reading) -> bool {
        let unit = f64::from(self.view.camera.points_per_unit(self.view.rect));
        reading
            .needle
            .is_some_and(|(_, x_0)| unit * distance(x_0, reading.posterior.mean) < 1.0)
    }

    /// x̂_0, or at the edge which way it lies and where.
    fn draw_estimate(&mut self, reading: &Reading, look: Look) {
        let Some((_, x_0)) = reading.needle else {
            return;
        };
        let (here, at) = (self.place(reading.x_t), self.place(x_0));
        let inner = self.seen.shrink(12.0);
        if inner.contains(at) {
            let stroke = (1.5, self.palette.canvas);
            self.painter.circle(at, DOT, look.color, stroke);
            self.dot(at, DOT);
            let text = if look.whose == Needle::Exact && self.is_mean(reading) {
                "x̂₀ = m"
            } else {
                "x̂₀"
            };
            self.name(at, at - here, text, look.color);
            return;
        }
        let Some([_, edge]) = clipped(inner, here, at) else {
            return;
        };
        let along = (edge - here).normalized();
        arrow(self.painter, edge - 13.0 * along, edge, 2.4, look.color);
        self.dot(edge, 10.0);
        let text = format!("x̂₀ at {}, {}", short(x_0[0]), short(x_0[1]));
        self.name(edge, -along, &text, look.color);
    }

    /// An arrow and its name, which stands on the side that the other arrow leaves free.
    fn arrow(&mut self, from: Pos2, to: Pos2, other: Option<Pos2>, text: &str, color: Color32) {
        arrow(self.painter, from, to, 2.4, color);
        let Some(line) = clipped(self.seen, from, to) else {
            return;
        };
        let along = line[1] - line[0];
        let count = (along.length() / 9.0).min(200.0) as usize;
        let shaft = (1..count).map(|i| line[0] + i as f32 / count as f32 * along);
        let shaft = shaft.map(|at| Rect::from_center_size(at, Vec2::splat(5.0)));
        self.avoid.extend(shaft);
        if along.length() < 2.0 {
            return;
        }
        let side = vec2(-along.y, along.x).normalized();
        let flip = other.is_some_and(|other| side.dot(other - to) > 0.0);
        let side = if flip { -side } else { side };
        self.name(line[0] + 0.6 * along, side, text, color);
    }

    fn dot(&mut self, at: Pos2, radius: f32) {
        let size = Vec2::splat(2.0 * radius + 2.0);
        self.avoid.push(Rect::from_center_size(at, size));
    }

    /// A name for what lies at a place; what is not seen has none.
    fn name(&mut self, at: Pos2, towards: Vec2, text: &str, color: Color32) {
        if !self.seen.contains(at) {
            return;
        }
        let size = self.galley(text, color).size();
        let wish = Wish { at, towards, size };
        self.names.push((wish, text.to_owned(), color));
    }

    fn galley(&self, text: &str, color: Color32) -> std::sync::Arc<egui::Galley> {
        self.painter
            .layout_job(maths::job(self.painter, text, &text_font(14.0), color))
    }

    /// Where marks lie.
    pub(super) fn marks(&self) -> &[Rect] {
        &self.avoid
    }

    /// Write the names, each in a place of its own, but for those that stand `written` for the same thing already.
    pub(super) fn write(mut self, taken: &[Rect], written: &[Named]) -> Vec<Named> {
        let mut taken = taken.to_vec();
        taken.extend(written.iter().map(|name| name.place));
        self.names.retain(|(wish, text, _)| {
            !written
                .iter()
                .any(|name| name.text == *text && name.at.distance(wish.at) < 1.0)
        });
        // The points first, whatever lies behind them: their names stand nearest.
        self.names.reverse();
        let wishes: Vec<Wish> = self.names.iter().map(|(wish, ..)| *wish).collect();
        let places = labels::place(self.seen.shrink(3.0), &taken, &self.avoid, &wishes);
        let mut named = Vec::with_capacity(places.len());
        for ((wish, text, color), place) in self.names.iter().zip(places) {
            let Some(place) = place else { continue };
            let near = place.clamp(wish.at);
            if near.distance(wish.at) > LEADER {
                let stroke = (1.0, color.gamma_multiply(0.5));
                self.painter.line_segment([near, wish.at], stroke);
            }
            let galley = self.galley(text, *color);
            self.painter.galley(place.min, galley, *color);
            named.push(Named {
                text: text.clone(),
                at: wish.at,
                place,
            });
        }
        named
    }
}
