//! What takes longer than a frame and is not the lab's: computed in a thread, one at a time, and kept until what it
//! depends on changes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use egui::Context;

use lab::message::fresh_version;

/// A value that follows from a key. While a new one is computed there is none: the last is of something else.
pub struct Background<K, V> {
    done: Option<(K, Arc<V>)>,
    /// `done` is of the key that is followed.
    current: bool,
    under_way: Option<(K, Receiver<V>)>,
    version: u64,
}

impl<K, V> Default for Background<K, V> {
    fn default() -> Self {
        Self {
            done: None,
            current: false,
            under_way: None,
            version: 0,
        }
    }
}

impl<K: PartialEq, V: Send + Sync + 'static> Background<K, V> {
    /// The value of `key`, if it is there. Asks for a frame when it arrives.
    pub fn follow(
        &mut self,
        ctx: &Context,
        key: K,
        make: impl FnOnce() -> V + Send + 'static,
    ) -> Option<Arc<V>> {
        self.take();
        self.current = self.done.as_ref().is_some_and(|(of, _)| *of == key);
        if !self.current && self.under_way.is_none() {
            let (outlet, arriving) = channel();
            let ctx = ctx.clone();
            let thread = std::thread::Builder::new()
                .name("chapter".into())
                .spawn(move || {
                    // The chapter may have been closed meanwhile: then nobody waits for the value.
                    let _ = outlet.send(make());
                    ctx.request_repaint();
                });
            match thread {
                Ok(_) => self.under_way = Some((key, arriving)),
                Err(error) => log::warn!(
                    "a curve of this chapter cannot be computed: no thread could start ({error})"
                ),
            }
        }
        self.value()
    }

    fn take(&mut self) {
        let Some((key, arriving)) = self.under_way.take() else {
            return;
        };
        match arriving.try_recv() {
            Ok(value) => {
                self.version = fresh_version();
                self.done = Some((key, Arc::new(value)));
            }
            Err(TryRecvError::Empty) => self.under_way = Some((key, arriving)),
            Err(TryRecvError::Disconnected) => {
                log::warn!("a curve of this chapter could not be computed");
            }
        }
    }

    /// The value of the key that is followed.
    pub fn value(&self) -> Option<Arc<V>> {
        self.done
            .as_ref()
            .filter(|_| self.current)
            .map(|(_, value)| value.clone())
    }

    /// Another with every new value.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// True while a value is computed.
    pub fn is_busy(&self) -> bool {
        self.under_way.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once_per_key_and_no_other_stands_for_it() {
        let ctx = Context::default();
        let mut squares = Background::default();
        let wait = |squares: &mut Background<u64, u64>, key: u64| {
            for _ in 0..1000 {
                squares.follow(&ctx, key, move || key * key);
                if !squares.is_busy() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            squares.value().map(|v| *v)
        };
        assert_eq!(wait(&mut squares, 3), Some(9));
        let version = squares.version();
        assert_eq!(wait(&mut squares, 3), Some(9));
        assert_eq!(squares.version(), version);
        let (release, gate) = channel::<()>();
        squares.follow(&ctx, 4, move || {
            let _ = gate.recv();
            16
        });
        assert!(squares.is_busy());
        assert_eq!(squares.value(), None);
        release.send(()).unwrap();
        assert_eq!(wait(&mut squares, 4), Some(16));
    }
}
