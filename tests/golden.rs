//! An engine against PyTorch: features, outputs, gradients and ten Adam steps of `tests/golden/golden.safetensors`,
//! which `scripts/golden/make_golden.py` computed in float64 and rounded.

use std::sync::Arc;

use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::target::Target;
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::gpu::{GpuContext, GpuEngine};
use noise_compass::engine::network::layout::{NetworkShape, coordinate_features};
use noise_compass::engine::network::optimiser::UpdateRule;
use noise_compass::engine::network::timetable::{TIME_FEATURES, Timetable};
use noise_compass::engine::{Engine, ModelState, Objective, Pairing, TrainSpec, TrainingData};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

const FORWARD: f32 = 1e-5;
const GRADIENT: f64 = 1e-4;
const WEIGHTS: f32 = 1e-5;

/// What the script says of a case in the file's metadata.
#[derive(serde::Deserialize)]
struct Case {
    #[serde(flatten)]
    shape: NetworkShape,
    batch: usize,
    inputs: usize,
    layers: usize,
}

#[derive(serde::Deserialize)]
struct Adam {
    lr: f32,
}

#[derive(serde::Deserialize)]
struct About {
    #[serde(rename = "T")]
    timesteps: u32,
    steps: usize,
    adam: Adam,
    cases: std::collections::BTreeMap<String, Case>,
}

struct Golden {
    bytes: Vec<u8>,
}

impl Golden {
    fn open() -> Self {
        let schedule = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/golden/golden.safetensors"
        );
        Self {
            bytes: std::fs::read(schedule).unwrap(),
        }
    }

    fn about(&self) -> About {
        let (_, metadata) = SafeTensors::read_metadata(&self.bytes).unwrap();
        serde_json::from_str(&metadata.metadata().as_ref().unwrap()["golden"]).unwrap()
    }

    fn view(&self, name: &str) -> TensorView<'_> {
        SafeTensors::deserialize(&self.bytes)
            .unwrap()
            .tensor(name)
            .unwrap()
    }

    fn f32(&self, name: &str) -> Vec<f32> {
        self.view(name)
            .data()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect()
    }

    fn times(&self, name: &str) -> Vec<u32> {
        let times = self.view(name);
        times
            .data()
            .chunks_exact(4)
            .map(|b| {
                i32::from_le_bytes(b.try_into().unwrap())
                    .try_into()
                    .unwrap()
            })
            .collect()
    }

    fn points(&self, name: &str) -> Vec<[f32; 2]> {
        self.f32(name)
            .chunks_exact(2)
            .map(|p| [p[0], p[1]])
            .collect()
    }

    /// Every layer's weight and bias, flat; `prefix` is `case/`, `case/grad.`, ….
    fn parameters(&self, prefix: &str, shape: NetworkShape) -> Vec<f32> {
        let tensors = (0..=shape.depth)
            .flat_map(|i| ["weight", "bias"].map(|kind| format!("{prefix}layers.{i}.{kind}")));
        let flat: Vec<f32> = tensors.flat_map(|name| self.f32(&name)).collect();
        assert_eq!(flat.len(), shape.parameters());
        flat
    }
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

/// ‖a − b‖ / ‖b‖.
fn relative(a: &[f32], b: &[f32]) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f32>| {
        values.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt()
    };
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied())
}

