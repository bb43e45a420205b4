//! Where an algorithm stands: the line that runs, and when the next one does.

/// Seconds that a line takes in slow motion.
const PACE: f64 = 0.8;

/// Which algorithm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Program {
    /// Algorithm 1.
    #[default]
    Training,
    /// Algorithm 2.
    Sampling,
}

/// How it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Speed {
    /// A line every 0.8 s.
    #[default]
    Slow,
    /// Too fast for lines.
    Run,
}

/// A walk through numbered lines.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Walk {
    /// The line that runs; 0 where none is told apart.
    pub(super) line: usize,
    /// Lines that were asked for and did not run yet.
    pub(super) waiting: usize,
    /// Lines follow one another by themselves.
    pub(super) slow: bool,
    /// When the next one does, in seconds.
    due: f64,
}

impl Walk {
    /// At a line.
    pub(super) fn at(line: usize) -> Self {
        Self {
            line,
            ..Self::default()
        }
    }

    /// Walk on by itself from now on.
    pub(super) fn start(&mut self) {
        (self.slow, self.due) = (true, 0.0);
    }

    /// Stand still.
    pub(super) fn stop(&mut self) {
        (self.slow, self.waiting) = (false, 0);
    }

    /// In slow motion, ask for a line where it is time.
    pub(super) fn tick(&mut self, now: f64) {
        if self.slow && self.waiting == 0 && now >= self.due {
            self.waiting = 1;
            self.due = now + PACE;
        }
    }

    /// Seconds until the next line of slow motion.
    pub(super) fn pause(&self, now: f64) -> Option<f64> {
        self.slow.then(|| (self.due - now).max(0.01))
    }
}

/// The line of algorithm 1 at which the step is taken.
pub(super) const UPDATE: usize = 5;
/// The last line of both.
pub(super) const LAST: usize = 6;

/// The line after one of algorithm 1: `until` leads back to `repeat`.
pub(super) fn after_in_training(line: usize) -> usize {
    if line >= LAST { 1 } else { line + 1 }
}

/// How many lines lead from one to the next step of algorithm 1.
pub(super) fn to_update(line: usize) -> usize {
    if line < UPDATE {
        UPDATE - line
    } else {
        UPDATE + LAST - line
    }
}

/// The line of algorithm 2 at which x_{t−1} is computed.
pub(super) const MOVE: usize = 4;

/// The line after one of algorithm 2, and its t.
pub(super) fn after_in_sampling((line, t): (usize, u32), timesteps: u32) -> (usize, u32) {
    match line {
        1..=MOVE => (line + 1, t),
        5 if t > 1 => (2, t - 1),
        5 => (LAST, 1),
        _ => (1, timesteps),
    }
}

/// How many lines lead from one to the next x_{t−1} of algorithm 2, or to its end.
pub(super) fn to_move(at: (usize, u32), timesteps: u32) -> usize {
    let mut place = at;
    let mut lines = 0;
    loop {
        place = after_in_sampling(place, timesteps);
        lines += 1;
        if matches!(place.0, MOVE | LAST) {
            return lines;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_of_the_training_takes_one_step() {
        let mut line = 0;
        let mut lines = Vec::new();
        for _ in 0..13 {
            line = after_in_training(line);
            lines.push(line);
        }
        assert_eq!(lines, [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 1]);
        for from in 0..=LAST {
            let mut line = from;
            for left in (0..to_update(from)).rev() {
                line = after_in_training(line);
                assert_eq!(line == UPDATE, left == 0, "from {from}");
            }
        }
    }

    #[test]
    fn a_chain_of_three_steps_runs_each_line_three_times() {
        let mut place = (LAST, 1);
        let mut places = Vec::new();
        for _ in 0..14 {
            place = after_in_sampling(place, 3);
            places.push(place);
        }
        let of = |t| [(2, t), (3, t), (4, t), (5, t)];
        let expected = [&[(1, 3)][..], &of(3), &of(2), &of(1), &[(6, 1)]].concat();
        assert_eq!(places, expected);
        assert_eq!(
            [(1, 3), (4, 3), (4, 1), (5, 2), (6, 1)].map(|at| to_move(at, 3)),
            [3, 4, 2, 3, 4]
        );
    }

    #[test]
    fn slow_motion_asks_for_a_line_every_eight_tenths() {
        let mut walk = Walk::default();
        walk.tick(5.0);
        assert_eq!(walk.waiting, 0, "nobody asked");
        walk.start();
        let mut lines = 0;
        for i in 0..=40 {
            walk.tick(5.0 + 0.1 * f64::from(i));
            lines += std::mem::take(&mut walk.waiting);
        }
        // At 0, 0.8, …, 4.0.
        assert!((5..=6).contains(&lines), "{lines}");
    }
}
