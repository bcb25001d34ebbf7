//! Writing a response: its head as late as possible, its body as it comes.
//!
//! The head of a streaming response is written with the first byte of its body, not before. Until
//! then the writer may read the request's body, and the client that waits for `100 Continue` gets
//! it in time; and a writer that fails at once can still be answered with 500.

use std::cell::RefMut;
use std::io;
use std::mem;
use std::rc::Rc;

use eventlet_green::catch_panic;
use http::{HeaderMap, Method, Response, StatusCode, Version};

use super::body::{Body, BodySink, Kind};
use super::connection::broken_by;
use super::link::Link;
use super::output::Output;
use super::upgrade;
use crate::wire::{
    CloseReason, ResponseFraming, ResponseHead, ResponseKind, ResponsePlan, error_page,
    plan_response, refusal_page,
};

/// What was sent, for the access log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) length: u64,
}

/// A response that was not sent to its end: the connection is to be closed.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) reason: CloseReason,
    /// What was sent of it.
    pub(super) answered: Option<Answered>,
}

/// The head of a streaming response, which waits for the first byte of its body.
pub(super) struct Start {
    status: StatusCode,
    fields: HeaderMap,
    plan: ResponsePlan,
}

impl Start {
    /// Writes the head behind what is ready to go out.
    pub(super) fn write(mut self, link: &Link) {
        let kind = ResponseKind::Streaming;
        write_head(link, self.status, &mut self.fields, &self.plan, kind);
    }
}

/// Writes a head behind what is ready to go out; afterwards the fields are gone.
fn write_head(
    link: &Link,
    status: StatusCode,
    fields: &mut HeaderMap,
    plan: &ResponsePlan,
    kind: ResponseKind,
) {
    let config = &link.shared.config;
    let connection = {
        let turn = &mut *link.turn.borrow_mut();
        turn.status = Some(status);
        if link.shared.is_stopping() {
            turn.exchange.close(CloseReason::Shutdown);
        }
        turn.exchange
            .respond(status, fields, plan, &turn.body, &config.limits, kind)
    };
    let mut output = link.output.borrow_mut();
    let dated = link.shared.dated();
    ResponseHead {
        status,
        fields,
        length: plan.field,
        connection,
        keep_alive_seconds: Some(config.idle.as_secs()),
        date: Some(dated.date()),
        server: config.server.as_ref(),
        names: config.names,
    }
    .write_with_ending(dated.ending(), &mut output.ready);
    output.begin_body(plan);
    drop((output, dated));
    link.shared.reuse(fields);
}

/// Sends a response.
pub(super) fn respond(
    link: &Rc<Link>,
    method: &Method,
    version: Version,
    mut response: Response<Body>,
) -> Result<Answered, Broken> {
    let refused = link.turn.borrow().refused;
    if let Some(refusal) = refused {
        // What is wrong with the request's body says more than what the handler made of it.
        response = refusal_page(refusal).map(Body::from);
    } else if !is_permitted(method, &response) {
        response = permitted(link, response);
    }
    let status = response.status();
    let body = mem::take(response.body_mut());
    let fields = response.headers_mut();
    let plan = plan_response(method, version, status, fields, body.size());
    match body.kind {
        Kind::Bytes(bytes) => {
            write_head(link, status, fields, &plan, ResponseKind::Whole);
            send_body(link, link.output.borrow_mut(), status, &bytes)
        }
        Kind::Upgrade(takeover) => {
            write_head(link, status, fields, &plan, ResponseKind::Whole);
            link.takeover.set(Some(takeover));
            Ok(Answered { status, length: 0 })
        }
        Kind::Stream { .. } if plan.framing == ResponseFraming::Nothing => {
            write_head(link, status, fields, &plan, ResponseKind::Whole);
            Ok(Answered { status, length: 0 })
        }
        Kind::Stream { writer, .. } => {
            let start = Start {
                status,
                fields: mem::take(fields),
                plan,
            };
            let mut sink = BodySink {
                link,
                start: Some(start),
                trailers: None,
            };
            let outcome = catch_panic(|| writer(&mut sink));
            let BodySink {
                start, trailers, ..
            } = sink;
            end_stream(
                link,
                status,
                start,
                trailers,
                outcome.unwrap_or_else(|_| Err(panicked())),
            )
        }
    }
}

