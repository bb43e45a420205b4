//! The program from outside, for tests that give it commands.

#![allow(dead_code, reason = "each test file uses what it needs")]

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use assert_cmd::Command;
use tempfile::TempDir;

/// The program.
pub const BINARY: &str = env!("CARGO_BIN_EXE_noise-compass");

/// An empty directory.
pub fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A command in a directory; whatever takes longer than two minutes hangs.
pub fn command(directory: impl AsRef<Path>, arguments: &str) -> Command {
    let mut command = Command::new(BINARY);
    command
        .current_dir(directory)
        .args(arguments.split_whitespace())
        .timeout(Duration::from_mins(2));
    command
}

/// Run in a directory.
pub fn run(directory: impl AsRef<Path>, arguments: &str) -> Output {
    command(directory, arguments).output().unwrap()
}

/// Run what must succeed; returns stdout and stderr.
pub fn said(directory: impl AsRef<Path>, arguments: &str) -> (String, String) {
    let output = run(directory, arguments);
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{arguments}: {stderr}");
    (stdout, stderr)
}

/// Run what must succeed; returns stdout.
pub fn ok(directory: impl AsRef<Path>, arguments: &str) -> String {
    said(directory, arguments).0
}

/// Run what must fail with status 1, nothing on stdout, and one line on stderr that names itself, says what and what
/// to do. Returns that line.
pub fn fails(directory: impl AsRef<Path>, arguments: &str) -> String {
    fault(&run(directory, arguments), arguments)
}

/// See [`fails`].
pub fn fault(output: &Output, arguments: &str) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments}: {stderr}");
    assert!(output.stdout.is_empty(), "{arguments} wrote to stdout");
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{arguments} needs one line, not {stderr}");
    assert!(
        lines[0].starts_with("noise-compass: "),
        "{arguments}: {stderr}"
    );
    assert!(!lines[0].contains("panicked"), "{stderr}");
    lines[0].to_owned()
}

/// Run what is wrong usage.
pub fn wrong_usage(directory: impl AsRef<Path>, arguments: &str) -> String {
    let output = run(directory, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments}");
    String::from_utf8(output.stderr).unwrap()
}
