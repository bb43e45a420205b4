//! The GPU engine: WGSL compute shaders through wgpu.

mod cloud;
mod context;

pub use cloud::GpuCloud;
pub use context::GpuContext;

use std::sync::Arc;

use super::{Cloud, Engine, EngineError, EngineInfo, ModelState, Progress, Start, TrainSpec};
use crate::data::bounds::Bounds;
use crate::data::mixture::Mixture;
use crate::diffusion::path::Scales;
use crate::diffusion::solver::Plan;

/// One model in training, in device memory.
pub struct GpuEngine {
    info: EngineInfo,
    _context: Arc<GpuContext>,
}

impl GpuEngine {
    /// An engine on a device.
    pub fn new(context: Arc<GpuContext>) -> Result<Self, EngineError> {
        Ok(Self { info: context.info().clone(), _context: context })
    }
}

impl Engine for GpuEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }
    fn load(&mut self, _: &TrainSpec, _: &ModelState) -> Result<(), EngineError> {
        todo!()
    }
    fn update(&mut self, _: &TrainSpec) -> Result<(), EngineError> {
        todo!()
    }
    fn train(&mut self, _: u32, _: f64) -> Result<u32, EngineError> {
        todo!()
    }
    fn poll(&mut self, _: bool) -> Result<Progress, EngineError> {
        todo!()
    }
    fn state(&mut self) -> Result<ModelState, EngineError> {
        todo!()
    }
    fn sample(&mut self, _: &Plan, _: &Start, _: u64, _: &dyn Fn() -> bool) -> Result<Option<Cloud>, EngineError> {
        todo!()
    }
    fn refresh(&mut self, _: Option<Cloud>, _: u32, _: u32, _: u32, _: &Plan, _: u64) -> Result<Cloud, EngineError> {
        todo!()
    }
    fn predict(&mut self, _: f64, _: &[[f32; 2]], _: bool) -> Result<Vec<[f32; 2]>, EngineError> {
        todo!()
    }
    fn log_density(&mut self, _: &Mixture, _: Scales, _: Bounds, _: u32) -> Result<Vec<f32>, EngineError> {
        todo!()
    }
    fn gradient(&mut self, _: &[[f32; 2]], _: &[u32], _: &[[f32; 2]]) -> Result<(f32, Vec<f32>), EngineError> {
        todo!()
    }
    fn step_on(&mut self, _: &[[f32; 2]], _: &[u32], _: &[[f32; 2]]) -> Result<f32, EngineError> {
        Err(EngineError::Invalid("the GPU engine cannot step on a given batch yet: use --engine cpu".into()))
    }
}
