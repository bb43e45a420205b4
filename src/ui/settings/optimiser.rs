//! What a training dwells on, how a gradient changes the weights, and how the learning rate goes along.

use egui::Ui;
use lab::message::Restart;

use crate::desk::Desk;
use crate::theme::Palette;
use crate::widgets::number::{grouped, short};
use crate::widgets::row::{self, Track};
use crate::widgets::tip::Tip as _;
use crate::widgets::{pill, segmented};
use engine::network::optimiser::Optimiser;
use engine::network::rate::Decay;
use lab::experiment::limits;
use maths::diffusion::times::Times;
use maths::diffusion::weighting::Weighting;
use maths::names::Words;

/// The optimiser, and the weight decay of those that have it. Both act at once and keep the weights.
pub fn optimiser_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let tip = "How a gradient changes the weights";
    let all = Optimiser::ALL.map(|one| (one, one.words()));
    let present = desk.here.draft.optimiser;
    if let Some(chosen) = menu_row(ui, ["Optimiser", tip], present, all, palette) {
        desk.here.draft.optimiser = chosen;
        desk.configure(Restart::Keep);
    }
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

/// How timesteps are drawn, and what their errors weigh. Both act at once and keep the weights.
pub fn emphasis_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let tip = "How the timestep of a sample is drawn";
    let times = Times::ALL.map(|one| (one, one.words()));
    if let Some(chosen) = menu_row(ui, ["Times", tip], desk.here.draft.times, times, palette) {
        desk.here.draft.times = chosen;
        desk.configure(Restart::Keep);
    }
    let tip = "What the error of a timestep weighs in the gradient. The loss that is shown goes without it";
    let weightings = Weighting::ALL.map(|one| (one, one.words()));
    let present = desk.here.draft.weighting;
    if let Some(chosen) = menu_row(ui, ["Weighting", tip], present, weightings, palette) {
        desk.here.draft.weighting = chosen;
        desk.configure(Restart::Keep);
    }
}

/// A named row with a menu of all of a kind; what was chosen in this frame.
fn menu_row<T: Copy + PartialEq, const N: usize>(
    ui: &mut Ui,
    [name, what]: [&str; 2],
    present: T,
    all: [(T, &'static Words); N],
    palette: &Palette,
) -> Option<T> {
    let words = all.iter().find(|(one, _)| *one == present);
    let (title, help) = words.map_or(("", ""), |(_, words)| (words.title, words.help));
    let tip = format!("{what}. {title}: {help}");
    let mut chosen = None;
    row::named(ui, name, &tip, palette, |ui| {
        pill::menu(ui, [name, "", title], &tip, palette, |ui| {
            ui.set_width(150.0);
            for (one, words) in all {
                let choice = pill::choice(ui, one == present, words.title, words.title, palette);
                if choice.tip(words.help).clicked() {
                    chosen = Some(one);
                    ui.close();
                }
            }
        });
    });
    chosen
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
