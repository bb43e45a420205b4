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
    /// Bring handles within the limits and into falling order. What is not a number takes the default's place.
    pub fn mend(self, handles: &mut [f64], default: impl Fn(usize) -> f64) {
        let last = handles.len() - 1;
        for i in 0..=last {
            let wanted = if handles[i].is_nan() {
                default(i)
            } else {
                handles[i]
            };
            // What the limits leave for a handle, wherever the others are.
            let (before, after) = (i as f64, (last - i) as f64);
            handles[i] = wanted.clamp(self.low + self.gap * after, self.high - self.gap * before);
            if i > 0 {
                handles[i] = handles[i].min(handles[i - 1] - self.gap);
            }
        }
    }

    /// Move one of some falling handles as far towards `value` as its neighbours and the limits let it.
    pub fn shift(self, handles: &mut [f64], index: usize, value: f64) {
        if value.is_nan() || index >= handles.len() {
            return;
        }
        let high = if index == 0 {
            self.high
        } else {
            handles[index - 1] - self.gap
        };
        let low = if index + 1 == handles.len() {
            self.low
        } else {
            handles[index + 1] + self.gap
        };
        // Where rounding leaves no room at all the handle stays.
        if low <= high {
            handles[index] = value.clamp(low, high);
        }
    }
}

/// The monotone cubic of Fritsch & Butland 1984 through three or more falling points at 0, 1, 2, …, at such a place.
pub fn monotone(points: &[f64], place: f64) -> f64 {
    let (left, u, [first, second, third]) = cubic(points, place);
    points[left] + u * (first + u * (second + u * third))
}

/// The slope of [`monotone`], per interval.
pub fn monotone_slope(points: &[f64], place: f64) -> f64 {
    let (_, u, [first, second, third]) = cubic(points, place);
    first + u * (2.0 * second + u * 3.0 * third)
}

/// Hermite's cubic on the interval of a place: its number, the place in it, and the factors of the powers.
fn cubic(points: &[f64], place: f64) -> (usize, f64, [f64; 3]) {
    let left = (place as usize).min(points.len() - 2);
    let rise = points[left + 1] - points[left];
    let (from, to) = (slope(points, left), slope(points, left + 1));
    let factors = [from, 3.0 * rise - 2.0 * from - to, from + to - 2.0 * rise];
    (left, place - left as f64, factors)
}

/// The slope per interval at a point. None is steeper than three times a neighbouring chord, which keeps the cubic monotone
/// (Fritsch & Carlson 1980).
fn slope(points: &[f64], index: usize) -> f64 {
    // Chords fall, so all slopes are ≤ 0.
    let chord = |i: usize| points[i + 1] - points[i];
    let end = |near: f64, next: f64| (1.5 * near - 0.5 * next).clamp(3.0 * near, 0.0);
    match index {
        0 => end(chord(0), chord(1)),
        i if i + 1 == points.len() => end(chord(i - 1), chord(i - 2)),
        i => 2.0 * chord(i - 1) * chord(i) / (chord(i - 1) + chord(i)),
    }
}

/// Numbers between commas; `None` where that is not what the text is.
pub fn read(text: &str) -> Option<Vec<f64>> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|n| n.trim().parse()).collect();
    numbers.ok()
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
