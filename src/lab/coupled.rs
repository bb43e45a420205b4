//! What holds where points and noise are coupled, and where paths begin elsewhere than at noise.

use super::experiment::Experiment;
use maths::diffusion::schedule::Schedule;
use maths::diffusion::solver::Sampler;
use maths::transport::{Coupling, MOST_COUPLED, Source};

impl Experiment {
    /// True where what is learned has the closed form that everything exact is computed from: noise and points are drawn apart.
    pub fn has_exact_field(&self) -> bool {
        self.is_plainly_paired() && !self.objective.is_consistency()
    }

    /// True where noise and points are drawn apart.
    pub fn is_plainly_paired(&self) -> bool {
        self.coupling == Coupling::Independent && self.source == Source::Noise
    }

    /// What must be known of everything exact, as a sentence; `None` where it is of this training.
    pub fn without_exact_field(&self) -> Option<&'static str> {
        const WHY: &str = "What is exact here is of noise drawn apart from the points. This training has another coupling or source, and learns another field.";
        const STUDENT: &str = "What is exact here is the mean of what could be at x_t: x̂₀ of a consistency model is where a path ends, which is another point.";
        if self.objective.is_consistency() {
            return Some(STUDENT);
        }
        (!self.has_exact_field()).then_some(WHY)
    }

    /// True where a sampler leads to what is learned: one that adds noise asks for independent noise in training.
    pub fn leads_by(&self, sampler: Sampler) -> bool {
        let adds_noise = || {
            let plan = sampler.plan(2, self.plan_context(), None);
            plan.is_noisy() || matches!(sampler, Sampler::LangevinOne { .. })
        };
        self.is_plainly_paired() || !adds_noise()
    }

    /// True where pairs of its model could be trained on, as it samples now.
    pub fn could_reflow(&self) -> bool {
        let paired = Self {
            coupling: Coupling::Reflow,
            fresh: false,
            ..self.clone()
        };
        paired.check_coupling().is_ok()
    }

    /// Refuse what does not go with a coupling or a source.
    pub(super) fn check_coupling(&self) -> Result<(), String> {
        let Self {
            coupling, source, ..
        } = self;
        if self.is_plainly_paired() {
            return Ok(());
        }
        let refused = |text: String| Err(text);
        if self.schedule != Schedule::Flow {
            return refused(format!(
                "the coupling {coupling} and the source {source} are of straight paths: add --schedule flow, or take independent and noise"
            ));
        }
        if coupling.is_transport() && self.batch > MOST_COUPLED {
            return refused(format!(
                "a batch of {} is too large to be coupled by transport: take at most {MOST_COUPLED}",
                self.batch
            ));
        }
        if *coupling == Coupling::Reflow && (self.fresh || self.labels) {
            return refused(
                "the pairs of reflow are finite and without labels: leave out --fresh and --labels"
                    .to_owned(),
            );
        }
        if !self.leads_by(self.sampler) {
            return refused(format!(
                "the sampler {} adds noise, which leads to the data of independent noise alone: choose heun, euler or another of the ODE",
                self.sampler.name()
            ));
        }
        Ok(())
    }
}
