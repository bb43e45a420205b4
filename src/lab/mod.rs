//! The laboratory: what an experiment is, the worker that runs it, and the words the two sides exchange.

pub mod experiment;
pub mod message;
pub mod session;
pub mod worker;
