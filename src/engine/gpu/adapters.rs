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

/// The backends to ask, where the environment does not say: OpenGL only where nothing better is there. Loading its
/// drivers is slow, and some complain on stderr.
pub fn backends() -> wgpu::Backends {
    wgpu::Backends::from_env().unwrap_or_else(|| {
        let better = wgpu::Backends::PRIMARY;
        if adapters_of(better).is_empty() {
            wgpu::Backends::all()
        } else {
            better
        }
    })
}

fn adapters_of(backends: wgpu::Backends) -> Vec<wgpu::Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    descriptor.backends = backends;
    pollster::block_on(wgpu::Instance::new(descriptor).enumerate_adapters(backends))
}

/// Every adapter that the drivers show; those of OpenGL only where there are no others.
pub fn list_adapters() -> Vec<AdapterReport> {
    adapters_of(backends())
        .iter()
        .map(|adapter| {
            let (info, limits) = (adapter.get_info(), adapter.limits());
            AdapterReport {
                name: info.name,
                backend: info.backend.to_string(),
                kind: format!("{:?}", info.device_type),
                driver: format!("{} {}", info.driver, info.driver_info)
                    .trim()
                    .to_owned(),
                max_storage_binding_bytes: limits.max_storage_buffer_binding_size,
                workgroup_bytes: limits.max_compute_workgroup_storage_size,
                workgroup_invocations: limits.max_compute_invocations_per_workgroup,
            }
        })
        .collect()
}
