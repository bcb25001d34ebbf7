//! On which core a process runs, and how much CPU time it or a thread has used (Linux).
//!
//! A process's time is read from the scheduler's own account, `/proc/PID/task/*/schedstat`, whose first number
//! is the nanoseconds a thread has been on a core, user and system together
//! (Documentation/scheduler/sched-stats.rst of the kernel). `/proc/PID/stat` would count in ticks
//! of 10 ms.

use std::fs;
use std::io;
use std::time::Duration;

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

/// The cores this thread may run on, lowest first.
///
/// # Errors
///
/// What the kernel gives for `sched_getaffinity(2)`.
pub fn allowed_cores() -> io::Result<Vec<usize>> {
    let set = sched_getaffinity(THIS_THREAD)?;
    Ok((0..CpuSet::count())
        .filter(|core| set.is_set(*core).unwrap_or(false))
        .collect())
}

/// Keeps this thread, and the threads and processes it starts from now on, on one core.
///
/// # Errors
///
/// What the kernel gives for `sched_setaffinity(2)`: `EINVAL` for a core that is not there.
pub fn pin_this_thread(core: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(core)?;
    sched_setaffinity(THIS_THREAD, &set)?;
    Ok(())
}

/// The CPU time, user and system, of all live threads of a process.
///
/// Exact while the process sleeps; the share of a thread that is running at the moment is as of
/// the scheduler's last look at it. Threads that have ended are not counted.
///
/// # Errors
///
/// `NotFound` when there is no such process; `InvalidData` when the kernel keeps no such account.
pub fn time_used(pid: u32) -> io::Result<Duration> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let account = match fs::read_to_string(thread?.path().join("schedstat")) {
            Ok(account) => account,
            Err(error) if has_ended(&error) => continue,
            Err(error) => return Err(error),
        };
        nanoseconds += account
            .split_whitespace()
            .next()
            .and_then(|field| field.parse::<u64>().ok())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unknown schedstat form"))?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// Whether a thread ended between the listing and the opening of its account, or between that and
/// the reading (ESRCH).
fn has_ended(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(Errno::ESRCH as i32)
}

/// Which time a [`Stopwatch`] measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The CPU time of the thread that starts it: what it takes in a piece of work, without what
    /// other programs take from it meanwhile. Of no use for work that waits.
    Thread,
    /// The CPU time of all threads of this process: what work costs that goes from one to another.
    Process,
    /// The time that passes, with all the waiting, and with what other programs take.
    Elapsed,
}

/// Measures the time of a piece of work.
///
/// Reading it is a system call of some 100 ns, so it is read around many operations, not around one.
///
/// # Examples
///
/// ```
/// use eventlet_benches::cpu::Stopwatch;
/// use std::time::Duration;
///
/// let watch = Stopwatch::start();
/// std::thread::sleep(Duration::from_millis(20));
/// assert!(watch.elapsed() < Duration::from_millis(20));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    clock: Clock,
    begun: Duration,
}

impl Stopwatch {
    /// Starts one that goes by [`Clock::Thread`].
    ///
    /// # Panics
    ///
    /// If the kernel has no such clock (none since Linux 2.6.12).
    pub fn start() -> Self {
        Self::start_by(Clock::Thread)
    }

    /// Starts one.
    ///
    /// # Panics
    ///
    /// As for [`start`](Self::start).
    pub fn start_by(clock: Clock) -> Self {
        Stopwatch {
            clock,
            begun: clock.read(),
        }
    }

    /// The time since the start. By [`Clock::Thread`], only on the thread that started it.
    ///
    /// # Panics
    ///
    /// As for [`start`](Self::start).
    pub fn elapsed(&self) -> Duration {
        self.clock.read().saturating_sub(self.begun)
    }
}

impl Clock {
    fn read(self) -> Duration {
        let id = match self {
            Clock::Thread => ClockId::CLOCK_THREAD_CPUTIME_ID,
            Clock::Process => ClockId::CLOCK_PROCESS_CPUTIME_ID,
            Clock::Elapsed => ClockId::CLOCK_MONOTONIC,
        };
        clock_gettime(id).expect("a clock of that kind").into()
    }
}

/// Zero means the calling thread.
const THIS_THREAD: Pid = Pid::from_raw(0);

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn work_shows_up_as_cpu_time() {
        const WORK: Duration = Duration::from_millis(20);
        let before = time_used(std::process::id()).unwrap();
        let begun = Instant::now();
        while begun.elapsed() < WORK {
            std::hint::spin_loop();
        }
        // A reading makes the calling thread's account current only at the scheduler's next look.
        const PATIENCE: Duration = Duration::from_secs(60);
        while time_used(std::process::id()).unwrap() == before {
            assert!(begun.elapsed() < PATIENCE, "the account never moved");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_pinned_thread_has_one_core() {
        let worker = std::thread::spawn(|| {
            let last = *allowed_cores().unwrap().last().unwrap();
            pin_this_thread(last).unwrap();
            assert_eq!(allowed_cores().unwrap(), [last]);
        });
        worker.join().unwrap();
    }

    #[test]
    fn no_process_no_time() {
        let error = time_used(u32::MAX).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
