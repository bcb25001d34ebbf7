//! What connections come from: a listening socket of either kind.
//!
//! What is done with a connection is the business of `serve`.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;

use eventlet_green::net::unix::UnixListener;
use eventlet_green::net::{TcpListener, TcpStream};

use super::peer::Peer;
#[cfg(feature = "tls")]
use super::tls;
use super::transport::{Carried, Transport};
#[cfg(feature = "tls")]
use crate::tls::TlsAcceptor;

/// A listening socket.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
    #[cfg(feature = "tls")]
    Tls(TcpListener, TlsAcceptor),
}

/// What has been accepted.
pub(crate) enum Accepted {
    /// A connection that can be served.
    Ready(Rc<dyn Transport>),
    /// One that has to become one.
    #[cfg(feature = "tls")]
    Tls(tls::Accepted),
}

impl Listener {
    /// Waits for a connection; waits shortages out.
    pub(crate) fn accept(&self) -> io::Result<Accepted> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, peer) = accept_tcp(listener)?;
                Ok(Accepted::Ready(Rc::new(Carried::new(stream, peer))))
            }
            Listener::Unix(listener) => {
                let (stream, peer) = listener.accept_patiently()?;
                Ok(Accepted::Ready(Rc::new(Carried::new(stream, peer.into()))))
            }
            #[cfg(feature = "tls")]
            Listener::Tls(listener, acceptor) => {
                let (stream, peer) = accept_tcp(listener)?;
                let accepted = tls::Accepted::new(stream, peer, acceptor.clone());
                Ok(Accepted::Tls(accepted))
            }
        }
    }

    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        match self {
            Listener::Tcp(listener) => listener.try_clone().map(Listener::Tcp),
            Listener::Unix(listener) => listener.try_clone().map(Listener::Unix),
            #[cfg(feature = "tls")]
            Listener::Tls(listener, acceptor) => {
                let listener = listener.try_clone()?;
                Ok(Listener::Tls(listener, acceptor.clone()))
            }
        }
    }

    /// Stops listening; whoever waits for a connection is woken.
    pub(crate) fn close(&self) {
        // Nothing can be done about a failure; it is closed with its last handle in any case.
        let _ = match self {
            Listener::Tcp(listener) => listener.close(),
            Listener::Unix(listener) => listener.close(),
            #[cfg(feature = "tls")]
            Listener::Tls(listener, _) => listener.close(),
        };
    }

    pub(crate) fn number(&self) -> RawFd {
        match self {
            Listener::Tcp(listener) => listener.as_raw_fd(),
            Listener::Unix(listener) => listener.as_raw_fd(),
            #[cfg(feature = "tls")]
            Listener::Tls(listener, _) => listener.as_raw_fd(),
        }
    }
}

fn accept_tcp(listener: &TcpListener) -> io::Result<(TcpStream, Peer)> {
    let (stream, peer) = listener.accept_patiently()?;
    // Answers are put together before they are sent; waiting for more would only hold the last piece
    // up. A refusal of the option harms nobody.
    let _ = stream.set_nodelay(true);
    Ok((stream, peer.into()))
}
