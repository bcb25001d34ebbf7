//! One connection: heads in, handler called, responses out, until there is nothing more at hand, or
//! a reason to close.
//!
//! ```text
//!             ┌─────────────────────────────────────────────────────┐
//!             ▼                                                     │ Next::KeepAlive, Drain
//!   ┌────► head ──────────────► handler ──► respond ──────────► finish
//!   │      │ nothing │ refused                 │ broken           │ Next::Close
//!   │      │ at hand ▼                         ▼                  ▼
//!  rest ◄──┘       linger ◄────────────────────┴──────────────────┘ ───► closed
//! ```
//!
//! A response may also give the connection away, to its end: that is the business of `upgrade`.
//! At rest a connection has no buffer, and whoever serves it decides whether it keeps a coroutine:
//! see `rest`. The rules are [`wire`](crate::wire)'s; how a response is written is in `respond`.

use std::cell::{Cell, RefMut};
use std::io;
use std::mem;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::time::{Duration, Instant};

use eventlet_green::{TimeoutError, catch_panic, now, timeout};
use http::{Response, StatusCode};

use super::body::Body;
use super::forwarded::ForwardedFor;
use super::input::Input;
use super::link::{Link, Turn};
use super::record::Record;
use super::registry::Activity;
use super::request_body::RequestBody;
use super::respond::{Answered, Broken, GivenUp, give_up, respond};
use super::shortcut::{Place, Unanswered, answer_simple};
use super::upgrade::take_over;
use crate::wire::{
    BodyReader, CloseReason, Drain, DrainStep, HeadParser, Next, Refusal, RequestHead, error_page,
    write_refusal,
};

/// How long, and how much, is read after the last response of a connection that has input on its
/// way: closing with unread input would destroy the response (RFC 9112 section 9.6).
pub(super) const LINGER: Duration = Duration::from_secs(2);
pub(super) const LINGER_BYTES: usize = 1024 * 1024;

/// Why serving has come to a stop.
enum Stop {
    /// Nothing is at hand.
    Rest,
    Close(CloseReason),
}

impl From<CloseReason> for Stop {
    fn from(reason: CloseReason) -> Self {
        Stop::Close(reason)
    }
}

/// What there is to do after serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Wait until something comes, for as long as a connection may idle.
    Rest,
    /// Nothing: the connection is to be closed.
    End,
}

/// Serves what has come, until there is nothing more at hand. `came` is what the wait for it gave;
/// [`Link::begin`] or [`Link::read_ahead`] has been called since, and [`Link::served_in`] is the caller.
pub(super) fn serve(link: &Rc<Link>, came: io::Result<()>) -> After {
    let reason = match came {
        Ok(()) => loop {
            match serve_one(link) {
                Ok(Next::KeepAlive) => {}
                Ok(Next::Drain(drain)) => {
                    if let Err(reason) = drain_body(link, drain) {
                        break reason;
                    }
                }
                Ok(Next::Close(reason)) => break reason,
                Ok(Next::Upgraded) => break CloseReason::Upgraded,
                Err(Stop::Rest) => return After::Rest,
                Err(Stop::Close(reason)) => break reason,
            }
        },
        Err(error) if error.kind() == io::ErrorKind::TimedOut => CloseReason::IdleTimeout,
        Err(error) => ended_by(link, &error),
    };
    let is_clean = link.flush().is_ok() && !link.output.borrow().is_broken();
    if link.output.borrow().is_torn() {
        // The close that follows is a reset; see `Open`.
        return After::End;
    }
    if is_clean && (may_have_input_under_way(reason) || link.is_being_sent_more()) {
        linger(link);
    } else if is_clean && reason != CloseReason::Upgraded {
        link.transport.say_goodbye();
    }
    After::End
}

