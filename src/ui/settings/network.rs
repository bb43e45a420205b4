//! The network's shape.

use egui::Ui;

use crate::desk::Desk;
use crate::widgets::row::{self};
use crate::widgets::text::{note, warning};
use crate::widgets::{button, segmented};
use engine::network::layout::{Activation, MAX_DEPTH, MAX_OCTAVES, NetworkShape, WIDTHS};

/// The network in a few characters: `3 × 128 SiLU`, `, σ²` where it learns a variance, and `, y` where it learns labels.
pub fn network_title(shape: NetworkShape) -> String {
    format!(
        "{} × {} {}{}{}",
        shape.depth,
        shape.width,
        shape.activation.words().title,
        if shape.learns_variance { ", σ²" } else { "" },
        if shape.classes > 0 { ", y" } else { "" }
    )
}

/// The network's shape. At step 0 a change holds at once; later it waits for a yes, because it starts anew.
pub fn network_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let shape = &mut desk.here.draft_shape;
    let mut moved = false;
    row::named(ui, "Width", "Units of a hidden layer", palette, |ui| {
        let options = [
            (WIDTHS[0], "32"),
            (WIDTHS[1], "64"),
            (WIDTHS[2], "128"),
            (WIDTHS[3], "256"),
        ];
        moved |= segmented::choose(ui, "Width", &mut shape.width, &options, palette).changed();
    });
    row::named(ui, "Depth", "Number of hidden layers", palette, |ui| {
        const NAMES: [&str; MAX_DEPTH as usize] = ["1", "2", "3", "4", "5", "6"];
        let options =
            std::array::from_fn::<_, { MAX_DEPTH as usize }, _>(|i| (i as u32 + 1, NAMES[i]));
        moved |= segmented::choose(ui, "Depth", &mut shape.depth, &options, palette).changed();
    });
    row::named(
        ui,
        "Activation",
        "The nonlinearity between the layers",
        palette,
        |ui| {
            let options = Activation::ALL.map(|a| (a, a.words().title));
            moved |= segmented::choose(ui, "Activation", &mut shape.activation, &options, palette)
                .changed();
        },
    );
    let tip = "Fixed: the network predicts, and samplers choose the variance of a step. Learned: two more outputs say it at each x_t, \
               between β̃ and β (Nichol & Dhariwal 2021); the sampler DDPM, learned variance takes it";
    row::named(ui, "Variance", tip, palette, |ui| {
        let options = [(false, "Fixed"), (true, "Learned")];
        let learns = &mut shape.learns_variance;
        moved |= segmented::choose(ui, "Variance", learns, &options, palette).changed();
    });
    let snapshot = &desk.here.snapshot;
    // Those of a file are known once it is there.
    let labels = snapshot.dataset.labels.as_ref();
    let labels = labels.filter(|_| snapshot.experiment.data == desk.here.draft.data);
    let classes: &[String] = labels.map_or(&[], |labels| &labels.names);
    let tip = if classes.is_empty() {
        "No labels are learned of these data: of moons, rings, figure-8, spirals, pinwheel and the 8 Gaussians they are, and of a file with a column label".to_owned()
    } else {
        format!(
            "Learn which class a point is of, beside the point: {}. A share of {} is told none; sample --label draws from one",
            classes.join(", "),
            desk.here.draft.label_dropout
        )
    };
    row::named(ui, "Labels", &tip, palette, |ui| {
        ui.add_enabled_ui(!classes.is_empty(), |ui| {
            let options = [(0, "Off"), (classes.len().max(1) as u32, "On")];
            let own = &mut shape.classes;
            moved |= segmented::choose(ui, "Labels", own, &options, palette).changed();
        });
    });
    if moved && desk.here.snapshot.step == 0 && !desk.here.is_training() {
        desk.adopt_shape();
    }
}

/// How many octaves of sines the network sees of the coordinates.
pub fn octaves_row(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let mut moved = false;
    row::named(
        ui,
        "Octaves",
        "Sines and cosines of the coordinates at 2^k π/3; 0 is raw coordinates",
        palette,
        |ui| {
            const NAMES: [&str; MAX_OCTAVES as usize + 1] = ["0", "1", "2", "3", "4", "5", "6"];
            let options =
                std::array::from_fn::<_, { MAX_OCTAVES as usize + 1 }, _>(|i| (i as u32, NAMES[i]));
            moved = segmented::choose(
                ui,
                "Octaves",
                &mut desk.here.draft_shape.octaves,
                &options,
                palette,
            )
            .changed();
        },
    );
    if moved && desk.here.snapshot.step == 0 && !desk.here.is_training() {
        desk.adopt_shape();
    }
}

/// Height of the question, kept free for it: no row moves when it comes.
const QUESTION: f32 = 66.0;

/// Says that the chosen network starts anew and asks; where nothing is chosen, that it will ask.
pub fn network_question(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let top = ui.cursor().top();
    if desk.here.draft_shape == desk.here.draft.shape() {
        note(
            ui,
            "Another network starts anew, with new weights; you are asked before it does.",
            palette,
        );
    } else {
        let title = network_title(desk.here.draft_shape);
        let loses =
            desk.here.draft.sampler.asks_variance() && !desk.here.draft_shape.learns_variance;
        let sampler = if loses {
            " It says no variance: DDPM with that of the posterior samples it."
        } else {
            ""
        };
        let text = format!("{title} has new weights: the training starts anew.{sampler}");
        warning(ui, &text, palette);
        ui.horizontal(|ui| {
            let tip = "Start with the new network; the present training is kept, and Bring back leads to it";
            if button::text(ui, "Use it", tip, 0.0, palette).clicked() {
                desk.adopt_shape();
            }
            let tip = "Go on with the present network";
            if button::text(ui, "Keep the old", tip, 0.0, palette).clicked() {
                desk.here.draft_shape = desk.here.draft.shape();
            }
        });
    }
    ui.add_space((top + QUESTION - ui.cursor().top()).max(0.0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_in_a_few_characters() {
        let plain = NetworkShape::default();
        assert_eq!(network_title(plain), "3 × 128 SiLU");
        let both = NetworkShape {
            learns_variance: true,
            ..plain
        };
        assert_eq!(network_title(both), "3 × 128 SiLU, σ²");
    }
}
