//! Distances.
