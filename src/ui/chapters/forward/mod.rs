//! Forward: from the data to noise, in one jump, step by step, or without shrinking the mean.

pub mod chain;
mod controls;
pub mod margins;
pub mod noising;
mod particles;
pub mod plots;
mod sheet;
mod way;

pub use sheet::SHEET;

use std::sync::Arc;

use egui::{Context, Rect, Response, Stroke, Ui, UiBuilder, vec2};

use crate::canvas::device::Dots;
use crate::canvas::paint::Layer;
use crate::canvas::{Mark, Role, Scene, View};
use crate::chapters::Page;
use crate::chapters::forward::chain::Chain;
use crate::chapters::forward::plots::{entropy_ui, scales_ui, variance_ui};
use crate::chapters::forward::way::Way;
use crate::chapters::shared::cloud::{ForwardCloud, cloud_bounds, prior_name};
use crate::desk::Desk;
use crate::desk::background::Background;
use crate::equations;
use crate::theme::time_color;
use crate::truths;
use crate::widgets::equation::Equation;
use crate::widgets::number::{fixed, grouped};
use engine::Cloud;
use maths::data::bounds::Bounds;
use maths::data::mixture::Mixture;
use maths::diffusion::schedule::Schedule;
use maths::names::Words;

/// Most particles.
const MOST: u32 = 100_000;
/// Most particles of the chain, all of whose steps are kept.
const MOST_CHAIN: u32 = 2000;
/// Points of the entropy's curve, and draws at each.
const ENTROPY_TIMES: usize = 48;
const ENTROPY_DRAWS: usize = 1024;
/// How near a click must be to take a particle, in points.
const REACH: f32 = 24.0;
/// Pieces of a trail, each of one colour.
const TRAIL_PIECES: usize = 64;

/// How the chapter is called.
pub const WORDS: Words = Words {
    name: "forward",
    title: "Forward",
    symbol: "Forward",
    short: "forward",
    help: "from data to noise, in one jump or step by step",
};

/// How the chapter shows things.
#[derive(Clone, Copy)]
pub(super) struct Show {
    way: Way,
    /// The schedule that is looked at; `None` for that of the experiment.
    schedule: Option<Schedule>,
    count: u32,
    density: bool,
    histograms: bool,
}

impl Default for Show {
    fn default() -> Self {
        Self {
            way: Way::Jump,
            schedule: None,
            count: 4000,
            density: true,
            histograms: true,
        }
    }
}

/// What a click chose.
#[derive(Clone, Copy)]
pub(super) struct Hand {
    /// The particle whose trail is shown.
    chosen: Option<u32>,
}

impl Default for Hand {
    fn default() -> Self {
        Self { chosen: Some(0) }
    }
}

/// The chapter's state.
#[derive(Default)]
pub struct Forward {
    pub(super) show: Show,
    pub(super) hand: Hand,
    cloud: ForwardCloud,
    chain: Background<ChainKey, Chain>,
    trail: Option<(ChainKey, u32, Vec<[f32; 2]>)>,
    entropy: Background<EntropyKey, Vec<[f64; 2]>>,
}

/// What the chain follows from.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ChainKey {
    particles: u64,
    count: u32,
    schedule: Schedule,
    timesteps: u32,
    seed: u64,
}

/// What the entropy follows from.
struct EntropyKey {
    mixture: Arc<Mixture>,
    schedule: Schedule,
    timesteps: u32,
}

impl PartialEq for EntropyKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.mixture, &other.mixture)
            && (self.schedule, self.timesteps) == (other.schedule, other.timesteps)
    }
}

impl Forward {
    /// Look at the chosen schedule. Two experiments show the schedules that they train by.
    fn look(&self, desk: &mut Desk) {
        desk.here.viewed = self.show.schedule.filter(|_| !desk.is_split());
    }

    /// The timestep at the clock.
    fn t(desk: &Desk) -> u32 {
        (desk.here.clock.tau * f64::from(desk.here.draft.timesteps)).round() as u32
    }

    /// The entropy along the experiment's schedule, as far as it is known.
    fn entropy(&self) -> Vec<[f64; 2]> {
        self.entropy
            .value()
            .map_or_else(Vec::new, |points| points.to_vec())
    }

    fn dots(color: egui::Color32, count: u32) -> Dots {
        // More particles, fainter: the cloud keeps its depth.
        let strength = (60.0 / (count as f32).sqrt()).clamp(0.25, 0.9);
        Dots {
            color: color.gamma_multiply(strength),
            radius: if count > 20_000 { 1.0 } else { 1.5 },
        }
    }

