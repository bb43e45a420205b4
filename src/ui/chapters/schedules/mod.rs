//! Schedules: two ways from data to noise side by side, with the same points and the same noise.

mod charts;
mod controls;
mod sheet;

pub use sheet::SHEET;

use egui::{Color32, Context, Rect, Ui, UiBuilder, vec2};

use crate::canvas::device::Dots;
use crate::canvas::paint::Layer;
use crate::canvas::{Mark, Role, Scene};
use crate::chapters::Page;
use crate::chapters::shared::cloud::ForwardCloud;
use crate::desk::Desk;
use crate::desk::side_state::SideState;
use crate::equations;
use crate::widgets::equation::Equation;
use crate::widgets::number::{fixed, short};
use lab::message::Side;
use maths::data::bounds::Bounds;
use maths::diffusion::schedule::{Scales, Schedule};
use maths::diffusion::solver::{Transition, drift_and_diffusion};
use maths::names::Words;

/// Points of each cloud.
const COUNT: u32 = 2000;
/// Points of a curve.
const CURVE: usize = 240;
/// What the two are called: by the experiments while the lab is split, else by where they stand.
fn sides(desk: &Desk) -> [&'static str; 2] {
    if desk.is_split() {
        ["A", "B"]
    } else {
        ["Left", "Right"]
    }
}

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
    middle: Middle,
}

/// What the middle chart shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Middle {
    /// Variance of the noise of one step.
    Step,
    /// −f of the SDE dx = f x dt + g dw, for t/T from 0 to 1.
    Drift,
    /// g² of it.
    Diffusion,
}

impl Default for Show {
    fn default() -> Self {
        Self {
            sides: [Schedule::Linear, Schedule::Cosine],
            timesteps: 1000,
            middle: Middle::Step,
        }
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

/// A schedule with its number of timesteps.
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
        Numbers {
            alpha_bar: scales.a.powi(2),
            noise: self.noise_of_step(self.step()),
            log_snr: scales.snr().ln(),
        }
    }

    /// Variance of the noise that the step from t − 1 to t adds: σ²_{t|t−1}, which is β_t where variance is preserved.
    fn noise_of_step(self, t: u32) -> f64 {
        let scales = |t: u32| self.scales(f64::from(t) / f64::from(self.timesteps));
        Transition::between(scales(t), scales(t - 1)).variance
    }

    /// −f and g² of the SDE dx = f x dt + g dw over the step from t − 1 to t, on average, with time t/T (Song et al. 2021, eq. 5).
    fn drift_and_diffusion(self, t: u32) -> [f64; 2] {
        let steps = f64::from(self.timesteps);
        let scales = |t: u32| self.scales(f64::from(t) / steps);
        let (drift, diffusion) = drift_and_diffusion(self.schedule, scales(t), scales(t - 1));
        [steps * drift, steps * diffusion]
    }

    /// What the middle chart shows of the step from t − 1 to t.
    fn of_step(self, what: Middle, t: u32) -> f64 {
        match what {
            Middle::Step => self.noise_of_step(t),
            Middle::Drift => self.drift_and_diffusion(t)[0],
            Middle::Diffusion => self.drift_and_diffusion(t)[1],
        }
    }

    /// The step at the clock: to the nearest whole timestep, at least the first.
    fn step(self) -> u32 {
        ((self.tau * f64::from(self.timesteps)).round() as u32).clamp(1, self.timesteps)
    }
}

impl Schedules {
    /// The two schedules: of the two experiments, or those of the chapter's own while there is one experiment.
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
            Way {
                schedule,
                timesteps: self.show.timesteps,
                tau: desk.here.clock.tau,
            }
        })
    }

    fn scene_of(&self, side: usize, desk: &Desk) -> Scene {
        let Way { schedule, .. } = self.ways(desk)[side];
        let scales = self.ways(desk)[side].scales(desk.here.clock.tau);
        let color = colors(desk)[side];
        // The split window has named the side already.
        let side = if desk.is_split() {
            String::new()
        } else {
            format!("{}  ", sides(desk)[side])
        };
        let name = format!(
            "{side}{}   ᾱ = {}",
            schedule.words().title,
            fixed(scales.a.powi(2), 3)
        );
        let mut scene = Scene {
            outline: desk.here.snapshot.dataset.outline.clone(),
            ..Scene::default()
        };
        let layer = Layer::Noised {
            key: "schedule particles",
            particles: self.cloud.particles(),
            scales,
            dots: Dots {
                color: color.gamma_multiply(0.8),
                radius: 1.6,
            },
        };
        scene.push(Role::Other, layer);
        scene.name(Role::Other, Mark::Dot, color, name);
        scene
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
    if beta >= 1e-3 {
        fixed(beta, 4)
    } else {
        short(beta)
    }
}

