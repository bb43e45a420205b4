//! What `sample` does with points that are given: up to their noise, or from some t down again.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;

use super::named::Named;
use super::read_standardised;
use engine::Start;
use lab::experiment::Experiment;
use maths::data::bounds::Bounds;
use maths::data::mixture::Standardisation;
use maths::diffusion::solver::{Placement, Plan, PlanContext, Sampler, Wanted, noised};
use maths::transport::Source;

/// Flags of `sample` that edit.
#[derive(Debug, clap::Args)]
pub struct EditArgs {
    /// Start from these points (header x,y, in --units) instead of noise
    #[arg(long, value_name = "FILE.csv", conflicts_with = "n")]
    pub init: Option<PathBuf>,
    /// Noise the points of --init to t/T first and go on from there: SDEdit. The sampler's steps below t are taken
    #[arg(long, value_name = "T", requires = "init", value_parser = share_of_time)]
    from_t: Option<f64>,
    /// Up instead of down: write the noise of these points (header x,y, in --units), from which --init comes back to them, by
    /// the probability-flow ODE (ddim, euler, heun or rk4)
    #[arg(long, value_name = "FILE.csv", conflicts_with_all = ["n", "init"])]
    pub invert: Option<PathBuf>,
    /// Hold a coordinate, in --units: x=0.5, or y=0.2..0.6 for between; once for x and once for y. Every step sets it to what it is at
    /// that noise level (RePaint)
    #[arg(long, value_name = "x=V|x=A..B", conflicts_with = "invert", value_parser = Fix::read)]
    fix: Vec<Fix>,
    /// How often each step of --fix is taken: what is filled in suits what is held the better, the more often
    #[arg(long, value_name = "N", requires = "fix", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    resample: u32,
}

/// A coordinate that is held.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fix {
    axis: usize,
    wanted: Wanted,
}

impl Fix {
    fn read(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.trim().parse().ok().filter(|v: &f64| v.is_finite());
        let read = || {
            let (name, value) = text.split_once('=')?;
            let axis = ["x", "y"].iter().position(|axis| *axis == name.trim())?;
            let wanted = match value.split_once("..") {
                Some((low, high)) => {
                    let (low, high) = (number(low)?, number(high)?);
                    Wanted::Between((low <= high).then_some([low, high])?)
                }
                None => Wanted::At(number(value)?),
            };
            Some(Self { axis, wanted })
        };
        read().ok_or_else(|| {
            format!("'{text}' is not a coordinate and its value, as x=0.5, or as y=0.2..0.6 for between two, the lower one first")
        })
    }
}

/// t/T above 0 and at most 1.
fn share_of_time(text: &str) -> Result<f64, String> {
    let read: Option<f64> = text.parse().ok();
    let within = read.filter(|tau| *tau > 0.0 && *tau <= 1.0);
    within.ok_or_else(|| format!("'{text}' is not a number above 0 and at most 1"))
}

/// How a built-in sampler is compiled: its steps, where they lie, for what.
#[derive(Clone, Copy)]
pub struct Compiled {
    /// The sampler.
    pub sampler: Sampler,
    /// Its steps.
    pub steps: u32,
    /// Where they are placed; `None` as the sampler has them.
    pub placement: Option<Placement>,
    /// The model's.
    pub context: PlanContext,
    /// The box of x̂_0.
    pub clip: Option<Bounds>,
}

impl EditArgs {
    /// The file that is read.
    pub fn file(&self) -> Option<&PathBuf> {
        self.init.as_ref().or(self.invert.as_ref())
    }

    /// Refuse what a plan of one's own cannot do.
    ///
    /// # Errors
    /// The flag that asks for it.
    pub fn check(&self, sampler: &Named) -> anyhow::Result<()> {
        let Named::File(path) = sampler else {
            return Ok(());
        };
        for (asked, flag) in [
            (self.invert.is_some(), "--invert"),
            (self.from_t.is_some(), "--from-t"),
        ] {
            anyhow::ensure!(
                !asked,
                "{} says itself from where it goes; leave out {flag}, or take a built-in sampler",
                path.display()
            );
        }
        Ok(())
    }

    /// The plan of a built-in sampler.
    ///
    /// # Errors
    /// One that has no way up where that is asked for.
    pub fn plan(&self, of: Compiled) -> anyhow::Result<Plan> {
        let Compiled {
            sampler,
            steps,
            placement,
            context,
            clip,
        } = of;
        if self.invert.is_some() {
            let ways = Sampler::INVERTIBLE.map(|sampler| sampler.name().to_owned());
            return sampler
                .climb(placement, steps, context, clip)
                .with_context(|| {
                    format!(
                        "{sampler} has no way from data to noise; choose one of {} for --invert",
                        ways.join(", ")
                    )
                });
        }
        Ok(match self.from_t {
            Some(tau) => sampler.plan_from(tau, placement, steps, context, clip),
            None => sampler.plan_placed(placement, steps, context, clip),
        })
    }

    /// The plan with the coordinates of --fix held, which stand in these units.
    ///
    /// # Errors
    /// A coordinate that is held twice, or a sampler that can hold none.
    pub fn held(
        &self,
        plan: Plan,
        context: PlanContext,
        units: Standardisation,
    ) -> anyhow::Result<Plan> {
        if self.fix.is_empty() {
            return Ok(plan);
        }
        let mut wanted = [Wanted::Any; 2];
        for Fix { axis, wanted: of } in &self.fix {
            anyhow::ensure!(
                wanted[*axis] == Wanted::Any,
                "--fix holds {} twice; give each coordinate once",
                ["x", "y"][*axis]
            );
            let standard = |value: f64| (value - units.mean[*axis]) / units.scale;
            wanted[*axis] = match *of {
                Wanted::At(value) => Wanted::At(standard(value)),
                Wanted::Between(ends) => Wanted::Between(ends.map(standard)),
                Wanted::Any => Wanted::Any,
            };
        }
        plan.held(wanted, self.resample, context)
            .context("--fix cannot hold a coordinate by this sampler")
    }

    /// Where a run starts: from `n` draws of the noise, or from points.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn start(
        &self,
        n: u32,
        experiment: &Experiment,
        units: Standardisation,
        seed: u64,
    ) -> anyhow::Result<Start> {
        let Some(path) = self.file() else {
            return Ok(Start::Noise(n));
        };
        let points = read_standardised(path, units)?;
        let points = match self.from_t {
            Some(tau) => {
                anyhow::ensure!(
                    experiment.source == Source::Noise,
                    "the paths of this model begin at {}, not at noise, which --from-t would add: leave it out",
                    experiment.source
                );
                let along = (experiment.schedule, experiment.timesteps);
                noised(&points, along, tau, seed)
            }
            None => points,
        };
        Ok(Start::Points(Arc::new(points)))
    }
}
