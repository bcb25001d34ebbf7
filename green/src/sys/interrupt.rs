//! What a thread that does not come back is doing: a signal to it, whose handler leaves its registers
//! and a copy of its stack for another thread to read.
//!
//! ```text
//!  asking thread: IDLE ──► ASKED ── tgkill ──►        ANSWERED ──► read ──► IDLE
//!  the other, in the handler:         ANSWERING ── copy ──┘
//! ```
//!
//! The handler calls nothing but the kernel. It does not unwind: the stack may be in any state, and
//! an unwinder that is led astray faults. It has the kernel copy the bytes, which cannot fault
//! (process_vm_readv(2) on itself), and whoever asked unwinds the copy, where going astray is an
//! error. The handler runs on the alternate stack that every thread with a run loop has.
//!
//! The signal is SIGURG: ignored unless handled, so that a late one does no harm; its proper use, for
//! urgent data of sockets, is all but extinct, and who has a handler for it is called as before.

use std::cell::UnsafeCell;
use std::io;
use std::panic::Location;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::memory::page_size;
use super::slot;
use super::unix::action::Previous;
use crate::scheduler::Running;

/// The signal that is sent.
const SIGNAL: libc::c_int = libc::SIGURG;

/// How much of a stack is copied, from its top frame down: a stack of the default size.
const STACK_COPIED: usize = 256 * 1024;

/// Longer names are cut.
const NAME_COPIED: usize = 128;

/// How long an answer is waited for. The other thread may have the signal blocked, or be in a system
/// call that no signal interrupts.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often it is looked for meanwhile: nothing that a handler may do wakes a thread.
const LOOK_EVERY: Duration = Duration::from_micros(100);

/// A thread to be asked, by the kernel's number. If that thread has ended and the number is another
/// one's, that one's handler has nothing to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thread(libc::pid_t);

impl Thread {
    pub(crate) fn current() -> Self {
        // SAFETY: no pointer is passed.
        Thread(unsafe { libc::gettid() })
    }
}

/// Where a thread was, and on whose behalf.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) who: Who,
    pub(crate) registers: Registers,
    /// The bytes from `registers.sp` up.
    pub(crate) stack: Vec<u8>,
}

/// Who has the thread.
#[derive(Clone, Debug)]
pub(crate) enum Who {
    Root,
    Callback,
    Coroutine {
        id: u64,
        name: Option<String>,
        spawned_at: &'static Location<'static>,
    },
}

/// What an unwinder begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registers {
    pub(crate) pc: u64,
    pub(crate) sp: u64,
    pub(crate) fp: u64,
    /// The return address, which this processor keeps in a register.
    #[cfg(target_arch = "aarch64")]
    pub(crate) lr: u64,
}

/// Why nothing was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unseen {
    /// The thread has moved on, or ended.
    MovedOn,
    /// It does not answer.
    Silent,
}

const IDLE: u32 = 0;
const ASKED: u32 = 1;
const ANSWERING: u32 = 2;
const ANSWERED: u32 = 3;

/// One question at a time.
struct Exchange {
    state: AtomicU32,
    thread: AtomicI32,
    beats: AtomicU64,
    answer: UnsafeCell<Answer>,
}

// SAFETY: `answer` is used by the handler between ASKED → ANSWERING and ANSWERED, which one thread
// alone can win, and by whoever asked after ANSWERED, which one thread alone does (`ASKING`). The
// changes of state are released and acquired.
unsafe impl Sync for Exchange {}

struct Answer {
    moved_on: bool,
    owner: Owner,
    name: [u8; NAME_COPIED],
    name_length: usize,
    registers: Registers,
    stack: [u8; STACK_COPIED],
    stack_length: usize,
}

#[derive(Clone, Copy)]
enum Owner {
    Root,
    Callback,
    Coroutine(u64, &'static Location<'static>),
    Named(u64, &'static Location<'static>),
}

static EXCHANGE: Exchange = Exchange {
    state: AtomicU32::new(IDLE),
    thread: AtomicI32::new(0),
    beats: AtomicU64::new(0),
    answer: UnsafeCell::new(Answer {
        moved_on: false,
        owner: Owner::Root,
        name: [0; NAME_COPIED],
        name_length: 0,
        registers: Registers {
            pc: 0,
            sp: 0,
            fp: 0,
            #[cfg(target_arch = "aarch64")]
            lr: 0,
        },
        stack: [0; STACK_COPIED],
        stack_length: 0,
    }),
};

/// Held by whoever asks.
static ASKING: Mutex<()> = Mutex::new(());

static PREVIOUS: Previous = Previous::new();

/// Installs the handler, once for the process.
pub(crate) fn prepare() {
    static HANDLER: Once = Once::new();
    HANDLER.call_once(|| PREVIOUS.replace(SIGNAL, libc::SA_RESTART, on_signal));
}

