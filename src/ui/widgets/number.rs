//! Numbers as text, short and of steady width.

/// Three significant digits where they fit: `0.658`, `12.3`, `4.0e−5`, `∞`.
pub fn short(value: f64) -> String {
    let size = value.abs();
    let text = if value.is_nan() {
        return "–".into();
    } else if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "−∞" }.into();
    } else if size != 0.0 && !(1e-3..1e5).contains(&size) {
        format!("{value:.1e}")
    } else if size >= 1000.0 {
        return grouped(value);
    } else if size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else if size >= 1.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.3}")
    };
    text.replace('-', "−")
}

/// With `decimals` digits after the point.
pub fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return short(value);
    }
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        // What rounds to nothing has no sign.
        Some(digits) if digits.bytes().all(|b| b == b'0' || b == b'.') => digits.to_owned(),
        Some(digits) => format!("−{digits}"),
        None => text,
    }
}

/// A count with thin spaces between thousands: `12 480`.
pub fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::with_capacity(digits.len() + 4);
    if value <= -0.5 {
        text.push('−');
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

/// A duration: `42 s`, `3:07`, `1:02:09`.
pub fn duration(secs: f64) -> String {
    let whole = secs.max(0.0) as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else if minutes > 0 {
        format!("{minutes}:{seconds:02}")
    } else {
        format!("{seconds} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_at_every_size() {
        for (value, text) in [
            (0.0, "0.000"),
            (0.658_1, "0.658"),
            (-1.916, "−1.92"),
            (99.84, "99.8"),
            (431.2, "431"),
            (12_480.0, "12\u{2009}480"),
            (4.03e-5, "4.0e−5"),
            (f64::INFINITY, "∞"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn what_rounds_to_nothing_has_no_sign() {
        for (value, text) in [(-0.004, "0.00"), (-0.0, "0.00"), (-0.006, "−0.01"), (f64::NEG_INFINITY, "−∞")] {
            assert_eq!(fixed(value, 2), text);
        }
    }

    #[test]
    fn counts_are_grouped_and_durations_are_clocks() {
        assert_eq!(grouped(1_234_567.0), "1\u{2009}234\u{2009}567");
        assert_eq!(grouped(999.0), "999");
        assert_eq!(duration(41.9), "41 s");
        assert_eq!(duration(187.0), "3:07");
        assert_eq!(duration(3729.0), "1:02:09");
    }
}
