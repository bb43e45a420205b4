//! One experiment, or two side by side that nothing sets apart but their settings: they train in turn on one machine.
//!
//! As [`Session`] it knows no threads: [`Pair::handle`] obeys an order, [`Pair::tick`] does a short piece of work,
//! [`Pair::snapshots`] says how things stand.

mod places;
mod together;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::message::{Command, InStep, Order, Side, Snapshots};
use super::pace::Metronome;
use super::session::{Parked, Pictures, Session, Tick};
use super::shelf::Shelf;
use super::shelved::Replaced;

/// What a snapshot was taken of: equal versions mean equal snapshots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairVersion([u64; 3]);

/// What a comparison began with.
struct Before {
    a: Arc<Parked>,
    b: Option<Arc<Parked>>,
}

/// A, and while the lab is split B.
pub struct Pair {
    a: Session,
    b: Option<Session>,
    in_step: InStep,
    swaps: u64,
    /// Who goes ahead when both are level: each in turn.
    ahead: Side,
    /// Steps of the last slice of the one that went ahead.
    lead: u64,
    /// What A was, and B where there was one, before the first comparison that replaced a training.
    before: Option<Before>,
    /// Trainings that were replaced.
    shelf: Shelf,
    /// Grows when the pair changes otherwise than by its sessions.
    changes: u64,
    metronome: Metronome,
}

impl Pair {
    /// A lab with one experiment.
    pub fn new(a: Session) -> Self {
        Self {
            a,
            b: None,
            in_step: InStep::default(),
            swaps: 0,
            ahead: Side::A,
            lead: 0,
            before: None,
            shelf: Shelf::default(),
            changes: 1,
            metronome: Metronome::default(),
        }
    }

    /// One experiment; `None` for B where the lab is not split.
    pub fn session(&self, side: Side) -> Option<&Session> {
        match side {
            Side::A => Some(&self.a),
            Side::B => self.b.as_ref(),
        }
    }

    /// One experiment; `None` for B where the lab is not split.
    pub fn session_mut(&mut self, side: Side) -> Option<&mut Session> {
        match side {
            Side::A => Some(&mut self.a),
            Side::B => self.b.as_mut(),
        }
    }

    fn sessions(&self) -> impl Iterator<Item = &Session> {
        std::iter::once(&self.a).chain(&self.b)
    }

