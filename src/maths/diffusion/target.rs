//! What the network predicts, and the one place where each target converts to each.
//!
//! With x = a x_0 + s ε every target is a linear combination of (x_0, ε), and x_0 one of (x, target).

use serde::{Deserialize, Serialize};

use super::schedule::Scales;
use crate::names::{self, Words};

/// The regression target of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum Target {
    /// The noise ε (Ho et al. 2020, eq. 14).
    Eps,
    /// The clean point x_0.
    X0,
    /// v = a ε − s x_0 (Salimans & Ho 2022).
    V,
    /// The conditional score −ε/s, trained with weight s² (Song & Ermon 2019).
    Score,
    /// The flow velocity u = ε − x_0 (Lipman et al. 2022).
    Velocity,
    /// F of D = c_skip x̃ + c_out F(c_in x̃), x̃ = x/a, σ = s/a (Karras et al. 2022, eq. 7 and table 1): the network sees and
    /// says numbers of variance 1 at every time.
    Edm,
}

/// σ_data of [`Target::Edm`], the root mean square of the data along an axis: they are standardised.
pub const SIGMA_DATA: f64 = 1.0;

/// √(s² + a² σ_data²), the root mean square of x_t along an axis.
#[inline]
fn spread(Scales { a, s }: Scales) -> f64 {
    s.hypot(a * SIGMA_DATA)
}

/// Coefficients of a linear combination of two 2-D vectors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Combination(pub f64, pub f64);

/// What a field shows, and what samplers go by: of the network's output or of the exact posterior.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quantity {
    /// x̂_0, exactly E[x_0 | x].
    #[default]
    X0,
    /// ε̂, exactly E[ε | x].
    Eps,
    /// The score −ε̂/s, exactly ∇ ln p_t.
    Score,
}

/// The exact quantity of a mixture as Σ r_k (mean·μ_k + (data·σ_k² + one)/v_k · (x − a μ_k)), with the components' shares
/// r_k and variances v_k = a² σ_k² + s². No two large numbers are subtracted but x and a μ_k.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PosteriorWeights {
    /// Factor of μ_k.
    pub mean: f64,
    /// Factor of σ_k²/v_k (x − a μ_k).
    pub data: f64,
    /// Factor of (x − a μ_k)/v_k.
    pub one: f64,
}

impl Quantity {
    /// Of a mixture: E[x_0 | x, k] = μ_k + a σ_k²/v_k (x − a μ_k), E[ε | x, k] = s/v_k (x − a μ_k), and the score is −1/s of
    /// this.
    pub fn of_posterior(self, Scales { a, s }: Scales) -> PosteriorWeights {
        match self {
            Self::X0 => PosteriorWeights {
                mean: 1.0,
                data: a,
                one: 0.0,
            },
            Self::Eps => PosteriorWeights {
                mean: 0.0,
                data: 0.0,
                one: s,
            },
            Self::Score => PosteriorWeights {
                mean: 0.0,
                data: 0.0,
                one: -1.0,
            },
        }
    }
}

/// Noise scales of 0 count as it, and signal scales below it as none, so that no conversion divides by zero at
/// the ends of a schedule.
const TINY: f64 = 1e-6;

