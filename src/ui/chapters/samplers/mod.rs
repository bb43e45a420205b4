//! Samplers: several of them from the same noise, as small multiples, and what each evaluation buys.

mod chains;
mod contest;
mod controls;
mod drawing;
mod sheet;

pub use sheet::SHEET;

use std::sync::Arc;

use egui::{Context, Rect, Ui, UiBuilder, vec2};

use crate::canvas::{Mark, Role, Scene};
use crate::chapters::Page;
use crate::chapters::shared::cloud::cloud_bounds;
use crate::desk::Desk;
use crate::plots::contest::Quantity;
use crate::settings::sampler::pick_symbol;
use crate::widgets::equation::{Equation, Piece};
use crate::widgets::number::fixed;
use chains::Chains;
use contest::Contest;
use lab::entrant::{Entrant, Pick};
use lab::own_sampler::OwnSampler;
use maths::data::bounds::Bounds;
use maths::diffusion::solver::{Placement, Sampler, Variance};
use maths::names::Words;

/// Most samplers at once: as many as have a colour and a canvas.
const MOST: usize = 6;
/// Particles of each chain, and samples of each set that is measured.
const PARTICLES: u32 = 2000;

/// Width from which on two charts stand beside the table.
const ROOM: f32 = 760.0;

/// How the chapter is called.
pub const WORDS: Words = Words {
    name: "samplers",
    title: "Samplers",
    symbol: "Samplers",
    short: "samplers",
    help: "several samplers from the same noise, and what each evaluation buys",
};

/// What the chart counts to the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Against {
    Evaluations,
    Milliseconds,
}

/// How the chapter shows things.
#[derive(Clone)]
pub(super) struct Show {
    /// Chosen when the chapter opens: an untrained network has nothing to show.
    exact: Option<bool>,
    picks: Vec<Pick>,
    /// Where the steps of all lie; `None` where each has them.
    placement: Option<Placement>,
    /// Steps of the chains on the canvases.
    steps: u32,
    /// Counts of steps are doubled up to this one, and measured.
    most_steps: u32,
    against: Against,
    follow: bool,
    noise: u64,
}

impl Default for Show {
    fn default() -> Self {
        Self {
            exact: None,
            picks: [
                Sampler::Ddpm(Variance::BetaTilde),
                Sampler::Ddim { eta: 0.0 },
                Sampler::Heun,
                Sampler::DpmPp2M,
            ]
            .map(Pick::Sampler)
            .to_vec(),
            placement: None,
            steps: 8,
            most_steps: 64,
            against: Against::Evaluations,
            follow: true,
            noise: 0,
        }
    }
}

impl Show {
    fn entrant(&self, pick: &Pick, steps: u32) -> Entrant {
        pick.entrant(steps, self.placement)
    }
}

/// The chapter's state.
#[derive(Default)]
pub struct Samplers {
    pub(super) show: Show,
    pub(super) hand: (),
    chains: Chains,
    contest: Contest,
    /// The table was copied at this second of the window, by this format.
    copied: Option<(f64, &'static str)>,
}

impl Samplers {
    fn exact(&self, desk: &Desk) -> bool {
        self.show.exact.unwrap_or(desk.here.snapshot.step == 0)
    }

    /// The present steps, at most as many as there are timesteps.
    fn steps(&self, desk: &Desk) -> u32 {
        self.show
            .steps
            .clamp(1, desk.here.snapshot.experiment.timesteps)
    }

    /// Let one of the user's own take part: in the place of one of the same name, else beside the others.
    ///
    /// # Errors
    /// Where no more can take part: one sentence.
    pub(super) fn add(&mut self, own: OwnSampler) -> anyhow::Result<()> {
        let picks = &mut self.show.picks;
        let name = own.name().to_owned();
        let namesake = picks.iter_mut().find_map(|pick| match pick {
            Pick::Own(other) if other.name() == name => Some(other),
            _ => None,
        });
        if let Some(place) = namesake {
            anyhow::ensure!(
                place.path() == own.path(),
                "another {name} takes part already, {}; rename one of the files, or take that one away",
                place.path().display()
            );
            // What is the same stays, with all that is known of it.
            if **place != own {
                *place = Arc::new(own);
            }
            return Ok(());
        }
        let own = Pick::Own(Arc::new(own));
        anyhow::ensure!(
            picks.len() < MOST,
            "{name} has no place beside {MOST} samplers; take one away in the chapter Samplers and open it again"
        );
        picks.push(own);
        Ok(())
    }

