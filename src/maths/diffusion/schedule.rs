//! Noise schedules as Gaussian paths x_t = a(t) x_0 + s(t) ε.
//!
//! Everything else (SNR, strided steps, the coefficients of samplers, the exact field) follows from the pair (a, s).

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use crate::names::{Words, same};

use super::log_snr::LogSnr;

/// The schedule from data to noise. `tau` is t/T, the clock in [0, 1] that every view and command uses. In files and on
/// the command line it is its name; one's own schedule is `custom:` and its five handles.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Schedule {
    /// Variance preserving, linear β: ᾱ(τ) = exp(−(0.1 τ + 9.95 τ²)) (Song et al. 2021, the limit of Ho et al. 2020).
    Linear,
    /// Variance preserving, cosine: ᾱ(τ) = f(τ)/f(0), f = cos²((τ + 0.008)/1.008 · π/2) (Nichol & Dhariwal 2021, eq. 17).
    Cosine,
    /// Variance exploding: a = 1, s geometric from [`SIGMA_MIN`] to [`SIGMA_MAX`] (Song & Ermon 2019).
    Ve,
    /// Flow matching: a = 1 − τ, s = τ (Lipman et al. 2022).
    Flow,
    /// Variance preserving, the table of the DDPM code as it stands: T values of β from 1e-4 to 0.02, whatever T is (Ho
    /// et al. 2020, section 4). Between whole timesteps log ᾱ is interpolated linearly. Short ones do not reach noise.
    Literal,
    /// Variance preserving, by one's own log SNR. At t = 0 it is the data itself, whatever the first handle says.
    Custom(LogSnr),
}

/// A schedule that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a schedule: use {known}, or custom: and the log SNR at t/T = 0, 0.25, 0.5, \
     0.75 and 1, falling by at least 0.25 from at most 12 to at least -12, as in custom:9,4.5,0,-4.5,-9",
    known = Schedule::ALL.map(Schedule::name).join(", ")
)]
pub struct ScheduleParseError(String);

/// First and last β of the literal table.
const LITERAL_BETAS: [f64; 2] = [1e-4, 0.02];
/// The largest ᾱ_T that counts as noise.
pub const TERMINAL_ALPHA_BAR: f64 = 1e-3;

/// The smallest noise level of the variance-exploding path.
pub const SIGMA_MIN: f64 = 0.01;
/// The largest noise level of the variance-exploding path.
pub const SIGMA_MAX: f64 = 10.0;
/// The largest one-step β of the cosine path (Nichol & Dhariwal 2021, section 3.2), which keeps ᾱ_T above 0.
const COSINE_MAX_BETA: f64 = 0.999;

/// Schedules whose formulas look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// a = √ᾱ, s = √(1 − ᾱ), a²_{t|r} = 1 − β_t (Ho et al. 2020).
    Preserving,
    /// a = 1, s = σ_t (Song et al. 2021).
    Exploding,
    /// a = 1 − t, s = t, with t for t/T (Lipman et al. 2022).
    Flow,
}

/// Signal and noise scale of a schedule at one time: x_t = a x_0 + s ε.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scales {
    /// Factor of x_0.
    pub a: f64,
    /// Standard deviation of the added noise.
    pub s: f64,
}

impl Scales {
    /// Signal-to-noise ratio a²/s²; infinite at the data.
    pub fn snr(self) -> f64 {
        (self.a / self.s).powi(2)
    }
}

impl Schedule {
    /// Every schedule that has no settings of its own, in the order of the menus.
    pub const ALL: [Self; 5] = [Self::Linear, Self::Cosine, Self::Ve, Self::Flow, Self::Literal];

    /// Every schedule of the menus, one's own as it opens, and one's own at each of its limits: what holds for a schedule holds for
    /// these.
    pub fn every() -> Vec<Self> {
        let own = std::iter::once(LogSnr::default()).chain(LogSnr::CORNERS);
        Self::ALL.into_iter().chain(own.map(Self::Custom)).collect()
    }

