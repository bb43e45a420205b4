//! Reading tables of two columns as people have them: CSV from spreadsheets, R, pandas and numpy, in their several dialects.
//!
//! Found out from the file: the encoding (UTF-8 or UTF-16), the end of a line, what stands between columns (comma,
//! semicolon, tab, bar or blanks), the decimal mark, the header, and a column of row labels that the header does not
//! name. What was taken for granted is told in notices; what cannot be meant is refused with its line.

mod classes;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use super::dialect::{Delimiter, Dialect, number_of};
use super::error::{DataError, MAX_ROWS};
use super::lines::{Encoding, Fault, Lines, MAX_BYTES, encoding};
use classes::ClassColumn;
pub use classes::Classes;

/// Lines from which the dialect is found out.
const LOOKED_AT: usize = 200;
/// Values of a column that splits the rows: as many groups can be told apart on a picture.
const MOST_GROUPS: usize = 20;
/// Rows whose labels are compared.
const LABELS_COMPARED: u64 = 1000;

/// What a table is of.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// What its two columns are called.
    pub columns: [&'static str; 2],
    /// The most rows that are read.
    pub most: usize,
    /// Rows are points: they may stand without a header, and groups of them are told of.
    pub points: bool,
}

/// Points x and y.
pub const POINTS: Kind = Kind {
    columns: ["x", "y"],
    most: MAX_ROWS,
    points: true,
};

/// Rows as they stand in a file, in its own units.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// At least one; finite, as f32 too.
    pub rows: Vec<[f64; 2]>,
    /// What was taken for granted, each a sentence without a full stop, for people.
    pub notices: Vec<String>,
    /// The classes of the rows, where a column names them.
    pub classes: Option<Classes>,
}

/// Read the columns x and y of a file, or a file of two columns without a header.
///
/// # Errors
/// One sentence with file, line and what to do.
pub fn read(path: &Path) -> Result<Table, DataError> {
    read_as(path, &POINTS, |_, _| Ok(()))
}

/// Read a table of this kind; `check` sees each row with its line and says what is wrong with it.
///
/// # Errors
/// One sentence with file, line and what to do. A table without rows is [`DataError::Empty`], one of more than `kind.most`
/// [`DataError::TooMany`]: both speak of points.
pub fn read_as(
    path: &Path,
    kind: &Kind,
    check: impl FnMut(u64, [f64; 2]) -> Result<(), String>,
) -> Result<Table, DataError> {
    let fault = |fault: Fault| match fault {
        Fault::Io(error) => unreadable(path, &error),
        Fault::Line(line, problem) => DataError::Line {
            file: path.into(),
            line,
            problem,
        },
        Fault::Large => DataError::TooLarge(path.into()),
        Fault::Many => DataError::TooMany(path.into()),
        Fault::Empty => DataError::Empty(path.into()),
    };
    table(open(path)?, kind, check).map_err(fault)
}

/// True where a file's header names the columns of this kind. What is no regular file is not opened.
pub fn has_header(path: &Path, kind: &Kind) -> bool {
    let names = || {
        let seen = Lines::new(open(path).ok()?).ok()?.look(LOOKED_AT).ok()?;
        let dialect = Dialect::of(&seen, kind.columns);
        dialect.commented_header.or_else(|| {
            let mut content = seen[usize::from(dialect.names_delimiter)..].iter();
            let header =
                content.find(|line| !line.starts_with(b"#") && !line.trim_ascii().is_empty())?;
            Some(texts(&dialect.delimiter.split(header)?))
        })
    };
    path.is_file() && names().is_some_and(|names| columns_of(names, kind).is_ok())
}

fn unreadable(path: &Path, error: &io::Error) -> DataError {
    DataError::Unreadable {
        file: path.into(),
        reason: error.to_string(),
    }
}

