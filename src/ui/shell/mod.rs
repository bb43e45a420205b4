//! The window around the chapters: its frame, its bars and its stage; pictures without a window.

pub mod app;
pub mod bring_back;
pub mod clock_bar;
pub mod closing;
pub mod compare;
pub mod contest_picture;
pub mod event_loop;
pub mod fault;
pub mod focus_ring;
pub mod help;
pub mod icon;
pub mod lessons;
pub mod offscreen;
pub mod picture;
pub mod rail;
pub mod remember;
pub mod rooms;
pub mod sheet;
pub mod stage;
pub mod strip;
pub mod toasts;
pub mod top_bar;
pub mod tour;
pub mod window;
