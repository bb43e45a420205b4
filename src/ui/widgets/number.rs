//! Numbers as text, short and of steady width.

pub use maths::grouped::grouped;

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

/// What stands beside the digits of a number, and what a number of this kind may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sign {
    /// Nothing.
    #[default]
    Plain,
    /// A share of 1: `0.5`, which is also `50 %`.
    Share,
    /// Hundredths: `50` and `50 %` are the same.
    Percent,
    /// An angle: `30` and `30°` are the same.
    Degrees,
    /// A factor: `2` and `× 2` are the same.
    Times,
}

/// Read a number as people type it, or say in a few words why it is none.
///
/// Spaces of any width part thousands, and so do commas in threes where there is a point or a second comma, or where the
/// number is `whole`. Any other comma is a decimal one.
///
/// # Errors
/// A few words, to follow upon what was typed.
pub fn read(text: &str, whole: bool, sign: Sign) -> Result<f64, &'static str> {
    let plain: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| if c == '−' { '-' } else { c })
        .collect();
    let (digits, percent) = match plain.strip_suffix('%') {
        Some(digits) => (digits, true),
        None => (plain.as_str(), false),
    };
    if percent && !matches!(sign, Sign::Share | Sign::Percent) {
        return Err("is a percentage, which means nothing here");
    }
    let digits = match sign {
        Sign::Degrees => digits.strip_suffix('°').unwrap_or(digits),
        Sign::Times => digits.strip_prefix(['×', 'x']).unwrap_or(digits),
        Sign::Plain | Sign::Share | Sign::Percent => digits,
    };
    let value: f64 = without_commas(digits, whole)
        .and_then(|digits| digits.parse().ok())
        .ok_or("is not a number")?;
    if !value.is_finite() {
        return Err("is not a number");
    }
    if whole && value.fract() != 0.0 {
        return Err("is not a whole number");
    }
    Ok(if percent && sign == Sign::Share {
        0.01 * value
    } else {
        value
    })
}

/// A whole number as people type it, exact up to the largest.
///
/// # Errors
/// A few words, to follow upon what was typed.
pub fn read_whole(text: &str) -> Result<u64, &'static str> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let digits = without_commas(&digits, true).ok_or("is not a whole number")?;
    digits
        .parse()
        .map_err(|_| "is not a whole number from 0 to 18446744073709551615")
}

/// The digits with a point for a decimal comma and nothing for one that parts thousands; `None` where commas make no sense.
fn without_commas(digits: &str, whole: bool) -> Option<String> {
    if !digits.contains(',') {
        return Some(digits.to_owned());
    }
    let (head, tail) = digits
        .split_once('.')
        .map_or((digits, None), |(head, tail)| (head, Some(tail)));
    let groups: Vec<&str> = head.split(',').collect();
    let first = groups[0].trim_start_matches(['-', '+']);
    let in_threes = (1..=3).contains(&first.len())
        && !first.starts_with('0')
        && groups[1..]
            .iter()
            .all(|group| group.len() == 3 && group.bytes().all(|b| b.is_ascii_digit()));
    if in_threes && (whole || tail.is_some() || groups.len() > 2) {
        let joined = groups.concat();
        return Some(tail.map_or_else(|| joined.clone(), |tail| format!("{joined}.{tail}")));
    }
    (tail.is_none() && groups.len() == 2).then(|| groups.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_numbers_are_read_as_they_are_meant() {
        let plain = |text| read(text, false, Sign::Plain);
        for (text, value) in [
            ("12\u{2009}480", 12_480.0),
            ("3.0e−3", 0.003),
            (" 256 ", 256.0),
            ("0,003", 0.003),
            ("−1,5", -1.5),
            ("12,480", 12.48),
            ("1,234.5", 1234.5),
            ("1,234,567", 1_234_567.0),
            ("1e3", 1000.0),
        ] {
            assert_eq!(plain(text), Ok(value), "{text}");
        }
        for text in [
            "many", "", "nan", "inf", "-inf", "1,2,3", "1.234,5", "50 %", "1e999", "3 4 x",
        ] {
            assert!(plain(text).is_err(), "{text}: {:?}", plain(text));
        }
        // Of a count, a comma before three digits parts thousands.
        for (text, value) in [
            ("12,480", 12_480.0),
            ("8192.0", 8192.0),
            ("1e3", 1000.0),
            ("12,0", 12.0),
        ] {
            assert_eq!(read(text, true, Sign::Plain), Ok(value), "{text}");
        }
        for text in ["12.5", "12,5", "0,003", "50 %"] {
            assert!(read(text, true, Sign::Plain).is_err(), "{text}");
        }
    }

    #[test]
    fn signs_are_understood_where_they_mean_something() {
        for (text, sign, value) in [
            ("50 %", Sign::Share, Some(0.5)),
            ("0.5", Sign::Share, Some(0.5)),
            ("50 %", Sign::Percent, Some(50.0)),
            ("50", Sign::Percent, Some(50.0)),
            ("30°", Sign::Degrees, Some(30.0)),
            ("× 2", Sign::Times, Some(2.0)),
            ("30°", Sign::Plain, None),
            ("50 %", Sign::Degrees, None),
        ] {
            assert_eq!(read(text, false, sign).ok(), value, "{text} {sign:?}");
        }
    }

    #[test]
    fn whole_numbers_are_exact_up_to_the_largest() {
        for value in [0, (1 << 53) + 1, u64::MAX] {
            assert_eq!(read_whole(&value.to_string()), Ok(value));
        }
        assert_eq!(
            read_whole("9\u{2009}007 199,254,740,993"),
            Err("is not a whole number")
        );
        assert_eq!(read_whole("9,007,199,254,740,993"), Ok((1 << 53) + 1));
        for text in ["-5", "1.5", "50 %", "nan", "", "18446744073709551616"] {
            assert!(read_whole(text).is_err(), "{text}");
        }
    }

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
        for (value, text) in [
            (-0.004, "0.00"),
            (-0.0, "0.00"),
            (-0.006, "−0.01"),
            (f64::NEG_INFINITY, "−∞"),
        ] {
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
