//! Multistep consistency sampling: onto x̂_0, and up again by fresh noise (Song et al. 2023, algorithm 1).
//!
//! Of a consistency model, whose x̂_0 lies on the data, each point that is reached is a sample. Of any other model x̂_0 is a mean, and the
//! points are those of means.

use super::{Mix, Placement, Row, families, few_steps};
use crate::names::Words;

/// Steps where nobody says how many.
const USUAL_STEPS: u32 = 2;

/// The sampler.
pub const ROW: Row = Row {
    words: Words {
        name: "consistency",
        title: "Consistency",
        symbol: "f(x, t)",
        short: "consistency",
        help: "onto x̂₀ and up again by fresh noise, for consistency models of one or two steps",
    },
    family: families::ANCESTRAL,
    steps: USUAL_STEPS,
    few_steps: few_steps::ENDS,
    placement: Placement::Even,
    dial: None,
    embedded: None,
    stages: |knots, _| {
        let steps = knots.steps();
        steps
            .map(|(now, next)| {
                let renoised = Mix {
                    x_0: next.scales.a,
                    z: next.scales.s,
                    ..Mix::default()
                };
                now.leads_to(next, renoised)
            })
            .collect()
    },
};
