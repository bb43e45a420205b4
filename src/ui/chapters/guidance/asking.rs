//! What the chapter has run and computed: the guided chain, the network's answers at the point, the density behind.

use std::sync::Arc;

use egui::Context;

use super::{Behind, Guidance, Of, PARTICLES, density_bounds};
use crate::chapters::shared::chain::{Chain, ChainWish, Field};
use crate::chapters::shared::field_time::field_tau;
use crate::desk::Desk;
use engine::GuideKind;
use lab::choice::Choice;
use lab::message::{DensityField, DensityView, RunRequest};
use maths::data::bounds::Bounds;
use maths::diffusion::schedule::Scales;
use maths::diffusion::solver::Plan;
use maths::diffusion::target::Quantity;
use maths::diffusion::tilted::Tilted;

/// Cells a side of the density behind.
const CELLS: u32 = 160;

/// What a density behind the cloud is of.
#[derive(Clone, PartialEq)]
pub(super) struct DensityOf {
    data: Of,
    label: u32,
    weight: f64,
    scales: Scales,
    bounds: Bounds,
}

impl Guidance {
    /// The chain by this weight, to be drawn or to be measured.
    pub(super) fn wish(&self, desk: &Desk, weight: f64, follow: bool) -> Option<ChainWish> {
        let snapshot = &desk.here.snapshot;
        let led = self.led(desk, weight, self.lead.log_snr())?;
        let chain = Chain {
            entrant: Choice::of(&snapshot.experiment).into(),
            particles: PARTICLES,
            field: Field::exact(self.exact(desk)),
            follow,
            noise: self.show.noise,
        };
        Some(ChainWish::new(desk, chain).guided(led))
    }

    /// Ask for what is shown and not there yet.
    pub(super) fn ask(&mut self, ctx: &Context, desk: &Desk) {
        match self.wish(desk, self.lead.weight, self.show.follow) {
            Some(wish) => self.chain.want(desk, wish.clone(), || wish.request()),
            None => self.chain.end(desk),
        }
        self.ask_at_point(desk);
        self.follow_density(ctx, desk);
        self.follow_weights(ctx, desk);
    }

    fn ask_at_point(&mut self, desk: &Desk) {
        let snapshot = &desk.here.snapshot;
        let point = self.hand.at().map(|c| c as f32);
        let plan = Plan::field(
            snapshot.experiment.plan_context(),
            field_tau(desk),
            Quantity::X0,
        );
        let (asks, exact) = (!self.in_closed_form(desk), self.exact(desk));
        for (which, weight) in [0.0, 1.0].into_iter().enumerate() {
            let led = self.led(desk, weight, engine::Guidance::EVERYWHERE);
            let slot = &mut self.at_point[which];
            let Some(led) = led.filter(|_| asks) else {
                slot.end(desk);
                continue;
            };
            let key = (plan.clone(), point, led.clone());
            slot.want_patiently(desk, key, || RunRequest {
                guidance: Some(led),
                ..RunRequest::at(Arc::new(vec![point]), plan.clone(), exact)
            });
        }
    }

    /// Compute the density behind, where it is not there yet.
    fn follow_density(&mut self, ctx: &Context, desk: &Desk) {
        let Some(of) = self.density_of(desk) else {
            self.behind = None;
            return;
        };
        let dataset = desk.here.snapshot.dataset.clone();
        let key = of.clone();
        self.density.follow(ctx, key, move || {
            let labels = dataset.labels.as_ref();
            let class = labels.and_then(|labels| labels.mixture_of(&dataset.mixture, of.label));
            let tilted =
                class.map(|class| Tilted::new(&dataset.mixture, &class, of.weight, of.scales));
            tilted.map_or_else(Vec::new, |tilted| tilted.on_grid(of.bounds, CELLS))
        });
        let Some(log_p) = self.density.value() else {
            // While the clock moves the last one stays; one of another class or of other data does not.
            let own = |of: &DensityOf| (of.data.clone(), of.label, of.weight);
            let now = self.density_of(desk).as_ref().map(own);
            self.behind = self
                .behind
                .take()
                .filter(|(of, _)| now.as_ref() == Some(&own(of)));
            return;
        };
        if let Some(of) = self.density_of(desk) {
            let field = DensityField {
                view: DensityView {
                    scales: of.scales,
                    bounds: of.bounds,
                    resolution: CELLS,
                },
                log_p,
                version: self.density.version(),
            };
            self.behind = Some((of, field));
        }
    }

    fn density_of(&self, desk: &Desk) -> Option<DensityOf> {
        let label = self.asked_class(desk)?;
        let weight = match self.show.behind {
            Behind::None => return None,
            Behind::Class => 1.0,
            // What leads away from a weak model tilts nothing.
            Behind::Tilted if self.lead.kind == GuideKind::Model => 1.0,
            Behind::Tilted => {
                let led = self.led(desk, self.lead.weight, self.lead.log_snr())?;
                led.weight_at(desk.here.scales())
            }
        };
        Some(DensityOf {
            data: Of(desk.here.snapshot.dataset.clone()),
            label,
            weight,
            scales: desk.here.scales(),
            bounds: density_bounds(desk),
        })
    }
}
