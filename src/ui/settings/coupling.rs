//! How points and noise come together, and where paths begin.

use egui::Ui;

use crate::desk::Desk;
use crate::widgets::number::short;
use crate::widgets::row::{self, Track};
use crate::widgets::tip::Tip as _;
use crate::widgets::{button, segmented, text};
use lab::message::Restart;
use maths::data::shapes::Shape;
use maths::diffusion::schedule::Schedule;
use maths::diffusion::solver::Sampler;
use maths::diffusion::target::Target;
use maths::names::Words;
use maths::transport::{Coupling, EPS, Source};

/// Sources side by side.
const A_ROW: usize = 3;

/// Coupling and source of the experiment. Of another schedule than flow, a button that takes it.
pub fn coupling_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    if desk.here.draft.schedule != Schedule::Flow {
        text::note(
            ui,
            "Couplings and sources are of straight paths, x_t = (1 − t) x_0 + t ε.",
            palette,
        );
        let tip = "Train the velocity ε − x_0 on the schedule flow, from here on";
        let wide = ui.available_width();
        if button::text(ui, "Take straight paths", tip, wide, palette).clicked() {
            let draft = &mut desk.here.draft;
            (draft.schedule, draft.target) = (Schedule::Flow, Target::Velocity);
            desk.configure(Restart::Keep);
        }
        return;
    }
    coupling_row(ui, desk);
    source_rows(ui, desk);
}

fn coupling_row(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let before = desk.here.draft.coupling;
    let mut kind = before.words().name;
    let labels = desk.here.draft.labels;
    let has_pairs = desk.here.snapshot.dataset.pairs.is_some();
    let offered: Vec<Coupling> = Coupling::ALL
        .into_iter()
        .filter(|one| *one != Coupling::Reflow || (has_pairs && !labels))
        .collect();
    let of = |Words { title, help, .. }: &Words| format!("{title}: {help}");
    let tips: Vec<_> = offered.iter().map(|one| of(one.words())).collect();
    let tip = format!(
        "Which noise of a batch leads to which of its points.\n{}",
        tips.join(".\n")
    );
    let options: Vec<_> = offered
        .iter()
        .map(|one| (one.words().name, one.words().symbol))
        .collect();
    row::named(ui, "Coupling", &tip, palette, |ui| {
        segmented::choose(ui, "Coupling", &mut kind, &options, palette).tip(&tip);
    });
    let mut coupling = before;
    if kind != before.words().name
        && let Some(chosen) = offered.iter().find(|one| one.words().name == kind)
    {
        coupling = *chosen;
    }
    let mut done = coupling != before;
    if let Coupling::Sinkhorn(eps) = &mut coupling {
        let tip = "Blur of the plan, in squared units of the data: towards 0 it is the exact one, and takes longer";
        let (limits, _) = EPS;
        let track = Track::logarithmic(limits);
        let shown = |eps: f64| short(eps);
        done |= row::slider(ui, ["ε of Sinkhorn", tip], eps, track, shown, palette).done;
    }
    desk.here.draft.coupling = coupling;
    if done {
        // Pairs are of a finite set; a sampler that adds noise leads elsewhere.
        let draft = &mut desk.here.draft;
        draft.fresh &= coupling != Coupling::Reflow;
        if !draft.leads_by(draft.sampler) {
            draft.sampler = Sampler::Heun;
        }
        desk.configure(Restart::Keep);
    }
}

fn source_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let before = desk.here.draft.source.clone();
    // The Gaussian is noise. The longest name has a row of its own.
    let mut shapes: Vec<_> = Shape::ALL
        .into_iter()
        .filter(|shape| *shape != Shape::Gaussian)
        .collect();
    shapes.sort_by_key(|shape| *shape == Shape::Checkerboard);
    let shapes = shapes.into_iter().map(Source::Shape);
    let mut all: Vec<Source> = std::iter::once(Source::Noise).chain(shapes).collect();
    if !all.contains(&before) {
        all.push(before.clone());
    }
    let mut chosen = all.iter().position(|one| *one == before).unwrap_or(0);
    let was = chosen;
    let tip =
        "Where paths begin, at t = 1: at noise, or at another distribution, standardised by itself";
    let titles: Vec<_> = all.iter().map(Source::title).collect();
    let options: Vec<_> = titles.iter().map(String::as_str).enumerate().collect();
    for (index, options) in options.chunks(A_ROW).enumerate() {
        let name = if index == 0 { "Source" } else { "" };
        row::named(ui, name, tip, palette, |ui| {
            segmented::choose(ui, "Source", &mut chosen, options, palette);
        });
    }
    if chosen != was
        && let Some(source) = all.into_iter().nth(chosen)
    {
        desk.here.draft.source = source;
        desk.configure(Restart::Keep);
    }
}
