//! Stacks: their sizes, and a pool that hands them out, takes them back and gives pages back.
//!
//! Not here: how memory is reserved and guarded ([`sys::memory`](crate::sys::memory)) and what runs
//! on a stack ([`sys::fiber`](crate::sys::fiber)).
//!
//! A returned stack is used again first, while its top pages are in the cache. Up to
//! [`MAX_DIRTY`] returned stacks keep their pages; those beyond it give them back to the system at
//! once, so a burst of a million coroutines does not stay in memory.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::sys::memory::{self, GUARD_PAGES, Region, Stack};

/// The size of a coroutine's stack unless something else is asked for: 256 KiB of address space,
/// guard included. Only pages that are touched take memory.
///
/// Enough for an HTTP handler with formatting and JSON several times over, and a million of them
/// fit easily into the 128 TiB a process has.
pub const DEFAULT_STACK_SIZE: usize = 256 * 1024;

/// The smallest stack that can be asked for: 32 KiB, guard included.
pub const MIN_STACK_SIZE: usize = 32 * 1024;

/// The largest stack that can be asked for: 1 GiB.
pub const MAX_STACK_SIZE: usize = 1 << 30;

/// How many returned stacks of one size keep their pages for quick reuse.
const MAX_DIRTY: usize = 512;

/// Slots of the first region of a size; each further region has twice as many.
const FIRST_REGION_SLOTS: usize = 64;

/// Regions do not grow beyond this many bytes of address space.
const MAX_REGION: usize = 8 << 30;

static DEFAULT: AtomicUsize = AtomicUsize::new(DEFAULT_STACK_SIZE);

/// Sets the stack size of coroutines spawned from now on, in every thread of the process, that do
/// not ask for their own; in bytes, guard included, rounded up to a power of two.
///
/// # Errors
///
/// `InvalidInput` if the size is below [`MIN_STACK_SIZE`] or above [`MAX_STACK_SIZE`].
///
/// # Examples
///
/// ```
/// eventlet_green::set_default_stack_size(64 * 1024)?;
/// # eventlet_green::set_default_stack_size(eventlet_green::DEFAULT_STACK_SIZE)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn set_default_stack_size(bytes: usize) -> io::Result<()> {
    DEFAULT.store(slot_size(bytes)?, Ordering::Relaxed);
    Ok(())
}

/// The stack size in force for coroutines that do not ask for their own, in bytes.
///
/// # Examples
///
/// ```
/// use eventlet_green::default_stack_size;
///
/// assert!(default_stack_size().is_power_of_two());
/// ```
pub fn default_stack_size() -> usize {
    DEFAULT.load(Ordering::Relaxed)
}

/// A size that was asked for, as the size of a slot.
fn slot_size(bytes: usize) -> io::Result<usize> {
    if !(MIN_STACK_SIZE..=MAX_STACK_SIZE).contains(&bytes) {
        let text = format!(
            "a coroutine's stack is between {MIN_STACK_SIZE} and {MAX_STACK_SIZE} bytes, not {bytes}"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    // Where pages are large, the guard must leave room for a stack.
    let least = 2 * GUARD_PAGES * memory::page_size();
    Ok(bytes.max(least).next_power_of_two())
}

/// The size of the stack that whoever asks for `bytes`, guard included, is given; `None` asks for the
/// default size.
///
/// # Errors
///
/// `InvalidInput`: the size is out of range.
pub(crate) fn size_for(bytes: Option<usize>) -> io::Result<usize> {
    bytes.map_or_else(|| Ok(default_stack_size()), slot_size)
}

/// A thread's stacks.
#[derive(Debug, Default)]
pub(crate) struct StackPool {
    /// One entry a size in use; powers of two, so there are few.
    classes: Vec<Class>,
}

#[derive(Debug)]
struct Class {
    size: usize,
    regions: Vec<Region>,
    /// Returned, with their pages. The last one in is the first one out.
    dirty: Vec<Stack>,
    /// Returned, without pages.
    clean: Vec<Stack>,
}

impl StackPool {
    /// A stack of at least `bytes` bytes, guard included; `None` asks for the default size.
    ///
    /// # Errors
    ///
    /// * `InvalidInput`: the size is out of range.
    /// * `OutOfMemory`: no address space or mapping is left; the message names the limit.
    pub(crate) fn acquire(&mut self, bytes: Option<usize>) -> io::Result<Stack> {
        let size = size_for(bytes)?;
        let class = match self.classes.iter().position(|class| class.size == size) {
            Some(index) => &mut self.classes[index],
            None => {
                self.classes.push(Class::new(size));
                self.classes.last_mut().expect("pushed just now")
            }
        };
        class.acquire()
    }

    /// Takes a stack back.
    pub(crate) fn release(&mut self, stack: Stack) {
        if let Some(class) = self
            .classes
            .iter_mut()
            .find(|class| class.size == stack.size())
        {
            class.release(stack);
        }
    }

    /// Gives the pages of all returned stacks back to the system; says how many had any.
    pub(crate) fn trim(&mut self) -> usize {
        let mut trimmed = 0;
        for class in &mut self.classes {
            trimmed += class.dirty.len();
            for mut stack in class.dirty.drain(..) {
                stack.discard_pages();
                class.clean.push(stack);
            }
        }
        trimmed
    }

    /// Gives everything back to the system, if every stack has been returned.
    pub(crate) fn release_regions(&mut self) {
        for class in self.classes.drain(..) {
            let Class {
                regions,
                mut dirty,
                mut clean,
                ..
            } = class;
            dirty.append(&mut clean);
            memory::unmap(regions, dirty);
        }
    }
}

impl Class {
    fn new(size: usize) -> Self {
        Class {
            size,
            regions: Vec::new(),
            dirty: Vec::new(),
            clean: Vec::new(),
        }
    }

    #[inline]
    fn acquire(&mut self) -> io::Result<Stack> {
        match self.dirty.pop().or_else(|| self.clean.pop()) {
            Some(stack) => Ok(stack),
            None => self.carve(),
        }
    }

    #[cold]
    fn carve(&mut self) -> io::Result<Stack> {
        if let Some(region) = self.regions.last_mut()
            && let Some(stack) = region.carve()?
        {
            return Ok(stack);
        }
        let most = (MAX_REGION / self.size).max(1);
        let doubled = FIRST_REGION_SLOTS << self.regions.len().min(usize::BITS as usize / 2);
        let mut slots = doubled.min(most);
        let region = loop {
            match Region::reserve(self.size, slots) {
                Ok(region) => break region,
                // Little address space left (`ulimit -v`): make do with less, down to one slot.
                Err(_) if slots > 1 => slots /= 2,
                Err(error) => return Err(error),
            }
        };
        self.regions.push(region);
        let region = self.regions.last_mut().expect("pushed just now");
        region
            .carve()?
            .ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    fn release(&mut self, mut stack: Stack) {
        if self.dirty.len() < MAX_DIRTY {
            self.dirty.push(stack);
        } else {
            stack.discard_pages();
            self.clean.push(stack);
        }
    }
}
