//! Telling a coroutine that ran into its guard from any other fault.
//!
//! A handler for SIGSEGV and SIGBUS, on an alternate signal stack (the one that overflowed has no
//! room), looks whether the address lies in the guard of the coroutine that runs on this thread.
//! If so, it says which one, and aborts; if not, it hands the signal on to whoever handled it
//! before, so that the standard library's own report for threads still works. See sigaction(2),
//! sigaltstack(2).

use std::fmt::{self, Write};
use std::mem::{self, MaybeUninit};
use std::ptr;
use std::sync::Once;

use super::action::{HandedOn, Previous};
use crate::sys::slot;

/// Room for the handler and the formatting of one line, with the widest register state saved.
const ALTERNATE_STACK: usize = 64 * 1024;

/// The longest report; a longer one is cut.
const REPORT_LENGTH: usize = 512;

/// This thread's alternate signal stack, where the thread came without one (threads that the
/// standard library starts have theirs).
pub(crate) struct AlternateStack {
    /// Kept for as long as the kernel may use it.
    memory: Option<Box<[MaybeUninit<u8>]>>,
}

impl AlternateStack {
    /// Gives the thread an alternate stack if it has none, and installs the handlers once for the
    /// process.
    pub(crate) fn ensure() -> Self {
        static HANDLERS: Once = Once::new();
        HANDLERS.call_once(install_handlers);
        // SAFETY: a plain structure for the kernel to fill in.
        let mut current: libc::stack_t = unsafe { mem::zeroed() };
        // SAFETY: reads the thread's setting into a valid place.
        unsafe { libc::sigaltstack(ptr::null(), &mut current) };
        if current.ss_flags & libc::SS_DISABLE == 0 {
            return AlternateStack { memory: None };
        }
        let mut memory = Box::new_uninit_slice(ALTERNATE_STACK);
        let setting = libc::stack_t {
            ss_sp: memory.as_mut_ptr().cast(),
            ss_flags: 0,
            ss_size: ALTERNATE_STACK,
        };
        // SAFETY: the memory stays where it is until `drop` has withdrawn it.
        unsafe { libc::sigaltstack(&setting, ptr::null_mut()) };
        AlternateStack {
            memory: Some(memory),
        }
    }
}

impl Drop for AlternateStack {
    fn drop(&mut self) {
        if self.memory.is_none() {
            return;
        }
        let none = libc::stack_t {
            ss_sp: ptr::null_mut(),
            ss_flags: libc::SS_DISABLE,
            ss_size: 0,
        };
        // SAFETY: withdraws what `ensure` set for this thread; no handler runs on it now.
        unsafe { libc::sigaltstack(&none, ptr::null_mut()) };
    }
}

static PREVIOUS_SEGV: Previous = Previous::new();
static PREVIOUS_BUS: Previous = Previous::new();

fn install_handlers() {
    PREVIOUS_SEGV.replace(libc::SIGSEGV, 0, on_fault);
    PREVIOUS_BUS.replace(libc::SIGBUS, 0, on_fault);
}

extern "C" fn on_fault(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    // SAFETY: the kernel passes a valid siginfo to a handler installed with SA_SIGINFO.
    let address = unsafe { (*info).si_addr() } as usize;
    let mut report = Report {
        bytes: [0; REPORT_LENGTH],
        length: 0,
    };
    let overflowed = slot::with(|scheduler| scheduler.describe_overflow(address, &mut report));
    if let Some(Ok(true)) = overflowed {
        // SAFETY: writes initialised bytes; nothing can be done about a failure.
        unsafe {
            libc::write(
                libc::STDERR_FILENO,
                report.bytes.as_ptr().cast(),
                report.length,
            )
        };
        // SAFETY: never returns; async-signal-safe.
        unsafe { libc::abort() };
    }
    let previous = if signal == libc::SIGSEGV {
        &PREVIOUS_SEGV
    } else {
        &PREVIOUS_BUS
    };
    if previous.hand_on(signal, info, context) == HandedOn::Nobody {
        // The faulting instruction runs again and has the default effect.
        // SAFETY: a plain structure; SIG_DFL is its zero.
        let default: libc::sigaction = unsafe { mem::zeroed() };
        // SAFETY: restores the default action.
        unsafe { libc::sigaction(signal, &default, ptr::null_mut()) };
    }
}

/// A line put together without allocating: a signal handler must not.
struct Report {
    bytes: [u8; REPORT_LENGTH],
    length: usize,
}

impl Write for Report {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = REPORT_LENGTH - self.length;
        let taken = text.len().min(room);
        self.bytes[self.length..self.length + taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.length += taken;
        Ok(())
    }
}
