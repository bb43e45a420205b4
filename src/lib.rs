//! Noise Compass: a desktop lab in which a small diffusion model is trained on 2-D data before your eyes.
//!
//! Five crates, whose arrows run one way: `maths` ← `engine` ← `lab` ← `ui` ← this one, which has the command line. The
//! members are named here once more, so that tests and benches know one name. `ARCHITECTURE.md` has the map and the
//! invariants.

pub mod cli;

pub use maths::{atomic, data, diffusion, measure, names, philox, transport};
pub use {engine, lab, ui};
