//! What stands between the samples and the data, in one sentence: chance, the sampler, or the network.

use crate::widgets::number::{fixed, grouped};
use lab::message::QualityPoint;
use maths::measure::Estimate;

/// What is to blame for most of the distance to the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blame {
    Chance,
    /// As close as honest draws, but some samples lie where the data are rare.
    Rare,
    /// W₂ does not tell them from honest draws, but many samples lie where there are no data.
    Astray,
    Sampler,
    Network,
    Both,
}

/// Nats from which on samples are said to lie where data are rare.
const SURPRISED: f64 = 0.15;
/// Nats from which on nobody would call them close, whatever W₂ says of a few points.
const ASTRAY: f64 = 2.0;
/// Share of the excess from which on one of the two is most of it.
const MOST: f64 = 0.6;

/// Squared distances add up as errors that have nothing to do with each other do: above the floor lie the sampler's part, which
/// samples by the exact x̂_0 have as well, and the network's.
fn blame(
    distance: Estimate,
    floor: Estimate,
    by_exact: Option<Estimate>,
    surprise: Estimate,
) -> Blame {
    let room = 2.0 * distance.error.hypot(floor.error);
    if distance.value <= floor.value + room {
        let beyond = |nats: f64| surprise.value > nats.max(3.0 * surprise.error);
        return match (beyond(ASTRAY), beyond(SURPRISED)) {
            (true, _) => Blame::Astray,
            (_, true) => Blame::Rare,
            _ => Blame::Chance,
        };
    }
    let above = |value: f64| (value.powi(2) - floor.value.powi(2)).max(0.0);
    let Some(by_exact) = by_exact else {
        return Blame::Network;
    };
    let share = (above(by_exact.value) / above(distance.value)).clamp(0.0, 1.0);
    if share >= MOST {
        Blame::Sampler
    } else if share > 1.0 - MOST {
        Blame::Both
    } else {
        Blame::Network
    }
}

/// The sentence, and what it rests on.
pub(super) fn verdict(point: &QualityPoint, sampler: &str, steps: u32) -> (String, String) {
    let QualityPoint {
        distance,
        floor,
        by_exact,
        surprise,
        ..
    } = *point;
    let sentence = match blame(distance, floor, by_exact, surprise) {
        Blame::Chance => {
            "As close to the data as honest draws of them: what is left is chance.".to_owned()
        }
        Blame::Rare => format!(
            "As a whole as close as honest draws, but some samples lie where data are rare: surprise {} nats.",
            fixed(surprise.value, 2)
        ),
        Blame::Astray => format!(
            "Sliced W₂ cannot tell these samples from so few data, but surprise can: {} nats. Many lie where no data are.",
            fixed(surprise.value, 1)
        ),
        Blame::Sampler => format!(
            "Most of what is missing is the sampler: {steps} steps of {sampler} miss as much by the exact field."
        ),
        Blame::Both => {
            format!("What is missing is half the network, half the {steps} steps of {sampler}.")
        }
        Blame::Network => "What is missing is the network's: let it learn on.".to_owned(),
    };
    let exact = by_exact.map_or_else(
        || "not measured, the plan is long".to_owned(),
        |exact| fixed(exact.value, 3),
    );
    let tip = format!(
        "Sliced W₂ of the samples {}, measured at update {}.\nThe same of samples by the exact x̂₀ and the same sampler: {exact}.\n\
         Floor, which draws of the data score: {}. Any single draw may lie a little above or below it.",
        fixed(distance.value, 3),
        grouped(point.step as f64),
        fixed(floor.value, 3),
    );
    (sentence, tip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_laid_at_the_right_door() {
        let of = |value| Estimate {
            value,
            error: 0.002,
        };
        let floor = of(0.03);
        let calm = Estimate {
            value: 0.05,
            error: 0.02,
        };
        let stray = Estimate {
            value: 1.4,
            error: 0.1,
        };
        assert_eq!(blame(of(0.031), floor, None, stray), Blame::Rare);
        assert_eq!(blame(of(0.2), floor, None, stray), Blame::Network);
        let astray = Estimate {
            value: 36.8,
            error: 1.0,
        };
        assert_eq!(blame(of(0.031), floor, None, astray), Blame::Astray);
        for (distance, by_exact, expected) in [
            // Within two standard errors of the floor, on either side.
            (0.028, Some(0.03), Blame::Chance),
            (0.035, Some(0.03), Blame::Chance),
            // sqrt(0.03² + 0.05²) = 0.058: the sampler's own part is all of it.
            (0.058, Some(0.058), Blame::Sampler),
            // Half the square each.
            (0.077, Some(0.058), Blame::Both),
            (0.2, Some(0.058), Blame::Network),
            (0.2, Some(0.03), Blame::Network),
            (0.2, None, Blame::Network),
            // An exact field that is by chance below the floor is not to blame.
            (0.1, Some(0.02), Blame::Network),
        ] {
            let found = blame(of(distance), floor, by_exact.map(of), calm);
            assert_eq!(found, expected, "{distance} {by_exact:?}");
        }
    }
}
