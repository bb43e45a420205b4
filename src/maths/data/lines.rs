//! Text in lines, in whatever encoding and however they end, none of it without a bound.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read as _};

use super::dialect::Delimiter;

/// The longest file that is read, in bytes: ten million rows of ours are a quarter of it.
pub const MAX_BYTES: u64 = 1 << 30;
/// The longest line, in bytes.
const LONGEST_LINE: u64 = 1 << 20;
/// Lines over which a quoted cell may go.
const LONGEST_QUOTE: usize = 50;
/// Why no table was read, but for the file's name.
pub enum Fault {
    /// The system's.
    Io(io::Error),
    /// A line, and what is wrong with it.
    Line(u64, String),
    /// More than [`MAX_BYTES`].
    Large,
    /// More rows than are read.
    Many,
    /// No rows.
    Empty,
}

/// How a file's bytes are text; `mark` is the length of its byte-order mark.
pub enum Encoding {
    Utf8 { mark: usize },
    Utf16 { little_endian: bool, mark: usize },
    Other(&'static str),
}

/// By the first bytes of a file.
pub fn encoding(head: &[u8]) -> Encoding {
    let kinds: [(&[u8], &str); 6] = [
        (b"\xFF\xFE\0\0", "text in UTF-32"),
        (b"\0\0\xFE\xFF", "text in UTF-32"),
        (
            b"PK\x03\x04",
            "a zip archive or a spreadsheet's own format (such as .xlsx)",
        ),
        (b"\x1F\x8B", "compressed by gzip"),
        (b"PAR1", "a Parquet file"),
        (b"\x93NUMPY", "a NumPy array"),
    ];
    if let Some((_, what)) = kinds.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Encoding::Other(what);
    }
    match head {
        [0xEF, 0xBB, 0xBF, ..] => return Encoding::Utf8 { mark: 3 },
        [0xFF, 0xFE, ..] => {
            return Encoding::Utf16 {
                little_endian: true,
                mark: 2,
            };
        }
        [0xFE, 0xFF, ..] => {
            return Encoding::Utf16 {
                little_endian: false,
                mark: 2,
            };
        }
        _ => {}
    }
    // Without a mark, the digits and delimiters of UTF-16 show: every other byte is zero.
    let zeros = |parity: usize| {
        head.iter()
            .skip(parity)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let (even, odd, pairs) = (zeros(0), zeros(1), head.len() / 2);
    match (even, odd) {
        (0, 0) => Encoding::Utf8 { mark: 0 },
        (0, odd) if 4 * odd > 3 * pairs => Encoding::Utf16 {
            little_endian: true,
            mark: 0,
        },
        (even, 0) if 4 * even > 3 * pairs => Encoding::Utf16 {
            little_endian: false,
            mark: 0,
        },
        _ => Encoding::Other("not text: it holds zero bytes"),
    }
}

/// Lines, one after the other, however they end.
pub struct Lines<R> {
    reader: R,
    /// The byte that ends a line: \n, also of \r\n, or \r alone.
    end: u8,
    /// The last line read, from 1.
    pub number: u64,
    bytes: u64,
    /// Lines that were looked at before.
    ahead: VecDeque<Vec<u8>>,
}

impl<R: BufRead> Lines<R> {
    /// Of a text from its beginning.
    ///
    /// # Errors
    /// The system's.
    pub fn new(mut reader: R) -> Result<Self, Fault> {
        let head = reader.fill_buf().map_err(Fault::Io)?;
        let end = if head.contains(&b'\r') && !head.contains(&b'\n') {
            b'\r'
        } else {
            b'\n'
        };
        Ok(Self {
            reader,
            end,
            number: 0,
            bytes: 0,
            ahead: VecDeque::new(),
        })
    }

    /// The next line without its end. False at the end of the file.
    fn next(&mut self, line: &mut Vec<u8>) -> Result<bool, Fault> {
        self.number += 1;
        if let Some(ahead) = self.ahead.pop_front() {
            *line = ahead;
            return Ok(true);
        }
        line.clear();
        let read = (&mut self.reader)
            .take(LONGEST_LINE)
            .read_until(self.end, line)
            .map_err(Fault::Io)?;
        self.bytes += read as u64;
        if read as u64 == LONGEST_LINE && line.last() != Some(&self.end) {
            let problem = "is longer than a million characters, which no row of numbers is; check that this is the file that you mean";
            return Err(Fault::Line(self.number, problem.into()));
        }
        if self.bytes > MAX_BYTES {
            return Err(Fault::Large);
        }
        if line.last() == Some(&self.end) {
            line.pop();
        }
        if self.end == b'\n' && line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(read > 0)
    }

    /// Look at the first lines without taking them.
    ///
    /// # Errors
    /// As [`Lines::next_record`].
    pub fn look(&mut self, most: usize) -> Result<Vec<Vec<u8>>, Fault> {
        let mut seen = Vec::new();
        let mut line = Vec::new();
        while seen.len() < most && self.next(&mut line)? {
            seen.push(std::mem::take(&mut line));
        }
        self.number = 0;
        self.ahead = seen.clone().into();
        Ok(seen)
    }

    /// The next line together with those over which its quotes go.
    ///
    /// # Errors
    /// The system's, a line or a text that is too long, and a quote that is not closed.
    pub fn next_record(
        &mut self,
        delimiter: Delimiter,
        line: &mut Vec<u8>,
    ) -> Result<Option<u64>, Fault> {
        if !self.next(line)? {
            return Ok(None);
        }
        let first = self.number;
        if !line.contains(&b'"') {
            return Ok(Some(first));
        }
        let mut more = Vec::new();
        for _ in 0..LONGEST_QUOTE {
            if delimiter.split(line).is_some() {
                return Ok(Some(first));
            }
            if line.len() as u64 > LONGEST_LINE || !self.next(&mut more)? {
                break;
            }
            line.push(b'\n');
            line.append(&mut more);
        }
        let problem = "a quote is opened here and not closed; close it, or remove it";
        Err(Fault::Line(first, problem.into()))
    }
}
