//! A plan as the device has it: one row a stage.

use super::types::PlanRow;
use crate::Run;
use crate::network::timetable::time_embedding;
use maths::diffusion::solver::{Known, Mix, Plan, PlanStep, Widening};

/// Factors of x, x̂_0, the first memory and the base; of z and the other memories.
fn terms(mix: Mix) -> [[f32; 4]; 2] {
    let [x, x_0, m_0, base, z, m_1, m_2, m_3] = mix.factors().map(|factor| factor as f32);
    [[x, x_0, m_0, base], [z, m_1, m_2, m_3]]
}

/// Where nothing is predicted x̂_0 is 0.
fn predicted(stage: &PlanStep, factor: f64) -> f32 {
    if stage.predicts { factor as f32 } else { 0.0 }
}

/// What x is multiplied by before the network sees it in a stage; 1 past the last.
pub fn input_scale(plan: &Plan, stage: usize) -> f32 {
    plan.steps
        .get(stage)
        .map_or(1.0, |stage| stage.input_scale as f32)
}

/// What z of a stage is: 0 none, 1 drawn, 2 one.
fn noise_of(stage: &PlanStep) -> u32 {
    if stage.z_is_one {
        2
    } else {
        u32::from(stage.is_noisy())
    }
}

/// The rows of a run, one a stage, whose frames have so many particles; `second` is where the rows of its second asking begin.
pub fn rows_of(run: &Run<'_>, particles: u32, second: u32) -> Vec<PlanRow> {
    let plan = run.plan;
    let first_frame = u32::from(run.keeps_start());
    let mut rows: Vec<PlanRow> = (0..)
        .zip(&plan.steps)
        .map(|(index, stage)| (index, stage, stage.quantity.of_posterior(stage.scales)))
        .map(|(index, stage, exact)| {
            let Widening { span, gain, base } = stage
                .widening
                .filter(|_| stage.predicts)
                .unwrap_or(Widening::NONE);
            let known = stage.known.unwrap_or(Known {
                at: [None; 2],
                std: 0.0,
            });
            let held = |axis: usize| u32::from(known.at[axis].is_some()) << axis;
            PlanRow {
                x0_x: predicted(stage, stage.x0_x),
                x0_output: predicted(stage, stage.x0_output),
                a: stage.scales.a as f32,
                s: stage.scales.s as f32,
                clip_min: plan.clip.map_or([0.0; 2], |b| b.min),
                clip_max: plan.clip.map_or([0.0; 2], |b| b.max),
                index,
                clip: u32::from(plan.clip.is_some()),
                noise: noise_of(stage),
                mixes: stage.mixes().map(terms),
                exact_mean: predicted(stage, exact.mean),
                exact_data: predicted(stage, exact.data),
                exact_one: predicted(stage, exact.one),
                next_input_scale: input_scale(plan, index as usize + 1),
                variance_span: span as f32,
                variance_gain: gain as f32,
                variance_base: base as f32,
                guidance_weight: run
                    .guidance
                    .map_or(1.0, |g| g.weight_at(stage.scales) as f32),
                second,
                known: known.at.map(|at| at.unwrap_or(0.0) as f32),
                known_std: known.std as f32,
                known_axes: held(0) | held(1),
                ..PlanRow::default()
            }
        })
        .collect();
    for (frame, stage) in (first_frame..).zip(run.kept_stages()) {
        rows[stage].write = 1;
        rows[stage].frame = frame * particles;
    }
    rows
}

/// The embeddings of some t/T, one after the other.
pub fn embedded(taus: &[f64]) -> Vec<f32> {
    taus.iter().flat_map(|tau| time_embedding(*tau)).collect()
}
