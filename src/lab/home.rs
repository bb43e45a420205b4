//! The lab's own directory on this machine.

use std::path::PathBuf;

/// The user's directory for the state of programs, and in it the lab's. `None` where there is no home directory.
pub fn root() -> Option<PathBuf> {
    let state = dirs::state_dir().or_else(dirs::data_local_dir)?;
    Some(state.join("noise-compass"))
}

/// Where drawings are kept until the user names another place.
pub fn drawings() -> Option<PathBuf> {
    Some(root()?.join("drawings"))
}

/// What is remembered from one start to the next.
pub fn memory() -> Option<PathBuf> {
    Some(root()?.join("lab.json"))
}
