//! Files that are written whole or not at all, and not over somebody else's. A leaf: it knows nothing of the rest of
//! the house.
//!
//! A regular file is replaced whole, through the links that lead to it, and keeps its mode. A pipe or a character device
//! is written into. Anything else is refused.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::disk;

/// True for a file that this program would write just so: replacing it loses nothing that somebody else made.
pub type IsOurs = fn(&mut dyn BufRead) -> io::Result<bool>;

/// A file that could not be written. The old file, if there was one, is untouched.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Somebody else's file is there.
    #[error(
        "cannot write {}: a file that is not from this program is there already; choose another --out, or replace it \
         with --force", .0.display()
    )]
    NotOurs(PathBuf),
    /// What is written there is read by the same command.
    #[error("cannot write {}: it is read by the same command; choose another --out, or replace it with --force", .0.display())]
    IsInput(PathBuf),
    /// The system refuses.
    #[error("cannot write {}: {reason}; choose another --out", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
}

/// A place for a file.
#[derive(Clone, Debug)]
pub struct Destination {
    path: PathBuf,
    is_ours: IsOurs,
    force: bool,
    inputs: Vec<PathBuf>,
}

/// What stands at a destination.
enum Place {
    /// Nothing yet, or a regular file that may be replaced; the path goes through no link any more.
    File { path: PathBuf, old: Option<Metadata> },
    /// Something that takes bytes: a pipe, a character device, what an open descriptor leads to.
    Stream,
}

/// A file that is whole on the disk under a temporary name.
pub struct Staged {
    file: NamedTempFile,
    path: PathBuf,
}

impl Destination {
    /// A file is to be written at this path. One that is there is replaced if it is empty or `is_ours`, or by `force`.
    pub fn new(path: impl Into<PathBuf>, is_ours: IsOurs, force: bool) -> Self {
        Self { path: path.into(), is_ours, force, inputs: Vec::new() }
    }

    /// This file is read by the same command: it is not to be replaced either.
    #[must_use]
    pub fn sparing(mut self, input: Option<&Path>) -> Self {
        self.inputs.extend(input.map(Path::to_path_buf));
        self
    }

    /// Where it is to be written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Refuse now what [`Destination::write`] would refuse later.
    pub fn check(&self) -> Result<(), WriteError> {
        self.look().map(drop)
    }

    /// Write the file, by way of a temporary one in the same directory: a reader, or a crash, sees the old content or
    /// the new, never a half.
    pub fn write(&self, bytes: &[u8]) -> Result<(), WriteError> {
        match self.look()? {
            Place::Stream => write_into(&self.path, bytes),
            Place::File { path, old } => stage(&path, old.as_ref(), bytes)
                .and_then(Staged::name)
                .and_then(|directory| disk::sync_directory(&directory)),
        }
        .map_err(|source| self.error(source))
    }

    /// Write the file under a temporary name.
    pub fn stage(&self, bytes: &[u8]) -> Result<Staged, WriteError> {
        match self.look()? {
            Place::Stream => Err(io::Error::other("it is no regular file")),
            Place::File { path, old } => stage(&path, old.as_ref(), bytes),
        }
        .map_err(|source| self.error(source))
    }

    fn error(&self, reason: io::Error) -> WriteError {
        WriteError::Io { path: self.path.clone(), reason }
    }

    fn look(&self) -> Result<Place, WriteError> {
        let place = look(&self.path).map_err(|source| self.error(source))?;
        if let Place::File { path, old: Some(old) } = &place
            && !self.force
        {
            if self.inputs.iter().any(|input| same_file(input, path)) {
                return Err(WriteError::IsInput(self.path.clone()));
            }
            let ours = old.len() == 0
                || File::open(path)
                    .and_then(|file| (self.is_ours)(&mut BufReader::new(file)))
                    .map_err(|source| self.error(source))?;
            if !ours {
                return Err(WriteError::NotOurs(self.path.clone()));
            }
        }
        Ok(place)
    }
}

