//! The ways from data to noise that the chapter shows.

/// A way to destroy the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The closed form at any t.
    Jump,
    /// Step by step, each with fresh noise.
    Chain,
    /// Noise without shrinking the mean, beside the schedule that shrinks it.
    Growing,
    /// The squares of signal and noise for themselves, beside the schedule.
    Rootless,
}

impl Way {
    /// It stands beside the schedule, on a canvas of its own.
    pub(super) fn is_beside(self) -> bool {
        matches!(self, Self::Growing | Self::Rootless)
    }
}
