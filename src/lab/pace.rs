//! Who gets how much of the machine: training, the live picture, painting.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Window over which the training rate is measured.
const RATE_WINDOW: Duration = Duration::from_secs(1);

/// Updates per second over the last second or so.
#[derive(Debug, Default)]
pub struct Rate {
    marks: VecDeque<(Instant, u64)>,
}

impl Rate {
    /// `step` updates are known to be done at `now`.
    pub fn mark(&mut self, now: Instant, step: u64) {
        self.marks.push_back((now, step));
        while self.marks.len() > 2 && now.duration_since(self.marks[1].0) >= RATE_WINDOW {
            self.marks.pop_front();
        }
    }

    /// Training stopped or jumped: what was measured no longer counts.
    pub fn clear(&mut self) {
        self.marks.clear();
    }

    /// Updates per second up to `now`; 0 where nothing is known, or nothing of the last second or so.
    pub fn per_sec(&self, now: Instant) -> f64 {
        let old = |(at, _): &(Instant, u64)| now.duration_since(*at) > 2 * RATE_WINDOW;
        if self.marks.back().is_none_or(old) {
            return 0.0;
        }
        match (self.marks.front(), self.marks.back()) {
            (Some(&(from, first)), Some(&(to, last))) if to > from => {
                last.saturating_sub(first) as f64 / to.duration_since(from).as_secs_f64()
            }
            _ => 0.0,
        }
    }
}

/// Lets so many updates a second through, so that one can watch each.
#[derive(Debug, Default)]
pub struct Metronome {
    /// Updates a second; `None` for as many as there can be.
    per_sec: Option<f64>,
    /// When the next one is due.
    next: Option<Instant>,
}

impl Metronome {
    /// So many updates a second from now on.
    pub fn set(&mut self, per_sec: Option<f64>) {
        (self.per_sec, self.next) = (per_sec.filter(|rate| *rate > 0.0), None);
    }

    /// The limit.
    pub fn per_sec(&self) -> Option<f64> {
        self.per_sec
    }

    /// Updates that may be done now; the first at once. What was missed for long is not made up for.
    pub fn due(&self, now: Instant) -> u64 {
        let Some(rate) = self.per_sec else {
            return u64::MAX;
        };
        match self.next {
            None => 1,
            Some(next) if now < next => 0,
            Some(next) => {
                1 + ((now - next).as_secs_f64().min(RATE_WINDOW.as_secs_f64()) * rate) as u64
            }
        }
    }

    /// So many were done at `now`.
    pub fn done(&mut self, now: Instant, updates: u64) {
        let (Some(rate), true) = (self.per_sec, updates > 0) else {
            return;
        };
        let from = self
            .next
            .unwrap_or(now)
            .max(now.checked_sub(RATE_WINDOW).unwrap_or(now));
        self.next = Some(from + Duration::from_secs_f64(updates as f64 / rate));
    }

    /// How long it is to the next.
    pub fn rest(&self, now: Instant) -> Duration {
        self.next
            .filter(|_| self.per_sec.is_some())
            .map_or(Duration::ZERO, |next| next.saturating_duration_since(now))
    }
}

/// Keeps an activity to a share of the wall time: after `d` seconds of it, it waits `d (1/share − 1)`.
#[derive(Debug)]
pub struct Share {
    part: f64,
    /// Of that part, where another activity of the same kind takes the rest.
    factor: f64,
    /// When the activity ended last, and what it took.
    last: Option<(Instant, Duration)>,
}

impl Share {
    /// At most `share` (in (0, 1]) of the time.
    pub fn new(share: f64) -> Self {
        Self {
            part: share,
            factor: 1.0,
            last: None,
        }
    }

    /// Another share from now on; the activity may begin at once.
    pub fn set_share(&mut self, share: f64) {
        (self.part, self.last) = (share, None);
    }

    /// Take only this part of the share.
    pub fn set_factor(&mut self, factor: f64) {
        self.factor = factor;
    }

    /// True where it is the activity's turn.
    pub fn is_due(&self, now: Instant) -> bool {
        self.is_due_at(self.part * self.factor, now)
    }

    /// True where it would be the activity's turn, had it this share of the time.
    pub fn is_due_at(&self, share: f64, now: Instant) -> bool {
        self.last
            .is_none_or(|(end, spent)| now >= end + rest_after(spent, share))
    }

