//! Plans that begin from data: up the flow to their noise and back, and from a cloud that is placed at some t.
//!
//! The probability-flow ODE runs either way. Up, from data to noise, it is DDIM's inversion (Song, Meng & Ermon 2021, section 4.3). No
//! network has been trained below t = 1, so that the way up begins there: a point x_0 of the data is taken to stand at a_1 x_0. What it
//! should have of noise there, s_1 ε, is left out.

use super::knots::{Clock, Knot};
use super::ode::Method;
use super::{Mix, Placement, Plan, PlanContext, PlanStep, Sampler};
use crate::data::bounds::Bounds;
use crate::diffusion::schedule::{Scales, Schedule};
use crate::philox::{Stream, normal};

impl Sampler {
    /// Those whose steps can be taken up the flow as well as down it.
    pub const INVERTIBLE: [Self; 4] = [Self::Ddim { eta: 0.0 }, Self::Euler, Self::Heun, Self::Rk4];

    /// The method of its steps, where they can be taken either way.
    fn either_way(self) -> Option<Method> {
        match self {
            Self::Euler | Self::Ddim { eta: 0.0 } => Some(Method::Euler),
            Self::Heun => Some(Method::Heun),
            Self::Rk4 => Some(Method::Rk4),
            _ => None,
        }
    }

    /// True where its steps can be taken up the flow.
    pub fn inverts(self) -> bool {
        self.either_way().is_some()
    }

    /// From data to their latents at t = T, in the steps that it takes down, reversed. `None` where it has no way up.
    pub fn climb(
        self,
        placement: Option<Placement>,
        steps: u32,
        context: PlanContext,
        clip: Option<Bounds>,
    ) -> Option<Plan> {
        let (method, rising) = (self.either_way()?, self.rising(placement, steps, context));
        let clock = Clock(context);
        let mut stages = vec![lift(&rising[0])];
        stages.extend(method.stages(&rising, &|zeta| clock.at_zeta(zeta)));
        Some(plan_of(stages, context, clip))
    }

    /// From data to their latents and back to t = 1, then onto x̂_0. Before that landing a particle is where it began, at a_1 x_0, but
    /// for the error of the solver: [`Plan::before_landing`] says where to look.
    pub fn round_trip(
        self,
        placement: Option<Placement>,
        steps: u32,
        context: PlanContext,
        clip: Option<Bounds>,
    ) -> Option<Plan> {
        let (method, rising) = (self.either_way()?, self.rising(placement, steps, context));
        let clock = Clock(context);
        let at = |zeta| clock.at_zeta(zeta);
        let falling: Vec<Knot> = rising.iter().rev().copied().collect();
        let mut stages = vec![lift(&rising[0])];
        stages.extend(method.stages(&rising, &at));
        stages.extend(method.stages(&falling, &at));
        stages.push(rising[0].turn(&clock.at(0.0)));
        Some(plan_of(stages, context, clip))
    }

    /// The knots from t = 1 to T.
    fn rising(self, placement: Option<Placement>, steps: u32, context: PlanContext) -> Vec<Knot> {
        let timesteps = context.timesteps.max(1);
        let placement = placement.unwrap_or(self.placement());
        let clock = Clock(context);
        let nearest = clock.nearest();
        let mut taus = placement.taus(steps.clamp(1, timesteps), context);
        // The last is t = 0; before it some placements end later than at t = 1.
        taus.pop();
        taus.reverse();
        if taus.first().is_none_or(|&first| first > nearest) {
            taus.insert(0, nearest);
        }
        taus.into_iter().map(|tau| clock.at(tau)).collect()
    }

    /// The steps of its plan that are left below t/T = `tau`, with a first one from there: `tau` is taken to the nearest timestep, and
    /// never to 0. So much smaller than T, so many steps fewer.
    pub fn plan_from(
        self,
        tau: f64,
        placement: Option<Placement>,
        steps: u32,
        context: PlanContext,
        clip: Option<Bounds>,
    ) -> Plan {
        let tau = timestep(tau, context.timesteps);
        let steps = steps.clamp(1, context.timesteps.max(1));
        let placement = placement.unwrap_or(self.placement());
        let below = placement.taus(steps, context).into_iter();
        let below = below.filter(|&knot| knot < tau - 1e-12);
        self.plan_through(std::iter::once(tau).chain(below), context, clip)
    }
}

/// The timestep nearest to t/T, as t/T: one that a network has been trained at.
pub fn timestep(tau: f64, timesteps: u32) -> f64 {
    let timesteps = f64::from(timesteps.max(1));
    (tau * timesteps).round().clamp(1.0, timesteps) / timesteps
}

