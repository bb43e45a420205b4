//! The live picture: samples from the averaged weights, renewed in slices while training goes on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::message::fresh_version;
use super::pace::{Share, Slice};
pub use super::picture::{LIVE_SAMPLES, LIVE_SEED, PictureOf};
use engine::{Cloud, Engine, EngineError, Pairing, Piece, Run, Start};
use maths::diffusion::solver::Plan;

/// Share of the wall time that sampling may take while training: on a device of its own, and on the processor.
const SHARE: f64 = 0.12;
const SHARE_SOFTWARE: f64 = 0.08;
/// Particles that are renewed together at the least: each such block has the weights of one update.
const BLOCK: u32 = 64;

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
    /// By which weights that is; `None` for the noise that samples start from.
    shown_of: Option<PictureOf>,
    /// Updates of the weights by which each block of the cloud was sampled.
    blocks: Vec<u64>,
    /// Updates of the weights at the beginning of the slice on its way.
    slice_of: u64,
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
            shown_of: None,
            blocks: vec![0; (LIVE_SAMPLES / BLOCK) as usize],
            slice_of: 0,
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
        (self.shown, self.shown_of) = (None, None);
        self.version = fresh_version();
    }

    /// A network that has learned nothing has no picture of its own: the noise that its samples start from is shown, particle by
    /// particle where each of them will begin.
    pub fn show_noise(&mut self, pairing: &Pairing) {
        let noise = pairing.drawn_starts(LIVE_SAMPLES, LIVE_SEED, self.plan.start_std);
        self.shown = Some(Cloud::Host(Arc::new(noise)));
        self.shown_of = None;
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
        self.shown_of = other.shown_of;
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

    /// By which weights that is; `None` for the noise that samples start from, and where nothing is shown.
    pub fn shown_of(&self) -> Option<PictureOf> {
        self.shown_of
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

    /// True while a slice is under way.
    pub fn is_under_way(&self) -> bool {
        self.last.is_some()
    }

    /// True where two pictures of the same particles go on together: both begin the same slice, or are in it, or one has done it
    /// and waits for the other.
    pub fn goes_with(&self, other: &Self) -> bool {
        let after = |picture: &Self| {
            let end = picture.last.map(|last| last.first + last.count);
            end.map_or(picture.cursor, |end| end % LIVE_SAMPLES)
        };
        let slice = |picture: &Self| picture.last.map(|last| (last.first, last.count));
        match (slice(self), slice(other)) {
            (None, None) => (self.whole, self.cursor) == (other.whole, other.cursor),
            (Some(own), Some(others)) => own == others && self.whole == other.whole,
            _ => after(self) == after(other),
        }
    }

    /// The piece that comes next.
    pub fn turn(&self) -> Piece {
        self.turn_within(self.most_particles(), self.most_stages())
    }

    /// Most particles of a piece.
    pub fn most_particles(&self) -> u32 {
        self.slice.count()
    }

    /// Most stages of a piece.
    pub fn most_stages(&self) -> u32 {
        self.slice.stages()
    }

    /// The piece that comes next, of at most so many particles, if it begins a slice, and stages.
    pub fn turn_within(&self, particles: u32, stages: u32) -> Piece {
        let (first, count, stage) = match self.last {
            Some(last) => (last.first, last.count, last.end_stage),
            None => (self.cursor, particles.min(LIVE_SAMPLES - self.cursor), 0),
        };
        Piece {
            first,
            count,
            stage,
            end_stage: stage.saturating_add(stages).min(self.stages()),
        }
    }

    /// Stages of the sampler.
    pub fn stages(&self) -> u32 {
        self.plan.steps.len() as u32
    }

    /// Do this piece, which begins a slice or goes on with the one on its way, by weights that have seen `step` updates; tell
    /// [`LivePicture::measured`] how long it took. What is shown changes with the last stage of a slice.
    pub fn refresh_piece(
        &mut self,
        engine: &mut dyn Engine,
        piece: Piece,
        step: u64,
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
            self.slice_of = step;
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
        let (first, end) = (
            piece.first / BLOCK,
            (piece.first + piece.count).div_ceil(BLOCK),
        );
        self.blocks[first as usize..end as usize].fill(self.slice_of);
        if self.whole {
            self.shown.clone_from(&self.cloud);
            let of = |step: Option<&u64>| step.copied().unwrap_or(self.slice_of);
            self.shown_of = Some(PictureOf {
                oldest: of(self.blocks.iter().min()),
                newest: of(self.blocks.iter().max()),
            });
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
