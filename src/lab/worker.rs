//! The thread that runs one experiment or two beside the window: orders in, the latest [`Snapshots`] out.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded, unbounded};

use super::experiment::Experiment;
use super::keeper::Keeper;
use super::message::{Command, Notice, Order, Snapshot, Snapshots, Status};
use super::pair::{Pair, PairVersion};
use super::session::{EngineFactory, Session};
use super::setup::Setup;
use engine::gpu::GpuContext;
use engine::{EngineChoice, EngineInfo, EngineKind};

/// Called on the worker's thread whenever there is a new snapshot.
pub type OnChange = Box<dyn Fn() + Send>;

/// How long a closing window waits for its worker: first for the work under way, then with the device given up.
const FAREWELL: [Duration; 2] = [Duration::from_millis(1200), Duration::from_millis(500)];

/// The worker. Dropping it ends the thread, or leaves it behind where it does not end: a window always closes.
pub struct Worker {
    orders: Sender<Order>,
    latest: Arc<Mutex<Snapshots>>,
    device: Option<Arc<GpuContext>>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
}

impl Worker {
    /// Start the thread. The engine is made there: until it stands, the snapshot says "starting". `device` is the
    /// device that the window paints with; `keeper` keeps the trainings on disk.
    ///
    /// # Errors
    /// An experiment that cannot be prepared (one sentence), or a thread that cannot be made.
    pub fn spawn(
        experiment: Experiment,
        choice: EngineChoice,
        device: Option<Arc<GpuContext>>,
        keeper: Option<Keeper>,
        on_change: OnChange,
    ) -> anyhow::Result<Self> {
        let setup = Setup::new(experiment).map_err(anyhow::Error::msg)?;
        Self::spawn_on(setup, choice, device, keeper, on_change)
    }

    /// As [`Worker::spawn`], of an experiment that is prepared already.
    ///
    /// # Errors
    /// A thread that cannot be made.
    pub fn spawn_on(
        setup: Setup,
        choice: EngineChoice,
        device: Option<Arc<GpuContext>>,
        keeper: Option<Keeper>,
        on_change: OnChange,
    ) -> anyhow::Result<Self> {
        let shared = device.clone();
        let factory: EngineFactory =
            Arc::new(move |choice| engine::create(choice, shared.as_ref()));
        let mut worker = Self::spawn_keeping(setup, choice, factory, keeper, on_change)?;
        worker.device = device;
        Ok(worker)
    }

    /// As [`Worker::spawn`], with engines of the caller's making.
    pub fn spawn_with(
        experiment: Experiment,
        choice: EngineChoice,
        factory: EngineFactory,
        on_change: OnChange,
    ) -> anyhow::Result<Self> {
        let setup = Setup::new(experiment).map_err(anyhow::Error::msg)?;
        Self::spawn_keeping(setup, choice, factory, None, on_change)
    }

    fn spawn_keeping(
        setup: Setup,
        choice: EngineChoice,
        factory: EngineFactory,
        keeper: Option<Keeper>,
        on_change: OnChange,
    ) -> anyhow::Result<Self> {
        let latest = Arc::new(Mutex::new(Snapshots::one(Arc::new(starting(&setup)))));
        let (orders, inbox) = unbounded();
        let outlet = Outlet {
            latest: latest.clone(),
            on_change,
        };
        let (alive, ended) = bounded(0);
        std::thread::Builder::new()
            .name("lab".into())
            .spawn(move || {
                let _alive = alive;
                let run = AssertUnwindSafe(|| {
                    run(&setup, choice, &factory, keeper, &inbox, &outlet);
                });
                if let Err(panic) = catch_unwind(run) {
                    outlet.publish_panic(panic.as_ref());
                }
            })?;
        Ok(Self {
            orders,
            latest,
            device: None,
            ended,
        })
    }

    /// Send an order. After the thread ended it goes nowhere; the snapshots say why.
    pub fn send(&self, order: impl Into<Order>) {
        let order = order.into();
        if self.orders.send(order).is_err() {
            log::warn!("the worker has ended: an order was dropped");
        }
    }

    /// The latest snapshots, of one moment. Never waits for work.
    pub fn snapshots(&self) -> Snapshots {
        lock(&self.latest).clone()
    }

