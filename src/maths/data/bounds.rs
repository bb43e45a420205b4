//! Axis-aligned boxes in data space.

/// An axis-aligned box, in standardised units.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Bounds {
    /// Lower left corner.
    pub min: [f32; 2],
    /// Upper right corner.
    pub max: [f32; 2],
}

impl Bounds {
    /// The smallest box around some points; `None` for no points.
    pub fn around(points: &[[f32; 2]]) -> Option<Self> {
        let first = *points.first()?;
        Some(points.iter().fold(
            Self {
                min: first,
                max: first,
            },
            |b, p| Self {
                min: [b.min[0].min(p[0]), b.min[1].min(p[1])],
                max: [b.max[0].max(p[0]), b.max[1].max(p[1])],
            },
        ))
    }

    /// The smallest box that holds both.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        Self {
            min: std::array::from_fn(|axis| self.min[axis].min(other.min[axis])),
            max: std::array::from_fn(|axis| self.max[axis].max(other.max[axis])),
        }
    }

    /// The box scaled about its centre.
    #[must_use]
    pub fn scaled(self, factor: f32) -> Self {
        let mut scaled = self;
        for axis in 0..2 {
            let centre = f32::midpoint(self.min[axis], self.max[axis]);
            let half = 0.5 * (self.max[axis] - self.min[axis]) * factor;
            scaled.min[axis] = centre - half;
            scaled.max[axis] = centre + half;
        }
        scaled
    }
}
