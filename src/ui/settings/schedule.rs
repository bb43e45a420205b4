//! The noise schedule and its timesteps.

use egui::Ui;
use lab::message::Restart;

use crate::desk::Desk;
use crate::widgets::number::{grouped, short};
use crate::widgets::row::{self, Track};
use crate::widgets::segmented;
use crate::widgets::text::warning;
use crate::widgets::tip::Tip as _;
use lab::experiment::limits;
use maths::diffusion::schedule::Schedule;

/// Schedules side by side.
const A_ROW: usize = 4;

/// The noise schedule of the experiment: all that there are, and one's own.
pub fn schedule_row(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let mut schedule = desk.here.draft.schedule;
    if schedule_choice(ui, desk, &mut schedule) {
        desk.here.draft.schedule = schedule;
        desk.configure(Restart::Keep);
    }
    if let Some(alpha_bar) = desk
        .here
        .draft
        .schedule
        .leftover_signal(desk.here.draft.timesteps)
    {
        warning(ui, &leftover_text(alpha_bar), palette);
    }
}

/// A schedule among all that there are, and one's own. True where another was chosen.
pub fn schedule_choice(ui: &mut Ui, desk: &Desk, schedule: &mut Schedule) -> bool {
    let palette = desk.palette();
    let own = Schedule::Custom(desk.here.own_schedule);
    let all: Vec<_> = Schedule::ALL.into_iter().chain([own]).collect();
    let mut changed = false;
    for (index, schedules) in all.chunks(A_ROW).enumerate() {
        let of =
            |schedule: &Schedule| format!("{}: {}", schedule.words().title, schedule.words().help);
        let tip = schedules.iter().map(of).collect::<Vec<_>>().join(".\n");
        let tip = format!("x_t = a x_0 + s ε, from data to noise.\n{tip}");
        let name = if index == 0 { "Schedule" } else { "" };
        row::named(ui, name, &tip, palette, |ui| {
            let options: Vec<_> = schedules
                .iter()
                .map(|&schedule| (schedule, schedule.words().title))
                .collect();
            let chosen = segmented::choose(ui, "Schedule", schedule, &options, palette);
            changed |= chosen.tip(&tip).changed();
        });
    }
    changed
}

/// Says that a schedule ends before noise.
pub fn leftover_text(alpha_bar: f64) -> String {
    format!(
        "ᾱ at T is {}: signal is left, but samplers start from pure noise",
        short(alpha_bar)
    )
}

/// The number of timesteps.
pub fn timesteps_row(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let tip = "T: the number of noise levels that training draws from";
    let moved = row::slider(
        ui,
        ["Timesteps T", tip],
        &mut desk.here.draft.timesteps,
        Track::logarithmic(limits::TIMESTEPS),
        grouped,
        palette,
    );
    if moved.done {
        desk.configure(Restart::Keep);
    }
}
