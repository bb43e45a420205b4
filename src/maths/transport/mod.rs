//! Optimal transport between equally weighted points, and the couplings of a training batch that are made by it.
//!
//! Peyré & Cuturi 2019, "Computational Optimal Transport"; its couplings in training are those of Tong et al. 2024
//! (arXiv 2302.00482) and of Pooladian et al. 2023 (arXiv 2304.14772).

mod assignment;

pub use assignment::assign;

/// How the clean points of a batch find the points that they are led from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Coupling {
    /// As they were drawn.
    #[default]
    Independent,
    /// By the assignment of least mean squared distance within the batch.
    Optimal,
}

/// |a − b|².
pub fn squared_distance(a: [f32; 2], b: [f32; 2]) -> f64 {
    let [dx, dy] = [0, 1].map(|axis| f64::from(a[axis]) - f64::from(b[axis]));
    dx * dx + dy * dy
}

impl Coupling {
    /// For each clean point the number of its partner among as many others. Points that are not finite keep their own.
    pub fn partners(self, clean: &[[f32; 2]], others: &[[f32; 2]]) -> Vec<usize> {
        let own = || (0..clean.len()).collect();
        let is_finite = |points: &[[f32; 2]]| points.iter().flatten().all(|x| x.is_finite());
        if clean.len() != others.len() || !is_finite(clean) || !is_finite(others) {
            return own();
        }
        match self {
            Self::Independent => own(),
            Self::Optimal => assign(clean.len(), |row, column| {
                squared_distance(clean[row], others[column])
            }),
        }
    }
}
