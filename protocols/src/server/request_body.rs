//! The body of a request, as the handler reads it.

use std::fmt;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::rc::Rc;

use http::{HeaderMap, Response, StatusCode};

use super::fairness::Row;
use super::link::Link;
use super::pace::Pace;
use super::peer::Peer;
use crate::wire::{BodyAccess, CONTINUE, CloseReason, Refusal, write_interim};

/// The body of a request: a reader that parks its coroutine.
///
/// What is not read is thrown away after the response, if it is little; else the connection is
/// closed. A client that waits for `100 Continue` gets it with the first read.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_protocols::client::{Agent, Body as Sent};
/// use eventlet_protocols::server::{Body, RequestBody, Server};
/// use http::{HeaderMap, HeaderValue, Method, Request, Response};
/// use std::io::{self, Read};
///
/// fn shout(request: Request<RequestBody>) -> io::Result<Response<Body>> {
///     let mut body = request.into_body();
///     assert!(body.peer_addr() == body.peer().ip_addr() && body.tls().is_none());
///     assert_eq!(body.remaining(), None, "it comes in chunks");
///     let mut text = String::new();
///     body.read_to_string(&mut text)?;
///     let trailers: HeaderMap = body.take_trailers();
///     let mark = trailers.get("x-mark").and_then(|mark| mark.to_str().ok()).unwrap_or_default();
///     Ok(Response::new(Body::from(text.to_uppercase() + mark)))
/// }
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let url = format!("http://{}/", listener.local_addr()?);
/// eventlet_green::spawn(move || Server::new(shout).serve(listener));
/// let sent = Sent::reader(&b"hello"[..]).with_trailers(|| {
///     HeaderMap::from_iter([("x-mark".parse().unwrap(), HeaderValue::from_static("!"))])
/// });
/// assert_eq!(Agent::new().call(Method::POST, &url).body(sent).fetch()?.body(), "HELLO!");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RequestBody {
    link: Rc<Link>,
    /// Which of the connection's requests it belongs to.
    serial: u64,
    pace: Pace,
    row: Row,
}

impl RequestBody {
    pub(super) fn new(link: Rc<Link>, serial: u64) -> Self {
        let pace = Pace::full(link.shared.config.patience_to_read());
        RequestBody {
            link,
            serial,
            pace,
            row: Row::default(),
        }
    }

    /// Who the request came from.
    pub fn peer(&self) -> &Peer {
        self.link.transport.peer()
    }

    /// The address the request came from, over IP; see [`peer`](Self::peer).
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer().ip_addr()
    }

    /// What was agreed on with the client, if the request came over TLS.
    #[cfg(feature = "tls")]
    pub fn tls(&self) -> Option<crate::tls::TlsInfo> {
        self.link.transport.tls()
    }

    /// How many bytes are still to come, if that is known: `Some(0)` without a body.
    pub fn remaining(&self) -> Option<u64> {
        if self.is_over() {
            return Some(0);
        }
        self.link.turn.borrow().body.remaining()
    }

    /// The fields that followed a chunked body that has been read to its end; once.
    pub fn take_trailers(&mut self) -> HeaderMap {
        if self.is_over() {
            return HeaderMap::new();
        }
        self.link.turn.borrow_mut().body.take_trailers()
    }

    /// Sends an interim response (RFC 9110 section 15.2) in front of the one that the handler
    /// returns: 103 with links to fetch early, 102 while it takes long, or a `100 Continue` with
    /// fields of the program's own, in place of the one that the first read would send.
    ///
    /// Says whether it was sent. A client of HTTP/1.0 is not sent any, nor is one that does not wait
    /// for it sent a 100.
    ///
    /// # Errors
    ///
    /// * `InvalidInput`: the status is not an interim one.
    /// * `NotConnected`: the response has begun, or is over.
    /// * What the connection gives.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::server::{Body, RequestBody};
    /// use http::{Request, Response};
    ///
    /// fn page(request: Request<RequestBody>) -> std::io::Result<Response<Body>> {
    ///     let hints = Response::builder().status(103).header("link", "</page.css>; rel=preload");
    ///     let hints = hints.body(()).map_err(std::io::Error::other)?;
    ///     request.body().send_interim(&hints)?;
    ///     Ok(Response::new(Body::from("a page that took long to make")))
    /// }
    /// # let _ = page;
    /// ```
    pub fn send_interim(&self, response: &Response<()>) -> io::Result<bool> {
        let status = response.status();
        if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
            let text = format!("status {status} is not that of an interim response");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let mut turn = self.link.turn.borrow_mut();
        if self.is_over() || turn.exchange.has_responded() {
            let text = "the response to this request has begun";
            return Err(io::Error::new(io::ErrorKind::NotConnected, text));
        }
        let is_wanted = turn.exchange.may_inform()
            && (status != StatusCode::CONTINUE
                || turn.exchange.before_body_read(0) == BodyAccess::SendContinue);
        drop(turn);
        if is_wanted {
            let mut bytes = Vec::new();
            write_interim(response, &mut bytes);
            self.link.send_soon(&bytes);
            self.link.flush()?;
        }
        Ok(is_wanted)
    }

    /// Reads the rest as text.
    ///
    /// # Errors
    ///
    /// As for reading; `InvalidData` if it is not UTF-8.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::server::{Body, RequestBody};
    /// use http::{Request, Response};
    /// use std::io;
    ///
    /// /// Text that is not UTF-8 is 500 with `?`, and whatever one likes with `map_err`.
    /// fn greet(request: Request<RequestBody>) -> io::Result<Response<Body>> {
    ///     let name = request.into_body().into_text()?;
    ///     Ok(Response::new(Body::from(format!("hello, {name}"))))
    /// }
    /// # let _ = greet;
    /// ```
    pub fn into_text(mut self) -> io::Result<String> {
        let mut text = String::new();
        self.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Whether the request it belongs to has been answered.
    fn is_over(&self) -> bool {
        self.link.serial.get() != self.serial
    }

    fn refuse(&self, refusal: Refusal) -> io::Error {
        let mut turn = self.link.turn.borrow_mut();
        turn.exchange.close(CloseReason::RequestRefused);
        turn.refused.get_or_insert(refusal);
        refusal.into()
    }

    /// What came of a read of the socket that was to bring more of the body.
    fn came(&self, outcome: io::Result<usize>) -> io::Result<usize> {
        match outcome {
            Ok(0) => {
                // Borrowed no longer than this, since a refusal is noted there.
                let ended = self.link.turn.borrow().body.end_of_input();
                ended.map(|()| 0).map_err(|refusal| self.refuse(refusal))
            }
            Ok(count) => Ok(count),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(self.refuse(Refusal::BodyLate))
            }
            Err(error) => {
                let exchange = &mut self.link.turn.borrow_mut().exchange;
                exchange.close(CloseReason::ClientAborted);
                Err(error)
            }
        }
    }
}

