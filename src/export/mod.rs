//! What leaves the lab: files, written whole or not at all.

pub mod atomic;