/// A cloud as it is at t: a x_0 + s ε with fresh noise (Meng et al. 2022, "SDEdit", algorithm 1). It is the start of
/// [`Sampler::plan_from`].
pub fn noised(
    points: &[[f32; 2]],
    (schedule, timesteps): (Schedule, u32),
    tau: f64,
    seed: u64,
) -> Vec<[f32; 2]> {
    let Scales { a, s } = schedule.scales(timestep(tau, timesteps), timesteps);
    let at = |(index, point): (u32, &[f32; 2])| {
        let noise = normal(seed, Stream::SamplerStart, 0, index);
        [0, 1].map(|axis| (a * f64::from(point[axis]) + s * f64::from(noise[axis])) as f32)
    };
    (0..).zip(points).map(at).collect()
}

/// Between two latents along the circle about 0, at this share of the way: the direction turns evenly by the smaller angle, as in spherical
/// interpolation (Shoemake 1985), and the length goes evenly from the one to the other. Of equal lengths all between have that length.
pub fn slerp(a: [f64; 2], b: [f64; 2], share: f64) -> [f64; 2] {
    let [of_a, of_b] = [a, b].map(|[x, y]| x.hypot(y));
    let from = if of_a > 0.0 { a } else { b };
    let angle = (a[0] * b[1] - a[1] * b[0]).atan2(a[0] * b[0] + a[1] * b[1]);
    let direction = from[1].atan2(from[0]) + share * angle;
    let length = of_a + share * (of_b - of_a);
    let (sin, cos) = direction.sin_cos();
    [length * cos, length * sin]
}

impl Plan {
    /// Of a plan that ends in a landing from t = 1: the factor by which x there is that of the data, 1/a_1.
    pub fn before_landing(&self) -> f64 {
        self.steps.last().map_or(1.0, |stage| 1.0 / stage.scales.a)
    }
}

/// From the data to a_1 x_0.
fn lift(nearest: &Knot) -> PlanStep {
    PlanStep {
        tau: 0.0,
        tau_next: nearest.tau,
        to_x: Mix {
            x: nearest.scales.a,
            ..Mix::default()
        },
        predicts: false,
        ..nearest.evaluated()
    }
}