    /// What is measured: each sampler by each count of steps, ascending; one's own once, where it is made for this model.
    fn measured(&self, desk: &Desk) -> Vec<Entrant> {
        let (experiment, exact) = (&desk.here.snapshot.experiment, self.exact(desk));
        let most = desk.here.snapshot.experiment.timesteps;
        let doubled = std::iter::successors(Some(4), |steps| Some(2 * steps));
        let mut counts: Vec<u32> = doubled
            .take_while(|steps| *steps <= self.show.most_steps.min(most))
            .chain([self.steps(desk)])
            .collect();
        counts.sort_unstable();
        counts.dedup();
        let of = |steps| self.show.picks.iter().map(move |pick| (pick, steps));
        let mut all: Vec<Entrant> = Vec::new();
        for (pick, steps) in counts.into_iter().flat_map(of) {
            let entrant = self.show.entrant(pick, steps);
            if pick.refusal(experiment, exact).is_none() && !all.contains(&entrant) {
                all.push(entrant);
            }
        }
        all.sort_by_key(Entrant::steps);
        all
    }
}

impl Page for Samplers {
    fn hint(&self) -> &'static str {
        "Drag the clock from noise to data: all begin from the same noise. Beneath stands what each evaluation buys."
    }

    fn equation(&self, _desk: &Desk) -> Equation {
        let end = |count| {
            [
                Piece::Var("x"),
                Piece::Sub(vec![Piece::Sign("0")]),
                Piece::Sign("("),
                count,
                Piece::Sign(")"),
            ]
        };
        let mut pieces = vec![Piece::Sign("‖")];
        pieces.extend(end(Piece::Var("N")));
        pieces.push(Piece::Sign(" − "));
        pieces.extend(end(Piece::Sign("∞")));
        pieces.extend([
            Piece::Sign("‖ ≈ "),
            Piece::Var("C"),
            Piece::Sign(" "),
            Piece::Var("N"),
            Piece::Sup(vec![Piece::Sign("−"), Piece::Var("p")]),
        ]);
        Equation {
            pieces,
            spoken: "the distance of the end point by N steps from the end of the flow is about C times N to the minus p, where p is the \
                     order of the sampler",
        }
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        self.controls(ui, desk);
    }

    fn prepare(&mut self, ctx: &Context, desk: &mut Desk) {
        let exact = self.exact(desk);
        self.show.exact = Some(exact);
        desk.here.clock.speed = -1.0;
        self.chains.want(desk, &self.show, exact);
        let measured = self.measured(desk);
        let settings = contest::Settings {
            exact,
            follow: self.show.follow,
            noise: self.show.noise,
        };
        self.contest.go_on(ctx, desk, settings, &measured);
    }

    fn canvases(&self, _desk: &Desk) -> usize {
        self.show.picks.len()
    }

    fn scene(&self, canvas: usize, desk: &Desk) -> Scene {
        if self.refusal(canvas, desk).is_some() {
            return Scene::default();
        }
        let palette = desk.palette();
        let mut scene = Scene {
            outline: desk.here.snapshot.dataset.outline.clone(),
            ..Scene::default()
        };
        let Some(pick) = self.show.picks.get(canvas) else {
            return scene;
        };
        let color = if desk.one_canvas {
            palette.learned
        } else {
            drawing::color(palette, canvas)
        };
        let Some(result) = self.chains.shown(canvas) else {
            return scene;
        };
        let role = if result.request.exact {
            Role::Other
        } else {
            Role::Learned
        };
        scene.push(role, drawing::layer(canvas, result, desk, color));
        let title = pick_symbol(pick);
        let of = desk.here.update_of(result);
        scene.name(role, Mark::Dot, color, format!("{title}{of}"));
        let entrant = self.show.entrant(pick, self.steps(desk));
        if let Some((found, floor)) = self.contest.found(&entrant).zip(self.contest.floor()) {
            let floors = fixed(found.scored.distance.value / floor.value, 2);
            scene.name(
                role,
                Mark::Letter,
                palette.weak,
                format!("W₂ {floors} floors"),
            );
        }
        scene
    }

