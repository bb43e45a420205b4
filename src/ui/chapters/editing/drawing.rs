//! What the canvas shows of each edit.

use std::sync::Arc;

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, Ui};

use super::runs::{ends, frames, latents};
use super::{Edit, Editing};
use crate::canvas::device::Dots;
use crate::canvas::motion::{FrameAt, Motion, MotionStyle, Projection};
use crate::canvas::paint::Layer;
use crate::canvas::{Mark, Role, Scene, View, paint_mark};
use crate::desk::Desk;
use crate::theme::Palette;
use crate::truths;
use crate::widgets::number::{fixed, grouped};
use engine::Cloud;
use lab::message::RunResult;

/// Half the length of a line across the canvas, data units.
const FAR: f32 = 1000.0;

impl Editing {
    /// Of the field that is followed.
    pub(super) fn color(&self, desk: &Desk) -> Color32 {
        let palette = desk.palette();
        if self.exact(desk) && !desk.one_canvas {
            palette.exact
        } else {
            palette.learned
        }
    }

    /// The layers and the legend.
    pub(super) fn drawn(&self, desk: &Desk) -> Scene {
        let palette = desk.palette();
        let mut scene = Scene {
            outline: desk.here.snapshot.dataset.outline.clone(),
            ..Scene::default()
        };
        truths::draw_density(&mut scene, desk);
        let color = self.color(desk);
        let by = if self.exact(desk) {
            truths::exact(desk, "field")
        } else {
            let of = self.runs.main.shown();
            let of = of.map_or_else(String::new, |of| desk.here.update_of(of));
            format!("learned{of}")
        };
        let role = if self.exact(desk) {
            Role::Other
        } else {
            Role::Learned
        };
        match self.show.edit {
            Edit::Invert => {
                scene.name(Role::Other, Mark::Dot, palette.ink, "points");
                scene.name(Role::Other, Mark::Line, palette.noise, "up to t = 1");
                scene.name(Role::Other, Mark::Ring, palette.noise, "their latents");
                scene.name(role, Mark::Line, color, format!("and back, {by}"));
            }
            Edit::Join => {
                scene.name(Role::Other, Mark::Dot, palette.ink, "the two ends");
                let line = "between their latents";
                scene.name(Role::Other, Mark::Ring, palette.noise, line);
                scene.name(role, Mark::Line, color, format!("carried back, {by}"));
                scene.name(
                    Role::Other,
                    Mark::Dashes,
                    palette.truth,
                    "the straight line",
                );
            }
            Edit::Cloud => {
                let dots = Dots {
                    color: palette.ink.gamma_multiply(0.55),
                    radius: 1.6,
                };
                let placed = Layer::Points {
                    key: "placed cloud",
                    cloud: Cloud::Host(Arc::new(self.hand.cloud.clone())),
                    version: self.hand.version,
                    dots,
                };
                scene.push(Role::Other, placed);
                self.push_ends(&mut scene, desk, role);
                let count = grouped(self.hand.cloud.len() as f64);
                scene.name(
                    Role::Other,
                    Mark::Dot,
                    palette.ink,
                    format!("{count} placed"),
                );
                let text = format!("let go at t = {}, {by}", fixed(self.show.tau, 2));
                scene.name(role, Mark::Dot, color, text);
            }
            Edit::Fix => {
                self.push_ends(&mut scene, desk, role);
                let edges: &[f32] = if self.show.region {
                    &[-1.0, 1.0]
                } else {
                    &[0.0]
                };
                for edge in edges {
                    let at = |along: f32| {
                        let mut point = [along; 2];
                        point[self.show.axis] = self.hand.at + edge * self.hand.half;
                        point
                    };
                    let line = vec![at(-FAR), at(FAR)];
                    let stroke = Stroke::new(1.5, palette.truth);
                    scene.lines_behind.push((line, stroke));
                }
                let name = ["x", "y"][self.show.axis];
                let held = if self.show.region {
                    format!("{name} is held between")
                } else {
                    format!("{name} is held here")
                };
                scene.name(Role::Other, Mark::Line, palette.truth, held);
                scene.name(role, Mark::Dot, color, format!("filled in, {by}"));
            }
        }
        truths::name_density(&mut scene, desk);
        scene
    }

    /// The last frame of what is drawn, as points.
    fn push_ends(&self, scene: &mut Scene, desk: &Desk, role: Role) {
        let Some(result) = self.runs.main.shown() else {
            return;
        };
        let last = result.recording.taus.len().saturating_sub(1);
        let drawn = MotionStyle::Frame {
            at: FrameAt {
                first: last,
                next: last,
                share: 0.0,
            },
            dots: Dots {
                color: self
                    .color(desk)
                    .gamma_multiply(0.75 * desk.here.strength_of(result)),
                radius: 1.8,
            },
            origin: None,
        };
        let motion = Motion::of("edited", result, Projection::PLANE, 0.0, drawn);
        scene.push(role, Layer::Motion(motion));
    }

