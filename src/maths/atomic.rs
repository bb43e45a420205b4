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
    File {
        path: PathBuf,
        old: Option<Metadata>,
    },
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
        Self {
            path: path.into(),
            is_ours,
            force,
            inputs: Vec::new(),
        }
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
        WriteError::Io {
            path: self.path.clone(),
            reason,
        }
    }

    fn look(&self) -> Result<Place, WriteError> {
        let place = look(&self.path).map_err(|source| self.error(source))?;
        if let Place::File {
            path,
            old: Some(old),
        } = &place
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
    let (directory, name) = (
        directory_of(path),
        path.file_name().unwrap_or(OsStr::new("")),
    );
    disk::remove_left_overs(&directory, name);
    let file = disk::temporary(&directory, name)?;
    disk::write(file.as_file(), bytes)?;
    if let Some(old) = old {
        disk::take_after(file.as_file(), old)?;
    }
    disk::sync(file.as_file())?;
    Ok(Staged {
        file,
        path: path.into(),
    })
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
        let Ok(link) = fs::read_link(&path) else {
            return Ok(Some(path));
        };
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
    let Some(found) = found else {
        return refuse("is not a directory that exists");
    };
    // Elsewhere the flag says nothing of a directory.
    if cfg!(unix) && found.permissions().readonly() {
        return refuse("is read-only");
    }
    tempfile::tempfile_in(directory)
        .map(drop)
        .map_err(|error| io::Error::from(error.kind()))
}

/// True where all lines of a text, without their ends, are as they should be. The last one must be ended as well.
pub fn all_lines(
    reader: &mut dyn BufRead,
    mut is_right: impl FnMut(usize, &str) -> bool,
) -> io::Result<bool> {
    // No line of ours is longer, and somebody else's file is not read into memory.
    const LONGEST: u64 = 1024;
    let mut line = Vec::new();
    for index in 0.. {
        line.clear();
        (&mut *reader).take(LONGEST).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(index > 0);
        }
        let text = line
            .strip_suffix(b"\n")
            .and_then(|line| std::str::from_utf8(line).ok());
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
mod tests;