    /// What it is called. On the command line and in files the handles of one's own schedule follow its name (see `Display`).
    pub const fn words(self) -> &'static Words {
        match self {
            Self::Linear => &Words {
                name: "linear",
                title: "Linear",
                symbol: "Linear",
                short: "linear",
                help: "β linear in t, the DDPM table rescaled to any T",
            },
            Self::Cosine => &Words {
                name: "cosine",
                title: "Cosine",
                symbol: "Cosine",
                short: "cosine",
                help: "ᾱ a squared cosine of t",
            },
            Self::Ve => &Words {
                name: "ve",
                title: "VE",
                symbol: "VE",
                short: "VE",
                help: "variance exploding: a = 1, the noise grows geometrically",
            },
            Self::Flow => &Words {
                name: "flow",
                title: "Flow",
                symbol: "Flow",
                short: "flow",
                help: "flow matching: a = 1 − t, s = t",
            },
            Self::Literal => &Words {
                name: "literal",
                title: "Literal",
                symbol: "Literal",
                short: "literal β",
                help: "the DDPM table unscaled, whatever T is",
            },
            Self::Custom(_) => &Words {
                name: "custom",
                title: "Yours",
                symbol: "Yours",
                short: "own schedule",
                help: "one's own, by the log SNR at t/T = 0, 1/4, 1/2, 3/4 and 1",
            },
        }
    }

    /// The name on the command line and in files.
    pub const fn name(self) -> &'static str {
        self.words().name
    }

    /// Which letters its formulas are written in.
    pub const fn family(self) -> Family {
        match self {
            Self::Linear | Self::Cosine | Self::Literal | Self::Custom(_) => Family::Preserving,
            Self::Ve => Family::Exploding,
            Self::Flow => Family::Flow,
        }
    }

    /// True where a² + s² = 1 all the way.
    pub fn preserves_variance(self) -> bool {
        self.family() == Family::Preserving
    }

    /// Signal variance ᾱ(τ) = a². `timesteps` is T: it matters for the cosine path, whose β is capped, and for the literal
    /// table, which ends the sooner the fewer there are.
    pub fn alpha_bar(self, tau: f64, timesteps: u32) -> f64 {
        let tau = tau.clamp(0.0, 1.0);
        match self {
            Self::Linear => linear_log_alpha_bar(tau).exp(),
            Self::Cosine => cosine_alpha_bar(tau, timesteps),
            Self::Ve => 1.0,
            Self::Flow => (1.0 - tau).powi(2),
            Self::Literal => literal_log_alpha_bar(tau, timesteps).exp(),
            Self::Custom(_) if tau == 0.0 => 1.0,
            Self::Custom(own) => own.alpha_bar(tau),
        }
    }

    /// s² at τ = t/T, where variance is preserved 1 − ᾱ without its cancellation near the data.
    pub fn noise_variance(self, tau: f64, timesteps: u32) -> f64 {
        let tau = tau.clamp(0.0, 1.0);
        match self {
            Self::Linear => -linear_log_alpha_bar(tau).exp_m1(),
            Self::Cosine => cosine_noise_variance(tau, timesteps),
            Self::Ve | Self::Custom(_) if tau == 0.0 => 0.0,
            Self::Ve => (SIGMA_MIN * (SIGMA_MAX / SIGMA_MIN).powf(tau)).powi(2),
            Self::Flow => tau * tau,
            Self::Literal => -literal_log_alpha_bar(tau, timesteps).exp_m1(),
            Self::Custom(own) => own.noise_variance(tau),
        }
    }

    /// Standard deviation per axis of x_T, of data of variance 1: sampling starts from N(0, this² I).
    pub fn prior_std(self, timesteps: u32) -> f64 {
        let Scales { a, s } = self.scales(1.0, timesteps);
        a.hypot(s)
    }

    /// (a, s) at τ = t/T in [0, 1].
    pub fn scales(self, tau: f64, timesteps: u32) -> Scales {
        let tau = tau.clamp(0.0, 1.0);
        match self {
            Self::Flow => Scales { a: 1.0 - tau, s: tau },
            _ => Scales { a: self.alpha_bar(tau, timesteps).sqrt(), s: self.noise_variance(tau, timesteps).sqrt() },
        }
    }

    /// One-step noise variance β_t = 1 − ᾱ_t/ᾱ_{t−1} for t in 1..=T.
    pub fn beta(self, t: u32, timesteps: u32) -> f64 {
        let tau = |t: u32| f64::from(t) / f64::from(timesteps);
        1.0 - self.alpha_bar(tau(t), timesteps) / self.alpha_bar(tau(t - 1), timesteps)
    }

    /// Σ β_i for i ≤ t, at t = 0..=T: the variance that the noise of these steps would add up to if nothing shrank the
    /// signal.
    pub fn summed_betas(self, timesteps: u32) -> Vec<f64> {
        let sums = (1..=timesteps).scan(0.0, |sum, t| {
            *sum += self.beta(t, timesteps);
            Some(*sum)
        });
        std::iter::once(0.0).chain(sums).collect()
    }

    /// ᾱ_T, where a variance-preserving path ends with signal left ([`TERMINAL_ALPHA_BAR`]): samplers start from pure
    /// noise, which such a model has never seen (Lin et al. 2024, "Common diffusion noise schedules and sample steps are
    /// flawed").
    pub fn leftover_signal(self, timesteps: u32) -> Option<f64> {
        let alpha_bar = self.alpha_bar(1.0, timesteps);
        (self.preserves_variance() && alpha_bar > TERMINAL_ALPHA_BAR).then_some(alpha_bar)
    }
}

impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Custom(own) => write!(f, "custom:{own}"),
            _ => f.write_str(self.name()),
        }
    }
}

impl std::str::FromStr for Schedule {
    type Err = ScheduleParseError;

    fn from_str(text: &str) -> Result<Self, ScheduleParseError> {
        if let Some(schedule) = Self::ALL.into_iter().find(|schedule| same(schedule.name(), text)) {
            return Ok(schedule);
        }
        let own = text.split_once(':').filter(|(name, _)| same(name, "custom"));
        let own = own.and_then(|(_, handles)| handles.parse().ok());
        own.map(Self::Custom).ok_or_else(|| ScheduleParseError(text.into()))
    }
}

impl TryFrom<String> for Schedule {
    type Error = ScheduleParseError;

    fn try_from(text: String) -> Result<Self, ScheduleParseError> {
        text.parse()
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.to_string()
    }
}

thread_local! {
    /// log ᾱ_t of the literal table at t = 0..=T, for the last T asked for on this thread: a table asks T times.
    static LITERAL: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
}

/// log Π (1 − β_i), linear between whole timesteps.
fn literal_log_alpha_bar(tau: f64, timesteps: u32) -> f64 {
    let timesteps = timesteps.max(1);
    LITERAL.with_borrow_mut(|table| {
        if table.len() != timesteps as usize + 1 {
            let [first, last] = LITERAL_BETAS;
            let spacing = (last - first) / f64::from(timesteps - 1).max(1.0);
            let steps = (0..timesteps).scan(0.0, |sum, i| {
                *sum += (-(first + spacing * f64::from(i))).ln_1p();
                Some(*sum)
            });
            *table = std::iter::once(0.0).chain(steps).collect();
        }
        let place = tau * f64::from(timesteps);
        let before = (place as usize).min(timesteps as usize - 1);
        table[before] + (place - before as f64) * (table[before + 1] - table[before])
    })
}

fn linear_log_alpha_bar(tau: f64) -> f64 {
    -(0.1 * tau + 9.95 * tau * tau)
}

/// Offset of the cosine path (Nichol & Dhariwal 2021, section 3.2).
const COSINE_OFFSET: f64 = 0.008;

/// The angle at τ whose squared cosine is f(τ).
fn cosine_angle(tau: f64) -> f64 {
    (tau + COSINE_OFFSET) / (1.0 + COSINE_OFFSET) * std::f64::consts::FRAC_PI_2
}

/// The cosine ᾱ with β ≤ 0.999. The cap binds only at the last step (the only one whose ratio is below 1e-3), where
/// it holds ᾱ_T at (1 − 0.999) ᾱ_{T−1}; between the last two steps ᾱ is held above that floor, so it stays monotone.
fn cosine_alpha_bar(tau: f64, timesteps: u32) -> f64 {
    uncapped_cosine(tau).max(cosine_floor(timesteps))
}