    /// What is painted above the layers.
    pub(super) fn sketch(&self, ui: &Ui, view: &View, desk: &Desk) {
        let sketch = Sketch {
            painter: &ui.painter_at(view.rect),
            view,
            palette: desk.palette(),
            color: self.color(desk),
        };
        match self.show.edit {
            Edit::Invert => {
                if let Some(result) = self.runs.main.shown() {
                    sketch.there_and_back(result, desk.here.clock.tau);
                }
                sketch.grips(&self.points(desk), self.held);
            }
            Edit::Join => {
                let both = self.ends(desk);
                if let (Some(found), Some([a, b])) = (self.runs.beside.shown(), both) {
                    sketch.joined(found, self.runs.main.shown().map(Arc::as_ref), [a, b]);
                }
                sketch.grips(both.as_ref().map_or(&[][..], |both| both), self.held);
            }
            Edit::Cloud => {}
            Edit::Fix => {
                if self.show.region {
                    sketch.region(self.show.axis, self.hand.at, self.hand.half);
                }
            }
        }
    }
}

/// A painter of points in data units.
struct Sketch<'a> {
    painter: &'a Painter,
    view: &'a View,
    palette: &'a Palette,
    color: Color32,
}

impl Sketch<'_> {
    fn at(&self, point: [f32; 2]) -> Pos2 {
        self.view.to_screen(point)
    }

    fn line(&self, points: impl Iterator<Item = [f32; 2]>, stroke: Stroke) {
        let line: Vec<Pos2> = points.map(|point| self.at(point)).collect();
        self.painter.line(line, stroke);
    }

    fn there_and_back(&self, result: &RunResult, tau: f64) {
        let taus = &result.recording.taus;
        let all: Vec<&[[f32; 2]]> = frames(result).collect();
        let Some(top) = (0..all.len()).max_by(|&a, &b| taus[a].total_cmp(&taus[b])) else {
            return;
        };
        let crowd = (40.0 / result.recording.particles as f32).sqrt();
        let alpha = crowd.clamp(0.35, 0.9);
        let (up, down) = (
            self.palette.noise.gamma_multiply(alpha),
            self.color.gamma_multiply(alpha),
        );
        let now = FrameAt::between(&taus[top..], tau);
        for particle in 0..result.recording.particles {
            let way = |from: usize, to: usize| all[from..=to].iter().map(|frame| frame[particle]);
            self.line(way(0, top), Stroke::new(3.2, up.gamma_multiply(0.5)));
            self.line(way(top, all.len() - 1), Stroke::new(1.3, down));
            let latent = self.at(all[top][particle]);
            paint_mark(self.painter, Mark::Ring, latent, 3.5, self.palette.noise);
            let [a, b] = [now.first, now.next].map(|frame| all[top + frame][particle]);
            let head = super::between(a, b, now.share, false);
            self.painter.circle_filled(self.at(head), 2.6, self.color);
        }
    }

    fn joined(&self, found: &RunResult, curve: Option<&RunResult>, [a, b]: [[f32; 2]; 2]) {
        let thin = Stroke::new(1.0, self.palette.noise.gamma_multiply(0.7));
        let all: Vec<&[[f32; 2]]> = frames(found).collect();
        let taus = &found.recording.taus;
        let top = (0..all.len()).max_by(|&a, &b| taus[a].total_cmp(&taus[b]));
        if let Some(top) = top {
            for particle in 0..found.recording.particles {
                self.line(all[..=top].iter().map(|frame| frame[particle]), thin);
            }
        }
        for latent in latents(found) {
            let middle = self.at(*latent);
            paint_mark(self.painter, Mark::Ring, middle, 5.0, self.palette.noise);
        }
        let straight = [self.at(a), self.at(b)];
        let dashes = Shape::dashed_line(&straight, (1.5, self.palette.truth), 6.0, 4.0);
        self.painter.extend(dashes);
        let Some(curve) = curve else { return };
        let between = starts(curve).iter().copied();
        self.line(between, Stroke::new(1.5, self.palette.noise));
        let points = ends(curve);
        let stroke = Stroke::new(1.2, self.color.gamma_multiply(0.6));
        self.line(points.iter().copied(), stroke);
        for point in points {
            self.painter.circle_filled(self.at(*point), 2.4, self.color);
        }
    }

    /// The placed points, the held one larger.
    fn grips(&self, points: &[[f32; 2]], held: Option<usize>) {
        for (index, point) in points.iter().enumerate() {
            let radius = if held == Some(index) { 6.0 } else { 3.6 };
            let (at, rim) = (self.at(*point), (1.5, self.palette.canvas));
            self.painter.circle(at, radius, self.palette.ink, rim);
        }
    }

    /// The region where a coordinate is held.
    fn region(&self, axis: usize, value: f32, half: f32) {
        let rect = self.view.rect;
        let place = |value: f32| {
            let at = self.at([value; 2]);
            if axis == 0 { at.x } else { at.y }
        };
        let (low, high) = (place(value - half), place(value + half));
        let (low, high) = (low.min(high), low.max(high));
        let color = self.palette.truth;
        let band = if axis == 0 {
            Rect::from_x_y_ranges(low..=high, rect.y_range())
        } else {
            Rect::from_x_y_ranges(rect.x_range(), low..=high)
        };
        self.painter
            .rect_filled(band.intersect(rect), 0.0, color.gamma_multiply(0.12));
    }
}

/// Where the particles of a run began.
fn starts(result: &RunResult) -> &[[f32; 2]] {
    frames(result).next().unwrap_or_default()
}
