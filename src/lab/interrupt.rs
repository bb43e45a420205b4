//! Ctrl-C, SIGTERM and SIGHUP: the first asks for an end in good order, the second ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Signals that follow closer are one: who closes a terminal, or shuts a machine down, sends several at a time.
const ONE_WISH: Duration = Duration::from_millis(200);
/// As a shell tells that Ctrl-C ended a program.
pub const STATUS: i32 = 130;

/// Whether the user wants an end.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listen from now on; `on_first` is called at the first signal, on a thread of its own. Once a process.
    ///
    /// # Errors
    /// Where the system lets nobody listen.
    pub fn listen(on_first: impl Fn() + Send + 'static) -> Result<Self, ctrlc::Error> {
        let interrupt = Self::default();
        let asked = interrupt.0.clone();
        let mut first = None;
        ctrlc::set_handler(move || {
            let first: &mut Instant = first.get_or_insert_with(Instant::now);
            if !asked.swap(true, Ordering::Relaxed) {
                on_first();
            } else if first.elapsed() > ONE_WISH {
                std::process::exit(STATUS);
            }
        })?;
        Ok(interrupt)
    }

    /// True from the first signal on.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
