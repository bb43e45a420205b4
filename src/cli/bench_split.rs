//! What a second experiment costs: a step of one against a step pair of two, and the device memory of both.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use super::{round, say};
use engine::gpu::GpuContext;
use engine::{EngineChoice, EngineInfo, EngineKind};
use lab::experiment::Experiment;
use lab::message::{Command, Order, Side};
use lab::pair::Pair;
use lab::session::{EngineFactory, Session};
use lab::setup::Setup;
use lab::worker;

/// Alternations of one and two whose median is taken.
const TURNS: usize = 7;

/// One experiment against two equal ones on the same device, both with their live pictures and measurements.
#[derive(Debug, Serialize)]
pub struct SplitCost {
    batch: u32,
    /// Wall time of a step of one, milliseconds.
    step_millis: f64,
    /// Wall time in which both do a step, milliseconds.
    step_pair_millis: f64,
    /// Median over alternations of the second by the first.
    time_ratio: f64,
    /// Device memory of two by that of one, as the adapter's allocator reports it; only on the GPU engine.
    memory_ratio: Option<f64>,
}

/// Measure for one engine and batch; `secs` for each of both.
///
/// # Errors
/// An engine that cannot be made, or fails.
pub fn measure(info: &EngineInfo, batch: u32, seed: u64, secs: f64) -> anyhow::Result<SplitCost> {
    let context = if info.kind == EngineKind::Gpu {
        Some(GpuContext::headless()?)
    } else {
        None
    };
    let choice = if context.is_some() {
        EngineChoice::Gpu
    } else {
        EngineChoice::Cpu
    };
    let device = context.clone();
    let factory: EngineFactory = Arc::new(move |choice| engine::create(choice, device.as_ref()));
    let lab = || -> anyhow::Result<Pair> {
        let setup = Setup::new(Experiment {
            batch,
            seed,
            ..Experiment::default()
        })
        .map_err(anyhow::Error::msg)?;
        let mut pair = Pair::new(Session::new(setup, factory(choice)?, factory.clone())?);
        pair.handle(Command::Play.into());
        Ok(pair)
    };
    let used = || {
        Some(
            context
                .as_ref()?
                .device()
                .generate_allocator_report()?
                .total_allocated_bytes,
        )
    };
    let before = used();
    let mut one = lab()?;
    run(&mut one, 0.3 * secs);
    let with_one = used();
    let mut two = lab()?;
    run(&mut two, 0.3 * secs);
    let with_first_of_two = used();
    two.handle(Order::Equalise);
    run(&mut two, 0.3 * secs);
    let with_two = used();
    anyhow::ensure!(
        two.session(Side::B).is_some(),
        "a second experiment could not be made on this device"
    );

    let mut turns: Vec<[f64; 2]> = (0..TURNS)
        .map(|_| [&mut one, &mut two].map(|pair| run(pair, secs / TURNS as f64)))
        .collect();
    let median = |of: &dyn Fn(&[f64; 2]) -> f64, turns: &mut Vec<[f64; 2]>| {
        turns.sort_by(|a, b| of(a).total_cmp(&of(b)));
        of(&turns[TURNS / 2])
    };
    let time_ratio = median(&|turn| turn[1] / turn[0], &mut turns);
    let [step, step_pair] = [0, 1].map(|which| 1e3 * median(&|turn| turn[which], &mut turns));
    let memory_ratio = before
        .zip(with_one)
        .zip(with_first_of_two.zip(with_two))
        .map(|((before, one), (first, two))| {
            let single = one.saturating_sub(before).max(1) as f64;
            (single + two.saturating_sub(first) as f64) / single
        });
    let memory =
        memory_ratio.map_or_else(String::new, |ratio| format!(", device memory × {ratio:.2}"));
    say(&format!(
        "  split, batch {batch:5}: step {step:.2} ms, step pair {step_pair:.2} ms, time × {time_ratio:.2}{memory}"
    ));
    let memory_ratio = memory_ratio.map(round);
    Ok(SplitCost {
        batch,
        step_millis: round(step),
        step_pair_millis: round(step_pair),
        time_ratio: round(time_ratio),
        memory_ratio,
    })
}

/// Run for a while; returns the seconds of a step, or of a step pair.
fn run(pair: &mut Pair, secs: f64) -> f64 {
    let steps = |pair: &Pair| {
        let of = |side| pair.session(side).map(Session::submitted);
        of(Side::A)
            .into_iter()
            .chain(of(Side::B))
            .min()
            .unwrap_or_default()
    };
    let (begun, from) = (Instant::now(), steps(pair));
    while begun.elapsed().as_secs_f64() < secs || !pair.is_level() {
        pair.tick(worker::budget(pair));
    }
    // What was handed over is done before the clock stops.
    pair.handle(Command::Pause.into());
    let spent = begun.elapsed().as_secs_f64();
    let done = steps(pair).saturating_sub(from);
    pair.handle(Command::Play.into());
    spent / done.max(1) as f64
}
