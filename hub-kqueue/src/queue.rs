//! The seam: a queue of events with one method, and the way changes are submitted to it.
//!
//! What follows holds for every system with a kqueue (kqueue(2) of FreeBSD, NetBSD, OpenBSD and macOS),
//! and every [`Queue`] must do the same.

use std::io;
use std::time::Duration;

use crate::Kevent;
use crate::constants::{EV_ERROR, EV_RECEIPT};

/// `kevent(2)`.
///
/// * **Changes first.** They are applied in order. One that fails, or that asks for a receipt
///   ([`EV_RECEIPT`]), is answered in `events` with [`EV_ERROR`] and the error's number in `data` (zero
///   for success), as long as there is room. If there is none, the first failure ends the list, and is
///   what the call gives.
/// * **No wait after answers.** If there was any, the call returns at once with the answers alone.
/// * Otherwise it waits for events, at most for `timeout` (`None`: for ever; zero: only looks), and
///   gives as many as fit, oldest first. Without room it does not wait.
/// * **`EINTR`** ends a wait; the changes have been applied then.
/// * **One registration per number and filter.** A second `EV_ADD` changes its `udata` and looks whether
///   it is ready now, but leaves `EV_CLEAR`, `EV_ONESHOT` and `EV_DISPATCH` as they were; and it does
///   not enable what is disabled, which is why `EV_ENABLE` goes with it.
/// * **Closing a number ends its registrations.** Deleting them afterwards gives `ENOENT`, or `EBADF`.
///
/// `kevent` is called from any thread and from signal handlers (to trigger `EVFILT_USER`, and then with
/// one change and no room), so that call must be async-signal-safe.
///
/// # Examples
///
/// ```
/// # #[cfg(not(target_os = "linux"))]
/// # fn main() {}
/// # #[cfg(target_os = "linux")]
/// # fn main() -> std::io::Result<()> {
/// use eventlet_hub_kqueue::constants::{EV_ADD, EV_CLEAR, EVFILT_READ};
/// use eventlet_hub_kqueue::{EmulatedQueue, Kevent, Queue};
/// use std::os::fd::AsRawFd;
/// use std::os::unix::net::UnixStream;
///
/// let (near, far) = UnixStream::pair()?;
/// let number = far.as_raw_fd() as usize;
/// let queue = EmulatedQueue::new()?;
/// let mut events = [Kevent::EMPTY; 8];
/// queue.kevent(&[Kevent::new(number, EVFILT_READ, EV_ADD | EV_CLEAR, 1)], &mut [], None)?;
///
/// drop(near);
/// assert_eq!(queue.kevent(&[], &mut events, None)?, 1);
/// assert_eq!((events[0].ident(), events[0].udata()), (number, 1));
/// # Ok(())
/// # }
/// ```
pub trait Queue: Send + Sync {
    /// Submits changes, and waits for events into `events`. Returns how many there are.
    ///
    /// # Errors
    ///
    /// What the kernel gives; `Interrupted` for `EINTR`.
    fn kevent(
        &self,
        changes: &[Kevent],
        events: &mut [Kevent],
        timeout: Option<Duration>,
    ) -> io::Result<usize>;
}

/// What became of one change: an error's number, or zero.
pub(crate) type Outcome = i32;

/// Applied.
pub(crate) const APPLIED: Outcome = 0;

/// Submits changes and nothing else: each asks for a receipt, and there is room for all of them, so that
/// an error of one does not keep the next from being applied, and no event is taken by the way.
///
/// The changes must be such that applying them twice does no harm: an interruption hides the receipts
/// and leaves the changes applied, so they are submitted again.
pub(crate) fn submit<const N: usize>(
    queue: &impl Queue,
    changes: [Kevent; N],
) -> io::Result<[Outcome; N]> {
    let changes = changes.map(|change| change.with_flags(change.flags() | EV_RECEIPT));
    let mut receipts = [Kevent::EMPTY; N];
    let count = loop {
        match queue.kevent(&changes, &mut receipts, Some(Duration::ZERO)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => break outcome?,
        }
    };
    let mut outcomes = [APPLIED; N];
    for receipt in &receipts[..count] {
        if receipt.flags() & EV_ERROR == 0 {
            continue;
        }
        for (change, outcome) in changes.iter().zip(&mut outcomes) {
            if (change.ident(), change.filter()) == (receipt.ident(), receipt.filter()) {
                *outcome = Outcome::try_from(receipt.data()).unwrap_or(libc::EINVAL);
            }
        }
    }
    Ok(outcomes)
}
