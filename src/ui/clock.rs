//! The one clock t/T that all chapters share.

/// Seconds from data to noise.
const SWEEP_SECS: f64 = 6.0;

/// Where the clock stands and whether it runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    /// t/T in [0, 1].
    pub tau: f64,
    /// It runs.
    pub playing: bool,
    /// How fast, in sweeps of six seconds: above 0 towards noise, below 0 towards the data.
    pub speed: f64,
    seen: Option<f64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            tau: 0.2,
            playing: false,
            speed: 1.0,
            seen: None,
        }
    }
}

impl Clock {
    /// Start or stop. From the end of its way it starts at the beginning.
    pub fn toggle(&mut self) {
        self.playing = !self.playing;
        self.seen = None;
        if self.playing && self.is_at_end() {
            self.tau = 1.0 - self.tau.round();
        }
    }

    fn is_at_end(&self) -> bool {
        if self.speed > 0.0 {
            self.tau >= 1.0
        } else {
            self.tau <= 0.0
        }
    }

    /// Stop at a place.
    pub fn set(&mut self, tau: f64) {
        self.tau = tau.clamp(0.0, 1.0);
        self.playing = false;
    }

    /// Run to the present, given in seconds. Stops at the end. A frame that took long does not make it jump.
    pub fn tick(&mut self, now: f64) {
        if self.playing {
            let elapsed = self.seen.map_or(0.0, |seen| (now - seen).clamp(0.0, 0.25));
            self.tau = (self.tau + self.speed * elapsed / SWEEP_SECS).clamp(0.0, 1.0);
            self.playing = !self.is_at_end();
        }
        self.seen = Some(now);
    }
}

/// The next multiple of `step` (a whole part of 1) after or before t/T, as `sign` says: from between two of them to the nearer end.
pub fn next_stop(tau: f64, step: f64, sign: f64) -> f64 {
    let place = tau / step;
    // Of what is a multiple but for rounding the next is meant.
    let next = if sign > 0.0 {
        (place + 1e-6).floor() + 1.0
    } else {
        (place - 1e-6).ceil() - 1.0
    };
    // By division: 20 / 100 is 0.2, 20 · 0.01 is not.
    (next / (1.0 / step).round()).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs_from_where_it_stands_to_noise_and_stops() {
        let mut clock = Clock::default();
        clock.set(0.9);
        clock.toggle();
        let frames = (0..).take_while(|i| {
            clock.tick(f64::from(*i) * 0.1);
            clock.playing
        });
        // 0.1 of the sweep are 0.6 s: six frames of 0.1 s, after the one that starts it.
        assert!((6..=7).contains(&frames.count()));
        assert_eq!(clock.tau, 1.0);
        clock.toggle();
        assert_eq!(clock.tau, 0.0);
    }

    #[test]
    fn stops_are_hundredths_and_tenths_to_the_last_bit() {
        let mut tau = 0.0;
        for step in 1..=100 {
            tau = next_stop(tau, 0.01, 1.0);
            assert_eq!(tau, f64::from(step) / 100.0);
        }
        assert_eq!(next_stop(tau, 0.01, 1.0), 1.0);
        for (from, step, sign, to) in [
            (0.1234, 0.01, 1.0, 0.13),
            (0.1234, 0.01, -1.0, 0.12),
            (0.207, 0.1, -1.0, 0.2),
            (0.2, 0.1, -1.0, 0.1),
            (0.97, 0.1, 1.0, 1.0),
            (0.004, 0.01, -1.0, 0.0),
        ] {
            assert_eq!(next_stop(from, step, sign), to, "{from} by {step}");
        }
    }

    #[test]
    fn it_runs_back_to_the_data_twice_as_fast() {
        let mut clock = Clock {
            speed: -2.0,
            ..Clock::default()
        };
        clock.set(0.0);
        clock.toggle();
        assert_eq!(clock.tau, 1.0);
        let frames = (0..).take_while(|i| {
            clock.tick(f64::from(*i) * 0.1);
            clock.playing
        });
        // Half of six seconds.
        assert!((30..=31).contains(&frames.count()));
        assert_eq!(clock.tau, 0.0);
    }
}
