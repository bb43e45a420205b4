//! Points and mixtures in files: CSV with header `x,y`, and JSON.

use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};

use csv::ByteRecord;

use super::mixture::Mixture;
use crate::export::atomic::{WriteError, atomic_write};

/// The most rows that are read from a CSV.
pub const MAX_ROWS: usize = 1_000_000;

/// Data that cannot be used. Each text says which file, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Missing, or not ours to read.
    #[error("cannot read {}: {reason}; check the path and its permissions", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// A line that is not a point.
    #[error("{} line {line}: {problem}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it and what to do.
        problem: String,
    },
    /// No rows at all, or only a header.
    #[error("{} holds no points; it needs a header x,y and one row of two numbers for each point", .0.display())]
    Empty(PathBuf),
    /// More rows than [`MAX_ROWS`].
    #[error(
        "{} has more than {MAX_ROWS} rows; take a random part of it, for example with: \
         tail -n +2 {} | shuf -n {MAX_ROWS} > part.csv", .0.display(), .0.display()
    )]
    TooMany(PathBuf),
    /// One point, or all the same: there is no spread to standardise by.
    #[error("{} needs at least two different points; all of its rows are the same point", .0.display())]
    AllEqual(PathBuf),
}

/// Write points as CSV with header `x,y`, each number in the fewest digits that read back as the same f32.
pub fn write_points(path: &Path, points: &[[f32; 2]]) -> Result<(), WriteError> {
    let mut text = String::with_capacity(24 * points.len() + 4);
    text.push_str("x,y\n");
    for [x, y] in points {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{x},{y}");
    }
    atomic_write(path, text.as_bytes())
}

/// Write a mixture as JSON.
pub fn write_mixture(path: &Path, mixture: &Mixture) -> Result<(), WriteError> {
    let text = serde_json::to_string_pretty(mixture)
        .map_err(|error| WriteError { path: path.into(), source: std::io::Error::from(error) })?;
    atomic_write(path, text.as_bytes())
}

/// Read points as they stand, in the file's own units.
pub fn read_points(path: &Path) -> Result<Vec<[f32; 2]>, DataError> {
    Ok(read_rows(path)?.into_iter().map(|point| point.map(|c| c as f32)).collect())
}

/// Read the columns x and y of a CSV (others are ignored), or a file of two columns without a header. At least one
/// row, at most [`MAX_ROWS`]; every number finite, as an f32 too.
pub fn read_rows(path: &Path) -> Result<Vec<[f64; 2]>, DataError> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|error| unreadable(path, &error))?;
    let mut columns = None;
    let mut points = Vec::new();
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| unreadable(path, &error))? {
        let fail = |problem| {
            let line = record.position().map_or(0, |position| line_of(path, position));
            DataError::Line { file: path.into(), line, problem }
        };
        let [x, y] = if let Some(found) = columns {
            found
        } else {
            let (found, is_header) = find_columns(&record).map_err(fail)?;
            columns = Some(found);
            if is_header {
                continue;
            }
            found
        };
        if points.len() == MAX_ROWS {
            return Err(DataError::TooMany(path.into()));
        }
        points.push([number(&record, x, "x").map_err(fail)?, number(&record, y, "y").map_err(fail)?]);
    }
    if points.is_empty() {
        return Err(DataError::Empty(path.into()));
    }
    Ok(points)
}

fn unreadable(path: &Path, error: &csv::Error) -> DataError {
    let reason = if let csv::ErrorKind::Io(error) = error.kind() { error.to_string() } else { error.to_string() };
    DataError::Unreadable { file: path.into(), reason }
}

