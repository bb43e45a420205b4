//! What is read of the runs: errors, distances, histograms, each when a run brings something new.

use std::sync::Arc;

use super::runs::{EditRuns, Job, ends, latents, mean_distance, round_trip_errors};
use crate::desk::Desk;
use lab::message::RunResult;
use maths::data::mixture::Mixture;
use maths::diffusion::exact::Marginal;
use maths::diffusion::schedule::Scales;
use maths::diffusion::solver::Wanted;
use maths::measure::slice::Slice;

/// Draws of the data by which their own surprise is known.
const DRAWS: usize = 1000;
/// Bars of a histogram.
pub const BARS: usize = 40;

/// The density of the data, and what they are surprised by themselves.
pub struct Surprise {
    of: Arc<Mixture>,
    marginal: Marginal,
    own: f64,
    /// What 99 of 100 draws of the data have at least of ln p_0.
    least: f64,
}

impl Surprise {
    fn new(mixture: &Arc<Mixture>) -> Self {
        let marginal = mixture.marginal(Scales { a: 1.0, s: 0.0 });
        let draws = mixture.draw(DRAWS, 0);
        let own = nats(&marginal, &draws).unwrap_or_default();
        let log_densities = draws.iter().map(|p| marginal.log_density(p.map(f64::from)));
        let mut log_densities: Vec<f64> = log_densities.collect();
        log_densities.sort_by(f64::total_cmp);
        let least = log_densities.get(DRAWS / 100).copied().unwrap_or_default();
        Self {
            of: mixture.clone(),
            marginal,
            own,
            least,
        }
    }

    /// −E ln p_0 of points above that of draws of the data.
    pub fn of(&self, points: &[[f32; 2]]) -> Option<f64> {
        Some(nats(&self.marginal, points)? - self.own)
    }
}

impl Surprise {
    /// The share of points that are as likely as 99 of 100 draws of the data.
    pub fn share_on_data(&self, points: &[[f32; 2]]) -> Option<f64> {
        let log_density = |point: &[f32; 2]| self.marginal.log_density(point.map(f64::from));
        let on = points
            .iter()
            .filter(|point| log_density(point) >= self.least);
        (!points.is_empty()).then(|| on.count() as f64 / points.len() as f64)
    }
}

fn nats(marginal: &Marginal, points: &[[f32; 2]]) -> Option<f64> {
    let sum: f64 = points
        .iter()
        .map(|point| marginal.log_density(point.map(f64::from)))
        .sum();
    (!points.is_empty()).then(|| -sum / points.len() as f64)
}

/// Samples of the free coordinate against the law that they should have.
#[derive(Clone)]
pub struct Filled {
    /// The law.
    pub law: Slice,
    /// What is drawn along: least and most.
    pub range: [f64; 2],
    /// Densities by bars: each step taken as often as is chosen, and once.
    pub bars: [Option<Vec<f64>>; 2],
    /// 1-Wasserstein distances of both.
    pub distances: [Option<f64>; 2],
}

impl Filled {
    fn new(mixture: &Mixture, axis: usize, wanted: Wanted, runs: [Option<&RunResult>; 2]) -> Self {
        let law = Slice::of(mixture, axis, wanted);
        let bounds = mixture.bounds_at(4.0);
        let range = [bounds.min[axis], bounds.max[axis]].map(f64::from);
        let values = runs.map(|run| {
            let points = ends(run?).iter();
            Some(points.map(|p| f64::from(p[axis])).collect::<Vec<_>>())
        });
        let [often, once] = &values;
        let each = [often.as_deref(), once.as_deref()];
        Self {
            distances: each.map(|values| law.distance(values?)),
            bars: each.map(|values| Some(histogram(values?, range))),
            law,
            range,
        }
    }
}

