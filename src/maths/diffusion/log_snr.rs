//! A noise schedule of one's own: log SNR through five handles, falling by construction.

/// How many handles there are, at t/T = 0, 1/4, 1/2, 3/4 and 1.
pub const HANDLES: usize = 5;
/// A handle's log SNR lies within ± this (ᾱ from 6e-6 to 1 − 6e-6), where f32 still tells a and s from 0 and 1.
pub const LIMIT: f64 = 12.0;
/// Each handle lies at least this far below the one before.
pub const GAP: f64 = 0.25;

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
    pub fn new(mut handles: [f64; HANDLES]) -> Self {
        let default = Self::default().handles;
        for i in 0..HANDLES {
            let wanted = if handles[i].is_nan() {
                default[i]
            } else {
                handles[i]
            };
            let [low, high] = Self::room(i);
            handles[i] = wanted.clamp(low, high);
            if i > 0 {
                handles[i] = handles[i].min(handles[i - 1] - GAP);
            }
        }
        Self { handles }
    }

    /// What the limits leave for a handle, lowest and highest, wherever the others are.
    fn room(index: usize) -> [f64; 2] {
        let (before, after) = (index as f64, (HANDLES - 1 - index) as f64);
        [-LIMIT + GAP * after, LIMIT - GAP * before]
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
    pub fn moved(mut self, index: usize, value: f64) -> Self {
        if value.is_nan() || index >= HANDLES {
            return self;
        }
        let high = if index == 0 {
            LIMIT
        } else {
            self.handles[index - 1] - GAP
        };
        let low = if index + 1 == HANDLES {
            -LIMIT
        } else {
            self.handles[index + 1] + GAP
        };
        // Where rounding leaves no room at all the handle stays.
        if low <= high {
            self.handles[index] = value.clamp(low, high);
        }
        Self::new(self.handles)
    }

    /// log SNR at t/T: the monotone cubic of Fritsch & Butland 1984 through the handles.
    pub fn at(self, tau: f64) -> f64 {
        let place = tau.clamp(0.0, 1.0) * (HANDLES - 1) as f64;
        let left = (place as usize).min(HANDLES - 2);
        let (u, h) = (place - left as f64, self.handles);
        let slope = self.slopes();
        // Hermite's cubic on the unit interval.
        let rise = h[left + 1] - h[left];
        let (from, to) = (slope[left], slope[left + 1]);
        h[left] + u * (from + u * ((3.0 * rise - 2.0 * from - to) + u * (from + to - 2.0 * rise)))
    }

    /// Slopes per interval at the handles. None is steeper than three times a neighbouring chord, which keeps the cubic
    /// monotone (Fritsch & Carlson 1980).
    fn slopes(self) -> [f64; HANDLES] {
        let chord: [f64; HANDLES - 1] =
            std::array::from_fn(|i| self.handles[i + 1] - self.handles[i]);
        // Chords fall, so all slopes are ≤ 0.
        let end = |near: f64, next: f64| (1.5 * near - 0.5 * next).clamp(3.0 * near, 0.0);
        std::array::from_fn(|i| match i {
            0 => end(chord[0], chord[1]),
            _ if i == HANDLES - 1 => end(chord[i - 1], chord[i - 2]),
            _ => 2.0 * chord[i - 1] * chord[i] / (chord[i - 1] + chord[i]),
        })
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
        let [first, rest @ ..] = self.handles;
        write!(f, "{first}")?;
        rest.iter().try_for_each(|handle| write!(f, ",{handle}"))
    }
}

impl std::str::FromStr for LogSnr {
    type Err = ();

    /// Five falling numbers between commas. Numbers that are not a schedule as they stand are refused, not mended.
    fn from_str(text: &str) -> Result<Self, ()> {
        let numbers: Vec<f64> = text
            .split(',')
            .map(|n| n.trim().parse())
            .collect::<Result<_, _>>()
            .map_err(drop)?;
        let handles: [f64; HANDLES] = numbers.try_into().map_err(drop)?;
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
