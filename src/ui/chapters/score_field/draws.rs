//! Draws of x_t under p_t by which the error of a score is measured: the same (x_0, ε) at every time.

use std::sync::Arc;

use crate::desk::Desk;
use maths::data::mixture::Mixture;
use maths::diffusion::schedule::Scales;
use maths::philox::{Stream, normal};

/// Draws of x_t by which the error is measured.
const DRAWS: u32 = 2048;
/// (x_0, ε) of the draws, and what they were drawn from.
pub(super) struct Draws {
    mixture: Arc<Mixture>,
    seed: u64,
    x_0: Vec<[f32; 2]>,
    epsilon: Vec<[f32; 2]>,
    /// Grows with every other set of draws.
    pub(super) version: u64,
    /// x_t at the latest scales, shared by both requests.
    x_t: Option<(Scales, Arc<Vec<[f32; 2]>>)>,
}

impl Draws {
    /// The draws of the experiment's data; made anew when data or seed change.
    pub(super) fn of<'a>(draws: &'a mut Option<Self>, desk: &Desk) -> &'a mut Self {
        let mixture = &desk.here.snapshot.dataset.mixture;
        let seed = desk.here.snapshot.experiment.seed;
        let version = draws.as_ref().map_or(0, |old| old.version);
        if draws
            .as_ref()
            .is_some_and(|old| !Arc::ptr_eq(&old.mixture, mixture) || old.seed != seed)
        {
            *draws = None;
        }
        draws.get_or_insert_with(|| Self {
            mixture: mixture.clone(),
            seed,
            x_0: mixture.draw(DRAWS as usize, seed),
            epsilon: (0..DRAWS)
                .map(|i| normal(seed, Stream::Forward, 0, i))
                .collect(),
            version: version + 1,
            x_t: None,
        })
    }

    /// x_t = a x_0 + s ε of every draw.
    pub(super) fn at(&mut self, scales: Scales) -> Arc<Vec<[f32; 2]>> {
        if let Some((at, x_t)) = &self.x_t
            && *at == scales
        {
            return x_t.clone();
        }
        let (a, s) = (scales.a as f32, scales.s as f32);
        let x_t = self
            .x_0
            .iter()
            .zip(&self.epsilon)
            .map(|(x, e)| [a * x[0] + s * e[0], a * x[1] + s * e[1]]);
        let x_t: Arc<Vec<_>> = Arc::new(x_t.collect());
        self.x_t = Some((scales, x_t.clone()));
        x_t
    }
}