fn plan_of(steps: Vec<PlanStep>, context: PlanContext, clip: Option<Bounds>) -> Plan {
    Plan {
        steps,
        start_std: context.start_std(),
        clip,
        control: None,
        awaits_data: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::mixture::{Component, Mixture};
    use crate::diffusion::target::Target;

    fn context(schedule: Schedule) -> PlanContext {
        PlanContext {
            schedule,
            target: Target::Eps,
            timesteps: 1000,
        }
    }

    fn mixture() -> Mixture {
        let component = |x, y, sigma, weight| Component {
            mean: [x, y],
            sigma,
            weight,
        };
        Mixture::new(vec![
            component(-1.0, -0.4, 0.4, 0.4),
            component(0.9, 0.6, 0.5, 0.6),
        ])
        .unwrap()
    }

    const POINTS: [[f64; 2]; 4] = [[-1.2, 0.1], [0.3, 0.2], [1.4, 0.4], [-0.2, -0.9]];

    /// The mean distance of what comes back from where it was, before the landing.
    fn error(sampler: Sampler, steps: u32, schedule: Schedule) -> f64 {
        let (context, mixture) = (context(schedule), mixture());
        let placement = Some(Placement::Crowded);
        let mut plan = sampler.round_trip(placement, steps, context, None).unwrap();
        let back = plan.before_landing();
        plan.steps.pop();
        let distance = |point| {
            let end = plan.run(
                point,
                |stage, x| mixture.posterior_mean(x, stage.scales),
                |_| [0.0; 2],
            );
            (back * end[0] - point[0]).hypot(back * end[1] - point[1])
        };
        POINTS.map(distance).iter().sum::<f64>() / 4.0
    }

    /// Twice the steps take the error to 1/2, 1/4, 1/16 of it: the order of each method, on every schedule.
    #[test]
    fn the_error_of_there_and_back_falls_with_the_order_of_the_solver() {
        for schedule in Schedule::every() {
            for (sampler, order, few) in [
                (Sampler::Euler, 1.0, 80),
                (Sampler::Heun, 2.0, 80),
                (Sampler::Rk4, 4.0, 40),
            ] {
                let errors = [few, 2 * few].map(|steps| error(sampler, steps, schedule));
                let found = (errors[0] / errors[1]).log2();
                // On a schedule along which next to nothing changes only rounding is left.
                let nothing_left = errors[1] < 1e-12;
                assert!(
                    nothing_left || (found > order - 0.25 && errors[1] < 0.05),
                    "{sampler}, {schedule}: {errors:?}, order {found}"
                );
            }
        }
    }

    /// Of one Gaussian N(μ, σ² I) the flow keeps (x − a μ)/√(a²σ² + s²).
    #[test]
    fn the_latents_of_a_gaussian_are_those_of_the_closed_form() {
        let (mean, sigma) = ([0.5, -0.25], 0.5);
        let gaussian = Mixture::new(vec![Component {
            mean: mean.map(|m| m as f32),
            sigma: sigma as f32,
            weight: 1.0,
        }])
        .unwrap();
        for schedule in Schedule::every() {
            let context = context(schedule);
            let plan = Sampler::Rk4.climb(None, 80, context, None).unwrap();
            let spread = |Scales { a, s }: Scales| (a * a * sigma * sigma + s * s).sqrt();
            let [first, last] = [0.001, 1.0].map(|tau| schedule.scales(tau, 1000));
            for point in POINTS {
                let end = plan.run(
                    point,
                    |stage, x| gaussian.posterior_mean(x, stage.scales),
                    |_| [0.0; 2],
                );
                for axis in 0..2 {
                    let offset = first.a * (point[axis] - mean[axis]);
                    let expected = last.a * mean[axis] + offset * spread(last) / spread(first);
                    let size = spread(last).max(1.0);
                    assert!(
                        (end[axis] - expected).abs() < 1e-3 * size,
                        "{schedule}: {} is not {expected}",
                        end[axis]
                    );
                }
            }
        }
    }

    #[test]
    fn between_latents_of_one_length_all_have_it() {
        let (a, b) = ([1.2, 0.5], [-0.5, 1.2]);
        for share in [0.0, 0.2, 0.5, 1.0] {
            let [x, y] = slerp(a, b, share);
            assert!((x.hypot(y) - 1.3).abs() < 1e-12);
            let turned = y.atan2(x) - 0.5_f64.atan2(1.2);
            assert!((turned - share * std::f64::consts::FRAC_PI_2).abs() < 1e-12);
        }
        // Nearly opposite ones of unequal lengths have nothing between that is longer than both.
        for share in [0.1, 0.5, 0.9] {
            let [x, y] = slerp([1.0, 0.0], [-2.0, 1e-9], share);
            assert!((x.hypot(y) - 1.0 - share).abs() < 1e-12);
        }
        assert_eq!(slerp([1.0, 0.0], [3.0, 0.0], 0.5), [2.0, 0.0]);
        assert_eq!(slerp([0.0, 0.0], [3.0, 0.0], 0.5), [1.5, 0.0]);
    }

    /// From T the plan is the whole one; from t it has the knots below t, and its start has the scales of t.
    #[test]
    fn a_plan_from_a_time_is_the_rest_of_the_whole_one() {
        for schedule in [Schedule::Linear, Schedule::Flow] {
            let context = context(schedule);
            for sampler in Sampler::ALL {
                let whole = sampler.plan(20, context, None);
                assert_eq!(sampler.plan_from(1.0, None, 20, context, None), whole);
                let rest = sampler.plan_from(0.5004, None, 20, context, None);
                let (first, last) = (rest.steps[0], rest.steps[rest.steps.len() - 1]);
                assert!((first.tau - 0.5).abs() < 1e-12, "{sampler}: {}", first.tau);
                assert_eq!(last.tau_next, 0.0, "{sampler}");
                assert!(rest.steps.len() < whole.steps.len(), "{sampler}");
            }
            let points = vec![[1.0, -2.0]; 4000];
            let cloud = noised(&points, (schedule, 1000), 0.5, 3);
            let Scales { a, s } = schedule.scales(0.5, 1000);
            let mean = cloud.iter().map(|p| f64::from(p[1])).sum::<f64>() / 4000.0;
            let square = cloud.iter().map(|p| f64::from(p[1]) + 2.0 * a);
            let spread = (square.map(|d| d * d).sum::<f64>() / 4000.0).sqrt();
            assert!((mean + 2.0 * a).abs() < 4.0 * s / 4000.0_f64.sqrt());
            assert!((spread / s - 1.0).abs() < 0.05, "{schedule}");
            assert_eq!(noised(&points[..2], (schedule, 1000), 0.5, 3), cloud[..2]);
        }
    }
}
