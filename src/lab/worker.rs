//! The thread that runs a [`Session`] beside the window: commands in, the latest [`Snapshot`] out.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, unbounded};

use super::experiment::Experiment;
use super::message::{Command, LossCurve, Notice, Order, Side, Slot, Snapshot, Snapshots, Status};
use super::session::{EngineFactory, Session};
use super::setup::Setup;
use crate::engine::gpu::GpuContext;
use crate::engine::{self, EngineChoice, EngineInfo, EngineKind, LOSS_BINS};

/// Called on the worker's thread whenever there is a new snapshot.
pub type OnChange = Box<dyn Fn() + Send>;

/// The worker. Dropping it ends the thread.
pub struct Worker {
    commands: Sender<Command>,
    wishes: Arc<Wishes>,
    latest: Arc<Mutex<Arc<Snapshot>>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Start the thread. The engine is made there: until it stands, the snapshot says "starting". `device` is the
    /// device that the window paints with.
    ///
    /// # Errors
    /// An experiment that cannot be prepared (one sentence), or a thread that cannot be made.
    pub fn spawn(
        experiment: Experiment,
        choice: EngineChoice,
        device: Option<Arc<GpuContext>>,
        on_change: OnChange,
    ) -> anyhow::Result<Self> {
        let factory: EngineFactory = Arc::new(move |choice| engine::create(choice, device.as_ref()));
        Self::spawn_with(experiment, choice, factory, on_change)
    }

    /// As [`Worker::spawn`], with engines of the caller's making.
    pub fn spawn_with(
        experiment: Experiment,
        choice: EngineChoice,
        factory: EngineFactory,
        on_change: OnChange,
    ) -> anyhow::Result<Self> {
        let setup = Setup::new(experiment).map_err(anyhow::Error::msg)?;
        let latest = Arc::new(Mutex::new(Arc::new(starting(&setup))));
        let (commands, inbox) = unbounded();
        let wishes = Arc::new(Wishes::default());
        let heard = wishes.clone();
        let outlet = Outlet { latest: latest.clone(), on_change };
        let thread = std::thread::Builder::new().name("lab".into()).spawn(move || {
            let run = AssertUnwindSafe(|| run(&setup, choice, &factory, &inbox, &heard, &outlet));
            if let Err(panic) = catch_unwind(run) {
                outlet.publish_panic(panic.as_ref());
            }
        })?;
        Ok(Self { commands, wishes, latest, thread: Some(thread) })
    }

    /// Send an order. After the thread ended it goes nowhere; the snapshot says why.
    pub fn send(&self, order: impl Into<Order>) {
        let Some(command) = order.into().command_for(Side::A) else { return };
        self.wishes.send(&command);
        if self.commands.send(command).is_err() {
            log::warn!("the worker has ended: a command was dropped");
        }
    }

    /// The latest snapshots. Never waits for work.
    pub fn snapshots(&self) -> Snapshots {
        Snapshots::one(self.snapshot())
    }

    /// The latest snapshot of A. Never waits for work.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        lock(&self.latest).clone()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.wishes.send(&Command::Quit);
        // An error means that the thread has ended by itself.
        let _ = self.commands.send(Command::Quit);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What waits in the channel for slots, known to the worker while a run keeps it from reading.
#[derive(Default)]
struct Wishes {
    waiting: Mutex<BTreeMap<Slot, u32>>,
    quit: AtomicBool,
}

impl Wishes {
    /// A command goes into the channel.
    fn send(&self, command: &Command) {
        match command {
            Command::Run(slot, _) | Command::StopRun(slot) => *lock(&self.waiting).entry(slot).or_default() += 1,
            Command::Quit => self.quit.store(true, Ordering::Relaxed),
            _ => {}
        }
    }

    /// A command was taken out of the channel.
    fn receive(&self, command: &Command) {
        if let Command::Run(slot, _) | Command::StopRun(slot) = command
            && let Some(count) = lock(&self.waiting).get_mut(slot)
        {
            *count = count.saturating_sub(1);
        }
    }

    /// True where a slot was asked for something else, or the window closes.
    fn supersede(&self, slot: Slot) -> bool {
        self.quit.load(Ordering::Relaxed) || lock(&self.waiting).get(slot).is_some_and(|count| *count > 0)
    }
}

/// Where snapshots go.
struct Outlet {
    latest: Arc<Mutex<Arc<Snapshot>>>,
    on_change: OnChange,
}

impl Outlet {
    fn publish(&self, snapshot: Snapshot) {
        *lock(&self.latest) = Arc::new(snapshot);
        (self.on_change)();
    }

