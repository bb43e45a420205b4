//! The way to the queue, which a window closes while it configures its surface.
//!
//! wgpu configures a surface only while nothing is in flight, and refuses it otherwise. A training keeps the queue full,
//! so at the first sign of a new size the window closes the gate: no more work is handed over, what is in flight ends,
//! the surface is configured, the gate opens again.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longest time that a closed gate keeps anybody waiting, should nobody open it.
const LONGEST: Duration = Duration::from_secs(2);

/// Open, or closed until some moment.
#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    closed_until: Option<Instant>,
    /// How many are handing over work just now.
    inside: u32,
}

/// The right to hand over work, while it lives.
#[derive(Debug)]
pub struct Pass<'a>(&'a Gate);

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.lock().inside -= 1;
        self.0.changed.notify_all();
    }
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wait until the gate is open, then pass.
    pub fn pass(&self) -> Pass<'_> {
        let mut state = self.lock();
        while let Some(until) = state.closed_until {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.closed_until = None;
                break;
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state.inside += 1;
        Pass(self)
    }

    /// Close for at most `span`, and wait until nobody is inside. False where somebody stayed inside for too long.
    pub fn close(&self, span: Duration) -> bool {
        let mut state = self.lock();
        state.closed_until = Some(Instant::now() + span.min(LONGEST));
        let deadline = Instant::now() + LONGEST;
        while state.inside > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    /// Open.
    pub fn open(&self) {
        let mut state = self.lock();
        if state.closed_until.take().is_some() {
            self.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn nobody_passes_a_closed_gate_and_all_pass_when_it_opens() {
        let gate = Arc::new(Gate::default());
        assert!(gate.close(LONGEST));
        let passed = Arc::new(AtomicU32::new(0));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (gate, passed) = (gate.clone(), passed.clone());
                std::thread::spawn(move || {
                    let _pass = gate.pass();
                    passed.fetch_add(1, Ordering::SeqCst);
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(passed.load(Ordering::SeqCst), 0);
        gate.open();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(passed.load(Ordering::SeqCst), 4);
    }

    #[test]
    fn closing_waits_for_those_inside() {
        let gate = Arc::new(Gate::default());
        let pass = gate.pass();
        let closing = {
            let gate = gate.clone();
            std::thread::spawn(move || gate.close(LONGEST))
        };
        std::thread::sleep(Duration::from_millis(50));
        assert!(!closing.is_finished());
        drop(pass);
        assert!(closing.join().unwrap());
    }

    #[test]
    fn a_gate_that_nobody_opens_opens_by_itself() {
        let gate = Gate::default();
        gate.close(Duration::from_millis(40));
        let begun = Instant::now();
        drop(gate.pass());
        assert!(begun.elapsed() >= Duration::from_millis(35));
    }
}
