//! Every command that reads points, against every kind of file that people have: the good ones are read alike, the bad ones
//! refused in one short line.

#[path = "common/command.rs"]
mod command;

use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use command::{BINARY, run};
use tempfile::TempDir;

const SMALL: &str = "--width 32 --depth 1 --batch 32 --engine cpu --steps 3";

/// A directory with a model.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let output = run(
        &directory,
        &format!("train {SMALL} --points 64 --out model"),
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    directory
}

/// Every command that reads points.
fn readers(file: &str) -> [String; 6] {
    [
        format!("data --data {file} --n 5 --out data.csv --force"),
        format!("train {SMALL} --data {file} --out other --force"),
        format!("measure --samples points.csv --data {file}"),
        format!("measure --samples {file} --data circle"),
        format!(
            "sample --model model --init {file} --steps 2 --engine cpu --out samples.csv --force"
        ),
        format!("field --model model --t 0.5 --points {file} --engine cpu --out field.csv --force"),
    ]
}

#[test]
fn every_reader_refuses_every_bad_file_in_one_short_line() {
    let directory = directory();
    let write = |name: &str, bytes: &[u8]| fs::write(directory.path().join(name), bytes).unwrap();
    write("points.csv", b"x,y\n1,2\n0,1\n-1,-2\n");
    let stray = format!("x,y\n1,2\n\"3,4\n{}", "5,6\n".repeat(50_000));
    let mut bad: Vec<(&str, Vec<u8>, &str)> = vec![
        (
            "decimal commas",
            b"x,y\n1,5,2,5\n".to_vec(),
            "line 2: has 4 cells where the header names 2 columns",
        ),
        (
            "labels twice",
            b"x,y\n1,5,2\n1,7,3\n".to_vec(),
            "line 3: has 3 cells",
        ),
        (
            "a short row",
            b"x,y\n1,2\n3\n".to_vec(),
            "line 3: has 1 cell",
        ),
        (
            "a stray quote",
            stray.into_bytes(),
            "line 3: a quote is opened here and not closed",
        ),
        (
            "two decimal marks",
            b"x;y\n1,5;2\n1.5;2\n".to_vec(),
            "line 3: '1.5' has another decimal mark",
        ),
        (
            "words",
            b"x,y\n1,2\n3,four\n".to_vec(),
            "line 3: 'four' is not a number",
        ),
        (
            "infinite",
            b"x,y\n1,inf\n".to_vec(),
            "line 2: 'inf' is not a finite number",
        ),
        (
            "other names",
            b"a,b\n1,2\n".to_vec(),
            "does not name the columns x and y",
        ),
        (
            "three columns",
            b"1,2,3\n".to_vec(),
            "found 3 columns and no header",
        ),
        ("empty", Vec::new(), "holds no points"),
        ("only comments", b"# x y\n".to_vec(), "holds no points"),
        ("a zip", b"PK\x03\x04\x14\0\0\0".to_vec(), "a zip archive"),
        ("gzip", b"\x1F\x8B\x08\0".to_vec(), "compressed by gzip"),
        ("zeros", vec![0; 5000], "zero bytes"),
        (
            "half of UTF-16",
            b"\xFF\xFEx\0;\0y\0\n\x001\0;\0a\0".to_vec(),
            "line 2: 'a' is not a number",
        ),
        (
            "one line",
            b"1,2,".repeat(400_000),
            "line 1: is longer than a million characters",
        ),
    ];
    bad.push(("missing", Vec::new(), "cannot read"));
    for (name, bytes, message) in &bad {
        let file = format!("{}.csv", name.replace(' ', "_"));
        if *name != "missing" {
            write(&file, bytes);
        }
        for arguments in readers(&file) {
            let output = run(&directory, &arguments);
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{arguments}: {stderr}");
            assert!(
                output.stdout.is_empty() && stderr.lines().count() == 1,
                "{arguments}: {stderr}"
            );
            assert!(
                stderr.contains(&file) && stderr.contains(message),
                "{arguments}: {stderr}"
            );
            assert!(stderr.len() < 400, "{arguments}: {} bytes", stderr.len());
        }
    }
}

#[test]
fn every_reader_reads_every_good_file() {
    let directory = directory();
    let write = |name: &str, bytes: &[u8]| fs::write(directory.path().join(name), bytes).unwrap();
    write("points.csv", b"x,y\n1.5,2\n0,1\n-1,-2.25\n");
    let expected: Vec<Vec<u8>> = outcomes(&directory, "points.csv")
        .into_iter()
        .map(|(bytes, _)| bytes)
        .collect();
    let german = "x;y\r\n1,5;2\r\n0;1\r\n-1;-2,25\r\n";
    let utf16: Vec<u8> = [0xFEFF]
        .into_iter()
        .chain(german.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let good: [(&str, &[u8], &str); 6] = [
        ("German", german.as_bytes(), "decimal commas"),
        ("UTF-16", &utf16, "decimal commas"),
        (
            "R",
            b"\"\",\"x\",\"y\"\n\"1\",1.5,2\n\"2\",0,1\n\"3\",-1,-2.25\n",
            "",
        ),
        (
            "a label",
            b"x y\nfirst 1.5 2\nsecond 0 1\nthird -1 -2.25\n",
            "taken as its label",
        ),
        (
            "no header",
            b"1.5\t2\n0\t1\n-1\t-2.25\n",
            "'1.5 2', is read as a point",
        ),
        ("names of R", b"X,x,y\n1,1.5,2\n2,0,1\n3,-1,-2.25\n", ""),
    ];
    for (name, bytes, notice) in good {
        let file = format!("{}.csv", name.replace(' ', "_"));
        write(&file, bytes);
        for ((found, stderr), expected) in outcomes(&directory, &file).into_iter().zip(&expected) {
            assert_eq!(&found, expected, "{name}: {stderr}");
            assert!(stderr.contains(notice), "{name}: {stderr}");
        }
    }
}

/// What each command makes of a file.
fn outcomes(directory: &TempDir, file: &str) -> Vec<(Vec<u8>, String)> {
    let made = ["data.csv", "", "", "", "samples.csv", "field.csv"];
    let outcome = |(arguments, made): (String, &str)| {
        let output = run(directory, &arguments);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments}: {stderr}");
        let bytes = if made.is_empty() {
            output.stdout
        } else {
            fs::read(directory.path().join(made)).unwrap()
        };
        (bytes, stderr)
    };
    readers(file).into_iter().zip(made).map(outcome).collect()
}

