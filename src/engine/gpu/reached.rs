//! How far a run on the device has come.

/// How far a run in slices has come, and how many stages of it fit into a piece.
#[derive(Clone, Copy, Debug)]
pub struct Reached {
    /// First particle of the slice.
    pub(super) first: u32,
    /// The stage that comes next.
    pub(super) stage: u32,
    pub(super) stages_a_piece: u32,
}

impl Default for Reached {
    fn default() -> Self {
        Self {
            first: 0,
            stage: 0,
            stages_a_piece: 1,
        }
    }
}
