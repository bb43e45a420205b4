//! x̂_0 at the point: told no class, told the class, and guided. And what else is said of the cloud.

use super::Guidance;
use crate::chapters::shared::field_time::field_scales;
use crate::desk::Desk;

/// The three estimates at the point, of one noise level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Vectors {
    /// The point.
    pub x: [f64; 2],
    /// x̂_0 told nothing.
    pub of_all: [f64; 2],
    /// x̂_0 told the class.
    pub of_class: [f64; 2],
    /// The weight that counts at this noise level.
    pub weight: f64,
}

impl Vectors {
    /// On the line through both: 0 at the one told nothing, 1 at the one told the class.
    pub fn along(&self, weight: f64) -> [f64; 2] {
        [0, 1].map(|axis| self.of_all[axis] + weight * (self.of_class[axis] - self.of_all[axis]))
    }

    /// The guided one.
    pub fn guided(&self) -> [f64; 2] {
        self.along(self.weight)
    }
}

impl Guidance {
    /// The estimates at the point: in closed form, or by the network once it has answered for this point and time.
    pub(super) fn vectors(&self, desk: &Desk) -> Option<Vectors> {
        let x = self.hand.at();
        let dataset = &desk.here.snapshot.dataset;
        let scales = field_scales(desk);
        let labels = dataset.labels.as_ref()?;
        let class = labels.mixture_of(&dataset.mixture, self.label(desk))?;
        let led = engine::Guidance {
            label: self.label(desk),
            weight: self.lead.weight,
            log_snr: self.lead.log_snr(),
            class: None,
        };
        let [of_all, of_class] = if self.exact(desk) {
            [&*dataset.mixture, &class].map(|of| of.marginal(scales).posterior_mean(x))
        } else {
            let [all, told] = [0, 1].map(|which| self.answer(which, x));
            [all?, told?]
        };
        Some(Vectors {
            x,
            of_all,
            of_class,
            weight: led.weight_at(scales),
        })
    }

    /// The network's x̂_0 at this point.
    fn answer(&self, which: usize, x: [f64; 2]) -> Option<[f64; 2]> {
        let answer = self.at_point[which].shown_as_asked()?;
        let [at, x_0]: [[f32; 2]; 2] = answer.host.as_ref()?.get(..2)?.try_into().ok()?;
        (at == x.map(|c| c as f32)).then(|| x_0.map(f64::from))
    }
}
