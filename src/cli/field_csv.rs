//! `field.csv`: the learned field beside the exact one. Numbers are written in the fewest digits that read back the same.

use std::fmt::Write as _;
use std::io::{self, BufRead};
use std::path::PathBuf;

use maths::atomic::Destination;
use maths::data::csv_io::is_table;

/// One row of `field.csv`: at a point and one time, what the network says and what is true.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FieldRow {
    /// The point.
    pub x: [f32; 2],
    /// ε̂.
    pub eps: [f64; 2],
    /// The learned score −ε̂/s.
    pub score: [f64; 2],
    /// ∇ log p_t.
    pub exact_score: [f64; 2],
    /// log p_t.
    pub exact_log_p: f64,
}

/// The columns of `field.csv`, relied on from outside.
pub const FIELD_HEADER: &str =
    "x,y,eps_x,eps_y,score_x,score_y,exact_score_x,exact_score_y,exact_log_p";

/// A field as CSV with header [`FIELD_HEADER`].
pub fn field_csv(rows: impl Iterator<Item = FieldRow>) -> Vec<u8> {
    let mut text = format!("{FIELD_HEADER}\n");
    for FieldRow {
        x,
        eps,
        score,
        exact_score,
        exact_log_p,
    } in rows
    {
        let _ = writeln!(
            text,
            "{},{},{},{},{},{},{},{},{exact_log_p}",
            x[0], x[1], eps[0], eps[1], score[0], score[1], exact_score[0], exact_score[1]
        );
    }
    text.into_bytes()
}

/// A place for a field: a file that [`field_csv`] could have made is replaced there.
pub fn field_file(path: impl Into<PathBuf>, force: bool) -> Destination {
    Destination::new(path, is_field, force)
}

fn is_field(file: &mut dyn BufRead) -> io::Result<bool> {
    is_table::<f64, 9>(file, FIELD_HEADER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_known_by_its_columns_and_digits() {
        let row = FieldRow {
            x: [0.1, 1.0],
            eps: [1e-9, 2.5],
            score: [f64::NAN, f64::NEG_INFINITY],
            exact_score: [5.0, 1.0 / 3.0],
            exact_log_p: -7.25,
        };
        let ours = field_csv([row, row].into_iter());
        let is = |bytes: &[u8]| is_field(&mut &bytes[..]).unwrap();
        assert!(is(&ours));
        let text = String::from_utf8(ours).unwrap();
        for other in [
            text.replace("exact_log_p", "log_p"),
            text.replace("2.5", "2.50"),
            text.replace(",-7.25", ""),
        ] {
            assert!(!is(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_field_row_has_as_many_numbers_as_the_header_has_names() {
        let row = FieldRow {
            x: [0.5, 1.0],
            eps: [1.0, 2.0],
            score: [3.0, 4.0],
            exact_score: [5.0, 6.0],
            exact_log_p: 7.0,
        };
        let text = String::from_utf8(field_csv([row].into_iter())).unwrap();
        let (header, line) = text.trim_end().split_once('\n').unwrap();
        assert_eq!(header.split(',').count(), 9);
        assert_eq!(line, "0.5,1,1,2,3,4,5,6,7");
    }
}
