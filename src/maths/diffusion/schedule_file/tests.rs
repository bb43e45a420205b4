use super::*;
use crate::diffusion::schedule::Schedule;
use approx::assert_abs_diff_eq;
use proptest::prelude::*;
use std::fmt::Write as _;

fn of(bytes: impl AsRef<[u8]>) -> Result<ScheduleFile, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.csv");
    std::fs::write(&path, bytes).unwrap();
    read(&path).map_err(|error| {
        error
            .to_string()
            .replace(&format!("{}/", directory.path().display()), "")
    })
}

fn csv(rows: impl IntoIterator<Item = [f64; 2]>) -> String {
    let mut text = "t,log_snr\n".to_owned();
    for [t, log_snr] in rows {
        writeln!(text, "{t},{log_snr}").unwrap();
    }
    text
}

#[test]
fn rows_at_the_handles_times_are_the_handles() {
    let read = of("t,log_snr\n0,9\n0.25,3.3\n0.5,0.1\n0.75,-4\n1,-9.7\n").unwrap();
    let own = LogSnr::new([9.0, 3.3, 0.1, -4.0, -9.7]);
    assert_eq!((read.schedule, read.notices), (own, Vec::new()));
    // Thirds and sixths in six decimals, too.
    let read =
        of("t,log_snr\n0,9\n0.166667,5\n0.333333,3\n0.5,0\n0.666667,-1\n0.833333,-4\n1,-8\n");
    let own = LogSnr::new([9.0, 5.0, 3.0, 0.0, -1.0, -4.0, -8.0]);
    assert_eq!(read.unwrap().schedule, own);
}

#[test]
fn rows_anywhere_on_a_line_are_that_line_at_seventeen_times() {
    let line: Vec<f64> = (0..17).map(|i| 8.0 - f64::from(i)).collect();
    for text in [
        "t,log_snr\n0,8\n1,-8\n",
        "t,log_snr\n0,8\n0.3,3.2\n1,-8\n",
        "log_snr,t\n8,0\n7.84,0.01\n0,0.5\n-7.2,0.95\n-8,1\n",
    ] {
        let read = of(text).unwrap();
        assert_eq!(read.schedule.handles(), line, "{text}");
        assert_eq!(read.notices, Vec::<String>::new(), "{text}");
    }
}

/// By hand: at t = 0.25 the chords are −16 and −8/3 over 0.25 and 0.75, of which Fritsch & Butland's mean is
/// 1/((7/12)/−16 + (5/12)/(−8/3)) = −16/3.0833…; the ends are (1.25 · −16 + 0.25 · 8/3)/1 = −58/3 and, beyond its limit 0, 0.
#[test]
fn between_rows_of_any_distance_the_curve_is_the_monotone_cubic() {
    let rows = [[0.0, 4.0], [0.25, 0.0], [1.0, -2.0]];
    let middle = 1.0 / (7.0 / 12.0 / -16.0 - 5.0 / 12.0 * 3.0 / 8.0);
    let first = (1.25 * -16.0 + 0.25 * 8.0 / 3.0) / 1.0;
    assert_abs_diff_eq!(slope(&rows, 0), first, epsilon = 1e-12);
    assert_abs_diff_eq!(slope(&rows, 1), middle, epsilon = 1e-12);
    assert_abs_diff_eq!(slope(&rows, 2), 0.0, epsilon = 1e-12);
    let halfway = 2.0 + 0.25 * (first - middle) / 8.0;
    assert_abs_diff_eq!(between(&rows, 0.125), halfway, epsilon = 1e-12);
}

/// log SNR of the cosine schedule in 200 rows, cut at the limits. Its ends are infinite, where handles end at ±12: within a
/// sixteenth of either end 17 handles follow ᾱ to 4e-3 only, and between to 1e-3 but for the two intervals beside them.
#[test]
fn the_cosine_schedule_as_a_table_is_the_cosine_schedule() {
    let log_snr = |tau: f64| {
        let snr = Schedule::Cosine.scales(tau, 1000).snr();
        snr.ln().clamp(-LIMIT, LIMIT)
    };
    let read = of(csv((0..200)
        .map(|i| f64::from(i) / 199.0)
        .map(|t| [t, log_snr(t)])))
    .unwrap();
    let [notice] = &read.notices[..] else {
        panic!("{:?}", read.notices)
    };
    assert!(notice.contains("off from these rows by up to"), "{notice}");
    let own = Schedule::Custom(read.schedule);
    for i in 0..=2000 {
        let tau = f64::from(i) / 2000.0;
        let [mine, known] = [own, Schedule::Cosine].map(|s| s.alpha_bar(tau, 1000));
        let within = if (0.125..=0.875).contains(&tau) {
            1e-3
        } else {
            4e-3
        };
        assert!((mine - known).abs() < within, "{tau}: {mine}, {known}");
    }
    // At the handles the rows themselves are close: 200 of them say what lies between.
    for i in 1..16 {
        let tau = f64::from(i) / 16.0;
        assert_abs_diff_eq!(read.schedule.at(tau), log_snr(tau), epsilon = 0.02);
    }
}

