//! A noise schedule of one's own: log SNR through a few handles, falling by construction.

use std::ops::RangeInclusive;

use super::handles::{self, Limits};

/// How many handles there may be, at even t/T from 0 to 1. Five are the default.
pub const HANDLES: RangeInclusive<usize> = FEWEST..=MOST;
const FEWEST: usize = 5;
const MOST: usize = 17;
/// A handle's log SNR lies within ± this (ᾱ from 6e-6 to 1 − 6e-6), where f32 still tells a and s from 0 and 1.
pub const LIMIT: f64 = 12.0;
/// Each handle lies at least this far below the one before.
pub const GAP: f64 = 0.25;

const LIMITS: Limits = Limits {
    low: -LIMIT,
    high: LIMIT,
    gap: GAP,
};

/// log SNR = ln(a²/s²) along t/T, a falling curve through its handles: the variance-preserving schedule with
/// ᾱ = 1/(1 + exp(−log SNR)) (Kingma et al. 2021, "Variational diffusion models", eq. 4).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogSnr {
    /// Behind the last handle all are 0, so that equal schedules are equal.
    handles: [f64; MOST],
    count: usize,
}

impl Default for LogSnr {
    /// The straight line from 9 to −9 by five handles: the noise grows by the same factor with every step.
    fn default() -> Self {
        Self::five([9.0, 4.5, 0.0, -4.5, -9.0])
    }
}

impl LogSnr {
    /// The limits of what five handles allow: as wide as can be; a cliff in the middle, at the data's end and at the noise's;
    /// as flat as can be near the data and near the noise.
    pub const CORNERS: [Self; 6] = [
        Self::five([LIMIT, 0.5 * LIMIT, 0.0, -0.5 * LIMIT, -LIMIT]),
        Self::five([LIMIT, LIMIT - GAP, 0.0, GAP - LIMIT, -LIMIT]),
        Self::five([
            LIMIT,
            3.0 * GAP - LIMIT,
            2.0 * GAP - LIMIT,
            GAP - LIMIT,
            -LIMIT,
        ]),
        Self::five([
            LIMIT,
            LIMIT - GAP,
            LIMIT - 2.0 * GAP,
            LIMIT - 3.0 * GAP,
            -LIMIT,
        ]),
        Self::five([
            LIMIT,
            LIMIT - GAP,
            LIMIT - 2.0 * GAP,
            LIMIT - 3.0 * GAP,
            LIMIT - 4.0 * GAP,
        ]),
        Self::five([
            4.0 * GAP - LIMIT,
            3.0 * GAP - LIMIT,
            2.0 * GAP - LIMIT,
            GAP - LIMIT,
            -LIMIT,
        ]),
    ];

    /// The steepest that as many handles as can be allow: a cliff in the middle, at the data's end and at the noise's.
    pub const CLIFFS: [Self; 3] = [
        Self::cliff((MOST - 1) / 2),
        Self::cliff(0),
        Self::cliff(MOST - 2),
    ];

    const fn five(handles: [f64; FEWEST]) -> Self {
        let [a, b, c, d, e] = handles;
        let mut all = [0.0; MOST];
        [all[0], all[1], all[2], all[3], all[4]] = [a, b, c, d, e];
        Self {
            handles: all,
            count: FEWEST,
        }
    }

    /// As many handles as can be, all of the fall between this one and the next.
    const fn cliff(last_high: usize) -> Self {
        let (mut handles, mut i) = ([0.0; MOST], 0);
        while i < MOST {
            handles[i] = if i <= last_high {
                LIMIT - GAP * i as f64
            } else {
                GAP * (MOST - 1 - i) as f64 - LIMIT
            };
            i += 1;
        }
        Self {
            handles,
            count: MOST,
        }
    }

    /// The schedule through these handles, brought within the limits and into falling order. What is not a number takes
    /// the place that the straight line from 9 to −9 has there. Another number of them than [`HANDLES`] does not compile.
    pub fn new<const N: usize>(handles: [f64; N]) -> Self {
        const { assert!(FEWEST <= N && N <= MOST, "5 to 17 handles") };
        Self::mended(&handles)
    }

    /// The schedule through these handles as they stand; `None` where they are too few or too many, or where [`Self::new`] would
    /// change one.
    pub fn through(handles: &[f64]) -> Option<Self> {
        let own = HANDLES
            .contains(&handles.len())
            .then(|| Self::mended(handles))?;
        (own.handles() == handles).then_some(own)
    }

    /// As [`Self::new`], of 5 to 17 handles.
    pub(super) fn mended(wanted: &[f64]) -> Self {
        let (mut handles, count) = ([0.0; MOST], wanted.len());
        handles[..count].copy_from_slice(wanted);
        let straight = |i: usize| 9.0 - 18.0 * (i as f64 / (count - 1) as f64);
        LIMITS.mend(&mut handles[..count], straight);
        Self { handles, count }
    }

    /// log SNR at the handles, falling.
    pub fn handles(&self) -> &[f64] {
        &self.handles[..self.count]
    }

    /// t/T of a handle.
    pub fn tau(&self, index: usize) -> f64 {
        index as f64 / (self.count - 1) as f64
    }

    /// With one handle moved as far towards `value` as its neighbours and the limits let it.
    #[must_use]
    pub fn moved(mut self, index: usize, value: f64) -> Self {
        LIMITS.shift(&mut self.handles[..self.count], index, value);
        Self::mended(self.handles())
    }

    /// log SNR at t/T: a monotone cubic through the handles.
    pub fn at(self, tau: f64) -> f64 {
        let place = tau.clamp(0.0, 1.0) * (self.count - 1) as f64;
        handles::monotone(self.handles(), place)
    }

