//! Forward: every particle on its own straight way from the data to noise.

use egui::Ui;

use super::Page;
use super::noising::{Drawn, jump_equation};
use crate::data::bounds::Bounds;
use crate::ui::canvas::gpu::{Dots, Layer};
use crate::ui::canvas::{Mark, Scene};
use crate::ui::controls;
use crate::ui::desk::Desk;
use crate::ui::plots;
use crate::ui::widgets::equation::Equation;
use crate::ui::widgets::number::{fixed, grouped, short};
use crate::ui::widgets::row::{self, Scale};
use crate::ui::widgets::{readout, segmented};

/// Most particles.
const MOST: u32 = 100_000;

/// The chapter's state.
pub struct Forward {
    count: u32,
    density: bool,
    drawn: Drawn,
}

impl Default for Forward {
    fn default() -> Self {
        Self { count: 4000, density: true, drawn: Drawn::default() }
    }
}

impl Page for Forward {
    fn hint(&self) -> &'static str {
        "Drag the clock from data to noise. Each particle keeps its own ε, so the cloud moves and never flickers."
    }

    fn equation(&self, desk: &Desk) -> Equation {
        jump_equation(desk.draft.path)
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        controls::path_row(ui, desk);
        let tip = "How many particles are drawn";
        row::slider(ui, "Particles", tip, &mut self.count, 100..=MOST, Scale::Logarithmic, grouped, palette);
        row::named(ui, "Behind", "The exact density of x_t", palette, |ui| {
            segmented::choose(ui, "Behind", &mut self.density, &[(false, "None"), (true, "Density")], palette);
        });
        ui.separator();
        let scales = desk.scales();
        let snr = scales.snr();
        let ink = palette.ink;
        readout::line(ui, "ᾱ, signal variance", &fixed(scales.a.powi(2), 4), ink, "ᾱ = a²", palette);
        readout::line(ui, "a, signal", &fixed(scales.a, 4), palette.data, "x_t = a x_0 + s ε", palette);
        readout::line(ui, "s, noise", &fixed(scales.s, 4), palette.noise, "x_t = a x_0 + s ε", palette);
        readout::line(ui, "SNR", &short(snr), ink, "Signal-to-noise ratio a²/s²", palette);
        readout::line(ui, "log SNR", &fixed(snr.ln(), 2), ink, "Natural logarithm of a²/s²", palette);
        ui.separator();
        // The data have unit variance per axis on average, so that of x_t is a² + s².
        let variance = scales.a.powi(2) + scales.s.powi(2);
        let tip = "a² + s², per axis on average: 1 where variance is preserved";
        readout::line(ui, "variance at t", &fixed(variance, 3), ink, tip, palette);
        ui.separator();
        plots::scales_ui(ui, desk);
    }

    fn scene(&mut self, desk: &Desk) -> Scene {
        let palette = desk.palette();
        let mut scene = Scene { outline: desk.snapshot.dataset.outline.clone(), ..Scene::default() };
        if let (true, Some(field)) = (self.density, &desk.snapshot.density) {
            scene.layers.push(Layer::Density { field: field.clone(), color: palette.glow });
        }
        let color = palette.learned.lerp_to_gamma(palette.noise, desk.clock.tau as f32);
        scene.layers.push(Layer::Noised {
            key: "particles",
            particles: self.drawn.particles(desk, self.count),
            scales: desk.scales(),
            // More particles, fainter: the cloud keeps its depth.
            dots: Dots {
                color: color.gamma_multiply((60.0 / (self.count as f32).sqrt()).clamp(0.25, 0.9)),
                radius: if self.count > 20_000 { 1.0 } else { 1.5 },
            },
        });
        let at_t = format!("particles at t = {}", fixed(desk.clock.tau, 2));
        scene.legend = vec![(Mark::Dot, color, at_t), (Mark::Dashes, palette.outline, "data".into())];
        if self.density {
            scene.legend.push((Mark::Area, palette.glow.to_opaque(), "exact density".into()));
        }
        scene
    }

    fn home(&self, _desk: &Desk) -> Bounds {
        // All but 1 in 80 of N(0, I).
        Bounds { min: [-3.0, -2.5], max: [3.0, 2.5] }
    }

    fn density_tau(&self, desk: &Desk) -> Option<f64> {
        self.density.then_some(desk.clock.tau)
    }

    fn play(&mut self, desk: &mut Desk) {
        desk.clock.toggle();
    }

    fn reset(&mut self, desk: &mut Desk) {
        desk.clock.set(0.0);
    }
}
