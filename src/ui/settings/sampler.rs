//! The sampler of the live picture, and the rows that choose one.

use lab::message::Restart;
use std::borrow::Cow;

use egui::{Context, Id, Ui};

use crate::desk::Desk;
use crate::theme::Palette;
use crate::widgets::number::{fixed, grouped};
use crate::widgets::pill;
use crate::widgets::row::{self, Track};
use crate::widgets::text::{note, warning};
use crate::widgets::tip::Tip as _;
use lab::experiment::{Experiment, limits};
use maths::diffusion::solver::{PlanContext, Sampler};

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

/// The sampler of the live picture and its steps. The training knows nothing of them.
pub fn sampler_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let mut choice = Choice::of(&desk.here.draft);
    if choice_rows(ui, &mut choice, desk.here.draft.timesteps, palette) {
        desk.here.draft.sampler = choice.sampler;
        desk.here.draft.sampler_steps = choice.steps;
        desk.configure(Restart::Keep);
    }
    cost_note(ui, &desk.here.draft, choice, palette);
}

/// A sampler and its steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The sampler.
    pub sampler: Sampler,
    /// Steps from noise to data.
    pub steps: u32,
}

impl Choice {
    /// Those of an experiment.
    pub fn of(experiment: &Experiment) -> Self {
        Self {
            sampler: experiment.sampler,
            steps: experiment.sampler_steps,
        }
    }
}

/// Rows that choose a sampler and its steps, of at most `most`. True where another is chosen for good.
pub fn choice_rows(ui: &mut Ui, choice: &mut Choice, most: u32, palette: &Palette) -> bool {
    let mut changed = false;
    let tip = "How one step goes from x_t to an earlier x";
    row::named(ui, "Sampler", tip, palette, |ui| {
        let present = choice.sampler;
        let title = sampler_title(present);
        let words = ["Sampler", "", &title];
        pill::menu(ui, words, "Choose the sampler", palette, |ui| {
            ui.set_width(250.0);
            for sampler in Sampler::ALL {
                // DDIM keeps the noise that it has.
                let sampler = if sampler.name() == present.name() {
                    present
                } else {
                    sampler
                };
                let title = sampler_title(sampler);
                let chosen = pill::choice(ui, sampler == present, &title, &title, palette);
                if chosen.tip(sampler.words().help).clicked() {
                    choice.sampler = sampler;
                    changed = true;
                    ui.close();
                }
            }
        });
    });
    if let Sampler::Ddim { eta } = &mut choice.sampler {
        let tip =
            "The noise of each step: 0 none, 1 that of DDPM (Song, Meng & Ermon 2021, eq. 16)";
        let track = Track::linear(0.0..=1.0);
        let text = |eta| fixed(eta, 2);
        changed |= row::slider(ui, ["Noise η", tip], eta, track, text, palette).done;
    }
    let tip = "Steps from noise to data. More than T are taken as T";
    let track = Track::logarithmic(*limits::SAMPLER_STEPS.start()..=most.min(SAMPLER_TRAVEL))
        .limits(1..=most);
    changed |= row::slider(
        ui,
        ["Steps", tip],
        &mut choice.steps,
        track,
        grouped,
        palette,
    )
    .done;
    changed
}

/// How often a sample asks the network: counted once for a choice, since a plan may have ten thousand steps.
fn evaluations(ctx: &Context, context: PlanContext, Choice { sampler, steps }: Choice) -> usize {
    type Counted = ((PlanContext, Choice), usize);
    let id = Id::unique("evaluations of a sample");
    let of = (context, Choice { sampler, steps });
    let known = ctx.data(|data| data.get_temp::<Counted>(id));
    if let Some((_, count)) = known.filter(|(known, _)| *known == of) {
        return count;
    }
    let count = sampler.plan(steps, context, None).evaluations();
    ctx.data_mut(|data| data.insert_temp::<Counted>(id, (of, count)));
    count
}

/// Says what the steps of a sampler cost, and what fewer of them do.
pub fn cost_note(
    ui: &mut Ui,
    experiment: &Experiment,
    Choice { sampler, steps }: Choice,
    palette: &Palette,
) {
    let steps = steps.min(experiment.timesteps);
    let choice = Choice { sampler, steps };
    let asked = grouped(evaluations(ui.ctx(), experiment.plan_context(), choice) as f64);
    let fewer = match sampler {
        Sampler::Ddpm(_) => "With fewer steps than T its picture is thinner or noisier.",
        Sampler::Ddim { .. } | Sampler::Euler => {
            "Fewer than about 50 steps of first order leave strays, whatever the network."
        }
        Sampler::Heun | Sampler::Rk4 => "Of higher order: few steps leave no strays of their own.",
    };
    let text = format!("A sample asks the network {asked} times. {fewer}");
    note(ui, &text, palette);
}
