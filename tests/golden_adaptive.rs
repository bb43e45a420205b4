//! The adaptive methods against SciPy's RK45 and RK23: `tests/golden/adaptive.json`, which `scripts/golden/make_adaptive.py` wrote.

use noise_compass::diffusion::schedule::{Scales, Schedule};
use noise_compass::diffusion::solver::{PlanContext, Sampler};
use noise_compass::diffusion::target::Target;

/// Width of the two Gaussians at −1 and 1 on each axis.
const WIDTH: f64 = 0.3;

/// A run of one particle.
#[derive(serde::Deserialize)]
struct Run {
    method: String,
    timesteps: u32,
    tolerance: f64,
    start: [f64; 2],
    /// ln ζ after every accepted step, the start first.
    u: Vec<f64>,
    evaluations: u32,
    end: [f64; 2],
}

/// E[x_0 | x].
fn denoised(Scales { a, s }: Scales, x: [f64; 2]) -> [f64; 2] {
    let variance = a * a * WIDTH * WIDTH + s * s;
    let shrink = a * WIDTH * WIDTH / variance;
    x.map(|x| shrink * x + (1.0 - a * shrink) * (a * x / variance).tanh())
}

/// Every step of every run is SciPy's: its length, whether it was taken, and where it leads.
#[test]
fn steps_are_those_of_scipy() {
    let runs: Vec<Run> = serde_json::from_str(include_str!("golden/adaptive.json")).unwrap();
    assert_eq!(runs.len(), 36);
    let mut rejected = 0;
    for run in runs {
        let context = PlanContext {
            schedule: Schedule::Flow,
            target: Target::Eps,
            timesteps: run.timesteps,
        };
        let tolerance = run.tolerance;
        let sampler = match run.method.as_str() {
            "RK45" => Sampler::Dopri5 { tolerance },
            "RK23" => Sampler::Bosh3 { tolerance },
            other => panic!("{other} is unknown"),
        };
        let plan = sampler.plan(2, context, None);
        let control = plan.control.unwrap();
        let last = 1.0 / f64::from(run.timesteps);
        let mut flight = control.begin(1.0, run.start);
        let mut u = vec![run.u[0]];
        while let Some(asked) = control.asks(&flight, control.clock(last)) {
            let x_0 = denoised(asked.knot.scales, asked.x);
            if let Some(mark) = control.answer(&mut flight, &asked, x_0)
                && mark.accepted
            {
                u.push(mark.tau.atan2(1.0 - mark.tau).ln());
            }
        }
        let what = format!("{sampler}, T = {}, from {:?}", run.timesteps, run.start);
        assert_eq!(u.len(), run.u.len(), "{what}");
        for (step, (ours, theirs)) in u.iter().zip(&run.u).enumerate() {
            // What is near rounding decides how long the steps near the end are.
            assert!(
                (ours - theirs).abs() < 1e-6,
                "{what}, step {step}: {ours}, not {theirs}"
            );
        }
        assert_eq!(flight.effort.evaluations, run.evaluations, "{what}");
        assert_eq!(flight.effort.accepted as usize, run.u.len() - 1);
        rejected += flight.effort.rejected;
        let end = control.seen(&flight, last);
        for (ours, theirs) in end.iter().zip(&run.end) {
            assert!(
                (ours - theirs).abs() < 1e-8,
                "{what}: {end:?}, not {:?}",
                run.end
            );
        }
    }
    assert!(rejected > 20, "{rejected} steps were not taken");
}