/// Every case on one engine.
fn check(engine: &mut dyn Engine) {
    let golden = Golden::open();
    let about = golden.about();
    let timetable = Arc::new(Timetable::new(
        Schedule::Linear,
        Target::Eps,
        about.timesteps,
    ));
    assert!(about.cases.len() >= 5);
    for (name, case) in &about.cases {
        let shape = case.shape;
        assert_eq!(
            (shape.inputs(), shape.layers().len()),
            (case.inputs, case.layers),
            "{name}"
        );
        let (x, eps) = (
            golden.points(&format!("{name}/x")),
            golden.points(&format!("{name}/eps")),
        );
        let t = golden.times(&format!("{name}/t"));
        assert_eq!(x.len(), case.batch);
        let spec = TrainSpec {
            shape,
            timetable: timetable.clone(),
            data: TrainingData::Finite(Arc::new(x.clone())),
            labels: None,
            pairing: Pairing::default(),
            objective: Objective::Denoise,
            batch: case.batch as u32,
            learning_rate: about.adam.lr,
            rule: UpdateRule::default(),
            seed: 0,
            ema_decay: 0.999,
        };
        engine
            .load(
                &spec,
                &ModelState::fresh(golden.parameters(&format!("{name}/"), shape)),
            )
            .unwrap();

        let out = golden.points(&format!("{name}/out"));
        for ((x, t), expected) in x.iter().zip(&t).zip(&out) {
            let tau = f64::from(*t) / f64::from(about.timesteps);
            let found = engine
                .predict(tau, &[*x], noise_compass::engine::Weights::Raw)
                .unwrap()[0];
            let difference = largest_difference(&found, expected);
            assert!(
                difference <= FORWARD,
                "{name}: output {found:?} is not {expected:?}"
            );
        }

        let (loss, gradient) = engine.gradient(&x, &t, &eps).unwrap();
        let expected = golden.f32(&format!("{name}/loss"))[0];
        assert!(
            (loss / expected - 1.0).abs() <= 1e-5,
            "{name}: loss {loss} is not {expected}"
        );
        let expected = golden.parameters(&format!("{name}/grad."), shape);
        for (index, layer) in shape.layers().into_iter().enumerate() {
            for (kind, range) in [
                ("weight", layer.weight..layer.bias),
                ("bias", layer.bias..layer.bias + layer.outputs),
            ] {
                let error = relative(&gradient[range.clone()], &expected[range]);
                assert!(
                    error <= GRADIENT,
                    "{name}: gradient of layers.{index}.{kind} is off by {error:e}"
                );
            }
        }

        let losses = golden.f32(&format!("{name}/losses10"));
        assert_eq!(losses.len(), about.steps);
        for (step, expected) in losses.iter().enumerate() {
            let loss = engine.step_on(&x, &t, &eps).unwrap();
            assert!(
                (loss / expected - 1.0).abs() <= 1e-4,
                "{name}: loss {loss} of step {step} is not {expected}"
            );
        }
        let state = engine.state().unwrap();
        assert_eq!(state.step, about.steps as u64);
        for (which, found) in [("after10", &state.weights), ("ema10", &state.ema)] {
            let difference = largest_difference(
                found,
                &golden.parameters(&format!("{name}/{which}."), shape),
            );
            assert!(
                difference <= WEIGHTS,
                "{name}: {which} is off by {difference:e}"
            );
        }
    }
}

#[test]
fn the_input_of_the_network_is_that_of_pytorch() {
    let golden = Golden::open();
    let about = golden.about();
    let timetable = Timetable::new(Schedule::Linear, Target::Eps, about.timesteps);
    for (name, case) in &about.cases {
        let times = golden.times(&format!("{name}/t"));
        let expected = golden.f32(&format!("{name}/features"));
        for ((x, t), expected) in golden
            .points(&format!("{name}/x"))
            .iter()
            .zip(times)
            .zip(expected.chunks(case.inputs))
        {
            let mut features = vec![0.0; case.shape.coordinate_features()];
            coordinate_features(*x, case.shape.octaves, &mut features);
            features.extend_from_slice(
                &timetable.embedding[(t as usize - 1) * TIME_FEATURES..][..TIME_FEATURES],
            );
            let difference = largest_difference(&features, expected);
            // The sixth octave's argument is 2⁵·π/3·x, about 100: f32 holds it to 4e-6.
            assert!(
                difference <= 1e-5,
                "{name}: features are off by {difference:e}"
            );
        }
    }
}

#[test]
fn schedules_are_those_of_pytorch() {
    let golden = Golden::open();
    for schedule in [Schedule::Linear, Schedule::Cosine] {
        let table = golden.f32(&format!("schedule.{}/alpha_bar", schedule.name()));
        let last = table.len() as u32 - 1;
        for (t, expected) in (0..).zip(&table) {
            let found = schedule.alpha_bar(f64::from(t) / f64::from(last), last);
            assert!(
                (found - f64::from(*expected)).abs() < 1e-7,
                "{schedule:?} at {t}: {found} is not {expected}"
            );
        }
    }
}

#[test]
fn the_plain_rust_engine_computes_what_pytorch_computes() {
    check(&mut CpuEngine::new());
}

#[test]
fn the_gpu_engine_computes_what_pytorch_computes() {
    check(&mut GpuEngine::new(GpuContext::headless().unwrap()).unwrap());
}
