//! The numbers beneath the canvas: of this side, or of both.

use egui::{Align, Color32, Grid, Layout, RichText, Ui};

use crate::theme::{Palette, strong_font, text_font};
use crate::widgets::number::short;
use crate::widgets::tip::Tip as _;
use lab::few_steps::Numbers;
use maths::measure::Estimate;

/// A row: its name, what it is of, and the number with its floor.
struct Row {
    name: &'static str,
    tip: &'static str,
    read: fn(&Numbers) -> (Estimate, Option<Estimate>),
}

const ROWS: [Row; 5] = [
    Row {
        name: "Straightness error",
        tip: "∫ E|(start − end) − velocity|² dt of the model's paths in 64 Euler steps (Liu et al. 2023): 0 where all are straight and even",
        read: |numbers| (numbers.paths.error, None),
    },
    Row {
        name: "Cost of the paths",
        tip: "E|start − end|² of the model's own paths, squared units of the data",
        read: |numbers| (numbers.paths.cost, None),
    },
    Row {
        name: "Cost of the pairs",
        tip: "E|x_0 − start|² of the pairs that it is trained on: the mean over eight batches",
        read: |numbers| (numbers.pairs, None),
    },
    Row {
        name: "W₂² of one Euler step",
        tip: "Exact squared 2-Wasserstein distance of 512 samples by one Euler step to three draws of the data, and its error over these draws; the floor is that of draws to draws",
        read: |numbers| (numbers.one_step.squared, Some(numbers.one_step.floor)),
    },
    Row {
        name: "W₂² adaptive",
        tip: "The same by the method of Dormand and Prince in steps of each particle's own",
        read: |numbers| (numbers.adaptive.squared, Some(numbers.adaptive.floor)),
    },
];

fn with_error(Estimate { value, error }: Estimate) -> String {
    if error.is_finite() {
        format!("{} ± {}", short(value), short(error))
    } else {
        short(value)
    }
}

/// The table; a column for each side, with its letter where there are two.
pub(super) fn table_ui(
    ui: &mut Ui,
    columns: &[(&'static str, Color32, Option<Numbers>)],
    palette: &Palette,
) {
    Grid::new("few steps").spacing([28.0, 5.0]).show(ui, |ui| {
        let head = |text: &str, color| RichText::new(text).font(strong_font(12.0)).color(color);
        ui.label(head("Few steps", palette.weak));
        for (letter, color, _) in columns {
            ui.label(head(letter, *color));
        }
        let floors = columns.len();
        for (letter, ..) in columns {
            let name = if floors > 1 {
                format!("floor of {letter}")
            } else {
                "floor".to_owned()
            };
            ui.label(head(&name, palette.weak));
        }
        ui.end_row();
        for Row { name, tip, read } in &ROWS {
            let words = RichText::new(*name).font(text_font(13.0));
            ui.label(words.color(palette.weak)).tip(*tip);
            for (letter, color, numbers) in columns {
                let found = numbers.as_ref().map(read);
                let text = found.map_or_else(|| "–".to_owned(), |(value, _)| with_error(value));
                let said = format!("{letter} {name} {text}");
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.set_min_width(110.0);
                    let words = RichText::new(text).font(strong_font(13.0)).color(*color);
                    ui.label(words).tip(*tip).accessible_name(said.trim());
                });
            }
            for (.., numbers) in columns {
                let floor = numbers.as_ref().and_then(|numbers| read(numbers).1);
                let words = RichText::new(floor.map_or_else(String::new, with_error));
                ui.label(words.font(text_font(12.0)).color(palette.faint));
            }
            ui.end_row();
        }
    });
}
