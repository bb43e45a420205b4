//! `sample`: points drawn from a trained model.

use std::io::{self, BufRead};
use std::path::PathBuf;

use anyhow::Context;

use super::editing::{Compiled, EditArgs};
use super::led::Led;
use super::model::ModelArgs;
use super::named::Named;
use super::{print_json, say};
use crate::cli::samples_csv::{Units, samples_csv, samples_file};
use engine::{Frames, Run};
use lab::choice::told_of;
use lab::experiment::Experiment;
use lab::own_sampler::OwnSampler;
use maths::atomic::Destination;
use maths::data::bounds::Bounds;
use maths::data::csv_io::is_table;
use maths::data::mixture::Standardisation;
use maths::diffusion::magnification;
use maths::diffusion::solver::{Placement, Plan, PlanFile, Sampler};

/// Arguments of `sample`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Sampler
    #[arg(long, value_name = "NAME|FILE.json", default_value = "ddim", help = format!("Sampler: {}; or FILE.json, a plan of one's own, see docs/own-sampler.md", Sampler::known()))]
    sampler: Named,
    /// Sampling steps [default: T for ddpm and the other stochastic ones, 50 for those that need few]
    #[arg(long)]
    steps: Option<u32>,
    /// Where the steps are placed
    #[arg(long, value_name = "NAME", help = format!("Where the steps are placed: {} [default: as the sampler has them]", Placement::known()))]
    placement: Option<Placement>,
    /// Number of samples; with --init or --invert, its number of points
    #[arg(long, default_value_t = 2048, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    n: u32,
    #[command(flatten)]
    led: Led,
    /// Seed of the noise
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    edit: EditArgs,
    /// Do not clip x̂_0 to the data's bounding box × 1.1
    #[arg(long)]
    no_clip: bool,
    /// Units of the samples, of --init and of --invert: data writes them as they are in the file that the model was trained on. The
    /// header is x,y in both; tell `measure --units` which
    #[arg(long, value_enum, default_value_t)]
    units: Units,
    /// Where to write the samples: header x,y
    #[arg(long, value_name = "FILE.csv", required_unless_present = "print_plan")]
    out: Option<PathBuf>,
    /// Write every step as well, the start first: header particle,step,t,x,y, t from 1 to 0 (with --invert from 0 to 1), x and y in --units
    #[arg(long, value_name = "FILE.csv")]
    trajectory: Option<PathBuf>,
    /// Print the sampler as a plan in JSON, for this model, and sample nothing
    #[arg(long, conflicts_with_all = ["out", "trajectory", "init", "invert"])]
    print_plan: bool,
    /// Replace a file that is not from this program
    #[arg(long)]
    force: bool,
}

impl Args {
    /// The plan for a model.
    fn plan(&self, experiment: &Experiment, clip: Option<Bounds>) -> anyhow::Result<Plan> {
        let context = experiment.plan_context();
        let timesteps = experiment.timesteps;
        self.edit.check(&self.sampler)?;
        let sampler = match &self.sampler {
            Named::Sampler(sampler) => *sampler,
            Named::File(path) => {
                anyhow::ensure!(
                    self.steps.is_none() && self.placement.is_none(),
                    "{} says itself how many steps there are and where; leave out --steps and --placement",
                    path.display()
                );
                return Ok(OwnSampler::open(path, context)?.plan(context, clip)?);
            }
        };
        let steps = self
            .steps
            .unwrap_or_else(|| sampler.default_steps(timesteps));
        anyhow::ensure!(
            (1..=timesteps).contains(&steps),
            "{steps} sampling steps are not between 1 and the {timesteps} timesteps of the training; choose another --steps"
        );
        self.edit.plan(Compiled {
            sampler,
            steps,
            placement: self.placement,
            context,
            clip,
        })
    }
}

/// Columns of the trajectories.
const COLUMNS: &str = "particle,step,t,x,y";

