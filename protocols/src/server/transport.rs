//! What carries a connection's bytes: the few operations the server needs of a stream.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::net::Stream;
use eventlet_green::{Time, Watcher};

use super::peer::Peer;
#[cfg(feature = "tls")]
use crate::tls::{TlsInfo, TlsStream};

/// A stream that parks its caller. Behind a pointer, so that the server is compiled once.
pub(crate) trait Transport {
    /// Parks until there may be something to read, at most for `limit`.
    fn wait_readable(&self, limit: Duration) -> io::Result<()>;
    /// Has the watcher begun when there may be something to read, at the latest at `deadline`.
    fn watch(&self, deadline: Time, watcher: Rc<dyn Watcher>) -> io::Result<()>;
    /// Reads what there is; `WouldBlock` if that is nothing.
    fn try_read(&self, into: &mut [u8]) -> io::Result<usize>;
    /// Writes what there is room for; `WouldBlock` if there is none.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;
    /// Reads what there is, waiting at most `limit` for the first byte.
    fn read(&self, into: &mut [u8], limit: Duration) -> io::Result<usize>;
    /// Writes what there is room for, waiting at most `limit` for the first byte of it.
    fn write(&self, bytes: &[u8], limit: Duration) -> io::Result<usize>;
    /// Says to the peer that no more will come.
    fn finish_writing(&self) -> io::Result<()>;
    /// Says to the peer that all has been sent, where a close does not, without waiting.
    fn say_goodbye(&self);
    /// Ends the connection; whoever waits on it is woken.
    fn close(&self);
    /// As [`close`](Self::close), but so that the peer can see that something is missing.
    fn abort(&self);
    /// The peer.
    fn peer(&self) -> &Peer;
    /// What was agreed on with the peer, over TLS.
    #[cfg(feature = "tls")]
    fn tls(&self) -> Option<TlsInfo>;
}

/// A green stream with its peer.
pub(crate) struct Carried<S> {
    pub(crate) stream: S,
    pub(crate) peer: Peer,
    /// For TLS: what was agreed on.
    #[cfg(feature = "tls")]
    tls: Option<fn(&S) -> TlsInfo>,
}

impl<S> Carried<S> {
    pub(crate) fn new(stream: S, peer: Peer) -> Self {
        Carried {
            stream,
            peer,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

#[cfg(feature = "tls")]
impl<S: 'static> Carried<TlsStream<S>> {
    pub(crate) fn secured(stream: TlsStream<S>, peer: Peer) -> Self {
        Carried {
            stream,
            peer,
            tls: Some(TlsStream::info),
        }
    }
}

impl<S: Stream> Carried<S> {
    fn limit_reads(&self, limit: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(limit.max(SHORTEST)))
    }
}

/// A limit that has run out is still a limit: zero would be refused.
const SHORTEST: Duration = Duration::from_nanos(1);

impl<S: Stream> Transport for Carried<S>
where
    for<'a> &'a S: Read + Write,
{
    fn wait_readable(&self, limit: Duration) -> io::Result<()> {
        self.limit_reads(limit)?;
        self.stream.wait_readable()
    }

    fn watch(&self, deadline: Time, watcher: Rc<dyn Watcher>) -> io::Result<()> {
        self.stream.watch_readable_until(watcher, deadline)
    }

    fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.try_read(into)
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.try_write(bytes)
    }

    fn read(&self, into: &mut [u8], limit: Duration) -> io::Result<usize> {
        self.limit_reads(limit)?;
        (&self.stream).read(into)
    }

    fn write(&self, bytes: &[u8], limit: Duration) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(limit.max(SHORTEST)))?;
        (&self.stream).write(bytes)
    }

    fn finish_writing(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    fn say_goodbye(&self) {
        self.stream.say_goodbye();
    }

    fn close(&self) {
        // Nothing can be done about a failure; dropping the last handle closes in any case.
        let _ = self.stream.close();
    }

    fn abort(&self) {
        // As for closing.
        let _ = self.stream.abort();
    }

    fn peer(&self) -> &Peer {
        &self.peer
    }

    #[cfg(feature = "tls")]
    fn tls(&self) -> Option<TlsInfo> {
        self.tls.map(|info| info(&self.stream))
    }
}