    fn sessions_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        std::iter::once(&mut self.a).chain(&mut self.b)
    }

    /// Both pause by themselves when this many updates are done.
    pub fn train_until(&mut self, step: u64) {
        self.sessions_mut()
            .for_each(|session| session.train_until(step));
    }

    /// Changes with every change of the snapshots.
    pub fn version(&self) -> PairVersion {
        PairVersion([
            self.changes,
            self.a.version(),
            self.b.as_ref().map_or(0, Session::version),
        ])
    }

    /// How things stand.
    pub fn snapshots(&self) -> Snapshots {
        Snapshots {
            a: Arc::new(self.a.snapshot()),
            b: self.b.as_ref().map(|b| Arc::new(b.snapshot())),
            in_step: self.in_step,
            swaps: self.swaps,
            before: self
                .before
                .as_ref()
                .map(|Before { a, b }| (a.step(), b.as_ref().map(|b| b.step()))),
            shelf: self.shelf.list().clone(),
            speed: self.metronome.per_sec(),
            stop_at: self.a.stops_at(),
        }
    }

    /// True where both are at the same step, or where steps are not what they have equal.
    pub fn is_level(&self) -> bool {
        self.in_step == InStep::Time || self.b.as_ref().is_none_or(|b| b.step() == self.a.step())
    }

    /// True where an engine shares the processor with painting.
    pub fn is_software(&self) -> bool {
        self.sessions()
            .any(|session| session.engine_info().software)
    }

    /// True while somebody drags or plays an animation.
    pub fn is_interacting(&self) -> bool {
        self.sessions().any(Session::is_interacting)
    }

    /// Obey an order. Whatever goes wrong becomes a fault or a notice of a snapshot.
    pub fn handle(&mut self, order: Order) {
        self.changes += 1;
        match order {
            Order::To(side, command) => self.command(&[side], &command),
            Order::Both(command) => self.command(&Side::BOTH, &command),
            Order::Equalise => drop(self.equalise()),
            Order::Compare(experiments) => {
                let [a, b] = *experiments;
                self.compare(a, b);
            }
            Order::Swap => {
                if let Some(b) = &mut self.b {
                    std::mem::swap(&mut self.a, b);
                    self.swaps += 1;
                }
            }
            Order::Keep(side) => {
                self.lay_aside(side.other(), Replaced::Ended);
                if let Some(b) = self.b.take() {
                    if side == Side::B {
                        self.a = b;
                        self.swaps += 1;
                    }
                    self.end();
                }
            }
            Order::Return => {
                if let Some(before) = self.before.take() {
                    self.go_back(&before);
                }
            }
            Order::BringBack(id, side) => self.bring_back(id, side),
            Order::Open(path, side) => self.open(&path, side),
            Order::TakeWeak {
                from,
                to,
                most_updates,
            } => {
                let weak = (self.session_mut(from)).map(|session| session.as_weak(most_updates));
                if let (Some(weak), Some(session)) = (weak, self.session_mut(to)) {
                    session.take_weak(weak);
                }
            }
            Order::Student(objective) => self.student(objective),
            Order::InStep(in_step) => self.in_step = in_step,
            Order::Speed(per_sec) => self.metronome.set(per_sec),
            Order::StopAt(step) => self
                .sessions_mut()
                .for_each(|session| session.stop_at(step)),
        }
        self.collect_replaced();
    }

    fn command(&mut self, sides: &[Side], command: &Command) {
        if matches!(command, Command::Pause | Command::StepOnce) {
            self.draw_level();
        }
        for &side in sides {
            match self.session_mut(side) {
                Some(session) => session.handle(command.clone()),
                None => log::debug!("nothing is B: {command:?} goes nowhere"),
            }
        }
    }

    /// How far apart both are, in updates, and who is behind; `None` for one experiment.
    fn gap(&self) -> Option<(u64, Side)> {
        let (a, b) = (self.a.submitted(), self.b.as_ref()?.submitted());
        Some((a.abs_diff(b), if a < b { Side::A } else { Side::B }))
    }

    /// Where one is a slice ahead of the other, the other catches up: what pauses is level. One that was started anew
    /// and has a long way to go pauses where it is.
    fn draw_level(&mut self) {
        let both = self.sessions().all(Session::is_training);
        let Some((mut left, behind)) = self.gap().filter(|(gap, _)| *gap <= self.lead) else {
            return;
        };
        if !both || self.in_step != InStep::Steps {
            return;
        }
        while left > 0 {
            let Some(session) = self
                .session_mut(behind)
                .filter(|session| session.is_training())
            else {
                return;
            };
            let steps = u64::from(
                session
                    .tick_within(Duration::from_millis(50), left, Pictures::Asked)
                    .steps,
            );
            if steps == 0 {
                return;
            }
            left -= steps.min(left);
        }
    }

    /// Training steps that a side may do now.
    fn allowance(&self, side: Side) -> u64 {
        let [Some(own), Some(other)] = [side, side.other()].map(|side| self.session(side)) else {
            return u64::MAX;
        };
        if !(own.is_training() && other.is_training()) {
            return u64::MAX;
        }
        let ahead = match self.in_step {
            InStep::Steps => match other.submitted().checked_sub(own.submitted()) {
                None => return 0,
                Some(0) => side == self.ahead,
                Some(behind) => return behind,
            },
            InStep::Time => own.trained_secs() <= other.trained_secs(),
        };
        if ahead { u64::MAX } else { 0 }
    }

    /// Do a short piece of work: a slice of training of each, which together take about `budget`, and the rest that each
    /// has to do. Training for equal steps, one goes ahead by what fits into its half, and the other does as many, in as
    /// many slices as it takes.
    ///
    /// With a limit on the updates a second, the one that goes ahead has no more than are due.
    pub fn tick(&mut self, budget: Duration) -> Tick {
        let begun = Instant::now();
        let due = self.metronome.due(begun);
        let Some((gap, _)) = self.gap() else {
            let mut tick = self.a.tick_within(budget, due, Pictures::InTurn);
            self.metronome.done(begun, u64::from(tick.steps));
            self.wait_for_the_beat(&mut tick);
            return tick;
        };
        let mut total = Tick {
            idle: true,
            ..Tick::default()
        };
        // Who is behind has all the time.
        let budget = if self.in_step == InStep::Steps && gap > 0 {
            budget
        } else {
            budget / 2
        };
        let ahead = self.ahead;
        let together = self.in_step == InStep::Steps
            && gap <= self.lead
            && self.sessions().all(Session::is_training);
        let mut beats = 0;
        for side in [ahead, ahead.other()] {
            // Who catches up does what the other has done.
            let most = self.allowance(side);
            let leads = most == u64::MAX;
            let most = if leads { due } else { most };
            let Some(session) = self.session_mut(side) else {
                continue;
            };
            let pictures = if together {
                Pictures::Asked
            } else {
                Pictures::InTurn
            };
            let tick = session.tick_within(budget, most, pictures);
            if side == ahead && gap == 0 {
                self.lead = u64::from(tick.steps);
            }
            if leads {
                beats = beats.max(u64::from(tick.steps));
            }
            total.steps += tick.steps;
            total.changed |= tick.changed;
            total.idle &= tick.idle;
            total.rest += tick.rest;
        }
        if self.gap().is_some_and(|(gap, _)| gap == 0) {
            self.ahead = ahead.other();
            if together {
                total.changed |= self.pictures_together();
                total.changed |= self.runs_together();
            }
        }
        self.metronome.done(begun, beats);
        self.wait_for_the_beat(&mut total);
        total
    }

    /// Where nothing was done because no update is due, the machine is left to others for a moment.
    fn wait_for_the_beat(&self, tick: &mut Tick) {
        const A_MOMENT: Duration = Duration::from_millis(8);
        if tick.steps == 0 && !tick.changed && !tick.idle {
            tick.rest = tick
                .rest
                .max(self.metronome.rest(Instant::now()).min(A_MOMENT));
        }
    }
}
