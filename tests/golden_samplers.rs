//! Whole runs of samplers against the package diffusers: `tests/golden/samplers.json`, which `scripts/golden/make_samplers.py` wrote.

use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::{PlanContext, PlanStep, Registers, Sampler};
use noise_compass::diffusion::target::Target;

const TIMESTEPS: u32 = 1000;

/// A run of two particles.
#[derive(serde::Deserialize)]
struct Run {
    sampler: String,
    by: String,
    /// The knots, from T to 0.
    t: Vec<u32>,
    /// Of each step that draws any.
    noise: Vec<[[f64; 2]; 2]>,
    /// After each step, the start first.
    x: Vec<[[f64; 2]; 2]>,
}

/// E[x_0 | x] of data at −1 and 1 on each axis.
fn denoised(stage: &PlanStep, x: [f64; 2]) -> [f64; 2] {
    let (a, s) = (stage.scales.a, stage.scales.s);
    x.map(|x| (a * x / (s * s)).tanh())
}

/// Every step of every run, within 1e-5.
#[test]
fn runs_are_those_of_diffusers() {
    let runs: Vec<Run> = serde_json::from_str(include_str!("golden/samplers.json")).unwrap();
    assert_eq!(runs.len(), 12);
    for run in runs {
        let context = PlanContext {
            schedule: Schedule::Literal,
            target: Target::Eps,
            timesteps: TIMESTEPS,
        };
        let taus = run.t.iter().map(|t| f64::from(*t) / f64::from(TIMESTEPS));
        let sampler: Sampler = run.sampler.parse().unwrap();
        let plan = sampler.plan_through(taus, context, None);
        let mut noise = run.noise.iter();
        let mut particles = run.x[0].map(Registers::at);
        let mut seen = vec![run.x[0]];
        for stage in &plan.steps {
            let z = if stage.is_noisy() {
                noise.next().copied().unwrap()
            } else {
                [[0.0; 2]; 2]
            };
            for (particle, z) in particles.iter_mut().zip(z) {
                let x_0 = denoised(stage, particle.x);
                stage.advance(particle, x_0, z);
            }
            if stage.ends_step {
                seen.push(particles.map(|particle| particle.x));
            }
        }
        assert_eq!(seen.len(), run.x.len(), "{}", run.by);
        for (step, (ours, theirs)) in seen.iter().zip(&run.x).enumerate() {
            for (ours, theirs) in ours.as_flattened().iter().zip(theirs.as_flattened()) {
                assert!(
                    (ours - theirs).abs() < 1e-5,
                    "{sampler}, {} steps, step {step}: {ours}, by {} {theirs}",
                    run.t.len() - 1,
                    run.by
                );
            }
        }
    }
}
