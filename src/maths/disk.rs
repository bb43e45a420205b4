//! The system calls of writing a file. Each passes a gate at which the tests make it fail, or be the last of a process
//! that is killed.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

/// The end of a temporary file's name. One that is found has been left by a process that was killed.
const LEFT_OVER: &str = ".noise-compass";
/// Characters of a file's name in that of its temporary file: both fit the 255 bytes of a name.
const NAME_LENGTH: usize = 48;

/// A temporary file beside the one that it will be: `.NAME.RANDOM.noise-compass`. It is locked as long as somebody
/// writes it.
pub fn temporary(directory: &Path, name: &OsStr) -> io::Result<NamedTempFile> {
    gate()?;
    let prefix = prefix(name);
    let mut builder = Builder::new();
    builder
        .prefix(&prefix)
        .suffix(LEFT_OVER)
        .disable_cleanup(nobody_cleans());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any new file, narrowed by the umask; a temporary file's own default is 0600.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    // The error would name a file that nobody asked for: only its kind is told.
    let file = builder
        .tempfile_in(directory)
        .map_err(|error| io::Error::from(error.kind()))?;
    // A file system without locks does without.
    let _ = file.as_file().try_lock();
    Ok(file)
}

fn prefix(name: &OsStr) -> String {
    format!(
        ".{}.",
        name.to_string_lossy()
            .chars()
            .take(NAME_LENGTH)
            .collect::<String>()
    )
}

/// True for the name of a temporary file of `name`.
pub fn is_left_over(found: &OsStr, name: &OsStr) -> bool {
    let found = found.to_string_lossy();
    found.starts_with(&prefix(name)) && found.ends_with(LEFT_OVER)
}

/// Remove temporary files of `name` that a killed process left. Those that somebody writes are locked.
pub fn remove_left_overs(directory: &Path, name: &OsStr) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries
        .flatten()
        .filter(|entry| is_left_over(&entry.file_name(), name))
    {
        let dead = File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        if dead && let Err(error) = gate().and_then(|()| fs::remove_file(entry.path())) {
            log::debug!("{} stays: {error}", entry.path().display());
        }
    }
}

/// Write all of a file.
pub fn write(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    if let Err(error) = gate() {
        // A write that fails has often written a part.
        let _ = file.write_all(&bytes[..bytes.len() / 2]);
        return Err(error);
    }
    file.write_all(bytes)
}

/// Give a file the mode of an older one, and its owner where one may.
pub fn take_after(file: &File, old: &Metadata) -> io::Result<()> {
    gate()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        // Only root may give files away.
        let _ = fchown(file, Some(old.uid()), Some(old.gid()));
    }
    file.set_permissions(old.permissions())
}

/// Wait until a file is on the disk.
pub fn sync(file: &File) -> io::Result<()> {
    gate()?;
    file.sync_all()
}

/// Give a temporary file its name, in place of what bears it.
pub fn rename(file: NamedTempFile, path: &Path) -> io::Result<()> {
    gate()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Wait until the names in a directory are on the disk.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    gate()?;
    #[cfg(unix)]
    match File::open(directory)?.sync_all() {
        // Some network file systems cannot, and do it by themselves.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) => {}
        other => other?,
    }
    Ok(())
}

/// Make a directory. One that is there will do.
pub fn make_directory(path: &Path) -> io::Result<()> {
    gate()?;
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other,
    }
}

#[cfg(not(any(test, feature = "faults")))]
#[allow(clippy::unnecessary_wraps, reason = "the tests' own gate can fail")]
fn gate() -> io::Result<()> {
    Ok(())
}

#[cfg(not(any(test, feature = "faults")))]
fn nobody_cleans() -> bool {
    false
}

#[cfg(any(test, feature = "faults"))]
use faults::{gate, nobody_cleans};

/// A disk that fails when the test wants it to.
#[cfg(any(test, feature = "faults"))]
pub mod faults {
    use std::cell::Cell;
    use std::io;

    /// What goes wrong at a call.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Fault {
        /// It fails, those after it do not.
        Once,
        /// It and all after it fail.
        FromThenOn,
        /// The process is killed at it: nothing is done any more, not even cleaning up.
        Killed,
    }

    thread_local! {
        static PLAN: Cell<Option<(Fault, usize)>> = const { Cell::new(None) };
        static CALLS: Cell<usize> = const { Cell::new(0) };
    }

    /// Do something with a fault at the call of this number, from 0. Returns as well whether there was such a call.
    pub fn with<R>(fault: Fault, at: usize, act: impl FnOnce() -> R) -> (R, bool) {
        PLAN.set(Some((fault, at)));
        CALLS.set(0);
        let result = act();
        PLAN.set(None);
        (result, CALLS.get() > at)
    }

    pub(super) fn gate() -> io::Result<()> {
        let call = CALLS.replace(CALLS.get() + 1);
        match PLAN.get() {
            Some((Fault::Once, at)) if call == at => {
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            Some((Fault::FromThenOn | Fault::Killed, at)) if call >= at => {
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn nobody_cleans() -> bool {
        matches!(PLAN.get(), Some((Fault::Killed, _)))
    }
}