    fn waiting(&self) -> &'static str {
        "the chains are being run"
    }

    fn refusal(&self, canvas: usize, desk: &Desk) -> Option<String> {
        let pick = self.show.picks.get(canvas)?;
        pick.refusal(&desk.here.snapshot.experiment, self.exact(desk))
    }

    fn home(&self, desk: &Desk) -> Bounds {
        cloud_bounds(desk)
    }

    fn density_tau(&self, _desk: &Desk) -> Option<f64> {
        None
    }

    fn generates(&self) -> bool {
        true
    }

    fn plots_height(&self, available: f32) -> f32 {
        (0.42 * available).max(180.0)
    }

    fn plots_ui(&mut self, ui: &mut Ui, desk: &mut Desk, twin: Option<&mut Self>) {
        let rect = ui.max_rect();
        let Some(twin) = twin else {
            return self.plots_of_one(ui, rect, desk);
        };
        // A at the left, whichever side's settings are on show.
        let side = desk.side();
        let (left, right) = rect.split_left_right_at_fraction(0.5);
        let pages = if side == lab::message::Side::A {
            [self, twin]
        } else {
            [twin, self]
        };
        for ((page, place), of) in pages
            .into_iter()
            .zip([left, right])
            .zip(lab::message::Side::BOTH)
        {
            desk.turn_to(of);
            let builder = UiBuilder::new().max_rect(place).id_salt(of.letter());
            let mut child = ui.new_child(builder);
            child.set_clip_rect(place.intersect(ui.clip_rect()));
            page.plots_of_one(&mut child, place, desk);
        }
        desk.turn_to(side);
    }

    fn leave(&mut self, desk: &mut Desk) {
        self.chains.leave(desk);
        self.contest.leave(desk);
        desk.here.clock.speed = 1.0;
    }

    fn try_it(&mut self, index: usize, desk: &mut Desk) {
        match index {
            0 => {
                desk.here.clock.set(1.0);
                desk.here.clock.toggle();
            }
            1 => {
                self.show.steps = 4;
                desk.here.clock.set(0.0);
            }
            _ => {
                self.show.exact = Some(true);
                desk.here.clock.set(0.0);
            }
        }
    }

    fn is_tried(&self, index: usize, desk: &Desk) -> bool {
        let at_the_end = desk.here.clock.tau <= 0.001;
        at_the_end
            && match index {
                0 => true,
                1 => self.show.steps <= 4,
                _ => self.show.exact == Some(true),
            }
    }

    fn show_learned(&mut self) {
        self.show.exact = Some(false);
    }

    fn is_busy(&self) -> bool {
        self.contest.is_busy()
    }
}

impl Samplers {
    /// The charts and the table of one experiment.
    fn plots_of_one(&mut self, ui: &mut Ui, rect: Rect, desk: &Desk) {
        let split = desk.is_split();
        let narrow = split || rect.width() < ROOM;
        let table = if narrow { 0.5 } else { 0.44 };
        let width = rect.width() * (1.0 - table);
        let charts: &[Quantity] = if narrow {
            &[Quantity::Distance]
        } else {
            &[Quantity::Distance, Quantity::Surprise]
        };
        let each = width / charts.len() as f32;
        for (index, quantity) in charts.iter().enumerate() {
            let corner = rect.min + vec2(each * index as f32, 0.0);
            let place = Rect::from_min_size(corner, vec2(each, rect.height()));
            self.chart_ui(ui, place, *quantity, desk);
        }
        let place = Rect::from_min_max(rect.min + vec2(width, 0.0), rect.max);
        self.table_ui(ui, place, desk);
    }
}
