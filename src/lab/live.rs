//! The live picture: samples from the averaged weights, renewed in slices while training goes on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::message::fresh_version;
use super::pace::{Share, Slice};
use engine::{Cloud, Engine, EngineError, Piece, Run, Start};
use maths::diffusion::solver::Plan;

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
    /// On the present engine; `None` before its first piece.
    cloud: Option<Cloud>,
    /// Every particle of the cloud has been sampled.
    whole: bool,
    /// What is drawn: the cloud, or an earlier engine's while it is not whole.
    shown: Option<Cloud>,
    version: u64,
    /// The particle that comes next.
    cursor: u32,
    /// The piece that was done last of a slice that is on its way.
    last: Option<Piece>,
    /// The weights are those at the beginning of the slice on its way.
    fresh: bool,
    /// Particles not sampled from the present weights.
    stale: u32,
    /// Particles renewed since [`LivePicture::mark`].
    renewed: u32,
    slice: Slice,
    share: Share,
}

impl LivePicture {
    /// An empty picture, to be sampled by a plan.
    pub fn new(plan: Arc<Plan>, software: bool) -> Self {
        Self {
            plan,
            cloud: None,
            whole: false,
            shown: None,
            version: 0,
            cursor: 0,
            last: None,
            fresh: false,
            stale: LIVE_SAMPLES,
            renewed: 0,
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
        self.fresh = false;
    }

    /// Another model or another sampler: nothing is shown until every particle is of it.
    pub fn forget(&mut self) {
        self.outdate();
        self.start_over();
        self.shown = None;
        self.version = fresh_version();
    }

    /// The engine changed: its memory is gone, and the old picture stays until the new one is whole.
    pub fn change_engine(&mut self, software: bool) {
        self.outdate();
        self.start_over();
        self.slice = Slice::new();
        self.share
            .set_share(if software { SHARE_SOFTWARE } else { SHARE });
    }

    /// Sample all particles again into a cloud of its own; what is shown stays until that is whole.
    pub fn start_over(&mut self) {
        self.cloud = None;
        (self.whole, self.cursor) = (false, 0);
        self.mark();
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

    /// Count the renewed particles from here; a slice on its way begins anew.
    pub fn mark(&mut self) {
        (self.renewed, self.last) = (0, None);
    }

    /// What to draw; `None` before the first whole picture.
    pub fn shown(&self) -> Option<&Cloud> {
        self.shown.as_ref()
    }

    /// Grows when what is shown changed.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// True where there is something to renew and, while training, it is sampling's turn. The first picture is not kept
    /// waiting.
    pub fn is_due(&self, training: bool, now: Instant) -> bool {
        self.stale > 0 && (!training || !self.whole || self.share.is_due(now))
    }

    /// As [`LivePicture::is_due`] while training, had sampling this share of the time and were one renewal all it is for.
    pub fn is_due_early(&self, share: f64, now: Instant) -> bool {
        self.stale > 0 && !self.is_renewed() && self.share.is_due_at(share, now)
    }

    /// How far it has come: pictures of which this is equal can go on with the same pieces.
    pub fn progress(&self) -> (bool, u32, Option<Piece>) {
        (self.whole, self.cursor, self.last)
    }

    /// The piece that comes next.
    pub fn turn(&self) -> Piece {
        let (first, count, stage) = match self.last {
            Some(last) => (last.first, last.count, last.end_stage),
            None => (
                self.cursor,
                self.slice.count().min(LIVE_SAMPLES - self.cursor),
                0,
            ),
        };
        Piece {
            first,
            count,
            stage,
            end_stage: stage.saturating_add(self.slice.stages()).min(self.stages()),
        }
    }

    fn stages(&self) -> u32 {
        self.plan.steps.len() as u32
    }

    /// Do this piece, which begins a slice or goes on with the one on its way; tell [`LivePicture::measured`] how long it
    /// took. What is shown changes with the last stage of a slice.
    pub fn refresh_piece(
        &mut self,
        engine: &mut dyn Engine,
        piece: Piece,
    ) -> Result<(), EngineError> {
        let start = Start::Noise(LIVE_SAMPLES);
        let run = Run::of_samples(&self.plan, &start, LIVE_SEED);
        let cloud = match engine.refresh(self.cloud.take(), &run, piece) {
            Ok(cloud) => cloud,
            Err(error) => {
                self.start_over();
                return Err(error);
            }
        };
        self.cloud = Some(cloud);
        if piece.stage == 0 {
            self.fresh = true;
        }
        if piece.end_stage < self.stages() {
            self.last = Some(piece);
            return Ok(());
        }
        self.last = None;
        self.cursor = (piece.first + piece.count) % LIVE_SAMPLES;
        self.whole |= self.cursor == 0;
        if self.fresh {
            self.stale = self.stale.saturating_sub(piece.count);
        }
        self.renewed += piece.count;
        if self.whole {
            self.shown.clone_from(&self.cloud);
            self.version = fresh_version();
        }
        Ok(())
    }

    /// A piece took `spent`, up to `now`: size and time of the next one follow from it.
    pub fn measured(&mut self, piece: Piece, spent: Duration, now: Instant) {
        self.share.spend(now, spent);
        let stages = self.slice.stages().min(self.stages());
        // The rest of a slice, or of a picture, says little.
        if piece.count == self.slice.count() && piece.end_stage - piece.stage == stages {
            self.slice.adapt(spent, LIVE_SAMPLES, self.stages());
        }
    }
}
