//! A connection that goes over to another protocol, or becomes a tunnel (RFC 9110 sections 7.8 and
//! 9.3.6): whether a response may have that, and what the handler then gets.
//!
//! ```text
//!   handler ──► 101 with Body::upgrade ──► rest of the request's body ──► head sent ──► takeover
//!                 │ not asked for, 2xx                                                    │ returns,
//!                 │ without CONNECT, no Upgrade field                                     ▼ fails
//!                 └──► 500                                                              closed
//! ```
//!
//! What is spoken then is the program's business; WebSocket is a module of its own.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::catch_panic;
use http::{Response, StatusCode, header};

use super::body::Body;
use super::link::Link;
use super::peer::Peer;
use super::record::Record;
use super::request_body::RequestBody;
use super::respond::Answered;
use crate::wire::{CloseReason, error_page, refusal_page};

/// Who gets the connection.
pub(super) type Takeover = Box<dyn FnOnce(Upgraded) -> io::Result<()>>;

/// How long a transport waits that is to wait for ever: added to any time, it is the last there is.
const FOREVER: Duration = Duration::MAX;

/// How much of a body is read at once to throw it away.
const PIECE: usize = 4096;

/// Whether a connection may be given away with this response; if not, what is sent in its place.
pub(super) fn permitted(link: &Rc<Link>, response: Response<Body>) -> Response<Body> {
    let status = response.status();
    let is_asked_for = link.turn.borrow().exchange.may_upgrade_with(status);
    let names_protocol = response.headers().contains_key(header::UPGRADE);
    let fault = if !is_asked_for {
        "which the request did not ask for"
    } else if status == StatusCode::SWITCHING_PROTOCOLS && !names_protocol {
        "without an Upgrade field"
    } else {
        return skip_body(link).unwrap_or(response);
    };
    eprintln!("eventlet: a handler gave the connection away with status {status}, {fault}");
    failed()
}

/// The response to CONNECT of a handler that has no tunnel for it: with its 2xx the client would
/// take what follows for the other end's.
pub(super) fn no_tunnel() -> Response<Body> {
    error_page(StatusCode::NOT_IMPLEMENTED, None).map(Body::from)
}

/// Reads what the handler left of the request's body: the new protocol begins behind it, and a
/// client that waits for `100 Continue` gets that first (RFC 9110 section 7.8). If that cannot be
/// done, says what to answer instead.
fn skip_body(link: &Rc<Link>) -> Option<Response<Body>> {
    if link.turn.borrow().body.is_finished() {
        return None;
    }
    let mut body = RequestBody::new(Rc::clone(link), link.serial.get());
    let mut left = link.shared.config.limits.drain;
    let mut piece = [0; PIECE];
    loop {
        match body.read(&mut piece) {
            Ok(0) => return None,
            Ok(count) => match left.checked_sub(count as u64) {
                Some(less) => left = less,
                None => {
                    let mut turn = link.turn.borrow_mut();
                    turn.exchange.close(CloseReason::BodyUnread);
                    let page = error_page(StatusCode::PAYLOAD_TOO_LARGE, None);
                    return Some(page.map(Body::from));
                }
            },
            Err(_) => {
                let refused = link.turn.borrow().refused;
                let page = refused.map(|refusal| refusal_page(refusal).map(Body::from));
                return page.or_else(|| Some(failed()));
            }
        }
    }
}

fn failed() -> Response<Body> {
    error_page(StatusCode::INTERNAL_SERVER_ERROR, None).map(Body::from)
}

/// Sends the response that gives the connection away, and has it taken over until its end.
pub(super) fn take_over(link: &Rc<Link>, record: Option<Record<'_>>, answered: Answered) {
    let tunnel = Rc::new(Tunnel {
        link: Rc::clone(link),
        serial: link.serial.get(),
        read_limit: Cell::new(None),
        write_limit: Cell::new(Some(link.shared.config.write)),
        sent: Cell::new(0),
        has_failed: Cell::new(false),
    });
    let _account = Account {
        tunnel: &tunnel,
        record,
        status: answered.status,
    };
    let Some(takeover) = link.takeover.take() else {
        return;
    };
    if link.flush().is_err() {
        return;
    }
    link.give_buffers_away();
    let upgraded = Upgraded {
        tunnel: Rc::clone(&tunnel),
    };
    match catch_panic(|| takeover(upgraded)) {
        // The client's doing, such as that it has left, is nobody's fault here.
        Ok(Err(error)) if !tunnel.has_failed.get() => {
            eprintln!("eventlet: an upgraded connection failed: {error}");
        }
        // A panic has been reported where it happened.
        _ => {}
    }
}

