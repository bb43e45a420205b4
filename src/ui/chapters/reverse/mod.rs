//! Reverse: from pure noise to the data, every position a frame of one recorded run.

mod equations;

use egui::{Color32, Context, Mesh, Sense, Shape, Ui, WidgetInfo, pos2, vec2};

use crate::canvas::device::Dots;
use crate::canvas::motion::{FrameAt, Motion, MotionStyle, Projection, origin_color};
use crate::canvas::paint::Layer;
use crate::canvas::{Mark, Role, Scene};
use crate::chapters::Page;
use crate::chapters::shared::cloud::cloud_bounds;
use crate::clock::Clock;
use crate::desk::Desk;
use crate::desk::run_slot::{LOOK_EVERY, RunSlot};
use crate::settings::sampler;
use crate::theme::Palette;
use crate::truths;
use crate::widgets::equation::Equation;
use crate::widgets::number::{Sign, fixed, grouped, short};
use crate::widgets::row::{self, Track};
use crate::widgets::text;
use crate::widgets::{button, progress, readout, segmented};
use engine::Start;
use lab::message::{RunRequest, RunResult, Slot};
use maths::data::bounds::Bounds;
use maths::diffusion::solver::{Plan, PlanContext, Sampler};
use maths::names::Words;

/// Fewest and most particles.
const PARTICLES: [u32; 2] = [500, 100_000];
/// Most frames that are kept beside the start: a buffer holds 128 MiB on the smallest adapters, these fill 77.
const FRAMES: u32 = 100;

/// Where the clock stands when the chapter opens first, if nobody has moved it: the data show through the noise.
const OPENING: f64 = 0.12;

/// What a run depends on besides weights and data.
#[derive(Clone, Copy, PartialEq)]
struct Wish {
    context: PlanContext,
    clip: Option<Bounds>,
    sampler: Sampler,
    steps: u32,
    particles: u32,
    seed: u64,
    exact: bool,
    follow: bool,
}

impl Wish {
    fn plan(&self) -> Plan {
        self.sampler.plan(self.steps, self.context, self.clip)
    }

    fn request(&self) -> RunRequest {
        RunRequest {
            plan: self.plan(),
            start: Start::Noise(self.particles),
            seed: self.seed,
            exact: self.exact,
            every: self.steps.div_ceil(FRAMES),
            follow: self.follow,
            read_back: false,
        }
    }
}

/// How the chapter is called.
pub const WORDS: Words = Words {
    name: "reverse",
    title: "Reverse",
    symbol: "Reverse",
    short: "reverse",
    help: "a recorded chain from noise to data",
};

/// How the chapter shows things.
#[derive(Clone, Copy)]
pub(super) struct Show {
    /// Chosen when the chapter opens: an untrained network has nothing to show.
    exact: Option<bool>,
    particles: u32,
    by_origin: bool,
    density: bool,
    follow: bool,
    speed: f64,
    noise: u64,
}

impl Default for Show {
    fn default() -> Self {
        Self { exact: None, particles: 2000, by_origin: true, density: false, follow: true, speed: 1.0, noise: 0 }
    }
}

/// The chapter's state.
pub struct Reverse {
    pub(super) show: Show,
    pub(super) hand: (),
    run: RunSlot<Wish>,
}

impl Default for Reverse {
    fn default() -> Self {
        Self { show: Show::default(), hand: (), run: RunSlot::new(Slot::Reverse) }
    }
}

/// The frame at t/T. Frames of a noisy run are never mixed: the mean of two would be less noisy than either.
fn frame_at(result: &RunResult, tau: f64) -> FrameAt {
    let noisy = result.request.plan.steps.iter().any(|stage| stage.c_z != 0.0);
    let taus = &result.recording.taus;
    if noisy { FrameAt::nearest(taus, tau) } else { FrameAt::between(taus, tau) }
}

impl Reverse {
    fn wish(&self, desk: &Desk) -> Wish {
        let experiment = &desk.here.snapshot.experiment;
        let exact = self.show.exact.unwrap_or(desk.here.snapshot.step == 0);
        Wish {
            context: experiment.plan_context(),
            // The exact x̂_0 lies where it should: clipping would only falsify it.
            clip: (experiment.clip && !exact).then_some(desk.here.snapshot.dataset.clip_box(experiment.fresh)),
            sampler: experiment.sampler,
            steps: experiment.sampler_steps.clamp(1, experiment.timesteps),
            particles: self.show.particles,
            seed: experiment.seed.wrapping_add(self.show.noise),
            exact,
            follow: self.show.follow,
        }
    }

