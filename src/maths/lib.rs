//! The pure maths of the lab: data sets, diffusion, yardsticks of samples, random numbers, and files that are written whole.
//!
//! No wgpu and no egui: the manifest says so. Threads are rayon's, where a sum is long.

pub mod atomic;
pub mod data;
pub mod diffusion;
pub mod disk;
pub mod grouped;
pub mod measure;
pub mod names;
pub mod philox;
pub mod transport;