/// Writes the line of the access log and ends the tunnel, on whatever way it ends.
struct Account<'a> {
    tunnel: &'a Tunnel,
    record: Option<Record<'a>>,
    status: StatusCode,
}

impl Drop for Account<'_> {
    fn drop(&mut self) {
        let link = &self.tunnel.link;
        link.serial.set(self.tunnel.serial + 1);
        link.member.set_on_stop(None);
        let Some(record) = self.record.take() else {
            return;
        };
        let answered = Answered {
            status: self.status,
            length: self.tunnel.sent.get(),
        };
        // The log is the program's; when a kill unwinds, its panic would be the second.
        let _ = catch_unwind(AssertUnwindSafe(|| record.write(link, answered)));
    }
}

/// A connection that the handler has taken over: see [`Body::upgrade`](super::Body::upgrade).
///
/// A stream as a socket is: `Read` and `Write` are there for the type and for a shared reference, so
/// that one coroutine reads while another writes; clones are further handles. A second reader or
/// writer at a time is refused with `ResourceBusy`. What the client had sent already behind its
/// request is read first.
///
/// **Deadlines.** The idle and exchange deadlines of the server no longer apply. A read waits for
/// ever, unless [`set_read_timeout`](Self::set_read_timeout) says otherwise; a write waits for room
/// as long as [`Config::write`](super::Config::write) says, so that a client that does not read
/// holds nobody up for ever.
///
/// **End.** The connection is closed when the function that took it over returns, fails or panics.
/// What other handles there are then give `NotConnected`.
///
/// **Stop and kill.** It counts as busy. When the server [stops](super::ServerHandle::stop), it goes
/// on until it ends by itself ([`is_stopping`](Self::is_stopping) and
/// [`on_stop`](Self::on_stop) tell), and at the deadline the
/// coroutine that serves it is killed.
///
/// **Access log.** Its line is written at the end, with the status of the response, the number of
/// bytes that were written here, and all the time it took.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::{TcpListener, TcpStream};
/// use eventlet_protocols::server::{Body, RequestBody, Server, Upgraded};
/// use http::{Request, Response};
/// use std::io::{self, Read, Write};
/// use std::time::Duration;
///
/// /// Sends back what comes, in capitals.
/// fn shout(mut connection: Upgraded) -> io::Result<()> {
///     connection.set_read_timeout(Some(Duration::from_secs(60)))?;
///     connection.set_write_timeout(Some(Duration::from_secs(60)))?;
///     assert_eq!(connection.read_timeout(), connection.write_timeout());
///     assert!(connection.peer().ip().is_some() && !connection.is_stopping());
///     let closing = connection.clone();
///     connection.on_stop(move || closing.close()); // Nobody waits for what may never come.
///
///     let mut text = String::new();
///     connection.read_to_string(&mut text)?;
///     connection.write_all(text.to_uppercase().as_bytes())?;
///     connection.finish_writing()
/// }
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let mut client = TcpStream::connect(listener.local_addr()?)?;
/// eventlet_green::spawn(move || {
///     Server::new(|_: Request<RequestBody>| {
///         let response = Response::builder().status(101).header("upgrade", "shout");
///         response.body(Body::upgrade(shout)).unwrap()
///     })
///     .serve(listener)
/// });
/// client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n")?;
/// client.write_all(b"Connection: upgrade\r\nUpgrade: shout\r\n\r\nhello")?;
/// client.shutdown(std::net::Shutdown::Write)?;
/// let mut answer = String::new();
/// client.read_to_string(&mut answer)?;
/// assert!(answer.starts_with("HTTP/1.1 101 ") && answer.ends_with("\r\n\r\nHELLO"));
/// # Ok::<(), io::Error>(())
/// ```
#[derive(Clone)]
pub struct Upgraded {
    tunnel: Rc<Tunnel>,
}

/// What all handles share.
struct Tunnel {
    link: Rc<Link>,
    /// The connection's, for as long as this is its use.
    serial: u64,
    read_limit: Cell<Option<Duration>>,
    write_limit: Cell<Option<Duration>>,
    sent: Cell<u64>,
    /// An operation has failed, or the client has left: what the program then says of it is no news.
    has_failed: Cell<bool>,
}

