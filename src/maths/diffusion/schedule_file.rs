//! A noise schedule of one's own from a table of t and log SNR.

use std::path::{Path, PathBuf};

use crate::data::error::DataError;
use crate::data::table::{self, Kind, POINTS};
use crate::measure::round;

use super::log_snr::{GAP, HANDLES, LIMIT, LogSnr};

/// t/T and log SNR, with the header `t,log_snr`.
const KIND: Kind = Kind {
    columns: ["t", "log_snr"],
    most: 100_000,
    points: false,
};
/// Times closer than this are one: six decimals of 1/6 are 1/6.
const SAME_TIME: f64 = 1e-6;
/// How far off the handles may be from the rows, in log SNR, before it is told.
const TOLD: f64 = 0.01;
/// Handles between rows have so many units in 1: a name that one can read.
const DIGITS: f64 = 1e4;

/// A schedule that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleFile {
    /// The schedule.
    pub schedule: LogSnr,
    /// What was taken for granted, and how far off the handles are from the rows, each a sentence without a full stop.
    pub notices: Vec<String>,
}

/// A file that is no schedule. Each text says which file, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleFileError {
    /// Not a table of t and log SNR, or a row of it that cannot be.
    #[error(transparent)]
    Table(DataError),
    /// Not even two rows.
    #[error(
        "{} has {rows} of the rows of t and log_snr; a schedule needs at least two, the first at t = 0 and the last at t = 1",
        file.display()
    )]
    Few {
        /// The file.
        file: PathBuf,
        /// How many there are.
        rows: usize,
    },
    /// More rows than are read.
    #[error("{} has more than {} rows; leave out some of them", .0.display(), KIND.most)]
    Many(PathBuf),
}

/// True where the header of a file says that it is a schedule and no points.
pub fn is_schedule(path: &Path) -> bool {
    table::has_header(path, &KIND) && !table::has_header(path, &POINTS)
}

/// Read a schedule. As many evenly spaced rows as there may be handles are the handles themselves; of any others, handles
/// are read at 17 times from the monotone cubic through all rows (Fritsch & Butland 1984).
///
/// # Errors
/// One sentence with file, line and what to do.
pub fn read(path: &Path) -> Result<ScheduleFile, ScheduleFileError> {
    let (mut lines, mut last) = (Vec::new(), None);
    let read = table::read_as(path, &KIND, |line, row| {
        check(row, last)?;
        lines.push(line);
        last = Some(row);
        Ok(())
    });
    let few = |rows| ScheduleFileError::Few {
        file: path.into(),
        rows,
    };
    let table = read.map_err(|error| match error {
        DataError::Empty(_) => few(0),
        DataError::TooMany(file) => ScheduleFileError::Many(file),
        other => ScheduleFileError::Table(other),
    })?;
    let rows = &table.rows[..];
    let at_line = |row: usize, problem| {
        ScheduleFileError::Table(DataError::Line {
            file: path.into(),
            line: lines[row],
            problem,
        })
    };
    let &[_, .., [end, _]] = rows else {
        return Err(few(rows.len()));
    };
    if (end - 1.0).abs() > SAME_TIME {
        let problem = format!("the last row is at t = {end}; add one at t = 1");
        return Err(at_line(rows.len() - 1, problem));
    }
    let handles = handles(rows);
    let time = |handle: usize| handle as f64 / (handles.len() - 1) as f64;
    for (handle, pair) in handles.windows(2).enumerate() {
        let fall = pair[0] - pair[1];
        if fall < GAP - 1e-9 {
            let (from, to) = (time(handle), time(handle + 1));
            let row = rows.partition_point(|[t, _]| *t < to - SAME_TIME);
            let problem = format!(
                "from t = {} to t = {} the curve through the rows falls by {} alone; let log SNR fall by at least {GAP} there",
                round(from),
                round(to),
                round(fall)
            );
            return Err(at_line(row, problem));
        }
    }
    let schedule = LogSnr::mended(&handles);
    let off = |[t, log_snr]: &[f64; 2]| (schedule.at(*t) - log_snr).abs();
    let worst = rows.iter().max_by(|a, b| off(a).total_cmp(&off(b)));
    let mut notices = table.notices;
    if let Some(worst) = worst.filter(|row| off(row) > TOLD) {
        notices.push(format!(
            "a schedule has at most {} handles, which are off from these rows by up to {} in log SNR, at t = {}",
            HANDLES.end(),
            round(off(worst)),
            round(worst[0])
        ));
    }
    Ok(ScheduleFile { schedule, notices })
}

