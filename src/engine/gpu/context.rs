//! One device and its queue, shared by everything that computes or paints on it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::{EngineError, EngineInfo, EngineKind};

/// Usage of every buffer that kernels work on.
pub const STORAGE: wgpu::BufferUsages =
    wgpu::BufferUsages::STORAGE.union(wgpu::BufferUsages::COPY_SRC).union(wgpu::BufferUsages::COPY_DST);

/// A device, its queue, and what went wrong on it.
#[derive(Debug)]
pub struct GpuContext {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: EngineInfo,
    fault: Arc<Mutex<Option<EngineError>>>,
    hold: Hold,
    buffers_made: AtomicU64,
}

/// Until when nothing may be submitted. A window's surface is configured anew (at every change of its size) only while
/// the queue is empty, and a training keeps it full: after the first refusal the queue is left alone for a moment.
#[derive(Clone, Debug, Default)]
struct Hold(Arc<Mutex<Option<Instant>>>);

/// Long enough for a frame or two on a software adapter.
const HOLD: Duration = Duration::from_millis(400);

impl Hold {
    fn begin(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + HOLD);
    }

    /// Wait until it is over.
    fn pass(&self) {
        loop {
            let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let left = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left);
        }
    }
}

impl GpuContext {
    /// Open the best adapter without a window.
    pub fn headless() -> Result<Arc<Self>, EngineError> {
        // OpenGL is only asked where nothing better is there: loading its drivers is slow, and some complain on stderr.
        let adapter = match wgpu::Backends::from_env() {
            Some(chosen) => Self::best_adapter(chosen),
            None => Self::best_adapter(wgpu::Backends::PRIMARY).or_else(|_| Self::best_adapter(wgpu::Backends::all())),
        }?;
        let (device, queue) = pollster::block_on(adapter.request_device(&Self::device_descriptor(&adapter)))
            .map_err(|error| EngineError::NoAdapter(error.to_string()))?;
        Ok(Self::new(&adapter, device, queue))
    }

    fn best_adapter(backends: wgpu::Backends) -> Result<wgpu::Adapter, EngineError> {
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
        descriptor.backends = backends;
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        pollster::block_on(wgpu::Instance::new(descriptor).request_adapter(&options))
            .map_err(|error| EngineError::NoAdapter(error.to_string()))
    }

    /// What the lab asks of a device: no optional feature, the adapter's own limits.
    pub fn device_descriptor(adapter: &wgpu::Adapter) -> wgpu::DeviceDescriptor<'static> {
        wgpu::DeviceDescriptor { label: Some("noise compass"), required_limits: adapter.limits(), ..Default::default() }
    }

    /// Share a device that somebody else opened.
    pub fn new(adapter: &wgpu::Adapter, device: wgpu::Device, queue: wgpu::Queue) -> Arc<Self> {
        Self::shared(adapter, device, queue, None)
    }

    /// Share the device of a window that paints on the calling thread. What wgpu refuses that thread (a surface while
    /// the queue is busy, the frame after it) is no fault of the engine's, and mended by the next frame.
    pub fn of_window(adapter: &wgpu::Adapter, device: wgpu::Device, queue: wgpu::Queue) -> Arc<Self> {
        Self::shared(adapter, device, queue, Some(std::thread::current().id()))
    }

    fn shared(
        adapter: &wgpu::Adapter,
        device: wgpu::Device,
        queue: wgpu::Queue,
        painter: Option<std::thread::ThreadId>,
    ) -> Arc<Self> {
        let adapter_info = adapter.get_info();
        let info = EngineInfo {
            kind: EngineKind::Gpu,
            adapter: adapter_info.name,
            backend: adapter_info.backend.to_string(),
            software: adapter_info.device_type == wgpu::DeviceType::Cpu,
        };
        let fault = Arc::new(Mutex::new(None));
        let record = |fault: &Arc<Mutex<Option<EngineError>>>, error: EngineError| {
            fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        };
        let slot = fault.clone();
        device.set_device_lost_callback(move |reason, message| {
            record(&slot, EngineError::DeviceLost(format!("{reason:?}: {message}")));
        });
        let slot = fault.clone();
        let hold = Hold::default();
        let held = hold.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            if matches!(error, wgpu::Error::Validation { .. }) && painter == Some(std::thread::current().id()) {
                log::debug!("a frame was refused: {error}");
                held.begin();
                return;
            }
            log::error!("{error}");
            record(&slot, EngineError::Device(error.to_string()));
        }));
        Arc::new(Self { device, queue, info, fault, hold, buffers_made: AtomicU64::new(0) })
    }

    /// The device.
    pub fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// Its one queue.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    /// Which adapter this is.
    pub fn info(&self) -> &EngineInfo {
        &self.info
    }

    /// The first fault since the device was opened, if any. A fault stays: the device is not to be used again.
    pub fn check(&self) -> Result<(), EngineError> {
        match &*self.fault.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// Hand recorded work to the device. Waits while the window needs the queue for itself.
    pub fn submit(&self, commands: wgpu::CommandBuffer) -> wgpu::SubmissionIndex {
        self.hold.pass();
        self.queue.submit([commands])
    }

    /// Wait until the device has done everything handed over so far.
    pub fn wait(&self) -> Result<(), EngineError> {
        let waited = self.device.poll(wgpu::PollType::wait_indefinitely());
        self.check()?;
        waited.map(|_| ()).map_err(|error| EngineError::Device(error.to_string()))
    }

    /// A zeroed buffer of at least `size` bytes.
    pub fn buffer(&self, label: &str, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        let descriptor =
            wgpu::BufferDescriptor { label: Some(label), size: size.max(16), usage, mapped_at_creation: false };
        self.buffers_made.fetch_add(1, Ordering::Relaxed);
        self.device.create_buffer(&descriptor)
    }

    /// How many buffers were made for kernels so far: what is done again and again should make none.
    pub fn buffers_made(&self) -> u64 {
        self.buffers_made.load(Ordering::Relaxed)
    }

    /// A storage buffer that holds `values`.
    pub fn storage<T: bytemuck::Pod>(&self, label: &str, values: &[T]) -> wgpu::Buffer {
        let buffer = self.buffer(label, size_of_val(values) as u64, STORAGE);
        self.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(values));
        buffer
    }

    /// A uniform buffer that holds `value`.
    pub fn uniform<T: bytemuck::Pod>(&self, label: &str, value: &T) -> wgpu::Buffer {
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let buffer = self.buffer(label, size_of::<T>() as u64, usage);
        self.queue.write_buffer(&buffer, 0, bytemuck::bytes_of(value));
        buffer
    }

    /// Read bytes back from a buffer with usage `COPY_SRC`. Blocks.
    pub fn read_buffer(&self, buffer: &wgpu::Buffer, offset: u64, size: u64) -> Result<Vec<u8>, EngineError> {
        if size == 0 {
            return Ok(Vec::new());
        }
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("read-back"),
            size,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(buffer, offset, &staging, 0, size);
        self.submit(encoder.finish());
        let slice = staging.slice(..);
        slice.map_async(wgpu::MapMode::Read, |_| {});
        self.wait()?;
        let view = slice.get_mapped_range().map_err(|error| EngineError::Device(error.to_string()))?;
        let bytes = view.to_vec();
        drop(view);
        staging.unmap();
        Ok(bytes)
    }
}
