use super::*;
use crate::disk::faults::{self, Fault};

/// In these tests a file is ours that says so.
fn at(path: &Path) -> Destination {
    Destination::new(
        path,
        |file| all_lines(file, |_, line| line == "ours"),
        false,
    )
}

fn names(directory: &Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    names
}

/// Refused, now and at the writing, by the same words; nothing has changed. Returns them.
fn refused(destination: &Destination) -> String {
    let error = destination.check().unwrap_err();
    let error = (
        error.to_string(),
        format!("{:#}", anyhow::Error::from(error)),
    );
    assert_eq!(error.0, error.1, "the command line tells the reason once");
    let error = error.0;
    assert_eq!(destination.write(b"ours\n").unwrap_err().to_string(), error);
    assert!(
        error.starts_with(&format!("cannot write {}: ", destination.path().display())),
        "{error}"
    );
    assert!(
        error.contains("; choose another --out") && !error.contains('\n'),
        "{error}"
    );
    error
}

#[test]
fn only_our_own_and_empty_files_are_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.txt");
    for old in [None, Some(""), Some("ours\n"), Some("ours\nours\n")] {
        let _ = fs::remove_file(&path);
        if let Some(old) = old {
            fs::write(&path, old).unwrap();
        }
        at(&path).check().unwrap();
        at(&path).write(b"ours\nours\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"ours\nours\n");
    }
    for theirs in [
        &b"mine\n"[..],
        b"ours",
        b"ours\nmine\n",
        &[0xFF; 5000],
        b"\n",
    ] {
        fs::write(&path, theirs).unwrap();
        assert!(refused(&at(&path)).contains("--force"));
        assert_eq!(fs::read(&path).unwrap(), theirs);
        Destination {
            force: true,
            ..at(&path)
        }
        .write(b"ours\n")
        .unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"ours\n");
    }
    let reads_itself = at(&path).sparing(Some(&directory.path().join("../").join(&path)));
    assert!(refused(&reads_itself).contains("read by the same command"));
    at(&path)
        .sparing(Some(directory.path()))
        .sparing(None)
        .write(b"ours\n")
        .unwrap();
    assert_eq!(
        names(directory.path()),
        ["a.txt"],
        "nothing temporary is left"
    );
}