#[test]
fn tables_of_other_programs_are_understood() {
    let line = LogSnr::new([8.0, 4.0, 0.5, -4.0, -8.0]);
    for text in [
        "\u{feff}T, Log_SNR\r\n0, 8\r\n0.25, 4\r\n0.5, 0.5\r\n0.75, -4\r\n1, -8\r\n".to_owned(),
        "t;log_snr\n0;8\n0,25;4\n0,5;0,5\n0,75;-4\n1;-8\n".to_owned(),
        "# t log_snr\n0 8\n.25 4\n.5 .5\n.75 -4\n1 -8\n".to_owned(),
        "name,t,log_snr\na,0,8\nb,0.25,4\nc,0.5,5e-1\nd,0.75,-4\ne,1,-8\n".to_owned(),
        "\"\",\"log_snr\",\"t\"\n\"1\",8,0\n\"2\",4,0.25\n\"3\",0.5,0.5\n\"4\",-4,0.75\n\"5\",-8,1\n"
            .to_owned(),
    ] {
        assert_eq!(of(&text).map(|read| read.schedule), Ok(line), "{text}");
    }
}

#[test]
fn every_bad_file_is_one_sentence_with_its_row_and_a_remedy() {
    let needs = "a schedule needs at least two, the first at t = 0 and the last at t = 1";
    let two = "rename two columns to t and log_snr";
    let cases = [
        ("", format!("s.csv has 0 of the rows of t and log_snr; {needs}")),
        ("t,log_snr\n", format!("s.csv has 0 of the rows of t and log_snr; {needs}")),
        ("t,log_snr\n0,9\n", format!("s.csv has 1 of the rows of t and log_snr; {needs}")),
        (
            "dear diary\n",
            "s.csv line 1: found 1 column and no header; put a header that names t and log_snr on the first line, columns \
             separated by commas"
                .into(),
        ),
        (
            "0,9\n1,-9\n",
            "s.csv line 1: found 2 columns and no header; put a header that names t and log_snr on the first line, columns \
             separated by commas"
                .into(),
        ),
        (
            "x,y\n0,9\n1,-9\n",
            format!("s.csv line 1: the header 'x,y' does not name the columns t and log_snr; {two}"),
        ),
        (
            "t,log_snr\n0,9\n0.5\n1,-9\n",
            "s.csv line 3: has 1 cell where the header names 2 columns; make the row as long as the others, or remove it".into(),
        ),
        (
            "t,log_snr\n0,9\n0.5,\n1,-9\n",
            "s.csv line 3: log_snr is empty; remove the row or put a number there".into(),
        ),
        (
            "t,log_snr\n0,9\n,0\n1,-9\n",
            "s.csv line 3: t is empty; remove the row or put a number there".into(),
        ),
        (
            "t,log_snr\n0,9\nhalf,0\n1,-9\n",
            "s.csv line 3: 'half' is not a number; remove the row or put a number there".into(),
        ),
        (
            "t,log_snr\n0,9\n0.5,NaN\n1,-9\n",
            "s.csv line 3: 'NaN' is not a number; remove the row or put a number there".into(),
        ),
        (
            "t,log_snr\n0,inf\n1,-9\n",
            "s.csv line 2: 'inf' is not a finite number of ordinary size; remove the row or put a smaller number there".into(),
        ),
        (
            "t,log_snr\n0,9\n0.5,0\n0.5,-1\n1,-9\n",
            "s.csv line 4: t = 0.5 is not above the 0.5 of the row before; sort the rows by t, one for each".into(),
        ),
        (
            "t,log_snr\n0,9\n0.5,0\n0.25,-1\n1,-9\n",
            "s.csv line 4: t = 0.25 is not above the 0.5 of the row before; sort the rows by t, one for each".into(),
        ),
        (
            "t,log_snr\n0,9\n0.5,9\n1,-9\n",
            "s.csv line 3: log SNR 9 is not below the 9 of the row before; let it fall from row to row".into(),
        ),
        (
            "t,log_snr\n0.1,9\n1,-9\n",
            "s.csv line 2: the first row is at t = 0.1; add one at t = 0".into(),
        ),
        (
            "t,log_snr\n0,9\n0.9,-9\n",
            "s.csv line 3: the last row is at t = 0.9; add one at t = 1".into(),
        ),
        (
            "t,log_snr\n0,9\n500,0\n1000,-9\n",
            "s.csv line 3: t = 500 is not between 0 and 1; write t/T, from 0 at the data to 1 at the noise".into(),
        ),
        (
            "t,log_snr\n0,12.5\n1,-9\n",
            "s.csv line 2: log SNR 12.5 is not between -12 and 12; bring it within these limits".into(),
        ),
        (
            "t,log_snr\n0,9\n1,-13\n",
            "s.csv line 3: log SNR -13 is not between -12 and 12; bring it within these limits".into(),
        ),
        (
            "t,log_snr\n0,9\n0.25,3\n0.5,0\n0.75,-0.2\n1,-9\n",
            "s.csv line 5: from t = 0.5 to t = 0.75 the curve through the rows falls by 0.2 alone; let log SNR fall by at least 0.25 there".into(),
        ),
        (
            "t,log_snr\n0,1\n1,-1\n",
            "s.csv line 3: from t = 0 to t = 0.0625 the curve through the rows falls by 0.125 alone; let log SNR fall by at least 0.25 there".into(),
        ),
        (
            "PK\u{3}\u{4}",
            "s.csv is a zip archive or a spreadsheet's own format (such as .xlsx); save it as CSV, as text in UTF-8".into(),
        ),
        (
            "t,log_snr\n0,\"9\n1,-9\n",
            "s.csv line 2: a quote is opened here and not closed; close it, or remove it".into(),
        ),
    ];
    for (text, message) in cases {
        assert_eq!(of(text).map(|read| read.schedule), Err(message), "{text:?}");
    }
    let many = csv((0..=KIND.most).map(|i| [i as f64 / KIND.most as f64, -(i as f64) / 1e4]));
    assert_eq!(
        of(&many).unwrap_err(),
        "s.csv has more than 100000 rows; leave out some of them"
    );
    let most = many.trim_end().rsplit_once('\n').unwrap().0;
    assert!(
        of(most)
            .unwrap_err()
            .contains("the last row is at t = 0.99999")
    );
}

