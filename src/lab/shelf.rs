//! Trainings that were replaced: each lies here until somebody brings it back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::session::Parked;
use super::shelved::{Replaced, Shelved};
use super::side::Side;

/// Trainings on the shelf at most.
const MOST: usize = 8;
/// The latest of them, which stay whatever they are; of the others the shortest training goes first.
const LATEST: usize = 4;

/// A training whose data change under it again within this time is one training.
const IN_A_ROW: Duration = Duration::from_mins(1);

/// True where the first goes on in the second: its file changed again and again, as it does under a hand that draws. The
/// last of them is enough, and what was there before the first stays.
fn is_continued(last: &Shelved, next: &Shelved) -> bool {
    let of = |item: &Shelved| (item.side, item.replaced, item.experiment.clone());
    next.replaced == Replaced::UnderSameWeights
        && of(last) == of(next)
        && last.step <= next.step
        && next.at.duration_since(last.at) < IN_A_ROW
}

/// The trainings, the latest first.
#[derive(Debug, Default)]
pub struct Shelf {
    items: VecDeque<(Shelved, Arc<Parked>)>,
    listed: Arc<Vec<Shelved>>,
    last_id: u64,
}

impl Shelf {
    /// What lies here, the latest first.
    pub fn list(&self) -> &Arc<Vec<Shelved>> {
        &self.listed
    }

    /// Lay a training here. One that has seen no update, or that lies here already, does not take a place; nor does one
    /// that lies here as it was a moment ago, whose place it has. Returns whether it takes one.
    pub fn put(&mut self, side: Side, replaced: Replaced, parked: Arc<Parked>) -> bool {
        if parked.step() == 0 || self.items.iter().any(|(_, other)| parked.is_same_as(other)) {
            return false;
        }
        let item = |id| Shelved {
            id,
            side,
            replaced,
            at: Instant::now(),
            step: parked.step(),
            loss: parked.loss(),
            experiment: parked.experiment().clone(),
        };
        if let Some((last, place)) = self.items.front_mut()
            && is_continued(last, &item(last.id))
        {
            (*last, *place) = (item(last.id), parked);
            self.note();
            return false;
        }
        self.last_id += 1;
        self.items.push_front((item(self.last_id), parked));
        if self.items.len() > MOST {
            // Of equal ones the oldest.
            let shortest = (LATEST..self.items.len())
                .rev()
                .min_by_key(|&index| self.items[index].0.step);
            if let Some(index) = shortest {
                self.items.remove(index);
            }
        }
        self.note();
        true
    }

    /// One of those that lie here; it stays.
    pub fn get(&self, id: u64) -> Option<Arc<Parked>> {
        self.items
            .iter()
            .find(|(item, _)| item.id == id)
            .map(|(_, parked)| parked.clone())
    }

    /// Take a training from here.
    pub fn take(&mut self, id: u64) -> Option<Arc<Parked>> {
        let index = self.items.iter().position(|(item, _)| item.id == id)?;
        let (_, parked) = self.items.remove(index)?;
        self.note();
        Some(parked)
    }

    fn note(&mut self) {
        self.listed = Arc::new(self.items.iter().map(|(item, _)| item.clone()).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::super::experiment::Experiment;
    use super::*;
    use crate::setup::Setup;
    use engine::ModelState;

    fn training(step: u64) -> Arc<Parked> {
        let setup = Setup::new(Experiment {
            points: 8,
            ..Experiment::default()
        })
        .unwrap();
        Arc::new(Parked::of_model(
            setup,
            ModelState {
                step,
                ..ModelState::fresh(vec![step as f32])
            },
            &[],
        ))
    }

    fn steps(shelf: &Shelf) -> Vec<u64> {
        shelf.list().iter().map(|item| item.step).collect()
    }

    /// However often one starts anew in a row, a long training stays.
    #[test]
    fn the_latest_stay_and_of_the_others_the_longest() {
        let mut shelf = Shelf::default();
        shelf.put(Side::A, Replaced::Anew, training(12_480));
        for step in 1..=20 {
            shelf.put(Side::A, Replaced::Anew, training(step));
        }
        let steps = steps(&shelf);
        assert_eq!(steps.len(), MOST);
        assert_eq!(
            (&steps[..LATEST], steps[MOST - 1]),
            (&[20, 19, 18, 17][..], 12_480)
        );
    }

    /// Thirty strokes on one drawing: the training before the first of them stays, and so do the others.
    #[test]
    fn a_file_that_changes_in_a_row_takes_one_place() {
        let mut shelf = Shelf::default();
        let same = Replaced::UnderSameWeights;
        assert!(shelf.put(Side::A, Replaced::Anew, training(900)));
        assert!(shelf.put(Side::A, same, training(1000)));
        let id = shelf.list()[0].id;
        for step in 1001..1030 {
            assert!(!shelf.put(Side::A, same, training(step)));
        }
        assert_eq!(steps(&shelf), [1029, 900]);
        assert_eq!(
            shelf.get(id).unwrap().step(),
            1029,
            "a menu that is open leads there"
        );
        // The other side's, and what was replaced otherwise, are others.
        assert!(shelf.put(Side::B, same, training(1040)));
        assert!(shelf.put(Side::A, same, training(1050)));
        assert!(shelf.put(Side::A, Replaced::Anew, training(1060)));
        assert_eq!(steps(&shelf), [1060, 1050, 1040, 1029, 900]);
    }

    #[test]
    fn nothing_lies_here_twice_and_what_is_taken_is_gone() {
        let mut shelf = Shelf::default();
        assert!(
            !shelf.put(Side::A, Replaced::Anew, training(0)),
            "there is nothing to lose"
        );
        assert!(shelf.put(Side::A, Replaced::Anew, training(5)));
        assert!(!shelf.put(Side::B, Replaced::Copy, training(5)));
        assert!(shelf.put(Side::B, Replaced::Copy, training(6)));
        let id = shelf.list()[0].id;
        assert_eq!(shelf.get(id).unwrap().step(), 6);
        assert_eq!(shelf.take(id).unwrap().step(), 6);
        assert!(shelf.take(id).is_none());
        assert_eq!(steps(&shelf), [5]);
    }
}
