//! Telling a coroutine that ran into its guard from any other fault.
//!
//! A handler for SIGSEGV and SIGBUS, on an alternate signal stack (the one that overflowed has no
//! room), looks whether the address lies in the guard of the coroutine that runs on this thread.
//! If so, it says which one, and aborts; if not, it hands the signal on to whoever handled it
//! before, so that the standard library's own report for threads still works. See sigaction(2),
//! sigaltstack(2).

use std::cell::UnsafeCell;
use std::fmt::{self, Write};
use std::mem::{self, MaybeUninit};
use std::ptr;
use std::sync::Once;

use super::slot;

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

/// What was installed before us, by signal.
struct Previous(UnsafeCell<MaybeUninit<libc::sigaction>>);

// SAFETY: written once, under `Once`, before our handler for that signal is installed; only read
// afterwards.
unsafe impl Sync for Previous {}

static PREVIOUS_SEGV: Previous = Previous(UnsafeCell::new(MaybeUninit::uninit()));
static PREVIOUS_BUS: Previous = Previous(UnsafeCell::new(MaybeUninit::uninit()));

fn install_handlers() {
    for (signal, previous) in [
        (libc::SIGSEGV, &PREVIOUS_SEGV),
        (libc::SIGBUS, &PREVIOUS_BUS),
    ] {
        // SAFETY: the action is a plain structure, filled in below; the previous one is read into
        // its static before ours is in place, and nobody else writes it (`Once`).
        unsafe {
            libc::sigaction(signal, ptr::null(), (*previous.0.get()).as_mut_ptr());
            let mut action: libc::sigaction = mem::zeroed();
            let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                on_fault;
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigaction(signal, &action, ptr::null_mut());
        }
    }
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
    // SAFETY: initialised before this handler was installed.
    let previous = unsafe { (*previous.0.get()).assume_init_ref() };
    match previous.sa_sigaction {
        libc::SIG_DFL | libc::SIG_IGN => {
            // The faulting instruction runs again and has the default effect.
            // SAFETY: a plain structure; SIG_DFL is its zero.
            let default: libc::sigaction = unsafe { mem::zeroed() };
            // SAFETY: restores the default action.
            unsafe { libc::sigaction(signal, &default, ptr::null_mut()) };
        }
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: whoever installed it with SA_SIGINFO gave a function of this type.
            let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                unsafe { mem::transmute(handler) };
            handler(signal, info, context);
        }
        handler => {
            // SAFETY: whoever installed it without SA_SIGINFO gave a function of this type.
            let handler: extern "C" fn(libc::c_int) = unsafe { mem::transmute(handler) };
            handler(signal);
        }
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
