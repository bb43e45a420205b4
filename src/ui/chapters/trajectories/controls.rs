//! The controls of the chapter.

use super::runs::{METHODS, methods};
use super::starts::{BUNDLE, Kind, MOST};
use super::{Look, Shown, Trajectories};
use crate::chapters::shared::rows;
use crate::desk::Desk;
use crate::desk::run_slot::LOOK_EVERY;
use crate::settings::placement::placement_row;
use crate::settings::sampler;
use crate::widgets::number::{Sign, fixed, grouped};
use crate::widgets::row::{self, Track};
use crate::widgets::{button, progress, segmented};
use egui::Ui;

impl Trajectories {
    /// The controls beneath title, hint and formula.
    pub(super) fn controls(&mut self, ui: &mut Ui, desk: &mut Desk) {
        self.look_rows(ui, desk);
        ui.separator();
        self.start_rows(ui, desk);
        ui.separator();
        self.solver_rows(ui, desk);
    }

    pub(super) fn look_rows(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        let tip = "Which x̂_0 the paths follow: the network's, or E[x_0 | x_t]";
        rows::field_row(ui, tip, &mut self.show.exact, palette);
        let tip = "The plane; one coordinate against time; or both and time, turned by dragging";
        row::named(ui, "View", tip, palette, |ui| {
            let options = [
                (Look::Plane, "Plane"),
                (Look::Time, "Time"),
                (Look::Turned, "3-D"),
            ];
            if segmented::choose(ui, "View", &mut self.show.look, &options, palette).changed() {
                desk.here.cameras.remove("trajectories");
            }
        });
        let tip = "The coordinate against time, whose crossings are counted; the line of starts lies along it";
        row::named(ui, "Coordinate", tip, palette, |ui| {
            segmented::choose(
                ui,
                "Coordinate",
                &mut self.show.coordinate,
                &[(0, "x"), (1, "y")],
                palette,
            );
        });
        if self.show.look == Look::Turned {
            let degrees = |v: f64| format!("{}°", fixed(v, 0));
            let track = Track::linear(-90.0..=90.0).sign(Sign::Degrees);
            let tip =
                "About the upright axis: 0° is y against time, 90° the plane. Or drag the canvas";
            row::slider(
                ui,
                ["Turn", tip],
                &mut self.show.turn,
                track,
                degrees,
                palette,
            );
            let track = Track::linear(-80.0..=80.0).sign(Sign::Degrees);
            let tip = "Up and down. Or drag the canvas";
            row::slider(
                ui,
                ["Tilt", tip],
                &mut self.show.tilt,
                track,
                degrees,
                palette,
            );
        }
        row::named(
            ui,
            "Show",
            "Paths of the ODE, of the SDE, or both",
            palette,
            |ui| {
                let options = [
                    (Shown::Both, "Both"),
                    (Shown::Ode, "ODE"),
                    (Shown::Sde, "SDE"),
                ];
                segmented::choose(ui, "Show", &mut self.show.shown, &options, palette);
            },
        );
        let tip = "The end points of two thousand particles each, whose distance is read out below";
        row::named(ui, "End points", tip, palette, |ui| {
            segmented::choose(
                ui,
                "End points",
                &mut self.show.ends,
                &[(false, "Hide"), (true, "Show")],
                palette,
            );
        });
    }

