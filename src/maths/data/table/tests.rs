use super::*;
use proptest::prelude::*;

fn of(bytes: &[u8]) -> Result<Table, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.csv");
    std::fs::write(&path, bytes).unwrap();
    read(&path).map_err(|error| {
        error
            .to_string()
            .replace(&format!("{}/", directory.path().display()), "")
    })
}

const POINTS: [[f64; 2]; 3] = [[1.5, 2.5], [-3.0, 4.25], [0.125, 6.0]];

/// One table in the dialects of the programs that people have it from.
#[test]
fn tables_are_read_as_their_writers_meant_them() {
    let cases = [
        ("plain", "x,y\n1.5,2.5\n-3,4.25\n0.125,6\n", ""),
        ("old Mac", "x,y\r1.5,2.5\r-3,4.25\r0.125,6\r", ""),
        (
            "R, write.csv",
            "\"\",\"x\",\"y\"\n\"1\",1.5,2.5\n\"2\",-3,4.25\n\"3\",0.125,6\n",
            "",
        ),
        (
            "R, row names X",
            "X,x,y\n1,1.5,2.5\n2,-3,4.25\n3,0.125,6\n",
            "",
        ),
        (
            "R, write.table",
            "\"x\" \"y\"\n\"1\" 1.5 2.5\n\"2\" -3 4.25\n\"3\" 0.125 6\n",
            "first of the 3 cells",
        ),
        (
            "R, write.csv2",
            "\"\";\"x\";\"y\"\n\"1\";1,5;2,5\n\"2\";-3;4,25\n\"3\";0,125;6\n",
            "decimal commas and semicolons",
        ),
        ("pandas", ",x,y\n0,1.5,2.5\n1,-3.0,4.25\n2,0.125,6.0\n", ""),
        (
            "numpy, savetxt",
            "1.5e+00 2.5e+00\n-3.0e+00 4.25e+00\n1.25e-01 6e+00\n",
            "no header",
        ),
        (
            "numpy, with a header",
            "# y x\n2.5 1.5\n4.25 -3\n6 0.125\n",
            "",
        ),
        (
            "gnuplot",
            "# of a model\n\n# x\ty\n 1.5\t2.5\n -3\t4.25\n# half\n 0.125\t6\n",
            "",
        ),
        (
            "Excel, German",
            "sep=;\r\nx;y\r\n1,5;2,5\r\n-3;4,25\r\n0,125;6\r\n",
            "decimal commas",
        ),
        (
            "Excel, quoted",
            "\"x\",\"y\"\n\"1,5\", \"2,5\"\n\"-3\",\"4,25\"\n \"0,125\" , \"6\"\n",
            "decimal commas and commas",
        ),
        (
            "tabs",
            "x\ty\tnote\n1.5\t2.5\ta b\n-3\t4.25\tc\n0.125\t6\t\n",
            "",
        ),
        ("bars", "x|y\n1.5|2.5\n-3|4.25\n0.125|6\n", ""),
        (
            "a comma and a blank",
            "x, y\n1.5, 2.5\n-3, 4.25\n0.125, 6\n",
            "",
        ),
        (
            "blanks about commas",
            "x , y\n1.5 , 2.5\n-3 , 4.25\n0.125 , 6\n",
            "",
        ),
        (
            "a comma at the end",
            "x,y\n1.5,2.5,\n-3,4.25,\n0.125,6,\n",
            "",
        ),
        ("X and Y", "Y;X\n2.5;1.5\n4.25;-3\n6;0.125\n", ""),
        (
            "exact before alike",
            "X,Y,y,x\n0,0,2.5,1.5\n0,0,4.25,-3\n0,0,6,0.125\n",
            "",
        ),
        (
            "quotes over lines",
            "note,x,y\n\"a\nb\",1.5,2.5\n,-3,4.25\nc,0.125,6\n",
            "",
        ),
        (
            "semicolons, no header",
            "1,5;2,5\n-3;4,25\n0,125;6\n",
            "no header",
        ),
    ];
    for (name, text, notice) in cases {
        let table = of(text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(table.rows, POINTS, "{name}");
        let told = table.notices.join("; ");
        assert!(
            if notice.is_empty() {
                told.is_empty()
            } else {
                told.contains(notice)
            },
            "{name}: {told}"
        );
        // In every encoding.
        let utf16 = |big: bool, mark: bool| -> Vec<u8> {
            let units = mark
                .then_some(0xFEFF)
                .into_iter()
                .chain(text.encode_utf16());
            units
                .flat_map(|unit| {
                    if big {
                        unit.to_be_bytes()
                    } else {
                        unit.to_le_bytes()
                    }
                })
                .collect()
        };
        let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
        for bytes in [
            marked,
            utf16(true, true),
            utf16(false, true),
            utf16(true, false),
            utf16(false, false),
        ] {
            assert_eq!(of(&bytes).as_ref(), Ok(&table), "{name}: {bytes:?}");
        }
    }
}

/// The first row of a file without a header was lost, or a header of numbers was a point, in silence.
#[test]
fn what_is_taken_for_granted_is_told() {
    let told = |text: &str| of(text.as_bytes()).unwrap().notices;
    assert_eq!(
        told("0,1\n0.5,2\n"),
        ["it has no header: its first line, '0,1', is read as a point"]
    );
    let rows = (0..40)
        .map(|i| format!("{i},{},{}", i * i, ["a", "b", "c"][i % 3]))
        .collect::<Vec<_>>()
        .join("\n");
    assert_eq!(
        told(&format!("x,y,species\n{rows}")),
        [
            "the column 'species' splits its rows into 3 groups, which are learned as one; a column of the name label gives classes"
        ]
    );
    // A column of numbers that go on and on does not, nor one that is the same in all rows.
    let rows = (0..40)
        .map(|i| format!("{i},{},{},7", i * i, 0.5 * f64::from(i)))
        .collect::<Vec<_>>()
        .join("\n");
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
        (
            "x,y\n1,2\n1,5,2\n",
            "p.csv line 3: has 3 cells where the header names 2 columns; if",
        ),
        (
            "x,y\n1,5,2\n1,7,2\n",
            "p.csv line 3: has 3 cells where the header names 2, and begins with '1' as an earlier row does",
        ),
        (
            "x,y,z\n1,2,3\n4,5\n",
            "p.csv line 3: has 2 cells where the header names 3 columns; make the row as long as the others, or remove it",
        ),
        (
            "1,2\n3,4,5\n",
            "p.csv line 2: has 3 cells where the first row has 2; if",
        ),
        (
            &long,
            "p.csv line 3: a quote is opened here and not closed; close it, or remove it",
        ),
        ("x,y\n1,2\n\"3,4\n5,6\n\"7\",8\n", "p.csv line 3: "),
        (
            "x,y\n1,2\n3\",4\n",
            "p.csv line 3: '3\"' is not a number; remove the row or put a number there",
        ),
        (
            "x;y\n1,5;2.5\n",
            "p.csv line 2: '2.5' has another decimal mark than the numbers before",
        ),
        (
            "x;y\n1.234,5;2\n",
            "p.csv line 2: '1.234,5' is not a number",
        ),
        (
            "x,y,x\n1,2,3\n",
            "p.csv line 1: the header names 2 columns x; rename all but one of them",
        ),
        (
            "X,Y,X\n1,2,3\n",
            "p.csv line 1: the header names 2 columns x; rename all but one of them",
        ),
        (
            ",0,1\n0,1,2\n",
            "p.csv line 1: found 3 columns and no header; put a header that names x and y",
        ),
        ("# nothing\n\n# here\n", "p.csv holds no points"),
    ];
    for (text, message) in cases {
        let error = of(text.as_bytes()).unwrap_err();
        assert!(error.starts_with(message), "{:?}: {error}", short(text));
        assert!(
            error.len() < 300 && !error.contains('\n'),
            "{}: {error}",
            error.len()
        );
    }
    for (bytes, what) in [
        (&b"PK\x03\x04\0\0"[..], "a zip archive"),
        (b"\x1F\x8B\x08", "compressed by gzip"),
        (b"\xFF\xFE\0\0x\0\0\0", "text in UTF-32"),
        (b"\0\0\0\0\0\0", "zero bytes"),
        (b"x,y\n1,2\n\0\0\0", "zero bytes"),
    ] {
        let error = of(bytes).unwrap_err();
        assert!(
            error.starts_with("p.csv is ") && error.contains(what),
            "{error}"
        );
    }
    let endless = of(&b"1,2,".repeat(400_000)).unwrap_err();
    assert!(
        endless.starts_with("p.csv line 1: is longer than a million characters"),
        "{endless}"
    );
}

