//! x̂_0 at the point: by weight 0, by weight 1, and guided.

use super::Guidance;
use crate::chapters::shared::field_time::field_scales;
use crate::desk::Desk;
use engine::GuideKind;

/// The three estimates at the point, of one noise level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Vectors {
    /// The point.
    pub x: [f64; 2],
    /// x̂_0 by weight 0: told nothing, or by the weak model.
    pub from: [f64; 2],
    /// x̂_0 by weight 1: told the class, or by the model itself.
    pub to: [f64; 2],
    /// The weight that counts at this noise level.
    pub weight: f64,
}

impl Vectors {
    /// On the line through both.
    pub fn along(&self, weight: f64) -> [f64; 2] {
        [0, 1].map(|axis| self.from[axis] + weight * (self.to[axis] - self.from[axis]))
    }

    /// The guided one.
    pub fn guided(&self) -> [f64; 2] {
        self.along(self.weight)
    }
}

impl Guidance {
    /// True where both estimates are closed forms: by the exact field, with the exact posterior of the class.
    pub(super) fn in_closed_form(&self, desk: &Desk) -> bool {
        let exact = matches!(
            self.lead.kind,
            GuideKind::ClassifierFree | GuideKind::Posterior
        );
        exact && self.exact(desk)
    }

    /// What the estimates by weight 0 and 1 are called.
    pub(super) fn names(&self, desk: &Desk) -> [String; 2] {
        match self.lead.kind {
            GuideKind::ClassifierFree => {
                let class = self.class_name(desk);
                ["told nothing".to_owned(), format!("told {class}")]
            }
            GuideKind::Posterior | GuideKind::Classifier => {
                ["told nothing", "by w = 1"].map(str::to_owned)
            }
            GuideKind::Model => ["of the weak model", "of the model"].map(str::to_owned),
        }
    }

    /// The estimates at the point: in closed form, or once they are answered for this point and time.
    pub(super) fn vectors(&self, desk: &Desk) -> Option<Vectors> {
        let x = self.hand.at();
        let scales = field_scales(desk);
        let led = self.led(desk, self.lead.weight, self.lead.log_snr())?;
        let [from, to] = if self.in_closed_form(desk) {
            let all = &desk.here.snapshot.dataset.mixture;
            [all, led.class.as_ref()?].map(|of| of.marginal(scales).posterior_mean(x))
        } else {
            let [from, to] = [0, 1].map(|which| self.answer(which, x));
            [from?, to?]
        };
        Some(Vectors {
            x,
            from,
            to,
            weight: led.weight_at(scales),
        })
    }

    /// x̂_0 at this point, as a run has it.
    fn answer(&self, which: usize, x: [f64; 2]) -> Option<[f64; 2]> {
        let answer = self.at_point[which].shown_as_asked()?;
        let [at, x_0]: [[f32; 2]; 2] = answer.host.as_ref()?.get(..2)?.try_into().ok()?;
        (at == x.map(|c| c as f32)).then(|| x_0.map(f64::from))
    }
}
