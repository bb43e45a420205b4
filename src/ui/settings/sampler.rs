//! The sampler of the live picture, and the rows that choose one.

use lab::message::Restart;
use std::borrow::Cow;

use egui::{Context, Id, RichText, Ui};

use super::placement::placement_row;
use crate::desk::Desk;
use crate::theme::{Palette, text_font};
use crate::widgets::number::{fixed, grouped, short};
use crate::widgets::pill;
use crate::widgets::row::{self, Track};
use crate::widgets::text::{ellipsis, note, warning};
use crate::widgets::tip::Tip as _;
use lab::choice::Choice;
use lab::entrant::Pick;
use lab::experiment::{Experiment, limits};
use maths::diffusion::solver::{Dial, PlanContext, Sampler};

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
    match sampler.dial().zip(sampler.dial_value()) {
        Some((dial, value)) if !sampler.is_usual() => {
            let title = sampler.words().symbol;
            format!("{title}, {} {}", dial.symbol, dial_text(dial, value)).into()
        }
        _ => sampler.words().title.into(),
    }
}

/// A value of a sampler's number.
fn dial_text(dial: Dial, value: f64) -> String {
    if dial.spans_decades() {
        short(value)
    } else {
        fixed(value, 2)
    }
}

/// The same as short as it can be.
pub fn sampler_symbol(sampler: Sampler) -> Cow<'static, str> {
    if sampler.is_usual() {
        sampler.words().symbol.into()
    } else {
        sampler_title(sampler)
    }
}

/// As short as it can be; one's own by its file's name.
pub fn pick_symbol(pick: &Pick) -> Cow<'static, str> {
    match pick {
        Pick::Sampler(sampler) => sampler_symbol(*sampler),
        Pick::Own(own) => ellipsis(own.title(), LONGEST_NAME).into(),
    }
}

/// Letters of a file's name that are shown.
const LONGEST_NAME: usize = 20;

/// Farthest that the slider of the sampler's steps goes: more are slow to watch.
const SAMPLER_TRAVEL: u32 = 1000;

/// The sampler of the live picture and its steps. The training knows nothing of them.
pub fn sampler_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let mut choice = Choice::of(&desk.here.draft);
    let draft = &desk.here.draft;
    let can = |sampler| draft.can_sample_by(sampler);
    if choice_rows(ui, &mut choice, draft.plan_context(), &can, palette) {
        desk.here.draft.sampler = choice.sampler;
        desk.here.draft.sampler_steps = choice.steps;
        desk.here.draft.placement = choice.placement;
        desk.configure(Restart::Keep);
    }
    cost_note(ui, &desk.here.draft, choice, palette);
}

/// Rows that choose a sampler among those that `can` and its steps, at most as many as there are timesteps. True where another is chosen for
/// good.
pub fn choice_rows(
    ui: &mut Ui,
    choice: &mut Choice,
    context: PlanContext,
    can: &dyn Fn(Sampler) -> bool,
    palette: &Palette,
) -> bool {
    let mut changed = false;
    let most = context.timesteps;
    let tip = "How one step goes from x_t to an earlier x";
    row::named(ui, "Sampler", tip, palette, |ui| {
        changed |= sampler_menu(ui, "Sampler", &mut choice.sampler, can, palette);
    });
    changed |= dial_row(ui, &mut choice.sampler, palette);
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
    let own = choice.sampler.placement();
    let steps = (choice.steps.min(most), context);
    changed | placement_row(ui, &mut choice.placement, Some(own), steps, palette)
}

/// A button with the sampler's name that opens the list of all, of which some cannot be chosen: the network has nothing to say to them.
/// True where another is chosen.
pub fn sampler_menu(
    ui: &mut Ui,
    name: &str,
    sampler: &mut Sampler,
    can: &dyn Fn(Sampler) -> bool,
    palette: &Palette,
) -> bool {
    let mut changed = false;
    let title = sampler_title(*sampler);
    let words = [name, "", &title];
    pill::menu(ui, words, "Choose the sampler", palette, |ui| {
        ui.set_width(250.0);
        let most = ui.ctx().content_rect().height() - 60.0;
        // Without the second a menu is 400 points high at most, however high the window is.
        let list = egui::ScrollArea::vertical()
            .max_height(most)
            .min_scrolled_height(most);
        list.show(ui, |ui| {
            changed |= sampler_list(ui, sampler, can, palette);
        });
    });
    changed
}

/// The number that a sampler has of its own, if it has one. True where it is changed for good.
pub fn dial_row(ui: &mut Ui, sampler: &mut Sampler, palette: &Palette) -> bool {
    let Some((dial, mut value)) = sampler.dial().zip(sampler.dial_value()) else {
        return false;
    };
    let [least, most] = dial.range;
    // Over decades, its digits are those of the number itself.
    let track = if dial.spans_decades() {
        Track::logarithmic(least..=most)
    } else {
        Track::linear(least..=most)
    };
    let text = |value| dial_text(dial, value);
    let words = [dial.title, dial.help];
    let changed = row::slider(ui, words, &mut value, track, text, palette).done;
    *sampler = sampler.with_dial(value);
    changed
}

/// Why a sampler cannot be chosen.
const NOT_LEARNED: &str =
    "This network learns no variance: turn that on in Training, and begin anew";

/// All samplers, under the names of their families. True where one is chosen.
fn sampler_list(
    ui: &mut Ui,
    chosen: &mut Sampler,
    can: &dyn Fn(Sampler) -> bool,
    palette: &Palette,
) -> bool {
    let mut changed = false;
    let present = *chosen;
    let mut family = "";
    for sampler in Sampler::ALL {
        if sampler.family() != family {
            family = sampler.family();
            let head = RichText::new(family)
                .font(text_font(11.0))
                .color(palette.faint);
            ui.add(egui::Label::new(head).selectable(false));
        }
        // One that has a number of its own keeps it.
        let sampler = if sampler.name() == present.name() {
            present
        } else {
            sampler
        };
        let title = sampler_title(sampler);
        let option = ui.add_enabled_ui(can(sampler), |ui| {
            pill::choice(ui, sampler == present, &title, &title, palette)
        });
        let option = option.inner.on_disabled_hover_text(NOT_LEARNED);
        if option.tip(sampler.words().help).clicked() {
            *chosen = sampler;
            changed = true;
            ui.close();
        }
    }
    changed
}

/// How often a sample asks the network: counted once for a choice, since a plan may have ten thousand steps.
fn evaluations(ctx: &Context, context: PlanContext, choice: Choice) -> Option<usize> {
    type Counted = ((PlanContext, Choice), Option<usize>);
    let id = Id::unique("evaluations of a sample");
    let of = (context, choice);
    let known = ctx.data(|data| data.get_temp::<Counted>(id));
    if let Some((_, count)) = known.filter(|(known, _)| *known == of) {
        return count;
    }
    let count = choice.plan(context, None).evaluations();
    ctx.data_mut(|data| data.insert_temp::<Counted>(id, (of, count)));
    count
}

/// Says what the steps of a sampler cost, and what fewer of them do.
pub fn cost_note(ui: &mut Ui, experiment: &Experiment, choice: Choice, palette: &Palette) {
    let choice = Choice {
        steps: choice.steps.min(experiment.timesteps),
        ..choice
    };
    let fewer = choice.sampler.few_steps();
    let text = match evaluations(ui.ctx(), experiment.plan_context(), choice) {
        Some(count) => {
            let asked = grouped(count as f64);
            format!("A sample asks the network {asked} times. {fewer}")
        }
        None => format!("A sample asks the network as often as its tolerance wants. {fewer}"),
    };
    note(ui, &text, palette);
}