/// What people's programs write: every delimiter, end of line, way of quoting and decimal mark, written by another
/// hand (the `csv` crate).
fn written(
    points: &[[f64; 2]],
    (delimiter, terminator, quotes, comma): (u8, usize, usize, bool),
) -> Vec<u8> {
    let quotes = [
        csv::QuoteStyle::Necessary,
        csv::QuoteStyle::Always,
        csv::QuoteStyle::NonNumeric,
    ][quotes];
    let terminator = [
        csv::Terminator::Any(b'\n'),
        csv::Terminator::CRLF,
        csv::Terminator::Any(b'\r'),
    ][terminator];
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .terminator(terminator)
        .quote_style(quotes)
        .from_writer(Vec::new());
    writer.write_record(["name", "y", "x"]).unwrap();
    for (i, [x, y]) in points.iter().enumerate() {
        let number = |value: f64| {
            if comma {
                value.to_string().replace('.', ",")
            } else {
                value.to_string()
            }
        };
        writer
            .write_record([
                format!("row \"{i}\" {}", char::from(delimiter)),
                number(*y),
                number(*x),
            ])
            .unwrap();
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

/// A column of the name label or class gives classes, in whatever dialect and place; numbers by their size, words by the alphabet.
#[test]
fn a_column_gives_the_classes_of_the_rows() {
    let classes = |text: &str| of(text.as_bytes()).unwrap().classes;
    let given = |names: &[&str], of_rows: &[u32]| {
        Some(Classes {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            of_rows: of_rows.to_vec(),
        })
    };
    let words = given(&["in", "out"], &[1, 0, 1]);
    assert_eq!(classes("x,y,label\n0,1,out\n2,3, in\n4,5,out\n"), words);
    assert_eq!(classes("Class;x;y\nout;0,5;1\nin;2;3\nout;4;5\n"), words);
    assert_eq!(classes("y,LABEL,x\n1,out,0\n3,in,2\n5,out,4\n"), words);
    // Row names stand before the header's columns.
    let shifted = "\"x\" \"y\" \"class\"\n\"a\" 0 1 \"out\"\n\"b\" 2 3 \"in\"\n\"c\" 4 5 \"out\"\n";
    assert_eq!(classes(shifted), words);
    let numbers = "x,y,label\n0,1,10\n2,3,9\n4,5,-1\n6,7,10\n";
    assert_eq!(classes(numbers), given(&["-1", "9", "10"], &[2, 1, 0, 2]));
    // None: no such column, one value, more than can be told apart, a row without a name.
    assert_eq!(classes("x,y\n0,1\n2,3\n"), None);
    assert_eq!(classes("x,y,species\n0,1,a\n2,3,b\n"), None);
    assert_eq!(classes("x,y,label\n0,1,a\n2,3,a\n"), None);
    assert_eq!(classes("x,y,label\n0,1,a\n2,3,\n"), None);
    let rows: Vec<String> = (0..17).map(|i| format!("{i},{i},{i}")).collect();
    assert_eq!(classes(&format!("x,y,label\n{}\n", rows.join("\n"))), None);
    let sixteen = rows[..16].join("\n");
    let found = classes(&format!("x,y,label\n{sixteen}\n")).unwrap();
    assert_eq!(found.names.len(), 16);
}
