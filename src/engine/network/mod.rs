//! The network: its layout in memory, its initial weights, its optimiser, its weights in files.

pub mod fault;
pub mod init;
pub mod layout;
pub mod model_data;
pub mod objective;
pub mod optimiser;
pub mod rate;
pub mod timetable;
pub mod weights;