    fn run_rows(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        let mut exact = self.show.exact.unwrap_or_default();
        row::named(ui, "Field", "Which x̂_0 the chain follows: the network's, or E[x_0 | x_t]", palette, |ui| {
            segmented::choose(ui, "Field", &mut exact, &[(false, "Learned"), (true, "Exact")], palette);
        });
        self.show.exact = Some(exact);
        sampler::sampler_rows(ui, desk);
        // The exact x̂_0 is no network's, whose errors grow.
        if !exact {
            sampler::clip_warning(ui, desk);
        }
        let tip = "Particles of the cloud; the first ones stay the same when their number changes";
        let track = Track::logarithmic(PARTICLES[0]..=PARTICLES[1]);
        row::slider(ui, ["Particles", tip], &mut self.show.particles, track, grouped, palette);
        let tip = "While training runs, run the chain again and again from the same noise";
        row::named(ui, "Follow training", tip, palette, |ui| {
            segmented::choose(ui, "Follow training", &mut self.show.follow, &[(false, "Off"), (true, "On")], palette);
        });
    }

    /// The run under way, or what starts another.
    fn progress_row(&mut self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        let share = self.run.progress(desk);
        if share.is_some() {
            ui.ctx().request_repaint_after(LOOK_EVERY);
        }
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 96.0).max(40.0);
            progress::bar(ui, "Progress of the run", width, share, palette);
            if share.is_some() {
                if button::text(ui, "Stop", "End this run; the last one stays on show", 88.0, palette).clicked() {
                    self.run.stop(desk);
                }
            } else if self.run.is_stopped() {
                if button::text(ui, "Run", "Run the chain after all", 88.0, palette).clicked() {
                    self.run.again();
                }
            } else if button::text(ui, "New noise", "Start from other noise", 88.0, palette).clicked() {
                self.show.noise += 1;
            }
        });
    }

    /// The chain's own slider, from noise at the left to data at the right.
    fn scrub_rows(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        let times = |v: f64| format!("× {}", fixed(v, 2));
        let track = Track::logarithmic(0.25..=4.0).sign(Sign::Times);
        let tip = "Speed of the clock's play button and of the space bar: × 1 takes six seconds";
        row::slider(ui, ["Speed", tip], &mut self.show.speed, track, times, palette);
        let Some(result) = self.run.shown_as_asked().cloned() else { return };
        let taus = &result.recording.taus;
        let at = FrameAt::nearest(taus, desk.here.clock.tau).first;
        let (every, steps) = (result.request.every as usize, result.request.plan.steps.iter().filter(|s| s.ends_step));
        let last_step = steps.count();
        let step_of = |frame: usize| (frame * every).min(last_step);
        let mut step = step_of(at) as u32;
        let tip = "From pure noise (0) to the data, step by step: each is recorded, so scrub both ways";
        let track = Track::linear(0..=last_step.max(1) as u32);
        if row::slider(ui, ["Step", tip], &mut step, track, grouped, palette).changed {
            // The recorded step that is nearest.
            let near = (0..taus.len()).min_by_key(|&frame| step_of(frame).abs_diff(step as usize));
            desk.here.clock.set(taus[near.unwrap_or_default()]);
        }
        ui.separator();
        let ink = palette.ink;
        let shown = format!("{} of {}", grouped(step_of(at) as f64), grouped(last_step as f64));
        readout::line(ui, "step on show", &shown, ink, "Steps taken from the noise", palette);
        readout::line(ui, "t / T of the frame", &fixed(taus[at], 3), ink, "The frame nearest to the clock", palette);
        let evaluations = grouped(result.request.plan.evaluations() as f64);
        let tip = "How often x̂_0 is evaluated for a particle: N steps take N, of Heun 2N − 1, of RK4 4N − 3";
        readout::line(ui, "evaluations", &evaluations, ink, tip, palette);
        let (weights, color) = if result.request.exact {
            ("exact field".to_owned(), palette.exact)
        } else {
            (format!("step {}", grouped(result.step as f64)), palette.learned)
        };
        let tip = format!("Updates that the weights of this run had seen; it took {} s", short(result.secs));
        readout::line(ui, "by", &weights, color, &tip, palette);
    }
}

/// Height of the key to the colours.
const KEY: f32 = 72.0;

/// The wheel of starts: where a particle began, out to 2.5 standard deviations.
fn origin_key(ui: &mut Ui, palette: &Palette) {
    const RINGS: u32 = 6;
    const SPOKES: u32 = 48;
    const REACH: f32 = 2.5;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), KEY), Sense::hover());
    let name = "Colours by where each particle began: angle is hue, pale is near the middle";
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, name));
    let radius = 0.5 * KEY - 4.0;
    let centre = pos2(rect.right() - radius - 4.0, rect.center().y);
    let mut mesh = Mesh::default();
    for ring in 0..=RINGS {
        for spoke in 0..=SPOKES {
            let (share, angle) = (ring as f32 / RINGS as f32, std::f32::consts::TAU * spoke as f32 / SPOKES as f32);
            // Just short of the full turn, so that the last spoke ends the wheel and does not begin it.
            let (sin, cos) = (angle.min(std::f32::consts::TAU - 1e-4)).sin_cos();
            let color = origin_color([REACH * share * cos, REACH * share * sin], palette.ink);
            mesh.colored_vertex(centre + radius * share * vec2(cos, -sin), color);
            if ring > 0 && spoke > 0 {
                let (here, row) = (ring * (SPOKES + 1) + spoke, SPOKES + 1);
                mesh.add_triangle(here, here - 1, here - row);
                mesh.add_triangle(here - 1, here - row - 1, here - row);
            }
        }
    }
    ui.painter().add(Shape::mesh(mesh));
    let text = "Each particle keeps the\ncolour of its place in\nthe noise.";
    let at = pos2(rect.left(), rect.center().y);
    ui.painter().text(at, egui::Align2::LEFT_CENTER, text, crate::theme::text_font(13.0), palette.weak);
    response.on_hover_text(name);
}

