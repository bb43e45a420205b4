//! How the network learns: its rate and its batch.

use egui::Ui;
use lab::message::{Order, Restart};

use crate::desk::Desk;
use crate::widgets::number::{grouped, short};
use crate::widgets::row::{self, Track};
use crate::widgets::segmented;
use lab::experiment::limits;

/// How far the slider of the learning rate goes; typed, it may be any that an experiment takes.
const RATES: std::ops::RangeInclusive<f32> = 1e-6..=1e-1;

/// The learning rate, which acts at once and keeps the weights.
pub fn learning_rate_row(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let tip = "The optimiser's step size. It acts at once and keeps the weights";
    let rate = &mut desk.here.draft.learning_rate;
    let track = Track::logarithmic(RATES).limits(limits::LEARNING_RATE);
    let moved = row::slider(ui, ["Learning rate", tip], rate, track, rate_text, palette);
    if moved.changed {
        if !moved.typed {
            // Two digits: the slider stops at numbers that one can say.
            let digits = 10.0_f32.powf(rate.log10().floor() - 1.0);
            *rate = (*rate / digits).round() * digits;
        }
        desk.configure(Restart::Keep);
    }
}

fn rate_text(rate: f64) -> String {
    if rate >= 1e-3 {
        format!("{rate:.4}").trim_end_matches('0').to_owned()
    } else {
        short(rate)
    }
}

/// The batch: the slider stops at powers of two, and any number can be typed.
pub fn batch_row(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let before = desk.here.draft.batch;
    let tip = "B: samples of one training step";
    let track = Track::logarithmic(limits::BATCH);
    let moved = row::slider(
        ui,
        ["Batch", tip],
        &mut desk.here.draft.batch,
        track,
        grouped,
        palette,
    );
    if moved.changed && !moved.typed {
        let power = |batch: u32| f64::from(batch).log2().round().exp2() as u32;
        let stop = power(desk.here.draft.batch);
        // A key moves the slider by less than half the way to the next stop.
        desk.here.draft.batch = match desk.here.draft.batch.cmp(&before) {
            std::cmp::Ordering::Greater if moved.done && stop <= before => 2 * power(before),
            std::cmp::Ordering::Less if moved.done && stop >= before => power(before) / 2,
            _ => stop,
        }
        .clamp(*limits::BATCH.start(), *limits::BATCH.end());
    }
    if desk.here.draft.batch != before {
        desk.configure(Restart::Keep);
    }
}

/// Updates a second that the training is slowed down to.
const SPEEDS: [(Option<u32>, &str); 4] = [
    (Some(1), "1"),
    (Some(10), "10"),
    (Some(100), "100"),
    (None, "Full"),
];

/// How fast the training goes: slow enough to watch each update, or as fast as it can.
pub fn speed_row(ui: &mut Ui, desk: &Desk) {
    let palette = desk.palette();
    let tip = "Updates a second at most. At 1 or 10 one sees what each update does; Full is as fast as this machine goes";
    row::named(ui, "Speed", tip, palette, |ui| {
        let mut speed = desk.speed.map(|speed| speed.round() as u32);
        if segmented::choose(ui, "Speed", &mut speed, &SPEEDS, palette).changed() {
            desk.order(Order::Speed(speed.map(f64::from)));
        }
    });
}

/// The update at which training pauses by itself.
pub fn stop_row(ui: &mut Ui, desk: &Desk) {
    let palette = desk.palette();
    let tip = "Training pauses by itself when so many updates are done. 0: it does not";
    row::named(ui, "Stop at", tip, palette, |ui| {
        let mut stop = desk.stop_at.unwrap_or(0);
        if row::whole_number(ui, ["Stop at update", tip], &mut stop) {
            desk.order(Order::StopAt((stop > 0).then_some(stop)));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_short() {
        assert_eq!(rate_text(0.003), "0.003");
        assert_eq!(rate_text(0.00042), "4.2e−4");
    }
}
