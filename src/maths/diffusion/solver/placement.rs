//! Where the steps of a sampler are placed: the same choice for each, so that two differ in nothing else.
//!
//! A plan of N steps has N − 1 intervals from t = T to t = 1, the first timestep that a network has seen, and the landing on the
//! data; spread evenly in t, it has N intervals from T to 0.

use serde::{Deserialize, Serialize};

use super::knots::{Clock, Knot, Knots};
use super::{PlanContext, Spacing};
use crate::names::{self, Words, same};

/// ζ to the power of one over this is evenly spaced where steps crowd towards the data.
const CROWDING: f64 = 3.0;
/// By so much the first step is shorter than if it were: a stride of the share u of the way is 1 − EASING at u = 0 and 1 at
/// u = 1. On the exact field of the figure-8, 20 steps, it costs Heun 1.4 times and Runge–Kutta 2.8 times the error of the
/// end points (1.9e-3 and 3.9e-5 without it); of a network of 2500 updates it takes W₂ by Heun from 3.9 floors to 2.2, by
/// Euler from 6.1 to 3.2.
const EASING: f64 = 0.7;
/// ρ of Karras et al. 2022, eq. 5.
const RHO: f64 = 7.0;

/// A placement by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Placement {
    /// Whole timesteps, evenly spaced.
    Even,
    /// √t evenly spaced (Song, Meng & Ermon 2021, appendix D.3).
    Quadratic,
    /// log SNR evenly spaced (Lu et al. 2022, "DPM-Solver", section 3.4).
    LogSnr,
    /// σ^(1/7) evenly spaced, σ = s/a (Karras et al. 2022, eq. 5).
    Karras,
    /// ζ evenly spaced.
    Clock,
    /// ζ^(1/3) evenly spaced, the first steps shorter.
    Crowded,
    /// One's own.
    Own(Spacing),
}

/// A placement that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlacementParseError {
    /// Its name is not one.
    #[error("'{0}' is not a placement of steps: use {known}", known = Placement::known())]
    Name(String),
    /// The numbers behind the name of one's own.
    #[error(
        "'{0}' are not the handles of a placement: give t/T after 1/4, 1/2 and 3/4 of the steps, in thousandths at the finest, \
         falling from at most 0.99 to at least 0.01, each by 0.01 or more, as in own:0.8,0.5,0.2"
    )]
    Handles(String),
}

impl Placement {
    /// One of each, in the order of the menus, one's own as it opens.
    pub const ALL: [Self; 7] = [
        Self::Even,
        Self::Quadratic,
        Self::LogSnr,
        Self::Karras,
        Self::Clock,
        Self::Crowded,
        Self::Own(Spacing::EVEN),
    ];

    /// One of each, and one's own at each of its limits: what holds for a placement holds for these.
    pub fn every() -> impl Iterator<Item = Self> {
        let own = Spacing::CORNERS.map(Self::Own);
        Self::ALL.into_iter().chain(own)
    }

