//! What several chapters draw from.

pub mod arrow;
pub mod cloud;
pub mod field_time;
pub mod rows;
