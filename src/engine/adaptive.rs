//! A run whose particles choose their own steps (`maths/diffusion/solver/adaptive.rs`): what both engines have in common. They differ in
//! who says the network's outputs.

use std::sync::Arc;

use rayon::prelude::*;

use crate::run::{Passage, guided};
use crate::{Denoiser, EngineError, Frames, Guidance, OwnSteps, Piece, Recording, Run, Underway};
use maths::diffusion::solver::{Control, Flight, Mark, Plan, Question};
use maths::diffusion::target::Combination;

/// Most particles that are asked for at once: some milliseconds of work, after which a run can pause.
const MOST_AT_ONCE: usize = 16_384;
/// Recordings of more particles keep no marks of their steps.
const MOST_MARKED: usize = 4096;

/// The network of a run.
pub(crate) trait Outputs: Send {
    /// Its raw outputs at points, as it sees them, each at its own t/T, all with this label.
    fn outputs(
        &mut self,
        taus: &[f64],
        inputs: &[[f32; 2]],
        label: Option<u32>,
    ) -> Result<Vec<[f32; 2]>, EngineError>;
}

/// Particles on their way, of which the first has the index `first`.
struct Flock {
    control: Control,
    plan: Plan,
    denoiser: Denoiser,
    guidance: Option<Guidance>,
    network: Box<dyn Outputs>,
    first: u32,
    flights: Vec<Flight>,
    /// Of each, the ends of its steps; empty where they are not kept.
    marks: Vec<Vec<Mark>>,
    /// Where they landed.
    ends: Vec<[f32; 2]>,
}

impl Flock {
    fn begin(
        control: Control,
        run: &Run<'_>,
        network: Box<dyn Outputs>,
        (first, starts): (u32, &[[f32; 2]]),
    ) -> Self {
        let tau = run.plan.steps.first().map_or(0.0, |stage| stage.tau);
        let begin = |x: &[f32; 2]| control.begin(tau, x.map(f64::from));
        Self {
            control,
            plan: run.plan.clone(),
            denoiser: run.denoiser.clone(),
            guidance: run.guidance.cloned(),
            network,
            first,
            flights: starts.iter().map(begin).collect(),
            marks: Vec::new(),
            ends: starts.to_vec(),
        }
    }

