//! Schedules: two ways from data to noise side by side, with the same points and the same noise.

use egui::{Align2, Color32, Context, CursorIcon, Rect, Sense, Ui, UiBuilder, WidgetInfo, vec2};
use lab::message::Restart;

use crate::canvas::device::Dots;
use crate::canvas::paint::Layer;
use crate::canvas::{Mark, Role, Scene};
use crate::chapters::Page;
use crate::chapters::shared::cloud::ForwardCloud;
use crate::desk::Desk;
use crate::desk::side_state::SideState;
use crate::equations;
use crate::settings::schedule;
use crate::theme::text_font;
use crate::widgets::chart::{Chart, Curve, Placement, chart_ui, times};
use crate::widgets::equation::Equation;
use crate::widgets::number::{fixed, grouped, short};
use crate::widgets::row::{self, Track};
use crate::widgets::text;
use crate::widgets::{button, hand, readout, segmented};
use lab::experiment::limits;
use lab::message::Side;
use maths::data::bounds::Bounds;
use maths::diffusion::log_snr::{HANDLES, LIMIT, LogSnr};
use maths::diffusion::schedule::{Scales, Schedule};
use maths::diffusion::solver::Transition;
use maths::names::Words;

/// Points of each cloud.
const COUNT: u32 = 2000;
/// Points of a curve.
const CURVE: usize = 240;
/// The two sides.
const SIDES: [&str; 2] = ["A", "B"];
/// The lowest log10 β that is drawn.
const LOWEST_BETA: f64 = -5.0;

/// How the chapter is called.
pub const WORDS: Words = Words {
    name: "schedules",
    title: "Schedules",
    symbol: "Schedules",
    short: "schedules",
    help: "two ways from data to noise with the same points and the same noise",
};

/// How the chapter shows things.
#[derive(Clone, Copy)]
pub(super) struct Show {
    /// The two schedules. One's own is always the present one of the desk.
    sides: [Schedule; 2],
    timesteps: u32,
}

impl Default for Show {
    fn default() -> Self {
        Self { sides: [Schedule::Linear, Schedule::Cosine], timesteps: 1000 }
    }
}

/// The chapter's state.
#[derive(Default)]
pub struct Schedules {
    pub(super) show: Show,
    pub(super) hand: (),
    cloud: ForwardCloud,
    /// Linear and cosine are on show.
    opening: bool,
}

/// A path with its number of timesteps.
#[derive(Clone, Copy)]
struct Way {
    schedule: Schedule,
    timesteps: u32,
    /// t/T at its clock.
    tau: f64,
}

impl Way {
    fn scales(self, tau: f64) -> Scales {
        self.schedule.scales(tau, self.timesteps)
    }

    /// ᾱ, β and log SNR at the clock.
    fn numbers(self) -> Numbers {
        let scales = self.scales(self.tau);
        let t = ((self.tau * f64::from(self.timesteps)).round() as u32).clamp(1, self.timesteps);
        Numbers { alpha_bar: scales.a.powi(2), noise: self.noise_of_step(t), log_snr: scales.snr().ln() }
    }

    /// Variance of the noise that the step from t − 1 to t adds: σ²_{t|t−1}, which is β_t where variance is preserved.
    fn noise_of_step(self, t: u32) -> f64 {
        let scales = |t: u32| self.scales(f64::from(t) / f64::from(self.timesteps));
        Transition::between(scales(t), scales(t - 1)).variance
    }
}

impl Schedules {
    /// The two paths: of the two experiments, or those of the chapter's own while there is one experiment.
    fn ways(&self, desk: &Desk) -> [Way; 2] {
        let of = |side_state: &SideState| Way {
            schedule: side_state.draft.schedule,
            timesteps: side_state.draft.timesteps,
            tau: desk.here.clock.tau,
        };
        if let [Some(a), Some(b)] = Side::BOTH.map(|side| desk.side_state(side)) {
            return [of(a), of(b)];
        }
        self.show.sides.map(|schedule| {
            let schedule = if matches!(schedule, Schedule::Custom(_)) {
                Schedule::Custom(desk.here.own_schedule)
            } else {
                schedule
            };
            Way { schedule, timesteps: self.show.timesteps, tau: desk.here.clock.tau }
        })
    }

