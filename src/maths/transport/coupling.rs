//! How the clean points of a batch find the points that they are led from.

use serde::{Deserialize, Serialize};

use super::sinkhorn::TransportPlan;
use super::{assign, squared_distance};
use crate::names::{Words, same};

/// ε of a Sinkhorn coupling: how far it may go, and what it is where nobody says.
pub const EPS: (std::ops::RangeInclusive<f32>, f32) = (0.01..=10.0, 0.1);
/// The largest batch that is coupled by transport: what it costs grows with the square of the batch and faster.
pub const MOST_COUPLED: u32 = 1024;
/// By how much the columns of a batch's plan may be wrong, in all, and after how many iterations it is taken as it is.
const ENOUGH: (f64, usize) = (0.01, 2000);

/// The joint distribution of x_0 and of where its path begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Coupling {
    /// Each as it was drawn.
    #[default]
    Independent,
    /// Within a batch, by the assignment of least mean squared distance (Tong et al. 2024; Pooladian et al. 2023).
    Optimal,
    /// Within a batch, a partner drawn from the entropic plan of this ε, in squared units of the data (Tong et al. 2024).
    Sinkhorn(f32),
    /// The pairs that a trained model made: where it led each start (Liu et al. 2023, "reflow").
    Reflow,
}

impl Coupling {
    /// Every one, in the order of the menus.
    pub const ALL: [Self; 4] = [
        Self::Independent,
        Self::Optimal,
        Self::Sinkhorn(EPS.1),
        Self::Reflow,
    ];

    /// What it is called, without its ε.
    pub const fn words(self) -> &'static Words {
        match self {
            Self::Independent => &Words {
                name: "independent",
                title: "Independent",
                symbol: "Indep.",
                short: "independent pairs",
                help: "each noise with the point it was drawn for",
            },
            Self::Optimal => &Words {
                name: "optimal",
                title: "Optimal transport",
                symbol: "OT",
                short: "optimal transport",
                help: "the assignment of least squared distance within the batch, Tong et al. 2024",
            },
            Self::Sinkhorn(_) => &Words {
                name: "sinkhorn",
                title: "Sinkhorn",
                symbol: "Sinkhorn",
                short: "Sinkhorn",
                help: "a partner drawn from the batch's entropic plan, as in sinkhorn:0.1 with its ε",
            },
            Self::Reflow => &Words {
                name: "reflow",
                title: "Reflow",
                symbol: "Reflow",
                short: "reflow",
                help: "pairs that a trained model made, Liu et al. 2023",
            },
        }
    }

    /// True where a batch is coupled by transport within itself.
    pub const fn is_transport(self) -> bool {
        matches!(self, Self::Optimal | Self::Sinkhorn(_))
    }

    /// For each clean point the number of its partner among as many others; `uniform` gives the number in (0, 1] that a partner is drawn
    /// by. Where transport has no say, and where a point is not finite, each keeps its own.
    pub fn partners(
        self,
        clean: &[[f32; 2]],
        others: &[[f32; 2]],
        uniform: impl Fn(usize) -> f32,
    ) -> Vec<usize> {
        let own = || (0..clean.len()).collect();
        let is_finite = |points: &[[f32; 2]]| points.iter().flatten().all(|x| x.is_finite());
        if clean.len() != others.len() || !is_finite(clean) || !is_finite(others) {
            return own();
        }
        match self {
            Self::Independent | Self::Reflow => own(),
            Self::Optimal => {
                // Of a batch the matrix is small, and fetching is cheaper than computing.
                let n = clean.len();
                let costs: Vec<f64> = (clean.iter())
                    .flat_map(|x| others.iter().map(|y| squared_distance(*x, *y)))
                    .collect();
                assign(n, |row, column| costs[row * n + column])
            }
            Self::Sinkhorn(eps) => {
                let plan = TransportPlan::entropic(clean, others, f64::from(eps), ENOUGH);
                (0..clean.len())
                    .map(|row| plan.draw(row, uniform(row)))
                    .collect()
            }
        }
    }
}