/// Asks a thread of this process where it is, if its loop's pulse still stands at `beats`.
pub(crate) fn ask(thread: Thread, beats: u64) -> Result<Seen, Unseen> {
    let _one_at_a_time = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
    EXCHANGE.thread.store(thread.0, Ordering::Relaxed);
    EXCHANGE.beats.store(beats, Ordering::Relaxed);
    EXCHANGE.state.store(ASKED, Ordering::Release);
    // SAFETY: no pointer is passed. A thread that has ended is an error.
    let sent = unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread.0, SIGNAL) };
    if sent != 0 {
        EXCHANGE.state.store(IDLE, Ordering::Relaxed);
        return Err(Unseen::MovedOn);
    }
    let asked = Instant::now();
    while EXCHANGE.state.load(Ordering::Acquire) != ANSWERED {
        if asked.elapsed() >= PATIENCE && change(ASKED, IDLE) {
            return Err(Unseen::Silent);
        }
        thread::sleep(LOOK_EVERY);
    }
    // SAFETY: ANSWERED, and this is the one thread that asks: see `Exchange`.
    let seen = unsafe { &*EXCHANGE.answer.get() }.read();
    EXCHANGE.state.store(IDLE, Ordering::Release);
    seen
}

fn change(from: u32, to: u32) -> bool {
    let state = &EXCHANGE.state;
    state
        .compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed)
        .is_ok()
}

impl Answer {
    fn read(&self) -> Result<Seen, Unseen> {
        if self.moved_on {
            return Err(Unseen::MovedOn);
        }
        let name = &self.name[..self.name_length];
        let who = match self.owner {
            Owner::Root => Who::Root,
            Owner::Callback => Who::Callback,
            Owner::Coroutine(id, spawned_at) => Who::Coroutine {
                id,
                name: None,
                spawned_at,
            },
            Owner::Named(id, spawned_at) => Who::Coroutine {
                id,
                // It may have been cut within a character.
                name: Some(String::from_utf8_lossy(name).into_owned()),
                spawned_at,
            },
        };
        Ok(Seen {
            who,
            registers: self.registers,
            stack: self.stack[..self.stack_length].to_vec(),
        })
    }

    /// Notes who has the thread. Called in the handler, as is all that follows.
    fn note_owner(&mut self, running: Running<'_>) {
        self.owner = match running {
            Running::Root => Owner::Root,
            Running::Callback => Owner::Callback,
            Running::Coroutine(coroutine) => match &coroutine.name {
                None => Owner::Coroutine(coroutine.id, coroutine.spawned_at),
                Some(name) => {
                    let length = name.len().min(NAME_COPIED);
                    self.name[..length].copy_from_slice(&name.as_bytes()[..length]);
                    self.name_length = length;
                    Owner::Named(coroutine.id, coroutine.spawned_at)
                }
            },
        };
    }

    /// Copies the stack from `registers.sp` up, as far as there is memory. Page by page, since the
    /// kernel promises to copy all of a piece or none.
    fn copy_stack(&mut self) {
        let page = page_size();
        self.stack_length = 0;
        let mut from = self.registers.sp as usize;
        while self.stack_length < STACK_COPIED {
            let room = STACK_COPIED - self.stack_length;
            let length = (page - from % page).min(room);
            let local = libc::iovec {
                iov_base: self.stack[self.stack_length..].as_mut_ptr().cast(),
                iov_len: length,
            };
            let remote = libc::iovec {
                iov_base: ptr::with_exposed_provenance_mut(from),
                iov_len: length,
            };
            // SAFETY: the kernel writes at most `length` bytes to `local`, which has room for them,
            // and reads from `remote`, about which it decides itself whether it can be read.
            let copied =
                unsafe { libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0) };
            if copied != length as isize {
                return;
            }
            self.stack_length += length;
            from += length;
        }
    }
}

extern "C" fn on_signal(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    let saved = io::Error::last_os_error().raw_os_error().unwrap_or(0);
    if EXCHANGE.state.load(Ordering::Acquire) == ASKED
        && EXCHANGE.thread.load(Ordering::Relaxed) == Thread::current().0
        && change(ASKED, ANSWERING)
    {
        // SAFETY: see `Exchange`.
        let answer = unsafe { &mut *EXCHANGE.answer.get() };
        // SAFETY: the kernel passes a ucontext to a handler installed with SA_SIGINFO.
        answer.registers = registers(unsafe { &*context.cast::<libc::ucontext_t>() });
        let beats = EXCHANGE.beats.load(Ordering::Relaxed);
        let running = slot::with(|scheduler| {
            answer.moved_on = scheduler.pulse.beats() != beats;
            scheduler.with_running(|running| answer.note_owner(running));
        });
        answer.moved_on |= running.is_none();
        if !answer.moved_on {
            answer.copy_stack();
        }
        EXCHANGE.state.store(ANSWERED, Ordering::Release);
    }
    PREVIOUS.hand_on(signal, info, context);
    // SAFETY: the thread's own variable, which always exists.
    unsafe { *libc::__errno_location() = saved };
}

#[cfg(target_arch = "x86_64")]
fn registers(context: &libc::ucontext_t) -> Registers {
    let register = |name: libc::c_int| context.uc_mcontext.gregs[name as usize] as u64;
    Registers {
        pc: register(libc::REG_RIP),
        sp: register(libc::REG_RSP),
        fp: register(libc::REG_RBP),
    }
}

#[cfg(target_arch = "aarch64")]
fn registers(context: &libc::ucontext_t) -> Registers {
    let machine = &context.uc_mcontext;
    Registers {
        pc: machine.pc,
        sp: machine.sp,
        fp: machine.regs[29],
        lr: machine.regs[30],
    }
}
