//! Data sets: every one a Gaussian mixture, so that density, score and posterior are closed forms.

pub mod bounds;
pub mod csv_io;
mod curves;
pub mod dataset;
pub mod dialect;
pub mod error;
pub mod held_out;
pub mod kernels;
pub mod labels;
mod lines;
pub mod mixture;
pub mod reference;
pub mod shapes;
pub mod table;