    /// The derivative of log SNR by t/T.
    pub fn slope(self, tau: f64) -> f64 {
        let intervals = (self.count - 1) as f64;
        intervals * handles::monotone_slope(self.handles(), tau.clamp(0.0, 1.0) * intervals)
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
        handles::write(f, self.handles())
    }
}

impl std::str::FromStr for LogSnr {
    type Err = ();

    /// 5 to 17 falling numbers between commas. Numbers that are not a schedule as they stand are refused, not mended.
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::through(&handles::read(text).ok_or(())?).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use proptest::prelude::*;

    #[test]
    fn equal_steps_make_a_straight_line() {
        let many = LogSnr::new([f64::NAN; 17]);
        for i in 0..=100 {
            let tau = f64::from(i) / 100.0;
            assert_abs_diff_eq!(LogSnr::default().at(tau), 9.0 - 18.0 * tau, epsilon = 1e-12);
            assert_abs_diff_eq!(many.at(tau), 9.0 - 18.0 * tau, epsilon = 1e-12);
        }
        assert_abs_diff_eq!(LogSnr::default().alpha_bar(0.5), 0.5, epsilon = 1e-15);
    }

    /// By hand, in quarters: the slopes at 0, 1/4 and 1/2 are −5, −8/3 and −12/7; Hermite's cubic in the middle is the mean of
    /// the handles and an eighth of the slopes' difference.
    #[test]
    fn five_handles_give_what_they_always_gave() {
        let own = LogSnr::new([9.0, 5.0, 3.0, 1.5, -6.0]);
        assert_abs_diff_eq!(
            own.at(0.125),
            7.0 + (-5.0 + 8.0 / 3.0) / 8.0,
            epsilon = 1e-12
        );
        assert_abs_diff_eq!(
            own.at(0.375),
            4.0 + (-8.0 / 3.0 + 12.0 / 7.0) / 8.0,
            epsilon = 1e-12
        );
        // At the end: 1.5 (−7.5) − 0.5 (−1.5) = −10.5, and −22.5/9 before it.
        assert_abs_diff_eq!(own.at(0.875), -2.25 + (-2.5 + 10.5) / 8.0, epsilon = 1e-12);
        assert_eq!(own.to_string(), "9,5,3,1.5,-6");
    }

    #[test]
    fn the_corners_are_schedules_as_they_stand() {
        for corner in LogSnr::CORNERS.into_iter().chain(LogSnr::CLIFFS) {
            assert_eq!(LogSnr::through(corner.handles()), Some(corner));
        }
    }

    #[test]
    fn a_handle_stops_at_its_neighbours() {
        let moved = LogSnr::default().moved(2, 100.0);
        assert_eq!(moved.handles(), [9.0, 4.5, 4.25, -4.5, -9.0]);
        assert_eq!(moved.moved(0, -50.0).handles()[0], 4.75);
        assert_eq!(moved.moved(4, -50.0).handles()[4], -LIMIT);
        assert_eq!(moved.moved(1, f64::NAN), moved);
        assert_eq!(moved.moved(5, 0.0), moved);
    }

    #[test]
    fn schedules_are_read_as_they_are_written_and_rising_ones_refused() {
        let own = LogSnr::new([7.3, 2.1, 0.1, -0.7, -5.0]);
        assert_eq!(own.to_string(), "7.3,2.1,0.1,-0.7,-5");
        assert_eq!(own.to_string().parse(), Ok(own));
        let six = LogSnr::new([9.0, 4.0, 0.0, -4.0, -9.0, -10.0]);
        assert_eq!("9,4,0,-4,-9,-10".parse(), Ok(six));
        let eighteen = (0..18).map(|i| (9 - i).to_string()).collect::<Vec<_>>();
        for wrong in [
            "",
            "1,2,3,4,5",
            "9,4,0,-4",
            &eighteen.join(","),
            "99,4,0,-4,-9",
            "9,4,0,NaN,-9",
            "9,4,0,-4,x",
        ] {
            assert_eq!(wrong.parse::<LogSnr>(), Err(()), "{wrong}");
        }
        assert!(eighteen[..17].join(",").parse::<LogSnr>().is_ok());
    }

    /// Any number of handles that there may be, by numbers that need not fall.
    fn any() -> impl Strategy<Value = LogSnr> {
        (HANDLES, proptest::array::uniform17(-30.0..30.0_f64))
            .prop_map(|(count, handles)| LogSnr::mended(&handles[..count]))
    }

    proptest! {
        /// Any numbers make a falling curve that passes through its handles, and survives writing and reading bit for bit.
        #[test]
        fn any_handles_make_a_falling_schedule(own in any()) {
            let read: LogSnr = own.to_string().parse().unwrap();
            let bits = |own: &LogSnr| own.handles().iter().map(|h| h.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(read, own);
            prop_assert_eq!(bits(&read), bits(&own));
            prop_assert_eq!(LogSnr::through(own.handles()), Some(own));
            for (i, handle) in own.handles().iter().enumerate() {
                prop_assert!((own.at(own.tau(i)) - handle).abs() < 1e-12);
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
        fn dragging_keeps_the_order(own in any(), moves in proptest::collection::vec((0..MOST, -40.0..40.0_f64), 1..40)) {
            let (mut own, count) = (own, own.handles().len());
            for (index, value) in moves {
                own = own.moved(index, value);
                prop_assert!(own.handles().windows(2).all(|pair| pair[1] <= pair[0] - GAP));
                prop_assert_eq!(own.handles().len(), count);
            }
        }
    }
}