#[test]
fn a_missing_file_and_a_directory_are_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    for path in [directory.path().join("none.csv"), directory.path().into()] {
        let error = read(&path).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("cannot read {}: ", path.display()))
                && error.ends_with("; check the path and its permissions"),
            "{error}"
        );
        assert!(!is_schedule(&path));
    }
}

#[test]
fn a_schedule_is_told_from_points_by_its_header() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file.csv");
    for (text, schedule) in [
        ("t,log_snr\n0,9\n1,-9\n", true),
        ("# mine\n\nT; Log_SNR\n0;9\n", true),
        ("t,log_snr\nnot,numbers\n", true),
        ("x,y\n0,9\n1,-9\n", false),
        ("x,y,t,log_snr\n0,9,0,9\n1,-9,1,-9\n", false),
        ("0,9\n1,-9\n", false),
        ("t,snr\n0,9\n", false),
        ("", false),
    ] {
        std::fs::write(&path, text).unwrap();
        assert_eq!(is_schedule(&path), schedule, "{text:?}");
    }
}

proptest! {
    /// Whatever falls fast enough is read, goes through its rows where they are handles, and falls.
    #[test]
    fn any_falling_rows_make_a_schedule(
        widths in proptest::collection::vec(1e-4..1.0_f64, 1..60),
        rates in proptest::collection::vec(0.5..1.0_f64, 60),
    ) {
        let total: f64 = widths.iter().sum();
        let mut row = [0.0, 12.0];
        let mut rows = vec![row];
        for (width, rate) in std::iter::zip(&widths, &rates) {
            // 24 in all at the fastest. At the slowest 0.75 in a sixteenth: a cubic between rows of up to twice that keeps 0.25.
            row = [row[0] + width / total, row[1] - 24.0 * rate * width / total];
            rows.push(row);
        }
        rows.last_mut().unwrap()[0] = 1.0;
        let schedule = of(csv(rows)).unwrap().schedule;
        prop_assert_eq!(LogSnr::through(schedule.handles()), Some(schedule));
        prop_assert_eq!(schedule.handles()[0], 12.0);
    }
}
