//! The clock as a field sees it: networks know the timesteps that they were trained at, and no others.

use crate::desk::Desk;
use maths::diffusion::schedule::Scales;

/// The clock as the field sees it: at the nearest timestep that the network was trained at, t = 1 to T. Where no
/// signal is left at T, at most T − 1.
pub fn field_tau(desk: &Desk) -> f64 {
    let experiment = &desk.here.snapshot.experiment;
    let timesteps = f64::from(experiment.timesteps.max(2));
    let no_signal = experiment.schedule.scales(1.0, experiment.timesteps).a == 0.0;
    let last = if no_signal {
        timesteps - 1.0
    } else {
        timesteps
    };
    (desk.here.clock.tau * timesteps).round().clamp(1.0, last) / timesteps
}

/// (a, s) of the experiment that runs, at the field's time.
pub fn field_scales(desk: &Desk) -> Scales {
    let experiment = &desk.here.snapshot.experiment;
    experiment
        .schedule
        .scales(field_tau(desk), experiment.timesteps)
}
