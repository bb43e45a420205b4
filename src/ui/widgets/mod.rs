//! The lab's own controls. Each has a name for screen readers and a tooltip.

pub mod button;
pub mod chart;
pub mod column;
pub mod equation;
pub mod hand;
pub mod icon;
pub mod maths;
pub mod more;
pub mod number;
pub mod pill;
pub mod progress;
pub mod readout;
pub mod row;
pub mod segmented;
pub mod text;
pub mod time_slider;
pub mod tip;
