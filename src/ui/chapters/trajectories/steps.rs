//! The steps that paths choose: each end is marked on its path, of those taken and of those tried again.

use egui::{Color32, Ui, vec2};

use super::{Shown, Trajectories};
use crate::canvas::{Mark, Role, Scene, View};
use crate::desk::Desk;
use crate::widgets::number::fixed;
use engine::OwnSteps;

/// Marks of so many paths are drawn: of more they would hide them.
const MOST_PATHS: usize = 64;
/// Half the size of a mark, in points.
const MARK: f32 = 2.6;

impl Trajectories {
    /// The steps of the paths on show, where these chose them.
    fn own_steps(&self) -> Option<&OwnSteps> {
        let shown = self.runs.ode(self.show.method);
        let shown = shown.filter(|_| self.show.shown != Shown::Sde)?;
        shown.recording.own_steps.as_deref()
    }

    /// Dots where a step ends, crosses where one was tried that was too long.
    pub(super) fn steps_ui(&self, ui: &Ui, view: &View, desk: &Desk) {
        let Some(steps) = self.own_steps() else {
            return;
        };
        let projection = self.projection(desk);
        let painter = ui.painter_at(view.rect);
        let colors = mark_colors(desk);
        for mark in steps.marks.iter().take(MOST_PATHS).flatten() {
            let at = projection.place(mark.x.map(|x| x as f32), mark.tau as f32);
            let at = view.to_screen(at);
            if mark.accepted {
                painter.circle_filled(at, MARK, colors[0]);
                continue;
            }
            for across in [vec2(MARK, MARK), vec2(MARK, -MARK)] {
                painter.line_segment([at - across, at + across], (1.4, colors[1]));
            }
        }
    }

    /// Says what the marks are, and how many a path has.
    pub(super) fn name_steps(&self, scene: &mut Scene, desk: &Desk) {
        let Some(steps) = self.own_steps() else {
            return;
        };
        let mean = |count: fn(&maths::diffusion::solver::Effort) -> u32| {
            let sum: f64 = steps
                .efforts
                .iter()
                .map(|effort| f64::from(count(effort)))
                .sum();
            fixed(sum / steps.efforts.len().max(1) as f64, 1)
        };
        let [taken, again] = mark_colors(desk);
        let text = format!("{} steps a path", mean(|effort| effort.accepted));
        scene.name(Role::Other, Mark::Dot, taken, text);
        let text = format!("{} tried again, shorter", mean(|effort| effort.rejected));
        scene.name(Role::Other, Mark::Cross, again, text);
    }
}

/// Of steps taken, and of steps tried again.
fn mark_colors(desk: &Desk) -> [Color32; 2] {
    let palette = desk.palette();
    [palette.ink, palette.fault]
}
