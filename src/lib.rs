//! Noise Compass: a desktop lab in which a small diffusion model is trained on 2-D data before your eyes.
//!
//! The arrows between the modules run one way: `data` → `diffusion` → `nn` → `engine` → `lab` → `ui`, and
//! `cli` and `export` stand beside `ui`. `ARCHITECTURE.md` has the map and the invariants.

pub mod cli;
pub mod data;
pub mod diffusion;
pub mod engine;
pub mod export;
pub mod lab;
pub mod measure;
pub mod nn;
pub mod ui;
