//! Files that are written whole or not at all. A leaf: it knows nothing of the rest of the house.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that could not be written. The old file, if there was one, is untouched.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}; choose another --out", path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Write a file by way of a temporary one in the same directory, so that a reader (or a crash) sees the old content or
/// the new, never a half.
pub fn atomic_write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write(path, bytes).map_err(|source| WriteError { path: path.into(), source })
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any new file, narrowed by the umask; a temporary file's own default is 0600.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    // Said here, since the temporary file's error would name a file that nobody asked for.
    if !directory.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("{} is not a directory that exists", directory.display()),
        ));
    }
    if path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
    }
    let mut file = builder.tempfile_in(directory).map_err(|error| io::Error::from(error.kind()))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left_behind() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.txt");
        atomic_write(&path, b"one").unwrap();
        atomic_write(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_what_is_written_as_far_as_the_umask_lets_them() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let (ours, plain) = (directory.path().join("ours"), directory.path().join("plain"));
        atomic_write(&ours, b"x").unwrap();
        std::fs::write(&plain, b"x").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn a_missing_directory_and_a_directory_in_the_way_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("nowhere").join("x.csv");
        let error = atomic_write(&missing, b"x").unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot write {}: ", missing.display())), "{error}");
        assert!(error.contains("nowhere is not a directory") && error.ends_with("; choose another --out"), "{error}");
        let error = atomic_write(directory.path(), b"x").unwrap_err().to_string();
        assert!(error.contains("it is a directory"), "{error}");
    }
}
