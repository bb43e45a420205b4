//! What the paths say beneath the canvas: crossings, errors of the end points, distances of the clouds.

use egui::Ui;

use crate::chapters::shared::rows::each_line;
use crate::chapters::trajectories::runs::{Findings, methods};
use crate::chapters::trajectories::starts::Kind;
use crate::chapters::trajectories::{COORDINATES, Trajectories};
use crate::desk::Desk;
use crate::theme::{Palette, text_font};
use crate::widgets::number::{fixed, grouped};
use crate::widgets::text;

impl Trajectories {
    pub(super) fn crossings_ui(&mut self, ui: &mut Ui, desk: &Desk, findings: &[Findings]) {
        let palette = desk.palette();
        let [ode_color, sde_color] = self.colors(desk);
        let coordinate = self.show.coordinate;
        heading(
            ui,
            &format!("Crossings of {} against t", COORDINATES[coordinate]),
            palette,
        );
        let names = ["ODE crossings", "SDE crossings"];
        let tip = "Pairs of paths whose order changes from one recorded frame to a later one, counted each time. In \
                   brackets the frames, the start among them: with more frames a noisy path crosses more often";
        for (which, color) in [ode_color, sde_color].into_iter().enumerate() {
            let name = counted(
                names[which],
                findings
                    .iter()
                    .map(|f| f.crossings[which].map(|(_, frames)| frames)),
            );
            let count = |of: &Findings| {
                of.crossings[which].map_or_else(dash, |(count, _)| grouped(count as f64))
            };
            let counts: Vec<_> = findings.iter().map(count).collect();
            each_line(ui, desk, &name, &counts, color, tip);
        }
        let note = if self.hand.kind == Kind::Line && self.runs.keeps_line(desk, coordinate) {
            "On a line of symmetry the exact ODE stays, and keeps its order."
        } else {
            "ODE paths never meet in (x, y, t); in one coordinate they may."
        };
        text::note(ui, note, palette);
    }

    pub(super) fn errors_ui(&self, ui: &mut Ui, desk: &Desk, findings: &[Findings]) {
        let palette = desk.palette();
        let steps = self
            .show
            .ode_steps
            .min(desk.here.snapshot.experiment.timesteps);
        heading(ui, &format!("End-point error, {steps} steps"), palette);
        let tip = "Root mean square distance to where the exact field leads in the limit t → 0, from the same starts, data \
                   units. In brackets how often x̂_0 is evaluated for a path: the mean, where each path chooses its own steps";
        for (method, name) in methods(self.show.tolerance)
            .map(|sampler| sampler.words().symbol)
            .into_iter()
            .enumerate()
        {
            let name = counted(name, findings.iter().map(|f| f.evaluations[method]));
            let value = |of: &Findings| of.end_error[method].map_or_else(dash, error_text);
            let values: Vec<_> = findings.iter().map(value).collect();
            let color = if method == self.show.method {
                self.colors(desk)[0]
            } else {
                palette.ink
            };
            each_line(ui, desk, &name, &values, color, tip);
        }
        let values: Vec<_> = findings
            .iter()
            .map(|f| f.landing.map_or_else(dash, error_text))
            .collect();
        let tip = "The part that no number of steps mends: the exact field followed without error to t/T = 1/T, the first \
                   timestep, and from there by one step onto E[x_0 | x], as every sampler lands";
        each_line(ui, desk, "landing from 1/T", &values, palette.weak, tip);
    }

    pub(super) fn clouds_ui(ui: &mut Ui, desk: &Desk, findings: &[Findings]) {
        let palette = desk.palette();
        heading(ui, "End-point clouds, sliced W₂", palette);
        let values = |of: fn([f64; 2]) -> f64, decimals: usize| {
            let value = |f: &Findings| {
                f.clouds
                    .map_or_else(|| "–".to_owned(), |clouds| fixed(of(clouds), decimals))
            };
            findings.iter().map(value).collect::<Vec<_>>()
        };
        let tip = "Distance of the SDE's end points to the ODE's: 2048 each from other noise, in eight blocks, \
                   by at most 60 steps";
        each_line(
            ui,
            desk,
            "SDE to ODE",
            &values(|c| c[0], 4),
            palette.ink,
            tip,
        );
        let tip = "The same between independent draws of the data, on average: two honest samplers lie about as far apart";
        each_line(
            ui,
            desk,
            "sampling floor",
            &values(|c| c[1], 4),
            palette.ink,
            tip,
        );
        let tip = "Distance over floor: 1 where the marginals agree";
        each_line(
            ui,
            desk,
            "distance / floor",
            &values(|[distance, floor]| distance / floor, 2),
            palette.ink,
            tip,
        );
    }
}

/// What stands where there is no number yet.
fn dash() -> String {
    "–".to_owned()
}

/// A name, and in brackets what was counted: one number, or one for each experiment where they differ.
fn counted(name: &str, counts: impl Iterator<Item = Option<usize>>) -> String {
    let mut texts: Vec<_> = counts
        .map(|count| count.map_or_else(dash, |count| grouped(count as f64)))
        .collect();
    texts.dedup();
    format!("{name} ({})", texts.join(" | "))
}

/// An error to two digits, also where it is tiny.
fn error_text(error: f64) -> String {
    if error >= 0.1 {
        fixed(error, 3)
    } else {
        format!("{error:.1e}").replace('-', "−")
    }
}

fn heading(ui: &mut Ui, text: &str, palette: &Palette) {
    ui.label(
        egui::RichText::new(text)
            .font(text_font(11.0))
            .color(palette.weak),
    );
}
