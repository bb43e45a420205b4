//! What leaves the lab: files, written whole or not at all.

pub mod atomic;
pub mod field;
pub mod model_dir;
