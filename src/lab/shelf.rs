//! Trainings that were replaced: each lies here until somebody brings it back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::session::Parked;
use super::shelved::{Replaced, Shelved};
use super::side::Side;

/// Trainings on the shelf at most.
const MOST: usize = 8;
/// The latest of them, which stay whatever they are; of the others the shortest training goes first.
const LATEST: usize = 4;

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

    /// Lay a training here. One that has seen no update, or that lies here already, does not take a place. Returns
    /// whether it does.
    pub fn put(&mut self, side: Side, replaced: Replaced, parked: Arc<Parked>) -> bool {
        if parked.step() == 0 || self.items.iter().any(|(_, other)| parked.is_same_as(other)) {
            return false;
        }
        self.last_id += 1;
        let item = Shelved {
            id: self.last_id,
            side,
            replaced,
            at: Instant::now(),
            step: parked.step(),
            loss: parked.loss(),
            experiment: parked.experiment().clone(),
        };
        self.items.push_front((item, parked));
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
