//! A request's body in the hands of another coroutine, which reads on and has earlier answers sent
//! while the connection begins its own: neither disturbs the other, whatever the stream does.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::net::Stream;
use eventlet_green::testing::{Duplex, duplex, settle};
use eventlet_green::{KillHandle, Watcher, sleep, spawn};
use eventlet_protocols::server::{Body, Peer, RequestBody, Server};
use http::{Request, Response};

use crate::support::{Client, on_each_hub_jumping};

const SECOND: Duration = Duration::from_secs(1);

/// A stream that takes its time where it should not: it waits when it is only to try to write. Where
/// nobody may wait it has no room.
#[derive(Clone)]
struct Dawdler {
    inner: Duplex,
    waits: Rc<Cell<u32>>,
}

impl Stream for Dawdler {
    fn try_write(&self, from: &[u8]) -> io::Result<usize> {
        if KillHandle::of_current().is_err() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.waits.set(self.waits.get() + 1);
        sleep(10 * SECOND);
        self.inner.try_write(from)
    }

    fn wait_readable(&self) -> io::Result<()> {
        self.inner.wait_readable()
    }

    fn wait_writable(&self) -> io::Result<()> {
        self.inner.wait_writable()
    }

    fn watch_readable(&self, watcher: Rc<dyn Watcher>) -> io::Result<()> {
        self.inner.watch_readable(watcher)
    }

    fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.inner.try_read(into)
    }

    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.inner.set_read_timeout(limit)
    }

    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.inner.set_write_timeout(limit)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.inner.shutdown(how)
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }
}

impl Read for &Dawdler {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        (&self.inner).read(into)
    }
}

impl Write for &Dawdler {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        (&self.inner).write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gives the body of a POST away, and answers `pause` later, as a whole or as a stream.
fn give_away(request: Request<RequestBody>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    if request.method() == "POST" {
        let mut body = request.into_body();
        spawn(move || body.read_to_end(&mut Vec::new()));
        let seconds: u32 = path[2..].parse().unwrap();
        sleep(seconds * SECOND);
    }
    let is_stream = path.starts_with("/s");
    Response::new(match is_stream {
        true => Body::stream(move |sink| {
            sink.write_all(path.as_bytes())?;
            sink.flush()?;
            sleep(SECOND);
            sink.write_all(b"!")
        }),
        false => Body::from(path),
    })
}

#[test]
fn what_it_sends_and_the_answer_do_not_meet() {
    on_each_hub_jumping(|_| {
        for (path, answer) in [
            ("/w0", "/w0"),
            ("/w3", "/w3"),
            ("/w20", "/w20"),
            ("/s0", "/s0!"),
            ("/s3", "/s3!"),
        ] {
            let (near, far) = duplex(1000);
            let waits = Rc::new(Cell::new(0));
            let stream = Dawdler {
                inner: far,
                waits: Rc::clone(&waits),
            };
            let server = Server::new(give_away);
            let serving = spawn(move || server.serve_stream(stream, Peer::Unknown));
            let mut client = Client::over(near);
            let post = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
            client.send("GET /w HTTP/1.1\r\nHost: a\r\n\r\n".to_owned() + &post);
            assert_eq!(client.reply().text(), "/w", "{path}");
            assert_eq!(client.reply().text(), answer, "{path}");
            assert_eq!(
                waits.get(),
                0,
                "nobody with the output in hand may wait there"
            );
            drop(client);
            serving.join().unwrap();
            // Its reader is told, too.
            settle();
        }
    });
}
