//! A noise schedule of one's own: log SNR through five handles, falling by construction.

use super::handles::{self, Limits};

/// How many handles there are, at t/T = 0, 1/4, 1/2, 3/4 and 1.
pub const HANDLES: usize = 5;
/// A handle's log SNR lies within ± this (ᾱ from 6e-6 to 1 − 6e-6), where f32 still tells a and s from 0 and 1.
pub const LIMIT: f64 = 12.0;
/// Each handle lies at least this far below the one before.
pub const GAP: f64 = 0.25;

const LIMITS: Limits = Limits {
    low: -LIMIT,
    high: LIMIT,
    gap: GAP,
};

/// log SNR = ln(a²/s²) along t/T, a falling curve through five handles: the variance-preserving schedule with
/// ᾱ = 1/(1 + exp(−log SNR)) (Kingma et al. 2021, "Variational diffusion models", eq. 4).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogSnr {
    handles: [f64; HANDLES],
}

impl Default for LogSnr {
    /// The straight line from 9 to −9: the noise grows by the same factor with every step.
    fn default() -> Self {
        Self {
            handles: [9.0, 4.5, 0.0, -4.5, -9.0],
        }
    }
}

impl LogSnr {
    /// The limits of what the handles allow: as wide as can be; a cliff in the middle, at the data's end and at the noise's;
    /// as flat as can be near the data and near the noise.
    pub const CORNERS: [Self; 6] = [
        Self {
            handles: [LIMIT, 0.5 * LIMIT, 0.0, -0.5 * LIMIT, -LIMIT],
        },
        Self {
            handles: [LIMIT, LIMIT - GAP, 0.0, GAP - LIMIT, -LIMIT],
        },
        Self {
            handles: [
                LIMIT,
                3.0 * GAP - LIMIT,
                2.0 * GAP - LIMIT,
                GAP - LIMIT,
                -LIMIT,
            ],
        },
        Self {
            handles: [
                LIMIT,
                LIMIT - GAP,
                LIMIT - 2.0 * GAP,
                LIMIT - 3.0 * GAP,
                -LIMIT,
            ],
        },
        Self {
            handles: [
                LIMIT,
                LIMIT - GAP,
                LIMIT - 2.0 * GAP,
                LIMIT - 3.0 * GAP,
                LIMIT - 4.0 * GAP,
            ],
        },
        Self {
            handles: [
                4.0 * GAP - LIMIT,
                3.0 * GAP - LIMIT,
                2.0 * GAP - LIMIT,
                GAP - LIMIT,
                -LIMIT,
            ],
        },
    ];

    /// The schedule through these handles, brought within the limits and into falling order. What is not a number takes
    /// the default's place.
    pub fn new(handles: [f64; HANDLES]) -> Self {
        Self {
            handles: LIMITS.falling(handles, Self::default().handles),
        }
    }

    /// log SNR at the handles, falling.
    pub fn handles(self) -> [f64; HANDLES] {
        self.handles
    }

    /// t/T of a handle.
    pub fn tau(index: usize) -> f64 {
        index as f64 / (HANDLES - 1) as f64
    }

    /// With one handle moved as far towards `value` as its neighbours and the limits let it.
    #[must_use]
    pub fn moved(self, index: usize, value: f64) -> Self {
        Self::new(LIMITS.moved(self.handles, index, value))
    }

    /// log SNR at t/T: a monotone cubic through the handles.
    pub fn at(self, tau: f64) -> f64 {
        let place = tau.clamp(0.0, 1.0) * (HANDLES - 1) as f64;
        handles::monotone(self.handles, place)
    }

    /// ᾱ at t/T.
    pub fn alpha_bar(self, tau: f64) -> f64 {
        sigmoid(self.at(tau))
    }

    /// 1 − ᾱ at t/T, without cancellation.
    pub fn noise_variance(self, tau: f64) -> f64 {
        sigmoid(-self.at(tau))
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl std::fmt::Display for LogSnr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        handles::write(f, &self.handles)
    }
}

impl std::str::FromStr for LogSnr {
    type Err = ();

    /// Five falling numbers between commas. Numbers that are not a schedule as they stand are refused, not mended.
    fn from_str(text: &str) -> Result<Self, ()> {
        let handles = handles::read(text).ok_or(())?;
        let schedule = Self::new(handles);
        if schedule.handles == handles {
            Ok(schedule)
        } else {
            Err(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use proptest::prelude::*;

    #[test]
    fn equal_steps_make_a_straight_line() {
        for i in 0..=100 {
            let tau = f64::from(i) / 100.0;
            assert_abs_diff_eq!(LogSnr::default().at(tau), 9.0 - 18.0 * tau, epsilon = 1e-12);
        }
        assert_abs_diff_eq!(LogSnr::default().alpha_bar(0.5), 0.5, epsilon = 1e-15);
    }

    #[test]
    fn the_corners_are_schedules_as_they_stand() {
        for corner in LogSnr::CORNERS {
            assert_eq!(LogSnr::new(corner.handles()), corner);
        }
    }

    #[test]
    fn a_handle_stops_at_its_neighbours() {
        let moved = LogSnr::default().moved(2, 100.0);
        assert_eq!(moved.handles(), [9.0, 4.5, 4.25, -4.5, -9.0]);
        assert_eq!(moved.moved(0, -50.0).handles()[0], 4.75);
        assert_eq!(moved.moved(4, -50.0).handles()[4], -LIMIT);
        assert_eq!(moved.moved(1, f64::NAN), moved);
    }

    #[test]
    fn schedules_are_read_as_they_are_written_and_rising_ones_refused() {
        let own = LogSnr::new([7.3, 2.1, 0.1, -0.7, -5.0]);
        assert_eq!(own.to_string(), "7.3,2.1,0.1,-0.7,-5");
        assert_eq!(own.to_string().parse(), Ok(own));
        for wrong in [
            "",
            "1,2,3,4,5",
            "9,4,0,-4",
            "9,4,0,-4,-9,-10",
            "99,4,0,-4,-9",
            "9,4,0,NaN,-9",
            "9,4,0,-4,x",
        ] {
            assert_eq!(wrong.parse::<LogSnr>(), Err(()), "{wrong}");
        }
    }

    proptest! {
        /// Any five numbers make a falling curve that passes through its handles, and survives writing and reading.
        #[test]
        fn any_handles_make_a_falling_schedule(handles in proptest::array::uniform5(-30.0..30.0_f64)) {
            let own = LogSnr::new(handles);
            prop_assert_eq!(own.to_string().parse(), Ok(own));
            prop_assert_eq!(LogSnr::new(own.handles()), own);
            for (i, handle) in own.handles().into_iter().enumerate() {
                prop_assert!((own.at(LogSnr::tau(i)) - handle).abs() < 1e-12);
                prop_assert!(handle.abs() <= LIMIT);
            }
            let mut last = f64::INFINITY;
            for i in 0..=400 {
                let now = own.at(f64::from(i) / 400.0);
                prop_assert!(now < last, "{now} after {last} at {i}");
                last = now;
            }
        }

        /// However a hand drags, the order stays.
        #[test]
        fn dragging_keeps_the_order(moves in proptest::collection::vec((0..HANDLES, -40.0..40.0_f64), 1..40)) {
            let mut own = LogSnr::default();
            for (index, value) in moves {
                own = own.moved(index, value);
                prop_assert!(own.handles().windows(2).all(|pair| pair[1] <= pair[0] - GAP));
            }
        }
    }
}
