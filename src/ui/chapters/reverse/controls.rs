//! The controls of the chapter.

use super::{PARTICLES, Reverse};
use crate::canvas::motion::{FrameAt, origin_color};
use crate::chapters::shared::chain::Field;
use crate::chapters::shared::rows;
use crate::desk::run_slot::LOOK_EVERY;
use crate::desk::{Desk, Door};
use crate::settings::sampler;
use crate::theme::Palette;
use crate::widgets::number::{Sign, fixed, grouped, short};
use crate::widgets::row::{self, Track};
use crate::widgets::text;
use crate::widgets::tip::Tip as _;
use crate::widgets::{button, progress, readout, segmented};
use egui::{Mesh, Sense, Shape, Ui, WidgetInfo, pos2, vec2};
use lab::choice::Choice;
use lab::message::Restart;

/// Height of the key to the colours.
const KEY: f32 = 72.0;

impl Reverse {
    /// The controls beneath title, hint and formula.
    pub(super) fn controls(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        rows::line_by_line_row(ui, "Algorithm 2", Door::Sampling, desk);
        self.run_rows(ui, desk);
        self.progress_row(ui, desk);
        ui.separator();
        self.scrub_rows(ui, desk);
        ui.separator();
        ui.add_enabled_ui(!desk.one_canvas, |ui| {
            row::named(
                ui,
                "Colour",
                "By where each particle began, or all alike",
                palette,
                |ui| {
                    segmented::choose(
                        ui,
                        "Colour",
                        &mut self.show.by_origin,
                        &[(true, "Origin"), (false, "Plain")],
                        palette,
                    );
                },
            );
        });
        let tip = "The exact density of x_t, which the cloud should have";
        rows::behind_row(ui, tip, &mut self.show.density, palette);
        if desk.one_canvas {
            text::note(
                ui,
                "On one canvas A is blue and B vermilion, whatever the colour chosen.",
                palette,
            );
        } else if self.show.by_origin {
            origin_key(ui, palette);
        }
    }

    pub(super) fn run_rows(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        let tip = "Which x̂_0 the chain follows: the network's; the mean E[x_0 | x_t]; or the one true x_0 of each particle, a draw of \
                   the data, as if it were known";
        let options = [
            (Field::Learned, "Learned"),
            (Field::Exact, "Exact"),
            (Field::Given, "True x₀"),
        ];
        row::named(ui, "Field", tip, palette, |ui| {
            let field = self.show.field.get_or_insert(Field::Learned);
            segmented::choose(ui, "Field", field, &options, palette);
        });
        self.sampler_rows(ui, desk);
        // The exact x̂_0 is no network's, whose errors grow.
        if self.show.field == Some(Field::Learned) {
            sampler::clip_warning(ui, desk);
        }
        let tip = "Particles of the cloud; the first ones stay the same when their number changes";
        let track = Track::logarithmic(PARTICLES[0]..=PARTICLES[1]);
        row::slider(
            ui,
            ["Particles", tip],
            &mut self.show.particles,
            track,
            grouped,
            palette,
        );
        let tip = "While training runs, run the chain again and again from the same noise";
        rows::follow_row(ui, tip, &mut self.show.follow, desk);
    }

    /// The sampler that is looked at; of two experiments, each one's own.
    fn sampler_rows(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        if desk.is_split() {
            return sampler::sampler_rows(ui, desk);
        }
        let live = Choice::of(&desk.here.draft);
        let exact = self.field(desk) != Field::Learned;
        let draft = &desk.here.draft;
        let can = |sampler| exact || draft.can_sample_by(sampler);
        let mut shown = self.choice(desk, draft);
        if sampler::choice_rows(ui, &mut shown, draft.plan_context(), &can, palette) {
            self.show.sampler = Some(shown).filter(|shown| *shown != live);
        }
        sampler::cost_note(ui, &desk.here.draft, shown, palette);
        // Always there, so that nothing moves when another is looked at.
        ui.add_enabled_ui(self.show.sampler.is_some(), |ui| {
            let tip = "Let the picture in Training be sampled like this. What was measured of it begins anew";
            let wide = ui.available_width();
            if button::text(ui, "Use for the live picture", tip, wide, palette).clicked() {
                desk.here.draft.sampler = shown.sampler;
                desk.here.draft.sampler_steps = shown.steps;
                desk.here.draft.placement = shown.placement;
                desk.configure(Restart::Keep);
                self.show.sampler = None;
            }
        });
    }

