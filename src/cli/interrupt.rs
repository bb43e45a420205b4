//! Ctrl-C, SIGTERM and SIGHUP: the first asks a training to save and end, the second ends it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Signals that follow closer are one: who closes a terminal, or shuts a machine down, sends several at a time.
const ONE_WISH: Duration = Duration::from_millis(200);
/// As a shell tells that Ctrl-C ended a program.
const STATUS: i32 = 130;

/// Whether the user wants an end.
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listen from now on.
    ///
    /// # Errors
    /// Where the system lets nobody listen.
    pub fn listen() -> anyhow::Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        let flag = asked.clone();
        let mut first = None;
        ctrlc::set_handler(move || {
            let first: &mut Instant = first.get_or_insert_with(Instant::now);
            if flag.swap(true, Ordering::Relaxed) && first.elapsed() > ONE_WISH {
                std::process::exit(STATUS);
            }
        })?;
        Ok(Self(asked))
    }

    /// True from the first signal on.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
