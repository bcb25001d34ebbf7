//! The wait itself, through `nix`. The only unsafe code of this crate, apart from the signature of
//! `Hub::register`.

use std::io;
use std::time::Duration;

use eventlet_hub::timeout;
use libc::pollfd;
use nix::poll::PollFd;

/// `ppoll(2)` or `poll(2)`: how many entries have an answer.
pub(crate) fn poll(array: &mut [pollfd], timeout: Option<Duration>) -> io::Result<usize> {
    let array = view(array);
    #[cfg(any(
        target_os = "linux",
        target_os = "android",
        target_os = "freebsd",
        target_os = "dragonfly"
    ))]
    let count = {
        let timeout = timeout.map(|timeout| timeout::to_timespec(timeout).into());
        nix::poll::ppoll(array, timeout, None)?
    };
    #[cfg(not(any(
        target_os = "linux",
        target_os = "android",
        target_os = "freebsd",
        target_os = "dragonfly"
    )))]
    let count = {
        let millis = nix::poll::PollTimeout::try_from(timeout::to_millis(timeout))
            .unwrap_or(nix::poll::PollTimeout::MAX);
        nix::poll::poll(array, millis)?
    };
    // Never negative: `nix` has turned that into an error.
    Ok(count as usize)
}

/// The array as `nix` wants it. The hub keeps plain structures, because the answers of `PollFd`
/// cannot be read when they hold a flag `nix` does not name (`POLLRDHUP`).
fn view<'a>(array: &'a mut [pollfd]) -> &'a mut [PollFd<'a>] {
    // SAFETY: `PollFd` is a transparent wrapper of `pollfd`. Its promise that the descriptors are
    // open is the one given to `Hub::register`; a broken one is answered by POLLNVAL.
    unsafe { &mut *(std::ptr::from_mut(array) as *mut [PollFd<'a>]) }
}
