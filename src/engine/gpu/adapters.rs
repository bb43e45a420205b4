//! What graphics adapters this machine has: for `doctor`.

use serde::Serialize;

/// One adapter, with the limits that matter here.
#[derive(Clone, Debug, Serialize)]
pub struct AdapterReport {
    /// Name, as the driver gives it.
    pub name: String,
    /// `Vulkan`, `Metal`, `Dx12`, `Gl`.
    pub backend: String,
    /// `DiscreteGpu`, `IntegratedGpu`, `Cpu`, ….
    pub kind: String,
    /// Driver and its version.
    pub driver: String,
    /// Largest buffer that a kernel can bind, in bytes.
    pub max_storage_binding_bytes: u64,
    /// Workgroup memory, in bytes.
    pub workgroup_bytes: u32,
    /// Most invocations of a workgroup.
    pub workgroup_invocations: u32,
}

/// Every adapter that the drivers show.
pub fn list_adapters() -> Vec<AdapterReport> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    adapters
        .iter()
        .map(|adapter| {
            let (info, limits) = (adapter.get_info(), adapter.limits());
            AdapterReport {
                name: info.name,
                backend: info.backend.to_string(),
                kind: format!("{:?}", info.device_type),
                driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
                max_storage_binding_bytes: limits.max_storage_buffer_binding_size,
                workgroup_bytes: limits.max_compute_workgroup_storage_size,
                workgroup_invocations: limits.max_compute_invocations_per_workgroup,
            }
        })
        .collect()
}