/// A row beside the one before, if there is one.
fn check([t, log_snr]: [f64; 2], last: Option<[f64; 2]>) -> Result<(), String> {
    if !(0.0..=1.0 + SAME_TIME).contains(&t) {
        return Err(format!(
            "t = {t} is not between 0 and 1; write t/T, from 0 at the data to 1 at the noise"
        ));
    }
    if log_snr.abs() > LIMIT {
        return Err(format!(
            "log SNR {log_snr} is not between {} and {LIMIT}; bring it within these limits",
            -LIMIT
        ));
    }
    match last {
        None if t > SAME_TIME => Err(format!("the first row is at t = {t}; add one at t = 0")),
        Some([before, _]) if t <= before => Err(format!(
            "t = {t} is not above the {before} of the row before; sort the rows by t, one for each"
        )),
        Some([_, before]) if log_snr >= before => Err(format!(
            "log SNR {log_snr} is not below the {before} of the row before; let it fall from row to row"
        )),
        _ => Ok(()),
    }
}

/// The rows themselves, where they are handles, else log SNR at as many times as there may be handles.
fn handles(rows: &[[f64; 2]]) -> Vec<f64> {
    let even = |count: usize| (0..count).map(move |i| i as f64 / (count - 1) as f64);
    let at_handles = HANDLES.contains(&rows.len())
        && std::iter::zip(rows, even(rows.len())).all(|([t, _], tau)| (t - tau).abs() <= SAME_TIME);
    if at_handles {
        return rows.iter().map(|[_, log_snr]| *log_snr).collect();
    }
    let read = |tau: f64| {
        let on = rows.iter().find(|[t, _]| (t - tau).abs() <= SAME_TIME);
        let between = || (between(rows, tau) * DIGITS).round() / DIGITS;
        on.map_or_else(between, |[_, log_snr]| *log_snr)
    };
    even(*HANDLES.end()).map(read).collect()
}

/// log SNR at t/T between rows: Hermite's cubic.
fn between(rows: &[[f64; 2]], tau: f64) -> f64 {
    let after = rows.partition_point(|[t, _]| *t <= tau);
    let left = after.saturating_sub(1).min(rows.len() - 2);
    let ([t, log_snr], [next, below]) = (rows[left], rows[left + 1]);
    let (width, rise) = (next - t, below - log_snr);
    let u = (tau - t) / width;
    let [from, to] = [left, left + 1].map(|row| width * slope(rows, row));
    log_snr + u * (from + u * ((3.0 * rise - 2.0 * from - to) + u * (from + to - 2.0 * rise)))
}

/// The slope at a row: of the chords beside it their harmonic mean, by the weights of Fritsch & Butland 1984; at an end that
/// of a parabola through three rows, no steeper than three times the chord.
fn slope(rows: &[[f64; 2]], row: usize) -> f64 {
    let width = |i: usize| rows[i + 1][0] - rows[i][0];
    let chord = |i: usize| (rows[i + 1][1] - rows[i][1]) / width(i);
    let end = |near: usize, next: usize| {
        let (h, k) = (width(near), width(next));
        let steep = ((2.0 * h + k) * chord(near) - h * chord(next)) / (h + k);
        steep.clamp(3.0 * chord(near), 0.0)
    };
    let chords = rows.len() - 1;
    match row {
        _ if chords == 1 => chord(0),
        0 => end(0, 1),
        _ if row == chords => end(chords - 1, chords - 2),
        _ => {
            let (h, k) = (width(row - 1), width(row));
            let share = (h + 2.0 * k) / (3.0 * (h + k));
            // Not the product of the chords over a sum: rows as close as numbers can be would make it infinite.
            1.0 / (share / chord(row - 1) + (1.0 - share) / chord(row))
        }
    }
}

#[cfg(test)]
mod tests;
