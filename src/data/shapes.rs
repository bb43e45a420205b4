//! The built-in data sets.

use serde::{Deserialize, Serialize};

/// A built-in data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Lemniscate of Gerono (sin u, sin u cos u).
    Figure8,
    /// Unit circle.
    Circle,
    /// Two half circles, interleaved.
    Moons,
    /// A rolled-up line.
    SwissRoll,
    /// Two spiral arms.
    Spirals,
    /// Eight squares of a 4×4 board.
    Checkerboard,
    /// Eight Gaussians on a circle.
    EightGaussians,
    /// Five curved blades.
    Pinwheel,
    /// Three concentric circles.
    Rings,
    /// One Gaussian, whose answers are known by hand.
    Gaussian,
}

impl Shape {
    /// Every shape, in the order of the menus.
    pub const ALL: [Self; 10] = [
        Self::Figure8,
        Self::Circle,
        Self::Moons,
        Self::SwissRoll,
        Self::Spirals,
        Self::Checkerboard,
        Self::EightGaussians,
        Self::Pinwheel,
        Self::Rings,
        Self::Gaussian,
    ];

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Figure8 => "figure8",
            Self::Circle => "circle",
            Self::Moons => "moons",
            Self::SwissRoll => "swissroll",
            Self::Spirals => "spirals",
            Self::Checkerboard => "checkerboard",
            Self::EightGaussians => "8gaussians",
            Self::Pinwheel => "pinwheel",
            Self::Rings => "rings",
            Self::Gaussian => "gaussian",
        }
    }
}
