//! How a table of points is written: what stands between its columns, and how a number looks.

use std::borrow::Cow;
use std::fmt;

/// What stands between two columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delimiter {
    /// One character.
    Byte(u8),
    /// Any number of blanks and tabs.
    Blanks,
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Byte(b',') => "commas",
            Self::Byte(b';') => "semicolons",
            Self::Byte(b'\t') => "tabs",
            Self::Byte(b'|') => "bars",
            Self::Byte(_) => "the given character",
            Self::Blanks => "blanks",
        })
    }
}

impl Delimiter {
    /// Those that are looked for; of two that serve alike the first is taken.
    const ALL: [Self; 5] = [
        Self::Byte(b','),
        Self::Byte(b';'),
        Self::Byte(b'\t'),
        Self::Byte(b'|'),
        Self::Blanks,
    ];

    /// The cells of a record, without the blanks and the quotes around them; `None` where a quote is not closed. A cell is
    /// quoted where a quote is its first character but for blanks; two quotes in it are one.
    pub fn split(self, record: &[u8]) -> Option<Vec<Cow<'_, [u8]>>> {
        let is_blank = |byte: &u8| match self {
            Self::Byte(delimiter) => byte.is_ascii_whitespace() && *byte != delimiter,
            Self::Blanks => byte.is_ascii_whitespace(),
        };
        let ends = |byte: &u8| match self {
            Self::Byte(delimiter) => *byte == delimiter,
            Self::Blanks => is_blank(byte),
        };
        let skip_blanks = |at: usize| {
            at + record[at..]
                .iter()
                .take_while(|byte| is_blank(byte))
                .count()
        };
        let mut cells = Vec::with_capacity(4);
        let mut at = skip_blanks(0);
        loop {
            if self == Self::Blanks && at == record.len() {
                return Some(cells);
            }
            let end = |from: usize| {
                record[from..]
                    .iter()
                    .position(ends)
                    .map_or(record.len(), |length| from + length)
            };
            let stop;
            if record.get(at) == Some(&b'"') {
                let (text, behind) = quoted(record, at + 1)?;
                stop = end(behind);
                let rest = record[behind..stop].trim_ascii();
                // What follows a closing quote belongs to the cell, and will not be a number.
                cells.push(Cow::Owned(if rest.is_empty() {
                    text
                } else {
                    [&text, rest].concat()
                }));
            } else {
                stop = end(at);
                cells.push(Cow::Borrowed(record[at..stop].trim_ascii()));
            }
            match self {
                _ if stop == record.len() => return Some(cells),
                Self::Byte(_) => at = skip_blanks(stop + 1),
                Self::Blanks => at = skip_blanks(stop),
            }
        }
    }
}

/// The text of a quoted cell that begins at a place, trimmed, and the place behind its closing quote.
fn quoted(record: &[u8], from: usize) -> Option<(Vec<u8>, usize)> {
    let (mut text, mut at) = (Vec::new(), from);
    loop {
        let length = record[at..].iter().position(|byte| *byte == b'"')?;
        text.extend(&record[at..at + length]);
        at += length + 1;
        if record.get(at) != Some(&b'"') {
            return Some((text.trim_ascii().to_vec(), at));
        }
        text.push(b'"');
        at += 1;
    }
}

/// A number with a decimal point or a decimal comma.
pub fn number_of(text: &str) -> Option<f64> {
    if let Ok(value) = text.parse() {
        return Some(value);
    }
    // A digit on either side: a comma at the end of a cell stands between cells.
    let (whole, part) = text.split_once(',')?;
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let decimal =
        digit(whole.chars().next_back()) && digit(part.chars().next()) && !whole.contains('.');
    if decimal && !part.contains([',', '.']) {
        format!("{whole}.{part}").parse().ok()
    } else {
        None
    }
}

/// What the first lines of a file say of the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialect {
    /// What stands between columns.
    pub delimiter: Delimiter,
    /// The first line is `sep=…`, as Excel reads and writes it.
    pub names_delimiter: bool,
    /// The names of the columns, where they stand in a line after a `#`, as NumPy writes them.
    pub commented_header: Option<Vec<String>>,
}

