//! Who is at the other end of a Unix socket, as the kernel vouches for it.

use std::io;
use std::os::fd::AsFd;

/// The credentials of the process at the other end, when it connected (or made the pair, or began to
/// listen); see unix(7), `SO_PEERCRED`, and getpeereid(3).
///
/// # Examples
///
/// ```
/// use eventlet_green::net::unix::{UCred, UnixStream};
///
/// let (near, _far) = UnixStream::pair()?;
/// let UCred { pid, .. } = near.peer_cred()?;
/// // One's own, for a pair; some systems do not tell it.
/// assert!(pid.is_none_or(|pid| pid as u32 == std::process::id()));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct UCred {
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
    /// Its process id, where the system says it: on Linux.
    pub pid: Option<i32>,
}

impl UCred {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn of_peer(socket: impl AsFd) -> io::Result<Self> {
        use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
        let peer = getsockopt(&socket.as_fd(), PeerCredentials)?;
        Ok(UCred {
            uid: peer.uid(),
            gid: peer.gid(),
            pid: Some(peer.pid()),
        })
    }

    /// There is getpeerucred(3), for which there is no safe binding.
    #[cfg(any(target_os = "illumos", target_os = "solaris"))]
    pub(super) fn of_peer(_: impl AsFd) -> io::Result<Self> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "the credentials of a peer are not asked for on this system",
        ))
    }

    #[cfg(not(any(
        target_os = "linux",
        target_os = "android",
        target_os = "illumos",
        target_os = "solaris"
    )))]
    pub(super) fn of_peer(socket: impl AsFd) -> io::Result<Self> {
        let (uid, gid) = nix::unistd::getpeereid(socket.as_fd())?;
        Ok(UCred {
            uid: uid.as_raw(),
            gid: gid.as_raw(),
            pid: None,
        })
    }
}