    /// The colour of a canvas's particles. In a split each side keeps its own on both: the other's would be taken for that side.
    fn base(desk: &Desk, canvas: usize) -> egui::Color32 {
        let palette = desk.palette();
        if canvas == 0 || desk.is_split() {
            palette.learned
        } else {
            palette.other
        }
    }
}

impl Page for Forward {
    fn hint(&self) -> &'static str {
        match self.show.way {
            Way::Jump => {
                "Drag the clock: one jump to any t, and each particle keeps its own ε. Click one for its trail."
            }
            Way::Chain => {
                "Step by step with fresh noise: every trail is ragged, yet the cloud is that of the jump."
            }
            Way::Growing => {
                "Drag to noise: unless the signal shrinks, the variance grows without bound. Same points, same ε."
            }
            Way::Rootless => {
                "Drag to the middle: without the roots the cloud collapses before it is noise. Same points, same ε."
            }
        }
    }

    fn equation(&self, desk: &Desk) -> Equation {
        match self.show.way {
            Way::Jump => equations::jump(desk.here.schedule()),
            Way::Chain => equations::step(desk.here.schedule()),
            Way::Growing => equations::growing(desk.here.schedule()),
            Way::Rootless => equations::rootless(desk.here.schedule()),
        }
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        self.controls(ui, desk);
    }

    fn prepare(&mut self, ctx: &Context, desk: &mut Desk) {
        self.look(desk);
        self.compute(ctx, desk);
    }

    fn canvases(&self, _desk: &Desk) -> usize {
        if self.show.way.is_beside() { 2 } else { 1 }
    }

    fn take_hand(&mut self, _ui: &Ui, view: &View, response: &Response, desk: &mut Desk) {
        if response.clicked()
            && let Some(pointer) = response.interact_pointer_pos()
        {
            let points = self.points(desk, view.index);
            let distance = |p: [f32; 2]| view.camera.to_screen(view.rect, p).distance(pointer);
            let nearest = points
                .iter()
                .map(distance)
                .zip(0_u32..)
                .min_by(|a, b| a.0.total_cmp(&b.0));
            self.hand.chosen = nearest
                .filter(|(away, _)| *away <= REACH)
                .map(|(_, index)| index);
        }
    }

    fn scene(&self, canvas: usize, desk: &Desk) -> Scene {
        let palette = desk.palette();
        let mut scene = Scene {
            outline: desk.here.snapshot.dataset.outline.clone(),
            ..Scene::default()
        };
        let density = self.density_tau(desk).is_some() && canvas == 0;
        if density {
            truths::draw_density(&mut scene, desk);
        }
        let base = Self::base(desk, canvas);
        // A cloud fades into noise; two that are compared keep their colours.
        let faded = if self.show.way.is_beside() {
            0.0
        } else {
            desk.here.clock.tau as f32
        };
        let color = base.lerp_to_gamma(palette.noise, faded);
        if self.show.way == Way::Chain {
            let count = self.show.count.min(MOST_CHAIN);
            if let Some(chain) = self.chain.value() {
                let (frame, points) = chain.at(Self::t(desk));
                let layer = Layer::Points {
                    key: "chain",
                    cloud: Cloud::Host(points),
                    version: self.chain.version() * 65_536 + frame as u64,
                    dots: Self::dots(color, count),
                };
                scene.push(Role::Other, layer);
            }
            let at_t = format!(
                "{} particles after {} steps",
                grouped(f64::from(count)),
                grouped(f64::from(Self::t(desk)))
            );
            scene.name(Role::Other, Mark::Dot, color, at_t);
        } else {
            let layer = Layer::Noised {
                key: "particles",
                particles: self.cloud.particles(),
                scales: self.scales(desk, canvas, desk.here.clock.tau),
                dots: Self::dots(color, self.show.count),
            };
            scene.push(Role::Other, layer);
            let what = match (self.show.way, canvas) {
                (Way::Growing | Way::Rootless, 0) => {
                    let schedule = desk.here.schedule();
                    format!(
                        "{}, {}",
                        schedule.words().title,
                        equations::shrinking(schedule)
                    )
                }
                (Way::Growing, _) => "noise only added".into(),
                (Way::Rootless, _) => "without roots".into(),
                _ => format!("particles at t = {}", fixed(desk.here.clock.tau, 2)),
            };
            scene.name(Role::Other, Mark::Dot, color, what);
        }
        if !self.show.way.is_beside() {
            scene.name(Role::Other, Mark::Dashes, palette.outline, "data");
        }
        if density {
            truths::name_density(&mut scene, desk);
        }
        if self.show.histograms && !self.show.way.is_beside() {
            scene.name(Role::Other, Mark::Line, palette.weak, prior_name(desk, "1"));
        }
        scene
    }

    fn overlay_ui(&self, ui: &mut Ui, view: &View, desk: &Desk) {
        let palette = desk.palette();
        if self.show.histograms {
            let base = Self::base(desk, view.index);
            let std = desk.here.schedule().prior_std(desk.here.draft.timesteps) as f32;
            let points = self.points(desk, view.index);
            margins::paint(
                ui.painter(),
                view.rect,
                &view.camera,
                &|| points.iter(),
                base,
                std,
                palette,
            );
        }
        let trail = self.trail(desk, view.index);
        let painter = ui.painter_at(view.rect);
        let on_screen: Vec<_> = trail
            .iter()
            .map(|&p| view.camera.to_screen(view.rect, p))
            .collect();
        // The colours of time are dark at one end and bright at the other: a seam keeps them apart from the ground.
        painter.line(
            on_screen.clone(),
            Stroke::new(3.4, palette.data.gamma_multiply(0.55)),
        );
        let piece = on_screen.len().div_ceil(TRAIL_PIECES).max(1);
        for start in (0..on_screen.len().saturating_sub(1)).step_by(piece) {
            let end = (start + piece).min(on_screen.len() - 1);
            // Coloured by time: the trail ends at the clock.
            let tau = desk.here.clock.tau as f32 * start as f32 / on_screen.len() as f32;
            let color = time_color(tau);
            painter.line(on_screen[start..=end].to_vec(), Stroke::new(2.0, color));
        }
        if let (Some(&first), Some(&last)) = (on_screen.first(), on_screen.last()) {
            painter.circle(first, 3.5, palette.data, (1.0, palette.canvas));
            painter.circle(
                last,
                5.0,
                time_color(desk.here.clock.tau as f32),
                (1.5, palette.ink),
            );
        }
    }

    fn home(&self, desk: &Desk) -> Bounds {
        // For noise that is only added, two and a half times as far.
        let far = if self.show.way == Way::Growing {
            2.5
        } else {
            1.0
        };
        cloud_bounds(desk).scaled(far)
    }

    fn density_tau(&self, desk: &Desk) -> Option<f64> {
        self.show.density.then_some(desk.here.clock.tau)
    }

    fn plots_height(&self, available: f32) -> f32 {
        (0.27 * available).clamp(120.0, 320.0)
    }

    fn plots_ui(&mut self, ui: &mut Ui, desk: &mut Desk, twin: Option<&mut Self>) {
        let rect = ui.max_rect();
        let third = rect.width() / 3.0;
        let way = self.show.way;
        let mut entropies = vec![(desk.side(), self.entropy())];
        entropies.extend(twin.map(|twin| (desk.side().other(), twin.entropy())));
        entropies.sort_by_key(|(side, _)| *side);
        let entropies: Vec<_> = entropies.into_iter().map(|(_, points)| points).collect();
        for index in 0..3 {
            let place = Rect::from_min_size(
                rect.min + vec2(third * index as f32, 0.0),
                vec2(third, rect.height()),
            );
            let mut child =
                ui.new_child(UiBuilder::new().max_rect(place).id_salt(("chart", index)));
            match index {
                0 => scales_ui(&mut child, place, desk),
                1 => variance_ui(&mut child, place, desk, way),
                _ => entropy_ui(&mut child, place, desk, &entropies),
            }
        }
    }

    fn is_busy(&self) -> bool {
        self.entropy.is_busy() || self.chain.is_busy()
    }

    fn leave(&mut self, desk: &mut Desk) {
        desk.here.viewed = None;
    }

    fn try_it(&mut self, index: usize, desk: &mut Desk) {
        let (way, tau) =
            [(Way::Jump, 0.0), (Way::Growing, 1.0), (Way::Rootless, 0.5)][index.min(2)];
        self.show.way = way;
        desk.here.clock.set(tau);
        if index == 0 {
            desk.here.clock.toggle();
        }
    }

    fn is_tried(&self, index: usize, desk: &Desk) -> bool {
        let tau = desk.here.clock.tau;
        match index {
            0 => tau >= 0.999,
            1 => self.show.way == Way::Growing && tau > 0.9,
            _ => self.show.way == Way::Rootless && (0.3..=0.7).contains(&tau),
        }
    }
}
