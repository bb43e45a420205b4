//! Schedules: two ways from data to noise side by side, with the same points and the same noise.

use egui::{Align2, Color32, CursorIcon, Rect, Sense, Ui, UiBuilder, WidgetInfo, vec2};

use super::Page;
use super::noising::{Drawn, jump_equation};
use crate::data::bounds::Bounds;
use crate::diffusion::log_snr::{HANDLES, LIMIT, LogSnr};
use crate::diffusion::path::Path;
use crate::ui::canvas::gpu::{Dots, Layer};
use crate::ui::canvas::{Mark, Scene};
use crate::ui::controls;
use crate::ui::desk::Desk;
use crate::ui::theme::{Palette, text_font};
use crate::ui::widgets::chart::{Chart, Curve, Placement, chart_ui, times};
use crate::ui::widgets::equation::Equation;
use crate::ui::widgets::number::{fixed, grouped, short};
use crate::ui::widgets::row::{self, Scale};
use crate::ui::widgets::{button, readout, segmented};

/// Points of each cloud.
const COUNT: u32 = 2000;
/// Points of a curve.
const CURVE: usize = 240;
/// T: fewest and most.
const TIMESTEPS: [u32; 2] = [10, 1000];
/// The two sides.
const SIDES: [&str; 2] = ["A", "B"];
/// The lowest log10 β that is drawn.
const LOWEST_BETA: f64 = -5.0;

/// The chapter's state.
pub struct Schedules {
    /// The two paths. One's own is always the present one of the desk.
    sides: [Path; 2],
    timesteps: u32,
    drawn: Drawn,
}

impl Default for Schedules {
    fn default() -> Self {
        Self { sides: [Path::Linear, Path::Cosine], timesteps: 1000, drawn: Drawn::default() }
    }
}

impl Schedules {
    fn paths(&self, desk: &Desk) -> [Path; 2] {
        self.sides.map(|path| if matches!(path, Path::Custom(_)) { Path::Custom(desk.own_schedule) } else { path })
    }

    fn scene_of(&mut self, side: usize, desk: &Desk) -> Scene {
        let path = self.paths(desk)[side];
        let scales = path.scales(desk.clock.tau, self.timesteps);
        let color = colors(desk.palette())[side];
        let name = format!("{}  {}   ᾱ = {}", SIDES[side], controls::path_title(path), fixed(scales.a.powi(2), 3));
        Scene {
            layers: vec![Layer::Noised {
                key: "schedule particles",
                particles: self.drawn.particles(desk, COUNT),
                scales,
                dots: Dots { color: color.gamma_multiply(0.8), radius: 1.6 },
            }],
            outline: desk.snapshot.dataset.outline.clone(),
            legend: vec![(Mark::Dot, color, name)],
            ..Scene::default()
        }
    }

    /// ᾱ, β and log SNR of a path at the clock.
    fn numbers(&self, path: Path, tau: f64) -> Numbers {
        let scales = path.scales(tau, self.timesteps);
        let t = ((tau * f64::from(self.timesteps)).round() as u32).clamp(1, self.timesteps);
        Numbers { alpha_bar: scales.a.powi(2), beta: path.beta(t, self.timesteps), log_snr: scales.snr().ln() }
    }

    fn alpha_bar_ui(&self, ui: &mut Ui, rect: Rect, desk: &mut Desk) {
        let palette = desk.palette();
        let curves =
            self.curves(desk, |path, tau| path.alpha_bar(tau, self.timesteps), |n| n.alpha_bar, |v| fixed(v, 3));
        let marks = [(0.0, "0.0"), (0.5, "0.5"), (1.0, "1.0")];
        let chart = Chart { name: "ᾱ against t", title: "ᾱ, signal variance", range: [0.0, 1.02], marks: &marks };
        chart_ui(ui, rect, &chart, &curves, &mut desk.clock, palette);
    }

    fn beta_ui(&self, ui: &mut Ui, rect: Rect, desk: &mut Desk) {
        let palette = desk.palette();
        // Below the axis a curve is broken off.
        let shown = |beta: f64| Some(beta.max(0.0).log10()).filter(|log| *log >= LOWEST_BETA).unwrap_or(f64::NAN);
        // β belongs to whole timesteps: all of them, or every few.
        let stride = self.timesteps.div_ceil(CURVE as u32).max(1);
        let curves: Vec<_> = std::iter::zip(self.paths(desk), colors(palette))
            .map(|(path, color)| {
                let at = |t: u32| [f64::from(t) / f64::from(self.timesteps), shown(path.beta(t, self.timesteps))];
                let middle = (1..self.timesteps).step_by(stride as usize).map(at);
                let now = self.numbers(path, desk.clock.tau).beta;
                let points = middle.chain([at(self.timesteps)]).collect();
                Curve { color, points, now: Some((shown(now), beta_text(now))) }
            })
            .collect();
        let marks = [(-4.0, "1e−4"), (-2.0, "0.01"), (0.0, "1")];
        let title = "β, noise of one step (log axis)";
        let chart = Chart { name: "β against t", title, range: [LOWEST_BETA, 0.2], marks: &marks };
        chart_ui(ui, rect, &chart, &curves, &mut desk.clock, palette);
    }

