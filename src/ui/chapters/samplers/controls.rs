//! The controls of the chapter.

use super::{Against, MOST, PARTICLES, Samplers, drawing};
use crate::chapters::shared::rows;
use crate::desk::Desk;
use crate::settings::placement::placement_row;
use crate::settings::sampler;
use crate::theme::{Palette, strong_font, text_font};
use crate::widgets::number::grouped;
use crate::widgets::row::{self, Track};
use crate::widgets::tip::Tip as _;
use crate::widgets::{button, progress, segmented, text};
use egui::{RichText, Sense, Ui, vec2};
use lab::contest_table::{Row, csv_of, markdown};
use lab::entrant::Pick;
use lab::own_sampler::OwnSampler;
use maths::diffusion::solver::Sampler;

/// Farthest that the slider of the steps goes.
const TRAVEL: u32 = 256;
/// For so many seconds the panel says that the table was copied.
const SAID: f64 = 4.0;

/// The name and the steps of one from a file.
fn own_ui(ui: &mut Ui, name: &str, own: &OwnSampler, palette: &Palette) {
    let title = text::ellipsis(own.title(), 18);
    let steps = match own.steps() {
        1 => "1 step".to_owned(),
        steps => format!("{} steps", grouped(f64::from(steps))),
    };
    let words = RichText::new(title).font(strong_font(13.0));
    let tip = format!("{}: the file says where its steps lie", own.name());
    ui.label(words.color(palette.ink))
        .tip(tip)
        .accessible_name(format!("{name}: {}, {steps}", own.title()));
    let words = RichText::new(steps).font(text_font(12.0));
    ui.label(words.color(palette.weak));
}

impl Samplers {
    /// The controls beneath title, hint and formula.
    pub(super) fn controls(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        let tip = "Which x̂_0 the chains follow: the network's, or E[x_0 | x_t]";
        rows::field_row(ui, tip, &mut self.show.exact, palette);
        let (experiment, exact) = (&desk.here.snapshot.experiment, self.exact(desk));
        self.pick_rows(
            ui,
            &|sampler| exact || experiment.can_sample_by(sampler),
            palette,
        );
        ui.separator();
        self.step_rows(ui, desk);
        ui.separator();
        self.contest_rows(ui, desk);
    }