/// One request with its response.
fn serve_one(link: &Rc<Link>) -> Result<Next, Stop> {
    let limits = &link.shared.config.limits;
    let mut head = next_head(link)?;
    link.member.activity.set(Activity::Busy);
    let begun = link
        .shared
        .config
        .log
        .as_ref()
        .map(|log| (log, Instant::now()));
    let serial = link.serial.get() + 1;
    link.serial.set(serial);

    let exchange = link.requests.borrow_mut().begin(&head, limits);
    let body = match BodyReader::new(head.framing, limits) {
        Ok(body) => body,
        Err(refusal) => {
            let line = mem::take(&mut head.line);
            drop(head);
            return Err(refuse(link, refusal, &line).into());
        }
    };
    *link.turn.borrow_mut() = Turn {
        exchange,
        body,
        refused: None,
        status: None,
    };

    let forwarded = ForwardedFor::of(&head.headers, link.shared.config.trusted_hops);
    let record = begun.map(|(log, begun)| Record::new(log, begun, &head, forwarded.clone()));
    if link.has_output() {
        // The answer to an earlier request need not wait for this one's, if that takes its time.
        link.shared.flusher.announce(link);
    }
    let (method, version) = (head.method.clone(), head.version);
    // The request is made, and the response sent, within the innermost of the calls around the
    // handler: handed from one to the next, they would be copied by each.
    let is_handled = Cell::new(false);
    let answer = || {
        let handled = catch_panic(|| {
            let mut request = head.take_request(RequestBody::new(Rc::clone(link), serial));
            drop(head);
            if let Some(forwarded) = forwarded {
                request.extensions_mut().insert(forwarded);
            }
            let response = link.shared.handler.handle(request);
            is_handled.set(true);
            respond(link, &method, version, response)
        });
        match handled {
            Ok(answered) => answered,
            Err(panic) if is_handled.get() => resume_unwind(panic),
            Err(_) => {
                let reason = CloseReason::HandlerFailed;
                link.turn.borrow_mut().exchange.close(reason);
                respond(link, &method, version, internal_error())
            }
        }
    };
    let outcome = within_limit(link, answer);
    link.shared.registry.count_request();
    // Bodies of this request that are still about can no longer read the connection.
    link.serial.set(serial + 1);
    match outcome {
        Ok(answered) => {
            let next = {
                let turn = link.turn.borrow();
                turn.exchange.finish(&turn.body, limits)
            };
            if next == Next::Upgraded {
                take_over(link, record, answered);
            } else if let Some(record) = record {
                record.write(link, answered);
            }
            Ok(next)
        }
        Err(broken) => {
            if let (Some(record), Some(answered)) = (record, broken.answered) {
                record.write(link, answered);
            }
            Err(broken.reason.into())
        }
    }
}

/// Answers, under the limit for all of a request and its response.
pub(super) fn within_limit<T: From<Answered>>(
    link: &Rc<Link>,
    answer: impl FnOnce() -> Result<T, Broken>,
) -> Result<T, Broken> {
    let why = match link.shared.config.exchange {
        None => return answer(),
        Some(limit) => match timeout(limit, answer) {
            Ok(outcome) => return outcome,
            Err(TimeoutError::Elapsed) => GivenUp::OutOfTime,
            Err(other) => {
                eprintln!("eventlet: {other}");
                GivenUp::Failed
            }
        },
    };
    give_up(link, why).map(T::from)
}

pub(super) fn internal_error() -> Response<Body> {
    error_page(StatusCode::INTERNAL_SERVER_ERROR, None).map(Body::from)
}

/// Reads the next head, into the one that the connections of a server share for the time between
/// reading and handling; before that, a shortcut has answered those that it answers. Waits for the rest
/// of one that has begun, not for the first byte of one.
fn next_head(link: &Rc<Link>) -> Result<RefMut<'_, RequestHead>, Stop> {
    let config = &link.shared.config;
    let mut parser = HeadParser::new();
    let mut deadline = None;
    loop {
        let mut input = link.input_to_ourselves()?;
        if !input.is_empty() {
            let left = match link.shared.handler.shortcut() {
                Some(shortcut) if deadline.is_none() => {
                    answer_simple(link, shortcut, &mut input, Place::Coroutine)?
                }
                _ => Unanswered::Unclear,
            };
            let mut space = link.shared.space.borrow_mut();
            let parsed = match left {
                Unanswered::End(reason) => return Err(reason.into()),
                Unanswered::Parsed(parsed) => parsed.map(Some),
                Unanswered::Unclear if input.is_empty() => Ok(None),
                Unanswered::Unclear => {
                    parser.parse_into(&mut space, input.waiting(), &config.limits)
                }
            };
            match parsed {
                Ok(Some(consumed)) => {
                    input.consume(consumed);
                    return Ok(RefMut::map(space, |space| &mut space.head));
                }
                Ok(None) => {}
                Err(refusal) => {
                    drop((input, space));
                    return Err(refuse(link, refusal, &[]).into());
                }
            }
        }
        let has_begun = HeadParser::has_begun(input.waiting());
        let filled = if has_begun {
            // The client may wait for earlier responses before it sends more.
            link.flush().map_err(|error| broken_by(&error))?;
            link.member.activity.set(Activity::Busy);
            let now = now();
            let limit = *deadline.get_or_insert(now + config.head) - now;
            input.fill(|room| link.transport.read(room, limit))
        } else {
            if link.shared.is_stopping() {
                return Err(CloseReason::Shutdown.into());
            }
            if !link.is_reported.replace(false) {
                return Err(Stop::Rest);
            }
            // It was given away if nothing was there at first.
            if !input.has_memory() {
                link.shared.buffers.lend_input(&mut input);
            }
            input.fill(|room| link.transport.try_read(room))
        };
        match filled {
            Ok(0) if has_begun => return Err(CloseReason::ClientAborted.into()),
            Ok(0) => return Err(CloseReason::ClientGone.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(Stop::Rest),
            Err(error) if error.kind() == io::ErrorKind::TimedOut && has_begun => {
                return Err(refuse(link, Refusal::HeadLate, &[]).into());
            }
            Err(error) => return Err(ended_by(link, &error).into()),
        }
    }
}