impl std::fmt::Display for Coupling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.words().name)?;
        match self {
            Self::Sinkhorn(eps) => write!(f, ":{eps}"),
            _ => Ok(()),
        }
    }
}

impl std::str::FromStr for Coupling {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, eps) = match text.split_once(':') {
            Some((name, eps)) => (name, Some(eps)),
            None => (text, None),
        };
        let known = || {
            let (range, _) = EPS;
            format!(
                "'{text}' is not a coupling: use independent, optimal, reflow, sinkhorn, or sinkhorn:EPS with EPS between {} and {}",
                range.start(),
                range.end()
            )
        };
        let found = Self::ALL
            .into_iter()
            .find(|one| same(one.words().name, name));
        match (found.ok_or_else(known)?, eps) {
            (Self::Sinkhorn(_), Some(eps)) => {
                let eps = eps.parse().ok().filter(|eps| EPS.0.contains(eps));
                eps.map(Self::Sinkhorn).ok_or_else(known)
            }
            (other, None) => Ok(other),
            (_, Some(_)) => Err(known()),
        }
    }
}

impl TryFrom<String> for Coupling {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Coupling> for String {
    fn from(coupling: Coupling) -> Self {
        coupling.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::shapes::Shape;
    use crate::transport::mean_cost;

    #[test]
    fn couplings_are_read_as_they_are_written() {
        for one in Coupling::ALL {
            assert_eq!(one.to_string().parse(), Ok(one));
        }
        assert_eq!("sinkhorn:0.5".parse(), Ok(Coupling::Sinkhorn(0.5)));
        assert_eq!("Sinkhorn".parse(), Ok(Coupling::Sinkhorn(EPS.1)));
        for wrong in ["sinkhorn:0", "sinkhorn:x", "optimal:1", "exact"] {
            let told = wrong.parse::<Coupling>().unwrap_err();
            assert!(told.contains("is not a coupling: use"), "{told}");
        }
    }

    /// As ε falls, Sinkhorn's plan costs as little as the assignment, and its draws are the assignment's.
    #[test]
    fn sinkhorn_tends_to_the_assignment() {
        let (a, b) = (
            Shape::Moons.mixture().draw(60, 1),
            Shape::EightGaussians.mixture().draw(60, 2),
        );
        let partners = Coupling::Optimal.partners(&a, &b, |_| 1.0);
        let led: Vec<_> = partners.iter().map(|&j| b[j]).collect();
        let least = mean_cost(&a, &led);
        let mut above = f64::INFINITY;
        for eps in [1.0, 0.1, 0.03, 0.01] {
            let plan = TransportPlan::entropic(&a, &b, eps, (1e-7, 20_000));
            let excess = plan.cost(&a, &b) - least;
            assert!(excess > -1e-6 && excess < above, "ε {eps}: {excess}");
            above = excess;
            for row in 0..60 {
                let sum: f64 = plan.row(row).iter().sum();
                assert!((sum - 1.0 / 60.0).abs() < 1e-6, "row {row}: {sum}");
            }
        }
        assert!(above < 0.02 * least, "{above} of {least}");
        let drawn = Coupling::Sinkhorn(0.01).partners(&a, &b, |row| 0.3 + 0.01 * row as f32);
        let alike = drawn.iter().zip(&partners).filter(|(a, b)| a == b).count();
        assert!(alike > 30, "{alike}");
    }

    /// Partners of a row are drawn as often as the plan says.
    #[test]
    fn partners_are_drawn_by_their_shares() {
        let (a, b) = ([[0.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [1.0, 0.0]]);
        let plan = TransportPlan::entropic(&a, &b, 1.0, (1e-12, 1000));
        // Of two points a unit apart: e^(1/ε) to 1 for each its own.
        let own = plan.row(0)[0] / (plan.row(0)[0] + plan.row(0)[1]);
        assert!((own - 1.0 / (1.0 + (-1.0_f64).exp())).abs() < 1e-6, "{own}");
        let n = 10_000;
        let staying = (1..=n).filter(|k| plan.draw(0, *k as f32 / n as f32) == 0);
        assert!((staying.count() as f64 / f64::from(n) - own).abs() < 1e-3);
    }
}