    fn publish_panic(&self, panic: &(dyn Any + Send)) {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        let mut snapshot = Snapshot::clone(&lock(&self.latest));
        snapshot.status = Status::Fault {
            message: format!("the laboratory stopped unexpectedly ({text}); close the window and open it again"),
            can_restore: false,
        };
        snapshot.version += 1;
        self.publish(snapshot);
    }
}

/// A mutex that only guards a swap of pointers is sound even if a holder panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The body of the thread: takes the commands that wait, works, publishes; sleeps on the channel when idle.
fn run(
    setup: &Setup,
    choice: EngineChoice,
    factory: &EngineFactory,
    inbox: &Receiver<Command>,
    wishes: &Arc<Wishes>,
    outlet: &Outlet,
) {
    let Some(mut session) = open(setup, choice, factory, outlet) else {
        // Nothing runs: keep the fault on show until the window closes.
        while !matches!(inbox.recv(), Ok(Command::Quit) | Err(_)) {}
        return;
    };
    let heard = wishes.clone();
    session.set_superseded(Arc::new(move |slot| heard.supersede(slot)));
    let mut published = 0;
    let mut published_at = None;
    let mut waiting = Vec::new();
    loop {
        loop {
            match inbox.try_recv() {
                Ok(command) => waiting.push(command),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return,
            }
        }
        let obeyed = !waiting.is_empty();
        for command in &waiting {
            wishes.receive(command);
        }
        for command in coalesce(std::mem::take(&mut waiting)) {
            if matches!(command, Command::Quit) {
                return;
            }
            session.handle(command);
        }
        if obeyed && session.version() != published {
            // What was just asked for is seen before the work on it, which may be long, begins.
            published = session.version();
            outlet.publish(session.snapshot());
        }
        let tick = session.tick(budget(&session));
        let now = Instant::now();
        let due = published_at.is_none_or(|at| now.duration_since(at) >= publish_interval(&session));
        if session.version() != published && (due || obeyed || tick.idle) {
            published = session.version();
            published_at = Some(now);
            outlet.publish(session.snapshot());
        }
        let next = if tick.idle {
            inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else if tick.rest > Duration::ZERO {
            inbox.recv_timeout(tick.rest)
        } else {
            continue;
        };
        match next {
            Ok(command) => waiting.push(command),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Make the engine and the session. Where the wanted engine cannot be had, run on plain Rust and say so.
fn open(setup: &Setup, choice: EngineChoice, factory: &EngineFactory, outlet: &Outlet) -> Option<Session> {
    let start = |choice| Session::new(setup.clone(), factory(choice)?, factory.clone());
    let error = match start(choice) {
        Ok(session) => return Some(session),
        Err(error) => error,
    };
    match start(EngineChoice::Cpu) {
        Ok(mut session) => {
            session.notify(Notice::Error(format!("{error}; running on plain Rust until then")));
            Some(session)
        }
        Err(error) => {
            let mut snapshot = starting(setup);
            snapshot.status = Status::Fault { message: error.to_string(), can_restore: false };
            snapshot.version += 1;
            outlet.publish(snapshot);
            None
        }
    }
}

/// Of commands in a row that each replace the one before, only the last counts: a dragged slider sends many.
fn coalesce(commands: Vec<Command>) -> Vec<Command> {
    let mut kept: Vec<Command> = Vec::with_capacity(commands.len());
    for mut command in commands {
        match (kept.last(), &mut command) {
            (Some(Command::Configure { restart: earlier, .. }), Command::Configure { restart, .. }) => {
                *restart |= *earlier;
                kept.pop();
            }
            (Some(Command::Run(earlier, _)), Command::Run(slot, _)) if *earlier == *slot => {
                kept.pop();
            }
            (Some(Command::ShowDensity(_)), Command::ShowDensity(_))
            | (Some(Command::Interacting(_)), Command::Interacting(_)) => {
                kept.pop();
            }
            _ => {}
        }
        kept.push(command);
    }
    kept
}

/// Length of a slice of training: short where somebody waits for a frame on the same processor.
fn budget(session: &Session) -> Duration {
    let millis = match (session.engine_info().software, session.is_interacting()) {
        (true, false) => 50,
        (_, true) => 8,
        (false, false) => 12,
    };
    Duration::from_millis(millis)
}

/// Shortest time between two snapshots of a training: on the processor each frame is paid for by training.
fn publish_interval(session: &Session) -> Duration {
    Duration::from_millis(if session.engine_info().software { 220 } else { 15 })
}

/// What is seen before the engine stands.
fn starting(setup: &Setup) -> Snapshot {
    Snapshot {
        experiment: setup.experiment.clone(),
        dataset: setup.dataset.clone(),
        engine: EngineInfo {
            kind: EngineKind::Cpu,
            adapter: "starting".into(),
            backend: "starting".into(),
            software: true,
        },
        status: Status::Paused,
        step: 0,
        loss: None,
        curve: Arc::new(LossCurve::default()),
        timestep_loss: Arc::new([f32::NAN; LOSS_BINS]),
        steps_per_sec: 0.0,
        trained_secs: 0.0,
        quality: Arc::default(),
        changed_at: None,
        samples: None,
        samples_version: 0,
        runs: Arc::default(),
        density: None,
        version: 0,
        notice: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_changes_in_a_row_the_last_counts_and_a_wish_to_restart_is_kept() {
        let configure = |batch, restart| Command::Configure {
            experiment: Box::new(Experiment { batch, ..Experiment::default() }),
            restart,
        };
        let kept = coalesce(vec![configure(32, true), configure(64, false), Command::Play, configure(128, false)]);
        assert_eq!(kept.len(), 3);
        assert!(matches!(&kept[0], Command::Configure { experiment, restart: true } if experiment.batch == 64));
        assert!(matches!(kept[1], Command::Play));
        assert!(matches!(&kept[2], Command::Configure { experiment, restart: false } if experiment.batch == 128));
    }
}