/// Answers a request that cannot be served.
fn refuse(link: &Link, refusal: Refusal, line: &[u8]) -> CloseReason {
    let shared = &link.shared;
    let mut output = link.output.borrow_mut();
    let length = write_refusal(
        refusal,
        Some(shared.dated().date()),
        shared.config.server.as_ref(),
        &mut output.ready,
    );
    drop(output);
    count_refusal(link, line, refusal.status(), length);
    CloseReason::RequestRefused
}

fn count_refusal(link: &Link, line: &[u8], status: StatusCode, length: usize) {
    link.shared.registry.count_request();
    if let Some(log) = &link.shared.config.log {
        let answered = Answered {
            status,
            length: length as u64,
        };
        Record::refused(log, line).write(link, answered);
    }
}

/// Throws away what the handler left of a body. Nobody wants it, so one deadline is for all of it.
fn drain_body(link: &Rc<Link>, mut drain: Drain) -> Result<(), CloseReason> {
    let deadline = now() + link.shared.config.body;
    link.flush().map_err(|error| broken_by(&error))?;
    loop {
        let mut input = link.input_to_ourselves()?;
        let waiting = input.waiting().len();
        let step = drain.feed(&mut link.turn.borrow_mut().body, input.waiting());
        match step {
            Ok(DrainStep::NeedsInput) => input.consume(waiting),
            Ok(DrainStep::Done { consumed }) => {
                input.consume(consumed);
                return Ok(());
            }
            Ok(DrainStep::GiveUp) => return Err(CloseReason::BodyUnread),
            Err(_) => return Err(CloseReason::RequestRefused),
        }
        let limit = deadline - now();
        match input.fill(|room| link.transport.read(room, limit)) {
            Ok(0) => return Err(CloseReason::ClientAborted),
            Ok(_) => {}
            Err(error) => return Err(broken_by(&error)),
        }
    }
}

/// Whether the client may be sending when the connection is closed for this reason.
fn may_have_input_under_way(reason: CloseReason) -> bool {
    matches!(
        reason,
        CloseReason::RequestRefused
            | CloseReason::BodyUnread
            | CloseReason::ExpectedBodyUnread
            | CloseReason::HandlerFailed
            | CloseReason::HandlerAsked
            | CloseReason::RequestLimit
            | CloseReason::ExchangeTimeout
            | CloseReason::Upgraded
    )
}

/// Says that no more will come, and reads on for a while, so that the response arrives.
fn linger(link: &Link) {
    if link.transport.finish_writing().is_err() {
        return;
    }
    let deadline = now() + LINGER;
    let mut left = LINGER_BYTES;
    let mut input = Input::default();
    while left > 0 {
        let limit = deadline - now();
        match input.fill(|room| link.transport.read(room, limit)) {
            Ok(count) if count > 0 => left = left.saturating_sub(count),
            _ => return,
        }
        let waiting = input.waiting().len();
        input.consume(waiting);
    }
}

/// What a failed write or read means.
pub(super) fn broken_by(error: &io::Error) -> CloseReason {
    match error.kind() {
        io::ErrorKind::TimedOut => CloseReason::ExchangeTimeout,
        _ => CloseReason::ClientAborted,
    }
}

/// What it means that waiting for a request has failed: the server's stop closes idle connections.
fn ended_by(link: &Link, error: &io::Error) -> CloseReason {
    if link.shared.is_stopping() {
        CloseReason::Shutdown
    } else {
        broken_by(error)
    }
}
