//! What carries a WebSocket: the few operations it needs of a stream.
//!
//! Which stream that is, and how it came to be, is the business of `accept` and `connect`.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use eventlet_green::net::Stream;

use crate::server::Upgraded;

/// A stream that parks its caller. Behind a pointer, so that all is compiled once.
pub(super) trait Carrier {
    /// Reads what there is, waiting at most `limit` for the first byte.
    fn read(&self, into: &mut [u8], limit: Option<Duration>) -> io::Result<usize>;
    /// Writes what there is room for, waiting at most `limit` for the first byte of it: a write that
    /// fails, or is unwound, has written nothing.
    fn write(&self, bytes: &[u8], limit: Option<Duration>) -> io::Result<usize>;
    /// Says to the peer that no more will come.
    fn finish_writing(&self);
    /// Ends the connection; whoever waits on it is woken.
    fn close(&self);
}

/// A limit that has run out is still a limit: zero would be refused.
const SHORTEST: Duration = Duration::from_nanos(1);

fn at_least_shortest(limit: Option<Duration>) -> Option<Duration> {
    limit.map(|limit| limit.max(SHORTEST))
}

/// A socket, or whatever is like one.
pub(super) struct Carried<S>(pub(super) S);

impl<S: Stream> Carrier for Carried<S>
where
    for<'a> &'a S: Read + Write,
{
    fn read(&self, into: &mut [u8], limit: Option<Duration>) -> io::Result<usize> {
        self.0.set_read_timeout(at_least_shortest(limit))?;
        (&self.0).read(into)
    }

    fn write(&self, bytes: &[u8], limit: Option<Duration>) -> io::Result<usize> {
        self.0.set_write_timeout(at_least_shortest(limit))?;
        (&self.0).write(bytes)
    }

    fn finish_writing(&self) {
        // If it fails, the connection is gone already.
        let _ = self.0.shutdown(Shutdown::Write);
    }

    fn close(&self) {
        // Nothing can be done about a failure; dropping the last handle closes in any case.
        let _ = self.0.close();
    }
}

impl Carrier for Upgraded {
    fn read(&self, into: &mut [u8], limit: Option<Duration>) -> io::Result<usize> {
        self.set_read_timeout(at_least_shortest(limit))?;
        let mut stream = self;
        Read::read(&mut stream, into)
    }

    fn write(&self, bytes: &[u8], limit: Option<Duration>) -> io::Result<usize> {
        self.set_write_timeout(at_least_shortest(limit))?;
        let mut stream = self;
        Write::write(&mut stream, bytes)
    }

    fn finish_writing(&self) {
        // As above.
        let _ = Upgraded::finish_writing(self);
    }

    fn close(&self) {
        Upgraded::close(self);
    }
}
