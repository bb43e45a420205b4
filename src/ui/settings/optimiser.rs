//! How a gradient changes the weights, and how the learning rate goes along.

use egui::Ui;
use lab::message::Restart;

use crate::desk::Desk;
use crate::widgets::number::{grouped, short};
use crate::widgets::row::{self, Track};
use crate::widgets::tip::Tip as _;
use crate::widgets::{pill, segmented};
use engine::network::optimiser::Optimiser;
use engine::network::rate::Decay;
use lab::experiment::limits;

/// The optimiser, and the weight decay of those that have it. Both act at once and keep the weights.
pub fn optimiser_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let present = desk.here.draft.optimiser;
    let tip = format!(
        "How a gradient changes the weights. {}: {}",
        present.words().title,
        present.words().help
    );
    row::named(ui, "Optimiser", &tip, palette, |ui| {
        let words = ["Optimiser", "", present.words().title];
        pill::menu(ui, words, &tip, palette, |ui| {
            ui.set_width(150.0);
            for optimiser in Optimiser::ALL {
                let words = optimiser.words();
                let choice =
                    pill::choice(ui, optimiser == present, words.title, words.title, palette);
                if choice.tip(words.help).clicked() {
                    desk.here.draft.optimiser = optimiser;
                    desk.configure(Restart::Keep);
                    ui.close();
                }
            }
        });
    });
    if desk.here.draft.optimiser.decays_weights() {
        let tip = "λ: each update multiplies a weight by 1 − rate · λ";
        let decay = &mut desk.here.draft.weight_decay;
        let track = Track::linear(0.0..=0.2).limits(limits::WEIGHT_DECAY);
        if row::slider(
            ui,
            ["Weight decay", tip],
            decay,
            track,
            factor_text,
            palette,
        )
        .done
        {
            desk.configure(Restart::Keep);
        }
    }
}

/// The warm-up and the decay of the learning rate.
pub fn rate_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let tip = "Updates in which the rate rises in a straight line to its height. 0: none";
    row::named(ui, "Warm-up", tip, palette, |ui| {
        let mut warmup = u64::from(desk.here.draft.warmup);
        if row::whole_number(ui, ["Warm-up", tip], &mut warmup) {
            let most = u64::from(*limits::WARMUP.end());
            desk.here.draft.warmup = warmup.min(most) as u32;
            desk.configure(Restart::Keep);
        }
    });
    let tip = "How the rate falls after the warm-up";
    row::named(ui, "Decay", tip, palette, |ui| {
        let options = Decay::ALL.map(|decay| (decay, decay.words().title));
        let decay = &mut desk.here.draft.decay;
        if segmented::choose(ui, "Decay", decay, &options, palette).changed() {
            desk.configure(Restart::Keep);
        }
    });
    if desk.here.draft.decay == Decay::Constant {
        return;
    }
    let tip = "Updates from the end of the warm-up to the end of the fall";
    let steps = &mut desk.here.draft.decay_steps;
    let track = Track::logarithmic(100..=1_000_000).limits(limits::DECAY_STEPS);
    if row::slider(ui, ["Decay in", tip], steps, track, grouped, palette).done {
        desk.configure(Restart::Keep);
    }
    let tip = "Where the fall ends and stays: a factor of the rate";
    let end = &mut desk.here.draft.decay_end;
    let track = Track::linear(limits::DECAY_END);
    if row::slider(ui, ["Decay to", tip], end, track, factor_text, palette).done {
        desk.configure(Restart::Keep);
    }
}

fn factor_text(factor: f64) -> String {
    if factor == 0.0 {
        "0".to_owned()
    } else {
        short(factor)
    }
}