/// The text of a file in UTF-8.
fn open(path: &Path) -> Result<Box<dyn BufRead>, DataError> {
    let unreadable = |error: io::Error| unreadable(path, &error);
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(unreadable)?);
    let mut head = Vec::new();
    (&mut file)
        .take(4096)
        .read_to_end(&mut head)
        .map_err(unreadable)?;
    Ok(match encoding(&head) {
        Encoding::Utf8 { mark } => {
            Box::new(Cursor::new(head[mark..].to_vec()).chain(file)) as Box<dyn BufRead>
        }
        Encoding::Utf16 {
            little_endian,
            mark,
        } => {
            let mut bytes = head.split_off(mark);
            (&mut file)
                .take(MAX_BYTES)
                .read_to_end(&mut bytes)
                .map_err(unreadable)?;
            if bytes.len() as u64 > MAX_BYTES {
                return Err(DataError::TooLarge(path.into()));
            }
            let unit = if little_endian {
                u16::from_le_bytes
            } else {
                u16::from_be_bytes
            };
            let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
            let text: String = char::decode_utf16(units)
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect();
            Box::new(Cursor::new(text.into_bytes()))
        }
        Encoding::Other(what) => {
            return Err(DataError::NotText {
                file: path.into(),
                what,
            });
        }
    })
}

/// Where the two columns are, and how many cells a row has.
struct Columns {
    places: [usize; 2],
    names: Vec<String>,
    /// Cells of every row; known from the first one on.
    cells: Option<usize>,
    /// The header was in the file.
    named: bool,
}

fn table(
    text: impl BufRead,
    kind: &Kind,
    mut check: impl FnMut(u64, [f64; 2]) -> Result<(), String>,
) -> Result<Table, Fault> {
    let mut lines = Lines::new(text)?;
    let seen = lines.look(LOOKED_AT)?;
    let dialect = Dialect::of(&seen, kind.columns);
    let delimiter = dialect.delimiter;
    let mut notices = Vec::new();
    let mut columns: Option<Columns> = dialect
        .commented_header
        .map(|names| columns_of(names, kind).map_err(|p| Fault::Line(1, p)))
        .transpose()?;
    let mut rows: Vec<[f64; 2]> = Vec::new();
    let mut watch = Watch::default();
    let mut marks = Marks::default();
    let mut classes = ClassColumn::default();
    let mut line = Vec::new();
    while let Some(number) = lines.next_record(delimiter, &mut line)? {
        let blank = line.iter().all(u8::is_ascii_whitespace);
        if blank || line.starts_with(b"#") || (number == 1 && dialect.names_delimiter) {
            continue;
        }
        let fail = |problem: String| Fault::Line(number, problem);
        let Some(mut cells) = delimiter.split(&line) else {
            continue;
        };
        let columns = if let Some(columns) = &mut columns {
            columns
        } else {
            let found = find_columns(&cells, kind).map_err(fail)?;
            let columns = columns.insert(found);
            if columns.named {
                continue;
            }
            let text = short(&String::from_utf8_lossy(&line));
            notices.push(format!(
                "it has no header: its first line, '{text}', is read as a point"
            ));
            columns
        };
        let shift = columns.fit(&mut cells).map_err(fail)?;
        if rows.len() == kind.most {
            return Err(Fault::Many);
        }
        let mut coordinate = |column: usize, name: &str| {
            let text = cells
                .get(column + shift)
                .map(|cell| String::from_utf8_lossy(cell))
                .unwrap_or_default();
            number_in(&text, name, &mut marks).map_err(fail)
        };
        let ([first, second], [one, other]) = (columns.places, kind.columns);
        let row = [coordinate(first, one)?, coordinate(second, other)?];
        check(number, row).map_err(fail)?;
        rows.push(row);
        if kind.points {
            classes.see(&columns.names, columns.named, &cells[shift..]);
        }
        watch
            .see(columns, shift, &cells, rows.len() as u64)
            .map_err(fail)?;
    }
    if rows.is_empty() {
        return Err(Fault::Empty);
    }
    notices.extend(marks.notice(delimiter));
    let classes = classes.classes();
    if let Some(columns) = columns {
        let known = classes.is_some();
        notices.extend(watch.notices(&columns, rows.len(), (kind.points, known)));
    }
    Ok(Table {
        rows,
        notices,
        classes,
    })
}