    fn scene_of(&self, side: usize, desk: &Desk) -> Scene {
        let Way { schedule, .. } = self.ways(desk)[side];
        let scales = self.ways(desk)[side].scales(desk.here.clock.tau);
        let color = colors(desk)[side];
        // The split window has named the side already.
        let side = if desk.is_split() { String::new() } else { format!("{}  ", SIDES[side]) };
        let name = format!("{side}{}   ᾱ = {}", schedule.words().title, fixed(scales.a.powi(2), 3));
        let mut scene = Scene { outline: desk.here.snapshot.dataset.outline.clone(), ..Scene::default() };
        let layer = Layer::Noised {
            key: "schedule particles",
            particles: self.cloud.particles(),
            scales,
            dots: Dots { color: color.gamma_multiply(0.8), radius: 1.6 },
        };
        scene.push(Role::Other, layer);
        scene.name(Role::Other, Mark::Dot, color, name);
        scene
    }

    fn alpha_bar_ui(&self, ui: &mut Ui, rect: Rect, desk: &mut Desk) {
        let palette = desk.palette();
        let value = |way: Way, tau| way.schedule.alpha_bar(tau, way.timesteps);
        let curves = self.curves(desk, value, |n| n.alpha_bar, |v| fixed(v, 3));
        let marks = [(0.0, "0.0"), (0.5, "0.5"), (1.0, "1.0")];
        let chart = Chart { name: "ᾱ against t", title: "ᾱ, signal variance", range: [0.0, 1.02], marks: &marks };
        chart_ui(ui, rect, &chart, &curves, &mut desk.here.clock, palette);
    }

    fn beta_ui(&self, ui: &mut Ui, rect: Rect, desk: &mut Desk) {
        let palette = desk.palette();
        // Below the axis a curve is broken off.
        let shown = |beta: f64| Some(beta.max(0.0).log10()).filter(|log| *log >= LOWEST_BETA).unwrap_or(f64::NAN);
        let curves: Vec<_> = std::iter::zip(self.ways(desk), colors(desk))
            .map(|(way, color)| {
                let timesteps = way.timesteps;
                // It belongs to whole timesteps: all of them, or every few.
                let stride = timesteps.div_ceil(CURVE as u32).max(1);
                let at = |t: u32| [f64::from(t) / f64::from(timesteps), shown(way.noise_of_step(t))];
                let middle = (1..timesteps).step_by(stride as usize).map(at);
                let now = way.numbers().noise;
                let points = middle.chain([at(timesteps)]).collect();
                Curve { color, points, now: Some((shown(now), beta_text(now))) }
            })
            .collect();
        let marks = [(-4.0, "1e−4"), (-2.0, "0.01"), (0.0, "1"), (2.0, "100")];
        // Where variance explodes a step can add more than 1.
        let most = curves.iter().flat_map(|curve| &curve.points).map(|point| point[1]).fold(0.0, f64::max);
        let marks = if most > 1.0 { &marks[..] } else { &marks[..3] };
        let title = equations::step_title(self.ways(desk).map(|way| way.schedule));
        let chart = Chart { name: "Noise of one step against t", title, range: [LOWEST_BETA, most + 0.2], marks };
        chart_ui(ui, rect, &chart, &curves, &mut desk.here.clock, palette);
    }

    fn log_snr_ui(&self, ui: &mut Ui, rect: Rect, desk: &mut Desk) {
        let palette = desk.palette();
        let value = |way: Way, tau: f64| way.scales(tau).snr().ln();
        let curves = self.curves(desk, value, |n| n.log_snr, |v| fixed(v, 2));
        let marks = [(-10.0, "−10"), (0.0, "0"), (10.0, "10")];
        let range = [-LIMIT - 0.6, LIMIT + 0.6];
        let chart = Chart { name: "log SNR against t", title: "log SNR", range, marks: &marks };
        let place = chart_ui(ui, rect, &chart, &curves, &mut desk.here.clock, palette);
        let custom = |schedule: Schedule| matches!(schedule, Schedule::Custom(_));
        // Of two experiments the one whose settings are on show is drawn.
        let drawn = if desk.is_split() {
            custom(desk.here.draft.schedule).then(|| desk.side().index())
        } else {
            self.show.sides.iter().position(|&schedule| custom(schedule))
        };
        if let Some(side) = drawn {
            let tip = "drag the rings";
            let at = rect.right_top() + vec2(-12.0, 8.0);
            let color = colors(desk)[side];
            ui.painter().text(at, Align2::RIGHT_TOP, tip, text_font(11.0), color);
            handles_ui(ui, place, color, desk);
        }
    }