/// Reads what there is, waiting for it no longer than the pace allows.
fn read_patiently(link: &Link, pace: &mut Pace, into: &mut [u8]) -> io::Result<usize> {
    let patience = link.shared.config.patience_to_read();
    let count = pace.spend(patience, |limit| link.transport.read(into, limit))?;
    pace.earn(patience, count as u64);
    Ok(count)
}

impl Read for RequestBody {
    /// Reads what there is of the body, waiting for the first byte of it.
    ///
    /// # Errors
    ///
    /// * `TimedOut`, with a [`Refusal`]: nothing came in [`Config::body`](super::Config::body), or too
    ///   little in a longer time.
    /// * `InvalidData` or `UnexpectedEof`, with a [`Refusal`]: the body is malformed or too large, or
    ///   was cut off.
    /// * `NotConnected`: the request has been answered.
    /// * `ResourceBusy`: another coroutine is reading it.
    /// * What the connection gives.
    ///
    /// What has a [`Refusal`] is final: reading on gives it again. If the response has not begun, the
    /// client is answered with the refusal, whatever the handler makes of it.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.row.give_way();
        let count = self.read_on(into)?;
        self.row.count(count);
        Ok(count)
    }
}

impl RequestBody {
    fn read_on(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.is_over() {
            let text = "the request that this body belongs to has been answered";
            return Err(io::Error::new(io::ErrorKind::NotConnected, text));
        }
        if into.is_empty() {
            return Ok(0);
        }
        let link = &Rc::clone(&self.link);
        let Ok(mut input) = link.input.try_borrow_mut() else {
            let text = "another coroutine is reading this body";
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
        };
        loop {
            let ahead = {
                let mut turn = link.turn.borrow_mut();
                if let Some(refusal) = turn.refused {
                    return Err(refusal.into());
                }
                if turn.body.is_finished() {
                    return Ok(0);
                }
                let waiting = input.waiting();
                if !waiting.is_empty() && turn.exchange.is_awaiting_continue() {
                    // It has begun to send: there is nothing left to ask it for.
                    turn.exchange.before_body_read(waiting.len());
                }
                let room = waiting.len().min(into.len());
                match turn.body.read(&waiting[..room]) {
                    Ok(step) => {
                        let (consumed, count) = (step.consumed, step.data.len());
                        into[..count].copy_from_slice(step.data);
                        let is_finished = step.is_finished;
                        input.consume(consumed);
                        if count > 0 || is_finished {
                            return Ok(count);
                        }
                        if consumed > 0 {
                            continue;
                        }
                    }
                    Err(refusal) => {
                        drop(turn);
                        return Err(self.refuse(refusal));
                    }
                }
                match turn.exchange.before_body_read(input.waiting().len()) {
                    BodyAccess::Ready => {}
                    BodyAccess::SendContinue => link.send_soon(CONTINUE),
                    BodyAccess::Withheld => {
                        let text = "the response began before the client was told to send its body";
                        return Err(io::Error::new(io::ErrorKind::NotConnected, text));
                    }
                }
                turn.body.data_ahead()
            };
            // The client may wait for an earlier response before it sends more.
            link.flush()?;
            if ahead > 0 && input.is_empty() {
                // Straight to where it is wanted.
                let most = usize::try_from(ahead).map_or(into.len(), |ahead| ahead.min(into.len()));
                let read = read_patiently(link, &mut self.pace, &mut into[..most]);
                let count = self.came(read)?;
                let skipped = link.turn.borrow_mut().body.skip_data(count as u64);
                return match skipped {
                    Ok(()) => Ok(count),
                    Err(refusal) => Err(self.refuse(refusal)),
                };
            }
            let filled = input.fill(|room| read_patiently(link, &mut self.pace, room));
            self.came(filled)?;
        }
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody")
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}