impl Page for Reverse {
    fn hint(&self) -> &'static str {
        "Drag the step from noise to data and back: colours tell where each began. DDPM's fresh noise mixes them."
    }

    fn equation(&self, desk: &Desk) -> Equation {
        equations::of(desk.here.draft.sampler)
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        self.run_rows(ui, desk);
        self.progress_row(ui, desk);
        ui.separator();
        self.scrub_rows(ui, desk);
        ui.separator();
        ui.add_enabled_ui(!desk.one_canvas, |ui| {
            row::named(ui, "Colour", "By where each particle began, or all alike", palette, |ui| {
                segmented::choose(
                    ui,
                    "Colour",
                    &mut self.show.by_origin,
                    &[(true, "Origin"), (false, "Plain")],
                    palette,
                );
            });
        });
        row::named(ui, "Behind", "The exact density of x_t, which the cloud should have", palette, |ui| {
            segmented::choose(ui, "Behind", &mut self.show.density, &[(false, "None"), (true, "Density")], palette);
        });
        if desk.one_canvas {
            text::note(ui, "On one canvas A is blue and B vermilion, whatever the colour chosen.", palette);
        } else if self.show.by_origin {
            origin_key(ui, palette);
        }
    }

    fn prepare(&mut self, _ctx: &Context, desk: &mut Desk) {
        if self.show.exact.is_none() {
            self.show.exact = Some(desk.here.snapshot.step == 0);
            if (desk.here.clock.tau - Clock::default().tau).abs() < 1e-9 {
                desk.here.clock.set(OPENING);
            }
        }
        let wish = self.wish(desk);
        self.run.want(desk, wish, || wish.request());
        desk.here.clock.speed = -self.show.speed;
    }

    fn scene(&self, _canvas: usize, desk: &Desk) -> Scene {
        let palette = desk.palette();
        let mut scene = Scene { outline: desk.here.snapshot.dataset.outline.clone(), ..Scene::default() };
        let Some(result) = self.run.shown_as_asked() else { return scene };
        if let (true, Some(field)) = (self.show.density, &desk.here.snapshot.density) {
            scene.push(Role::Exact, Layer::Density { field: field.clone(), color: palette.glow });
        }
        let count = result.recording.particles;
        let alpha = (60.0 / (count as f32).sqrt()).clamp(0.3, 0.9);
        let green = result.request.exact && !desk.one_canvas;
        let color = if green { palette.exact } else { palette.learned };
        // The wheel of origins has all colours: on one canvas with the other experiment it would tell nothing.
        let by_origin = self.show.by_origin && !desk.one_canvas;
        let start_std = result.request.plan.start_std.max(1e-6) as f32;
        let drawn = MotionStyle::Frame {
            at: frame_at(result, desk.here.clock.tau),
            dots: Dots { color: color.gamma_multiply(alpha), radius: if count > 20_000 { 1.0 } else { 1.6 } },
            origin: by_origin.then_some((1.0 / start_std, palette.ink)),
        };
        let motion = Motion::of("reverse", result, Projection::PLANE, desk.here.clock.tau, drawn);
        let role = if result.request.exact { Role::Other } else { Role::Learned };
        scene.push(role, Layer::Motion(motion));
        let by = if result.request.exact { truths::exact(desk, "chain") } else { "learned chain".into() };
        let mark: Color32 = if by_origin { origin_color([2.0, 2.0], palette.ink) } else { color };
        let at_t = format!("{by} at t = {}", fixed(desk.here.clock.tau, 2));
        scene.name(role, Mark::Dot, mark, at_t);
        scene.name(Role::Other, Mark::Dashes, palette.outline, "data");
        if self.show.density {
            scene.name(Role::Exact, Mark::Area, palette.glow.to_opaque(), truths::exact(desk, "density"));
        }
        scene
    }

    fn waiting(&self) -> &'static str {
        if self.run.is_stopped() { "the run was stopped" } else { "the chain is being run" }
    }

    fn home(&self, desk: &Desk) -> Bounds {
        cloud_bounds(desk)
    }

    fn density_tau(&self, desk: &Desk) -> Option<f64> {
        self.show.density.then_some(desk.here.clock.tau)
    }

    fn play(&mut self, desk: &mut Desk) {
        desk.here.clock.toggle();
    }

    fn reset(&mut self, desk: &mut Desk) {
        desk.here.clock.set(1.0);
    }

    fn leave(&mut self, desk: &mut Desk) {
        self.run.leave(desk);
        desk.here.clock.speed = 1.0;
    }
}