    /// The latest snapshot of A. Never waits for work.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots().a
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let quit = Order::Both(Command::Quit);
        // An error means that the thread has ended by itself.
        let _ = self.orders.send(quit);
        let has_ended =
            |patience| self.ended.recv_timeout(patience) == Err(RecvTimeoutError::Disconnected);
        if has_ended(FAREWELL[0]) {
            return;
        }
        if let Some(device) = &self.device {
            device.abandon();
        }
        if !has_ended(FAREWELL[1]) {
            log::warn!("the laboratory did not end in time and is left behind");
        }
    }
}

/// Where snapshots go.
struct Outlet {
    latest: Arc<Mutex<Snapshots>>,
    on_change: OnChange,
}

impl Outlet {
    fn publish(&self, snapshots: Snapshots) {
        *lock(&self.latest) = snapshots;
        (self.on_change)();
    }

    fn publish_panic(&self, panic: &(dyn Any + Send)) {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        let mut snapshots = lock(&self.latest).clone();
        for snapshot in std::iter::once(&mut snapshots.a).chain(&mut snapshots.b) {
            let snapshot = Arc::make_mut(snapshot);
            snapshot.status = Status::Fault {
                message: format!(
                    "the laboratory stopped unexpectedly ({text}); close the window and open it again"
                ),
                can_restore: false,
            };
            snapshot.version += 1;
        }
        self.publish(snapshots);
    }
}

/// A mutex that only guards a swap of pointers is sound even if a holder panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Of two experiments a picture is published when both stand at the same step, or after so many intervals at the latest.
const LATEST: u32 = 3;

