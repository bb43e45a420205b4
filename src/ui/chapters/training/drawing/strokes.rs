//! The points of a drawing, and the strokes that made them: each can be undone and done again.

use crate::chapters::training::drawing::brush;
use lab::drawing::{Dot, MOST};

/// What one stroke did.
#[derive(Clone, Debug, PartialEq)]
struct Change {
    /// Where each point that it took stood before, in order.
    removed: Vec<(usize, Dot)>,
    /// What it put at the end.
    added: Vec<Dot>,
}

/// A stroke on its way.
#[derive(Debug)]
struct Stroke {
    /// Of each point of before that is left, where it stood.
    places: Vec<usize>,
    removed: Vec<(usize, Dot)>,
}

/// Points, in the order in which they were put down.
#[derive(Debug, Default)]
pub struct Strokes {
    dots: Vec<Dot>,
    done: Vec<Change>,
    undone: Vec<Change>,
    now: Option<Stroke>,
    version: u64,
}

impl Strokes {
    /// Points that are there already. Their strokes are not known.
    pub fn of(dots: Vec<Dot>) -> Self {
        Self {
            dots,
            ..Self::default()
        }
    }

    /// The points.
    pub fn dots(&self) -> &[Dot] {
        &self.dots
    }

    /// Changes with the points.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Strokes that can be undone.
    pub fn depth(&self) -> usize {
        self.done.len()
    }

    /// True where there is a stroke to do again.
    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    /// True where no more points are taken.
    pub fn is_full(&self) -> bool {
        self.dots.len() >= MOST
    }

    /// The hand comes down.
    pub fn begin(&mut self) {
        self.end();
        self.now = Some(Stroke {
            places: (0..self.dots.len()).collect(),
            removed: Vec::new(),
        });
    }

    /// The stroke puts points down, as many as there is room for.
    pub fn add(&mut self, dots: impl IntoIterator<Item = Dot>) {
        let room = MOST.saturating_sub(self.dots.len());
        let before = self.dots.len();
        self.dots.extend(dots.into_iter().take(room));
        self.version += u64::from(self.dots.len() > before);
    }

    /// The stroke takes every point that is no farther than `radius` from a path.
    pub fn erase(&mut self, path: &[[f32; 2]], radius: f32) {
        let Some(Stroke { places, removed }) = &mut self.now else {
            return;
        };
        let covered: Vec<bool> = self
            .dots
            .iter()
            .map(|dot| brush::covers(path, radius, dot.at))
            .collect();
        if !covered.contains(&true) {
            return;
        }
        let taken = covered.iter().enumerate().filter(|(_, covered)| **covered);
        removed.extend(taken.filter_map(|(i, _)| Some((*places.get(i)?, self.dots[i]))));
        let mut kept = covered.iter().map(|covered| !covered);
        self.dots.retain(|_| kept.next().unwrap_or(true));
        let mut kept = covered.iter().map(|covered| !covered);
        places.retain(|_| kept.next().unwrap_or(true));
        self.version += 1;
    }

    /// The hand goes up. Returns whether the stroke did something.
    pub fn end(&mut self) -> bool {
        let Some(Stroke {
            places,
            mut removed,
        }) = self.now.take()
        else {
            return false;
        };
        removed.sort_unstable_by_key(|(place, _)| *place);
        let added = self.dots[places.len()..].to_vec();
        self.note(Change { removed, added })
    }

    /// Take all points away, as one stroke. Returns whether there were any.
    pub fn clear(&mut self) -> bool {
        self.end();
        let removed = std::mem::take(&mut self.dots);
        self.version += 1;
        self.note(Change {
            removed: removed.into_iter().enumerate().collect(),
            added: Vec::new(),
        })
    }

    /// Put these points in the place of all others, as one stroke. Returns whether they are others.
    pub fn put_back(&mut self, dots: Vec<Dot>) -> bool {
        self.end();
        if self.dots == dots {
            return false;
        }
        let removed = std::mem::replace(&mut self.dots, dots);
        self.version += 1;
        self.note(Change {
            removed: removed.into_iter().enumerate().collect(),
            added: self.dots.clone(),
        })
    }

    fn note(&mut self, change: Change) -> bool {
        if change.removed.is_empty() && change.added.is_empty() {
            return false;
        }
        self.done.push(change);
        self.undone.clear();
        true
    }

    /// Undo the last stroke. Returns whether there was one.
    pub fn undo(&mut self) -> bool {
        if self.now.is_some() {
            return false;
        }
        let Some(change) = self.done.pop() else {
            return false;
        };
        self.dots.truncate(self.dots.len() - change.added.len());
        let mut left = std::mem::take(&mut self.dots).into_iter();
        for (place, dot) in &change.removed {
            let missing = place - self.dots.len();
            self.dots.extend(left.by_ref().take(missing));
            self.dots.push(*dot);
        }
        self.dots.extend(left);
        self.undone.push(change);
        self.version += 1;
        true
    }

