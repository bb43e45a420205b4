//! Noise schedules as Gaussian schedules x_t = a(t) x_0 + s(t) ε.
//!
//! Everything else (SNR, strided steps, the coefficients of samplers, the exact field) follows from the pair (a, s).

mod rates;

pub use rates::Rates;

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use crate::names::{Words, same};

use super::log_snr::LogSnr;

/// The schedule from data to noise. `tau` is t/T, the clock in [0, 1] that every view and command uses. In files and on
/// the command line it is its name; one's own schedule is `custom:` and its handles.
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
    "'{0}' is not a schedule: use {known}, or custom: and the log SNR at 5 to 17 even t/T from 0 to 1, \
     falling by at least 0.25 from at most 12 to at least -12, as in custom:9,4.5,0,-4.5,-9",
    known = Schedule::ALL.map(Schedule::name).join(", ")
)]
pub struct ScheduleParseError(String);

/// First and last β of the literal table.
const LITERAL_BETAS: [f64; 2] = [1e-4, 0.02];
/// The largest ᾱ_T that counts as noise.
pub const TERMINAL_ALPHA_BAR: f64 = 1e-3;

/// The smallest noise level of the variance-exploding schedule.
pub const SIGMA_MIN: f64 = 0.01;
/// The largest noise level of the variance-exploding schedule.
pub const SIGMA_MAX: f64 = 10.0;
/// The largest one-step β of the cosine schedule (Nichol & Dhariwal 2021, section 3.2), which keeps ᾱ_T above 0.
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
    pub const ALL: [Self; 5] = [
        Self::Linear,
        Self::Cosine,
        Self::Ve,
        Self::Flow,
        Self::Literal,
    ];

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
                help: "one's own, by the log SNR at 5 to 17 even t/T from 0 to 1",
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

    /// Signal variance ᾱ(τ) = a². `timesteps` is T: it matters for the cosine schedule, whose β is capped, and for the literal
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
            Self::Flow => Scales {
                a: 1.0 - tau,
                s: tau,
            },
            _ => Scales {
                a: self.alpha_bar(tau, timesteps).sqrt(),
                s: self.noise_variance(tau, timesteps).sqrt(),
            },
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

    /// ᾱ_T, where a variance-preserving schedule ends with signal left ([`TERMINAL_ALPHA_BAR`]): samplers start from pure
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
        if let Some(schedule) = Self::ALL
            .into_iter()
            .find(|schedule| same(schedule.name(), text))
        {
            return Ok(schedule);
        }
        let own = text
            .split_once(':')
            .filter(|(name, _)| same(name, "custom"));
        let own = own.and_then(|(_, handles)| handles.parse().ok());
        own.map(Self::Custom)
            .ok_or_else(|| ScheduleParseError(text.into()))
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

/// Offset of the cosine schedule (Nichol & Dhariwal 2021, section 3.2).
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

/// 1 − ᾱ of the cosine schedule: (cos² u_0 − cos² u)/cos² u_0 = sin(u − u_0) sin(u + u_0)/cos² u_0.
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
mod tests;
