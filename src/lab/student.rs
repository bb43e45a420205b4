//! Consistency models: what a student of a model is, and what it asks for.

use engine::Teacher;
use engine::network::objective::ObjectiveChoice;
use maths::diffusion::schedule::Schedule;
use maths::diffusion::solver::Sampler;
use maths::diffusion::target::Target;

use crate::experiment::Experiment;

/// The highest learning rate of a student: its targets are its own, and move with it.
const STUDENT_RATE: f32 = 1e-3;

/// True where the output tells x̂_0 at t = T, where hardly any signal is left from which noise could be taken.
fn tells_x0_at_the_end(target: Target) -> bool {
    !matches!(target, Target::Eps | Target::Score)
}

impl Experiment {
    /// The settings of a model of one or two steps beside one of these settings: all as they are, but the objective, the sampler, a
    /// target that tells x̂_0 at t = T, and a rate that is no higher than a student's should be.
    #[must_use]
    pub fn of_student(&self, objective: ObjectiveChoice) -> Self {
        let target = match self.schedule {
            _ if tells_x0_at_the_end(self.target) => self.target,
            Schedule::Flow => Target::Velocity,
            _ => Target::V,
        };
        Self {
            objective,
            target,
            labels: false,
            learn_variance: false,
            learning_rate: self.learning_rate.min(STUDENT_RATE),
            sampler: Sampler::Consistency,
            sampler_steps: 1,
            placement: None,
            ..self.clone()
        }
    }
}

/// Refuse settings that a consistency model cannot have, a distillation without a teacher, and one from a teacher of other noise.
///
/// # Errors
/// One sentence.
pub fn check_objective(experiment: &Experiment, teacher: Option<&Teacher>) -> Result<(), String> {
    if !experiment.objective.is_consistency() {
        return Ok(());
    }
    if !tells_x0_at_the_end(experiment.target) {
        return Err(format!(
            "a consistency model is asked for x_0 at t = T, where the {} tells nothing of it: give --target v, velocity, x0 or edm",
            experiment.target.words().short
        ));
    }
    if experiment.labels || experiment.learn_variance {
        return Err(
            "a consistency model learns neither labels nor variances: switch them off".to_owned(),
        );
    }
    if !experiment.is_plainly_paired() {
        return Err(
            "a consistency model learns from independent noise: leave out --coupling and --source"
                .to_owned(),
        );
    }
    if experiment.objective == ObjectiveChoice::Consistency {
        return Ok(());
    }
    let teacher = teacher.ok_or(
        "a distillation needs a model to distil: give `train` its directory as --teacher, or distil A in the chapter Few steps",
    )?;
    let (schedule, timesteps) = (teacher.schedule, teacher.timesteps);
    if (schedule, timesteps) == (experiment.schedule, experiment.timesteps) {
        return Ok(());
    }
    Err(format!(
        "the teacher has the schedule {schedule} and T {timesteps}: leave them, or choose another objective"
    ))
}