    /// What it is called. On the command line and in files the handles of one's own follow its name (see `Display`).
    pub const fn words(self) -> &'static Words {
        match self {
            Self::Even => &Words {
                name: "even",
                title: "Even in t",
                symbol: "t",
                short: "even in t",
                help: "whole timesteps, evenly spaced from T to 0",
            },
            Self::Quadratic => &Words {
                name: "quadratic",
                title: "Even in √t",
                symbol: "√t",
                short: "even in √t",
                help: "√t evenly spaced: shorter steps near the data",
            },
            Self::LogSnr => &Words {
                name: "log-snr",
                title: "Even in log SNR",
                symbol: "log SNR",
                short: "even in log SNR",
                help: "log SNR evenly spaced, as DPM-Solver has it",
            },
            Self::Karras => &Words {
                name: "karras",
                title: "Karras, ρ = 7",
                symbol: "Karras",
                short: "Karras, ρ = 7",
                help: "σ to the power of 1/7 evenly spaced, as EDM has it",
            },
            Self::Clock => &Words {
                name: "clock",
                title: "Even in ζ",
                symbol: "ζ",
                short: "even in ζ",
                help: "ζ evenly spaced, the angle whose tangent is s/a: the bounded clock",
            },
            Self::Crowded => &Words {
                name: "crowded",
                title: "Crowded",
                symbol: "ζ^(1/3)",
                short: "crowded",
                help: "ζ to the power of 1/3 evenly spaced, and the first steps shorter",
            },
            Self::Own(_) => &Words {
                name: "own",
                title: "Yours",
                symbol: "Yours",
                short: "by hand",
                help: "one's own, by t/T after 1/4, 1/2 and 3/4 of the steps, as in own:0.8,0.5,0.2; own alone is even in t",
            },
        }
    }

    /// The name on the command line and in files, without handles.
    pub const fn name(self) -> &'static str {
        self.words().name
    }

    /// The names that are understood.
    pub fn known() -> String {
        let names = names::listed(Self::ALL.map(|one| match one {
            Self::Own(_) => "own:0.8,0.5,0.2",
            _ => one.name(),
        }));
        format!("{names} (t/T after 1/4, 1/2 and 3/4 of the steps; own alone is even in t)")
    }

    /// The knots of a plan of `steps` steps, from T to 0.
    pub(super) fn knots(self, steps: u32, context: PlanContext) -> Knots {
        Knots::at(context, self.taus(steps.max(1), context))
    }

    /// t/T of the knots, from 1 to 0: one more than steps.
    pub fn taus(self, steps: u32, context: PlanContext) -> Vec<f64> {
        let timesteps = context.timesteps.max(1);
        if self == Self::Even {
            // The last whole timestep at or below an even division; distinct, since steps ≤ T.
            let tau = |left: u32| {
                let t = u64::from(timesteps) * u64::from(left) / u64::from(steps);
                t as f64 / f64::from(timesteps)
            };
            return (0..=steps).rev().map(tau).collect();
        }
        let clock = Clock(context);
        let mut taus = vec![1.0];
        if steps > 1 {
            let last = clock.nearest();
            let mut intervals = steps - 1;
            // Where there is no signal at all log SNR and σ are infinite: the first step is the one from T to T − 1.
            let first = if self.is_unbounded() && clock.at(1.0).is_pure_noise() && intervals > 1 {
                intervals -= 1;
                taus.push(1.0 - last);
                1.0 - last
            } else {
                1.0
            };
            let between = (1..intervals).map(|k| f64::from(k) / f64::from(intervals));
            taus.extend(between.map(|share| self.between([first, last], share, clock)));
            taus.push(last);
        }
        taus.push(0.0);
        taus
    }

    /// True where what is evenly spaced has no bounds.
    const fn is_unbounded(self) -> bool {
        matches!(self, Self::LogSnr | Self::Karras)
    }

    /// t/T at this share of the way between two.
    fn between(self, ends: [f64; 2], share: f64, clock: Clock) -> f64 {
        let [from, to] = ends.map(|tau| self.coordinate(&clock.at(tau)));
        let at = from + (to - from) * share;
        match self {
            Self::Even | Self::Quadratic => at * at,
            Self::LogSnr => clock.at_zeta(at.exp().atan()).tau,
            Self::Karras => clock.at_zeta(at.powf(RHO).atan()).tau,
            Self::Clock => clock.at_zeta(at).tau,
            Self::Own(spacing) => spacing.at(share, ends[1]),
            Self::Crowded => {
                let eased = share * (1.0 - EASING * (1.0 - share).powi(2));
                clock
                    .at_zeta((from + (to - from) * eased).powf(CROWDING))
                    .tau
            }
        }
    }

    /// What is evenly spaced.
    fn coordinate(self, knot: &Knot) -> f64 {
        match self {
            Self::Even | Self::Quadratic => knot.tau.sqrt(),
            Self::LogSnr => -knot.half_log_snr(),
            Self::Karras => (knot.scales.s / knot.scales.a).powf(1.0 / RHO),
            Self::Clock => knot.zeta(),
            Self::Own(_) => knot.tau,
            Self::Crowded => knot.zeta().powf(1.0 / CROWDING),
        }
    }
}

