//! The menu of trainings that were replaced, at the foot of the rail. It is there while there is one to bring back.

use egui::{Align, Layout, Rect, Ui, vec2};

use crate::desk::Desk;
use crate::settings::data;
use crate::settings::network;
use crate::widgets::number::{duration, fixed, grouped};
use crate::widgets::pill;
use crate::widgets::row::row_in;
use crate::widgets::text;
use lab::experiment::Experiment;
use lab::message::Order;
use lab::shelved::{Replaced, Shelved};

/// The menu, at the foot of the rail.
pub fn menu_ui(ui: &mut Ui, rail: Rect, desk: &Desk) {
    if desk.shelf.is_empty() {
        return;
    }
    let palette = desk.palette();
    let place = Rect::from_min_max(
        rail.left_bottom() - vec2(-8.0, 40.0),
        rail.right_bottom() - vec2(8.0, 6.0),
    );
    row_in(
        ui,
        place,
        Layout::left_to_right(Align::Center),
        "bring back",
        |ui| {
            let count = desk.shelf.len().to_string();
            let tip = "Trainings that were replaced; each can be had again";
            pill::menu(
                ui,
                ["Bring back", "Bring back", &count],
                tip,
                palette,
                |ui| {
                    ui.set_width(340.0);
                    ui.spacing_mut().item_spacing.y = 1.0;
                    let whose = if desk.is_split() {
                        format!("{}'s", desk.side().letter())
                    } else {
                        "the present".to_owned()
                    };
                    let text = format!(
                        "A click puts a training in the place of {whose}, which is kept here in turn."
                    );
                    text::note(ui, &text, palette);
                    egui::ScrollArea::vertical()
                        .max_height(420.0)
                        .show(ui, |ui| {
                            for item in desk.shelf.iter() {
                                if pill::described(ui, &title(item), &description(item), palette)
                                    .clicked()
                                {
                                    desk.order(Order::BringBack(item.id, desk.side()));
                                    ui.close();
                                }
                            }
                        });
                },
            );
        },
    );
}

/// What a training had reached.
fn title(item: &Shelved) -> String {
    let loss = item.loss.map_or_else(String::new, |loss| {
        format!(", loss {}", fixed(f64::from(loss), 4))
    });
    format!("Step {}{loss}", grouped(item.step as f64))
}

/// Its settings, and what became of it.
fn description(item: &Shelved) -> String {
    let became = match item.replaced {
        Replaced::LastTime => item.replaced.words().to_owned(),
        replaced => {
            let ago = duration(item.at.elapsed().as_secs_f64());
            format!("{}: {}, {ago} ago", item.side.letter(), replaced.words())
        }
    };
    format!("{}. {became}", settings(&item.experiment))
}

/// The settings that tell trainings apart at a glance.
fn settings(experiment: &Experiment) -> String {
    let Experiment {
        data,
        schedule,
        timesteps,
        target,
        batch,
        learning_rate,
        ..
    } = experiment;
    let (data, schedule) = (data::data_title(data), schedule.words().title);
    let (target, network) = (
        target.words().symbol,
        network::network_title(experiment.shape()),
    );
    format!(
        "{data}, {schedule}, T {timesteps}, {target}, {network}, batch {batch}, rate {learning_rate}"
    )
}