/// The line of the record that begins at a position. The reader's own count stops before any blank lines that it
/// skipped, and in the middle of a \r\n: so the file is looked at again, which only a fault has to pay for.
fn line_of(path: &Path, position: &csv::Position) -> u64 {
    let count = || -> std::io::Result<u64> {
        let mut head = Vec::new();
        std::fs::File::open(path)?.take(position.byte() + BLANK_LINES_LOOKED_AT).read_to_end(&mut head)?;
        let start = head.len().min(position.byte() as usize);
        let blanks = head[start..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        Ok(head[..start + blanks].split(|&byte| byte == b'\n').count() as u64)
    };
    count().unwrap_or_else(|_| position.line())
}

/// Bytes behind a record's position in which its first character is looked for.
const BLANK_LINES_LOOKED_AT: u64 = 4096;

/// A cell as text, without the byte-order mark that some spreadsheets put first.
fn cell(record: &ByteRecord, column: usize) -> Option<String> {
    record.get(column).map(|bytes| String::from_utf8_lossy(bytes).trim_start_matches('\u{feff}').trim().to_owned())
}

/// The columns of x and y, and whether the first row is a header rather than a point.
fn find_columns(first: &ByteRecord) -> Result<([usize; 2], bool), String> {
    let cells: Vec<String> = (0..first.len()).filter_map(|column| cell(first, column)).collect();
    let named = |name: &str| cells.iter().position(|cell| cell.eq_ignore_ascii_case(name));
    if let (Some(x), Some(y)) = (named("x"), named("y")) {
        return Ok(([x, y], true));
    }
    let numbers = cells.iter().filter(|cell| cell.parse::<f64>().is_ok()).count();
    match (cells.len(), numbers) {
        (2, 1 | 2) => Ok(([0, 1], false)),
        (count, 0) if count > 1 => Err(format!(
            "the header '{}' does not name the columns x and y; rename two columns to x and y",
            cells.join(",")
        )),
        (count, _) => Err(format!(
            "found {count} column{} and no header; put a header that names x and y on the first line, columns separated by commas",
            if count == 1 { "" } else { "s" }
        )),
    }
}

fn number(record: &ByteRecord, column: usize, name: &str) -> Result<f64, String> {
    let text = cell(record, column).ok_or_else(|| format!("there is no {name}; every row needs an x and a y"))?;
    match text.parse::<f64>() {
        Ok(value) if value.is_nan() => Err(format!("'{text}' is not a number; remove the row or put a number there")),
        Ok(value) if !(value as f32).is_finite() => Err(format!(
            "'{text}' is not a finite number of ordinary size; remove the row or put a smaller number there"
        )),
        Ok(value) => Ok(value),
        Err(_) if text.is_empty() => Err(format!("{name} is empty; remove the row or put a number there")),
        Err(_) => Err(format!("'{text}' is not a number; remove the row or put a number there")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<[f32; 2]>, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("points.csv");
        std::fs::write(&path, text).unwrap();
        read_points(&path).map_err(|error| error.to_string().replace(&format!("{}/", directory.path().display()), ""))
    }

    #[test]
    fn headers_orders_extra_columns_and_spaces_are_understood() {
        let points = Ok(vec![[1.0, 2.0], [-3.5, 4e-2]]);
        assert_eq!(read("x,y\n1,2\n-3.5,4e-2\n"), points);
        assert_eq!(read("1,2\n-3.5,4e-2"), points);
        assert_eq!(read("\u{feff}X, Y \r\n1, 2\r\n\r\n-3.5 ,4e-2\r\n"), points);
        assert_eq!(read("name,y,x\na,2,1\nb,4e-2,-3.5\n"), points);
    }

    #[test]
    fn each_fault_is_one_sentence_with_file_line_and_remedy() {
        let cases = [
            ("x,y\n1,2\n3,abc\n", "points.csv line 3: 'abc' is not a number; remove the row or put a number there"),
            ("x,y\r\n1,2\r\n\r\n3,4\r\n,5", "points.csv line 5: x is empty; remove the row or put a number there"),
            ("abc,2\n", "points.csv line 1: 'abc' is not a number; remove the row or put a number there"),
            ("x,y\n1,\n", "points.csv line 2: y is empty; remove the row or put a number there"),
            ("x,y\n1\n", "points.csv line 2: there is no y; every row needs an x and a y"),
            ("x,y\n\n1,NaN\n", "points.csv line 3: 'NaN' is not a number; remove the row or put a number there"),
            (
                "x,y\n1,inf\n",
                "points.csv line 2: 'inf' is not a finite number of ordinary size; remove the row or put a smaller number there",
            ),
            (
                "1e39,0\n",
                "points.csv line 1: '1e39' is not a finite number of ordinary size; remove the row or put a smaller number there",
            ),
            (
                "left,right\n1,2\n",
                "points.csv line 1: the header 'left,right' does not name the columns x and y; rename two columns to x and y",
            ),
            (
                "1,2,3\n",
                "points.csv line 1: found 3 columns and no header; put a header that names x and y on the first line, columns separated by commas",
            ),
            (
                "1;2\n",
                "points.csv line 1: found 1 column and no header; put a header that names x and y on the first line, columns separated by commas",
            ),
            ("", "points.csv holds no points; it needs a header x,y and one row of two numbers for each point"),
            ("x,y\n", "points.csv holds no points; it needs a header x,y and one row of two numbers for each point"),
        ];
        for (text, message) in cases {
            assert_eq!(read(text), Err(message.into()), "for {text:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_a_fault_and_not_a_crash() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("points.csv");
        std::fs::write(&path, b"x,y\n\xff\xfe,1\n").unwrap();
        assert!(read_points(&path).unwrap_err().to_string().contains("line 2"));
    }

    #[test]
    fn a_missing_file_and_a_directory_are_unreadable() {
        let directory = tempfile::tempdir().unwrap();
        for path in [directory.path().join("none.csv"), directory.path().to_owned()] {
            let error = read_points(&path).unwrap_err().to_string();
            assert!(error.starts_with(&format!("cannot read {}: ", path.display())), "{error}");
            assert!(error.ends_with("; check the path and its permissions"), "{error}");
        }
    }

    #[test]
    fn reading_stops_at_a_million_rows() {
        let mut text = "1,2\n".repeat(MAX_ROWS);
        assert_eq!(read(&text).map(|points| points.len()), Ok(MAX_ROWS));
        // A fault behind the limit is never reached.
        text.push_str("3,4\nabc,def\n");
        let error = read(&text).unwrap_err();
        assert!(error.contains("more than 1000000 rows") && error.contains("shuf -n 1000000"), "{error}");
    }

    proptest! {
        #[test]
        fn points_come_back_bit_for_bit(points in prop::collection::vec(prop::array::uniform2(-1e30_f32..1e30), 1..50)) {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("points.csv");
            write_points(&path, &points).unwrap();
            prop_assert!(std::fs::read_to_string(&path).unwrap().starts_with("x,y\n"));
            prop_assert_eq!(read_points(&path).unwrap(), points);
        }
    }

    #[test]
    fn a_mixture_comes_back_from_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mixture.json");
        let mixture = crate::data::shapes::Shape::EightGaussians.mixture();
        write_mixture(&path, &mixture).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let back: Mixture = serde_json::from_str(&text).unwrap();
        assert_eq!(back.components.len(), 8);
        for (left, right) in back.components.iter().zip(&mixture.components) {
            assert_eq!((left.mean, left.sigma), (right.mean, right.sigma));
            assert!((left.weight - right.weight).abs() < 1e-7);
        }
    }
}
