//! What leaves the lab: files, written whole or not at all.

pub mod atomic;
mod disk;
pub mod field;
pub mod model_dir;
pub mod own_data;
pub mod samples;