impl Staged {
    /// Give the file its name. Returns the directory, whose names are not yet on the disk.
    pub fn name(self) -> io::Result<PathBuf> {
        let directory = directory_of(&self.path);
        disk::rename(self.file, &self.path)?;
        Ok(directory)
    }
}

fn stage(path: &Path, old: Option<&Metadata>, bytes: &[u8]) -> io::Result<Staged> {
    let (directory, name) = (directory_of(path), path.file_name().unwrap_or(OsStr::new("")));
    disk::remove_left_overs(&directory, name);
    let file = disk::temporary(&directory, name)?;
    disk::write(file.as_file(), bytes)?;
    if let Some(old) = old {
        disk::take_after(file.as_file(), old)?;
    }
    disk::sync(file.as_file())?;
    Ok(Staged { file, path: path.into() })
}

/// A reader that goes away has what it wanted.
fn write_into(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = OpenOptions::new().append(true).open(path)?;
    match disk::write(&file, bytes) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// The directory that a file lies in.
pub fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.into(),
        _ => PathBuf::from("."),
    }
}

/// True where both paths lead to one file.
pub fn same_file(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

fn look(path: &Path) -> io::Result<Place> {
    let refuse = |words: &str| Err(io::Error::other(words.to_owned()));
    let Some(target) = follow(path)? else {
        return look_at_stream(&fs::metadata(path)?);
    };
    let old = match fs::metadata(&target) {
        Ok(old) if !old.is_file() => return look_at_stream(&old),
        Ok(old) => Some(old),
        // Of other errors than that there is nothing the directory says more.
        Err(_) => None,
    };
    check_directory(&directory_of(&target))?;
    if let Some(old) = &old {
        // By the mode, since root may open anything.
        if old.permissions().readonly() {
            return refuse("it is read-only");
        }
        OpenOptions::new().write(true).open(&target)?;
    }
    Ok(Place::File { path: target, old })
}

/// The end of a chain of links; `None` where one of them is an open descriptor, as in `/dev/stdout`.
fn follow(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut path = path.to_path_buf();
    // As many as Linux follows.
    for _ in 0..40 {
        let Ok(link) = fs::read_link(&path) else { return Ok(Some(path)) };
        let directory = directory_of(&path);
        if fs::canonicalize(&directory).is_ok_and(|real| real.starts_with("/proc")) {
            return Ok(None);
        }
        path = directory.join(link);
    }
    Err(io::Error::other("its links lead in a circle"))
}

fn look_at_stream(found: &Metadata) -> io::Result<Place> {
    let refuse = |words: &str| Err(io::Error::other(words.to_owned()));
    if found.is_dir() {
        return refuse("it is a directory");
    }
    if found.permissions().readonly() {
        return refuse("it is read-only");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = found.file_type();
        if kind.is_fifo() || kind.is_char_device() || kind.is_file() {
            return Ok(Place::Stream);
        }
    }
    refuse("it is neither a regular file nor a pipe")
}

/// Check that files can be made in a directory. Nothing is left in it.
pub fn check_directory(directory: &Path) -> io::Result<()> {
    let found = fs::metadata(directory).ok().filter(Metadata::is_dir);
    let refuse = |words: &str| Err(io::Error::other(format!("{} {words}", directory.display())));
    let Some(found) = found else { return refuse("is not a directory that exists") };
    // Elsewhere the flag says nothing of a directory.
    if cfg!(unix) && found.permissions().readonly() {
        return refuse("is read-only");
    }
    tempfile::tempfile_in(directory).map(drop).map_err(|error| io::Error::from(error.kind()))
}

/// True where all lines of a text, without their ends, are as they should be. The last one must be ended as well.
pub fn all_lines(reader: &mut dyn BufRead, mut is_right: impl FnMut(usize, &str) -> bool) -> io::Result<bool> {
    // No line of ours is longer, and somebody else's file is not read into memory.
    const LONGEST: u64 = 1024;
    let mut line = Vec::new();
    for index in 0.. {
        line.clear();
        (&mut *reader).take(LONGEST).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(index > 0);
        }
        let text = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
        if !text.is_some_and(|text| is_right(index, text)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Read a file whole, unless it is longer than what this program writes there.
pub fn read_within(reader: &mut dyn BufRead, most_bytes: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.take(most_bytes + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most_bytes).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::faults::{self, Fault};

    /// In these tests a file is ours that says so.
    fn at(path: &Path) -> Destination {
        Destination::new(path, |file| all_lines(file, |_, line| line == "ours"), false)
    }

    fn names(directory: &Path) -> Vec<std::ffi::OsString> {
        let mut names: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    /// Refused, now and at the writing, by the same words; nothing has changed. Returns them.
    fn refused(destination: &Destination) -> String {
        let error = destination.check().unwrap_err();
        let error = (error.to_string(), format!("{:#}", anyhow::Error::from(error)));
        assert_eq!(error.0, error.1, "the command line tells the reason once");
        let error = error.0;
        assert_eq!(destination.write(b"ours\n").unwrap_err().to_string(), error);
        assert!(error.starts_with(&format!("cannot write {}: ", destination.path().display())), "{error}");
        assert!(error.contains("; choose another --out") && !error.contains('\n'), "{error}");
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
        for theirs in [&b"mine\n"[..], b"ours", b"ours\nmine\n", &[0xFF; 5000], b"\n"] {
            fs::write(&path, theirs).unwrap();
            assert!(refused(&at(&path)).contains("--force"));
            assert_eq!(fs::read(&path).unwrap(), theirs);
            Destination { force: true, ..at(&path) }.write(b"ours\n").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"ours\n");
        }
        let reads_itself = at(&path).sparing(Some(&directory.path().join("../").join(&path)));
        assert!(refused(&reads_itself).contains("read by the same command"));
        at(&path).sparing(Some(directory.path())).sparing(None).write(b"ours\n").unwrap();
        assert_eq!(names(directory.path()), ["a.txt"], "nothing temporary is left");
    }

    #[test]
    fn a_missing_directory_and_a_directory_in_the_way_are_named() {
        let directory = tempfile::tempdir().unwrap();
        assert!(refused(&at(&directory.path().join("nowhere").join("x.csv"))).contains("nowhere is not a directory"));
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
            let made = Command::new("mknod").arg(path).args(kind).output().is_ok_and(|output| output.status.success());
            assert!(made || kind != ["p"], "a pipe can be made by everybody");
            made
        }

        #[test]
        fn others_may_read_what_is_written_as_far_as_the_umask_lets_them() {
            let directory = tempfile::tempdir().unwrap();
            let (ours, plain) = (directory.path().join("ours"), directory.path().join("plain"));
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
                    Destination { force: true, ..at(&near.join(name)) }.write(b"ours\nours\n").unwrap();
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
                refused(&Destination { force: true, ..destination });
            }
            assert_eq!((fs::read(&file).unwrap(), mode(&file) & 0o777), (b"ours\n".to_vec(), 0o444));
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
            assert!(refused(&at(&disk)).contains("neither"), "a disk is not overwritten");
            assert!(fs::symlink_metadata(&null).unwrap().file_type().is_char_device());
            assert!(fs::symlink_metadata(&disk).unwrap().file_type().is_block_device());
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
                assert!(content == new || (content == b"ours\n" && result.is_err()), "{what}");
                at(&path).write(b"ours\nours\nours\n").unwrap();
                assert_eq!(fs::read(&path).unwrap(), b"ours\nours\nours\n");
                assert_eq!(names(temp.path()), ["file"], "the next save cleans up: {what}");
                if !met {
                    assert!(result.is_ok(), "{what}");
                    break;
                }
                call += 1;
            }
            assert!(call >= 6, "temporary file, write, mode, sync, name, directory, not {call}");
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
}