    fn log_snr_ui(&self, ui: &mut Ui, rect: Rect, desk: &mut Desk) {
        let palette = desk.palette();
        let value = |path: Path, tau: f64| path.scales(tau, self.timesteps).snr().ln();
        let curves = self.curves(desk, value, |n| n.log_snr, |v| fixed(v, 2));
        let marks = [(-10.0, "−10"), (0.0, "0"), (10.0, "10")];
        let range = [-LIMIT - 0.6, LIMIT + 0.6];
        let chart = Chart { name: "log SNR against t", title: "log SNR", range, marks: &marks };
        let place = chart_ui(ui, rect, &chart, &curves, &mut desk.clock, palette);
        if let Some(side) = self.sides.iter().position(|path| matches!(path, Path::Custom(_))) {
            let tip = "drag the rings";
            let at = rect.right_top() + vec2(-12.0, 8.0);
            let color = colors(palette)[side];
            ui.painter().text(at, Align2::RIGHT_TOP, tip, text_font(11.0), color);
            handles_ui(ui, place, color, desk);
        }
    }

    fn curves(
        &self,
        desk: &Desk,
        value: impl Fn(Path, f64) -> f64,
        now: impl Fn(&Numbers) -> f64,
        text: impl Fn(f64) -> String,
    ) -> Vec<Curve> {
        std::iter::zip(self.paths(desk), colors(desk.palette()))
            .map(|(path, color)| {
                let present = now(&self.numbers(path, desk.clock.tau));
                let points = times(CURVE).map(|tau| [tau, value(path, tau)]).collect();
                Curve { color, points, now: Some((present, text(present))) }
            })
            .collect()
    }
}

/// What is read out of a path at the clock.
struct Numbers {
    alpha_bar: f64,
    /// Of the nearest whole timestep, at least the first.
    beta: f64,
    log_snr: f64,
}

/// Four decimals where they say something.
fn beta_text(beta: f64) -> String {
    if beta >= 1e-3 { fixed(beta, 4) } else { short(beta) }
}

/// A blue, B vermilion.
fn colors(palette: &Palette) -> [Color32; 2] {
    [palette.learned, palette.other]
}

/// The five rings of one's own schedule, dragged up and down, or moved by the arrow keys.
fn handles_ui(ui: &mut Ui, place: Placement, color: Color32, desk: &mut Desk) {
    let palette = desk.palette();
    let mut own = desk.own_schedule;
    for index in 0..HANDLES {
        let value = own.handles()[index];
        let at = place.to_screen(LogSnr::tau(index), value);
        let grip = Rect::from_center_size(at, vec2(24.0, 24.0));
        let response = ui.interact(grip, ui.make_persistent_id(("handle", index)), Sense::click_and_drag());
        let name = format!("Handle {} of log SNR", index + 1);
        response.widget_info(|| WidgetInfo::slider(true, value, &name));
        let mut wanted = None;
        if response.dragged() {
            wanted = response.interact_pointer_pos().map(|pointer| place.value_at(pointer.y));
        }
        if response.has_focus() {
            let steps =
                ui.input(|i| i.num_presses(egui::Key::ArrowUp) as f64 - i.num_presses(egui::Key::ArrowDown) as f64);
            if steps != 0.0 {
                wanted = Some(value + 0.25 * steps);
            }
        }
        if let Some(wanted) = wanted {
            // Hundredths: a schedule that one can say, and write on a command line.
            own = own.moved(index, (wanted * 100.0).round() / 100.0);
        }
        let active = response.hovered() || response.dragged() || response.has_focus();
        if active {
            ui.ctx().set_cursor_icon(CursorIcon::ResizeVertical);
        }
        let radius = if active { 7.5 } else { 6.0 };
        ui.painter().circle(at, radius, palette.canvas, (2.5, color));
        response.on_hover_text(format!("{name}: {}. Each stays below the one before", fixed(value, 2)));
    }
    if own != desk.own_schedule {
        desk.draw_schedule(own);
    }
}

