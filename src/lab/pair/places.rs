//! Who stands where: copies, comparisons, the shelf, and the ways back.

use super::{Before, Pair};
use crate::change::Change;
use crate::experiment::Experiment;
use crate::message::{Command, Notice, Restart, Side};
use crate::session::{Parked, Session};
use crate::setup::Setup;
use crate::shelved::Replaced;
use engine::network::objective::ObjectiveChoice;
use maths::grouped::grouped;
use std::path::Path;
use std::sync::Arc;

impl Pair {
    /// Lay a training that a session replaced by itself on the shelf, and say so.
    pub(super) fn collect_replaced(&mut self) {
        for side in Side::BOTH {
            let Some(session) = self.session_mut(side) else {
                continue;
            };
            for (replaced, parked) in session.take_replaced() {
                self.shelve(side, replaced, parked);
            }
        }
    }

    pub(super) fn shelve(&mut self, side: Side, replaced: Replaced, parked: Arc<Parked>) {
        let step = parked.step();
        if self.shelf.put(side, replaced, parked)
            && replaced != Replaced::LastTime
            && let Some(session) = self.session_mut(side)
        {
            let step = grouped(step as f64);
            session.notify(Notice::Info(format!(
                "the training of step {step} is kept: Bring back leads to it"
            )));
        }
    }

    /// Something takes the place of this side's training.
    pub(super) fn lay_aside(&mut self, side: Side, replaced: Replaced) {
        // Without B nothing is replaced by the end of a comparison.
        if self.b.is_none() {
            return;
        }
        if let Some(parked) = self.session_mut(side).map(Session::park) {
            self.shelve(side, replaced, Arc::new(parked));
        }
    }

    /// Take what was kept from an earlier start of the lab, the oldest first.
    pub fn receive(&mut self, trainings: impl IntoIterator<Item = Parked>) {
        let mut steps = Vec::new();
        for parked in trainings {
            let step = parked.step();
            if self
                .shelf
                .put(Side::A, Replaced::LastTime, Arc::new(parked))
            {
                steps.push(step);
            }
        }
        let text = match steps[..] {
            [] => return,
            [step] => format!(
                "the training of step {} from the last time is kept: Bring back leads to it",
                grouped(step as f64)
            ),
            [.., latest] => format!(
                "{} trainings from the last time are kept, the latest of step {}: Bring back leads to them",
                steps.len(),
                grouped(latest as f64)
            ),
        };
        self.a.notify(Notice::Info(text));
        self.changes += 1;
    }

    /// What there was before the comparisons takes the place of what there is.
    pub(super) fn go_back(&mut self, before: &Before) {
        for side in Side::BOTH {
            self.lay_aside(side, Replaced::Ended);
        }
        if before.b.is_none() {
            self.b = None;
            self.end();
        }
        self.put_back(Side::A, &before.a);
        if let Some(b) = &before.b {
            if self.b.is_none() && !self.equalise() {
                return;
            }
            self.put_back(Side::B, b);
        }
    }

    /// A saved model takes this side's place; as B of a lab that is not split, it splits it.
    pub(super) fn open(&mut self, path: &Path, side: Side) {
        let parked = match Parked::open(path) {
            Ok(parked) => parked,
            Err(error) => {
                let at = if self.b.is_some() { side } else { Side::A };
                if let Some(session) = self.session_mut(at) {
                    session.notify(Notice::Error(format!("{error:#}")));
                }
                return;
            }
        };
        let splits = side == Side::B && self.b.is_none();
        if splits && !self.equalise() {
            return;
        }
        // B is then a copy of what still runs as A: nothing is replaced.
        if !splits {
            self.lay_present_aside(side);
        }
        let (step, name) = (grouped(parked.step() as f64), path.display());
        self.put_in_place(side, &parked, format!("opened {name}, at step {step}"));
    }

    /// A student of A's model becomes B.
    pub(super) fn student(&mut self, objective: ObjectiveChoice) {
        let weights = self.a.model().ema;
        let setup = match self.a.setup().student(objective, weights) {
            Ok(setup) => setup,
            Err(error) => return self.a.notify(Notice::Error(error)),
        };
        // B is then a copy of A: what was B is on the shelf, and nothing else is replaced.
        if !self.equalise() {
            return;
        }
        self.command(&[Side::A], &Command::Pause);
        let state = setup.fresh_model();
        let student = Parked::of_model(setup, state, &[]);
        let words = match objective {
            ObjectiveChoice::Distillation => "B is distilled from A",
            _ => "B learns by consistency, from scratch",
        };
        if self.put_in_place(Side::B, &student, words.to_owned()) {
            self.command(&[Side::B], &Command::Play);
        }
    }

