//! Reading tables of points as people have them: CSV from spreadsheets, R, pandas and numpy, in their several dialects.
//!
//! Found out from the file: the encoding (UTF-8 or UTF-16), the end of a line, what stands between columns (comma,
//! semicolon, tab, bar or blanks), the decimal mark, the header, and a column of row labels that the header does not
//! name. What was taken for granted is told in notices; what cannot be meant is refused with its line.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use super::dialect::{Delimiter, Dialect, number_of};
use super::error::{DataError, MAX_ROWS};
use super::lines::{Encoding, Fault, Lines, MAX_BYTES, encoding};

/// Lines from which the dialect is found out.
const LOOKED_AT: usize = 200;
/// Values of a column that splits the rows: as many groups can be told apart on a picture.
const MOST_GROUPS: usize = 20;
/// Rows whose labels are compared.
const LABELS_COMPARED: u64 = 1000;

/// Points as they stand in a file, in its own units.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// At least one; finite, as f32 too.
    pub rows: Vec<[f64; 2]>,
    /// What was taken for granted, each a sentence without a full stop, for people.
    pub notices: Vec<String>,
}

/// Read the columns x and y of a file, or a file of two columns without a header.
///
/// # Errors
/// One sentence with file, line and what to do.
pub fn read(path: &Path) -> Result<Table, DataError> {
    let unreadable = |error: io::Error| DataError::Unreadable { file: path.into(), reason: error.to_string() };
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(unreadable)?);
    let mut head = Vec::new();
    (&mut file).take(4096).read_to_end(&mut head).map_err(unreadable)?;
    let text = match encoding(&head) {
        Encoding::Utf8 { mark } => Box::new(Cursor::new(head[mark..].to_vec()).chain(file)) as Box<dyn BufRead>,
        Encoding::Utf16 { little_endian, mark } => {
            let mut bytes = head.split_off(mark);
            (&mut file).take(MAX_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
            if bytes.len() as u64 > MAX_BYTES {
                return Err(DataError::TooLarge(path.into()));
            }
            let unit = if little_endian { u16::from_le_bytes } else { u16::from_be_bytes };
            let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
            let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
            Box::new(Cursor::new(text.into_bytes()))
        }
        Encoding::Other(what) => return Err(DataError::NotText { file: path.into(), what }),
    };
    let fault = |fault: Fault| match fault {
        Fault::Io(error) => unreadable(error),
        Fault::Line(line, problem) => DataError::Line { file: path.into(), line, problem },
        Fault::Large => DataError::TooLarge(path.into()),
        Fault::Many => DataError::TooMany(path.into()),
        Fault::Empty => DataError::Empty(path.into()),
    };
    table(text).map_err(fault)
}

/// Where x and y are, and how many cells a row has.
struct Columns {
    x: usize,
    y: usize,
    names: Vec<String>,
    /// Cells of every row; known from the first one on.
    cells: Option<usize>,
    /// The header was in the file.
    named: bool,
}

fn table(text: impl BufRead) -> Result<Table, Fault> {
    let mut lines = Lines::new(text)?;
    let seen = lines.look(LOOKED_AT)?;
    let dialect = Dialect::of(&seen);
    let delimiter = dialect.delimiter;
    let mut notices = Vec::new();
    let mut columns: Option<Columns> =
        dialect.commented_header.map(|names| columns_of(names).map_err(|p| Fault::Line(1, p))).transpose()?;
    let mut rows: Vec<[f64; 2]> = Vec::new();
    let mut watch = Watch::default();
    let mut marks = Marks::default();
    let mut line = Vec::new();
    while let Some(number) = lines.next_record(delimiter, &mut line)? {
        let blank = line.iter().all(u8::is_ascii_whitespace);
        if blank || line.starts_with(b"#") || (number == 1 && dialect.names_delimiter) {
            continue;
        }
        let fail = |problem: String| Fault::Line(number, problem);
        let Some(mut cells) = delimiter.split(&line) else { continue };
        let columns = if let Some(columns) = &mut columns {
            columns
        } else {
            let found = find_columns(&cells).map_err(fail)?;
            let columns = columns.insert(found);
            if columns.named {
                continue;
            }
            let text = short(&String::from_utf8_lossy(&line));
            notices.push(format!("it has no header: its first line, '{text}', is read as a point"));
            columns
        };
        let shift = columns.fit(&mut cells).map_err(fail)?;
        if rows.len() == MAX_ROWS {
            return Err(Fault::Many);
        }
        let mut coordinate = |column: usize, name: &str| {
            let text = cells.get(column + shift).map(|cell| String::from_utf8_lossy(cell)).unwrap_or_default();
            number_in(&text, name, &mut marks).map_err(fail)
        };
        rows.push([coordinate(columns.x, "x")?, coordinate(columns.y, "y")?]);
        watch.see(columns, shift, &cells, rows.len() as u64).map_err(fail)?;
    }
    if rows.is_empty() {
        return Err(Fault::Empty);
    }
    notices.extend(marks.notice(delimiter));
    if let Some(columns) = columns {
        notices.extend(watch.notices(&columns, rows.len()));
    }
    Ok(Table { rows, notices })
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
            (true, false) => format!("the header names {names} columns and the rows before have {expected} cells"),
            (false, _) => format!("the first row has {expected}"),
        };
        let cells = if count == 1 { "1 cell".into() } else { format!("{count} cells") };
        let remedy = if count > names {
            "; if these are decimal commas, put semicolons between the columns, else make the row as long as the others"
        } else {
            "; make the row as long as the others, or remove it"
        };
        Err(format!("has {cells} where {header}{remedy}"))
    }
}

