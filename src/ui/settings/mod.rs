//! Controls of the experiment that appear in several places: in the menus of the top bar and in the chapters.

pub mod coupling;
pub mod data;
pub mod network;
pub mod optimiser;
pub mod placement;
pub mod sampler;
pub mod save;
pub mod schedule;
pub mod student;
pub mod target;
pub mod training;
