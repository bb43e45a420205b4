//! The runs behind the paths: one SDE, the ODE by three methods and by the exact field to its ends, and the end-point clouds of both.

use std::sync::Arc;

use crate::chapters::trajectories::starts::{Noise, Starts};
use crate::desk::Desk;
use crate::desk::run_slot::RunSlot;
use engine::Start;
use lab::message::{RunRequest, RunResult, Slot};
use maths::data::bounds::Bounds;
use maths::data::mixture::Mixture;
use maths::diffusion::solver::{Placement, PlanContext, Sampler};
use maths::measure::trajectories::{
    blockwise_sliced, crossings, exact_ends, keeps_line, landed_ends, rms_distance, sliced_floor,
};

/// How many methods of the ODE there are.
pub const METHODS: usize = 5;

/// The methods of the ODE, in the order of the menu; those in steps of their own with this tolerance.
pub const fn methods(tolerance: f64) -> [Sampler; METHODS] {
    [
        Sampler::Euler,
        Sampler::Heun,
        Sampler::Rk4,
        Sampler::Bosh3 { tolerance },
        Sampler::Dopri5 { tolerance },
    ]
}

/// Most frames that are kept of a path beside its start.
const FRAMES: u32 = 100;
/// End points of each cloud, in so many blocks whose distances are averaged.
const ENDS: [u32; 2] = [2048, 8];
/// Pairs of draws that the floor is averaged over.
const FLOOR_PAIRS: usize = 24;
/// Most steps of the end-point clouds: more would take seconds and change nothing that can be seen.
const END_STEPS: u32 = 60;

/// How the particles of a run move.
#[derive(Clone, PartialEq)]
enum By {
    /// By so many steps of a sampler.
    Steps(Sampler, Option<Placement>, u32),
    /// By the exact field of these data, until nothing is left to follow.
    ExactFlow(Arc<Mixture>),
    /// By the exact field to t = 1, and from there as samplers land.
    ExactLanding,
}

/// What one run depends on besides weights and data.
#[derive(Clone, PartialEq)]
pub struct Wish {
    context: PlanContext,
    clip: Option<Bounds>,
    by: By,
    /// Keep the ends alone.
    ends: bool,
    /// `None`: a cloud from the noise.
    starts: Option<Vec<[f32; 2]>>,
    seed: u64,
    exact: bool,
    follow: bool,
}

impl Wish {
    fn request(&self) -> RunRequest {
        let start = match &self.starts {
            Some(points) => Start::Points(Arc::new(points.clone())),
            None => Start::Noise(ENDS[0]),
        };
        let (plan, steps) = match &self.by {
            By::Steps(sampler, placement, steps) => {
                let plan = sampler.plan_placed(*placement, *steps, self.context, self.clip);
                (plan, *steps)
            }
            By::ExactFlow(mixture) => (exact_ends(mixture, self.context), u32::MAX),
            By::ExactLanding => (landed_ends(self.context), u32::MAX),
        };
        RunRequest {
            plan,
            start,
            seed: self.seed,
            exact: self.exact,
            every: if self.ends {
                steps.max(1)
            } else {
                steps.div_ceil(FRAMES)
            },
            follow: self.follow,
            read_back: true,
            given: None,
            guidance: None,
        }
    }
}

/// What the chapter asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// By the exact x̂_0.
    pub exact: bool,
    /// Again as the weights change.
    pub follow: bool,
    /// η of the SDE.
    pub eta: f64,
    /// Steps of the SDE.
    pub sde_steps: u32,
    /// Which of [`methods`] is on show.
    pub method: usize,
    /// Steps of the ODE.
    pub ode_steps: u32,
    /// What a step may be wrong by that a path chooses.
    pub tolerance: f64,
    /// Where the steps of both lie; `None` where each has them.
    pub placement: Option<Placement>,
    /// A start is being dragged: a newer wish waits for the answer to the one before.
    pub moving: bool,
}

/// A value, and what it was computed from.
struct Memo<K, V>(Option<(K, V)>);

impl<K: PartialEq, V: Copy> Memo<K, V> {
    fn get(&mut self, key: K, compute: impl FnOnce() -> V) -> V {
        match &self.0 {
            Some((of, value)) if *of == key => *value,
            _ => self.0.insert((key, compute())).1,
        }
    }
}

/// Numbers read from the results; `None` while they are not there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Findings {
    /// Crossings of ODE and SDE paths in the view of one coordinate against time, and the frames that they are seen in.
    pub crossings: [Option<(u64, usize)>; 2],
    /// Root mean square distance of the ODE's end points to where the exact field leads, by method.
    pub end_error: [Option<f64>; METHODS],
    /// How often x̂_0 was evaluated for a path, by method.
    pub evaluations: [Option<usize>; METHODS],
    /// The same distance of an exact flow that lands from t = 1.
    pub landing: Option<f64>,
    /// Sliced W₂ between the end-point clouds, and its sampling floor.
    pub clouds: Option<[f64; 2]>,
}