    /// True where it would be the activity's turn, had it this share of the time and did it never rest for longer than this.
    pub fn is_due_within(&self, share: f64, longest: Duration, now: Instant) -> bool {
        self.last.is_none_or(|(end, spent)| {
            now >= end + rest_after(spent, share * self.factor).min(longest)
        })
    }

    /// The activity ran until `end` and took `spent`.
    pub fn spend(&mut self, end: Instant, spent: Duration) {
        self.last = Some((end, spent));
    }
}

/// What an activity took of the last seconds.
#[derive(Debug, Default)]
pub struct Recent {
    spans: VecDeque<(Instant, Duration)>,
}

/// The seconds that [`Recent`] looks back.
const LOOK_BACK: Duration = Duration::from_secs(5);

impl Recent {
    /// The activity ran until `end` and took `spent`.
    pub fn add(&mut self, end: Instant, spent: Duration) {
        self.spans.push_back((end, spent));
        while self
            .spans
            .front()
            .is_some_and(|(last, _)| *last + LOOK_BACK < end)
        {
            self.spans.pop_front();
        }
    }

    /// The share of the last seconds, 0 to 1.
    pub fn share(&self, now: Instant) -> f64 {
        let within = self.spans.iter().map(|(end, spent)| {
            let ago = now.saturating_duration_since(*end);
            (*spent).min(LOOK_BACK.saturating_sub(ago)).as_secs_f64()
        });
        (within.sum::<f64>() / LOOK_BACK.as_secs_f64()).min(1.0)
    }
}

/// How long to rest after `work` so that work is `share` of the time.
pub fn rest_after(work: Duration, share: f64) -> Duration {
    work.mul_f64((1.0 / share.clamp(0.01, 1.0)) - 1.0)
}

/// How much of the live picture is done at a time: particles of a slice, and stages of the plan that they are taken
/// through; adapted so that a piece is short, however long the plan.
#[derive(Debug)]
pub struct Slice {
    count: u32,
    stages: u32,
}

/// A piece longer than this is halved: frames and commands wait behind it.
const LONG_PIECE: Duration = Duration::from_millis(30);
/// A piece shorter than this is doubled: hand-over would cost more than the work.
const SHORT_PIECE: Duration = Duration::from_millis(6);
/// Particles of the first slice; larger ones come only where a whole plan is quick, smaller ones where a stage is slow.
const COUNT: u32 = 256;
/// Fewest particles.
const LEAST: u32 = 64;

impl Slice {
    /// One stage of 256 particles to begin with: nobody knows yet how long a stage takes.
    pub fn new() -> Self {
        Self {
            count: COUNT,
            stages: 1,
        }
    }

    /// Particles of the next slice.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Stages of its next piece.
    pub fn stages(&self) -> u32 {
        self.stages
    }

    /// The last piece took `spent`; there are `total` particles and `plan_stages` stages.
    pub fn adapt(&mut self, spent: Duration, total: u32, plan_stages: u32) {
        if spent > LONG_PIECE {
            if self.count > COUNT {
                self.count /= 2;
            } else if self.stages > 1 {
                self.stages = self.stages.min(plan_stages).max(2) / 2;
            } else {
                self.count = (self.count / 2).max(LEAST);
            }
        } else if spent < SHORT_PIECE {
            if self.count < COUNT || self.stages >= plan_stages {
                self.count = (self.count * 2).min(total);
            } else {
                self.stages *= 2;
            }
        }
    }
}

impl Default for Slice {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_second() {
        let start = Instant::now();
        let mut rate = Rate::default();
        assert_eq!(rate.per_sec(start), 0.0);
        // 10 updates a second for five seconds, then 100 a second for two.
        for i in 0..=50 {
            rate.mark(start + Duration::from_millis(100 * i), i);
        }
        let at = |millis| start + Duration::from_millis(millis);
        assert!((rate.per_sec(at(5000)) - 10.0).abs() < 1e-6);
        for i in 1..=20 {
            rate.mark(start + Duration::from_millis(5000 + 100 * i), 50 + 10 * i);
        }
        assert!((rate.per_sec(at(7000)) - 100.0).abs() < 1e-6);
        // Of what stands still since nothing is known.
        assert_eq!(rate.per_sec(at(9100)), 0.0);
    }