impl Columns {
    /// Check the number of cells of a row: as many as the header, or one more, of which the first is a label then. Returns
    /// how far the row is shifted against the header.
    fn fit(&mut self, cells: &mut Vec<Cow<'_, [u8]>>) -> Result<usize, String> {
        let names = self.names.len();
        // A delimiter at the end of a row begins no cell.
        if cells.len() == names + 1 && cells.last().is_some_and(|cell| cell.is_empty()) {
            cells.pop();
        }
        let count = cells.len();
        let expected = *self.cells.get_or_insert(count);
        let shift = count.wrapping_sub(names);
        if count == expected && shift <= 1 && (self.named || shift == 0) {
            return Ok(shift);
        }
        let header = match (self.named, count == expected || expected == names) {
            (true, true) => format!("the header names {names} columns"),
            (true, false) => format!(
                "the header names {names} columns and the rows before have {expected} cells"
            ),
            (false, _) => format!("the first row has {expected}"),
        };
        let cells = if count == 1 {
            "1 cell".into()
        } else {
            format!("{count} cells")
        };
        let remedy = if count > names {
            "; if these are decimal commas, put semicolons between the columns, else make the row as long as the others"
        } else {
            "; make the row as long as the others, or remove it"
        };
        Err(format!("has {cells} where {header}{remedy}"))
    }
}