    fn curves(
        &self,
        desk: &Desk,
        value: impl Fn(Way, f64) -> f64,
        now: impl Fn(&Numbers) -> f64,
        text: impl Fn(f64) -> String,
    ) -> Vec<Curve> {
        std::iter::zip(self.ways(desk), colors(desk))
            .map(|(way, color)| {
                let present = now(&way.numbers());
                let points = times(CURVE).map(|tau| [tau, value(way, tau)]).collect();
                Curve { color, points, now: Some((present, text(present))) }
            })
            .collect()
    }

    /// The chapter's own two schedules, while there is one experiment.
    fn choice_rows(&mut self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        let own = Schedule::Custom(desk.here.own_schedule);
        let all: Vec<_> = Schedule::ALL.into_iter().filter(|s| s.preserves_variance()).chain([own]).collect();
        let tip = "Linear and cosine keep their path at every T; literal is the DDPM table from 1e-4 to 0.02 as it \
                   stands; yours goes through five handles of log SNR";
        let mut paths = self.ways(desk).map(|way| way.schedule);
        for (side, name) in SIDES.into_iter().enumerate() {
            let mut palette = *palette;
            // The side's letter bears its colour.
            palette.weak = colors(desk)[side];
            row::named(ui, name, tip, &palette, |ui| {
                let options: Vec<_> = all.iter().map(|&schedule| (schedule, schedule.words().title)).collect();
                let name = ["Schedule A", "Schedule B"][side];
                segmented::choose(ui, name, &mut paths[side], &options, desk.palette());
            });
        }
        self.show.sides = paths;
        let tip =
            "T: the number of timesteps. β of a single step grows as T falls; ᾱ does not, but for the literal table";
        let track = Track::logarithmic(limits::TIMESTEPS);
        row::slider(ui, ["Timesteps T", tip], &mut self.show.timesteps, track, grouped, palette);
    }

    fn numbers_ui(&self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        readout::pair(ui, "", SIDES, colors(desk), "The two schedules", palette);
        let ways = self.ways(desk);
        let numbers = ways.map(Way::numbers);
        let last = ways.map(|way| way.schedule.alpha_bar(1.0, way.timesteps));
        let ink = [palette.ink; 2];
        let step = equations::step_name(ways.map(|way| way.schedule));
        for (name, tip, value) in [
            (
                "ᾱ at t",
                "Signal variance a²: the share of the data's that is left",
                [0, 1].map(|i| fixed(numbers[i].alpha_bar, 3)),
            ),
            (
                step,
                "Variance of the noise that one step adds, s_t² − (a_t/a_{t−1})² s_{t−1}²: β_t where variance is preserved",
                [0, 1].map(|i| beta_text(numbers[i].noise)),
            ),
            ("log SNR at t", "ln (a² / s²)", [0, 1].map(|i| fixed(numbers[i].log_snr, 2))),
            ("ᾱ at T", "What is left of the signal at the end", last.map(short)),
        ] {
            readout::pair(ui, name, [&value[0], &value[1]], ink, tip, palette);
        }
        for (side, way) in std::iter::zip(SIDES, ways) {
            if let Some(alpha_bar) = way.schedule.leftover_signal(way.timesteps) {
                text::warning(ui, &format!("{side}: {}", schedule::leftover_text(alpha_bar)), palette);
            }
        }
    }
}

/// What is read out of a schedule at the clock.
struct Numbers {
    alpha_bar: f64,
    /// Noise variance of the step to the nearest whole timestep, at least the first.
    noise: f64,
    log_snr: f64,
}

/// Four decimals where they say something.
fn beta_text(beta: f64) -> String {
    if beta >= 1e-3 { fixed(beta, 4) } else { short(beta) }
}