    /// Do the stroke again that was undone last. Returns whether there was one.
    pub fn redo(&mut self) -> bool {
        if self.now.is_some() {
            return false;
        }
        let Some(change) = self.undone.pop() else {
            return false;
        };
        let mut taken = change.removed.iter().map(|(place, _)| *place).peekable();
        let mut place = 0..;
        self.dots.retain(|_| {
            let here = place.next();
            let gone = taken.peek().copied() == here;
            if gone {
                taken.next();
            }
            !gone
        });
        self.dots.extend(&change.added);
        self.done.push(change);
        self.version += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maths::philox::philox4x32;

    fn dot(x: f32, label: u8) -> Dot {
        Dot {
            at: [x, 0.0],
            label,
        }
    }

    fn line(count: u8) -> Strokes {
        let mut strokes = Strokes::default();
        strokes.begin();
        strokes.add((0..count).map(|i| dot(f32::from(i), i % 2)));
        assert!(strokes.end());
        strokes
    }

    fn xs(strokes: &Strokes) -> Vec<f32> {
        strokes.dots().iter().map(|dot| dot.at[0]).collect()
    }

    /// Points at 0, 1, …, 9; a disc of 1.5 about 4 covers 3, 4 and 5, and along the way to 6 also 6 and 7.
    #[test]
    fn the_eraser_takes_what_it_covers_and_nothing_else() {
        let mut strokes = line(10);
        strokes.begin();
        strokes.erase(&[[4.0, 0.0]], 1.5);
        assert_eq!(xs(&strokes), [0.0, 1.0, 2.0, 6.0, 7.0, 8.0, 9.0]);
        strokes.erase(&[[4.0, 0.0], [6.0, 0.0]], 1.5);
        assert_eq!(xs(&strokes), [0.0, 1.0, 2.0, 8.0, 9.0]);
        strokes.erase(&[[4.0, 3.0]], 1.5);
        assert!(strokes.end());
        assert_eq!(xs(&strokes), [0.0, 1.0, 2.0, 8.0, 9.0]);
        assert!(
            strokes.undo(),
            "one stroke, however often it took something"
        );
        assert_eq!(strokes.dots(), line(10).dots());
    }

    #[test]
    fn a_stroke_that_does_nothing_is_none() {
        let mut strokes = line(3);
        strokes.begin();
        strokes.erase(&[[50.0, 0.0]], 1.0);
        assert!(!strokes.end());
        assert_eq!(strokes.depth(), 1);
        assert!(strokes.clear());
        assert!(!strokes.clear());
        assert_eq!(strokes.depth(), 2);
    }

    /// Three hundred strokes by chance, then all the way back and forth: at every depth the points are what they were.
    #[test]
    fn undo_and_redo_restore_exactly() {
        let mut strokes = Strokes::of(line(7).dots().to_vec());
        let mut states = vec![strokes.dots().to_vec()];
        for number in 0..300_u32 {
            let [kind, at, more, _] = philox4x32([number, 1, 2, 3], [4, 5]);
            let at = (at % 50) as f32;
            let changed = match kind % 8 {
                0 => strokes.clear(),
                1..=3 => {
                    strokes.begin();
                    strokes.erase(&[[at, 0.0]], 3.0);
                    strokes.erase(&[[at + 2.0, 0.0]], 4.0);
                    strokes.end()
                }
                _ => {
                    strokes.begin();
                    let count = more % 9;
                    strokes.add((0..count).map(|i| dot(at + i as f32, (i % 2) as u8)));
                    strokes.end()
                }
            };
            if changed {
                states.push(strokes.dots().to_vec());
            }
        }
        assert_eq!(strokes.depth() + 1, states.len());
        for state in states.iter().rev().skip(1) {
            assert!(strokes.undo());
            assert_eq!(strokes.dots(), state);
        }
        assert!(!strokes.undo());
        for state in &states[1..] {
            assert!(strokes.redo());
            assert_eq!(strokes.dots(), state);
        }
        assert!(!strokes.redo());
        strokes.undo();
        strokes.begin();
        strokes.add([dot(0.0, 1)]);
        strokes.end();
        assert!(!strokes.can_redo(), "a new stroke is another way on");
    }

    #[test]
    fn what_was_put_back_can_be_undone() {
        let mut strokes = line(4);
        assert!(!strokes.put_back(line(4).dots().to_vec()));
        assert!(strokes.put_back(line(2).dots().to_vec()));
        assert_eq!(strokes.dots(), line(2).dots());
        strokes.undo();
        assert_eq!(strokes.dots(), line(4).dots());
        strokes.redo();
        assert_eq!(strokes.dots(), line(2).dots());
    }

    #[test]
    fn a_drawing_has_its_limit() {
        let mut strokes = Strokes::default();
        strokes.begin();
        strokes.add((0..MOST + 5).map(|i| dot(i as f32, 0)));
        strokes.end();
        assert!(strokes.is_full() && strokes.dots().len() == MOST);
    }
}
