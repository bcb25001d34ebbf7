//! The original's three functions for TCP, in terms of the types.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use super::{TcpListener, TcpStream, ToSocketAddrs};
use crate::spawn::Builder;

/// The backlog of [`tcp_listener`], as the original had it.
const BACKLOG: i32 = 50;

/// A connected socket; [`TcpStream::connect`] under the original's name.
///
/// # Errors
///
/// As for [`TcpStream::connect`].
pub fn connect_tcp(address: impl ToSocketAddrs) -> io::Result<TcpStream> {
    TcpStream::connect(address)
}

/// A listening socket with a backlog of 50, as the original made it.
///
/// # Errors
///
/// As for [`TcpListener::bind`].
pub fn tcp_listener(address: impl ToSocketAddrs) -> io::Result<TcpListener> {
    TcpListener::bind_with_backlog(address, BACKLOG)
}

/// Accepts connections until the listener is closed, and calls `handler` with each in a coroutine
/// of its own.
///
/// Ends quietly when another coroutine [closes](TcpListener::close) the listener. When the process
/// is out of descriptors or memory it waits and goes on (see
/// [`TcpListener::accept_patiently`]); the original gave up. A handler that panics ends its own connection only. There is no limit to the number of
/// connections; count in the handler if you want one.
///
/// # Errors
///
/// What else `accept` gives. The listener is closed then, as it is at every end.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::{connect_tcp, tcp_listener, tcp_server};
/// use std::io::{Read, Write};
///
/// let listener = tcp_listener(("127.0.0.1", 0))?;
/// let address = listener.local_addr()?;
/// let closer = listener.try_clone()?;
/// let server = eventlet_green::spawn(|| tcp_server(listener, |mut stream, _peer| {
///     let _ = stream.write_all(b"bye");
/// }));
/// let mut text = String::new();
/// connect_tcp(address)?.read_to_string(&mut text)?;
/// assert_eq!(text, "bye");
/// closer.close()?;
/// server.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn tcp_server<F>(listener: TcpListener, handler: F) -> io::Result<()>
where
    F: Fn(TcpStream, SocketAddr) + 'static,
{
    let _closed_at_the_end = Closing(&listener);
    let handler = Rc::new(handler);
    loop {
        let (stream, peer) = match listener.accept_patiently() {
            Ok(accepted) => accepted,
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(()),
            Err(error) => return Err(error),
        };
        let handler = Rc::clone(&handler);
        // Without memory for a stack the connection is dropped, and the next may fare better.
        if let Err(error) = Builder::new().spawn(move || handler(stream, peer)) {
            eprintln!("eventlet: a connection was turned away: {error}");
        }
    }
}

struct Closing<'a>(&'a TcpListener);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        // Nothing can be done about a failure; the last handle closes in any case.
        let _ = self.0.close();
    }
}