/// All runs of the chapter.
pub struct TrajectoryRuns {
    sde: RunSlot<Wish>,
    ode: [RunSlot<Wish>; METHODS],
    reference: RunSlot<Wish>,
    landed: RunSlot<Wish>,
    ends: [RunSlot<Wish>; 2],
    crossings: [Memo<(u64, usize), u64>; 2],
    errors: [Memo<[u64; 2], Option<f64>>; METHODS + 1],
    distance: Memo<[u64; 2], Option<f64>>,
    floor: Memo<Arc<Mixture>, Option<f64>>,
    line: Memo<(Arc<Mixture>, PlanContext, usize), bool>,
}

impl Default for TrajectoryRuns {
    fn default() -> Self {
        Self {
            ode: [
                Slot::PathsByEuler,
                Slot::PathsByHeun,
                Slot::PathsByRk4,
                Slot::PathsByBogackiShampine,
                Slot::PathsByDormandPrince,
            ]
            .map(RunSlot::new),
            sde: RunSlot::new(Slot::PathsByNoise),
            reference: RunSlot::new(Slot::ExactPaths),
            landed: RunSlot::new(Slot::ExactPathsLanded),
            ends: [Slot::EndsByOde, Slot::EndsByNoise].map(RunSlot::new),
            crossings: [const { Memo(None) }; 2],
            errors: [const { Memo(None) }; METHODS + 1],
            distance: Memo(None),
            floor: Memo(None),
            line: Memo(None),
        }
    }
}

/// The last frame of a result on the host.
fn last_frame(result: &RunResult) -> Option<&[[f32; 2]]> {
    let host = result.host.as_ref()?;
    host.get(host.len().checked_sub(result.recording.particles)?..)
}

/// True where two runs have the same starts.
fn begin_alike(a: &RunResult, b: &RunResult) -> bool {
    matches!((&a.request.start, &b.request.start), (Start::Points(a), Start::Points(b)) if a == b)
}

impl TrajectoryRuns {
    /// Ask for what the settings need.
    pub fn want(&mut self, desk: &Desk, settings: Settings, starts: &Starts, noise: Noise) {
        let experiment = &desk.here.snapshot.experiment;
        let Settings {
            exact,
            follow,
            eta,
            sde_steps,
            method,
            ode_steps,
            tolerance,
            placement,
            moving,
        } = settings;
        let clip = experiment
            .clip
            .then_some(desk.here.snapshot.dataset.clip_box(experiment.fresh));
        let seed = experiment.seed.wrapping_add(starts.seed);
        let wish = |sampler, steps: u32, starts: Option<Vec<[f32; 2]>>, ends: bool| Wish {
            context: experiment.plan_context(),
            // The exact x̂_0 lies where it should: clipping would only falsify it.
            clip: clip.filter(|_| !exact),
            by: By::Steps(sampler, placement, steps.min(experiment.timesteps)),
            ends,
            starts,
            seed,
            exact,
            follow,
        };
        let ask = |slot: &mut RunSlot<Wish>, wish: Wish| {
            if wish.starts.as_ref().is_none_or(|points| !points.is_empty()) {
                if moving {
                    slot.want_patiently(desk, wish.clone(), || wish.request());
                } else {
                    slot.want(desk, wish.clone(), || wish.request());
                }
            } else {
                slot.leave(desk);
                slot.forget();
            }
        };
        let sde = Sampler::Ddim { eta };
        ask(
            &mut self.sde,
            wish(sde, sde_steps, Some(starts.sde(noise)), false),
        );
        for (slot, sampler) in self.ode.iter_mut().zip(methods(tolerance)) {
            ask(
                slot,
                wish(sampler, ode_steps, Some(starts.ode(noise)), false),
            );
        }
        let exactly = |by| Wish {
            context: experiment.plan_context(),
            clip: None,
            by,
            ends: true,
            starts: Some(starts.ode(noise)),
            seed,
            exact: true,
            follow,
        };
        ask(
            &mut self.reference,
            exactly(By::ExactFlow(desk.here.snapshot.dataset.mixture.clone())),
        );
        ask(&mut self.landed, exactly(By::ExactLanding));
        let of = |sampler, steps: u32| wish(sampler, steps.min(END_STEPS), None, true);
        let [ode, noisy] = &mut self.ends;
        ask(ode, of(methods(tolerance)[method], ode_steps));
        // Other starts, so that the clouds are independent, as those of the floor are.
        let noisy_wish = of(sde, sde_steps);
        ask(
            noisy,
            Wish {
                seed: noisy_wish.seed.wrapping_add(1 << 32),
                ..noisy_wish
            },
        );
    }

