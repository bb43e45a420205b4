//! Copies of the weights that were sound, several of them, spaced in time: what a broken training goes back to.

use engine::ModelState;

/// Copies that are kept.
const MOST: usize = 6;
/// A copy whose smoothed loss is above the lowest by this factor was made in the rise before a break.
const IN_THE_RISE: f64 = 1.25;

#[derive(Clone, Debug)]
struct SafeCopy {
    state: ModelState,
    /// The smoothed loss when it was made; `None` where nothing was known.
    loss: Option<f64>,
    secs: f64,
}

/// Ascending by step; never empty.
#[derive(Clone, Debug)]
pub struct SafeCopies(Vec<SafeCopy>);

impl SafeCopies {
    /// The first copy: the model that a training begins with, after so many seconds.
    pub fn new(state: ModelState, secs: f64) -> Self {
        Self(vec![SafeCopy {
            state,
            loss: None,
            secs,
        }])
    }

    /// Keep a model whose numbers are all finite. `loss`: the smoothed loss; `secs`: seconds of training.
    pub fn keep(&mut self, state: ModelState, loss: Option<f64>, secs: f64) {
        self.0.retain(|copy| copy.state.step < state.step);
        self.0.push(SafeCopy { state, loss, secs });
        if self.0.len() > MOST {
            // Close together where they are young, far apart where they are old: the one goes whose neighbours are nearest
            // to each other, measured by their age.
            let crowding = |i: usize| {
                (self.0[i + 1].secs - self.0[i - 1].secs) / (secs - self.0[i - 1].secs).max(1e-9)
            };
            let crowded =
                (1..self.0.len() - 1).min_by(|&i, &j| crowding(i).total_cmp(&crowding(j)));
            if let Some(index) = crowded {
                self.0.remove(index);
            }
        }
    }

    /// The latest.
    pub fn last(&self) -> &ModelState {
        &self.0[self.0.len() - 1].state
    }

    /// The latest of at most so many updates.
    pub fn at_most(&self, updates: u64) -> Option<&ModelState> {
        let mut copies = self.0.iter().rev().map(|copy| &copy.state);
        copies.find(|state| state.step <= updates)
    }

    /// The latest from before the loss rose: what a broken training goes back to.
    pub fn before_the_rise(&self) -> &ModelState {
        let lowest = self
            .0
            .iter()
            .filter_map(|copy| copy.loss)
            .fold(f64::INFINITY, f64::min);
        let sound = |copy: &&SafeCopy| copy.loss.is_some_and(|loss| loss <= IN_THE_RISE * lowest);
        self.0
            .iter()
            .rev()
            .find(sound)
            .map_or_else(|| self.last(), |copy| &copy.state)
    }

    /// The losses before were of something else: copies are no longer told apart by them.
    pub fn forget_losses(&mut self) {
        self.0.iter_mut().for_each(|copy| copy.loss = None);
    }

    /// The training went back to this step.
    pub fn rewind(&mut self, step: u64) {
        let first = self.0[0].clone();
        self.0.retain(|copy| copy.state.step <= step);
        if self.0.is_empty() {
            self.0.push(first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(step: u64) -> ModelState {
        ModelState {
            step,
            ..ModelState::fresh(vec![step as f32])
        }
    }

    #[test]
    fn few_are_kept_over_a_long_time_and_the_young_ones_are_closest() {
        let mut copies = SafeCopies::new(at(0), 0.0);
        for i in 1..=1000 {
            copies.keep(at(i), Some(0.3), 2.0 * i as f64);
        }
        let ages: Vec<f64> = copies.0.iter().map(|copy| 2000.0 - copy.secs).collect();
        assert_eq!(ages.len(), MOST);
        assert_eq!((ages[0], ages[MOST - 1]), (2000.0, 0.0));
        assert!(
            ages.windows(3)
                .all(|three| three[0] - three[1] >= 0.99 * (three[1] - three[2])),
            "{ages:?}"
        );
        assert!(ages[MOST - 2] <= 20.0 && ages[1] >= 100.0, "{ages:?}");
    }

    #[test]
    fn after_a_rise_it_goes_back_to_before_it() {
        let mut copies = SafeCopies::new(at(0), 0.0);
        for (step, loss) in [
            (100, 0.4),
            (200, 0.25),
            (300, 0.24),
            (400, 0.27),
            (500, 0.9),
            (600, 40.0),
        ] {
            copies.keep(at(step), Some(loss), step as f64);
        }
        assert_eq!(copies.before_the_rise().step, 400);
        assert_eq!(copies.last().step, 600);
        copies.rewind(400);
        assert_eq!(copies.last().step, 400);
    }

    #[test]
    fn where_no_loss_is_known_it_is_the_latest() {
        let mut copies = SafeCopies::new(at(7), 0.0);
        assert_eq!(copies.before_the_rise().step, 7);
        copies.keep(at(9), Some(0.1), 1.0);
        copies.keep(at(11), Some(5.0), 2.0);
        assert_eq!(copies.before_the_rise().step, 9);
        copies.forget_losses();
        assert_eq!(copies.before_the_rise().step, 11);
    }
}