    pub(super) fn start_rows(&mut self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        let starts = &mut self.hand;
        let tip = "Drawn from the noise; on a line; fifty SDE paths from one point; or where you click. Those that you place can be \
             dragged; a right click takes one away";
        row::named(ui, "Starts", tip, palette, |ui| {
            let options = [
                (Kind::Noise, "Noise"),
                (Kind::Line, "Line"),
                (Kind::Bundle, "Bundle"),
                (Kind::Placed, "Placed"),
            ];
            segmented::choose(ui, "Starts", &mut starts.kind, &options, palette);
        });
        let tip = "Starts on the line or from the noise; a bundle has fifty, and of placed ones there are as many as you place";
        let given = match starts.kind {
            Kind::Noise | Kind::Line => None,
            Kind::Bundle => Some(BUNDLE as u32),
            Kind::Placed => Some(starts.placed.len() as u32),
        };
        ui.add_enabled_ui(given.is_none(), |ui| {
            let mut count = given.unwrap_or(starts.count);
            let track = Track::logarithmic(2..=MOST);
            row::slider(ui, ["Paths", tip], &mut count, track, grouped, palette);
            if given.is_none() {
                starts.count = count;
            }
        });
        let tip = "One click on the canvas: one start, or fifty SDE paths from it (as with Shift)";
        row::named(ui, "A click places", tip, palette, |ui| {
            let options = [(false, "Start"), (true, "Bundle")];
            segmented::choose(
                ui,
                "A click places",
                &mut self.show.click_bundles,
                &options,
                palette,
            );
        });
        ui.horizontal(|ui| {
            let placed = starts.kind == Kind::Placed && !starts.placed.is_empty();
            let tip = "Take all starts away that were placed";
            let clear = |ui: &mut Ui| button::text(ui, "Clear starts", tip, 100.0, palette);
            if ui.add_enabled_ui(placed, clear).inner.clicked() {
                starts.clear();
            }
            let gone = !starts.before.is_empty();
            let tip = "The placed starts as they were before the last were taken away";
            let back = |ui: &mut Ui| button::text(ui, "Bring starts back", tip, 100.0, palette);
            if ui.add_enabled_ui(gone, back).inner.clicked() {
                starts.bring_back();
            }
        });
        ui.horizontal(|ui| {
            let tip =
                "Other noise: new starts and new SDE paths; then the clock runs from noise to data";
            if button::text(ui, "Simulate", tip, 100.0, palette).clicked() {
                self.hand.seed = self.hand.seed.wrapping_add(1);
                self.simulating = true;
            }
            let share = self.runs.progress(desk);
            if share.is_some() {
                ui.ctx().request_repaint_after(LOOK_EVERY);
            }
            progress::bar(
                ui,
                "Progress of the runs",
                ui.available_width(),
                share,
                palette,
            );
        });
    }

    pub(super) fn solver_rows(&mut self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        // More than T are taken as T.
        let steps = Track::logarithmic(5..=desk.here.snapshot.experiment.timesteps.clamp(6, 1000));
        let tip = "How much noise a step adds: 1 the reverse SDE, 0 the ODE; the marginals are the same all the way";
        let track = Track::linear(0.0..=1.0).sign(Sign::Share);
        row::slider(
            ui,
            ["SDE noise η", tip],
            &mut self.show.eta,
            track,
            |v| fixed(v, 2),
            palette,
        );
        let tip = "Steps of the SDE";
        row::slider(
            ui,
            ["SDE steps", tip],
            &mut self.show.sde_steps,
            steps.clone(),
            grouped,
            palette,
        );
        let all = methods(self.show.tolerance);
        let options: Vec<_> = (0..METHODS).map(|i| (i, all[i].words().symbol)).collect();
        // Those whose steps are placed, and those that choose them.
        for (name, options) in [("ODE by", &options[..3]), ("", &options[3..])] {
            let tip = "How the probability-flow ODE is solved: in so many steps, or below in steps that each path chooses, whose ends are marked";
            row::named(ui, name, tip, palette, |ui| {
                segmented::choose(ui, "ODE by", &mut self.show.method, options, palette);
            });
        }
        let mut method = all[self.show.method];
        if sampler::dial_row(ui, &mut method, palette) {
            self.show.tolerance = method.dial_value().unwrap_or(self.show.tolerance);
        }
        let tip = "Steps of the ODE, by whichever method; of one in steps of its own, how often it is seen on the way";
        row::slider(
            ui,
            ["ODE steps", tip],
            &mut self.show.ode_steps,
            steps,
            grouped,
            palette,
        );
        let context = desk.here.draft.plan_context();
        let steps = (self.show.ode_steps.min(context.timesteps), context);
        placement_row(ui, &mut self.show.placement, None, steps, palette);
        let tip = "While training runs, run all paths again and again from the same noise";
        rows::follow_row(ui, tip, &mut self.show.follow, desk);
    }
}
