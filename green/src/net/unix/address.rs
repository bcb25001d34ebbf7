//! From `std`'s Unix addresses to those that a socket is connected with.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;

use socket2::SockAddr;

use super::SocketAddr;

/// The address as the system has it.
///
/// # Errors
///
/// `InvalidInput`: it is unnamed, so that nobody could be there.
pub(super) fn native(address: &SocketAddr) -> io::Result<SockAddr> {
    if let Some(path) = address.as_pathname() {
        return SockAddr::unix(path);
    }
    if let Some(name) = abstract_name(address) {
        // The system tells such a name from a path by its leading zero; see unix(7).
        let with_zero = [&[0], name].concat();
        return SockAddr::unix(OsStr::from_bytes(&with_zero));
    }
    let text = "an unnamed Unix address cannot be connected to";
    Err(io::Error::new(io::ErrorKind::InvalidInput, text))
}

#[cfg(target_os = "linux")]
fn abstract_name(address: &SocketAddr) -> Option<&[u8]> {
    use std::os::linux::net::SocketAddrExt;
    address.as_abstract_name()
}

#[cfg(not(target_os = "linux"))]
fn abstract_name(_: &SocketAddr) -> Option<&[u8]> {
    None
}
