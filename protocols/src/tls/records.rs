//! Records that have come and were not dealt with: a window in a buffer that is lent for as long as
//! there is something in it.
//!
//! An idle connection has none of it. The memory is set to zero once, when it is made, and used again
//! as it is by other connections of the thread. What is in the records is the business of
//! [`session`](super::session).

use std::cell::RefCell;
use std::io;

/// The largest record there is: a header, 2^14 bytes, and what TLS 1.2 lets encryption add
/// (RFC 5246 section 6.2.3).
const LARGEST_RECORD: usize = 5 + (1 << 14) + 2048;

/// The most that waits for its rest: a handshake message may be 64 KiB here (rustls accepts no
/// longer one), and comes in records that each have their own header. A peer that sends more
/// without ever completing a message is turned away.
pub(super) const MOST_WAITING: usize = 6 * LARGEST_RECORD;

/// The most buffers that a thread keeps.
const MOST_POOLED: usize = 64;

thread_local! {
    static POOL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of the pool's, of [`LARGEST_RECORD`] bytes; a new one if there is none, or no pool
/// any more.
fn lend() -> Vec<u8> {
    let pooled = POOL.try_with(|pool| pool.borrow_mut().pop());
    pooled
        .ok()
        .flatten()
        .unwrap_or_else(|| vec![0; LARGEST_RECORD])
}

fn take_back(memory: Vec<u8>) {
    if memory.len() != LARGEST_RECORD {
        return;
    }
    // The thread is ending: then it is dropped.
    let _ = POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        if pool.len() < MOST_POOLED {
            pool.push(memory);
        }
    });
}

/// What waits is from `start` to `end` of the memory.
#[derive(Default)]
pub(super) struct Records {
    memory: Vec<u8>,
    start: usize,
    end: usize,
}

impl Records {
    pub(super) fn waiting(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    /// What waits, to be decrypted in its place.
    pub(super) fn waiting_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.end]
    }

    /// Drops the first bytes of what waits.
    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end);
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Lets `read` fill free room; says how much it read.
    ///
    /// # Errors
    ///
    /// What `read` gives; `InvalidData` if there is no room that may be had.
    pub(super) fn fill(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        if self.end == self.memory.len() {
            self.make_room()?;
        }
        let count = read(&mut self.memory[self.end..])?;
        self.end += count;
        Ok(count)
    }

    fn make_room(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.memory.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        } else if self.memory.is_empty() {
            self.memory = lend();
        } else if self.end < MOST_WAITING {
            self.memory.resize(MOST_WAITING, 0);
        } else {
            let text = "the peer has sent too much of an unfinished handshake message";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(())
    }

    /// Gives the memory back if nothing is in it.
    pub(super) fn rest(&mut self) {
        if self.start == self.end && !self.memory.is_empty() {
            let memory = std::mem::take(&mut self.memory);
            take_back(memory);
        }
    }
}

// What an error leaves in it is nobody's, and other connections' records are overwritten before
// anybody reads there.
impl Drop for Records {
    fn drop(&mut self) {
        take_back(std::mem::take(&mut self.memory));
    }
}