/// A blue, B vermilion.
fn colors(desk: &Desk) -> [Color32; 2] {
    Side::BOTH.map(|side| desk.color(side))
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

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        self.controls(ui, desk);
    }

    fn prepare(&mut self, _ctx: &Context, desk: &mut Desk) {
        let schedules = self.ways(desk).map(|way| way.schedule);
        self.cloud.draw(desk, COUNT);
        self.opening =
            schedules.contains(&Schedule::Linear) && schedules.contains(&Schedule::Cosine);
    }

    fn equation(&self, desk: &Desk) -> Equation {
        equations::jump(self.ways(desk)[desk.side().index()].schedule)
    }

    fn equations(&self, desk: &Desk) -> Vec<(Option<(Side, String)>, Equation)> {
        let named = |(side, way): (Side, Way)| {
            let name = way.schedule.words().title;
            let name = if desk.is_split() {
                format!("{} {name}", side.letter())
            } else {
                name.to_owned()
            };
            (Some((side, name)), equations::jump(way.schedule))
        };
        std::iter::zip(Side::BOTH, self.ways(desk))
            .map(named)
            .collect()
    }

    fn canvases(&self, desk: &Desk) -> usize {
        if desk.is_split() { 1 } else { 2 }
    }

    fn scene(&self, canvas: usize, desk: &Desk) -> Scene {
        // In a split the second is that of the other side.
        self.scene_of(desk.side().index() + canvas, desk)
    }

    fn home(&self, _desk: &Desk) -> Bounds {
        Bounds {
            min: [-2.6, -2.3],
            max: [2.6, 2.3],
        }
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
        for (index, draw) in [Self::alpha_bar_ui, Self::middle_ui, Self::log_snr_ui]
            .into_iter()
            .enumerate()
        {
            let place = Rect::from_min_size(
                rect.min + vec2(third * index as f32, 0.0),
                vec2(third, rect.height()),
            );
            let mut child =
                ui.new_child(UiBuilder::new().max_rect(place).id_salt(("chart", index)));
            draw(self, &mut child, place, desk);
        }
    }

    fn try_it(&mut self, index: usize, desk: &mut Desk) {
        if index == 0 {
            self.show = Show::default();
            desk.here.clock.set(0.2);
        } else {
            self.show.sides = [Schedule::Literal, Schedule::Linear];
            self.show.timesteps = 50;
            desk.here.clock.set(1.0);
        }
    }

    fn is_tried(&self, index: usize, desk: &Desk) -> bool {
        let ways = self.ways(desk);
        if index == 0 {
            (desk.here.clock.tau - 0.2).abs() < 1e-6
                && ways.map(|way| way.schedule) == [Schedule::Linear, Schedule::Cosine]
        } else {
            ways.iter()
                .any(|way| way.schedule.leftover_signal(way.timesteps).is_some())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half of β and β of Song et al. 2021, eq. 11, for the linear schedule; 1/(1 − t) and 2t/(1 − t) for flow (Lipman et al. 2023, by
    /// f = a′/a and g² = 2 s s′ − 2 f s²); no drift where variance explodes.
    #[test]
    fn drift_and_diffusion_are_those_of_the_papers() {
        for t in [1, 300, 777, 990] {
            let of = |schedule| Way {
                schedule,
                timesteps: 1000,
                tau: 0.0,
            };
            // A step stands for its middle.
            let tau = (f64::from(t) - 0.5) / 1000.0;
            let near = |found: [f64; 2], expected: [f64; 2]| {
                let away = std::iter::zip(found, expected).map(|(a, b)| (a - b).abs() / (1.0 + b));
                assert!(
                    away.fold(0.0, f64::max) < 5e-3,
                    "{t}: {found:?} {expected:?}"
                );
            };
            let beta = 0.1 + 19.9 * tau;
            near(
                of(Schedule::Linear).drift_and_diffusion(t),
                [0.5 * beta, beta],
            );
            near(
                of(Schedule::Flow).drift_and_diffusion(t),
                [1.0 / (1.0 - tau), 2.0 * tau / (1.0 - tau)],
            );
            assert_eq!(of(Schedule::Ve).drift_and_diffusion(t)[0], 0.0);
        }
    }
}
