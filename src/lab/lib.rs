//! The laboratory: what an experiment is, the worker that runs it, and the words the two sides exchange.

pub mod change;
pub mod difference;
pub mod divergence;
pub mod experiment;
pub mod interrupt;
pub mod keeper;
pub mod live;
pub mod message;
pub mod model_dir;
pub mod own_data;
pub mod pace;
pub mod pair;
pub mod quality;
pub mod reached;
pub mod record;
pub mod run;
pub mod runs;
pub mod safe_copies;
pub mod session;
pub mod setup;
pub mod shelf;
pub mod shelved;
pub mod side;
pub mod slot;
pub mod snapshot;
pub mod worker;
