//! The pure maths of diffusion: no wgpu, no egui, no work on other threads.

pub mod conditional;
pub mod consistency;
pub mod exact;
mod handles;
pub mod log_snr;
pub mod magnification;
pub mod reverse_step;
pub mod schedule;
pub mod schedule_file;
pub mod solver;
pub mod target;
pub mod tilted;
pub mod times;
pub mod weighting;
