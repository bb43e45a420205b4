//! Points and mixtures in files: CSV with header `x,y`, and JSON.

use std::fmt::{Display, Write};
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::error::DataError;
use super::mixture::{self, Mixture};
use super::table::{self, Table};
use crate::atomic::{Destination, all_lines, read_within};

/// A place for points: a CSV that [`points_csv`] could have made is replaced there.
pub fn points_file(path: impl Into<PathBuf>, force: bool) -> Destination {
    Destination::new(path, is_points, force)
}

/// A place for a mixture: one that [`mixture_json`] could have made is replaced there.
pub fn mixture_file(path: impl Into<PathBuf>, force: bool) -> Destination {
    Destination::new(path, is_mixture, force)
}

/// Points as CSV with header `x,y`, each number in the fewest digits that read back as the same f32.
pub fn points_csv(points: &[[f32; 2]]) -> Vec<u8> {
    rows_csv(points.iter().copied())
}

/// Rows as CSV with header `x,y`, each number in the fewest digits that read back as the same.
pub fn rows_csv<T: Display>(rows: impl ExactSizeIterator<Item = [T; 2]>) -> Vec<u8> {
    let mut text = String::with_capacity(12 * size_of::<[T; 2]>() / 4 * rows.len() + 4);
    text.push_str(HEADER);
    text.push('\n');
    for [x, y] in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{x},{y}");
    }
    text.into_bytes()
}

/// The header of points.
pub const HEADER: &str = "x,y";

fn is_points(file: &mut dyn BufRead) -> io::Result<bool> {
    is_table::<f32, 2>(file, HEADER)
}

/// True where a file is this header and below it nothing but rows of so many numbers in the fewest digits.
///
/// # Errors
/// The system's.
pub fn is_table<T: FromStr + ToString, const N: usize>(
    file: &mut dyn BufRead,
    header: &str,
) -> io::Result<bool> {
    all_lines(file, |index, line| {
        if index == 0 {
            line == header
        } else {
            is_row::<T, N>(line)
        }
    })
}

fn is_row<T: FromStr + ToString, const N: usize>(line: &str) -> bool {
    let shortest = |cell: &str| {
        cell.parse::<T>()
            .is_ok_and(|number| number.to_string() == cell)
    };
    line.split(',').count() == N && line.split(',').all(shortest)
}

/// A mixture as JSON.
///
/// # Errors
/// Numbers that JSON has not.
pub fn mixture_json(mixture: &Mixture) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec_pretty(mixture)
}

fn is_mixture(file: &mut dyn BufRead) -> io::Result<bool> {
    let Some(bytes) = read_within(file, MOST_MIXTURE_BYTES)? else {
        return Ok(false);
    };
    // Not by way of `Mixture`, which would scale the weights anew.
    let components = serde_json::from_slice::<mixture::Components>(&bytes);
    Ok(components
        .and_then(|components| serde_json::to_vec_pretty(&components))
        .is_ok_and(|again| again == bytes))
}

/// A mixture of a million components is shorter.
const MOST_MIXTURE_BYTES: u64 = 256 << 20;

/// Read points as they stand, in the file's own units, and what was taken for granted of them ([`Table::notices`]).
///
/// # Errors
/// As [`table::read`].
pub fn read_points(path: &Path) -> Result<(Vec<[f32; 2]>, Vec<String>), DataError> {
    let Table { rows, notices, .. } = table::read(path)?;
    Ok((
        rows.into_iter()
            .map(|point| point.map(|c| c as f32))
            .collect(),
        notices,
    ))
}

