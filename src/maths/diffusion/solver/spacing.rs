//! A placement of steps of one's own: t/T through three handles, falling by construction.

use crate::diffusion::handles::{self, Limits};

/// How many handles there are, after 1/4, 1/2 and 3/4 of the steps.
pub const HANDLES: usize = 3;
/// Handles are whole thousandths of T: a placement that one can say.
const UNIT: f64 = 1000.0;
/// Each handle lies at least this far below the one before, and from both ends.
const GAP: f64 = 0.01;

/// In thousandths, which are exact.
const LIMITS: Limits = Limits {
    low: UNIT * GAP,
    high: UNIT - UNIT * GAP,
    gap: UNIT * GAP,
};

/// t/T along the steps, a falling curve from 1 through three handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spacing {
    thousandths: [u16; HANDLES],
}

impl Default for Spacing {
    fn default() -> Self {
        Self::EVEN
    }
}

impl Spacing {
    /// The straight line: steps of equal length.
    pub const EVEN: Self = Self {
        thousandths: [750, 500, 250],
    };

    /// The limits of what the handles allow: all near the noise, all near the data, a cliff before and one behind the middle.
    pub const CORNERS: [Self; 4] = [
        Self {
            thousandths: [990, 980, 970],
        },
        Self {
            thousandths: [30, 20, 10],
        },
        Self {
            thousandths: [990, 20, 10],
        },
        Self {
            thousandths: [990, 980, 10],
        },
    ];

    /// The placement through these t/T, to the nearest thousandth, brought within the limits and into falling order. What is
    /// not a number takes the default's place.
    pub fn new(handles: [f64; HANDLES]) -> Self {
        let mut rounded = handles.map(|tau| (UNIT * tau).round());
        LIMITS.mend(&mut rounded, |index| {
            f64::from(Self::EVEN.thousandths[index])
        });
        Self::of_thousandths(rounded)
    }

    fn of_thousandths(handles: [f64; HANDLES]) -> Self {
        Self {
            thousandths: handles.map(|handle| handle as u16),
        }
    }

    /// t/T at the handles, falling.
    pub fn handles(self) -> [f64; HANDLES] {
        self.thousandths.map(|handle| f64::from(handle) / UNIT)
    }

    /// Which share of the steps lies before a handle.
    pub fn share(index: usize) -> f64 {
        (index + 1) as f64 / (HANDLES + 1) as f64
    }

    /// With one handle moved as far towards `tau` as its neighbours and the limits let it.
    #[must_use]
    pub fn moved(self, index: usize, tau: f64) -> Self {
        let mut handles = self.thousandths.map(f64::from);
        LIMITS.shift(&mut handles, index, (UNIT * tau).round());
        Self::of_thousandths(handles)
    }

    /// t/T after this share of the steps: a monotone cubic from 1 through the handles to `nearest`, the t/T of t = 1.
    ///
    /// A handle to which t = 1 leaves no room is raised: where T is large none is.
    pub fn at(self, share: f64, nearest: f64) -> f64 {
        let [first, second, third] = std::array::from_fn(|index| {
            let least = GAP * (HANDLES - index) as f64;
            // As high above t = 1 as the lowest handles are above the data; of two falling rows the higher values fall too.
            self.handles()[index].max(nearest + (1.0 - nearest) * least)
        });
        let points = [1.0, first, second, third, nearest];
        handles::monotone(&points, share.clamp(0.0, 1.0) * (HANDLES + 1) as f64)
    }
}

impl std::fmt::Display for Spacing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        handles::write(f, &self.handles())
    }
}

impl std::str::FromStr for Spacing {
    type Err = ();

    /// Three falling t/T between commas. Numbers that are not a placement as they stand are refused, not mended.
    fn from_str(text: &str) -> Result<Self, ()> {
        let read = handles::read(text).ok_or(())?;
        let handles: [f64; HANDLES] = read.try_into().map_err(drop)?;
        let spacing = Self::new(handles);
        if spacing.handles() == handles {
            Ok(spacing)
        } else {
            Err(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Through equal chords the cubic is their line: 1 − (1 − 1/T) share where the handles lie on it.
    #[test]
    fn equal_steps_make_a_straight_line() {
        for i in 0..=100 {
            let share = f64::from(i) / 100.0;
            assert!((Spacing::EVEN.at(share, 0.0) - (1.0 - share)).abs() < 1e-15);
        }
    }

    #[test]
    fn the_corners_are_placements_as_they_stand() {
        for corner in Spacing::CORNERS {
            assert_eq!(Spacing::new(corner.handles()), corner);
        }
    }

    #[test]
    fn a_handle_stops_at_its_neighbours_and_before_the_ends() {
        let moved = Spacing::EVEN.moved(1, 0.9);
        assert_eq!(moved.handles(), [0.75, 0.74, 0.25]);
        assert_eq!(moved.moved(0, 2.0).handles()[0], 0.99);
        assert_eq!(moved.moved(2, -1.0).handles()[2], 0.01);
        assert_eq!(moved.moved(2, 0.333_333).handles()[2], 0.333);
        assert_eq!(moved.moved(1, f64::NAN), moved);
        assert_eq!(moved.moved(3, 0.5), moved);
    }

    #[test]
    fn what_does_not_fall_between_1_and_0_is_refused() {
        for wrong in [
            "",
            "0.8",
            "0.8,0.5",
            "0.8,0.5,0.2,0.1",
            "0.2,0.5,0.8",
            "0.8,0.5,0.495",
            "1,0.5,0.2",
            "0.8,0.5,0",
            "0.8,0.5,-0.2",
            "0.8,NaN,0.2",
            "0.8,0.5,x",
            "0.8005,0.5,0.2",
        ] {
            assert_eq!(wrong.parse::<Spacing>(), Err(()), "{wrong}");
        }
        assert_eq!(
            "0.03, 0.02, 0.01".parse::<Spacing>(),
            Ok(Spacing::CORNERS[1])
        );
    }

    proptest! {
        /// Any three numbers make a falling curve through its handles, from 1 to t = 1, and survive writing and reading.
        #[test]
        fn any_handles_make_a_falling_placement(
            handles in proptest::array::uniform3(-0.5..1.5_f64),
            timesteps in 2..=4000_u32,
        ) {
            let own = Spacing::new(handles);
            prop_assert_eq!(own.to_string().parse(), Ok(own));
            let nearest = 1.0 / f64::from(timesteps);
            prop_assert_eq!(own.at(0.0, nearest), 1.0);
            prop_assert!((own.at(1.0, nearest) - nearest).abs() < 1e-15);
            for (index, handle) in own.handles().into_iter().enumerate() {
                let at = own.at(Spacing::share(index), nearest);
                // The lowest handles are 0.03, 0.02 and 0.01.
                let has_room = handle >= nearest + 0.03;
                prop_assert!(at > handle - 1e-15 && (!has_room || at < handle + 1e-15), "{at} at {handle}");
            }
            let mut last = f64::INFINITY;
            for i in 0..=400 {
                let now = own.at(f64::from(i) / 400.0, nearest);
                prop_assert!(now < last, "{now} after {last} at {i}");
                last = now;
            }
        }

        /// However a hand drags, the order stays.
        #[test]
        fn dragging_keeps_the_order(moves in proptest::collection::vec((0..HANDLES, -0.5..1.5_f64), 1..40)) {
            let mut own = Spacing::EVEN;
            for (index, tau) in moves {
                own = own.moved(index, tau);
                prop_assert_eq!(Spacing::new(own.handles()), own);
            }
        }
    }
}
