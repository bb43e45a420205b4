//! One step of a sampler that moves along a line in (x, x̂_0, z), and the transition of the forward process that it undoes.

use super::Mix;
use crate::diffusion::schedule::Scales;

/// x_t given an earlier x_r: N(a x_r, variance I).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transition {
    /// Factor of x_r.
    pub a: f64,
    /// Variance of the noise that is added, per axis.
    pub variance: f64,
}

impl Transition {
    /// From the scales at t (`now`) and at the earlier r (`next`, as samplers go): a_{t|r} = a_t/a_r and
    /// σ²_{t|r} = s_t² − a_{t|r}² s_r² (Kingma et al. 2021, section 2.1).
    pub fn between(now: Scales, next: Scales) -> Self {
        let a = now.a / next.a;
        Self {
            a,
            variance: (now.s * now.s - (a * next.s).powi(2)).max(0.0),
        }
    }

    /// Variance of x_r given x_t and x_0, per axis: σ²_{t|r} s_r²/s_t² (Ho et al. 2020, eq. 7).
    pub fn posterior_variance(self, now: Scales, next: Scales) -> f64 {
        self.variance * next.s * next.s / (now.s * now.s)
    }
}

/// x_r = x x_t + x_0 x̂_0 + z · noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// Of x_t.
    pub x: f64,
    /// Of x̂_0.
    pub x_0: f64,
    /// Of the fresh noise, its standard deviation.
    pub z: f64,
}

impl From<Factors> for Mix {
    fn from(Factors { x, x_0, z }: Factors) -> Self {
        Self {
            x,
            x_0,
            z,
            ..Self::default()
        }
    }
}
