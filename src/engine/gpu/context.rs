//! One device and its queue, shared by everything that computes or paints on it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use super::gate::Gate;
use crate::{EngineError, EngineInfo, EngineKind};

/// Usage of every buffer that kernels work on.
pub const STORAGE: wgpu::BufferUsages = wgpu::BufferUsages::STORAGE
    .union(wgpu::BufferUsages::COPY_SRC)
    .union(wgpu::BufferUsages::COPY_DST);

/// A device, its queue, and what went wrong on it.
#[derive(Debug)]
pub struct GpuContext {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: EngineInfo,
    fault: Arc<Mutex<Option<EngineError>>>,
    /// The thread that paints the window, where there is one: it alone needs no pass.
    painter: Option<ThreadId>,
    gate: Arc<Gate>,
    /// Nobody waits any more: the window closes.
    abandoned: AtomicBool,
    /// The longest wait for work.
    patience: Duration,
    /// Pairs of small buffers by which the end of work is seen.
    markers: Mutex<Vec<[wgpu::Buffer; 2]>>,
    buffers_made: AtomicU64,
}

/// How long the queue is left alone after a refused frame: a frame or two on a software adapter.
const AFTER_REFUSAL: Duration = Duration::from_millis(400);
/// How long the queue is left alone at most while a surface is configured.
const WHILE_CONFIGURING: Duration = Duration::from_secs(2);
/// Work that takes longer than this has stalled. The largest step of the largest network takes a few seconds on a
/// software adapter.
const STALLED: Duration = Duration::from_secs(20);
/// Between two looks at the device while waiting: at first, and at most.
const LOOKS: [Duration; 2] = [Duration::from_micros(20), Duration::from_micros(300)];

impl GpuContext {
    /// Open the best adapter without a window.
    pub fn headless() -> Result<Arc<Self>, EngineError> {
        // OpenGL is only asked where nothing better is there: loading its drivers is slow, and some complain on stderr.
        let adapter = match wgpu::Backends::from_env() {
            Some(chosen) => Self::best_adapter(chosen),
            None => Self::best_adapter(wgpu::Backends::PRIMARY)
                .or_else(|_| Self::best_adapter(wgpu::Backends::all())),
        }?;
        let (device, queue) =
            pollster::block_on(adapter.request_device(&Self::device_descriptor(&adapter)))
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
        wgpu::DeviceDescriptor {
            label: Some("noise compass"),
            required_limits: adapter.limits(),
            ..Default::default()
        }
    }

    /// Share a device that somebody else opened.
    pub fn new(adapter: &wgpu::Adapter, device: wgpu::Device, queue: wgpu::Queue) -> Arc<Self> {
        Self::shared(adapter, device, queue, None)
    }

    /// Share the device of a window that paints on the calling thread. What wgpu refuses that thread (a surface while
    /// the queue is busy, the frame after it) is no fault of the engine's, and mended by the next frame.
    pub fn of_window(
        adapter: &wgpu::Adapter,
        device: wgpu::Device,
        queue: wgpu::Queue,
    ) -> Arc<Self> {
        Self::shared(adapter, device, queue, Some(std::thread::current().id()))
    }