/// Devices and pipes: what has no end is refused, and what has one is read where it is read once.
#[cfg(unix)]
#[test]
fn files_without_an_end_are_bounded() {
    let directory = directory();
    std::os::unix::fs::symlink("/dev/zero", directory.path().join("zero.csv")).unwrap();
    fs::write(directory.path().join("points.csv"), "x,y\n1,2\n0,1\n").unwrap();
    for (file, message) in [
        ("zero.csv", ""),
        ("/dev/zero", "zero bytes"),
        ("/dev/urandom", ""),
    ] {
        for (index, arguments) in readers(file).into_iter().enumerate() {
            // Data come from a file that is named as one.
            if index < 3 && !file.contains(".csv") {
                continue;
            }
            let begun = Instant::now();
            let output = run(&directory, &arguments);
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{arguments}: {stderr}");
            assert!(
                stderr.lines().count() == 1 && stderr.len() < 400,
                "{arguments}: {stderr}"
            );
            let expected = if index < 3 {
                "no regular file"
            } else {
                message
            };
            assert!(stderr.contains(expected), "{arguments}: {stderr}");
            assert!(
                begun.elapsed() < Duration::from_secs(5),
                "{arguments}: {:?}",
                begun.elapsed()
            );
        }
    }
    // A pipe that never ends: ten million rows are enough.
    let pipe = |bytes: &'static [u8], times: usize| {
        let arguments = "measure --samples /dev/stdin --data circle";
        let mut child = std::process::Command::new(BINARY)
            .current_dir(&directory)
            .args(arguments.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // It ends where nobody reads any more.
        let _ = (0..times).try_for_each(|_| stdin.write_all(bytes));
        drop(stdin);
        child.wait_with_output().unwrap()
    };
    let block: &'static [u8] = "1,2\n".repeat(1 << 16).leak().as_bytes();
    let endless = String::from_utf8(pipe(block, usize::MAX).stderr).unwrap();
    assert!(endless.contains("has more than 10000000 rows"), "{endless}");
    let line: &'static [u8] = "1 2 ".repeat(1 << 16).leak().as_bytes();
    let endless = String::from_utf8(pipe(line, usize::MAX).stderr).unwrap();
    assert!(
        endless.contains("line 1: is longer than a million characters"),
        "{endless}"
    );
    let comments: &'static [u8] = format!("#{}\n", "-".repeat(65_534)).leak().as_bytes();
    let endless = String::from_utf8(pipe(comments, usize::MAX).stderr).unwrap();
    assert!(endless.contains("is longer than 1024 MiB"), "{endless}");
    let sound = pipe(b"x,y\n1,0\n0,1\n-1,0\n0,-1\n", 1);
    assert!(
        sound.status.success(),
        "{}",
        String::from_utf8_lossy(&sound.stderr)
    );
}

/// The samples of a data set measured against itself as a file: of the same rows whatever the seed, and about as far as they
/// are from each other. It was 6 floors of a density estimate.
#[test]
fn a_file_is_measured_by_its_held_out_rows() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [
        "data --data figure8 --n 4096 --seed 1 --out file.csv",
        "data --data figure8 --n 2048 --seed 2 --out fresh.csv",
    ] {
        assert!(run(&directory, arguments).status.success());
    }
    for seed in [0, 7] {
        let output = run(
            &directory,
            &format!("measure --samples fresh.csv --data file.csv --seed {seed} --json"),
        );
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["reference"], "held-out rows");
        assert_eq!(report["held_out_rows"], 512);
        assert!(
            report["truth"]
                .as_str()
                .unwrap()
                .starts_with("kernels on 3584 distinct rows, bandwidth 0.0"),
            "{report}"
        );
        let ratio = report["w2_ratio"].as_f64().unwrap();
        assert!((0.75..1.3).contains(&ratio), "{report}");
    }
    let told =
        String::from_utf8(run(&directory, "measure --samples fresh.csv --data file.csv").stderr)
            .unwrap();
    assert!(
        told.starts_with("held against the file's 512 held-out rows"),
        "{told}"
    );
}

/// What `data` writes at most, `data` and `train` read again.
#[test]
fn ten_million_rows_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    for arguments in [
        "data --data figure8 --n 10000000 --out big.csv".to_owned(),
        "data --data big.csv --n 10 --out back.csv".to_owned(),
        format!("train {SMALL} --data big.csv --out model"),
    ] {
        let output = run(&directory, &arguments);
        assert!(
            output.status.success(),
            "{arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        println!("{arguments}: {:?}", begun.elapsed());
    }
    assert!(
        begun.elapsed() < Duration::from_secs(90),
        "took {:?}",
        begun.elapsed()
    );
}