/// Densities of values by bars between two ends.
fn histogram(values: &[f64], [low, high]: [f64; 2]) -> Vec<f64> {
    let width = (high - low) / BARS as f64;
    let mut bars = vec![0.0; BARS];
    for value in values {
        let at = (value - low) / width;
        if let Some(bar) = bars.get_mut(at.floor() as usize).filter(|_| at >= 0.0) {
            *bar += 1.0 / (values.len() as f64 * width);
        }
    }
    bars
}

/// What the chapter says in numbers.
#[derive(Default)]
pub struct Findings {
    surprise: Option<Surprise>,
    /// Of which results, and with which wish.
    of: ([Option<u64>; 2], Option<[Wanted; 2]>),
    /// Errors of there and back: the solver's, and after the landing.
    pub errors: Option<[f64; 2]>,
    /// Largest length of a latent, in standard deviations of the noise.
    pub farthest: Option<f64>,
    /// The share of the curve between two points that is on the data, and that of the straight line.
    pub between: Option<[f64; 2]>,
    /// How far a cloud went, and its surprise.
    pub cloud: Option<[f64; 2]>,
    /// What is filled in.
    pub filled: Option<Filled>,
}

impl Findings {
    /// Read the runs, where there is something new.
    pub fn read(&mut self, desk: &Desk, runs: &EditRuns, job: &Job) {
        let mixture = &desk.here.snapshot.dataset.mixture;
        let known = self.surprise.take();
        let known = known.filter(|known| Arc::ptr_eq(&known.of, mixture));
        let surprise = known.unwrap_or_else(|| Surprise::new(mixture));
        let [main, beside] = [&runs.main, &runs.beside].map(|slot| slot.shown().map(Arc::as_ref));
        let wanted = match job {
            Job::Held(wanted, _) => Some(*wanted),
            _ => None,
        };
        let of = (
            [main, beside].map(|result| result.map(|result| result.version)),
            wanted,
        );
        if of != self.of {
            *self = Self {
                of,
                ..Self::default()
            };
            match job {
                Job::RoundTrip(..) => {
                    self.errors = main.and_then(round_trip_errors);
                    self.farthest = main.and_then(farthest);
                }
                Job::Down(..) => {
                    let line = beside.and_then(line);
                    let curve = main.and_then(|main| surprise.share_on_data(ends(main)));
                    self.between = curve
                        .zip(line.and_then(|line| surprise.share_on_data(&line)))
                        .map(Into::into);
                }
                Job::FromCloud(_, placed) => {
                    self.cloud = main.and_then(|main| cloud(main, placed, &surprise));
                }
                Job::Held(wanted, _) => {
                    let axis = usize::from(wanted[0] != Wanted::Any);
                    let filled = Filled::new(mixture, axis, wanted[1 - axis], [main, beside]);
                    self.filled = Some(filled);
                }
            }
        }
        self.surprise = Some(surprise);
    }

    /// See [`cloud`].
    pub fn measure_cloud(&self, result: &RunResult, placed: &[[f32; 2]]) -> Option<[f64; 2]> {
        cloud(result, placed, self.surprise.as_ref()?)
    }
}

/// How far a cloud went from where it was placed, and its surprise.
fn cloud(result: &RunResult, placed: &[[f32; 2]], surprise: &Surprise) -> Option<[f64; 2]> {
    let points = ends(result);
    Some([mean_distance(points, placed, 1.0)?, surprise.of(points)?])
}

fn farthest(result: &RunResult) -> Option<f64> {
    let std = result.request.plan.start_std.max(f64::MIN_POSITIVE);
    let far = |point: &[f32; 2]| f64::from(point[0]).hypot(f64::from(point[1])) / std;
    latents(result).iter().map(far).reduce(f64::max)
}

/// The straight line in the data between the two points that a round trip began from.
fn line(result: &RunResult) -> Option<Vec<[f32; 2]>> {
    let [a, b] = super::runs::frames(result).next()? else {
        return None;
    };
    let at = |k: usize| super::between(*a, *b, k as f32 / (super::PLACES - 1) as f32, false);
    Some((0..super::PLACES).map(at).collect())
}