/// Every frame of a recording, particle by particle.
fn trajectories_csv(
    taus: &[f64],
    points: &[[f32; 2]],
    units: Units,
    of_data: Standardisation,
) -> Vec<u8> {
    use std::fmt::Write as _;
    let particles = points.len() / taus.len().max(1);
    let mut text = format!("{COLUMNS}\n");
    for particle in 0..particles {
        for (step, tau) in taus.iter().enumerate() {
            let point = points[step * particles + particle];
            // A string takes whatever is written into it.
            let _ = match units {
                Units::Standard => {
                    writeln!(text, "{particle},{step},{tau},{},{}", point[0], point[1])
                }
                Units::Data => {
                    let [x, y] = of_data.restore(point);
                    writeln!(text, "{particle},{step},{tau},{x},{y}")
                }
            };
        }
    }
    text.into_bytes()
}

fn is_trajectories(file: &mut dyn BufRead) -> io::Result<bool> {
    is_table::<f64, 5>(file, COLUMNS)
}

/// Load, sample, write.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let given = args.edit.file().map(PathBuf::as_path);
    let samples = |path: &PathBuf| samples_file(path, args.force).sparing(given);
    let out = args.out.as_ref().map(samples);
    let trajectory = args
        .trajectory
        .as_ref()
        .map(|path| Destination::new(path, is_trajectories, args.force).sparing(given));
    for destination in out.iter().chain(&trajectory) {
        destination.check()?;
    }
    let mut loaded = args.model.load()?;
    let experiment = &loaded.setup.experiment;
    let clip = (!args.no_clip).then_some(loaded.setup.dataset.clip_box(experiment.fresh));
    let dataset = &loaded.setup.dataset;
    let guidance = args.led.guidance(&loaded.setup)?;
    // What a class alone asks for is known; what lies beyond it has no variance of its own.
    let class = guidance.as_ref().and_then(|led| led.class.clone());
    let mixture = class.unwrap_or_else(|| dataset.mixture.clone());
    let plan = told_of(&mixture, args.plan(experiment, clip)?);
    let units = args.units.standardisation(dataset.standardisation);
    let plan = args.edit.held(plan, experiment.plan_context(), units)?;
    if args.print_plan {
        return print_json(&PlanFile::of(&plan, experiment.plan_context())?);
    }
    if let Some(warning) = magnification::warning(&plan, experiment.plan_context()) {
        say(&format!("noise-compass: warning: {warning}"));
    }
    let of_data = loaded.setup.dataset.standardisation;
    let start = args
        .edit
        .start(args.n, &loaded.setup.experiment, units, args.seed)?;
    let run = Run {
        guidance: guidance.as_ref(),
        frames: if trajectory.is_some() {
            Frames::Every(1)
        } else {
            Frames::End
        },
        ..Run::of_samples(&plan, &start, args.seed)
    };
    let recording = loaded
        .engine
        .run(&run, &|_| true)?
        .context("the sampling was stopped; run it again")?;
    let points = recording.points.to_host()?;
    let ends = &points[points.len() - recording.particles..];
    if let Some(out) = out {
        out.write(&samples_csv(ends, args.units, of_data))?;
    }
    if let Some(trajectory) = trajectory {
        trajectory.write(&trajectories_csv(
            &recording.taus,
            &points,
            args.units,
            of_data,
        ))?;
    }
    let steps = plan.steps.iter().filter(|stage| stage.ends_step).count();
    let what = args.edit.invert.as_ref().map_or("samples", |_| "latents");
    let units = match args.units {
        Units::Data => ", in the units of its data",
        Units::Standard => "",
    };
    say(&format!(
        "{} {what} in {steps} steps{units}, in {}",
        ends.len(),
        args.out
            .iter()
            .chain(&args.trajectory)
            .map(|path| path.display().to_string())
            .collect::<Vec<_>>()
            .join(" and ")
    ));
    Ok(())
}
