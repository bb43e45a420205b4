//! Where the particles are, how one came there, and what is computed in the background for both.

use super::{
    ChainKey, ENTROPY_DRAWS, ENTROPY_TIMES, EntropyKey, Forward, MOST_CHAIN, TRAIL_PIECES, Way,
};
use crate::canvas::points::Particles;
use crate::chapters::forward::chain::{Chain, Steps};
use crate::chapters::forward::noising::{growing_scales, squared, summed_noise};
use crate::chapters::shared::cloud::{Points, noised};
use crate::desk::Desk;
use crate::widgets::chart::times;
use egui::Context;
use maths::diffusion::schedule::Scales;
use maths::measure::entropy::differential_entropy;

impl Forward {
    /// (a, s) of a canvas at t/T.
    pub(super) fn scales(&self, desk: &Desk, canvas: usize, tau: f64) -> Scales {
        let timesteps = desk.here.draft.timesteps;
        match (self.show.way, canvas) {
            (Way::Growing, 1) => {
                growing_scales(&summed_noise(desk.here.schedule(), timesteps), tau)
            }
            (Way::Rootless, 1) => squared(desk.here.scales_at(tau)),
            _ => desk.here.scales_at(tau),
        }
    }

    pub(super) fn chain_key(&self, desk: &Desk, particles: &Particles) -> ChainKey {
        ChainKey {
            particles: particles.version,
            count: self.show.count.min(MOST_CHAIN),
            schedule: desk.here.schedule(),
            timesteps: desk.here.draft.timesteps,
            seed: desk.here.snapshot.experiment.seed,
        }
    }

    pub(super) fn compute(&mut self, ctx: &Context, desk: &Desk) {
        let particles = self.cloud.draw(desk, self.show.count);
        let (mixture, schedule, timesteps) = (
            desk.here.snapshot.dataset.mixture.clone(),
            desk.here.schedule(),
            desk.here.draft.timesteps,
        );
        let key = EntropyKey {
            mixture: mixture.clone(),
            schedule,
            timesteps,
        };
        self.entropy.follow(ctx, key, move || {
            let at = |tau: f64| {
                // The same draws at every time: their error does not look like a wiggle.
                let entropy = differential_entropy(
                    &mixture,
                    schedule.scales(tau, timesteps),
                    ENTROPY_DRAWS,
                    1,
                );
                [tau, entropy.nats]
            };
            times(ENTROPY_TIMES).map(at).collect()
        });
        if self.show.way == Way::Chain {
            let key = self.chain_key(desk, &particles);
            let start = self
                .hand
                .chosen
                .and_then(|index| Some((index, *particles.x_0.get(index as usize)?)));
            self.chain.follow(ctx, key, move || {
                let steps = Steps::new(key.schedule, key.timesteps, key.seed);
                Chain::new(&particles.x_0[..key.count as usize], &steps)
            });
            if let Some((index, start)) = start
                && self
                    .trail
                    .as_ref()
                    .is_none_or(|(of, i, _)| (of, *i) != (&key, index))
            {
                let trail = Steps::new(key.schedule, key.timesteps, key.seed)
                    .walk(start, index)
                    .collect();
                self.trail = Some((key, index, trail));
            }
        }
    }

    /// All particles of a canvas at the clock.
    pub(super) fn points(&self, desk: &Desk, canvas: usize) -> Points {
        if self.show.way == Way::Chain {
            let frame = self.chain.value().map(|chain| chain.at(Self::t(desk)).1);
            return Points::Given(frame.unwrap_or_default());
        }
        Points::Noised(
            self.cloud.particles(),
            self.scales(desk, canvas, desk.here.clock.tau),
        )
    }

    /// The way of the chosen particle up to the clock, from the data on.
    pub(super) fn trail(&self, desk: &Desk, canvas: usize) -> Vec<[f32; 2]> {
        let Some(index) = self.hand.chosen else {
            return Vec::new();
        };
        if self.show.way == Way::Chain {
            let t = Self::t(desk) as usize;
            return self.trail.as_ref().map_or(Vec::new(), |(_, _, trail)| {
                trail[..trail.len().min(t + 1)].to_vec()
            });
        }
        let particles = self.cloud.particles();
        let index = index as usize;
        if index >= particles.x_0.len() {
            return Vec::new();
        }
        let (tau, timesteps) = (desk.here.clock.tau, desk.here.draft.timesteps);
        let at = |i: usize| tau * i as f64 / TRAIL_PIECES as f64;
        if self.show.way == Way::Growing && canvas == 1 {
            let sums = summed_noise(desk.here.schedule(), timesteps);
            return (0..=TRAIL_PIECES)
                .map(|i| noised(&particles, index, growing_scales(&sums, at(i))))
                .collect();
        }
        (0..=TRAIL_PIECES)
            .map(|i| noised(&particles, index, self.scales(desk, canvas, at(i))))
            .collect()
    }
}
