//! The thread that runs a [`super::session::Session`] beside the window.
