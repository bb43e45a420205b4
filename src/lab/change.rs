//! What a change of settings costs. Window, command line, pair and session ask here and nowhere else.

use crate::experiment::Experiment;

/// What is lost by a change of settings, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Nothing has changed.
    Nothing,
    /// Samples, and what they are held against, are made anew. The training is the same.
    Samples,
    /// The weights can stay. From here on they learn something else, or otherwise.
    Training,
    /// The weights go: they are of another network, or predict something else.
    Weights,
}

impl Experiment {
    /// What it costs to go from this experiment to another.
    pub fn change_to(&self, new: &Self) -> Change {
        use Change::{Samples, Training, Weights};
        // Without `..`, so that every new setting is judged.
        let Self {
            data,
            points,
            fresh,
            bandwidth,
            schedule,
            target,
            objective,
            timesteps,
            octaves,
            width,
            depth,
            activation,
            learn_variance,
            labels,
            // Follows from the file.
            file_classes: _,
            label_dropout,
            coupling,
            source,
            batch,
            times,
            weighting,
            optimiser,
            learning_rate,
            weight_decay,
            warmup,
            decay,
            decay_steps,
            decay_end,
            ema_decay,
            seed,
            sampler,
            sampler_steps,
            placement,
            clip,
        } = new;
        let costs = [
            (Training, *data != self.data),
            (Training, *points != self.points),
            (Training, *fresh != self.fresh),
            // The kernels of a file are what fresh draws are drawn from. Its rows do not know of them.
            (
                if *fresh { Training } else { Samples },
                *bandwidth != self.bandwidth,
            ),
            (Training, *schedule != self.schedule),
            (Weights, *target != self.target),
            // A mean and the end of a path are not learned from one another by the same weights.
            (Weights, *objective != self.objective),
            (Training, *timesteps != self.timesteps),
            (Weights, *octaves != self.octaves),
            (Weights, *width != self.width),
            (Weights, *depth != self.depth),
            (Weights, *activation != self.activation),
            (Weights, *learn_variance != self.learn_variance),
            (Weights, *labels != self.labels),
            // Other data may have more classes, or fewer.
            (Weights, new.shape() != self.shape()),
            (
                if *labels { Training } else { Samples },
                *label_dropout != self.label_dropout,
            ),
            (Training, *coupling != self.coupling),
            (Training, *source != self.source),
            (Training, *batch != self.batch),
            (Training, *times != self.times),
            (Training, *weighting != self.weighting),
            (Training, *optimiser != self.optimiser),
            (Training, *learning_rate != self.learning_rate),
            (Training, *weight_decay != self.weight_decay),
            (Training, *warmup != self.warmup),
            (Training, *decay != self.decay),
            (Training, *decay_steps != self.decay_steps),
            (Training, *decay_end != self.decay_end),
            (Training, *ema_decay != self.ema_decay),
            (Training, *seed != self.seed),
            (Samples, *sampler != self.sampler),
            (Samples, *sampler_steps != self.sampler_steps),
            (Samples, *placement != self.placement),
            (Samples, *clip != self.clip),
        ];
        costs
            .into_iter()
            .filter_map(|(cost, changed)| changed.then_some(cost))
            .max()
            .unwrap_or(Change::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::network::layout::Activation;
    use engine::network::objective::ObjectiveChoice;
    use engine::network::optimiser::Optimiser;
    use engine::network::rate::Decay;
    use maths::data::dataset::DataSource;
    use maths::data::shapes::Shape;
    use maths::diffusion::schedule::Schedule;
    use maths::diffusion::solver::{Placement, Sampler};
    use maths::diffusion::target::Target;
    use maths::diffusion::times::Times;
    use maths::diffusion::weighting::Weighting;
    use maths::transport::{Coupling, Source};

    /// Every setting by itself, each way; of two settings the dearer counts.
    #[test]
    fn each_setting_costs_what_follows_from_it() {
        type Row = (Change, fn(&mut Experiment));
        let base = Experiment::default();
        let with = |set: fn(&mut Experiment)| {
            let mut changed = Experiment::default();
            set(&mut changed);
            changed
        };
        let table: [Row; 34] = [
            (Change::Nothing, |_| ()),
            (Change::Training, |e| {
                e.data = DataSource::Shape(Shape::Moons);
            }),
            (Change::Training, |e| e.points = 4096),
            (Change::Training, |e| e.fresh = true),
            (Change::Samples, |e| e.bandwidth = Some(0.1)),
            (Change::Training, |e| e.schedule = Schedule::Cosine),
            (Change::Weights, |e| e.target = Target::V),
            (Change::Weights, |e| {
                e.objective = ObjectiveChoice::Consistency;
            }),
            (Change::Training, |e| e.timesteps = 100),
            (Change::Weights, |e| e.octaves = 2),
            (Change::Weights, |e| e.width = 64),
            (Change::Weights, |e| e.depth = 2),
            (Change::Weights, |e| e.activation = Activation::Relu),
            (Change::Weights, |e| e.learn_variance = true),
            (Change::Weights, |e| e.labels = true),
            (Change::Samples, |e| e.label_dropout = 0.2),
            (Change::Training, |e| e.coupling = Coupling::Optimal),
            (Change::Training, |e| e.source = Source::Shape(Shape::Moons)),
            (Change::Training, |e| e.batch = 64),
            (Change::Training, |e| e.times = Times::LogNormal),
            (Change::Training, |e| e.weighting = Weighting::P2),
            (Change::Training, |e| e.optimiser = Optimiser::Muon),
            (Change::Training, |e| e.learning_rate = 1e-3),
            (Change::Training, |e| e.weight_decay = 0.1),
            (Change::Training, |e| e.warmup = 100),
            (Change::Training, |e| e.decay = Decay::Cosine),
            (Change::Training, |e| e.decay_steps = 100),
            (Change::Training, |e| e.decay_end = 0.1),
            (Change::Training, |e| e.ema_decay = 0.99),
            (Change::Training, |e| e.seed = 1),
            (Change::Samples, |e| e.sampler = Sampler::Euler),
            (Change::Samples, |e| e.sampler_steps = 50),
            (Change::Samples, |e| e.placement = Some(Placement::Even)),
            (Change::Samples, |e| e.clip = false),
        ];
        // Each setting is changed by one row: the table misses none that a file has.
        let keys = serde_json::to_value(&base)
            .unwrap()
            .as_object()
            .unwrap()
            .len();
        assert_eq!(table.len(), keys + 1);
        for (row, (cost, set)) in table.into_iter().enumerate() {
            let changed = with(set);
            assert_eq!(
                (base.change_to(&changed), changed.change_to(&base)),
                (cost, cost),
                "row {row}"
            );
            for (other, set) in table {
                let mut both = changed.clone();
                set(&mut both);
                assert_eq!(
                    base.change_to(&both),
                    cost.max(other),
                    "row {row} and another"
                );
            }
        }
        // Fresh draws are drawn from the kernels.
        let fresh = Experiment {
            fresh: true,
            ..base
        };
        assert_eq!(
            fresh.change_to(&Experiment {
                bandwidth: Some(0.1),
                ..fresh.clone()
            }),
            Change::Training
        );
    }
}
