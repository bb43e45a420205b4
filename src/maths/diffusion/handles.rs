//! Curves that fall through handles: what a schedule and a placement of one's own share.

/// Where handles may lie, each below the one before.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The lowest value of the last one.
    pub low: f64,
    /// The highest value of the first one.
    pub high: f64,
    /// Each lies at least this far below the one before.
    pub gap: f64,
}

impl Limits {
    /// Handles brought within the limits and into falling order. What is not a number takes the default's place.
    pub fn falling<const N: usize>(self, mut handles: [f64; N], default: [f64; N]) -> [f64; N] {
        for i in 0..N {
            let wanted = if handles[i].is_nan() {
                default[i]
            } else {
                handles[i]
            };
            let [low, high] = self.room::<N>(i);
            handles[i] = wanted.clamp(low, high);
            if i > 0 {
                handles[i] = handles[i].min(handles[i - 1] - self.gap);
            }
        }
        handles
    }

    /// What the limits leave for a handle of N, lowest and highest, wherever the others are.
    fn room<const N: usize>(self, index: usize) -> [f64; 2] {
        let (before, after) = (index as f64, (N - 1 - index) as f64);
        [self.low + self.gap * after, self.high - self.gap * before]
    }

    /// Falling handles, one of them moved as far towards `value` as its neighbours and the limits let it.
    pub fn moved<const N: usize>(
        self,
        mut handles: [f64; N],
        index: usize,
        value: f64,
    ) -> [f64; N] {
        if value.is_nan() || index >= N {
            return handles;
        }
        let high = if index == 0 {
            self.high
        } else {
            handles[index - 1] - self.gap
        };
        let low = if index + 1 == N {
            self.low
        } else {
            handles[index + 1] + self.gap
        };
        // Where rounding leaves no room at all the handle stays.
        if low <= high {
            handles[index] = value.clamp(low, high);
        }
        handles
    }
}

/// The monotone cubic of Fritsch & Butland 1984 through falling `points` at 0, 1, …, N − 1, at such a place.
pub fn monotone<const N: usize>(points: [f64; N], place: f64) -> f64 {
    let left = (place as usize).min(N - 2);
    let u = place - left as f64;
    let slope = slopes(points);
    // Hermite's cubic on the unit interval.
    let rise = points[left + 1] - points[left];
    let (from, to) = (slope[left], slope[left + 1]);
    points[left] + u * (from + u * ((3.0 * rise - 2.0 * from - to) + u * (from + to - 2.0 * rise)))
}

/// Slopes per interval at the points. None is steeper than three times a neighbouring chord, which keeps the cubic
/// monotone (Fritsch & Carlson 1980).
fn slopes<const N: usize>(points: [f64; N]) -> [f64; N] {
    // Chords fall, so all slopes are ≤ 0.
    let chord = |i: usize| points[i + 1] - points[i];
    let end = |near: f64, next: f64| (1.5 * near - 0.5 * next).clamp(3.0 * near, 0.0);
    std::array::from_fn(|i| match i {
        0 => end(chord(0), chord(1)),
        _ if i == N - 1 => end(chord(i - 1), chord(i - 2)),
        _ => 2.0 * chord(i - 1) * chord(i) / (chord(i - 1) + chord(i)),
    })
}

/// Numbers between commas, as many as there are handles; `None` where that is not what the text is.
pub fn read<const N: usize>(text: &str) -> Option<[f64; N]> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|n| n.trim().parse()).collect();
    numbers.ok()?.try_into().ok()
}

/// Numbers with commas between, as [`read`] takes them.
///
/// # Errors
/// Those of the formatter.
pub fn write(f: &mut std::fmt::Formatter<'_>, handles: &[f64]) -> std::fmt::Result {
    for (index, handle) in handles.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(f, "{comma}{handle}")?;
    }
    Ok(())
}