    /// The samplers, each with its colour, a menu, and a button that takes it away.
    fn pick_rows(&mut self, ui: &mut Ui, can: &dyn Fn(Sampler) -> bool, palette: &Palette) {
        let alone = self.show.picks.len() == 1;
        let mut gone = None;
        for (index, pick) in self.show.picks.iter_mut().enumerate() {
            let place = index + 1;
            ui.push_id(index, |ui| {
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = 6.0;
                    let (rect, _) = ui.allocate_exact_size(vec2(12.0, 28.0), Sense::hover());
                    let color = drawing::color(palette, index);
                    ui.painter().circle_filled(rect.center(), 5.0, color);
                    let name = format!("Sampler {place}");
                    match pick {
                        Pick::Sampler(sampler) => {
                            sampler::sampler_menu(ui, &name, sampler, can, palette);
                        }
                        Pick::Own(own) => own_ui(ui, &name, own, palette),
                    }
                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                        let name = format!("Take sampler {place} away");
                        let remove =
                            |ui: &mut Ui| button::named_text(ui, [&name, "×"], &name, 0.0, palette);
                        if ui.add_enabled_ui(!alone, remove).inner.clicked() {
                            gone = Some(index);
                        }
                    });
                });
                if let Pick::Sampler(sampler) = pick {
                    sampler::dial_row(ui, sampler, palette);
                }
            });
        }
        if let Some(index) = gone {
            self.show.picks.remove(index);
        }
        let full = self.show.picks.len() >= MOST;
        let tip = "Another sampler, on a canvas of its own: six at most";
        let add =
            |ui: &mut Ui| button::text(ui, "Add a sampler", tip, ui.available_width(), palette);
        if ui.add_enabled_ui(!full, add).inner.clicked() {
            let is = |pick: &Pick, sampler: &Sampler| matches!(pick, Pick::Sampler(own) if own.name() == sampler.name());
            let is_picked = |sampler: &Sampler| self.show.picks.iter().any(|p| is(p, sampler));
            let is_free = |sampler: &Sampler| !is_picked(sampler) && can(*sampler);
            if let Some(next) = Sampler::ALL.into_iter().find(is_free) {
                self.show.picks.push(Pick::Sampler(next));
            }
        }
    }

    /// The steps of the chains.
    fn step_rows(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        let most = desk.here.snapshot.experiment.timesteps;
        let tip = "Steps of every chain on the canvases, but of one from a file. One that asks twice a step asks twice as often";
        let track = Track::logarithmic(2..=most.clamp(3, TRAVEL)).limits(1..=most);
        let words = ["Steps", tip];
        row::slider(ui, words, &mut self.show.steps, track, grouped, palette);
        let context = desk.here.snapshot.experiment.plan_context();
        let steps = (self.steps(desk), context);
        placement_row(ui, &mut self.show.placement, None, steps, palette);
        let wide = ui.available_width();
        if button::text(ui, "New noise", "Start all from other noise", wide, palette).clicked() {
            self.show.noise += 1;
        }
    }

    /// What is measured, and the table.
    fn contest_rows(&mut self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        let tip =
            "Steps are doubled from 4 up to this many, and each sampler is measured by each count";
        row::named(ui, "Measure up to", tip, palette, |ui| {
            let options = [(16, "16"), (32, "32"), (64, "64"), (128, "128")];
            segmented::choose(
                ui,
                "Measure up to",
                &mut self.show.most_steps,
                &options,
                palette,
            );
        });
        let tip = "What the charts count to the right: predictions that a sample asks for, or the time of a set of samples on this machine";
        row::named(ui, "Against", tip, palette, |ui| {
            let options = [
                (Against::Evaluations, "Evaluations"),
                (Against::Milliseconds, "ms"),
            ];
            segmented::choose(ui, "Against", &mut self.show.against, &options, palette);
        });
        let tip =
            "While training runs, run all chains and measure again and again from the same noise";
        rows::follow_row(ui, tip, &mut self.show.follow, desk);
        let [done, all] = self.contest.progress();
        let share = (done < all).then_some(done as f32 / all.max(1) as f32);
        let wide = ui.available_width();
        progress::bar(ui, "Progress of the measurements", wide, share, palette);
        let tip = "The whole table, each count of steps: for a spreadsheet, or for a document";
        row::named(ui, "Copy the table", tip, palette, |ui| {
            let words = ["Copy as Markdown", "Markdown"];
            if button::named_text(ui, words, tip, 0.0, palette).clicked() {
                self.copy(ui, "Markdown", markdown(&self.rows(desk)));
            }
            let words = ["Copy as CSV", "CSV"];
            if button::named_text(ui, words, tip, 0.0, palette).clicked() {
                match csv_of(&self.rows(desk)) {
                    Ok(bytes) => self.copy(ui, "CSV", String::from_utf8_lossy(&bytes).into_owned()),
                    Err(error) => log::warn!("the table cannot be copied: {error:#}"),
                }
            }
        });
        let now = ui.input(|input| input.time);
        let said = self.copied.filter(|(at, _)| now - at < SAID);
        let words = if let Some((_, format)) = said {
            format!("The table is in the clipboard, as {format}.")
        } else {
            let by = if self.exact(desk) {
                "exact field"
            } else {
                "present weights"
            };
            let samples = grouped(f64::from(PARTICLES));
            format!("{samples} samples a set, {done} of {all} sets by the {by}.")
        };
        text::note(ui, &words, palette);
    }

    /// The whole table.
    fn rows(&self, desk: &Desk) -> Vec<Row> {
        self.contest.rows(&self.measured(desk))
    }

    fn copy(&mut self, ui: &Ui, format: &'static str, text: String) {
        ui.ctx().copy_text(text);
        self.copied = Some((ui.input(|input| input.time), format));
        ui.ctx()
            .request_repaint_after(std::time::Duration::from_secs_f64(SAID));
    }
}