/// The body of the thread: takes the orders that wait, works, publishes; sleeps on the channel when idle.
fn run(
    setup: &Setup,
    choice: EngineChoice,
    factory: &EngineFactory,
    mut keeper: Option<Keeper>,
    inbox: &Receiver<Order>,
    outlet: &Outlet,
) {
    let Some(session) = open(setup, choice, factory, outlet) else {
        // Nothing runs: keep the fault on show until the window closes.
        while !matches!(inbox.recv(), Ok(Order::Both(Command::Quit)) | Err(_)) {}
        return;
    };
    let mut pair = Pair::new(session);
    pair.receive(keeper.iter().flat_map(Keeper::left_behind));
    let mut published = PairVersion::default();
    let mut published_at = None;
    let mut waiting = Vec::new();
    loop {
        loop {
            match inbox.try_recv() {
                Ok(order) => waiting.push(order),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return,
            }
        }
        let obeyed = !waiting.is_empty();
        for order in coalesce(std::mem::take(&mut waiting)) {
            if matches!(order, Order::Both(Command::Quit)) {
                if let Some(keeper) = &mut keeper {
                    keeper.finish(&mut pair);
                }
                return;
            }
            pair.handle(order);
        }
        if obeyed && pair.version() != published {
            // What was just asked for is seen before the work on it, which may be long, begins.
            published = pair.version();
            outlet.publish(pair.snapshots());
        }
        if let Some(keeper) = &mut keeper {
            keeper.keep_in_passing(&mut pair);
        }
        let tick = pair.tick(budget(&pair));
        let now = Instant::now();
        let due = published_at.is_none_or(|at| {
            let (since, interval) = (now.duration_since(at), publish_interval(&pair));
            since >= interval && (pair.is_level() || since >= LATEST * interval)
        });
        if pair.version() != published && (due || obeyed || tick.idle) {
            published = pair.version();
            published_at = Some(now);
            outlet.publish(pair.snapshots());
        }
        let next = if tick.idle {
            inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else if tick.rest > Duration::ZERO {
            inbox.recv_timeout(tick.rest)
        } else {
            continue;
        };
        match next {
            Ok(order) => waiting.push(order),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Make the engine and the session. Where the wanted engine cannot be had, run on plain Rust and say so.
fn open(
    setup: &Setup,
    choice: EngineChoice,
    factory: &EngineFactory,
    outlet: &Outlet,
) -> Option<Session> {
    let start = |choice| Session::new(setup.clone(), factory(choice)?, factory.clone());
    let error = match start(choice) {
        Ok(session) => return Some(session),
        Err(error) => error,
    };
    match start(EngineChoice::Cpu) {
        Ok(mut session) => {
            session.notify(Notice::Error(format!(
                "{error}; running on plain Rust until then"
            )));
            Some(session)
        }
        Err(error) => {
            let mut snapshot = starting(setup);
            snapshot.status = Status::Fault {
                message: error.to_string(),
                can_restore: false,
            };
            snapshot.version += 1;
            outlet.publish(Snapshots::one(Arc::new(snapshot)));
            None
        }
    }
}

/// Of orders in a row that each replace the one before, only the last counts: a dragged slider sends many. What goes to
/// the other side in between does not matter.
fn coalesce(orders: Vec<Order>) -> Vec<Order> {
    let mut kept: Vec<Order> = Vec::with_capacity(orders.len());
    for mut order in orders {
        let mut replaced = None;
        for (index, earlier) in kept.iter().enumerate().rev() {
            match (earlier, &mut order) {
                (Order::To(to, _), Order::To(side, _)) if to != side => continue,
                (Order::To(_, earlier), Order::To(_, command))
                | (Order::Both(earlier), Order::Both(command)) => {
                    replaced = replaces(earlier, command).then_some(index);
                }
                _ => {}
            }
            break;
        }
        if let Some(index) = replaced {
            kept.remove(index);
        }
        kept.push(order);
    }
    kept
}

/// True where a command makes the one before it needless. A wish to restart is kept.
fn replaces(earlier: &Command, command: &mut Command) -> bool {
    match (earlier, command) {
        (
            Command::Configure {
                restart: earlier, ..
            },
            Command::Configure { restart, .. },
        ) => {
            *restart = restart.or(*earlier);
            true
        }
        (Command::Run(earlier, _), Command::Run(slot, _)) => earlier == slot,
        (Command::ShowDensity(_), Command::ShowDensity(_))
        | (Command::Interacting(_), Command::Interacting(_)) => true,
        _ => false,
    }
}

/// Length of a slice of training: short where somebody waits for a frame on the same processor.
pub fn budget(pair: &Pair) -> Duration {
    let millis = match (pair.is_software(), pair.is_interacting()) {
        (true, false) => 50,
        (_, true) => 8,
        (false, false) => 12,
    };
    Duration::from_millis(millis)
}

/// Shortest time between two snapshots of a training: on the processor each frame is paid for by training.
fn publish_interval(pair: &Pair) -> Duration {
    Duration::from_millis(if pair.is_software() { 220 } else { 15 })
}

/// What is seen before the engine stands.
fn starting(setup: &Setup) -> Snapshot {
    let engine = EngineInfo {
        kind: EngineKind::Cpu,
        adapter: "starting".into(),
        backend: "starting".into(),
        software: true,
    };
    Snapshot::starting(setup, engine)
}

#[cfg(test)]
mod tests {
    use super::super::message::Restart::{self, Anew, Keep};
    use super::*;
    use crate::side::Side;

    fn configure(batch: u32, restart: Restart) -> Command {
        Command::Configure {
            experiment: Box::new(Experiment {
                batch,
                ..Experiment::default()
            }),
            restart,
        }
    }

    fn batch_of(order: &Order) -> Option<(u32, Restart)> {
        match order {
            Order::Both(Command::Configure {
                experiment,
                restart,
            })
            | Order::To(
                _,
                Command::Configure {
                    experiment,
                    restart,
                },
            ) => Some((experiment.batch, *restart)),
            _ => None,
        }
    }

    #[test]
    fn of_many_changes_in_a_row_the_last_counts_and_a_wish_to_restart_is_kept() {
        let both = |batch, restart| Order::Both(configure(batch, restart));
        let kept = coalesce(vec![
            both(32, Anew),
            both(64, Keep),
            Command::Play.into(),
            both(128, Keep),
        ]);
        assert_eq!(kept.len(), 3);
        assert_eq!(batch_of(&kept[0]), Some((64, Anew)));
        assert!(matches!(kept[1], Order::Both(Command::Play)));
        assert_eq!(batch_of(&kept[2]), Some((128, Keep)));
    }

    #[test]
    fn each_side_has_its_own_last_wish_and_a_swap_parts_before_from_after() {
        let to = |side, batch| Order::To(side, configure(batch, Keep));
        let (a, b) = (Side::A, Side::B);
        let kept = coalesce(vec![
            to(a, 32),
            to(b, 64),
            to(a, 128),
            to(b, 256),
            Order::Swap,
            to(a, 512),
        ]);
        let batches: Vec<_> = kept
            .iter()
            .map(|order| batch_of(order).map(|(batch, _)| batch))
            .collect();
        assert_eq!(batches, [Some(128), Some(256), None, Some(512)]);
        assert!(
            matches!(kept[0], Order::To(Side::A, _)) && matches!(kept[1], Order::To(Side::B, _))
        );
    }
}
