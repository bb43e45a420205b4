//! The methods that choose their own steps, on every schedule, for every T, against the closed form that one Gaussian has.

use super::orders::{context, everywhere, posterior, width};
use super::{Effort, Placement, Sampler, Scales, Schedule};

const TOLERANCES: [f64; 3] = [1e-2, 1e-4, 1e-6];

fn methods(tolerance: f64) -> [Sampler; 2] {
    [Sampler::Dopri5 { tolerance }, Sampler::Bosh3 { tolerance }]
}

/// The largest that (dw/dw_0) of the flow of a Gaussian is, from any time to t = 1: what a step is wrong by grows so much.
fn growth(gaussian: [f64; 2], schedule: Schedule, timesteps: u32) -> f64 {
    let ratio = |scales: Scales| width(gaussian, scales) / scales.a.hypot(scales.s);
    let last = ratio(schedule.scales(1.0 / f64::from(timesteps), timesteps));
    let of = |k: u32| ratio(schedule.scales(f64::from(k) / 200.0, timesteps));
    let least = (1..=200).map(of).fold(f64::INFINITY, f64::min);
    (last / least).max(1.0)
}

/// Where a particle is at t = 1 in w, by the method and by the closed form, and what it took.
fn ends(
    sampler: Sampler,
    placement: Placement,
    gaussian: [f64; 2],
    schedule: Schedule,
    timesteps: u32,
) -> ([f64; 2], Effort) {
    let plan = sampler.plan_placed(Some(placement), 10, context(schedule, timesteps), None);
    let control = plan.control.unwrap();
    let first = schedule.scales(1.0, timesteps);
    let tau = 1.0 / f64::from(timesteps);
    let last = schedule.scales(tau, timesteps);
    let at = |scales: Scales| scales.a * gaussian[0] + 1.3 * width(gaussian, scales);
    let mut flight = control.begin(1.0, [at(first); 2]);
    while let Some(asked) = control.asks(&flight, control.clock(tau)) {
        let x_0 = asked.x.map(|x| posterior(gaussian, asked.knot.scales, x));
        control.answer(&mut flight, &asked, x_0);
        assert!(
            flight.effort.evaluations < 100_000,
            "{sampler} on {schedule} does not end"
        );
    }
    let radius = last.a.hypot(last.s);
    let [found, expected] = [control.seen(&flight, tau)[0], at(last)].map(|x| x / radius);
    // And the whole plan lands from there.
    let landed = plan.run(
        [at(first); 2],
        |stage, x| x.map(|x| posterior(gaussian, stage.scales, x)),
        |_| [0.0; 2],
    );
    let landing = posterior(gaussian, last, found * radius);
    assert!((landed[0] - landing).abs() < 1e-9 * (1.0 + landing.abs()));
    ([found, expected], flight.effort)
}

/// The end is wrong by no more than four tolerances, times what the flow makes of a small error on the way.
#[test]
fn every_method_meets_its_tolerance_on_every_path() {
    everywhere(|gaussian, schedule, timesteps| {
        for tolerance in TOLERANCES {
            for sampler in methods(tolerance) {
                let ([found, expected], _) =
                    ends(sampler, Placement::Crowded, gaussian, schedule, timesteps);
                let allowed =
                    tolerance * (1.0 + expected.abs()) * growth(gaussian, schedule, timesteps);
                let error = (found - expected).abs() / allowed;
                assert!(
                    error < 4.0,
                    "{sampler}, {schedule}, T = {timesteps}, {gaussian:?}: {error:.2} tolerances"
                );
            }
        }
    });
}

/// Where a particle is seen on the way changes neither its steps nor its end.
#[test]
fn the_placement_of_frames_changes_nothing() {
    for schedule in Schedule::every() {
        for sampler in methods(1e-4) {
            let of = |placement| ends(sampler, placement, [0.7, 0.02], schedule, 100);
            let crowded = of(Placement::Crowded);
            for placement in Placement::every() {
                assert_eq!(of(placement), crowded, "{sampler}, {placement}, {schedule}");
            }
        }
    }
}

/// A hundredth of the tolerance takes more steps: 100^(1/5) and 100^(1/3) times as many in the limit.
#[test]
fn a_smaller_tolerance_takes_more_steps_by_the_order_of_the_method() {
    for schedule in Schedule::every() {
        for (index, more) in [100_f64.powf(0.2), 100_f64.powf(1.0 / 3.0)]
            .into_iter()
            .enumerate()
        {
            let steps = |tolerance| {
                let sampler = methods(tolerance)[index];
                let (_, effort) = ends(sampler, Placement::Crowded, [0.7, 0.1], schedule, 1000);
                f64::from(effort.accepted)
            };
            let (few, many) = (steps(1e-6), steps(1e-8));
            // Where there is next to nothing to follow, some two steps do.
            if few < 8.0 {
                continue;
            }
            let share = many / few / more;
            assert!(
                (0.8..1.1).contains(&share),
                "{schedule}, {index}: {few} and {many}"
            );
        }
    }
}
