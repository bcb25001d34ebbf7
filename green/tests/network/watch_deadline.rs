//! Watchers that are put up until a deadline, over a stream that knows of deadlines and over one that
//! does not. What else they do is in `watch`.

use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use crate::support::{on_each_hub_jumping, pair};
use eventlet_green::net::{Stream, TcpStream};
use eventlet_green::{Time, Watcher, now, sleep};

/// The deadline counts, and not the read timeout; for a stream that knows nothing of deadlines, the
/// trait sets the one by the other.
#[test]
fn it_can_be_given_a_deadline() {
    on_each_hub_jumping(|_| {
        let minute = Duration::from_secs(60);
        let (near, _far) = pair();
        near.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let near = expires_at(near, now() + minute, minute);
        assert_eq!(near.read_timeout(), Some(Duration::from_secs(1)));
        let (near, _far) = pair();
        let near = expires_at(Plain(near), now() + minute, minute);
        assert_eq!(near.0.read_timeout(), Some(minute));
        // One that is over already.
        let (near, _far) = pair();
        expires_at(Plain(near), now(), Duration::ZERO);
    });
}

/// Puts a watcher up until the deadline, which is in `left`, and finds it called then and not before.
fn expires_at<S: Stream>(stream: S, deadline: Time, left: Duration) -> Rc<S> {
    struct Expiring(Cell<Option<ErrorKind>>);

    impl Watcher for Expiring {
        fn came(self: Rc<Self>, outcome: io::Result<()>) {
            self.0.set(Some(outcome.unwrap_err().kind()));
        }
    }

    let stream = Rc::new(stream);
    stream.try_read(&mut [0]).unwrap_err();
    let watcher = Rc::new(Expiring(Cell::new(None)));
    let theirs = Rc::clone(&watcher);
    stream.watch_readable_until(theirs, deadline).unwrap();
    if let Some(before) = left.checked_sub(Duration::from_nanos(1)) {
        sleep(before);
        assert_eq!(watcher.0.get(), None);
    }
    sleep(Duration::from_nanos(2));
    assert_eq!(watcher.0.get(), Some(ErrorKind::TimedOut));
    stream
}

/// A stream of a program's own, with no more than it must have.
struct Plain(TcpStream);

impl Stream for Plain {
    fn wait_readable(&self) -> io::Result<()> {
        self.0.wait_readable()
    }

    fn wait_writable(&self) -> io::Result<()> {
        self.0.wait_writable()
    }

    fn watch_readable(&self, watcher: Rc<dyn Watcher>) -> io::Result<()> {
        self.0.watch_readable(watcher)
    }

    fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(into)
    }

    fn try_write(&self, from: &[u8]) -> io::Result<usize> {
        self.0.try_write(from)
    }

    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(limit)
    }

    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.0.set_write_timeout(limit)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.shutdown(how)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
}