    /// Ten seconds, looked at every few milliseconds or every few hundred: as many updates as were asked for.
    #[test]
    fn a_metronome_lets_as_many_updates_through_as_it_is_set_to() {
        let start = Instant::now();
        for per_sec in [1.0, 7.5, 100.0, 2000.0] {
            for look_every in [3, 16, 250] {
                let mut metronome = Metronome::default();
                metronome.set(Some(per_sec));
                let mut updates = 0;
                for millis in (0..10_000).step_by(look_every) {
                    let now = start + Duration::from_millis(millis);
                    let due = metronome.due(now);
                    metronome.done(now, due);
                    updates += due;
                }
                let expected = 10.0 * per_sec;
                let room = 2.0 + 0.25 * per_sec;
                assert!(
                    (updates as f64 - expected).abs() <= room,
                    "{per_sec} a second, looked at every {look_every} ms: {updates}"
                );
            }
        }
        let mut metronome = Metronome::default();
        assert_eq!(metronome.due(start), u64::MAX);
        metronome.set(Some(10.0));
        metronome.done(start, 1);
        assert_eq!(metronome.due(start), 0);
        assert!(metronome.rest(start) > Duration::from_millis(90));
        // A minute behind a dialog is not made up for.
        assert!(metronome.due(start + Duration::from_mins(1)) <= 12);
    }

    #[test]
    fn a_share_waits_in_proportion_to_what_it_spent() {
        let start = Instant::now();
        let mut share = Share::new(0.1);
        assert!(share.is_due(start));
        share.spend(start, Duration::from_millis(10));
        assert!(!share.is_due(start + Duration::from_millis(89)));
        assert!(share.is_due(start + Duration::from_millis(91)));
        assert!(!share.is_due_at(0.5, start + Duration::from_millis(9)));
        assert!(share.is_due_at(0.5, start + Duration::from_millis(11)));
    }

    #[test]
    fn a_rest_has_a_longest_length_and_a_factor_lengthens_it() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut share = Share::new(0.1);
        share.spend(start, second);
        // Half of the time: as long a rest as the work.
        assert!(!share.is_due_within(0.5, 9 * second, start + second.mul_f64(0.9)));
        assert!(share.is_due_within(0.5, 9 * second, start + second.mul_f64(1.1)));
        share.set_factor(0.5);
        assert!(!share.is_due_within(0.5, 9 * second, start + second.mul_f64(2.9)));
        assert!(share.is_due_within(0.5, second, start + second.mul_f64(1.1)));
    }

    #[test]
    fn what_was_taken_of_the_last_five_seconds_is_forgotten_after_them() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut recent = Recent::default();
        assert_eq!(recent.share(start), 0.0);
        recent.add(start + 2 * second, second);
        recent.add(start + 4 * second, second / 2);
        assert!((recent.share(start + 4 * second) - 0.3).abs() < 1e-9);
        // Of the first second half is left.
        assert!((recent.share(start + second.mul_f64(6.5)) - 0.2).abs() < 1e-9);
        assert!((recent.share(start + second.mul_f64(8.0)) - 0.1).abs() < 1e-9);
        assert_eq!(recent.share(start + 10 * second), 0.0);
    }

    #[test]
    fn pieces_shrink_on_a_slow_device_and_grow_on_a_fast_one() {
        let adapted = |plan_stages, spent: fn(u32, u32) -> f64| {
            let mut slice = Slice::new();
            for _ in 0..40 {
                let secs = spent(slice.count(), slice.stages().min(plan_stages));
                slice.adapt(Duration::from_secs_f64(secs), 2048, plan_stages);
            }
            (slice.count(), slice.stages().min(plan_stages))
        };
        assert_eq!(adapted(20, |_, _| 0.1), (64, 1));
        assert_eq!(adapted(20, |_, _| 0.001), (2048, 20));
        // 20 µs a particle and stage: no plan is so long that a piece of it takes longer than it may.
        for plan_stages in [1, 20, 4000] {
            let (count, stages) = adapted(plan_stages, |count, stages| {
                20e-6 * f64::from(count * stages)
            });
            let secs = 20e-6 * f64::from(count * stages);
            assert!(
                (0.005..=0.03).contains(&secs),
                "{plan_stages}: {count} particles, {stages} stages, {secs} s"
            );
        }
    }
}
