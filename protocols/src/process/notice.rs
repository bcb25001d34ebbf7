//! How the loop is told that a child has ended.
//!
//! | | where | cost |
//! |---|---|---|
//! | a process descriptor, which becomes readable | Linux 5.4 and later | a descriptor for each child that runs |
//! | SIGCHLD, after which each child of this thread is looked at | elsewhere, and where the descriptor is refused | two descriptors for all |
//!
//! See pidfd_open(2) and sigaction(2). Neither keeps a coroutine for each child. What is then done
//! with the child stands in [`life`](super::life).

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::{Rc, Weak};

use eventlet_green::signals::Signals;
use eventlet_green::spawn;
#[cfg(target_os = "linux")]
use eventlet_green::{Watcher, io::Descriptor};
use rustix::process::Signal;
#[cfg(target_os = "linux")]
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::life::Life;

/// How the end of a child is noticed.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::process::{Command, ExitNotice};
///
/// // Where a sandbox forbids `pidfd_open`.
/// assert!(Command::new("true").exit_notice(ExitNotice::Signal).status()?.success());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExitNotice {
    /// By a process descriptor where the system has them, else by SIGCHLD.
    #[default]
    Automatic,
    /// By SIGCHLD, with a look at each child of this thread's that was started so: for systems whose
    /// rules forbid process descriptors. It takes the signal over from a program that ignores it.
    Signal,
}

/// What is made ready before a child is started, so that its end cannot be missed.
pub(super) struct Ready {
    asked: ExitNotice,
    sweeper: Option<Rc<Sweeper>>,
}

impl Ready {
    pub(super) fn new(asked: ExitNotice) -> io::Result<Self> {
        let by_signal = asked == ExitNotice::Signal || cfg!(not(target_os = "linux"));
        let sweeper = by_signal.then(Sweeper::of_thread).transpose()?;
        Ok(Ready { asked, sweeper })
    }

    /// Has the loop watch a child that was just started.
    pub(super) fn watch(self, life: &Rc<Life>, pid: rustix::process::Pid) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        if self.asked == ExitNotice::Automatic && watch_descriptor(life, pid)? {
            return Ok(());
        }
        let _ = (self.asked, pid);
        let sweeper = match self.sweeper {
            Some(sweeper) => sweeper,
            None => Sweeper::of_thread()?,
        };
        sweeper.add(Rc::clone(life));
        Ok(())
    }
}

/// Whether the system gave a descriptor.
#[cfg(target_os = "linux")]
fn watch_descriptor(life: &Rc<Life>, pid: Pid) -> io::Result<bool> {
    use rustix::io::Errno;
    // The child has not been waited for, so the number is its own.
    let descriptor = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(descriptor) => Descriptor::new(descriptor)?,
        // Too old, or forbidden by a filter of system calls; or reaped by the system.
        Err(Errno::NOSYS | Errno::PERM | Errno::INVAL | Errno::SRCH) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    *life.descriptor.borrow_mut() = Some(descriptor);
    await_end(Rc::clone(life))?;
    Ok(true)
}

/// Looks at the child, and watches on if it has not ended.
#[cfg(target_os = "linux")]
fn await_end(life: Rc<Life>) -> io::Result<()> {
    let Some(descriptor) = life.descriptor.borrow().clone() else {
        return Ok(());
    };
    let looked = descriptor.try_read_with(|_| match life.look() {
        true => Ok(()),
        false => Err(io::ErrorKind::WouldBlock.into()),
    });
    match looked {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            descriptor.watch_readable(life as _)
        }
        outcome => outcome,
    }
}

#[cfg(target_os = "linux")]
impl Watcher for Life {
    fn came(self: Rc<Self>, _: io::Result<()>) {
        if self.look() {
            return;
        }
        // Only at the end of the thread: then its destructor sees to it.
        if let Err(error) = await_end(self) {
            debug_assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{error}");
        }
    }
}

/// The children of a thread that are looked at whenever the signal comes.
pub(super) struct Sweeper {
    signals: Signals,
    lives: RefCell<Vec<Rc<Life>>>,
    running: Cell<bool>,
}

thread_local! {
    static SWEEPER: RefCell<Weak<Sweeper>> = const { RefCell::new(Weak::new()) };
}

impl Sweeper {
    /// The one of this thread, from whose making on no signal is missed.
    fn of_thread() -> io::Result<Rc<Self>> {
        if let Some(sweeper) = SWEEPER.with_borrow(Weak::upgrade) {
            return Ok(sweeper);
        }
        let sweeper = Rc::new(Sweeper {
            signals: Signals::new(&[Signal::CHILD.as_raw()])?,
            lives: RefCell::default(),
            running: Cell::new(false),
        });
        SWEEPER.replace(Rc::downgrade(&sweeper));
        Ok(sweeper)
    }

    fn add(self: Rc<Self>, life: Rc<Life>) {
        // Its signal may have come before it was in the list.
        if life.look() {
            return;
        }
        self.lives.borrow_mut().push(life);
        if !self.running.replace(true) {
            spawn(move || self.run());
        }
    }

    /// Until no child is left.
    fn run(&self) {
        loop {
            let lives = self.lives.take();
            let mut running: Vec<_> = lives.into_iter().filter(|life| !life.look()).collect();
            let mut lives = self.lives.borrow_mut();
            running.append(&mut lives);
            *lives = running;
            if lives.is_empty() {
                self.running.set(false);
                return;
            }
            drop(lives);
            // At the end of the thread the children's destructors see to them.
            if self.signals.wait().is_err() {
                self.running.set(false);
                return;
            }
        }
    }
}
