//! The controls of the chapter.

use egui::Ui;

use super::placing::MOST_CLOUD;
use super::runs::METHODS;
use super::{Edit, Editing, Hand};
use crate::chapters::shared::rows;
use crate::desk::Desk;
use crate::desk::run_slot::LOOK_EVERY;
use crate::theme::Palette;
use crate::widgets::number::{Sign, fixed, grouped};
use crate::widgets::row::{self, Track};
use crate::widgets::{button, progress, segmented, text};
use lab::message::fresh_version;

impl Editing {
    /// The controls beneath title, hint and formula.
    pub(super) fn controls(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        let tip = "What is done with points of yours. Up: to their noise, and back. Join: a curve between two, through their noise. \
                   Cloud: noised to t, and let go. Fix: one coordinate is held, the other is filled in";
        row::named(ui, "Edit", tip, palette, |ui| {
            let options = [
                (Edit::Invert, "Up"),
                (Edit::Join, "Join"),
                (Edit::Cloud, "Cloud"),
                (Edit::Fix, "Fix"),
            ];
            segmented::choose(ui, "Edit", &mut self.show.edit, &options, palette);
        });
        let tip = "Which x̂_0 is followed: the network's, or E[x_0 | x_t]";
        rows::field_row(ui, tip, &mut self.show.exact, palette);
        ui.separator();
        match self.show.edit {
            Edit::Invert => {
                self.method_row(ui, palette);
                self.points_row(ui, palette);
            }
            Edit::Join => {
                self.method_row(ui, palette);
                self.join_row(ui, palette);
            }
            Edit::Cloud => self.cloud_rows(ui, desk),
            Edit::Fix => self.fix_rows(ui, palette),
        }
        let most = desk.here.snapshot.experiment.timesteps.clamp(6, 200);
        let tip = match self.show.edit {
            Edit::Invert | Edit::Join => "Steps of the ODE, each way",
            Edit::Cloud => "Steps of DDPM from T; from t only those below it are taken",
            Edit::Fix => "Steps of DDPM; each is taken as often as stands above",
        };
        let track = Track::logarithmic(5..=most);
        row::slider(
            ui,
            ["Steps", tip],
            &mut self.show.steps,
            track,
            grouped,
            palette,
        );
        let tip = "While training runs, run again and again with the new weights";
        rows::follow_row(ui, tip, &mut self.show.follow, desk);
        let share = self.runs.main.progress(desk);
        if share.is_some() {
            ui.ctx().request_repaint_after(LOOK_EVERY);
        }
        let width = ui.available_width();
        progress::bar(ui, "Progress of the edit", width, share, palette);
    }

    fn method_row(&mut self, ui: &mut Ui, palette: &Palette) {
        let tip = "How the probability-flow ODE is solved, upwards and downwards";
        row::named(ui, "ODE by", tip, palette, |ui| {
            let options = [0, 1, 2].map(|index| (index, METHODS[index].words().symbol));
            segmented::choose(ui, "ODE by", &mut self.show.method, &options, palette);
        });
    }

    fn points_row(&mut self, ui: &mut Ui, palette: &Palette) {
        let tip = "Draws of the data again, in the place of what you clicked";
        let placed = !self.hand.points.is_empty();
        let draws = |ui: &mut Ui| button::text(ui, "Draws of the data", tip, 160.0, palette);
        if ui.add_enabled_ui(placed, draws).inner.clicked() {
            self.hand.points.clear();
        }
    }

    fn join_row(&mut self, ui: &mut Ui, palette: &Palette) {
        let tip = "Between the two latents along a straight line, or along the circle about 0, on which latents of one length keep it";
        row::named(ui, "Between", tip, palette, |ui| {
            let options = [(false, "Straight"), (true, "On the circle")];
            let spherical = &mut self.show.spherical;
            segmented::choose(ui, "Between", spherical, &options, palette);
        });
    }

    fn cloud_rows(&mut self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        let tip =
            "How far the cloud is noised before it is let go, t/T: little keeps it, 1 forgets it";
        let track = Track::linear(0.01..=1.0).sign(Sign::Share);
        let two = |v: f64| fixed(v, 2);
        row::slider(
            ui,
            ["Noised to t", tip],
            &mut self.show.tau,
            track,
            two,
            palette,
        );
        ui.horizontal(|ui| {
            let tip = "Take the cloud away, to paint another";
            let some = !self.hand.cloud.is_empty();
            let clear = |ui: &mut Ui| button::text(ui, "Clear cloud", tip, 110.0, palette);
            if ui.add_enabled_ui(some, clear).inner.clicked() {
                self.hand.cloud.clear();
                self.hand.version = fresh_version();
            }
            let tip = "The stroke that was there at first";
            if button::text(ui, "First cloud", tip, 110.0, palette).clicked() {
                let Hand { cloud, version, .. } = Hand::default();
                (self.hand.cloud, self.hand.version) = (cloud, version);
            }
        });
        if self.hand.cloud.len() >= MOST_CLOUD {
            text::note(ui, "The cloud is full: clear it to paint on.", palette);
        } else if self.hand.cloud.is_empty() {
            text::note(ui, "Drag on the canvas to paint a cloud.", palette);
        }
    }

    fn fix_rows(&mut self, ui: &mut Ui, palette: &Palette) {
        row::named(ui, "Held", "Which coordinate is known", palette, |ui| {
            let options = [(0, "x"), (1, "y")];
            segmented::choose(ui, "Held", &mut self.show.axis, &options, palette);
        });
        let tip = "At a value; or between two, which is a projection of x̂_0 and no draw of what the data are there";
        row::named(ui, "Held to", tip, palette, |ui| {
            let options = [(false, "A value"), (true, "A region")];
            segmented::choose(ui, "Held to", &mut self.show.region, &options, palette);
        });
        let two = |v: f64| fixed(v, 2);
        let tip = "Where it is held: the value, or the middle of the region. Or drag the line";
        let track = Track::linear(-2.5..=2.5).limits(-10.0..=10.0);
        row::slider(ui, ["Value", tip], &mut self.hand.at, track, two, palette);
        ui.add_enabled_ui(self.show.region, |ui| {
            let tip = "Half the width of the region";
            let track = Track::linear(0.02..=2.0);
            row::slider(
                ui,
                ["Half width", tip],
                &mut self.hand.half,
                track,
                two,
                palette,
            );
        });
        let tip = "How often each step is taken, noised back in between (RePaint): what is filled in suits what is held the better";
        let track = Track::logarithmic(1..=30);
        row::slider(
            ui,
            ["Each step", tip],
            &mut self.show.times,
            track,
            grouped,
            palette,
        );
    }
}