    fn shared(
        adapter: &wgpu::Adapter,
        device: wgpu::Device,
        queue: wgpu::Queue,
        painter: Option<ThreadId>,
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
            fault
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(error);
        };
        let slot = fault.clone();
        device.set_device_lost_callback(move |reason, message| {
            record(
                &slot,
                EngineError::DeviceLost(format!("{reason:?}: {message}")),
            );
        });
        let slot = fault.clone();
        let gate = Arc::new(Gate::default());
        let held = gate.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            if matches!(error, wgpu::Error::Validation { .. })
                && painter == Some(std::thread::current().id())
            {
                log::debug!("a frame was refused: {error}");
                held.close(AFTER_REFUSAL);
                return;
            }
            log::error!("{error}");
            record(&slot, EngineError::Device(error.to_string()));
        }));
        Arc::new(Self {
            device,
            queue,
            info,
            fault,
            painter,
            gate,
            abandoned: AtomicBool::new(false),
            patience: STALLED,
            markers: Mutex::default(),
            buffers_made: AtomicU64::new(0),
        })
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

    /// Leave the queue alone from now on: the window is about to configure its surface. [`GpuContext::release`] ends it,
    /// or, should that not come, a moment later it ends by itself.
    pub fn hold(&self) {
        if !self.gate.close(WHILE_CONFIGURING) {
            log::warn!("work was being handed to the graphics device for too long");
        }
    }

    /// The queue may be used again.
    pub fn release(&self) {
        self.gate.open();
    }

    /// End all waiting for the device, for good: each wait returns an error. For a window that closes.
    pub fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
        self.gate.open();
    }

    /// Hand recorded work to the device. Waits while the window needs the queue for itself.
    pub fn submit(
        &self,
        commands: impl IntoIterator<Item = wgpu::CommandBuffer>,
    ) -> wgpu::SubmissionIndex {
        let _pass = (self.painter != Some(std::thread::current().id())).then(|| self.gate.pass());
        self.queue.submit(commands)
    }

    /// Wait until the device has done everything handed over so far.
    ///
    /// # Errors
    /// A fault of the device, or one that does not answer.
    pub fn wait(&self) -> Result<(), EngineError> {
        let spare = self
            .markers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let [from, to] = spare.unwrap_or_else(|| {
            let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
            [
                self.buffer("marker", 16, STORAGE),
                self.buffer("marker read-back", 16, usage),
            ]
        });
        // A copy behind all that was handed over: when it can be read, so is everything before it done.
        let mut encoder = self
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(&from, 0, &to, 0, 16);
        self.submit([encoder.finish()]);
        drop(self.read(&to)?);
        to.unmap();
        self.markers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push([from, to]);
        Ok(())
    }

    /// The bytes of a buffer with usage `MAP_READ` once the work on it is done; unmap it afterwards. Never waits for
    /// ever: it ends when the window closes, and after a while is an error.
    ///
    /// # Errors
    /// A fault of the device, or one that does not answer.
    pub fn read(&self, buffer: &wgpu::Buffer) -> Result<wgpu::BufferView, EngineError> {
        buffer.slice(..).map_async(wgpu::MapMode::Read, |_| {});
        self.await_mapping(buffer)
    }

    /// As [`GpuContext::read`], where the mapping was asked for before.
    ///
    /// # Errors
    /// A fault of the device, or one that does not answer.
    pub fn await_mapping(&self, buffer: &wgpu::Buffer) -> Result<wgpu::BufferView, EngineError> {
        let begun = Instant::now();
        let mut pause = LOOKS[0];
        loop {
            if let Some(view) = self.try_read(buffer)? {
                return Ok(view);
            }
            if self.abandoned.load(Ordering::Relaxed) {
                return Err(EngineError::Stalled("the lab is closing".into()));
            }
            if begun.elapsed() > self.patience {
                let secs = self.patience.as_secs_f32();
                return Err(EngineError::Stalled(format!(
                    "it did not answer for {secs} s"
                )));
            }
            std::thread::sleep(pause);
            pause = (2 * pause).min(LOOKS[1]);
        }
    }

    /// The bytes of a buffer whose mapping was asked for, if the work on it is done.
    ///
    /// Whether it is mapped is asked of the buffer, never of the mapping's callback: wgpu drops the callbacks of finished
    /// work when it refuses to configure a surface. And the device is looked at, not waited for: wgpu's wait with a limit
    /// panics where another thread sees the end of the work first.
    ///
    /// # Errors
    /// A fault of the device.
    pub fn try_read(&self, buffer: &wgpu::Buffer) -> Result<Option<wgpu::BufferView>, EngineError> {
        let polled = self.device.poll(wgpu::PollType::Poll);
        self.check()?;
        let status = polled.map_err(|error| EngineError::Device(error.to_string()))?;
        let view = buffer.slice(..).get_mapped_range().ok();
        if view.is_none() && status.is_queue_empty() {
            // All is done, and the mapping was lost: ask for it again.
            buffer.slice(..).map_async(wgpu::MapMode::Read, |_| {});
        }
        Ok(view)
    }

    /// A zeroed buffer of at least `size` bytes.
    pub fn buffer(&self, label: &str, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        let descriptor = wgpu::BufferDescriptor {
            label: Some(label),
            size: size.max(16),
            usage,
            mapped_at_creation: false,
        };
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
        self.queue
            .write_buffer(&buffer, 0, bytemuck::cast_slice(values));
        buffer
    }

    /// A uniform buffer that holds `value`.
    pub fn uniform<T: bytemuck::Pod>(&self, label: &str, value: &T) -> wgpu::Buffer {
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let buffer = self.buffer(label, size_of::<T>() as u64, usage);
        self.queue
            .write_buffer(&buffer, 0, bytemuck::bytes_of(value));
        buffer
    }

    /// Read bytes back from a buffer with usage `COPY_SRC`. Blocks.
    pub fn read_buffer(
        &self,
        buffer: &wgpu::Buffer,
        offset: u64,
        size: u64,
    ) -> Result<Vec<u8>, EngineError> {
        if size == 0 {
            return Ok(Vec::new());
        }
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("read-back"),
            size,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = self
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(buffer, offset, &staging, 0, size);
        self.submit([encoder.finish()]);
        let view = self.read(&staging)?;
        let bytes = view.to_vec();
        drop(view);
        staging.unmap();
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(patience: Duration) -> GpuContext {
        let mut context = Arc::into_inner(GpuContext::headless().unwrap()).unwrap();
        context.patience = patience;
        context
    }

    /// A mapping that is taken back is as one whose callback never comes: nothing but the buffer itself tells.
    #[test]
    fn what_a_buffer_holds_is_read_whatever_became_of_its_mapping() {
        let context = context(STALLED);
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let buffer = context.buffer("test", 16, usage);
        context.queue().write_buffer(&buffer, 0, &[7; 16]);
        context.submit([]);
        context.wait().unwrap();
        for asked in [false, true] {
            if asked {
                buffer.slice(..).map_async(wgpu::MapMode::Read, |_| {});
                buffer.unmap();
            }
            let view = (0..1000)
                .find_map(|_| context.try_read(&buffer).unwrap())
                .unwrap();
            assert_eq!(view.to_vec(), [7; 16]);
            drop(view);
            buffer.unmap();
        }
    }

    /// Several threads that wait at once, as a window and its worker do: wgpu's own wait with a limit panics here.
    #[test]
    fn two_threads_wait_for_the_device_at_once() {
        let context = Arc::new(context(STALLED));
        let waiting = || {
            for _ in 0..2000 {
                context.wait().unwrap();
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(waiting);
            scope.spawn(waiting);
        });
    }

    /// What does not come is an error after a while, in one sentence that says what to do.
    #[test]
    fn waiting_for_a_device_that_does_not_answer_has_a_bound() {
        let context = context(Duration::ZERO);
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        // Its mapping was not asked for, so that it is not there at the first look.
        let buffer = context.buffer("test", 16, usage);
        let text = context.await_mapping(&buffer).unwrap_err().to_string();
        assert!(
            text.contains("did not answer for 0 s") && text.contains("switch the engine"),
            "{text}"
        );
    }

    #[test]
    fn an_abandoned_device_keeps_nobody_waiting() {
        let context = context(STALLED);
        context.hold();
        context.abandon();
        let begun = Instant::now();
        context.submit([]);
        let _ = context.wait();
        assert!(begun.elapsed() < Duration::from_millis(500));
    }
}
