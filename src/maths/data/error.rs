//! Data that cannot be used, each fault in one sentence.

use std::path::PathBuf;

use super::lines::MAX_BYTES;

/// The most rows that are read from a CSV, and that this program writes into one.
pub const MAX_ROWS: usize = 10_000_000;

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
    /// Longer than `MAX_BYTES`.
    #[error("{} is longer than {} MiB; take a part of it", .0.display(), MAX_BYTES >> 20)]
    TooLarge(PathBuf),
    /// Bytes that are no text of a kind that is read.
    #[error("{} is {what}; save it as CSV, as text in UTF-8", file.display())]
    NotText {
        /// The file.
        file: PathBuf,
        /// What it is instead.
        what: &'static str,
    },
    /// A pipe or a device where a file is needed: data are read more than once.
    #[error("{} is no regular file; copy what it holds into one", .0.display())]
    NotAFile(PathBuf),
    /// One point, or all the same: there is no spread to standardise by.
    #[error("{} needs at least two different points; all of its rows are the same point", .0.display())]
    AllEqual(PathBuf),
}
