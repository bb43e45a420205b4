//! One update of the weights by the scalars of an optimiser, and the moving average of the weights.

use super::muon::orthogonalise;
use crate::TrainSpec;
use crate::network::optimiser::{BETA_2, MUON_MOMENTUM, Scalars};

/// The scalars of one update, computed in f64.
#[derive(Clone, Copy, Debug)]
pub struct Update {
    /// Learning rate / (1 − β₁ⁿ).
    step_size: f32,
    kept: f32,
    gain: f32,
    /// √(1 − β₂ⁿ).
    correction: f32,
    epsilon: f32,
    matrix_rate: f32,
    /// Decay of the moving average.
    decay: f32,
}

/// The same range of every vector that an update changes; all of one length.
pub struct Slices<'a> {
    /// Weights.
    pub weights: &'a mut [f32],
    /// Their moving average.
    pub ema: &'a mut [f32],
    /// First moment, or momentum.
    pub m: &'a mut [f32],
    /// Second moment.
    pub v: &'a mut [f32],
}

impl Slices<'_> {
    /// The first `len` of each, which are taken away from these.
    pub fn take(&mut self, len: usize) -> Self {
        Self {
            weights: self.weights.split_off_mut(..len).unwrap_or_default(),
            ema: self.ema.split_off_mut(..len).unwrap_or_default(),
            m: self.m.split_off_mut(..len).unwrap_or_default(),
            v: self.v.split_off_mut(..len).unwrap_or_default(),
        }
    }
}

/// The running mean of the squared gradient after one more.
fn second_moment(v: f32, gradient: f32) -> f32 {
    BETA_2 as f32 * v + (1.0 - BETA_2) as f32 * gradient * gradient
}

impl Update {
    /// Update number `n` ≥ 1 of a training.
    pub fn new(n: u64, spec: &TrainSpec) -> Self {
        let (rate, decay) = (spec.learning_rate, spec.ema_decay);
        Self::of_scalars(Scalars::of(n, spec.rule, rate, decay, spec.shape.width))
    }

    /// By these scalars.
    pub fn of_scalars(scalars: Scalars) -> Self {
        Self {
            step_size: (f64::from(scalars.rate) / scalars.first_correction) as f32,
            kept: scalars.kept,
            gain: scalars.first_gain as f32,
            correction: scalars.second_root as f32,
            epsilon: scalars.epsilon,
            matrix_rate: scalars.matrix_rate,
            decay: scalars.ema_decay as f32,
        }
    }

    /// m ← m + (1 − β) (g − m), v ← β₂ v + (1 − β₂) g², w ← σ w − step · m / (√v / correction + ε), ema ← d · ema + (1 − d) · w.
    pub fn apply(self, slices: Slices, gradient: &[f32]) {
        let Slices { weights, ema, m, v } = slices;
        let moments = m.iter_mut().zip(v).zip(gradient);
        for (((m, v), g), (w, ema)) in moments.zip(weights.iter_mut().zip(ema)) {
            *m += self.gain * (g - *m);
            *v = second_moment(*v, *g);
            *w = self.kept * *w - self.step_size * *m / (v.sqrt() / self.correction + self.epsilon);
            *ema = self.decay * *ema + (1.0 - self.decay) * *w;
        }
    }

