//! What two experiments that train in step show, of the same updates: live pictures, measurements, and runs that follow.

use std::time::Instant;

use super::Pair;
use crate::live::LivePicture;
use crate::message::{Side, Slot};
use crate::runs::Follows;
use crate::session::Session;

impl Pair {
    /// What both show and what is measured of them is of the same updates and of the same particles: equal experiments
    /// look equal at every moment. Where one has more stages than the other, the other waits at the end of each slice. Returns
    /// whether something was done.
    pub(super) fn pictures_together(&mut self) -> bool {
        let Some(b) = &self.b else {
            return false;
        };
        let pictures = [self.a.picture(), b.picture()];
        if !pictures[0].goes_with(pictures[1]) {
            self.sessions_mut().for_each(Session::start_picture_over);
        }
        let in_slice = |session: &Session| session.picture().is_under_way();
        let amid = self.sessions().any(in_slice);
        let takes_part = |session: &Session| in_slice(session) || !amid;
        let renews = self
            .sessions()
            .filter(|session| takes_part(session))
            .all(Session::picture_is_due);
        if renews {
            let least = |of: fn(&LivePicture) -> u32| {
                let each = self.sessions().map(|session| of(session.picture()));
                each.min().unwrap_or(u32::MAX)
            };
            let particles = least(LivePicture::most_particles);
            let most = least(LivePicture::most_stages);
            // Samplers of as many stages are at the same one at every moment.
            let alike = self
                .sessions()
                .all(|session| session.picture().stages() == self.a.picture().stages());
            for session in self.sessions_mut().filter(|session| takes_part(session)) {
                let picture = session.picture();
                let stages = if alike { most } else { picture.most_stages() };
                session.renew_picture(picture.turn_within(particles, stages));
            }
        }
        let measures =
            !self.sessions().any(in_slice) && self.sessions().all(Session::measuring_is_due);
        if measures {
            self.sessions_mut().for_each(Session::measure_picture);
        }
        renews || measures
    }

    /// Runs that follow the training begin on both sides by the weights of one update, and are shown together: samplers that are
    /// compared are compared on equal weights, whichever takes longer. Called where both have done the same updates. Returns
    /// whether there is something new to be seen.
    pub(super) fn runs_together(&mut self) -> bool {
        let mut slots: Vec<Slot> = self
            .sessions()
            .flat_map(|session| session.runs().following())
            .collect();
        slots.sort_unstable();
        slots.dedup();
        let mut shows = false;
        for &slot in &slots {
            shows |= self.show_together(slot);
        }
        let waits = |session: &Session, how| {
            let mut each = slots.iter().map(|slot| stands(session, *slot));
            each.any(|found| found == how)
        };
        let held = Side::BOTH.map(|side| {
            let session = self.session(side);
            session.is_some_and(|session| waits(session, Follows::Held))
        });
        for (side, other_waits) in Side::BOTH.into_iter().zip([held[1], held[0]]) {
            if let Some(session) = self.session_mut(side) {
                session.set_other_waits(other_waits);
            }
        }
        let now = Instant::now();
        let busy = held != [false; 2]
            || self
                .sessions()
                .any(|session| waits(session, Follows::UnderWay));
        let due = !busy && self.sessions().all(|s| s.runs().following_is_due(now));
        let next = slots
            .into_iter()
            .filter(|slot| due && self.sessions().any(|s| stands(s, *slot) == Follows::Waits))
            .min_by_key(|slot| self.sessions().map(|s| s.runs().age(*slot)).min());
        if let Some(slot) = next {
            for session in self.sessions_mut() {
                if stands(session, slot) == Follows::Waits {
                    session.begin_run(slot);
                }
            }
        }
        shows
    }

    /// Show what is held of a slot, unless the other side's is still under way.
    fn show_together(&mut self, slot: Slot) -> bool {
        let is = |how| move |session: &Session| stands(session, slot) == how;
        if self.sessions().any(is(Follows::UnderWay)) || !self.sessions().any(is(Follows::Held)) {
            return false;
        }
        for session in self.sessions_mut() {
            if stands(session, slot) == Follows::Held {
                session.show_run(slot);
            }
        }
        true
    }
}

fn stands(session: &Session, slot: Slot) -> Follows {
    session.runs().stands(slot, session.step())
}