    /// The run under way, or what starts another.
    pub(super) fn progress_row(&mut self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        let share = self.run.progress(desk);
        if share.is_some() {
            ui.ctx().request_repaint_after(LOOK_EVERY);
        }
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 96.0).max(40.0);
            progress::bar(ui, "Progress of the run", width, share, palette);
            if share.is_some() {
                if button::text(
                    ui,
                    "Stop",
                    "End this run; the last one stays on show",
                    88.0,
                    palette,
                )
                .clicked()
                {
                    self.run.stop(desk);
                }
            } else if self.run.is_stopped() {
                if button::text(ui, "Run", "Run the chain after all", 88.0, palette).clicked() {
                    self.run.again();
                }
            } else if button::text(ui, "New noise", "Start from other noise", 88.0, palette)
                .clicked()
            {
                self.show.noise += 1;
            }
        });
    }

    /// The chain's own slider, from noise at the left to data at the right.
    pub(super) fn scrub_rows(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        let times = |v: f64| format!("× {}", fixed(v, 2));
        let track = Track::logarithmic(0.25..=4.0).sign(Sign::Times);
        let tip = "Speed of the clock's play button and of the space bar: × 1 takes six seconds";
        row::slider(
            ui,
            ["Speed", tip],
            &mut self.show.speed,
            track,
            times,
            palette,
        );
        let Some(result) = self.run.shown_as_asked().cloned() else {
            return;
        };
        let taus = &result.recording.taus;
        let at = FrameAt::nearest(taus, desk.here.clock.tau).first;
        let (every, steps) = (
            result.request.every as usize,
            result.request.plan.steps.iter().filter(|s| s.ends_step),
        );
        let last_step = steps.count();
        let step_of = |frame: usize| (frame * every).min(last_step);
        let mut step = step_of(at) as u32;
        let tip =
            "From pure noise (0) to the data, step by step: each is recorded, so scrub both ways";
        let track = Track::linear(0..=last_step.max(1) as u32);
        if row::slider(ui, ["Step", tip], &mut step, track, grouped, palette).changed {
            // The recorded step that is nearest.
            let near = (0..taus.len()).min_by_key(|&frame| step_of(frame).abs_diff(step as usize));
            desk.here.clock.set(taus[near.unwrap_or_default()]);
        }
        ui.separator();
        let ink = palette.ink;
        let shown = format!(
            "{} of {}",
            grouped(step_of(at) as f64),
            grouped(last_step as f64)
        );
        readout::line(
            ui,
            "step on show",
            &shown,
            ink,
            "Steps taken from the noise",
            palette,
        );
        readout::line(
            ui,
            "t / T of the frame",
            &fixed(taus[at], 3),
            ink,
            "The frame nearest to the clock",
            palette,
        );
        let evaluations = result.recording.evaluations(&result.request.plan);
        let evaluations = evaluations.map_or_else(|| "–".to_owned(), |mean| grouped(mean.round()));
        let tip = "How often x̂_0 is evaluated for a particle: N steps take N, of Heun 2N − 1, of RK4 4N − 3; where each particle chooses its \
                   own steps, the mean";
        readout::line(ui, "evaluations", &evaluations, ink, tip, palette);
        let (weights, color) = if result.request.given.is_some() {
            ("x_0, given".to_owned(), palette.truth)
        } else if result.request.exact {
            ("exact field".to_owned(), palette.exact)
        } else {
            (
                format!("step {}", grouped(result.step as f64)),
                palette.learned,
            )
        };
        let tip = format!(
            "Updates that the weights of this run had seen; it took {} s",
            short(result.secs)
        );
        readout::line(ui, "by", &weights, color, &tip, palette);
    }
}

/// The wheel of starts: where a particle began, out to 2.5 standard deviations.
pub(super) fn origin_key(ui: &mut Ui, palette: &Palette) {
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
            let (share, angle) = (
                ring as f32 / RINGS as f32,
                std::f32::consts::TAU * spoke as f32 / SPOKES as f32,
            );
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
    ui.painter().text(
        at,
        egui::Align2::LEFT_CENTER,
        text,
        crate::theme::text_font(13.0),
        palette.weak,
    );
    response.tip(name);
}
