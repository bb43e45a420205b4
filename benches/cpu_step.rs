//! The training step of the plain-Rust engine, in floating-point operations a second (a multiply-add counts as two).

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::target::Target;
use noise_compass::engine::cpu::CpuEngine;
use noise_compass::engine::network::init::initial_weights;
use noise_compass::engine::network::layout::NetworkShape;
use noise_compass::engine::network::optimiser::UpdateRule;
use noise_compass::engine::network::timetable::Timetable;
use noise_compass::engine::{
    Engine, ModelState, Objective, Pairing, TrainSpec, TrainingData, Wait,
};

fn step(criterion: &mut Criterion) {
    let shape = NetworkShape::default();
    let mut group = criterion.benchmark_group("cpu_step");
    for batch in [256, 1024, 4096] {
        let points = (0..8192)
            .map(|i: u16| [f32::from(i).sin(), f32::from(i).cos()])
            .collect();
        let spec = TrainSpec {
            shape,
            timetable: Arc::new(Timetable::new(Schedule::Linear, Target::Eps, 1000)),
            data: TrainingData::Finite(Arc::new(points)),
            labels: None,
            pairing: Pairing::default(),
            objective: Objective::Denoise,
            batch,
            learning_rate: 3e-3,
            rule: UpdateRule::default(),
            seed: 0,
            ema_decay: 0.999,
        };
        let mut engine = CpuEngine::new();
        if let Err(error) = engine.load(&spec, &ModelState::fresh(initial_weights(shape, 0))) {
            panic!("{error}");
        }
        group.throughput(Throughput::Elements(
            (shape.step_flops() * f64::from(batch)) as u64,
        ));
        group.bench_function(format!("3x128/batch{batch}"), |bencher| {
            bencher.iter(|| {
                let done = engine.train(1, 0.0);
                let _ = black_box(engine.poll(Wait::No));
                done
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(std::time::Duration::from_secs(4));
    targets = step
}
criterion_main!(benches);