impl Upgraded {
    /// Who is at the other end.
    pub fn peer(&self) -> &Peer {
        self.tunnel.link.transport.peer()
    }

    /// How long one read may wait. Default: `None`, for ever.
    pub fn read_timeout(&self) -> Option<Duration> {
        self.tunnel.read_limit.get()
    }

    /// Sets how long one read may wait; it then gives `TimedOut`, and the connection can be used
    /// further.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for zero.
    pub fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        check_limit(limit)?;
        self.tunnel.read_limit.set(limit);
        Ok(())
    }

    /// How long one write may wait for room. Default: [`Config::write`](super::Config::write).
    pub fn write_timeout(&self) -> Option<Duration> {
        self.tunnel.write_limit.get()
    }

    /// Sets how long one write may wait for room; it then gives `TimedOut`, has written nothing, and
    /// the connection can be used further.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for zero.
    pub fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        check_limit(limit)?;
        self.tunnel.write_limit.set(limit);
        Ok(())
    }

    /// Says to the client that no more will come; reading goes on.
    ///
    /// # Errors
    ///
    /// What the connection gives; `NotConnected` after its end.
    pub fn finish_writing(&self) -> io::Result<()> {
        self.check_open()?;
        self.tunnel.link.transport.finish_writing()
    }

    /// Closes the connection now, for every handle. Whoever waits on it gets `NotConnected`, as does
    /// every later operation.
    pub fn close(&self) {
        if self.check_open().is_ok() {
            self.tunnel.link.transport.close();
        }
    }

    /// Whether the server has been told to stop: time to come to an end before the deadline.
    pub fn is_stopping(&self) -> bool {
        self.tunnel.link.shared.is_stopping()
    }

    /// Has `call` called when the server is told to stop, by whoever tells it: it must not wait
    /// (it may [`spawn`](eventlet_green::spawn())). Called at once if that has been; not at all if the
    /// connection ends before. Replaces the one that was set before.
    pub fn on_stop(&self, call: impl FnOnce() + 'static) {
        if self.is_stopping() {
            call();
        } else if self.check_open().is_ok() {
            self.tunnel.link.member.set_on_stop(Some(Box::new(call)));
        }
    }

    fn check_open(&self) -> io::Result<()> {
        if self.tunnel.link.serial.get() == self.tunnel.serial {
            return Ok(());
        }
        let text = "the function that took this connection over has returned";
        Err(io::Error::new(io::ErrorKind::NotConnected, text))
    }

    /// Takes from what had come before the connection was taken over.
    fn read_ahead(&self, into: &mut [u8]) -> io::Result<Option<usize>> {
        let link = &self.tunnel.link;
        let Ok(mut input) = link.input.try_borrow_mut() else {
            let text = "a coroutine of the handler's still reads the request";
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
        };
        if input.is_empty() {
            return Ok(None);
        }
        let count = input.waiting().len().min(into.len());
        into[..count].copy_from_slice(&input.waiting()[..count]);
        input.consume(count);
        if input.is_empty() {
            link.shared.buffers.return_input(&mut input);
        }
        Ok(Some(count))
    }
}

fn check_limit(limit: Option<Duration>) -> io::Result<()> {
    if limit.is_some_and(|limit| limit.is_zero()) {
        let text = "a time limit of zero would never let an operation wait; use None for no limit";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Ok(())
}

impl Read for &Upgraded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.check_open()?;
        if into.is_empty() {
            return Ok(0);
        }
        if let Some(count) = self.read_ahead(into)? {
            return Ok(count);
        }
        let tunnel = &self.tunnel;
        let limit = tunnel.read_limit.get().unwrap_or(FOREVER);
        let outcome = tunnel.link.transport.read(into, limit);
        tunnel.has_failed.set(!matches!(outcome, Ok(1..)));
        outcome
    }
}

impl Write for &Upgraded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check_open()?;
        if bytes.is_empty() {
            return Ok(0);
        }
        let tunnel = &self.tunnel;
        let limit = tunnel.write_limit.get().unwrap_or(FOREVER);
        let outcome = tunnel.link.transport.write(bytes, limit);
        match &outcome {
            Ok(count) => tunnel.sent.set(tunnel.sent.get() + *count as u64),
            Err(_) => tunnel.has_failed.set(true),
        }
        outcome
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Upgraded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        (&*self).read(into)
    }
}

impl Write for Upgraded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgraded")
            .field("open", &self.check_open().is_ok())
            .field("sent", &self.tunnel.sent.get())
            .finish_non_exhaustive()
    }
}
