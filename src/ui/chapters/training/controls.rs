//! The controls of the chapter: what one changes while it learns, and under "More" all that a training follows from.

use egui::Ui;
use lab::message::Restart;

use crate::chapters::shared::rows;
use crate::desk::{Desk, Door};
use crate::settings::{data, network, optimiser, sampler, schedule, training};
use crate::widgets::more::more;
use crate::widgets::number::grouped;
use crate::widgets::row::{self, Track};
use crate::widgets::{button, pill, segmented};
use lab::experiment::{DataSource, limits};
use lab::message::Command;

/// The controls beneath title, hint and formula.
pub(super) fn controls(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    rows::line_by_line_row(ui, "Algorithm 1", Door::Training, desk);
    let tip = if desk.here.draft.labels {
        "What is learned. Data with other classes begin anew, since labels are learned"
    } else {
        "What is learned. Other data keep the weights"
    };
    row::named(ui, "Data", tip, palette, |ui| {
        let title = data::data_title(&desk.here.draft.data);
        let words = ["Data set", "", &title];
        pill::menu(ui, words, "Choose the data", palette, |ui| {
            data::data_menu(ui, desk);
        });
        let tip = "Make a data set with a brush on the canvas";
        if button::text(ui, "Draw…", tip, 0.0, palette).clicked() {
            desk.draw_wanted = Some(desk.side());
        }
    });
    data::bandwidth_rows(ui, desk);
    schedule::schedule_row(ui, desk);
    training::speed_row(ui, desk);
    ui.add_space(4.0);
    let tip = "New weights from the seed. Data, schedule, batch and rate change without it, under the same weights";
    if button::text(ui, "Start anew", tip, ui.available_width(), palette).clicked() {
        desk.send(Command::Reset);
    }
    ui.separator();
    sampler::sampler_rows(ui, desk);
    sampler::clip_warning(ui, desk);
    if more(ui, &mut desk.more, palette) {
        rest(ui, desk);
    }
}

fn rest(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let tip = "Clip every estimate of x_0 to the data's box × 1.1. Off shows what 1/a makes of a small error";
    row::named(ui, "Clip x₀", tip, palette, |ui| {
        let options = [(false, "Off"), (true, "On")];
        if segmented::choose(ui, "Clip", &mut desk.here.draft.clip, &options, palette).changed() {
            desk.configure(Restart::Keep);
        }
    });
    ui.separator();
    let shape = desk.here.draft_shape;
    network::network_rows(ui, desk);
    let question = ui.scope(|ui| network::network_question(ui, desk)).response;
    if desk.here.draft_shape != shape {
        // The answer is where the hand is.
        question.scroll_to_me(None);
    }
    ui.separator();
    optimiser::emphasis_rows(ui, desk);
    training::batch_row(ui, desk);
    optimiser::optimiser_rows(ui, desk);
    training::learning_rate_row(ui, desk);
    optimiser::rate_rows(ui, desk);
    training::stop_row(ui, desk);
    ui.separator();
    schedule::timesteps_row(ui, desk);
    training_set_rows(ui, desk);
    let tip = "Of data, first weights, batches and noise";
    row::named(ui, "Seed", tip, palette, |ui| {
        let words = ["Seed", "Click, type, and press Enter"];
        if row::whole_number(ui, words, &mut desk.here.draft.seed) {
            desk.configure(Restart::Keep);
        }
    });
}

fn training_set_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let tip = "N points again and again, or fresh draws from the mixture";
    row::named(ui, "Training set", tip, palette, |ui| {
        let options = [(false, "Finite"), (true, "Fresh")];
        let fresh = &mut desk.here.draft.fresh;
        if segmented::choose(ui, "Training set", fresh, &options, palette).changed() {
            desk.configure(Restart::Keep);
        }
    });
    // A file has as many points as it has.
    if matches!(desk.here.draft.data, DataSource::Shape(_)) {
        ui.add_enabled_ui(!desk.here.draft.fresh, |ui| {
            let tip = "N: the size of the finite training set";
            let points = &mut desk.here.draft.points;
            let track = Track::logarithmic(limits::POINTS);
            if row::slider(ui, ["Points", tip], points, track, grouped, palette).done {
                desk.configure(Restart::Keep);
            }
        });
    }
}
