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

    /// Updates per second; 0 where nothing is known.
    pub fn per_sec(&self) -> f64 {
        match (self.marks.front(), self.marks.back()) {
            (Some(&(from, first)), Some(&(to, last))) if to > from => {
                last.saturating_sub(first) as f64 / to.duration_since(from).as_secs_f64()
            }
            _ => 0.0,
        }
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
        Self { part: share, factor: 1.0, last: None }
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
        self.last.is_none_or(|(end, spent)| now >= end + rest_after(spent, share))
    }

    /// The activity ran until `end` and took `spent`.
    pub fn spend(&mut self, end: Instant, spent: Duration) {
        self.last = Some((end, spent));
    }
}

/// How long to rest after `work` so that work is `share` of the time.
pub fn rest_after(work: Duration, share: f64) -> Duration {
    work.mul_f64((1.0 / share.clamp(0.01, 1.0)) - 1.0)
}

/// Number of particles that one slice of the live picture renews, adapted so that a slice is short.
#[derive(Debug)]
pub struct Slice {
    count: u32,
}

/// A slice longer than this is halved: frames wait behind it.
const LONG_SLICE: Duration = Duration::from_millis(30);
/// A slice shorter than this is doubled: hand-over would cost more than the work.
const SHORT_SLICE: Duration = Duration::from_millis(6);

impl Slice {
    /// A slice of 256 particles to begin with.
    pub fn new() -> Self {
        Self { count: 256 }
    }

    /// Particles of the next slice.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The last slice took `spent`.
    pub fn adapt(&mut self, spent: Duration, total: u32) {
        if spent > LONG_SLICE {
            self.count = (self.count / 2).max(64);
        } else if spent < SHORT_SLICE {
            self.count = (self.count * 2).min(total);
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
        assert_eq!(rate.per_sec(), 0.0);
        // 10 updates a second for five seconds, then 100 a second for two.
        for i in 0..=50 {
            rate.mark(start + Duration::from_millis(100 * i), i);
        }
        assert!((rate.per_sec() - 10.0).abs() < 1e-6);
        for i in 1..=20 {
            rate.mark(start + Duration::from_millis(5000 + 100 * i), 50 + 10 * i);
        }
        assert!((rate.per_sec() - 100.0).abs() < 1e-6);
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
    fn slices_shrink_on_a_slow_device_and_grow_on_a_fast_one() {
        let mut slow = Slice::new();
        for _ in 0..9 {
            slow.adapt(Duration::from_millis(100), 2048);
        }
        assert_eq!(slow.count(), 64);
        let mut fast = Slice::new();
        for _ in 0..9 {
            fast.adapt(Duration::from_millis(1), 2048);
        }
        assert_eq!(fast.count(), 2048);
    }
}