/// The noise scale, or [`TINY`] for 0.
fn nonzero(scale: f64) -> f64 {
    if scale == 0.0 { TINY } else { scale }
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        names::find(Self::ALL, "a target", text, |one| [one.name()])
    }
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl Target {
    /// Every target, in the order of the menus.
    pub const ALL: [Self; 6] = [
        Self::Eps,
        Self::X0,
        Self::V,
        Self::Score,
        Self::Velocity,
        Self::Edm,
    ];

    /// What it is called.
    pub const fn words(self) -> &'static Words {
        match self {
            Self::Eps => &Words {
                name: "eps",
                title: "noise",
                symbol: "ε",
                short: "ε",
                help: "the noise ε",
            },
            Self::X0 => &Words {
                name: "x0",
                title: "clean point",
                symbol: "x₀",
                short: "x₀",
                help: "the clean point x₀",
            },
            Self::V => &Words {
                name: "v",
                title: "a ε − s x₀",
                symbol: "v",
                short: "v",
                help: "v = a ε − s x₀",
            },
            Self::Score => &Words {
                name: "score",
                title: "score −ε/s",
                symbol: "∇ log p",
                short: "score",
                help: "the score −ε/s",
            },
            Self::Velocity => &Words {
                name: "velocity",
                title: "velocity ε − x₀",
                symbol: "u",
                short: "velocity",
                help: "the velocity ε − x₀",
            },
            Self::Edm => &Words {
                name: "edm",
                title: "EDM's preconditioned F",
                symbol: "F",
                short: "EDM",
                help: "F of x̂₀ = c_skip x/a + c_out F(c_in x/a), Karras et al. 2022",
            },
        }
    }

    /// The name on the command line and in files.
    pub const fn name(self) -> &'static str {
        self.words().name
    }

    /// (c_0, c_ε) with target = c_0 x_0 + c_ε ε.
    #[inline]
    pub fn of_x0_and_eps(self, Scales { a, s }: Scales) -> Combination {
        match self {
            Self::Eps => Combination(0.0, 1.0),
            Self::X0 => Combination(1.0, 0.0),
            Self::V => Combination(-s, a),
            Self::Score => Combination(0.0, -1.0 / nonzero(s)),
            Self::Velocity => Combination(-1.0, 1.0),
            // (x_0 − c_skip x̃)/c_out, multiplied out: finite where a or s is 0.
            Self::Edm => {
                let r = spread(Scales { a, s });
                Combination(s / (SIGMA_DATA * r), -a * SIGMA_DATA / r)
            }
        }
    }

    /// (k_x, k_o) with x̂_0 = k_x x + k_o · output. Where no signal is left (a = 0: flow at t = T) neither ε̂ nor the score
    /// knows anything of x_0, and x is independent of it: E[x_0 | x] is the mean of the data, 0.
    #[inline]
    pub fn to_x0(self, Scales { a, s }: Scales) -> Combination {
        match self {
            Self::Eps | Self::Score if a < TINY => Combination(0.0, 0.0),
            Self::Eps => Combination(1.0 / a, -s / a),
            Self::X0 => Combination(0.0, 1.0),
            // a² + s² = 1 only where variance is preserved.
            Self::V => Combination(a / (a * a + s * s), -s / (a * a + s * s)),
            Self::Score => Combination(1.0 / a, s * s / a),
            Self::Velocity => Combination(1.0 / (a + s), -s / (a + s)),
            // c_skip / a and c_out.
            Self::Edm => {
                let r = spread(Scales { a, s });
                Combination(a * SIGMA_DATA.powi(2) / (r * r), s * SIGMA_DATA / r)
            }
        }
    }

    /// (k_x, k_o) with ε̂ = k_x x + k_o · output. Never by way of x̂_0: where s is small, (x − a x̂_0)/s is a difference of
    /// near-equals. For the target x_0 there is no other way.
    #[inline]
    pub fn to_eps(self, Scales { a, s }: Scales) -> Combination {
        let s_safe = nonzero(s);
        match self {
            Self::Eps => Combination(0.0, 1.0),
            Self::X0 => Combination(1.0 / s_safe, -a / s_safe),
            Self::V => Combination(s / (a * a + s * s), a / (a * a + s * s)),
            Self::Score => Combination(0.0, -s_safe),
            Self::Velocity => Combination(1.0 / (a + s), a / (a + s)),
            Self::Edm => {
                let r = spread(Scales { a, s });
                Combination(s / (r * r), -a * SIGMA_DATA / r)
            }
        }
    }

    /// (k_x, k_o) with score = k_x x + k_o · output: the score is −ε̂/s, never −ε̂.
    #[inline]
    pub fn to_score(self, scales: Scales) -> Combination {
        if self == Self::Score {
            return Combination(0.0, 1.0);
        }
        let Combination(k_x, k_o) = self.to_eps(scales);
        let s = nonzero(scales.s);
        Combination(-k_x / s, -k_o / s)
    }

    /// (k_x, k_o) with quantity = k_x x + k_o · output.
    #[inline]
    pub fn to(self, quantity: Quantity, scales: Scales) -> Combination {
        match quantity {
            Quantity::X0 => self.to_x0(scales),
            Quantity::Eps => self.to_eps(scales),
            Quantity::Score => self.to_score(scales),
        }
    }

    /// What x_t is multiplied by before the network sees it: c_in / a of [`Target::Edm`], 1 of any other.
    #[inline]
    pub fn input_scale(self, scales: Scales) -> f64 {
        match self {
            Self::Edm => 1.0 / spread(scales),
            _ => 1.0,
        }
    }

    /// Weight of a sample's squared error in the training loss.
    #[inline]
    pub fn loss_weight(self, scales: Scales) -> f64 {
        match self {
            Self::Score => scales.s * scales.s,
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diffusion::log_snr::LogSnr;
    use crate::diffusion::schedule::Schedule;
    use proptest::prelude::*;

    /// Every schedule, one's own at the limits of its handles too.
    fn schedules() -> Vec<Schedule> {
        let own = [
            [12.0, 6.0, 0.0, -6.0, -12.0],
            [12.0, 11.75, 11.5, 11.25, 11.0],
            [-11.0, -11.25, -11.5, -11.75, -12.0],
        ];
        Schedule::ALL
            .into_iter()
            .chain(own.map(|handles| Schedule::Custom(LogSnr::new(handles))))
            .chain(LogSnr::CLIFFS.map(Schedule::Custom))
            .collect()
    }

    const LENGTHS: [u32; 4] = [2, 10, 1000, 10_000];

    /// Build x from (x_0, ε), form the target, and come back: at t = 1, at t = T and between. What a quantity cannot be
    /// told from (x̂_0 from ε where there is no signal) is left out by name, never by a range.
    #[test]
    fn every_target_comes_back_to_x0_eps_and_score_on_every_path_and_at_both_ends() {
        for (schedule, timesteps) in schedules()
            .into_iter()
            .flat_map(|schedule| LENGTHS.map(|timesteps| (schedule, timesteps)))
        {
            for t in [1, timesteps.div_ceil(3), timesteps - 1, timesteps] {
                let scales = schedule.scales(f64::from(t) / f64::from(timesteps), timesteps);
                let Scales { a, s } = scales;
                for target in Target::ALL {
                    for (x0, eps) in [(1.3, -0.4), (-2.0, 2.0), (0.01, 1.0), (3.0, 0.02)] {
                        let x = a * x0 + s * eps;
                        let Combination(c_0, c_eps) = target.of_x0_and_eps(scales);
                        let output = c_0 * x0 + c_eps * eps;
                        let back = |Combination(k_x, k_o): Combination| {
                            (
                                k_x * x + k_o * output,
                                (k_x * x).abs() + (k_o * output).abs(),
                            )
                        };
                        for (quantity, expected) in [
                            (Quantity::X0, x0),
                            (Quantity::Eps, eps),
                            (Quantity::Score, -eps / s),
                        ] {
                            let by_noise = matches!(target, Target::Eps | Target::Score);
                            let (found, size) = back(target.to(quantity, scales));
                            if quantity == Quantity::X0 && by_noise && a < TINY {
                                assert_eq!(found, 0.0);
                                continue;
                            }
                            let error = (found - expected).abs();
                            let of = format!(
                                "{target:?} to {quantity:?}, {schedule}, {t} of {timesteps}"
                            );
                            assert!(
                                error <= 4e-15 * (size + expected.abs()),
                                "{of}: {found}, not {expected}"
                            );
                            // Nothing is formed from far larger numbers, but x̂_0 from the noise and the noise from x̂_0.
                            let direct = match quantity {
                                Quantity::X0 => !by_noise,
                                Quantity::Eps | Quantity::Score => target != Target::X0,
                            };
                            let bound = (x0.abs() + eps.abs())
                                * if quantity == Quantity::Score {
                                    1.0 / s
                                } else {
                                    1.0
                                };
                            assert!(
                                !direct || size <= 4.0 * bound,
                                "{of}: formed from numbers of {size}, {bound} will do"
                            );
                        }
                    }
                }
            }
        }
    }

    /// D = c_skip x̃ + c_out F(c_in x̃) with the coefficients as Karras et al. 2022 print them (table 1).
    #[test]
    fn edm_is_the_table_of_karras_et_al() {
        for schedule in schedules() {
            for t in 1..1000 {
                let scales = schedule.scales(f64::from(t) / 1000.0, 1000);
                let sigma = scales.s / scales.a;
                let c_skip = SIGMA_DATA.powi(2) / (sigma.powi(2) + SIGMA_DATA.powi(2));
                let c_out = sigma * SIGMA_DATA / (sigma.powi(2) + SIGMA_DATA.powi(2)).sqrt();
                let c_in = 1.0 / (sigma.powi(2) + SIGMA_DATA.powi(2)).sqrt();
                let Combination(of_x, of_output) = Target::Edm.to_x0(scales);
                for (found, expected) in [
                    (of_x * scales.a, c_skip),
                    (of_output, c_out),
                    (Target::Edm.input_scale(scales) * scales.a, c_in),
                ] {
                    assert!(
                        (found / expected - 1.0).abs() < 1e-9,
                        "{schedule}, {t}: {found}, not {expected}"
                    );
                }
                // λ(σ) c_out² = 1: in EDM's own weighting the loss is a plain one of F, whose target has variance 1.
                let Combination(of_x0, of_eps) = Target::Edm.of_x0_and_eps(scales);
                assert!((of_x0.powi(2) * SIGMA_DATA.powi(2) + of_eps.powi(2) - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_scale_of_zero_is_met_by_flow_matching_at_the_end_alone() {
        for (schedule, timesteps) in schedules()
            .into_iter()
            .flat_map(|schedule| LENGTHS.map(|timesteps| (schedule, timesteps)))
        {
            for t in 1..=timesteps {
                let Scales { a, s } =
                    schedule.scales(f64::from(t) / f64::from(timesteps), timesteps);
                let of = format!("{schedule}, {t} of {timesteps}: a = {a}, s = {s}");
                // In f32 too, where 1/a must be a number.
                let held =
                    |scale: f64| (scale as f32).is_normal() && (1.0 / scale as f32).is_normal();
                assert!(
                    held(a) || (a == 0.0 && schedule == Schedule::Flow && t == timesteps),
                    "{of}"
                );
                assert!(held(s), "{of}");
            }
        }
    }

    proptest! {
        /// Times that are no whole timesteps, as samplers visit them.
        #[test]
        fn the_conversions_tell_of_one_x0_and_one_noise(
            x in -3.0..3.0_f64, output in -3.0..3.0_f64, tau in 1e-4..1.0_f64, which in 0..6_usize, schedule in 0..8_usize,
        ) {
            let (target, schedule) = (Target::ALL[which], schedules()[schedule]);
            let scales = schedule.scales(tau, 1000);
            let terms = |Combination(k_x, k_o): Combination| (k_x * x + k_o * output, (k_x * x).abs() + (k_o * output).abs());
            let ((x0, x0_size), (eps, eps_size)) = (terms(target.to_x0(scales)), terms(target.to_eps(scales)));
            let size = scales.a * x0_size + scales.s * eps_size + x.abs();
            prop_assert!((scales.a * x0 + scales.s * eps - x).abs() <= 1e-14 * size);
        }

        /// Build x from (x_0, ε), form the target, and come back.
        #[test]
        fn every_target_comes_back_to_x0_eps_and_score(
            x0 in -3.0..3.0_f64, eps in -3.0..3.0_f64, tau in prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0_f64],
            which in 0..6_usize, schedule in proptest::sample::select(Schedule::every()),
        ) {
            let target = Target::ALL[which];
            let scales = schedule.scales(tau, 1000);
            let x = scales.a * x0 + scales.s * eps;
            let Combination(c_0, c_eps) = target.of_x0_and_eps(scales);
            let output = c_0 * x0 + c_eps * eps;
            let back = |Combination(k_x, k_o): Combination| k_x * x + k_o * output;
            // At the very ends x may know nothing of x_0 or of ε: then what comes back is a number all the same.
            let back = [target.to_x0(scales), target.to_eps(scales), target.to_score(scales)].map(back);
            prop_assert!(back.iter().all(|v| v.is_finite()), "{back:?}");
            prop_assert!(scales.a * (back[0] - x0).abs() < 1e-6);
            prop_assert!(scales.s * (back[1] - eps).abs() < 1e-6);
            prop_assert!(scales.s * (scales.s * back[2] + eps).abs() < 1e-6);
            // These tell x_0 where no signal is left, too.
            if matches!(target, Target::X0 | Target::V | Target::Velocity | Target::Edm) {
                prop_assert!((back[0] - x0).abs() < 1e-6);
            }
        }
    }
}