#[test]
fn a_missing_directory_and_a_directory_in_the_way_are_named() {
    let directory = tempfile::tempdir().unwrap();
    assert!(
        refused(&at(&directory.path().join("nowhere").join("x.csv")))
            .contains("nowhere is not a directory")
    );
    assert!(refused(&at(directory.path())).contains("it is a directory"));
    fs::write(directory.path().join("file"), "").unwrap();
    assert!(refused(&at(&directory.path().join("file/x.csv"))).contains("file is not a directory"));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    use std::process::Command;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode()
    }

    /// Make a node of the file system: a pipe, or a device where the tests run as root. Returns whether it could.
    fn make_node(path: &Path, kind: &[&str]) -> bool {
        let made = Command::new("mknod")
            .arg(path)
            .args(kind)
            .output()
            .is_ok_and(|output| output.status.success());
        assert!(made || kind != ["p"], "a pipe can be made by everybody");
        made
    }

    #[test]
    fn others_may_read_what_is_written_as_far_as_the_umask_lets_them() {
        let directory = tempfile::tempdir().unwrap();
        let (ours, plain) = (
            directory.path().join("ours"),
            directory.path().join("plain"),
        );
        at(&ours).write(b"x").unwrap();
        fs::write(&plain, b"x").unwrap();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn a_file_keeps_its_mode_and_the_links_that_lead_to_it() {
        let temp = tempfile::tempdir().unwrap();
        let [near, far] = ["near", "far"].map(|name| temp.path().join(name));
        fs::create_dir(&near).unwrap();
        fs::create_dir(&far).unwrap();
        let target = far.join("target");
        symlink("../far/target", near.join("relative")).unwrap();
        symlink(&target, near.join("absolute")).unwrap();
        symlink("relative", near.join("chain")).unwrap();
        for bits in [0o600, 0o644, 0o755, 0o664, 0o200] {
            for name in ["relative", "absolute", "chain"] {
                // Also a link to what is not there yet leads to its file.
                let _ = fs::remove_file(&target);
                at(&near.join(name)).write(b"ours\n").unwrap();
                fs::set_permissions(&target, fs::Permissions::from_mode(bits)).unwrap();
                Destination {
                    force: true,
                    ..at(&near.join(name))
                }
                .write(b"ours\nours\n")
                .unwrap();
                assert_eq!(mode(&target) & 0o7777, bits, "{name}");
                fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
                assert_eq!(fs::read(&target).unwrap(), b"ours\nours\n");
                assert!(near.join(name).is_symlink());
            }
        }
        assert_eq!((names(&near).len(), names(&far).len()), (3, 1));
        symlink("circle", near.join("circle")).unwrap();
        assert!(refused(&at(&near.join("circle"))).contains("circle"));
    }

    #[test]
    fn what_is_read_only_stays_as_it_is_for_root_too() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("file");
        fs::write(&file, "ours\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
        symlink("file", temp.path().join("link")).unwrap();
        for name in ["file", "link"] {
            let destination = at(&temp.path().join(name));
            assert!(refused(&destination).contains("read-only"));
            refused(&Destination {
                force: true,
                ..destination
            });
        }
        assert_eq!(
            (fs::read(&file).unwrap(), mode(&file) & 0o777),
            (b"ours\n".to_vec(), 0o444)
        );
        let closed = temp.path().join("closed");
        fs::create_dir(&closed).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
        assert!(refused(&at(&closed.join("new"))).contains("read-only"));
    }

    #[test]
    fn a_pipe_is_written_into_and_stays_a_pipe() {
        let temp = tempfile::tempdir().unwrap();
        let pipe = temp.path().join("pipe");
        make_node(&pipe, &["p"]);
        symlink("pipe", temp.path().join("link")).unwrap();
        for name in ["pipe", "link"] {
            let destination = at(&temp.path().join(name));
            // Nobody reads yet: the check must not wait for it.
            destination.check().unwrap();
            let reading = pipe.clone();
            let reader = std::thread::spawn(move || fs::read(reading).unwrap());
            destination.write(b"into the pipe").unwrap();
            assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
            assert_eq!(reader.join().unwrap(), b"into the pipe");
        }
        assert_eq!(names(temp.path()).len(), 2);
    }

    /// Devices of the test's own, never the machine's. They can be made only by root.
    #[test]
    fn a_device_stays_a_device() {
        let temp = tempfile::tempdir().unwrap();
        let [null, disk] = ["null", "disk"].map(|name| temp.path().join(name));
        if !(make_node(&null, &["c", "1", "3"]) && make_node(&disk, &["b", "7", "250"])) {
            return;
        }
        // A device that a container may make but not open tells nothing of writing.
        let opens = OpenOptions::new().write(true).open(&null).is_ok();
        at(&null).check().unwrap();
        assert_eq!(at(&null).write(b"gone").is_ok(), opens);
        assert!(
            refused(&at(&disk)).contains("neither"),
            "a disk is not overwritten"
        );
        assert!(
            fs::symlink_metadata(&null)
                .unwrap()
                .file_type()
                .is_char_device()
        );
        assert!(
            fs::symlink_metadata(&disk)
                .unwrap()
                .file_type()
                .is_block_device()
        );
        assert_eq!(names(temp.path()).len(), 2);
    }

    #[test]
    fn a_socket_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(refused(&at(&path)).contains("neither"));
    }
}

/// A fault at every system call: the old file or the new, never a half or none; no error where it is the old.
#[test]
fn no_failure_at_any_system_call_loses_a_file() {
    for fault in [Fault::Once, Fault::FromThenOn, Fault::Killed] {
        let mut call = 0;
        loop {
            let temp = tempfile::tempdir().unwrap();
            let path = temp.path().join("file");
            fs::write(&path, "ours\n").unwrap();
            // Half of it is neither.
            let new = b"ours\nours\nours\nours\nours\n";
            let (result, met) = faults::with(fault, call, || at(&path).write(new));
            let content = fs::read(&path).unwrap();
            let what = format!("{fault:?} at call {call}: {result:?}");
            assert!(
                content == new || (content == b"ours\n" && result.is_err()),
                "{what}"
            );
            at(&path).write(b"ours\nours\nours\n").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"ours\nours\nours\n");
            assert_eq!(
                names(temp.path()),
                ["file"],
                "the next save cleans up: {what}"
            );
            if !met {
                assert!(result.is_ok(), "{what}");
                break;
            }
            call += 1;
        }
        assert!(
            call >= 6,
            "temporary file, write, mode, sync, name, directory, not {call}"
        );
    }
}

/// What another process is writing is not a left-over.
#[test]
fn a_file_that_somebody_writes_is_left_alone() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("file");
    let slow = at(&path).stage(b"ours\n").unwrap();
    at(&path).write(b"ours\nours\n").unwrap();
    slow.name().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"ours\n");
}
