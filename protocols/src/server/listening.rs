//! What connections come from: a listening socket of either kind.
//!
//! What is done with a connection is the business of `serve`.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;

use eventlet_green::net::TcpListener;
use eventlet_green::net::unix::UnixListener;

use super::transport::{Carried, Transport};

/// A listening socket.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Waits for a connection; waits shortages out.
    pub(crate) fn accept(&self) -> io::Result<Rc<dyn Transport>> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, peer) = listener.accept_patiently()?;
                // Answers are put together before they are sent; waiting for more would only hold
                // the last piece up. A refusal of the option harms nobody.
                let _ = stream.set_nodelay(true);
                let peer = peer.into();
                Ok(Rc::new(Carried { stream, peer }))
            }
            Listener::Unix(listener) => {
                let (stream, peer) = listener.accept_patiently()?;
                let peer = peer.into();
                Ok(Rc::new(Carried { stream, peer }))
            }
        }
    }

    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        match self {
            Listener::Tcp(listener) => listener.try_clone().map(Listener::Tcp),
            Listener::Unix(listener) => listener.try_clone().map(Listener::Unix),
        }
    }

    /// Stops listening; whoever waits for a connection is woken.
    pub(crate) fn close(&self) {
        // Nothing can be done about a failure; it is closed with its last handle in any case.
        let _ = match self {
            Listener::Tcp(listener) => listener.close(),
            Listener::Unix(listener) => listener.close(),
        };
    }

    pub(crate) fn number(&self) -> RawFd {
        match self {
            Listener::Tcp(listener) => listener.as_raw_fd(),
            Listener::Unix(listener) => listener.as_raw_fd(),
        }
    }
}