    /// A model is opened in the place of this side's training.
    fn lay_present_aside(&mut self, side: Side) {
        let begun = |session: &&mut Session| session.step() > 0;
        if let Some(present) = self.session_mut(side).filter(begun).map(Session::park) {
            self.shelve(side, Replaced::Opened, Arc::new(present));
        }
    }

    /// A parked training takes this side's place. Returns whether it does.
    pub(super) fn put_back(&mut self, side: Side, parked: &Parked) -> bool {
        let step = grouped(parked.step() as f64);
        self.put_in_place(side, parked, format!("the training of step {step} is back"))
    }

    fn put_in_place(&mut self, side: Side, parked: &Parked, words: String) -> bool {
        let Some(session) = self.session_mut(side) else {
            return false;
        };
        let put = session.unpark(parked.clone());
        match &put {
            Ok(()) => {
                // That its file is another by now changes nothing, and is said once.
                let text = session
                    .meet_file()
                    .map(|remark| format!("{words}; {remark}"));
                session.notify(Notice::Info(text.unwrap_or(words)));
            }
            Err(error) => {
                session.notify(Notice::Error(format!(
                    "the engine did not take the other training: {error}"
                )));
            }
        }
        put.is_ok()
    }

    pub(super) fn bring_back(&mut self, id: u64, side: Side) {
        let side = if self.b.is_some() { side } else { Side::A };
        let Some(parked) = self.shelf.get(id) else {
            return;
        };
        let Some(present) = self.session_mut(side).map(Session::park) else {
            return;
        };
        if self.put_back(side, &parked) {
            self.shelf.take(id);
            self.shelf
                .put(side, Replaced::BroughtBack, Arc::new(present));
        }
    }

    /// A is alone again.
    pub(super) fn end(&mut self) {
        self.before = None;
        self.a.set_shared(false);
    }

    /// B becomes a copy of A. Where that fails A says why and all stays as it was; returns whether it worked.
    pub(super) fn equalise(&mut self) -> bool {
        self.draw_level();
        let replaced = self.b.as_mut().map(Session::park);
        let mut old = self.b.take();
        let twin = self.a.copy(&mut old);
        let worked = twin.is_ok();
        match twin {
            Ok(mut twin) => {
                let replaced = replaced.filter(|old| !old.is_same_as(&twin.park()));
                self.b = Some(twin);
                if let Some(old) = replaced {
                    self.shelve(Side::B, Replaced::Copy, Arc::new(old));
                }
            }
            Err(error) => {
                self.b = old;
                self.a.notify(Notice::Error(format!(
                    "there is no second experiment: {error}"
                )));
            }
        }
        let shared = self.b.is_some();
        self.sessions_mut()
            .for_each(|session| session.set_shared(shared));
        worked
    }

    /// Whether an experiment can be set up. What a training has at hand needs no file.
    pub(super) fn can_run(&self, experiment: &Experiment) -> Result<(), String> {
        let at_hand = self
            .sessions()
            .find(|session| session.experiment().data == experiment.data);
        let setup = at_hand.map_or_else(
            || Setup::new(experiment.clone()),
            |session| session.setup().changed(experiment.clone()),
        );
        setup.map(drop)
    }

    /// Split, with these experiments.
    pub(super) fn compare(&mut self, a: Experiment, b: Experiment) {
        if let Some(error) = [&a, &b].into_iter().find_map(|e| self.can_run(e).err()) {
            self.a.notify(Notice::Error(error));
            return;
        }
        // One training, sampled in two ways: the side that it is of is copied to the other.
        let source = Side::BOTH.into_iter().find(|&side| {
            let stays = |from: &Experiment| from.change_to(&a) <= Change::Samples;
            stays(&b)
                && self
                    .session(side)
                    .is_some_and(|session| stays(session.experiment()))
        });
        let keeps = source.is_some();
        // Also where only the sampler is another: the way back leads to the settings, too.
        let before = Before {
            a: Arc::new(self.a.park()),
            b: self.b.as_mut().map(|b| Arc::new(b.park())),
        };
        let configure = |experiment| Command::Configure {
            experiment: Box::new(experiment),
            restart: Restart::when(!keeps),
        };
        // Where there can be no second experiment, all stays as it is.
        if source == Some(Side::B)
            && let Some(b) = &mut self.b
        {
            std::mem::swap(&mut self.a, b);
            self.swaps += 1;
        }
        // First the copy.
        if self.equalise() {
            if !keeps {
                self.shelve(Side::A, Replaced::Comparison, before.a.clone());
            }
            if let Some(b) = &before.b {
                self.shelve(Side::B, Replaced::Comparison, b.clone());
            }
            self.before.get_or_insert(before);
            for (side, experiment) in Side::BOTH.into_iter().zip([a, b]) {
                self.command(&[side], &configure(experiment));
            }
        }
    }
}
