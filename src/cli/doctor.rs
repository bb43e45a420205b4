//! `doctor`: what this machine has, which engine would run, and whether both work.

use serde::Serialize;

use super::{print_json, say};
use engine::gpu::{AdapterReport, list_adapters};
use engine::network::init::initial_weights;
use engine::{EngineChoice, EngineError, EngineInfo, EngineKind, ModelState, Wait};
use lab::experiment::Experiment;
use lab::setup::Setup;
use maths::philox::philox4x32;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which engine must work
    #[arg(long, value_enum, default_value_t)]
    engine: EngineChoice,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Steps of the self-test.
const STEPS: u32 = 5;
/// The engines' losses may differ by this much, relatively: sums in another order, nothing else.
const TOLERANCE: f32 = 1e-3;
/// Random123's known answer for counter and key 0 (`kat_vectors`, philox4x32 10).
const PHILOX_ANSWER: [u32; 4] = [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8];

/// What was found.
#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    display: Option<String>,
    adapters: Vec<AdapterReport>,
    philox_ok: bool,
    gpu: Examination,
    cpu: Examination,
    engines_agree: Option<bool>,
    /// What `--engine auto` runs, and why.
    auto: Option<EngineInfo>,
    auto_because: String,
}

/// One engine examined.
#[derive(Debug, Serialize)]
struct Examination {
    engine: Option<EngineInfo>,
    /// Losses of the first steps.
    losses: Vec<f32>,
    error: Option<String>,
}

impl Examination {
    fn works(&self) -> bool {
        self.error.is_none()
    }
}

/// Look, test, tell; an error where what was asked for does not work.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let (gpu, cpu) = (examine(EngineChoice::Gpu), examine(EngineChoice::Cpu));
    let found = gpu.engine.as_ref().filter(|_| gpu.works());
    let none = EngineError::NoAdapter(gpu.error.clone().unwrap_or_default());
    let (kind, auto_because) = engine::auto(found.ok_or(&none));
    let auto = if kind == EngineKind::Gpu { &gpu } else { &cpu }
        .engine
        .clone();
    let engines_agree = (gpu.works() && cpu.works()).then(|| agree(&gpu.losses, &cpu.losses));
    let display = ["WAYLAND_DISPLAY", "DISPLAY"].iter().find_map(|name| {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
        Some(format!("{name}={value}"))
    });
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        display,
        adapters: list_adapters(),
        philox_ok: philox4x32([0; 4], [0; 2]) == PHILOX_ANSWER,
        auto,
        auto_because,
        gpu,
        cpu,
        engines_agree,
    };
    if args.json {
        print_json(&report)?;
    } else {
        tell(&report);
    }
    verdict(&report, args.engine)
}

/// A few steps of the default experiment.
fn examine(choice: EngineChoice) -> Examination {
    let mut examination = Examination {
        engine: None,
        losses: Vec::new(),
        error: None,
    };
    let mut train = || -> Result<(), String> {
        let text = |error: EngineError| error.to_string();
        let mut engine = engine::create(choice, None).map_err(text)?;
        examination.engine = Some(engine.info().clone());
        let setup = Setup::new(Experiment::default())?;
        let state = ModelState::fresh(initial_weights(setup.spec.shape, setup.spec.seed));
        engine.load(&setup.spec, &state).map_err(text)?;
        let mut done = 0;
        while done < STEPS {
            done += engine.train(STEPS - done, 1.0).map_err(text)?;
        }
        examination.losses = engine
            .poll(Wait::UntilDone)
            .map_err(text)?
            .losses
            .iter()
            .map(|(_, loss)| *loss)
            .collect();
        if examination.losses.len() != STEPS as usize
            || !examination.losses.iter().all(|loss| loss.is_finite())
        {
            return Err(format!(
                "its first losses are {:?}; update the graphics driver",
                examination.losses
            ));
        }
        Ok(())
    };
    examination.error = train().err();
    examination
}

/// Same data, times and noise on both: the losses can differ by rounding alone.
fn agree(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| (a - b).abs() <= TOLERANCE * b.abs())
}

fn tell(report: &Report) {
    say(&format!("noise-compass {}", report.version));
    let display = report
        .display
        .as_deref()
        .unwrap_or("none: the window cannot open, the commands can run");
    say(&format!("display: {display}"));
    if report.adapters.is_empty() {
        say("adapters: none");
    }
    for adapter in &report.adapters {
        say(&format!(
            "adapter: {} ({}, {}), driver {}",
            adapter.name, adapter.backend, adapter.kind, adapter.driver
        ));
        say(&format!(
            "  buffers up to {} MiB, workgroups of up to {} with {} KiB",
            adapter.max_storage_binding_bytes >> 20,
            adapter.workgroup_invocations,
            adapter.workgroup_bytes >> 10
        ));
    }
    say(&format!(
        "random numbers: {}",
        if report.philox_ok { "right" } else { "WRONG" }
    ));
    for (name, examination) in [("gpu", &report.gpu), ("cpu", &report.cpu)] {
        let what = match (&examination.error, &examination.engine) {
            (Some(error), _) => format!("does not work: {error}"),
            (None, Some(info)) => {
                format!(
                    "works: {} ({}), first losses {:?}",
                    info.adapter, info.backend, examination.losses
                )
            }
            (None, None) => "works".into(),
        };
        say(&format!("engine {name}: {what}"));
    }
    if let Some(agree) = report.engines_agree {
        say(&format!(
            "the engines {}",
            if agree { "agree" } else { "DISAGREE" }
        ));
    }
    if let Some(info) = &report.auto {
        say(&format!(
            "--engine auto runs on {} ({}): {}",
            info.adapter, info.backend, report.auto_because
        ));
    }
}

fn verdict(report: &Report, wanted: EngineChoice) -> anyhow::Result<()> {
    anyhow::ensure!(
        report.philox_ok,
        "the random numbers are wrong: this build is broken; build it again"
    );
    anyhow::ensure!(
        report.engines_agree != Some(false),
        "the engines disagree on the first losses: the graphics driver computes wrongly; update it or use --engine cpu"
    );
    let needed = match wanted {
        EngineChoice::Gpu => &report.gpu,
        EngineChoice::Auto | EngineChoice::Cpu => &report.cpu,
    };
    match &needed.error {
        Some(error) => Err(anyhow::anyhow!("{error}")),
        None => Ok(()),
    }
}