    /// Take the particles of a range through a stage, in rounds of one question each; `goes_on` is asked before each round. False
    /// where it answered so: the next call goes on from there.
    fn advance(
        &mut self,
        stage: usize,
        range: std::ops::Range<usize>,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<bool, EngineError> {
        if stage + 1 == self.plan.steps.len() {
            return self.land(range).map(|()| true);
        }
        let control = self.control;
        let until = control.clock(self.plan.steps[stage].tau_next);
        loop {
            let asked: Vec<(usize, Question)> = range
                .clone()
                .into_par_iter()
                .filter_map(|index| Some((index, control.asks(&self.flights[index], until)?)))
                .collect();
            if asked.is_empty() {
                return Ok(true);
            }
            if !goes_on() {
                return Ok(false);
            }
            let x_0 = self.x_0(&asked)?;
            for ((index, asked), x_0) in asked.iter().zip(x_0) {
                let mark = control.answer(&mut self.flights[*index], asked, x_0);
                if let Some((marks, mark)) = self.marks.get_mut(*index).zip(mark) {
                    marks.push(mark);
                }
            }
        }
    }

    /// The last step of every plan, from t = 1 onto the data.
    fn land(&mut self, range: std::ops::Range<usize>) -> Result<(), EngineError> {
        let Some(stage) = self.plan.steps.last() else {
            return Ok(());
        };
        let (tau, to_x) = (stage.tau, stage.to_x);
        let asked: Vec<(usize, Question)> = range
            .map(|index| (index, self.control.question(&self.flights[index], tau)))
            .collect();
        for ((index, asked), x_0) in asked.iter().zip(self.x_0(&asked)?) {
            self.flights[*index].effort.evaluations += 1;
            self.ends[*index] =
                [0, 1].map(|axis| (to_x.x * asked.x[axis] + to_x.x_0 * x_0[axis]) as f32);
        }
        Ok(())
    }

    /// x̂_0 where the particles of these indices want it.
    fn x_0(&mut self, asked: &[(usize, Question)]) -> Result<Vec<[f64; 2]>, EngineError> {
        let found: Vec<[f64; 2]> = match &self.denoiser {
            Denoiser::Given(clean) => {
                let of = |(index, _): &(usize, _)| clean[self.first as usize + index];
                asked.iter().map(|one| of(one).map(f64::from)).collect()
            }
            Denoiser::Exact(mixture) => {
                let led = self.guidance.as_ref();
                let led = led.and_then(|guidance| Some((guidance, guidance.class.as_deref()?)));
                let of = |(_, Question { knot, x, .. }): &(usize, Question)| {
                    let of_all = mixture.posterior_mean(*x, knot.scales);
                    let Some((guidance, class)) = led else {
                        return of_all;
                    };
                    let weight = guidance.weight_at(knot.scales);
                    let of_class = class.posterior_mean(*x, knot.scales);
                    [0, 1].map(|i| of_all[i] + weight * (of_class[i] - of_all[i]))
                };
                asked.par_iter().map(of).collect()
            }
            Denoiser::Learned => {
                let taus: Vec<f64> = asked.iter().map(|(_, of)| of.knot.tau).collect();
                let seen =
                    |(_, of): &(usize, Question)| of.x.map(|x| (of.knot.input_scale * x) as f32);
                let inputs: Vec<[f32; 2]> = asked.iter().map(seen).collect();
                let label = self.guidance.as_ref().map(|guidance| guidance.label);
                let mut outputs = self.network.outputs(&taus, &inputs, label)?;
                let twice = |guidance: &&Guidance| {
                    let mut weights = asked
                        .iter()
                        .map(|(_, of)| guidance.weight_at(of.knot.scales));
                    weights.any(|weight| weight != 1.0)
                };
                if let Some(guidance) = self.guidance.as_ref().filter(twice) {
                    let of_all = self.network.outputs(&taus, &inputs, None)?;
                    for ((output, all), (_, of)) in outputs.iter_mut().zip(of_all).zip(asked) {
                        let weight = guidance.weight_at(of.knot.scales) as f32;
                        *output = guided(all, *output, weight);
                    }
                }
                let of = |((_, of), output): (&(usize, Question), [f32; 2])| {
                    let Combination(of_x, of_output) = of.knot.x0;
                    [0, 1].map(|axis| of_x * of.x[axis] + of_output * f64::from(output[axis]))
                };
                asked.iter().zip(outputs).map(of).collect()
            }
        };
        let Some(clip) = self.plan.clip else {
            return Ok(found);
        };
        let held = |x_0: [f64; 2]| -> [f64; 2] {
            std::array::from_fn(|axis| {
                // `f64::clamp` panics where the box is upside down, and hands NaN through.
                let (a, b) = (f64::from(clip.min[axis]), f64::from(clip.max[axis]));
                x_0[axis].clamp(a.min(b), a.max(b))
            })
        };
        Ok(found.into_iter().map(held).collect())
    }

    /// Where particle `index` is seen after a stage.
    fn seen(&self, index: usize, stage: usize) -> [f32; 2] {
        if stage + 1 == self.plan.steps.len() {
            return self.ends[index];
        }
        let tau = self.plan.steps[stage].tau_next;
        self.control
            .seen(&self.flights[index], tau)
            .map(|x| x as f32)
    }
}

/// A run under way.
pub(crate) struct AdaptiveRun {
    flock: Flock,
    passage: Passage,
}

impl AdaptiveRun {
    /// At its start.
    pub fn begin(control: Control, run: &Run<'_>, network: Box<dyn Outputs>) -> Self {
        let starts = run.start.points(run.seed, run.plan.start_std);
        let mut flock = Flock::begin(control, run, network, (0, &starts));
        if run.frames != Frames::End && starts.len() <= MOST_MARKED {
            flock.marks = vec![Vec::new(); starts.len()];
        }
        Self {
            flock,
            passage: Passage::begin(run, starts),
        }
    }
}

impl Underway for AdaptiveRun {
    fn advance(&mut self, goes_on: &dyn Fn(f32) -> bool) -> Result<Option<Recording>, EngineError> {
        let Self { flock, passage } = self;
        while let Some((stage, range)) = passage.next(MOST_AT_ONCE)? {
            let (share, end) = (passage.share(), range.end);
            if !goes_on(share) || !flock.advance(stage, range, &mut || goes_on(share))? {
                return Ok(None);
            }
            let particles = flock.flights.len();
            passage.pass(end, || (0..particles).map(|index| flock.seen(index, stage)));
        }
        let own_steps = OwnSteps {
            efforts: flock.flights.iter().map(|flight| flight.effort).collect(),
            marks: std::mem::take(&mut flock.marks),
        };
        Ok(Some(passage.recording(Some(Arc::new(own_steps)))))
    }
}

/// A slice of a picture on its way, as [`crate::Engine::refresh`] has it.
pub(crate) struct AdaptiveSlice {
    flock: Flock,
    seed: u64,
    last: Piece,
}

impl AdaptiveSlice {
    fn begin(control: Control, run: &Run<'_>, piece: Piece, network: Box<dyn Outputs>) -> Self {
        let starts = (run.start).slice(run.seed, (piece.first, piece.count), run.plan.start_std);
        Self {
            flock: Flock::begin(control, run, network, (piece.first, &starts)),
            seed: run.seed,
            last: Piece {
                end_stage: 0,
                ..piece
            },
        }
    }

    /// The slice that a piece begins, or that was kept and that it goes on with.
    pub fn for_piece(
        kept: Option<Self>,
        (control, run, piece): (Control, &Run<'_>, Piece),
        network: impl FnOnce() -> Result<Box<dyn Outputs>, EngineError>,
    ) -> Result<Self, EngineError> {
        if piece.stage == 0 {
            return Ok(Self::begin(control, run, piece, network()?));
        }
        let goes_on = |kept: &Self| kept.goes_on(run, &piece);
        kept.filter(goes_on).ok_or_else(|| piece.not_begun())
    }

    /// True where a piece goes on with this slice.
    fn goes_on(&self, run: &Run<'_>, piece: &Piece) -> bool {
        piece.follows(&self.last) && self.seed == run.seed && self.flock.plan == *run.plan
    }

    /// Do a piece. The points, where it was the last one.
    pub fn advance(&mut self, piece: Piece) -> Result<Option<&[[f32; 2]]>, EngineError> {
        let particles = self.flock.flights.len();
        for stage in piece.stage..piece.end_stage {
            self.flock
                .advance(stage as usize, 0..particles, &mut || true)?;
        }
        self.last = piece;
        let is_whole = piece.end_stage as usize == self.flock.plan.steps.len();
        Ok(is_whole.then_some(&self.flock.ends[..]))
    }
}
