//! The sampler of the live picture and of the chapter Reverse.

use lab::message::Restart;
use std::borrow::Cow;

use egui::Ui;

use crate::desk::Desk;
use crate::widgets::number::{fixed, grouped};
use crate::widgets::pill;
use crate::widgets::row::{self, Track};
use crate::widgets::text::warning;
use lab::experiment::limits;
use maths::diffusion::solver::Sampler;

/// What the live sampler without the clip makes of a small error, as long as it does.
pub fn clip_warning(ui: &mut Ui, desk: &Desk) {
    if let Some(warning) = &desk.here.snapshot.warning {
        let mut letters = warning.chars();
        let sentence = letters
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .chain(letters)
            .chain(['.']);
        self::warning(ui, &sentence.collect::<String>(), desk.palette());
    }
}

/// The name of a sampler in menus.
pub fn sampler_title(sampler: Sampler) -> Cow<'static, str> {
    match sampler {
        Sampler::Ddim { eta } if eta > 0.0 => format!("DDIM, η {}", fixed(eta, 2)).into(),
        _ => sampler.words().title.into(),
    }
}

/// Farthest that the slider of the sampler's steps goes: more are slow to watch.
const SAMPLER_TRAVEL: u32 = 1000;

/// The sampler of the live picture and of the chapter Reverse, and its steps. The training knows nothing of them.
pub fn sampler_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    row::named(
        ui,
        "Sampler",
        "How one step goes from x_t to an earlier x",
        palette,
        |ui| {
            let title = sampler_title(desk.here.draft.sampler);
            pill::menu(
                ui,
                ["Sampler", "", &title],
                "Choose the sampler",
                palette,
                |ui| {
                    ui.set_width(190.0);
                    for sampler in Sampler::ALL {
                        // DDIM keeps the noise that it has.
                        let present = desk.here.draft.sampler;
                        let sampler = if sampler.name() == present.name() {
                            present
                        } else {
                            sampler
                        };
                        let title = sampler_title(sampler);
                        if pill::choice(ui, sampler == present, &title, &title, palette).clicked() {
                            desk.here.draft.sampler = sampler;
                            desk.configure(Restart::Keep);
                            ui.close();
                        }
                    }
                },
            );
        },
    );
    if let Sampler::Ddim { eta } = &mut desk.here.draft.sampler {
        let tip =
            "The noise of each step: 0 none, 1 that of DDPM (Song, Meng & Ermon 2021, eq. 16)";
        if row::slider(
            ui,
            ["Noise η", tip],
            eta,
            Track::linear(0.0..=1.0),
            |eta| fixed(eta, 2),
            palette,
        )
        .done
        {
            desk.configure(Restart::Keep);
        }
    }
    let most = desk.here.draft.timesteps;
    let tip = "Steps from noise to data. More than T are taken as T";
    let track = Track::logarithmic(*limits::SAMPLER_STEPS.start()..=most.min(SAMPLER_TRAVEL))
        .limits(1..=most);
    if row::slider(
        ui,
        ["Steps", tip],
        &mut desk.here.draft.sampler_steps,
        track,
        grouped,
        palette,
    )
    .done
    {
        desk.configure(Restart::Keep);
    }
}