/// Sends a body that is all there, whose head has been written.
#[inline]
pub(super) fn send_body(
    link: &Link,
    mut output: RefMut<'_, Output>,
    status: StatusCode,
    bytes: &[u8],
) -> Result<Answered, Broken> {
    let sent = output.whole_body(bytes);
    let answered = Answered {
        status,
        length: output.body_sent(),
    };
    drop(output);
    sent.map_err(|error| broken(link, &error, answered))?;
    Ok(answered)
}

fn end_stream(
    link: &Rc<Link>,
    status: StatusCode,
    start: Option<Start>,
    trailers: Option<HeaderMap>,
    outcome: io::Result<()>,
) -> Result<Answered, Broken> {
    match (outcome, start) {
        (Err(error), Some(_unsent)) => {
            report(&error);
            give_up(link, GivenUp::Failed)
        }
        (outcome, start) => {
            if let Some(start) = start {
                start.write(link);
            }
            let mut output = link.output.borrow_mut();
            let ended = match outcome {
                Ok(()) => output.end_body(trailers.as_ref()),
                Err(error) => {
                    // What was written before the failure goes out; what ends a body does not, so
                    // the client sees that something is missing.
                    let sent = output.send_gathered();
                    output.abandon_body();
                    sent.and(Err(error))
                }
            };
            let answered = Answered {
                status,
                length: output.body_sent(),
            };
            let cut = output.body_cut();
            drop(output);
            if cut > 0 {
                eprintln!("eventlet: a response body went {cut} bytes beyond its length; cut off");
            }
            ended.map_err(|error| broken(link, &error, answered))?;
            Ok(answered)
        }
    }
}

/// Why a response did not come to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// Its writer failed.
    Failed,
    /// [`Config::exchange`](super::Config::exchange) is over.
    OutOfTime,
}

/// Answers 500 or 503 (or what is wrong with the request) in place of a response that did not come
/// to be; if one has begun, it is broken off.
pub(super) fn give_up(link: &Rc<Link>, why: GivenUp) -> Result<Answered, Broken> {
    let (reason, status) = match why {
        GivenUp::Failed => (
            CloseReason::HandlerFailed,
            StatusCode::INTERNAL_SERVER_ERROR,
        ),
        GivenUp::OutOfTime => (
            CloseReason::ExchangeTimeout,
            StatusCode::SERVICE_UNAVAILABLE,
        ),
    };
    let mut turn = link.turn.borrow_mut();
    turn.exchange.close(reason);
    if turn.exchange.has_responded() {
        let status = turn.status;
        drop(turn);
        let mut output = link.output.borrow_mut();
        output.abandon_body();
        let length = output.body_sent();
        let answered = status.map(|status| Answered { status, length });
        return Err(Broken { reason, answered });
    }
    let page = match turn.refused {
        Some(refusal) => refusal_page(refusal),
        None => error_page(status, None),
    };
    drop(turn);
    respond(link, &Method::GET, Version::HTTP_11, page.map(Body::from))
}

/// A handler gives final responses only, and the connection away only with one that says so: this is
/// one that needs no second look.
fn is_permitted(method: &Method, response: &Response<Body>) -> bool {
    let status = response.status();
    !(status.is_informational()
        || (*method == Method::CONNECT && status.is_success())
        || matches!(response.body().kind, Kind::Upgrade(_)))
}

/// The response, or what is sent in its place.
#[cold]
fn permitted(link: &Rc<Link>, response: Response<Body>) -> Response<Body> {
    if let Kind::Upgrade(_) = response.body().kind {
        return upgrade::permitted(link, response);
    }
    let status = response.status();
    if status.is_success() {
        return upgrade::no_tunnel();
    }
    eprintln!("eventlet: a handler returned status {status}, which is not final");
    error_page(StatusCode::INTERNAL_SERVER_ERROR, None).map(Body::from)
}

fn panicked() -> io::Error {
    io::Error::other("the writer of a response body panicked")
}

fn report(error: &io::Error) {
    eprintln!("eventlet: a response body failed: {error}");
}

/// Why a response could not be sent to its end.
fn broken(link: &Link, error: &io::Error, answered: Answered) -> Broken {
    let reason = match error.kind() {
        _ if link.output.borrow().is_broken() => broken_by(error),
        io::ErrorKind::InvalidData => {
            report(error);
            CloseReason::ResponseTooShort
        }
        _ => {
            report(error);
            CloseReason::HandlerFailed
        }
    };
    Broken {
        reason,
        answered: Some(answered),
    }
}
