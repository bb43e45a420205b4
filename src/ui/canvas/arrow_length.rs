//! How an arrow's length follows from its vector's magnitude: one scale at every time, so that lengths of two times compare.
//!
//! The twin of `shaders/shared/arrow_length.wgsl`, for the key beside the arrows.

/// How an arrow's length follows from its vector's magnitude.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArrowLength {
    /// In proportion, up to [`ArrowLength::longest`].
    #[default]
    True,
    /// By the logarithm, over four decades.
    Log,
    /// All alike: directions only.
    Unit,
}

/// Magnitude of the longest arrow in proportion; by the logarithm, and where that begins.
const LONGEST_TRUE: f32 = 10.0;
const LONGEST_LOG: f32 = 1000.0;
const LOG_FROM: f32 = 0.1;

impl ArrowLength {
    /// Every rule, in the order of the shader's numbers.
    pub const ALL: [Self; 3] = [Self::True, Self::Log, Self::Unit];

    /// The magnitude from which on all arrows have the greatest length; `None` where length says nothing.
    pub fn longest(self) -> Option<f32> {
        match self {
            Self::True => Some(LONGEST_TRUE),
            Self::Log => Some(LONGEST_LOG),
            Self::Unit => None,
        }
    }

    /// Share of the greatest length that a vector of this magnitude gets.
    pub fn share(self, magnitude: f32) -> f32 {
        match self {
            Self::True => (magnitude / LONGEST_TRUE).min(1.0),
            Self::Log => {
                let decades =
                    (1.0 + magnitude / LOG_FROM).ln() / (1.0 + LONGEST_LOG / LOG_FROM).ln();
                decades.min(1.0)
            }
            Self::Unit => 0.8,
        }
    }

    /// Magnitudes whose lengths the key shows: round, and none longer than the longest arrow.
    pub fn marks(self) -> &'static [f32] {
        match self {
            Self::True => &[10.0],
            Self::Log => &[1.0, 10.0, 100.0],
            Self::Unit => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn true_lengths_are_in_proportion_and_cut_and_logarithms_grow_by_equal_steps() {
        assert!((ArrowLength::True.share(2.5) - 0.25).abs() < 1e-6);
        assert_eq!(ArrowLength::True.share(10.0), 1.0);
        assert_eq!(ArrowLength::True.share(4000.0), 1.0);
        let shares = [10.0, 100.0, 1000.0].map(|magnitude| ArrowLength::Log.share(magnitude));
        // A decade is a quarter of four.
        assert!(
            shares
                .windows(2)
                .all(|pair| (pair[1] - pair[0] - 0.25).abs() < 0.003)
        );
        assert!((shares[2] - 1.0).abs() < 1e-6 && ArrowLength::Log.share(0.0) == 0.0);
        assert_eq!(ArrowLength::Unit.share(3.0), ArrowLength::Unit.share(300.0));
    }

    #[test]
    fn the_key_shows_nothing_longer_than_the_longest_arrow() {
        for rule in ArrowLength::ALL {
            let longest = rule.longest().unwrap_or(f32::INFINITY);
            assert!(rule.marks().iter().all(|mark| *mark <= longest));
        }
    }
}