/// The columns of x and y, and whether the first row is a header rather than a point.
fn find_columns(cells: &[Cow<'_, [u8]>], kind: &Kind) -> Result<Columns, String> {
    let names = texts(cells);
    let is_number = |cell: &&String| number_of(cell).is_some();
    let numbers = names.iter().filter(is_number).count();
    if let Ok(columns) = columns_of(names.clone(), kind) {
        return Ok(columns);
    }
    match (names.len(), numbers) {
        (2, 1 | 2) if kind.points => Ok(Columns {
            places: [0, 1],
            names,
            cells: Some(2),
            named: false,
        }),
        (count, 0) if count > 1 => columns_of(names, kind),
        (count, _) => Err(format!(
            "found {count} column{} and no header; put a header that names {} and {} on the first line, columns separated by commas",
            if count == 1 { "" } else { "s" },
            kind.columns[0],
            kind.columns[1]
        )),
    }
}

fn texts(cells: &[Cow<'_, [u8]>]) -> Vec<String> {
    let text = |cell: &Cow<'_, [u8]>| String::from_utf8_lossy(cell).into_owned();
    cells.iter().map(text).collect()
}

/// The columns that a header names as this kind does: exactly so, or else in other capitals.
fn columns_of(names: Vec<String>, kind: &Kind) -> Result<Columns, String> {
    let [one, other] = kind.columns;
    let find = |name: &str| {
        let exact: Vec<usize> = (0..names.len()).filter(|&i| names[i] == name).collect();
        let alike: Vec<usize> = (0..names.len())
            .filter(|&i| names[i].eq_ignore_ascii_case(name))
            .collect();
        let found = if exact.is_empty() { alike } else { exact };
        match found[..] {
            [one] => Ok(one),
            [] => Err(format!(
                "the header '{}' does not name the columns {one} and {other}; rename two columns to {one} and {other}",
                short(&names.join(","))
            )),
            _ => Err(format!(
                "the header names {} columns {name}; rename all but one of them",
                found.len()
            )),
        }
    };
    Ok(Columns {
        places: [find(one)?, find(other)?],
        names,
        cells: None,
        named: true,
    })
}

/// Which decimal marks were seen.
#[derive(Default)]
struct Marks {
    point: bool,
    comma: bool,
}

impl Marks {
    fn notice(&self, delimiter: Delimiter) -> Option<String> {
        self.comma
            .then(|| format!("it is read with decimal commas and {delimiter} between the columns"))
    }
}

fn number_in(text: &str, name: &str, marks: &mut Marks) -> Result<f64, String> {
    let remedy = "remove the row or put a number there";
    match number_of(text) {
        Some(value) if value.is_nan() => Err(format!("'{text}' is not a number; {remedy}")),
        Some(value) if !(value as f32).is_finite() => Err(format!(
            "'{}' is not a finite number of ordinary size; remove the row or put a smaller number there",
            short(text)
        )),
        Some(value) => {
            marks.point |= text.contains('.');
            marks.comma |= text.contains(',');
            if marks.point && marks.comma {
                return Err(format!(
                    "'{}' has another decimal mark than the numbers before; write all with points, or all with commas",
                    short(text)
                ));
            }
            Ok(value)
        }
        None if text.is_empty() => Err(format!("{name} is empty; {remedy}")),
        None if text.contains('\n') => {
            Err("a quote is opened here and closed in a later line; remove it".into())
        }
        None => Err(format!("'{}' is not a number; {remedy}", short(text))),
    }
}

/// Text for a message: in one line, and no longer than people read.
fn short(text: &str) -> String {
    const LENGTH: usize = 60;
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LENGTH + 1)
        .collect();
    if line.chars().count() <= LENGTH {
        line
    } else {
        line.chars().take(LENGTH - 1).chain(['…']).collect()
    }
}

/// What the other columns are, as far as it takes to tell.
#[derive(Default)]
struct Watch {
    /// For each column its values, as long as they are few.
    values: Vec<Option<HashSet<Vec<u8>>>>,
    labels: HashSet<Vec<u8>>,
    shifted: bool,
}

impl Watch {
    fn see(
        &mut self,
        columns: &Columns,
        shift: usize,
        cells: &[Cow<'_, [u8]>],
        row: u64,
    ) -> Result<(), String> {
        if shift == 1 && row <= LABELS_COMPARED {
            self.shifted = true;
            if !self.labels.insert(cells[0].to_vec()) {
                return Err(format!(
                    "has {} cells where the header names {}, and begins with '{}' as an earlier row does, so that this is no \
                     label: name every column, or, if these are decimal commas, put semicolons between the columns",
                    cells.len(),
                    columns.names.len(),
                    short(&String::from_utf8_lossy(&cells[0]))
                ));
            }
        }
        if self.values.is_empty() {
            let watched = |column: usize| !columns.places.contains(&column);
            self.values = (0..columns.names.len())
                .map(|column| watched(column).then(HashSet::new))
                .collect();
        }
        for (values, cell) in self.values.iter_mut().zip(&cells[shift..]) {
            if let Some(seen) = values
                && !seen.contains(&**cell)
            {
                seen.insert(cell.to_vec());
                if seen.len() > MOST_GROUPS {
                    *values = None;
                }
            }
        }
        Ok(())
    }

    fn notices(
        &self,
        columns: &Columns,
        rows: usize,
        (points, classes): (bool, bool),
    ) -> Vec<String> {
        let mut notices = Vec::new();
        if self.shifted {
            notices.push(format!(
                "the first of the {} cells of a row is taken as its label, since the header names {}",
                columns.names.len() + 1,
                columns.names.len()
            ));
        }
        for (name, values) in columns.names.iter().zip(&self.values) {
            let groups = values.as_ref().map_or(0, HashSet::len);
            if points && groups > 1 && rows >= 4 * groups {
                let named = classes::is_named_so(name);
                let learned = if named && !classes {
                    "which are learned as one: classes have 2 to 16 values, and each row one of them"
                } else if named {
                    "which can be learned as classes, by --labels or a row in Training"
                } else {
                    "which are learned as one; a column of the name label gives classes"
                };
                let name = if name.is_empty() {
                    "without a name".to_owned()
                } else {
                    format!("'{}'", short(name))
                };
                notices.push(format!(
                    "the column {name} splits its rows into {groups} groups, {learned}"
                ));
            }
        }
        notices
    }
}

#[cfg(test)]
mod tests;
