//! A signal's handler, put before the one that the program has. See sigaction(2).

use std::cell::UnsafeCell;
use std::mem::{self, MaybeUninit};
use std::ptr;

type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);

/// What was installed before ours, for one signal.
pub(crate) struct Previous(UnsafeCell<MaybeUninit<libc::sigaction>>);

// SAFETY: written once (its users have a `Once`), before our handler for that signal is installed;
// only read afterwards.
unsafe impl Sync for Previous {}

/// Whether there was somebody to hand a signal on to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandedOn {
    ToHandler,
    Nobody,
}

impl Previous {
    pub(crate) const fn new() -> Self {
        Previous(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// Installs `handler`, on the alternate stack, and keeps what was there. To be called once.
    pub(crate) fn replace(&self, signal: libc::c_int, flags: libc::c_int, handler: Handler) {
        // SAFETY: the action is a plain structure, filled in below; the previous one is read into
        // its static before ours is in place, and nobody else writes it (called once).
        unsafe {
            libc::sigaction(signal, ptr::null(), (*self.0.get()).as_mut_ptr());
            let mut action: libc::sigaction = mem::zeroed();
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | flags;
            libc::sigaction(signal, &action, ptr::null_mut());
        }
    }

    /// Calls the handler that was there before, if there was one. Called in ours.
    pub(crate) fn hand_on(
        &self,
        signal: libc::c_int,
        info: *mut libc::siginfo_t,
        context: *mut libc::c_void,
    ) -> HandedOn {
        // SAFETY: initialised before our handler was installed.
        let previous = unsafe { (*self.0.get()).assume_init_ref() };
        match previous.sa_sigaction {
            libc::SIG_DFL | libc::SIG_IGN => return HandedOn::Nobody,
            handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
                // SAFETY: whoever installed it with SA_SIGINFO gave a function of this type.
                let handler: Handler = unsafe { mem::transmute(handler) };
                handler(signal, info, context);
            }
            handler => {
                // SAFETY: whoever installed it without SA_SIGINFO gave a function of this type.
                let handler: extern "C" fn(libc::c_int) = unsafe { mem::transmute(handler) };
                handler(signal);
            }
        }
        HandedOn::ToHandler
    }
}
