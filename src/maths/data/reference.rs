//! What samples are judged against: fresh draws of a closed form, or rows of a file that no training saw.

use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::index;

use super::mixture::Mixture;

/// A source of honest samples of the data, in standardised units.
#[derive(Clone, Debug)]
pub enum Reference {
    /// Fresh draws of the distribution itself, without end.
    Mixture(Arc<Mixture>),
    /// Rows of a file that were kept from the training. There are only so many.
    HeldOut(Arc<Vec<[f32; 2]>>),
}

impl Reference {
    /// The most points that either set of [`Reference::pair`] can have; `None` without a limit.
    pub fn most(&self) -> Option<usize> {
        match self {
            Self::Mixture(_) => None,
            Self::HeldOut(rows) => Some(rows.len() / 2),
        }
    }

    /// Two sets of `n` points with none in common, another two for each seed: fewer where there are not as many (see
    /// [`Reference::most`]).
    pub fn pair(&self, n: usize, seed: u64) -> [Vec<[f32; 2]>; 2] {
        let mut rng = StdRng::seed_from_u64(seed);
        match self {
            Self::Mixture(mixture) => [mixture.sample(n, &mut rng), mixture.sample(n, &mut rng)],
            Self::HeldOut(rows) => {
                let n = n.min(rows.len() / 2);
                let chosen: Vec<_> = index::sample(&mut rng, rows.len(), 2 * n)
                    .into_iter()
                    .map(|i| rows[i])
                    .collect();
                let (left, right) = chosen.split_at(n);
                [left.to_vec(), right.to_vec()]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::shapes::Shape;

    #[test]
    fn rows_are_given_once_and_draws_without_end() {
        let rows: Vec<[f32; 2]> = (0..11_u8).map(|i| [f32::from(i), 0.0]).collect();
        let held_out = Reference::HeldOut(Arc::new(rows));
        let [left, right] = held_out.pair(100, 3);
        assert_eq!((left.len(), right.len(), held_out.most()), (5, 5, Some(5)));
        assert!(
            left.iter().all(|row| !right.contains(row)),
            "{left:?} {right:?}"
        );
        assert_eq!(held_out.pair(100, 3), [left, right]);
        assert_ne!(held_out.pair(4, 3), held_out.pair(4, 4));
        let drawn = Reference::Mixture(Arc::new(Shape::Moons.mixture()));
        let [left, right] = drawn.pair(100, 3);
        assert_eq!((left.len(), right.len(), drawn.most()), (100, 100, None));
        assert_ne!(left, right);
    }
}