impl Page for Schedules {
    fn hint(&self) -> &'static str {
        "Drag in a curve. At t = 0.20 linear has dissolved much of the shape that cosine still holds: same points, same \
         noise."
    }

    fn equation(&self, _desk: &Desk) -> Equation {
        jump_equation(Path::Linear)
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        let colors = colors(palette);
        let own = Path::Custom(desk.own_schedule);
        let tip = "Linear and cosine keep their path at every T; literal is the DDPM table from 1e-4 to 0.02 as it \
                   stands; yours goes through five handles of log SNR";
        let mut paths = self.paths(desk);
        for (side, name) in SIDES.into_iter().enumerate() {
            let mut palette = *palette;
            // The side's letter bears its colour.
            palette.weak = colors[side];
            row::named(ui, name, tip, &palette, |ui| {
                let options =
                    [Path::Linear, Path::Cosine, Path::Literal, own].map(|path| (path, controls::path_title(path)));
                let name = ["Schedule A", "Schedule B"][side];
                segmented::choose(ui, name, &mut paths[side], &options, desk.palette());
            });
        }
        self.sides = paths;
        let tip =
            "T: the number of timesteps. β of a single step grows as T falls; ᾱ does not, but for the literal table";
        let [fewest, most] = TIMESTEPS;
        let timesteps = &mut self.timesteps;
        row::slider(ui, ["Timesteps T", tip], timesteps, fewest..=most, Scale::Logarithmic, grouped, palette);
        ui.separator();
        readout::pair(ui, "", SIDES, colors, "The two schedules", palette);
        let numbers = paths.map(|path| self.numbers(path, desk.clock.tau));
        let last = paths.map(|path| path.alpha_bar(1.0, self.timesteps));
        let ink = [palette.ink; 2];
        for (name, tip, value) in [
            ("ᾱ at t", "Signal variance: the share of the data left", [0, 1].map(|i| fixed(numbers[i].alpha_bar, 3))),
            ("β at t", "Noise variance of one step, 1 − ᾱ_t/ᾱ_{t−1}", [0, 1].map(|i| beta_text(numbers[i].beta))),
            ("log SNR at t", "ln ᾱ/(1 − ᾱ)", [0, 1].map(|i| fixed(numbers[i].log_snr, 2))),
            ("ᾱ at T", "What is left of the signal at the end", last.map(short)),
        ] {
            readout::pair(ui, name, [&value[0], &value[1]], ink, tip, palette);
        }
        for (side, path) in std::iter::zip(SIDES, paths) {
            if let Some(alpha_bar) = path.leftover_signal(self.timesteps) {
                controls::warning(ui, &format!("{side}: {}", controls::leftover_text(alpha_bar)), palette);
            }
        }
        ui.separator();
        controls::note(ui, "Use one in the experiment. The weights stay.", palette);
        ui.horizontal(|ui| {
            for (side, path) in std::iter::zip(["Train with A", "Train with B"], paths) {
                let tip = "This schedule and this T become those of the experiment";
                if button::text(ui, side, tip, 0.0, palette).clicked() {
                    desk.draft.path = path;
                    desk.draft.timesteps = self.timesteps;
                    desk.configure(false);
                }
            }
        });
    }

    fn scene(&mut self, desk: &Desk) -> Scene {
        self.scene_of(0, desk)
    }

    fn beside(&mut self, desk: &Desk) -> Option<Scene> {
        Some(self.scene_of(1, desk))
    }

    fn home(&self, _desk: &Desk) -> Bounds {
        Bounds { min: [-2.6, -2.3], max: [2.6, 2.3] }
    }

    fn density_tau(&self, _desk: &Desk) -> Option<f64> {
        None
    }

    fn plots_height(&self, available: f32) -> f32 {
        0.42 * available
    }

    fn plots_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let rect = ui.max_rect();
        let third = rect.width() / 3.0;
        for (index, draw) in [Self::alpha_bar_ui, Self::beta_ui, Self::log_snr_ui].into_iter().enumerate() {
            let place = Rect::from_min_size(rect.min + vec2(third * index as f32, 0.0), vec2(third, rect.height()));
            let mut child = ui.new_child(UiBuilder::new().max_rect(place).id_salt(("chart", index)));
            draw(self, &mut child, place, desk);
        }
    }

    fn play(&mut self, desk: &mut Desk) {
        desk.clock.toggle();
    }

    fn reset(&mut self, desk: &mut Desk) {
        desk.clock.set(0.0);
    }
}