/// 1 − ᾱ of the cosine path: (cos² u_0 − cos² u)/cos² u_0 = sin(u − u_0) sin(u + u_0)/cos² u_0.
fn cosine_noise_variance(tau: f64, timesteps: u32) -> f64 {
    let (now, start) = (cosine_angle(tau), cosine_angle(0.0));
    let turned = tau / (1.0 + COSINE_OFFSET) * std::f64::consts::FRAC_PI_2;
    let variance = turned.sin() * (now + start).sin() / start.cos().powi(2);
    variance.min(1.0 - cosine_floor(timesteps))
}

fn uncapped_cosine(tau: f64) -> f64 {
    (cosine_angle(tau).cos() / cosine_angle(0.0).cos()).powi(2)
}

fn cosine_floor(timesteps: u32) -> f64 {
    let last_but_one = f64::from(timesteps.saturating_sub(1)) / f64::from(timesteps.max(1));
    (1.0 - COSINE_MAX_BETA) * uncapped_cosine(last_but_one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn alpha_bar_at_a_fifth_has_the_published_values() {
        assert_abs_diff_eq!(Schedule::Linear.alpha_bar(0.2, 1000), 0.658, epsilon = 5e-4);
        assert_abs_diff_eq!(Schedule::Cosine.alpha_bar(0.2, 1000), 0.899, epsilon = 5e-4);
    }

    /// The literal table of Ho et al. 2020 (β from 1e-4 to 0.02, T = 1000), multiplied out: an independent derivation.
    #[test]
    fn linear_is_the_limit_of_the_literal_table() {
        let mut alpha_bar = 1.0;
        for t in 0..1000 {
            alpha_bar *= 1.0 - (1e-4 + (0.02 - 1e-4) * f64::from(t) / 999.0);
            let tau = f64::from(t + 1) / 1000.0;
            assert_abs_diff_eq!(alpha_bar, Schedule::Linear.alpha_bar(tau, 1000), epsilon = 2e-3);
        }
    }

    #[test]
    fn the_literal_table_is_itself_at_every_length() {
        assert_abs_diff_eq!(Schedule::Literal.alpha_bar(0.2, 1000), 0.659, epsilon = 5e-4);
        for timesteps in [1, 2, 10, 250, 1000] {
            let mut product = 1.0;
            for t in 1..=timesteps {
                // torch.linspace(1e-4, 0.02, T), written as a weighted mean.
                let share = if timesteps == 1 { 0.0 } else { f64::from(t - 1) / f64::from(timesteps - 1) };
                let beta = 1e-4 * (1.0 - share) + 0.02 * share;
                product *= 1.0 - beta;
                let tau = f64::from(t) / f64::from(timesteps);
                assert_abs_diff_eq!(product, Schedule::Literal.alpha_bar(tau, timesteps), epsilon = 1e-12);
                assert_abs_diff_eq!(beta, Schedule::Literal.beta(t, timesteps), epsilon = 1e-12);
            }
        }
    }

    #[test]
    fn a_short_literal_table_ends_with_signal_left_and_the_others_do_not() {
        // ln ᾱ_T ≈ −Σ (β + β²/2) with mean β 0.01005: −2.5125 − ½ 250 (0.01005² + 0.0199²/12) = −2.529.
        let left = Schedule::Literal.leftover_signal(250).unwrap();
        assert_abs_diff_eq!(left, (-2.529_f64).exp(), epsilon = 2e-4);
        assert_eq!(Schedule::Literal.leftover_signal(1000), None);
        for schedule in
            [Schedule::Linear, Schedule::Cosine, Schedule::Ve, Schedule::Flow, Schedule::Custom(LogSnr::default())]
        {
            assert_eq!(schedule.leftover_signal(250), None, "{schedule}");
        }
        let bright = Schedule::Custom(LogSnr::new([9.0, 4.0, 0.0, -2.0, -4.0]));
        assert_abs_diff_eq!(bright.leftover_signal(250).unwrap(), 1.0 / (1.0 + 4.0_f64.exp()), epsilon = 1e-12);
    }

    #[test]
    fn unshrunk_noise_adds_up_to_the_mean_beta_times_the_steps() {
        let sums = Schedule::Literal.summed_betas(1000);
        assert_eq!(sums.len(), 1001);
        assert_abs_diff_eq!(sums[1], 1e-4, epsilon = 1e-12);
        assert_abs_diff_eq!(sums[1000], 1000.0 * 0.5 * (1e-4 + 0.02), epsilon = 1e-9);
    }

    #[test]
    fn paths_are_read_as_they_are_written() {
        for schedule in Schedule::ALL.into_iter().chain([Schedule::Custom(LogSnr::new([8.0, 1.5, 0.25, -3.0, -7.0]))]) {
            assert_eq!(schedule.to_string().parse(), Ok(schedule));
            let json = serde_json::to_string(&schedule).unwrap();
            assert_eq!(json, format!("\"{schedule}\""));
            assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), schedule);
        }
        for wrong in ["", "lineal", "custom", "custom:1,2,3,4,5", "quadratic"] {
            let error = wrong.parse::<Schedule>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("'{wrong}' is not a schedule")), "{error}");
        }
    }

    #[test]
    fn cosine_table_is_the_product_of_capped_betas() {
        for timesteps in [10, 100, 1000] {
            let f = |t: u32| {
                let tau = f64::from(t) / f64::from(timesteps);
                ((tau + 0.008) / 1.008 * std::f64::consts::PI / 2.0).cos().powi(2)
            };
            let mut product = 1.0;
            for t in 1..=timesteps {
                product *= 1.0 - (1.0 - f(t) / f(t - 1)).min(0.999);
                let tau = f64::from(t) / f64::from(timesteps);
                assert_abs_diff_eq!(product, Schedule::Cosine.alpha_bar(tau, timesteps), epsilon = 1e-12);
            }
        }
    }

    #[test]
    fn every_path_runs_from_data_to_noise_and_loses_signal_all_the_way() {
        for schedule in Schedule::every() {
            for timesteps in [1, 10, 1000, 4000] {
                assert_eq!(schedule.scales(0.0, timesteps), Scales { a: 1.0, s: 0.0 }, "{schedule}");
                let mut last = f64::INFINITY;
                for step in 1..=timesteps {
                    let snr = schedule.scales(f64::from(step) / f64::from(timesteps), timesteps).snr();
                    assert!(snr < last && snr >= 0.0, "{schedule} at {step} of {timesteps}: {snr} after {last}");
                    last = snr;
                }
                let reaches_noise = schedule.leftover_signal(timesteps).is_none();
                assert!(!reaches_noise || last < 0.011, "{schedule}, T = {timesteps} ends at SNR {last}");
            }
        }
    }

    /// Where a² and s² are formed apart they still add up, and near the data s² keeps its digits: there it is the slope of
    /// ᾱ times τ, by another formula (the derivative written out).
    #[test]
    fn signal_and_noise_are_two_sides_of_one_path_to_the_last_digit() {
        for schedule in Schedule::every().into_iter().filter(|schedule| schedule.preserves_variance()) {
            for timesteps in [1, 10, 100, 1000, 4000] {
                for k in 0..=400 {
                    let Scales { a, s } = schedule.scales(f64::from(k) / 400.0, timesteps);
                    assert_abs_diff_eq!(a * a + s * s, 1.0, epsilon = 1e-15);
                }
            }
        }
        let tau = 1e-9;
        let angle = 0.008 / 1.008 * std::f64::consts::FRAC_PI_2;
        let cosine_slope = 2.0 * angle.tan() * std::f64::consts::FRAC_PI_2 / 1.008;
        for (schedule, slope) in
            [(Schedule::Linear, 0.1), (Schedule::Cosine, cosine_slope), (Schedule::Literal, -(-1e-4_f64).ln_1p() * 1e3)]
        {
            let ratio = schedule.noise_variance(tau, 1000) / (slope * tau);
            assert!((ratio - 1.0).abs() < 2e-7, "{schedule}: {ratio}");
        }
    }
}