#[cfg(test)]
mod tests {
    use super::super::error::MAX_ROWS;
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<[f32; 2]>, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("points.csv");
        std::fs::write(&path, text).unwrap();
        read_points(&path)
            .map(|(points, _)| points)
            .map_err(|error| {
                error
                    .to_string()
                    .replace(&format!("{}/", directory.path().display()), "")
            })
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
            (
                "x,y\n1,2\n3,abc\n",
                "points.csv line 3: 'abc' is not a number; remove the row or put a number there",
            ),
            (
                "x,y\r\n1,2\r\n\r\n3,4\r\n,5",
                "points.csv line 5: x is empty; remove the row or put a number there",
            ),
            (
                "abc,2\n",
                "points.csv line 1: 'abc' is not a number; remove the row or put a number there",
            ),
            (
                "x,y\n1,\n",
                "points.csv line 2: y is empty; remove the row or put a number there",
            ),
            (
                "x,y\n1\n",
                "points.csv line 2: has 1 cell where the header names 2 columns; make the row as long as the others, or remove it",
            ),
            (
                "x,y\n\n1,NaN\n",
                "points.csv line 3: 'NaN' is not a number; remove the row or put a number there",
            ),
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
                "12\n",
                "points.csv line 1: found 1 column and no header; put a header that names x and y on the first line, columns separated by commas",
            ),
            (
                "",
                "points.csv holds no points; it needs a header x,y and one row of two numbers for each point",
            ),
            (
                "x,y\n",
                "points.csv holds no points; it needs a header x,y and one row of two numbers for each point",
            ),
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
        assert!(
            read_points(&path)
                .unwrap_err()
                .to_string()
                .contains("line 2")
        );
    }

    #[test]
    fn a_missing_file_and_a_directory_are_unreadable() {
        let directory = tempfile::tempdir().unwrap();
        for path in [
            directory.path().join("none.csv"),
            directory.path().to_owned(),
        ] {
            let error = read_points(&path).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("cannot read {}: ", path.display())),
                "{error}"
            );
            assert!(
                error.ends_with("; check the path and its permissions"),
                "{error}"
            );
        }
    }

    /// What is written with `--n 10000000` is read, and no more than that.
    #[test]
    fn reading_stops_at_ten_million_rows() {
        let mut text = "1,2\n".repeat(MAX_ROWS);
        assert_eq!(read(&text).map(|points| points.len()), Ok(MAX_ROWS));
        // A fault behind the limit is never reached.
        text.push_str("3,4\nabc,def\n");
        let error = read(&text).unwrap_err();
        assert!(
            error.contains("more than 10000000 rows") && error.contains("shuf -n 10000000"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn points_come_back_bit_for_bit(points in prop::collection::vec(prop::array::uniform2(-1e30_f32..1e30), 1..50)) {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("points.csv");
            std::fs::write(&path, points_csv(&points)).unwrap();
            prop_assert!(std::fs::read_to_string(&path).unwrap().starts_with("x,y\n"));
            prop_assert_eq!(read_points(&path).unwrap().0, points);
        }
    }

    #[test]
    fn a_mixture_comes_back_from_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mixture.json");
        let mixture = crate::data::shapes::Shape::EightGaussians.mixture();
        std::fs::write(&path, mixture_json(&mixture).unwrap()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let back: Mixture = serde_json::from_str(&text).unwrap();
        assert_eq!(back.components.len(), 8);
        for (left, right) in back.components.iter().zip(&mixture.components) {
            assert_eq!((left.mean, left.sigma), (right.mean, right.sigma));
            assert!((left.weight - right.weight).abs() < 1e-7);
        }
    }

    /// What this program wrote is known by its bytes; a file that says the same in other bytes is somebody's own.
    #[test]
    fn our_own_files_are_told_from_others() {
        let points = |text: &[u8]| is_points(&mut &text[..]).unwrap();
        let ours = points_csv(&[
            [0.1, -2.5e-30],
            [1e30, 3.0],
            [f32::MIN_POSITIVE, 16_777_216.0],
        ]);
        assert!(points(&ours) && points(b"x,y\n"));
        for other in [
            "x,y\n1,2",
            "X,Y\n1,2\n",
            "x,y\n1,2.0\n",
            "x,y\n1, 2\n",
            "x,y\n1,2,3\n",
            "x,y\n1,2\n\n",
            "1,2\n",
            "x,y\r\n1,2\r\n",
            "x,y\n0.1234567890123,2\n",
            "x,y\n1,2\n# mine\n",
            "dear diary\n",
        ] {
            assert!(!points(other.as_bytes()), "{other:?}");
        }
        assert!(!points(&[0xFF; 4096]));

        let mixture = |text: &[u8]| is_mixture(&mut &text[..]).unwrap();
        for shape in crate::data::shapes::Shape::ALL {
            assert!(
                mixture(&mixture_json(&shape.mixture()).unwrap()),
                "{shape:?}"
            );
        }
        let ours = mixture_json(&crate::data::shapes::Shape::Gaussian.mixture()).unwrap();
        let text = String::from_utf8(ours).unwrap();
        for other in [
            text.replace("  ", " "),
            format!("{text}\n"),
            "{}".into(),
            "[1]".into(),
            text.replace('}', ", \"my\": 1}"),
        ] {
            assert!(!mixture(other.as_bytes()), "{other}");
        }
    }
}