/// The columns of x and y, and whether the first row is a header rather than a point.
fn find_columns(cells: &[Cow<'_, [u8]>]) -> Result<Columns, String> {
    let names: Vec<String> = cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
    let is_number = |cell: &&String| number_of(cell).is_some();
    let numbers = names.iter().filter(is_number).count();
    if let Ok(columns) = columns_of(names.clone()) {
        return Ok(columns);
    }
    match (names.len(), numbers) {
        (2, 1 | 2) => Ok(Columns { x: 0, y: 1, names, cells: Some(2), named: false }),
        (count, 0) if count > 1 => columns_of(names),
        (count, _) => Err(format!(
            "found {count} column{} and no header; put a header that names x and y on the first line, columns separated by commas",
            if count == 1 { "" } else { "s" }
        )),
    }
}

/// The columns that a header names x and y: exactly so, or else X and Y.
fn columns_of(names: Vec<String>) -> Result<Columns, String> {
    let find = |name: &str| {
        let exact: Vec<usize> = (0..names.len()).filter(|&i| names[i] == name).collect();
        let alike: Vec<usize> = (0..names.len()).filter(|&i| names[i].eq_ignore_ascii_case(name)).collect();
        let found = if exact.is_empty() { alike } else { exact };
        match found[..] {
            [one] => Ok(one),
            [] => Err(format!(
                "the header '{}' does not name the columns x and y; rename two columns to x and y",
                short(&names.join(","))
            )),
            _ => Err(format!("the header names {} columns {name}; rename all but one of them", found.len())),
        }
    };
    let (x, y) = (find("x")?, find("y")?);
    Ok(Columns { x, y, names, cells: None, named: true })
}

/// Which decimal marks were seen.
#[derive(Default)]
struct Marks {
    point: bool,
    comma: bool,
}

impl Marks {
    fn notice(&self, delimiter: Delimiter) -> Option<String> {
        self.comma.then(|| format!("it is read with decimal commas and {delimiter} between the columns"))
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
        None if text.contains('\n') => Err("a quote is opened here and closed in a later line; remove it".into()),
        None => Err(format!("'{}' is not a number; {remedy}", short(text))),
    }
}

/// Text for a message: in one line, and no longer than people read.
fn short(text: &str) -> String {
    const LENGTH: usize = 60;
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LENGTH + 1).collect();
    if line.chars().count() <= LENGTH { line } else { line.chars().take(LENGTH - 1).chain(['…']).collect() }
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
    fn see(&mut self, columns: &Columns, shift: usize, cells: &[Cow<'_, [u8]>], row: u64) -> Result<(), String> {
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
            let watched = |column: usize| column != columns.x && column != columns.y;
            self.values = (0..columns.names.len()).map(|column| watched(column).then(HashSet::new)).collect();
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

    fn notices(&self, columns: &Columns, rows: usize) -> Vec<String> {
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
            if groups > 1 && rows >= 4 * groups {
                let name = if name.is_empty() { "without a name".to_owned() } else { format!("'{}'", short(name)) };
                notices
                    .push(format!("the column {name} splits its rows into {groups} groups, which are learned as one"));
            }
        }
        notices
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(bytes: &[u8]) -> Result<Table, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("p.csv");
        std::fs::write(&path, bytes).unwrap();
        read(&path).map_err(|error| error.to_string().replace(&format!("{}/", directory.path().display()), ""))
    }

    const POINTS: [[f64; 2]; 3] = [[1.5, 2.5], [-3.0, 4.25], [0.125, 6.0]];

    /// One table in the dialects of the programs that people have it from.
    #[test]
    fn tables_are_read_as_their_writers_meant_them() {
        let cases = [
            ("plain", "x,y\n1.5,2.5\n-3,4.25\n0.125,6\n", ""),
            ("old Mac", "x,y\r1.5,2.5\r-3,4.25\r0.125,6\r", ""),
            ("R, write.csv", "\"\",\"x\",\"y\"\n\"1\",1.5,2.5\n\"2\",-3,4.25\n\"3\",0.125,6\n", ""),
            ("R, row names X", "X,x,y\n1,1.5,2.5\n2,-3,4.25\n3,0.125,6\n", ""),
            ("R, write.table", "\"x\" \"y\"\n\"1\" 1.5 2.5\n\"2\" -3 4.25\n\"3\" 0.125 6\n", "first of the 3 cells"),
            (
                "R, write.csv2",
                "\"\";\"x\";\"y\"\n\"1\";1,5;2,5\n\"2\";-3;4,25\n\"3\";0,125;6\n",
                "decimal commas and semicolons",
            ),
            ("pandas", ",x,y\n0,1.5,2.5\n1,-3.0,4.25\n2,0.125,6.0\n", ""),
            ("numpy, savetxt", "1.5e+00 2.5e+00\n-3.0e+00 4.25e+00\n1.25e-01 6e+00\n", "no header"),
            ("numpy, with a header", "# y x\n2.5 1.5\n4.25 -3\n6 0.125\n", ""),
            ("gnuplot", "# of a model\n\n# x\ty\n 1.5\t2.5\n -3\t4.25\n# half\n 0.125\t6\n", ""),
            ("Excel, German", "sep=;\r\nx;y\r\n1,5;2,5\r\n-3;4,25\r\n0,125;6\r\n", "decimal commas"),
            (
                "Excel, quoted",
                "\"x\",\"y\"\n\"1,5\", \"2,5\"\n\"-3\",\"4,25\"\n \"0,125\" , \"6\"\n",
                "decimal commas and commas",
            ),
            ("tabs", "x\ty\tnote\n1.5\t2.5\ta b\n-3\t4.25\tc\n0.125\t6\t\n", ""),
            ("bars", "x|y\n1.5|2.5\n-3|4.25\n0.125|6\n", ""),
            ("a comma and a blank", "x, y\n1.5, 2.5\n-3, 4.25\n0.125, 6\n", ""),
            ("blanks about commas", "x , y\n1.5 , 2.5\n-3 , 4.25\n0.125 , 6\n", ""),
            ("a comma at the end", "x,y\n1.5,2.5,\n-3,4.25,\n0.125,6,\n", ""),
            ("X and Y", "Y;X\n2.5;1.5\n4.25;-3\n6;0.125\n", ""),
            ("exact before alike", "X,Y,y,x\n0,0,2.5,1.5\n0,0,4.25,-3\n0,0,6,0.125\n", ""),
            ("quotes over lines", "note,x,y\n\"a\nb\",1.5,2.5\n,-3,4.25\nc,0.125,6\n", ""),
            ("semicolons, no header", "1,5;2,5\n-3;4,25\n0,125;6\n", "no header"),
        ];
        for (name, text, notice) in cases {
            let table = of(text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(table.rows, POINTS, "{name}");
            let told = table.notices.join("; ");
            assert!(if notice.is_empty() { told.is_empty() } else { told.contains(notice) }, "{name}: {told}");
            // In every encoding.
            let utf16 = |big: bool, mark: bool| -> Vec<u8> {
                let units = mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16());
                units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
            };
            let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
            for bytes in [marked, utf16(true, true), utf16(false, true), utf16(true, false), utf16(false, false)] {
                assert_eq!(of(&bytes).as_ref(), Ok(&table), "{name}: {bytes:?}");
            }
        }
    }

    /// The first row of a file without a header was lost, or a header of numbers was a point, in silence.
    #[test]
    fn what_is_taken_for_granted_is_told() {
        let told = |text: &str| of(text.as_bytes()).unwrap().notices;
        assert_eq!(told("0,1\n0.5,2\n"), ["it has no header: its first line, '0,1', is read as a point"]);
        let rows = (0..40).map(|i| format!("{i},{},{}", i * i, ["a", "b", "c"][i % 3])).collect::<Vec<_>>().join("\n");
        assert_eq!(
            told(&format!("x,y,species\n{rows}")),
            ["the column 'species' splits its rows into 3 groups, which are learned as one"]
        );
        // A column of numbers that go on and on does not, nor one that is the same in all rows.
        let rows = (0..40).map(|i| format!("{i},{},{},7", i * i, 0.5 * f64::from(i))).collect::<Vec<_>>().join("\n");
        assert_eq!(told(&format!("x,y,time,run\n{rows}")), Vec::<String>::new());
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_line_and_counts() {
        let long = format!("x,y\n1,2\n\"3,4\n{}", "5,6\n".repeat(50_000));
        let cases: [(&str, &str); 14] = [
            (
                "x,y\n1,5,2,5\n",
                "p.csv line 2: has 4 cells where the header names 2 columns; if these are decimal commas, put semicolons between the columns, else make the row as long as the others",
            ),
            ("x,y\n1,2\n1,5,2\n", "p.csv line 3: has 3 cells where the header names 2 columns; if"),
            (
                "x,y\n1,5,2\n1,7,2\n",
                "p.csv line 3: has 3 cells where the header names 2, and begins with '1' as an earlier row does",
            ),
            (
                "x,y,z\n1,2,3\n4,5\n",
                "p.csv line 3: has 2 cells where the header names 3 columns; make the row as long as the others, or remove it",
            ),
            ("1,2\n3,4,5\n", "p.csv line 2: has 3 cells where the first row has 2; if"),
            (&long, "p.csv line 3: a quote is opened here and not closed; close it, or remove it"),
            ("x,y\n1,2\n\"3,4\n5,6\n\"7\",8\n", "p.csv line 3: "),
            ("x,y\n1,2\n3\",4\n", "p.csv line 3: '3\"' is not a number; remove the row or put a number there"),
            ("x;y\n1,5;2.5\n", "p.csv line 2: '2.5' has another decimal mark than the numbers before"),
            ("x;y\n1.234,5;2\n", "p.csv line 2: '1.234,5' is not a number"),
            ("x,y,x\n1,2,3\n", "p.csv line 1: the header names 2 columns x; rename all but one of them"),
            ("X,Y,X\n1,2,3\n", "p.csv line 1: the header names 2 columns x; rename all but one of them"),
            (",0,1\n0,1,2\n", "p.csv line 1: found 3 columns and no header; put a header that names x and y"),
            ("# nothing\n\n# here\n", "p.csv holds no points"),
        ];
        for (text, message) in cases {
            let error = of(text.as_bytes()).unwrap_err();
            assert!(error.starts_with(message), "{:?}: {error}", short(text));
            assert!(error.len() < 300 && !error.contains('\n'), "{}: {error}", error.len());
        }
        for (bytes, what) in [
            (&b"PK\x03\x04\0\0"[..], "a zip archive"),
            (b"\x1F\x8B\x08", "compressed by gzip"),
            (b"\xFF\xFE\0\0x\0\0\0", "text in UTF-32"),
            (b"\0\0\0\0\0\0", "zero bytes"),
            (b"x,y\n1,2\n\0\0\0", "zero bytes"),
        ] {
            let error = of(bytes).unwrap_err();
            assert!(error.starts_with("p.csv is ") && error.contains(what), "{error}");
        }
        let endless = of(&b"1,2,".repeat(400_000)).unwrap_err();
        assert!(endless.starts_with("p.csv line 1: is longer than a million characters"), "{endless}");
    }

    /// What people's programs write: every delimiter, end of line, way of quoting and decimal mark, written by another
    /// hand (the `csv` crate).
    fn written(points: &[[f64; 2]], (delimiter, terminator, quotes, comma): (u8, usize, usize, bool)) -> Vec<u8> {
        let quotes = [csv::QuoteStyle::Necessary, csv::QuoteStyle::Always, csv::QuoteStyle::NonNumeric][quotes];
        let terminator = [csv::Terminator::Any(b'\n'), csv::Terminator::CRLF, csv::Terminator::Any(b'\r')][terminator];
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(terminator)
            .quote_style(quotes)
            .from_writer(Vec::new());
        writer.write_record(["name", "y", "x"]).unwrap();
        for (i, [x, y]) in points.iter().enumerate() {
            let number = |value: f64| if comma { value.to_string().replace('.', ",") } else { value.to_string() };
            writer.write_record([format!("row \"{i}\" {}", char::from(delimiter)), number(*y), number(*x)]).unwrap();
        }
        writer.into_inner().unwrap()
    }

    proptest! {
        #[test]
        fn what_others_write_is_read_bit_for_bit(
            points in prop::collection::vec(prop::array::uniform2(-1e30..1e30_f64), 1..300),
            small in prop::collection::vec(prop::array::uniform2(-1.0..1.0_f64), 1..9),
            delimiter in 0..4_usize, terminator in 0..3_usize, quotes in 0..3_usize, comma: bool,
        ) {
            let points: Vec<[f64; 2]> = points.into_iter().chain(small).collect();
            let bytes = written(&points, (b",;\t|"[delimiter], terminator, quotes, comma));
            let table = of(&bytes).map_err(TestCaseError::fail)?;
            prop_assert_eq!(table.rows, points);
        }

        /// Whatever a file holds, the answer is a table or one short line.
        #[test]
        fn no_file_is_too_odd(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..400),
                "([xyXY#\"0-9.,;:\t |e=\\-]|\n|\r\n){0,200}".prop_map(String::into_bytes),
            ],
        ) {
            if let Err(error) = of(&bytes) {
                prop_assert!(error.starts_with("p.csv") && error.len() < 400 && !error.contains('\n'), "{}", error);
            }
        }
    }
}
