//! What the canvas shows: paths, their heads, their ends, and the box of the turned view.

use super::{BOX, Shown, Trajectories};
use crate::canvas::device::Dots;
use crate::canvas::motion::{FrameAt, Motion, MotionStyle, Projection};
use crate::canvas::paint::Layer;
use crate::canvas::{Role, Scene, View};
use crate::desk::Desk;
use crate::theme::{Palette, text_font};
use egui::{Align2, Painter, Stroke, vec2};

impl Trajectories {
    /// Paths, their starts and their heads at the clock; the ODE over the SDE.
    pub(super) fn path_layers(&self, desk: &Desk, view: Projection, scene: &mut Scene) {
        let [ode_color, sde_color] = self.colors(desk);
        let now = desk.here.clock.tau;
        let sets = [
            (
                Shown::Sde,
                self.runs.sde(),
                ["sde", "sde heads"],
                sde_color,
                1.0_f32,
            ),
            (
                Shown::Ode,
                self.runs.ode(self.show.method),
                ["ode", "ode heads"],
                ode_color,
                1.8,
            ),
        ];
        for (which, result, [paths, heads], color, width) in sets {
            let Some(result) =
                result.filter(|_| self.show.shown == Shown::Both || self.show.shown == which)
            else {
                continue;
            };
            // More paths, fainter: the ODE's way is seen through the SDE's.
            let crowd = (result.recording.particles as f32).sqrt();
            let (alpha, ahead) = if which == Shown::Ode {
                (0.95, 0.45)
            } else {
                ((3.0 / crowd).clamp(0.25, 0.9), 0.35)
            };
            let color = color.gamma_multiply(desk.here.strength_of(result));
            let drawn = MotionStyle::Paths {
                color: color.gamma_multiply(alpha),
                width,
                ahead,
            };
            let role = if result.request.exact {
                Role::Other
            } else {
                Role::Learned
            };
            scene.push(
                role,
                Layer::Motion(Motion::of(paths, result, view, now, drawn)),
            );
            let at = FrameAt::between(&result.recording.taus, now);
            let dots = Dots {
                color,
                radius: 2.0 + 0.6 * width,
            };
            let drawn = MotionStyle::Frame {
                at,
                dots,
                origin: None,
            };
            scene.push(
                role,
                Layer::Motion(Motion::of(heads, result, view, now, drawn)),
            );
        }
    }

    /// The clouds that both end in, at t = 0.
    pub(super) fn end_layers(&self, desk: &Desk, view: Projection, scene: &mut Scene) {
        let colors = self.colors(desk);
        for ((result, color), key) in self
            .runs
            .ends()
            .into_iter()
            .zip(colors)
            .zip(["ode ends", "sde ends"])
        {
            let Some(result) = result else { continue };
            let last = result.recording.taus.len().saturating_sub(1);
            let drawn = MotionStyle::Frame {
                at: FrameAt {
                    first: last,
                    next: last,
                    share: 0.0,
                },
                dots: Dots {
                    color: color.gamma_multiply(0.4 * desk.here.strength_of(result)),
                    radius: 1.2,
                },
                origin: None,
            };
            let role = if result.request.exact {
                Role::Other
            } else {
                Role::Learned
            };
            scene.push(
                role,
                Layer::Motion(Motion::of(key, result, view, 0.0, drawn)),
            );
        }
    }

    /// The box of the turned view: noise at one end, data at the other.
    pub(super) fn frame_lines(view: Projection, palette: &Palette) -> Vec<(Vec<[f32; 2]>, Stroke)> {
        let corner = |k: usize| {
            let sign = |bit: usize| if k >> bit & 1 == 1 { BOX } else { -BOX };
            [sign(0), sign(1)]
        };
        let ends =
            [0.0, 1.0].map(|tau| [0, 1, 3, 2, 0].map(|k| view.place(corner(k), tau)).to_vec());
        let sides = (0..4).map(|k| vec![view.place(corner(k), 0.0), view.place(corner(k), 1.0)]);
        ends.into_iter()
            .chain(sides)
            .map(|line| (line, Stroke::new(1.0, palette.axis)))
            .collect()
    }

    /// Says which end of the box is which.
    pub(super) fn label_box(
        painter: &Painter,
        view: &View,
        projection: Projection,
        palette: &Palette,
    ) {
        for (tau, text) in [(1.0, "noise, t = 1"), (0.0, "data, t = 0")] {
            let at = view.to_screen(projection.place([0.0, -BOX], tau));
            painter.text(
                at + vec2(0.0, 6.0),
                Align2::CENTER_TOP,
                text,
                text_font(11.0),
                palette.weak,
            );
        }
    }
}
