//! The live picture: samples from the averaged weights, renewed in slices while training goes on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::message::fresh_version;
use super::pace::{Share, Slice};
use crate::diffusion::solver::Plan;
use crate::engine::{Cloud, Engine, EngineError};

/// Particles of the live picture.
pub const LIVE_SAMPLES: u32 = 2048;
/// The key of their noise: always the same, so that the same noise is seen to land better and better.
pub const LIVE_SEED: u64 = 0x5EED;
/// Share of the wall time that sampling may take while training: on a device of its own, and on the processor.
const SHARE: f64 = 0.12;
const SHARE_SOFTWARE: f64 = 0.08;

/// A cloud of samples, its particles renewed in turn.
#[derive(Debug)]
pub struct LivePicture {
    plan: Arc<Plan>,
    /// On the present engine; `None` before its first picture.
    cloud: Option<Cloud>,
    /// What is drawn: the cloud, or an earlier engine's while there is none.
    shown: Option<Cloud>,
    version: u64,
    /// The particle that comes next.
    cursor: u32,
    /// Particles not sampled from the present weights.
    stale: u32,
    /// Particles renewed since [`LivePicture::mark`].
    renewed: u32,
    /// Particles still to be renewed before the picture is of one model again: until then it is not shown.
    foreign: u32,
    slice: Slice,
    share: Share,
}

impl LivePicture {
    /// An empty picture, to be sampled by a plan.
    pub fn new(plan: Arc<Plan>, software: bool) -> Self {
        Self {
            plan,
            cloud: None,
            shown: None,
            version: 0,
            cursor: 0,
            stale: LIVE_SAMPLES,
            renewed: 0,
            foreign: 0,
            slice: Slice::new(),
            share: Share::new(if software { SHARE_SOFTWARE } else { SHARE }),
        }
    }

    /// Sample by another plan from now on.
    pub fn set_plan(&mut self, plan: &Arc<Plan>) {
        if self.plan != *plan {
            self.plan = plan.clone();
            self.forget();
        }
    }

    /// The weights changed: every particle is to be renewed.
    pub fn outdate(&mut self) {
        self.stale = LIVE_SAMPLES;
    }

    /// Another model or another sampler: nothing is shown until every particle is of it.
    pub fn forget(&mut self) {
        self.outdate();
        self.mark();
        self.foreign = LIVE_SAMPLES;
        self.shown = None;
        self.version = fresh_version();
    }

    /// The engine changed: its memory is gone, and the old picture stays until the new one is whole.
    pub fn change_engine(&mut self, software: bool) {
        self.cloud = None;
        (self.cursor, self.stale, self.renewed) = (0, LIVE_SAMPLES, 0);
        self.slice = Slice::new();
        self.share.set_share(if software { SHARE_SOFTWARE } else { SHARE });
    }

    /// Sampling takes this part of its usual share of the time.
    pub fn set_share_factor(&mut self, factor: f64) {
        self.share.set_factor(factor);
    }

    /// Show what another picture shows, until there is one of this model.
    pub fn show_as(&mut self, other: &Self) {
        self.shown.clone_from(&other.shown);
        self.version = fresh_version();
    }

    /// True where every particle is of the present weights.
    pub fn is_current(&self) -> bool {
        self.stale == 0
    }

    /// True where every particle was renewed since the last mark.
    pub fn is_renewed(&self) -> bool {
        self.renewed >= LIVE_SAMPLES
    }

    /// Count the renewed particles from here.
    pub fn mark(&mut self) {
        self.renewed = 0;
    }

    /// What to draw; `None` before the first whole picture.
    pub fn shown(&self) -> Option<&Cloud> {
        self.shown.as_ref()
    }

    /// Grows when what is shown changed.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// True where there is something to renew and, while training, it is sampling's turn.
    pub fn is_due(&self, training: bool, now: Instant) -> bool {
        self.stale > 0 && (!training || self.share.is_due(now))
    }

    /// As [`LivePicture::is_due`] while training, had sampling this share of the time and were one renewal all it is for.
    pub fn is_due_early(&self, share: f64, now: Instant) -> bool {
        self.stale > 0 && !self.is_renewed() && self.share.is_due_at(share, now)
    }

    /// The particles that come next: the first, and how many.
    pub fn turn(&self) -> (u32, u32) {
        (self.cursor, self.slice.count().min(LIVE_SAMPLES - self.cursor))
    }

    /// Renew the next slice. Returns how many particles; tell [`LivePicture::measured`] how long it took.
    pub fn refresh(&mut self, engine: &mut dyn Engine) -> Result<u32, EngineError> {
        self.refresh_slice(engine, self.turn())
    }

    /// Renew these particles: the first, and how many. Returns how many it were.
    pub fn refresh_slice(&mut self, engine: &mut dyn Engine, turn: (u32, u32)) -> Result<u32, EngineError> {
        // The first picture is whole.
        let (first, count) = if self.cloud.is_some() { turn } else { (0, LIVE_SAMPLES) };
        let cloud = engine.refresh(self.cloud.take(), LIVE_SAMPLES, first, count, &self.plan, LIVE_SEED)?;
        self.cloud = Some(cloud);
        self.cursor = (turn.0 + turn.1) % LIVE_SAMPLES;
        self.stale = self.stale.saturating_sub(count);
        self.renewed += count;
        self.foreign = self.foreign.saturating_sub(count);
        if self.foreign == 0 {
            self.shown.clone_from(&self.cloud);
        }
        self.version = fresh_version();
        Ok(count)
    }

    /// A slice of `count` particles took `spent`, up to `now`: size and time of the next one follow from it.
    pub fn measured(&mut self, count: u32, spent: Duration, now: Instant) {
        self.share.spend(now, spent);
        if count == self.slice.count() {
            self.slice.adapt(spent, LIVE_SAMPLES);
        }
    }
}