impl Dialect {
    /// Look at the first lines of a table that may name these two columns.
    pub fn of(lines: &[Vec<u8>], columns: [&str; 2]) -> Self {
        let given = lines.first().and_then(|line| {
            let line = line.trim_ascii();
            let line = line
                .strip_prefix(b"\"")
                .and_then(|line| line.strip_suffix(b"\""))
                .unwrap_or(line);
            match line.strip_prefix(b"sep=")? {
                [delimiter] => Some(Delimiter::Byte(*delimiter)),
                // A tab at the end of a line is a blank.
                [] => Some(Delimiter::Byte(b'\t')),
                _ => None,
            }
        });
        let content: Vec<&[u8]> = lines[usize::from(given.is_some())..]
            .iter()
            .map(Vec::as_slice)
            .filter(|line| !line.starts_with(b"#") && !line.trim_ascii().is_empty())
            .collect();
        let comment = lines
            .iter()
            .take_while(|line| line.starts_with(b"#") || line.trim_ascii().is_empty());
        let comment = comment
            .filter(|line| line.starts_with(b"#"))
            .last()
            .map(|line| &line[1..]);
        // Of equal scores the first.
        let best = Delimiter::ALL
            .into_iter()
            .rev()
            .max_by_key(|delimiter| score(*delimiter, columns, comment, &content));
        let delimiter = given.or(best).unwrap_or(Delimiter::Byte(b','));
        let numbers = |line: &&[u8]| {
            delimiter
                .split(line)
                .is_some_and(|cells| cells.iter().all(|cell| is_number(cell)))
        };
        // Above a header of its own, a comment is a comment.
        let commented = comment.filter(|_| content.first().is_some_and(numbers));
        let commented_header = commented.and_then(|line| {
            names_in(delimiter, columns, line)
                .or_else(|| names_in(Delimiter::Blanks, columns, line))
        });
        Self {
            delimiter,
            names_delimiter: given.is_some(),
            commented_header,
        }
    }
}

fn is_number(cell: &[u8]) -> bool {
    std::str::from_utf8(cell).is_ok_and(|text| number_of(text).is_some())
}

/// The names in a line, where both columns are among them.
fn names_in(delimiter: Delimiter, columns: [&str; 2], line: &[u8]) -> Option<Vec<String>> {
    let cells = delimiter.split(line)?;
    let names: Vec<String> = cells
        .iter()
        .map(|cell| String::from_utf8_lossy(cell).into_owned())
        .collect();
    let has = |name: &str| names.iter().any(|cell| cell.eq_ignore_ascii_case(name));
    columns.into_iter().all(has).then_some(names)
}

/// How well a delimiter serves: above all it makes both columns of the header, and then rows of numbers.
fn score(
    delimiter: Delimiter,
    columns: [&str; 2],
    comment: Option<&[u8]>,
    content: &[&[u8]],
) -> (bool, usize) {
    let header = content.first().copied();
    let named = header
        .into_iter()
        .chain(comment)
        .any(|line| names_in(delimiter, columns, line).is_some());
    let first_row = content
        .get(1)
        .or(content.first())
        .and_then(|line| delimiter.split(line));
    let row = |line: &&[u8]| {
        let Some(cells) = delimiter.split(line) else {
            return 0;
        };
        let filled = cells.iter().filter(|cell| !cell.is_empty()).count();
        match cells.iter().filter(|cell| is_number(cell)).count() {
            _ if first_row
                .as_ref()
                .is_none_or(|first| first.len() != cells.len()) =>
            {
                0
            }
            numbers if numbers < 2 => 0,
            numbers if numbers == filled => 2,
            _ => 1,
        }
    };
    (named, content.iter().map(row).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(delimiter: Delimiter, record: &str) -> Option<Vec<String>> {
        let cells = delimiter.split(record.as_bytes())?;
        Some(
            cells
                .iter()
                .map(|cell| String::from_utf8_lossy(cell).into_owned())
                .collect(),
        )
    }

    #[test]
    fn cells_lose_their_blanks_and_quotes_and_nothing_else() {
        let comma = Delimiter::Byte(b',');
        for (record, cells) in [
            ("1,2", vec!["1", "2"]),
            (" 1 ,\t2 ", vec!["1", "2"]),
            (r#""1", "2" ,"a ""b"", c""#, vec!["1", "2", r#"a "b", c"#]),
            (r#"5" pipe,2"#, vec![r#"5" pipe"#, "2"]),
            (r#""1"2,3"#, vec!["12", "3"]),
            (",", vec!["", ""]),
            ("", vec![""]),
            ("1,2,", vec!["1", "2", ""]),
            ("\"a\nb\",2", vec!["a\nb", "2"]),
        ] {
            assert_eq!(
                split(comma, record),
                Some(cells.into_iter().map(str::to_owned).collect()),
                "{record}"
            );
        }
        for record in [r#""1,2"#, r#"1,"2"#, r#""1"",2"#] {
            assert_eq!(split(comma, record), None, "{record}");
        }
        assert_eq!(
            split(Delimiter::Blanks, "  1\t 2.5  \"a b\" ").unwrap(),
            ["1", "2.5", "a b"]
        );
        assert_eq!(
            split(Delimiter::Byte(b'\t'), "1\t\t2 ").unwrap(),
            ["1", "", "2"]
        );
    }

    #[test]
    fn numbers_have_one_decimal_mark() {
        for (text, value) in [
            ("1.5", 1.5),
            ("1,5", 1.5),
            ("-0,25e-3", -0.25e-3),
            ("7", 7.0),
            ("1e5", 1e5),
        ] {
            assert_eq!(number_of(text), Some(value), "{text}");
        }
        for text in [
            "", "1,", ",5", "1,5,2", "1.234,5", "1,234.5", "1 5", "0x1", "1,-5", "one",
        ] {
            assert_eq!(number_of(text), None, "{text}");
        }
    }
}
