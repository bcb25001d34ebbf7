//! Address space for stacks: regions of equal slots, a guard at the bottom of each slot.
//!
//! ```text
//!  region ┌ slot ─────────────────────────────┬ slot ───────────────────────── … ┐
//!         │ guard │ stack, growing down ◄──── │ guard │ stack ◄────               │
//!         └───────┴───────────────────────────┴───────┴────────────────────── … ─┘
//!         bottom                           top
//! ```
//!
//! A region is reserved, not committed (`MAP_NORESERVE`), and kept off huge pages, so that a slot
//! costs the pages it has touched. Guards are markers in the page table where the kernel has them
//! (`MADV_GUARD_INSTALL`, Linux 6.13), which makes no extra mapping; elsewhere `mprotect`, two
//! mappings a slot. Which slot is free, and when pages are given back, is the business of
//! [`stack`](crate::stack).

use std::io;
use std::num::NonZeroUsize;
use std::ptr;
use std::sync::atomic::{AtomicU8, Ordering};

/// `MADV_GUARD_INSTALL` of `<linux/mman.h>` (Linux 6.13).
#[cfg(target_os = "linux")]
const MADV_GUARD_INSTALL: libc::c_int = 102;

/// One page would stop Rust code, which probes every page of a large frame. Code of other languages
/// need not; four pages catch its usual buffers as well, and cost no memory.
pub(crate) const GUARD_PAGES: usize = 4;

/// Taking a coroutine's frames may need so much of its stack. Between 3 and 5 KiB were found to be
/// needed on x86-64 with glibc 2.36 or later; less than is needed would run into the guard.
pub(crate) const LOOK_NEEDS: usize = 8 * 1024;

/// How many pages are asked for at a time: a stack of the default size, or part of a larger one.
#[cfg(not(target_os = "openbsd"))]
const TOUCHED_CHUNK: usize = 64;

/// How guards are made on this system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GuardKind {
    /// Markers in the page table: no mapping of their own.
    Marker,
    /// Protected pages: two mappings for every stack, so the number of stacks is limited by the
    /// number of mappings a process may have (`vm.max_map_count` on Linux).
    Protected,
}

/// Memory for one coroutine: from the bottom of its guard up to its top.
#[derive(Debug)]
pub(crate) struct Stack {
    bottom: NonZeroUsize,
    top: NonZeroUsize,
}

impl Stack {
    /// The lowest address: the bottom of the guard.
    pub(crate) fn bottom(&self) -> NonZeroUsize {
        self.bottom
    }

    /// One past the highest address, where execution starts.
    pub(crate) fn top(&self) -> NonZeroUsize {
        self.top
    }

    /// Guard and stack together, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.top.get() - self.bottom.get()
    }

    /// How much of a stack has memory, from its top down, in bytes: the most that it, or whoever had
    /// it before, has used since its pages were last given back. `None` where the system does not
    /// tell. See mincore(2).
    ///
    /// `bottom` and `size` are those of a slot of a region; any other range is answered as well, or
    /// `None`.
    #[cfg(not(target_os = "openbsd"))]
    pub(crate) fn touched(bottom: usize, size: usize) -> Option<usize> {
        let page = page_size();
        let top = bottom + size;
        let mut pages = [0_u8; TOUCHED_CHUNK];
        let mut from = bottom + GUARD_PAGES * page;
        while from < top {
            let count = ((top - from) / page).min(TOUCHED_CHUNK);
            // SAFETY: the kernel writes a byte a page into `pages`, which has room for `count`; the
            // range itself is not accessed, and need not be mapped.
            let outcome = unsafe {
                libc::mincore(
                    ptr::with_exposed_provenance_mut(from),
                    count * page,
                    pages.as_mut_ptr().cast(),
                )
            };
            if outcome != 0 {
                return None;
            }
            if let Some(first) = pages[..count].iter().position(|page| page & 1 != 0) {
                return Some(top - from - first * page);
            }
            from += count * page;
        }
        Some(0)
    }

    /// The same on OpenBSD, which has no mincore(2) since 6.5.
    #[cfg(target_os = "openbsd")]
    pub(crate) fn touched(_bottom: usize, _size: usize) -> Option<usize> {
        None
    }

    /// Gives the stack's pages back to the system; they read as zero when they are next touched.
    /// The guard stays.
    pub(crate) fn discard_pages(&mut self) {
        let usable = self.bottom.get() + GUARD_PAGES * page_size();
        let length = self.top.get() - usable;
        // SAFETY: the range is the usable part of this slot, which this value owns exclusively and
        // nobody runs on (it was taken from a finished fiber, or was never used). A failure
        // leaves the pages as they are.
        unsafe {
            libc::madvise(
                ptr::with_exposed_provenance_mut(usable),
                length,
                libc::MADV_DONTNEED,
            )
        };
    }
}

/// A piece of address space that holds slots of one size.
#[derive(Debug)]
pub(crate) struct Region {
    start: NonZeroUsize,
    length: usize,
    slot_size: usize,
    /// Slots from here on were never handed out, and have no guard yet.
    next: usize,
}

