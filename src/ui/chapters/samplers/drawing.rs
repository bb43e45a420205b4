//! What is drawn of the samplers: chains, charts, and the table.

use std::sync::Arc;

use egui::{Color32, Grid, Rect, RichText, ScrollArea, Sense, Ui, UiBuilder, vec2};
use egui_plot::MarkerShape;

use super::contest::Found;
use super::{Against, Samplers};
use crate::canvas::device::Dots;
use crate::canvas::motion::{Motion, MotionStyle, Projection};
use crate::canvas::paint::Layer;
use crate::chapters::shared::chain::frame_at;
use crate::desk::Desk;
use crate::plots::contest::{Quantity, Series, contest_ui, look, mark_ui};
use crate::settings::sampler::pick_symbol;
use crate::theme::{Palette, strong_font, text_font};
use crate::widgets::number::{fixed, grouped, short};
use crate::widgets::text::ellipsis;
use crate::widgets::tip::Tip as _;
use lab::contest::Scored;
use lab::entrant::Pick;
use lab::message::RunResult;

/// Keys of the layers: one a canvas.
const KEYS: [&str; 6] = [
    "sampler 1",
    "sampler 2",
    "sampler 3",
    "sampler 4",
    "sampler 5",
    "sampler 6",
];

/// The colour of the sampler at a place of the list.
pub fn color(palette: &Palette, index: usize) -> Color32 {
    look(palette, index).0
}

/// The chain of a canvas at the clock.
pub fn layer(canvas: usize, result: &Arc<RunResult>, desk: &Desk, color: Color32) -> Layer {
    let tau = desk.here.clock.tau;
    let drawn = MotionStyle::Frame {
        at: frame_at(result, tau),
        dots: Dots {
            color: color.gamma_multiply(0.8 * desk.here.strength_of(result)),
            radius: 1.4,
        },
        origin: None,
    };
    let key = KEYS[canvas % KEYS.len()];
    Layer::Motion(Motion::of(key, result, Projection::PLANE, tau, drawn))
}

impl Samplers {
    /// The chart of a quantity.
    pub(super) fn chart_ui(&self, ui: &mut Ui, rect: Rect, quantity: Quantity, desk: &Desk) {
        let palette = desk.palette();
        let (against, cost): (_, fn(&Scored) -> f64) = match self.show.against {
            Against::Evaluations => ("evaluations", |scored| scored.evaluations),
            Against::Milliseconds => ("milliseconds", |scored| 1e3 * scored.secs),
        };
        let measured = self.measured(desk);
        let found = measured.iter().filter_map(|who| self.contest.found(who));
        let scored: Vec<&Scored> = found.map(|found| &found.scored).collect();
        let series: Vec<Series> = (self.show.picks.iter().enumerate())
            .map(|(index, pick)| {
                let own = scored.iter().filter(|one| one.entrant.pick() == *pick);
                let points = own.map(|one| [cost(one), quantity.of(one)]);
                Series::new(pick_symbol(pick), look(palette, index), points)
            })
            .collect();
        let chart = quantity.chart(against, self.contest.floor(), &scored);
        contest_ui(ui, rect, &chart, &series, palette);
    }

    /// Of which updates the table's numbers are.
    fn of_update(&self, desk: &Desk) -> String {
        let steps = self.steps(desk);
        let picks = self.show.picks.iter();
        let found = picks.filter_map(|pick| self.contest.found(&self.show.entrant(pick, steps)));
        let of: Vec<u64> = found.filter_map(Found::update).collect();
        match (of.iter().min(), of.iter().max()) {
            (Some(first), Some(last)) if first == last => {
                format!(", of update {}", grouped(*first as f64))
            }
            (Some(first), Some(last)) => {
                let [first, last] = [first, last].map(|step| grouped(*step as f64));
                format!(", of updates {first} to {last}")
            }
            _ => String::new(),
        }
    }

    /// What each has reached by the steps that are on the canvases.
    pub(super) fn table_ui(&self, ui: &mut Ui, rect: Rect, desk: &Desk) {
        let palette = desk.palette();
        let steps = self.steps(desk);
        let rows = self.contest.rows(&self.measured(desk));
        let inner = rect.shrink2(vec2(14.0, 8.0));
        ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
            let of = self.of_update(desk);
            let head = format!("By {} steps{of}", grouped(f64::from(steps)));
            ui.label(
                RichText::new(head)
                    .font(text_font(11.0))
                    .color(palette.weak),
            );
            if let Some(refusal) = self.contest.refusal() {
                crate::widgets::text::warning(ui, &refusal, palette);
            }
            let scroll = ScrollArea::both()
                .id_salt("table of samplers")
                .auto_shrink(false);
            scroll.show(ui, |ui| {
                Grid::new("samplers")
                    .num_columns(7)
                    .spacing(vec2(9.0, 3.0))
                    .show(ui, |ui| {
                        for (head, tip) in HEADS {
                            let text = RichText::new(head)
                                .font(text_font(11.0))
                                .color(palette.faint);
                            ui.label(text).tip(tip);
                        }
                        ui.end_row();
                        for (index, pick) in self.show.picks.iter().enumerate() {
                            let name = pick.to_string();
                            let own_steps = self.show.entrant(pick, steps).steps();
                            let row = rows
                                .iter()
                                .find(|row| row.sampler == name && row.steps == own_steps);
                            let ink = look(palette, index);
                            swatch(ui, ink, &name_in_table(pick));
                            let cells = row.map_or_else(
                                || std::array::from_fn(|_| "–".to_owned()),
                                |row| {
                                    let order = row
                                        .order
                                        .map_or_else(|| "–".to_owned(), |order| fixed(order, 2));
                                    [
                                        fixed(row.floors, 2),
                                        short(row.surprise),
                                        order,
                                        grouped(row.evaluations as f64),
                                        short(row.milliseconds),
                                    ]
                                },
                            );
                            for cell in cells {
                                ui.label(
                                    RichText::new(cell)
                                        .font(strong_font(12.0))
                                        .color(palette.ink),
                                );
                            }
                            ui.end_row();
                        }
                    });
            });
        });
    }
}

/// A pick as the table names it: one's own with its steps, which the head does not say.
fn name_in_table(pick: &Pick) -> String {
    match pick {
        Pick::Sampler(_) => pick_symbol(pick).into(),
        Pick::Own(own) => {
            // The numbers beside it are to be seen.
            let title = ellipsis(own.title(), 12);
            format!("{title}, {} steps", grouped(f64::from(own.steps())))
        }
    }
}

/// Heads of the table on the screen, and what they are of.
const HEADS: [(&str, &str); 6] = [
    ("sampler", "All begin from the same noise"),
    (
        "floors",
        "Sliced W₂ to the data, in distances of draws of the data to other draws: 1 is as near as honest draws are",
    ),
    (
        "surprise",
        "−E ln p_0 of the samples less that of the data, nats: 0 of honest samples",
    ),
    (
        "order",
        "How much nearer to the end of the flow these steps come than half of them, as a power of two. Known while the training rests; a \
         sampler with noise of its own has none",
    ),
    ("evaluations", "How often a sample asks for a prediction"),
    (
        "ms",
        "Milliseconds that 2 000 samples took on this machine, beside whatever else ran",
    ),
];

/// A name behind its mark.
fn swatch(ui: &mut Ui, (color, mark): (Color32, MarkerShape), name: &str) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let (rect, _) = ui.allocate_exact_size(vec2(9.0, 9.0), Sense::hover());
        mark_ui(ui.painter(), mark, rect.center(), color);
        ui.label(RichText::new(name).font(text_font(12.0)));
    });
}
