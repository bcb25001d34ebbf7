//! All unsafe code of the suite: the unsafe half of the `Hub` trait, `fork`, signal handlers, and
//! descriptors that are closed behind a hub's back. No test lives here.
#![allow(
    unsafe_code,
    reason = "the one file of this crate that may: the trait, fork and sigaction are unsafe"
)]

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use eventlet_hub::{Capabilities, Events, Hub, Interest, Token, Waker};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

/// A hub written without unsafe code: it trusts descriptors to stay open, as every hub does.
pub(crate) trait PlainHub {
    fn name(&self) -> &'static str;
    fn capabilities(&self) -> Capabilities;
    fn register(&mut self, fd: RawFd, token: Token) -> io::Result<()>;
    fn arm(&mut self, token: Token, interest: Interest) -> io::Result<()>;
    fn deregister(&mut self, token: Token) -> io::Result<()>;
    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()>;
    fn wait_until(&mut self, events: &mut Events, deadline: Instant) -> io::Result<()> {
        let left = deadline.saturating_duration_since(Instant::now());
        self.wait(events, Some(left))
    }
    fn waker(&self) -> Waker;
}

/// A [`PlainHub`] as a [`Hub`].
macro_rules! hub_from_plain {
    ($type:ty) => {
        impl Hub for $type {
            fn name(&self) -> &'static str {
                PlainHub::name(self)
            }

            fn capabilities(&self) -> Capabilities {
                PlainHub::capabilities(self)
            }

            unsafe fn register(&mut self, fd: BorrowedFd<'_>, token: Token) -> io::Result<()> {
                PlainHub::register(self, fd.as_raw_fd(), token)
            }

            fn arm(&mut self, token: Token, interest: Interest) -> io::Result<()> {
                PlainHub::arm(self, token, interest)
            }

            fn deregister(&mut self, token: Token) -> io::Result<()> {
                PlainHub::deregister(self, token)
            }

            fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
                PlainHub::wait(self, events, timeout)
            }

            fn wait_until(&mut self, events: &mut Events, deadline: Instant) -> io::Result<()> {
                PlainHub::wait_until(self, events, deadline)
            }

            fn waker(&self) -> Waker {
                PlainHub::waker(self)
            }
        }
    };
}

hub_from_plain!(crate::Oracle);
hub_from_plain!(crate::Broken);

/// A hub without the table of `Sources` over it, for what that table hides: tokens of the test's
/// own choosing.
pub(crate) struct Bare {
    /// First, so that the hub goes before the descriptors it was promised.
    hub: Box<dyn Hub>,
    kept: Vec<Rc<File>>,
}

impl Bare {
    pub(crate) fn new(hub: Box<dyn Hub>) -> Self {
        Bare {
            hub,
            kept: Vec::new(),
        }
    }

    pub(crate) fn register(&mut self, file: &Rc<File>, token: Token) -> io::Result<()> {
        self.kept.push(Rc::clone(file));
        // SAFETY: the owner kept above outlives the hub, and nobody else can close the descriptor.
        unsafe { self.hub.register(file.as_fd(), token) }
    }

    /// Registers, arms, and closes the descriptor while it is registered: the caller's mistake that
    /// `Hub::wait` says what becomes of. Breaks the promise of `register` on purpose; since the
    /// tests run one at a time, nobody else opens the number meanwhile.
    pub(crate) fn register_and_close(&mut self, fd: OwnedFd, token: Token, interest: Interest) {
        // SAFETY: the promise is broken, see above; hubs only hand the number to the kernel.
        unsafe { self.hub.register(fd.as_fd(), token) }.expect("register");
        self.hub.arm(token, interest).expect("arm");
        drop(fd);
    }

    pub(crate) fn hub(&mut self) -> &mut dyn Hub {
        &mut *self.hub
    }
}

/// `poll(2)` on one descriptor, without waiting: what is up of `flags` and of what is always told.
pub(crate) fn poll_one(fd: RawFd, flags: libc::c_short) -> libc::c_short {
    let mut entry = libc::pollfd {
        fd,
        events: flags,
        revents: 0,
    };
    // SAFETY: one live entry. An interrupted or failed call leaves the answer empty.
    let count = unsafe { libc::poll(&raw mut entry, 1, 0) };
    if count > 0 { entry.revents } else { 0 }
}

/// A registered descriptor by its number.
pub(crate) fn registered(fd: &RawFd) -> BorrowedFd<'_> {
    // SAFETY: `Hub::register` was promised that it stays open.
    unsafe { BorrowedFd::borrow_raw(*fd) }
}

/// Takes possession of a descriptor that was made just now.
pub(crate) fn own(fd: RawFd) -> OwnedFd {
    // SAFETY: callers hand over what F_DUPFD gave them, which nobody else knows of.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Runs `body` in a forked child and returns what it returned (an exit status) to the parent; a
/// panic is 101. The child ends with `_exit`: no destructor of the parent's runs in it.
pub(crate) fn in_forked_child(body: impl FnOnce() -> u8) -> u8 {
    const PANICKED: u8 = 101;
    // SAFETY: the child touches the hub, the heap (which the C libraries make usable after a fork)
    // and `_exit`; the other threads of the test process are idle, because cases run one at a time.
    match unsafe { fork() }.expect("fork") {
        ForkResult::Child => {
            let status = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
            // SAFETY: ends the process at once.
            unsafe { libc::_exit(status.unwrap_or(PANICKED).into()) }
        }
        ForkResult::Parent { child } => match waitpid(child, None).expect("waitpid") {
            WaitStatus::Exited(_, status) => status as u8,
            other => panic!("the child ended otherwise: {other:?}"),
        },
    }
}

/// The signal that does nothing but interrupt, and the one whose handler wakes a hub.
pub(crate) const INTERRUPT: Signal = Signal::SIGUSR1;
pub(crate) const WAKE: Signal = Signal::SIGUSR2;

/// Installs a handler without `SA_RESTART` for [`INTERRUPT`].
pub(crate) fn handle_interrupt() {
    extern "C" fn nothing(_signal: libc::c_int) {}
    install(INTERRUPT, nothing);
}

/// Installs a handler for [`WAKE`] that wakes every waker ever given.
pub(crate) fn handle_wake(waker: Waker) {
    // A table that only grows, because a handler may not take a lock: one waker per call.
    extern "C" fn wake(_signal: libc::c_int) {
        for place in &WAKERS {
            match place.get() {
                Some(waker) => waker.wake(),
                None => break,
            }
        }
    }
    for place in &WAKERS {
        if place.set(waker.clone()).is_ok() {
            install(WAKE, wake);
            return;
        }
    }
    panic!(
        "more than {} wakers for signals in one test process",
        WAKERS.len()
    );
}

static WAKERS: [OnceLock<Waker>; 64] = [const { OnceLock::new() }; 64];

fn install(signal: Signal, handler: extern "C" fn(libc::c_int)) {
    let action = SigAction::new(
        SigHandler::Handler(handler),
        SaFlags::empty(),
        SigSet::empty(),
    );
    // SAFETY: both handlers do async-signal-safe things only (nothing; `Waker::wake`).
    unsafe { sigaction(signal, &action) }.expect("sigaction");
}