    /// Muon's update of one matrix [side, side]: m ← μ m + (1 − μ) g, O = orthogonal part of μ m + (1 − μ) g,
    /// w ← σ w − η' O (Jordan 2024, with Nesterov's momentum).
    pub fn apply_orthogonal(self, slices: Slices, gradient: &[f32], side: usize) {
        let Slices { weights, ema, m, v } = slices;
        let toward = |from: f32, to: f32| MUON_MOMENTUM * from + (1.0 - MUON_MOMENTUM) * to;
        let moments = m.iter_mut().zip(v).zip(gradient);
        let direction = moments.map(|((m, v), &g)| {
            *v = second_moment(*v, g);
            *m = toward(*m, g);
            toward(*m, g)
        });
        let direction = orthogonalise(direction.collect(), side);
        for ((w, ema), o) in weights.iter_mut().zip(ema).zip(direction) {
            *w = self.kept * *w - self.matrix_rate * o;
            *ema = self.decay * *ema + (1.0 - self.decay) * *w;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::optimiser::{Optimiser, UpdateRule};
    use crate::network::rate::{Decay, RateSchedule};
    use serde_json::Value;

    const SIDE: usize = 32;
    const UPDATES: u64 = 10;

    /// What `scripts/golden/make_optimisers.py` had of PyTorch.
    fn golden() -> Value {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/golden/optimisers.json"
        );
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    }

    fn number(value: &Value) -> f32 {
        value.as_f64().unwrap() as f32
    }

    /// The weights after each update, descending the quadratic of the script.
    fn ten_updates(optimiser: Optimiser, golden: &Value) -> Vec<Vec<f32>> {
        let count = SIDE * SIDE;
        let of =
            |f: fn(f64) -> f64| -> Vec<f32> { (0..count).map(|i| f(i as f64) as f32).collect() };
        let (mut weights, slopes, centres) = (
            of(|i| (1.7 * i).cos()),
            of(|i| 1.0 + (i % 7.0) / 4.0),
            of(|i| (i + i * i / 10.0).sin()),
        );
        let [mut ema, mut m, mut v] = [weights.clone(), vec![0.0; count], vec![0.0; count]];
        let rule = UpdateRule {
            optimiser,
            weight_decay: number(&golden["weight_decay"]),
            ..UpdateRule::default()
        };
        let each = (1..=UPDATES).map(|n| {
            let scalars = Scalars::of(n, rule, number(&golden["rate"]), 0.999, SIDE as u32);
            let update = Update::of_scalars(scalars);
            let gradient: Vec<f32> = (0..count)
                .map(|i| slopes[i] * (weights[i] - centres[i]))
                .collect();
            let slices = Slices {
                weights: &mut weights,
                ema: &mut ema,
                m: &mut m,
                v: &mut v,
            };
            if optimiser == Optimiser::Muon {
                update.apply_orthogonal(slices, &gradient, SIDE);
            } else {
                update.apply(slices, &gradient);
            }
            weights.clone()
        });
        each.collect()
    }

    fn assert_near(found: &[f32], expected: &Value, tolerance: f32, of: &str) {
        for (i, (found, expected)) in found.iter().zip(expected.as_array().unwrap()).enumerate() {
            let expected = number(expected);
            assert!(
                (found - expected).abs() < tolerance,
                "{of}, weight {i}: {found}, not {expected}"
            );
        }
    }

    /// Ten updates of each, after each of them.
    #[test]
    fn updates_are_those_of_pytorch() {
        let golden = golden();
        for optimiser in Optimiser::ALL {
            let name = optimiser.words().name;
            let found = ten_updates(optimiser, &golden);
            if optimiser == Optimiser::Muon {
                assert_near(&found[9], &golden["matrix"], 5e-6, name);
                continue;
            }
            let expected = golden["vector"][name].as_array().unwrap();
            assert_eq!(expected.len(), found.len());
            for (n, (found, expected)) in (1..).zip(found.iter().zip(expected)) {
                assert_near(found, expected, 2e-6, &format!("{name}, update {n}"));
            }
        }
    }

    #[test]
    fn rates_are_those_of_pytorch() {
        let golden = golden();
        for decay in [Decay::Linear, Decay::Cosine] {
            let schedule = RateSchedule {
                warmup: 4,
                decay,
                updates: 5,
                end: number(&golden["decay_end"]),
            };
            let rates: Vec<f32> = (1..=12)
                .map(|n| schedule.rate(number(&golden["rate"]), n))
                .collect();
            let name = decay.words().name;
            assert_eq!(golden["rates"][name].as_array().unwrap().len(), rates.len());
            assert_near(&rates, &golden["rates"][name], 1e-8, name);
        }
    }
}