impl Region {
    /// Reserves `slots` slots of `slot_size` bytes (guard included; a multiple of the page size).
    ///
    /// # Errors
    ///
    /// `OutOfMemory` when the system has no address space left for it, or no mapping.
    pub(crate) fn reserve(slot_size: usize, slots: usize) -> io::Result<Self> {
        let length = slot_size
            .checked_add(page_size())
            .and_then(|stride| stride.checked_mul(slots))
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | RESERVE_FLAG | STACK_FLAG;
        // SAFETY: a fresh anonymous mapping at an address of the kernel's choice touches no other.
        let start = unsafe { libc::mmap(ptr::null_mut(), length, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(explain_mapping_limit(io::Error::last_os_error()));
        }
        #[cfg(target_os = "linux")]
        // SAFETY: the range was mapped just now. Failing (no huge pages in this kernel) is fine.
        unsafe {
            libc::madvise(start, length, libc::MADV_NOHUGEPAGE)
        };
        let start =
            NonZeroUsize::new(start.expose_provenance()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Region {
            start,
            length,
            slot_size,
            next: 0,
        })
    }

    /// The next slot that was never used, with its guard put up; `None` when all are handed out.
    ///
    /// # Errors
    ///
    /// `OutOfMemory` when the guard cannot be made, which names the limit on mappings.
    pub(crate) fn carve(&mut self) -> io::Result<Option<Stack>> {
        let offset = self.next * (self.slot_size + page_size());
        if offset + self.slot_size > self.length {
            return Ok(None);
        }
        let bottom = self.start.saturating_add(offset);
        install_guard(bottom.get())?;
        self.next += 1;
        Ok(Some(Stack {
            bottom,
            top: bottom.saturating_add(self.slot_size),
        }))
    }
}

/// Unmaps regions, given every stack that was carved from them. Whoever owns them all knows that
/// nobody runs on any; if some are missing, nothing is unmapped, and the address space is lost.
pub(crate) fn unmap(regions: Vec<Region>, stacks: Vec<Stack>) {
    let carved: usize = regions.iter().map(|region| region.next).sum();
    if carved != stacks.len() {
        return;
    }
    for region in regions {
        // SAFETY: the range is the region's own mapping, and every stack in it was given to us.
        unsafe {
            libc::munmap(
                ptr::with_exposed_provenance_mut(region.start.get()),
                region.length,
            )
        };
    }
}

/// How guards are made here. Found out by the first guard.
pub(crate) fn guard_kind() -> GuardKind {
    match GUARD_KIND.load(Ordering::Relaxed) {
        GUARD_PROTECTED => GuardKind::Protected,
        _ => GuardKind::Marker,
    }
}

/// The size of a page, in bytes.
pub(crate) fn page_size() -> usize {
    // SAFETY: sysconf reads a constant of the system.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).expect("a system has a page size")
}

/// Not yet known, or markers: try a marker.
const GUARD_MARKER: u8 = 0;
/// Markers were refused, or are switched off: protect pages.
const GUARD_PROTECTED: u8 = 1;

static GUARD_KIND: AtomicU8 = AtomicU8::new(
    if cfg!(all(target_os = "linux", not(eventlet_mprotect_guard))) {
        GUARD_MARKER
    } else {
        GUARD_PROTECTED
    },
);

fn install_guard(bottom: usize) -> io::Result<()> {
    let length = GUARD_PAGES * page_size();
    let bottom: *mut libc::c_void = ptr::with_exposed_provenance_mut(bottom);
    #[cfg(target_os = "linux")]
    if GUARD_KIND.load(Ordering::Relaxed) == GUARD_MARKER {
        // SAFETY: the range lies in a region of ours, in a slot that nobody uses yet.
        if unsafe { libc::madvise(bottom, length, MADV_GUARD_INSTALL) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINVAL) {
            return Err(error);
        }
        // A kernel from before 6.13 does not know the advice, and never will.
        GUARD_KIND.store(GUARD_PROTECTED, Ordering::Relaxed);
    }
    // SAFETY: as above.
    if unsafe { libc::mprotect(bottom, length, libc::PROT_NONE) } == 0 {
        return Ok(());
    }
    Err(explain_mapping_limit(io::Error::last_os_error()))
}

/// A process that has used up its mappings is told `ENOMEM`; say what that means.
fn explain_mapping_limit(error: io::Error) -> io::Error {
    if error.raw_os_error() != Some(libc::ENOMEM) {
        return error;
    }
    let limit = if cfg!(target_os = "linux") {
        std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap_or_default()
    } else {
        String::new()
    };
    let text = match (guard_kind(), limit.trim()) {
        (GuardKind::Protected, limit) if !limit.is_empty() => format!(
            "no memory mapping left for another coroutine's stack: each takes two, and \
             vm.max_map_count is {limit}; raise it, or use a kernel with MADV_GUARD_INSTALL (6.13)"
        ),
        _ => format!("no address space left for another coroutine's stack ({error})"),
    };
    io::Error::new(io::ErrorKind::OutOfMemory, text)
}

/// OpenBSD kills a process whose stack pointer points to memory without it (mmap(2)), and NetBSD has it
/// for the same purpose.
#[cfg(any(target_os = "openbsd", target_os = "netbsd"))]
const STACK_FLAG: libc::c_int = libc::MAP_STACK;
/// On Linux it means nothing. On FreeBSD it means one stack that grows down through all of the mapping
/// (mmap(2)), which is not what a region of many is.
#[cfg(not(any(target_os = "openbsd", target_os = "netbsd")))]
const STACK_FLAG: libc::c_int = 0;

/// FreeBSD and DragonFly do not have the flag: they reserve nothing in any case.
#[cfg(any(target_os = "freebsd", target_os = "dragonfly"))]
const RESERVE_FLAG: libc::c_int = 0;
#[cfg(not(any(target_os = "freebsd", target_os = "dragonfly")))]
const RESERVE_FLAG: libc::c_int = libc::MAP_NORESERVE;
