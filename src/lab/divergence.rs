//! Whether a training has gone wrong while all of its numbers are still finite: judged by the smoothed loss.

use engine::TrainSpec;

/// Horizon of the smoothed loss, in updates.
const HORIZON: f64 = 50.0;
/// A smoothed loss of so many times the greater of the first loss and that of predicting nothing is a divergence.
const EXPLOSION: f64 = 10.0;
/// Part of the loss of predicting nothing below which a training has learned something, and above which nothing is left
/// of it: a network whose units are all dead predicts a constant, and its loss is that of predicting nothing.
const LEARNED: f64 = 0.9;
const LOST: f64 = 0.97;
/// Updates without anything learned after which what was learned counts as lost.
const LOST_UPDATES: u32 = 500;

/// What has gone wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Divergence {
    /// The loss rose far above where it began.
    Exploded {
        /// The smoothed loss.
        loss: f64,
        /// Where it began, or the loss of predicting nothing where that is greater.
        reference: f64,
    },
    /// The network predicts no better than nothing, and did before.
    Unlearned {
        /// The smoothed loss.
        loss: f64,
        /// The lowest that it was.
        best: f64,
    },
}

/// The loss of a network that always says 0: E w |target|² / 2, for data of mean 0 and variance 1 an axis, mean over
/// t = 1..=T. With target = c_0 x_0 + c_ε ε it is w (c_0² + c_ε²).
pub fn null_loss(spec: &TrainSpec) -> f64 {
    let rows = &spec.timetable.rows;
    let each = |row: &engine::network::timetable::TimestepRow| {
        f64::from(row.loss_weight)
            * (f64::from(row.target_x0).powi(2) + f64::from(row.target_eps).powi(2))
    };
    rows.iter().map(each).sum::<f64>() / rows.len().max(1) as f64
}

/// Watches the losses of one training under one target and schedule.
#[derive(Clone, Debug)]
pub struct Watch {
    null: f64,
    first: Option<f64>,
    mean: f64,
    updates: i32,
    best: f64,
    lost_updates: u32,
}

impl Watch {
    /// A watch over a training that begins, or goes on, under these settings.
    pub fn new(spec: &TrainSpec) -> Self {
        Self {
            null: null_loss(spec),
            first: None,
            mean: 0.0,
            updates: 0,
            best: f64::INFINITY,
            lost_updates: 0,
        }
    }

    /// The smoothed loss, bias-corrected; `None` before the first.
    pub fn smoothed(&self) -> Option<f64> {
        let weight = 1.0 - (1.0 - 1.0 / HORIZON).powi(self.updates);
        (self.updates > 0).then(|| self.mean / weight)
    }

    /// Take in the loss of one update.
    pub fn take(&mut self, loss: f32) -> Option<Divergence> {
        let loss = f64::from(loss);
        let first = *self.first.get_or_insert(loss);
        self.updates = self.updates.saturating_add(1);
        self.mean += (loss - self.mean) / HORIZON;
        let smoothed = self.smoothed()?;
        let reference = first.max(self.null);
        if smoothed > EXPLOSION * reference {
            return Some(Divergence::Exploded {
                loss: smoothed,
                reference,
            });
        }
        if f64::from(self.updates) >= HORIZON {
            self.best = self.best.min(smoothed);
        }
        let lost = self.best <= LEARNED * self.null && smoothed >= LOST * self.null;
        self.lost_updates = if lost { self.lost_updates + 1 } else { 0 };
        (self.lost_updates >= LOST_UPDATES).then_some(Divergence::Unlearned {
            loss: smoothed,
            best: self.best,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Experiment;
    use crate::setup::Setup;
    use maths::diffusion::schedule::Schedule;
    use maths::diffusion::target::Target;

    fn watch() -> Watch {
        Watch::new(&Setup::new(Experiment::default()).unwrap().spec)
    }

    fn run(
        watch: &mut Watch,
        losses: impl IntoIterator<Item = f32>,
    ) -> Option<(usize, Divergence)> {
        losses
            .into_iter()
            .enumerate()
            .find_map(|(at, loss)| Some((at, watch.take(loss)?)))
    }

    /// ε has variance 1; x_0 has; u = ε − x_0 has 2; a weighted score is −ε again; v keeps 1 where variance is preserved.
    #[test]
    fn predicting_nothing_costs_the_variance_of_the_target() {
        for schedule in [Schedule::Linear, Schedule::Cosine, Schedule::Literal] {
            for (target, variance) in [
                (Target::Eps, 1.0),
                (Target::X0, 1.0),
                (Target::V, 1.0),
                (Target::Score, 1.0),
                (Target::Velocity, 2.0),
                (Target::Edm, 1.0),
            ] {
                let experiment = Experiment {
                    schedule,
                    target,
                    ..Experiment::default()
                };
                let null = null_loss(&Setup::new(experiment).unwrap().spec);
                assert!(
                    (null - variance).abs() < 1e-3,
                    "{schedule:?} {target:?}: {null}"
                );
            }
        }
    }

    #[test]
    fn a_loss_that_falls_and_trembles_is_no_divergence() {
        let mut watch = watch();
        let losses = (0..20_000)
            .map(|i| 0.2 + 0.8 * (-(i as f32) / 300.0).exp() + 0.1 * (i as f32 * 1.7).sin());
        assert_eq!(run(&mut watch, losses), None);
    }

    /// One batch in a hundred thousand may be bad luck.
    #[test]
    fn one_high_loss_is_no_divergence() {
        let mut watch = watch();
        let losses = (0..5000).map(|i| if i == 3000 { 300.0 } else { 0.3 });
        assert_eq!(run(&mut watch, losses), None);
    }

    #[test]
    fn a_loss_that_rises_and_falls_back_to_nothing_is_one_at_the_rise() {
        let mut watch = watch();
        assert_eq!(run(&mut watch, (0..1000).map(|_| 0.2)), None);
        let rise = (0..5000).map(|i| if i < 200 { 1e6 } else { 1.0 });
        assert!(matches!(
            run(&mut watch, rise),
            Some((0..5, Divergence::Exploded { .. }))
        ));
    }

    #[test]
    fn a_dead_network_is_one_after_a_while() {
        let mut watch = watch();
        assert_eq!(run(&mut watch, (0..1000).map(|_| 0.2)), None);
        let Some((at, Divergence::Unlearned { loss, best })) =
            run(&mut watch, (0..5000).map(|_| 1.0))
        else {
            panic!("not seen")
        };
        assert!(
            (500..800).contains(&at) && loss > 0.97 && (best - 0.2).abs() < 1e-3,
            "{at} {loss} {best}"
        );
    }

    /// Whoever never did better than nothing has lost nothing.
    #[test]
    fn a_slow_beginning_is_no_divergence() {
        assert_eq!(run(&mut watch(), (0..5000).map(|_| 1.02)), None);
    }
}