/// A blue, B vermilion.
fn colors(desk: &Desk) -> [Color32; 2] {
    Side::BOTH.map(|side| desk.color(side))
}

/// The five rings of one's own schedule, dragged up and down, or moved by the arrow keys.
fn handles_ui(ui: &mut Ui, place: Placement, color: Color32, desk: &mut Desk) {
    let palette = desk.palette();
    let mut own = desk.here.own_schedule;
    for index in 0..HANDLES {
        let value = own.handles()[index];
        let at = place.to_screen(LogSnr::tau(index), value);
        let grip = Rect::from_center_size(at, vec2(24.0, 24.0));
        // Nothing to click: it is dragged from the first point of the way on.
        let response = ui.interact(grip, ui.make_persistent_id(("handle", index)), Sense::drag());
        let name = format!("Handle {} of log SNR", index + 1);
        response.widget_info(|| WidgetInfo::slider(true, value, &name));
        let mut wanted = hand::pulled_to(&response).map(|pointer| place.value_at(pointer.y));
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
    if own != desk.here.own_schedule {
        desk.draw_schedule(own);
    }
}

impl Page for Schedules {
    fn hint(&self) -> &'static str {
        if self.opening {
            "Drag in a curve. At t = 0.20 linear has dissolved much of the shape that cosine still holds: same points, \
             same noise."
        } else {
            "Drag in a curve: on both ways the same points go with the same noise."
        }
    }

    fn prepare(&mut self, _ctx: &Context, desk: &mut Desk) {
        let paths = self.ways(desk).map(|way| way.schedule);
        self.cloud.draw(desk, COUNT);
        self.opening = paths.contains(&Schedule::Linear) && paths.contains(&Schedule::Cosine);
    }

    fn equation(&self, desk: &Desk) -> Equation {
        equations::jump(self.ways(desk)[desk.side().index()].schedule)
    }

    fn equations(&self, desk: &Desk) -> Vec<(Option<(Side, String)>, Equation)> {
        let named = |(side, way): (Side, Way)| {
            let name = format!("{} {}", side.letter(), way.schedule.words().title);
            (Some((side, name)), equations::jump(way.schedule))
        };
        std::iter::zip(Side::BOTH, self.ways(desk)).map(named).collect()
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        if desk.is_split() {
            schedule::schedule_row(ui, desk);
            schedule::timesteps_row(ui, desk);
        } else {
            self.choice_rows(ui, desk);
        }
        ui.separator();
        self.numbers_ui(ui, desk);
        if desk.is_split() {
            return;
        }
        ui.separator();
        text::note(ui, "Use one in the experiment. The weights stay.", palette);
        ui.horizontal(|ui| {
            for (side, way) in std::iter::zip(["Train with A", "Train with B"], self.ways(desk)) {
                let tip = "This schedule and this T become those of the experiment";
                if button::text(ui, side, tip, 0.0, palette).clicked() {
                    desk.here.draft.schedule = way.schedule;
                    desk.here.draft.timesteps = way.timesteps;
                    desk.configure(Restart::Keep);
                }
            }
        });
    }

    fn canvases(&self, desk: &Desk) -> usize {
        if desk.is_split() { 1 } else { 2 }
    }

    fn scene(&self, canvas: usize, desk: &Desk) -> Scene {
        // In a split the second is that of the other side.
        self.scene_of(desk.side().index() + canvas, desk)
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

    fn plots_ui(&mut self, ui: &mut Ui, desk: &mut Desk, _twin: Option<&mut Self>) {
        let rect = ui.max_rect();
        let third = rect.width() / 3.0;
        for (index, draw) in [Self::alpha_bar_ui, Self::beta_ui, Self::log_snr_ui].into_iter().enumerate() {
            let place = Rect::from_min_size(rect.min + vec2(third * index as f32, 0.0), vec2(third, rect.height()));
            let mut child = ui.new_child(UiBuilder::new().max_rect(place).id_salt(("chart", index)));
            draw(self, &mut child, place, desk);
        }
    }

    fn play(&mut self, desk: &mut Desk) {
        desk.here.clock.toggle();
    }

    fn reset(&mut self, desk: &mut Desk) {
        desk.here.clock.set(0.0);
    }
}
