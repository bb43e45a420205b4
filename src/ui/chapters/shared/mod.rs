//! What several chapters draw from.

pub mod arrow;
pub mod chain;
pub mod cloud;
pub mod field_time;
pub mod rows;