impl std::fmt::Display for Placement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Own(spacing) => write!(f, ":{spacing}"),
            _ => Ok(()),
        }
    }
}

impl std::str::FromStr for Placement {
    type Err = PlacementParseError;

    fn from_str(text: &str) -> Result<Self, PlacementParseError> {
        let found = Self::ALL
            .into_iter()
            .find(|placement| same(placement.name(), text));
        if let Some(found) = found {
            return Ok(found);
        }
        let own = text
            .split_once(':')
            .filter(|(name, _)| same(name, Self::Own(Spacing::EVEN).name()));
        let Some((_, handles)) = own else {
            return Err(PlacementParseError::Name(text.into()));
        };
        handles
            .parse()
            .map(Self::Own)
            .map_err(|()| PlacementParseError::Handles(handles.into()))
    }
}

impl TryFrom<String> for Placement {
    type Error = PlacementParseError;

    fn try_from(text: String) -> Result<Self, PlacementParseError> {
        text.parse()
    }
}

impl From<Placement> for String {
    fn from(placement: Placement) -> Self {
        placement.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::schedule::Schedule;
    use crate::diffusion::target::Target;

    /// From T to 0, falling, one knot more than steps, on every schedule for every T.
    #[test]
    fn every_placement_falls_from_t_to_0_on_every_schedule() {
        for schedule in Schedule::every() {
            for timesteps in [1, 2, 3, 10, 1000, 4000] {
                let context = PlanContext {
                    schedule,
                    target: Target::Eps,
                    timesteps,
                };
                for placement in Placement::every() {
                    for steps in [1, 2, 3, 5, 50, 1000] {
                        if steps > timesteps {
                            continue;
                        }
                        let taus = placement.taus(steps, context);
                        let what = format!("{placement}, {schedule}, T = {timesteps}, {steps}");
                        assert_eq!(taus.len(), steps as usize + 1, "{what}");
                        assert_eq!((taus[0], taus[steps as usize]), (1.0, 0.0), "{what}");
                        let falls = taus.windows(2).all(|pair| pair[1] < pair[0]);
                        assert!(falls, "{what}: {taus:?}");
                        if placement != Placement::Even {
                            assert!(taus[steps as usize - 1] >= 1.0 / f64::from(timesteps));
                        }
                    }
                }
            }
        }
    }

    /// A placement, and what is evenly spaced of flow matching's τ.
    type Named = (Placement, fn(f64) -> f64);

    /// What a placement names is what is evenly spaced: of closed forms on flow matching, where a = 1 − τ and s = τ.
    #[test]
    fn what_a_placement_names_is_evenly_spaced() {
        let context = PlanContext {
            schedule: Schedule::Flow,
            target: Target::Eps,
            timesteps: 1000,
        };
        let named: [Named; 4] = [
            (Placement::Quadratic, f64::sqrt),
            (Placement::LogSnr, |tau| (tau / (1.0 - tau)).ln()),
            (Placement::Karras, |tau| (tau / (1.0 - tau)).powf(1.0 / 7.0)),
            (Placement::Clock, |tau| tau.atan2(1.0 - tau)),
        ];
        for (placement, coordinate) in named {
            let taus = placement.taus(20, context);
            // Flow matching has no signal at T, where σ is infinite.
            let first = usize::from(placement.is_unbounded());
            let values: Vec<f64> = taus[first..20].iter().map(|tau| coordinate(*tau)).collect();
            let gap = (values[0] - values[values.len() - 1]) / (values.len() - 1) as f64;
            for pair in values.windows(2) {
                assert!((pair[0] - pair[1] - gap).abs() < 1e-9, "{placement}");
            }
        }
    }

    /// What lies on one's own curve does not ask the schedule: every T by itself, up to a step a timestep.
    #[test]
    fn ones_own_falls_for_every_t_and_ends_at_its_first_timestep() {
        let own = [[0.75, 0.5, 0.25], [0.8, 0.5, 0.2], [0.6, 0.1, 0.05]].map(Spacing::new);
        for timesteps in 1..=4000 {
            let context = PlanContext {
                schedule: Schedule::Cosine,
                target: Target::Eps,
                timesteps,
            };
            for spacing in own.into_iter().chain(Spacing::CORNERS) {
                for steps in [1, 2, 3, 4, 5, 20, timesteps / 2, timesteps - 1, timesteps] {
                    if steps == 0 || steps > timesteps {
                        continue;
                    }
                    let taus = Placement::Own(spacing).taus(steps, context);
                    let what = format!("{spacing}, T = {timesteps}, {steps} steps");
                    assert_eq!(taus.len(), steps as usize + 1, "{what}");
                    assert!(taus.windows(2).all(|pair| pair[1] < pair[0]), "{what}");
                    assert_eq!((taus[0], taus[steps as usize]), (1.0, 0.0), "{what}");
                    let last = if steps == 1 {
                        1.0
                    } else {
                        1.0 / f64::from(timesteps)
                    };
                    assert_eq!(taus[steps as usize - 1], last, "{what}");
                }
            }
        }
    }

    /// Five steps have four intervals before the landing: their ends are the handles.
    #[test]
    fn the_handles_of_ones_own_are_where_steps_begin() {
        let own = Placement::Own(Spacing::new([0.8, 0.5, 0.2]));
        let context = PlanContext {
            schedule: Schedule::Ve,
            target: Target::Eps,
            timesteps: 1000,
        };
        assert_eq!(own.taus(5, context), [1.0, 0.8, 0.5, 0.2, 0.001, 0.0]);
        let twice = own.taus(9, context);
        assert_eq!([twice[2], twice[4], twice[6]], [0.8, 0.5, 0.2]);
    }

    #[test]
    fn names_are_read_back_as_they_are_shown() {
        for placement in Placement::every() {
            assert_eq!(placement.to_string().parse(), Ok(placement));
            let json = serde_json::to_string(&placement).unwrap();
            assert_eq!(json, format!("\"{placement}\""));
            assert_eq!(serde_json::from_str::<Placement>(&json).unwrap(), placement);
        }
        let own = Placement::Own(Spacing::new([0.8, 0.5, 0.2]));
        assert_eq!(own.to_string(), "own:0.8,0.5,0.2");
        assert_eq!("OWN: 0.8, 0.50, .2".parse(), Ok(own));
        assert_eq!("own".parse(), Ok(Placement::Own(Spacing::EVEN)));
    }

    #[test]
    fn what_is_no_placement_is_refused_in_words() {
        let refusal = |text: &str| text.parse::<Placement>().unwrap_err().to_string();
        let names = "is not a placement of steps: use even, quadratic, log-snr, karras, clock, crowded or own:0.8,0.5,0.2 \
                     (t/T after 1/4, 1/2 and 3/4 of the steps; own alone is even in t)";
        for text in ["karas", "even:0.8,0.5,0.2", ""] {
            assert_eq!(refusal(text), format!("'{text}' {names}"));
        }
        let handles = "are not the handles of a placement: give t/T after 1/4, 1/2 and 3/4 of the steps, in thousandths at the \
                       finest, falling from at most 0.99 to at least 0.01, each by 0.01 or more, as in own:0.8,0.5,0.2";
        for text in ["0.2,0.5,0.8", "0.8,0.5", "a,b,c", ""] {
            assert_eq!(
                refusal(&format!("own:{text}")),
                format!("'{text}' {handles}")
            );
        }
    }
}