    /// True where the paths on show are those that were asked for last.
    pub fn are_there(&self, method: usize) -> bool {
        self.sde.is_answered() && self.ode[method].is_answered()
    }

    /// The paths of the SDE.
    pub fn sde(&self) -> Option<&Arc<RunResult>> {
        self.sde.shown_as_asked()
    }

    /// The paths of the ODE by a method.
    pub fn ode(&self, method: usize) -> Option<&Arc<RunResult>> {
        self.ode[method].shown_as_asked()
    }

    /// The end-point clouds of ODE and SDE.
    pub fn ends(&self) -> [Option<&Arc<RunResult>>; 2] {
        self.ends.each_ref().map(RunSlot::shown_as_asked)
    }

    /// The share of all runs that is done, while one is under way.
    pub fn progress(&self, desk: &Desk) -> Option<f32> {
        let slots =
            self.ode
                .iter()
                .chain(&self.ends)
                .chain([&self.sde, &self.reference, &self.landed]);
        let under_way: Vec<_> = slots.filter_map(|slot| slot.progress(desk)).collect();
        (!under_way.is_empty()).then(|| under_way.iter().sum::<f32>() / under_way.len() as f32)
    }

    /// The chapter closes.
    pub fn leave(&mut self, desk: &Desk) {
        let slots = self.ode.iter_mut().chain(&mut self.ends).chain([
            &mut self.sde,
            &mut self.reference,
            &mut self.landed,
        ]);
        slots.for_each(|slot| slot.leave(desk));
    }

    /// Read the numbers; each is computed once a result.
    pub fn findings(&mut self, desk: &Desk, method: usize, coordinate: usize) -> Findings {
        let mut findings = Findings::default();
        let shown = [self.ode[method].shown_as_asked(), self.sde.shown_as_asked()];
        for ((memo, result), count) in self
            .crossings
            .iter_mut()
            .zip(shown)
            .zip(&mut findings.crossings)
        {
            let Some((result, host)) = result.and_then(|r| r.host.as_ref().map(|host| (r, host)))
            else {
                continue;
            };
            let crossed = memo.get((result.version, coordinate), || {
                crossings(host, result.recording.particles, coordinate)
            });
            *count = Some((crossed, result.recording.taus.len()));
        }
        for (slot, evaluations) in self.ode.iter().zip(&mut findings.evaluations) {
            *evaluations = slot
                .shown_as_asked()
                .and_then(|result| result.recording.evaluations(&result.request.plan))
                .map(|mean| mean.round() as usize);
        }
        if let Some(reference) = self.reference.shown_as_asked() {
            let results = self
                .ode
                .iter()
                .chain([&self.landed])
                .map(RunSlot::shown_as_asked);
            let errors = findings.end_error.iter_mut().chain([&mut findings.landing]);
            for ((memo, result), error) in self.errors.iter_mut().zip(results).zip(errors) {
                // While the starts change, one of the two may be ahead.
                let Some(result) = result.filter(|result| begin_alike(result, reference)) else {
                    continue;
                };
                *error = memo.get([result.version, reference.version], || {
                    rms_distance(last_frame(result)?, last_frame(reference)?).ok()
                });
            }
        }
        if let [Some(ode), Some(sde)] = self.ends.each_ref().map(RunSlot::shown_as_asked) {
            let [points, blocks] = ENDS.map(|n| n as usize);
            let distance = self.distance.get([ode.version, sde.version], || {
                blockwise_sliced(last_frame(ode)?, last_frame(sde)?, blocks).ok()
            });
            let mixture = &desk.here.snapshot.dataset.mixture;
            let floor = self.floor.get(mixture.clone(), || {
                sliced_floor(mixture, points / blocks, FLOOR_PAIRS, 0).ok()
            });
            findings.clouds = distance
                .zip(floor)
                .map(|(distance, floor)| [distance, floor]);
        }
        findings
    }

    /// True where the exact ODE has one dimension on the line through 0 along a coordinate.
    pub fn keeps_line(&mut self, desk: &Desk, coordinate: usize) -> bool {
        let mixture: &Arc<Mixture> = &desk.here.snapshot.dataset.mixture;
        let context = desk.here.snapshot.experiment.plan_context();
        let key = (mixture.clone(), context, coordinate);
        self.line.get(key, || {
            keeps_line(mixture, context.schedule, context.timesteps, coordinate)
        })
    }
}
