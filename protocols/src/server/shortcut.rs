//! A shorter way to answer simple requests: from their heads as they lie, before any of the types of
//! `http` is made of them.
//!
//! ```text
//!   head ──► simple? ──► shortcut ──► answer, behind what is ready to go out ──► next head
//!              │ no         │ None
//!              └────────────┴──► request ──► handler
//! ```
//!
//! Which requests are simple is decided in [`HeadView`]; those whose fields have come before are known by
//! comparing, without being parsed. Whatever goes wrong here is answered in the
//! ordinary way, by `respond`.

use std::cell::Cell;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::time::Instant;

use eventlet_green::catch_panic;
use http::{Method, Response, Version};

use super::body::Body;
use super::connection::{internal_error, within_limit};
use super::input::Input;
use super::link::{Link, Turn};
use super::record::Record;
use super::registry::Activity;
use super::respond::{Answered, Broken, respond, send_body};
use super::short_answer::ShortAnswer;
use crate::wire::{
    BodySize, CloseReason, ConnectionField, CutHead, Exchange, HeadView, Next, Refusal,
    ResponseHead, plan_response,
};

/// Answers simple requests, without what a request costs.
///
/// About half of what a small answer costs the program is making, and throwing away, the request's
/// target, fields and values, and the response. For what is asked for again and again, and does not
/// need them (whether the server is alive, a small file from memory, a redirect), there is this: it
/// gets the head as it lies in the connection's buffer, and gives an answer that borrows what it is
/// made of. Fields that come again byte for byte, as those of one client do, and of many of one kind,
/// are compared with the last and not parsed again. An answer that is always the same can be
/// [made once](super::PreparedAnswer).
///
/// It is asked about GET and HEAD of a path, in HTTP/1.1, without a body, an expectation or an upgrade,
/// from clients that do not ask for the connection to be closed; and for the one `Host` that the server
/// remembers, which is that of the first request, until others have come sixteen times in a row. So
/// **what it answers, the handler must answer as well, and in the same way**: this is a shorter way to
/// the same answer.
///
/// The answers are like a handler's: with `Date` and `Server`, in the access log, without a body for
/// HEAD, within [`Config::exchange`](super::Config::exchange). If it panics, the client gets 500 and
/// the connection is closed. It may wait, like any code, but keeps a buffer of 16 KiB for so long; one that
/// [never waits](Self::is_immediate) is cheaper still.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_protocols::client::Agent;
/// use eventlet_protocols::server::{Body, Handler, RequestBody, Server, ShortAnswer, Shortcut};
/// use eventlet_protocols::wire::HeadView;
/// use http::{Request, Response};
///
/// struct Pages;
///
/// impl Handler for Pages {
///     fn handle(&self, request: Request<RequestBody>) -> Response<Body> {
///         Response::new(Body::from(match request.uri().path() {
///             "/health" => "fine\n".to_owned(),
///             path => format!("this is {path}\n"),
///         }))
///     }
///
///     fn shortcut(&self) -> Option<&dyn Shortcut> {
///         Some(self)
///     }
/// }
///
/// impl Shortcut for Pages {
///     fn answer<'a>(&'a self, head: &HeadView<'a>) -> Option<ShortAnswer<'a>> {
///         (head.path() == b"/health").then(|| ShortAnswer::new(b"fine\n"))
///     }
/// }
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let url = format!("http://{}", listener.local_addr()?);
/// eventlet_green::spawn(move || Server::new(Pages).serve(listener));
/// let agent = Agent::new();
/// for _ in 0..3 {
///     assert_eq!(agent.get(&format!("{url}/health"))?, "fine\n");
///     assert_eq!(agent.get(&format!("{url}/other"))?, "this is /other\n");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Shortcut {
    /// Answers a request, or leaves it to [`Handler::handle`](super::Handler::handle).
    fn answer<'a>(&'a self, head: &HeadView<'a>) -> Option<ShortAnswer<'a>>;

    /// Whether it never waits. Then no coroutine is made for what it answers: where it can be, it is asked
    /// outside of any, in the run loop, and is not to wait there nor to take long. If it fails in that,
    /// or gives what is not sent at once (more than 12 KiB), it is asked again in a coroutine.
    ///
    /// By default it may wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::server::{ShortAnswer, Shortcut};
    /// use eventlet_protocols::wire::HeadView;
    ///
    /// struct Health;
    ///
    /// impl Shortcut for Health {
    ///     fn answer<'a>(&'a self, head: &HeadView<'a>) -> Option<ShortAnswer<'a>> {
    ///         (head.path() == b"/health").then(|| ShortAnswer::new(b"fine\n"))
    ///     }
    ///
    ///     fn is_immediate(&self) -> bool {
    ///         true // There is nothing to wait for.
    ///     }
    /// }
    /// # assert!(Health.is_immediate());
    /// ```
    fn is_immediate(&self) -> bool {
        false
    }
}

/// Where a shortcut is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Coroutine,
    /// Outside of any: what could wait is left, and so is what has fields that are not known.
    RunLoop,
}

/// What there is after the requests that a shortcut has answered.
pub(super) enum Unanswered {
    /// Nothing, or what is not whole, or not an ordinary head.
    Unclear,
    /// A head for the handler: it is in the space for heads, and was so long, or it is refused.
    Parsed(Result<usize, Refusal>),
    /// Nothing is to follow the last answer.
    End(CloseReason),
}

/// Has the shortcut answer what waits, as far as it does.
///
/// Apart, since the parts of a head take 3 KiB of the stack, and a handler may wait for long on it.
#[inline(never)]
pub(super) fn answer_simple(
    link: &Rc<Link>,
    shortcut: &dyn Shortcut,
    input: &mut Input,
    place: Place,
) -> Result<Unanswered, CloseReason> {
    let shared = &link.shared;
    let limits = &shared.config.limits;
    let known = shared.space.borrow().known_fields();
    let known = known.as_deref();
    while !input.is_empty() {
        let waiting = input.waiting();
        let mut slots = CutHead::slots();
        let mut cut = None;
        let head = match known.and_then(|known| HeadView::known(waiting, known, limits)) {
            Some(head) => Some(head),
            None if place == Place::RunLoop => return Ok(Unanswered::Unclear),
            None => match CutHead::ordinary(&mut slots, waiting, limits) {
                Some(it) => shared.space.borrow_mut().view(cut.insert(it)),
                None => return Ok(Unanswered::Unclear),
            },
        };
        let next = match &head {
            Some(head) => ask(link, shortcut, head, place)?.map(|next| (next, head.length())),
            None => None,
        };
        match (next, cut) {
            (Some((next, length)), cut) => {
                if cut.is_none() {
                    shared.space.borrow().known_came_again();
                }
                input.consume(length);
                if let Next::Close(reason) = next {
                    return Ok(Unanswered::End(reason));
                }
            }
            (None, Some(cut)) => {
                let filled = shared.space.borrow_mut().fill(&cut, limits);
                return Ok(Unanswered::Parsed(filled.map(|()| cut.length())));
            }
            (None, None) => return Ok(Unanswered::Unclear),
        }
    }
    Ok(Unanswered::Unclear)
}

/// Has a shortcut that never waits answer what waits, where that takes no coroutine. Says whether it was
/// answered, and nothing is left.
pub(super) fn answer_at_once(link: &Rc<Link>) -> bool {
    let shared = &link.shared;
    let shortcut = shared.handler.shortcut().filter(|it| it.is_immediate());
    let (Some(shortcut), true) = (shortcut, shared.may_answer_at_once()) else {
        return false;
    };
    let Ok(mut input) = link.input.try_borrow_mut() else {
        return false;
    };
    if input.is_empty() {
        return false;
    }
    // Nothing ends a connection here, and what is not answered stays.
    let left = answer_simple(link, shortcut, &mut input, Place::RunLoop);
    matches!(left, Ok(Unanswered::Unclear)) && input.is_empty()
}

/// Asks the shortcut about a simple head. `None`: it is for the handler.
fn ask(
    link: &Rc<Link>,
    shortcut: &dyn Shortcut,
    head: &HeadView<'_>,
    place: Place,
) -> Result<Option<Next>, CloseReason> {
    let shared = &link.shared;
    let config = &shared.config;
    link.member.activity.set(Activity::Busy);
    let begun = config.log.as_ref().map(|log| (log, Instant::now()));
    if begun.is_some() || config.exchange.is_some() {
        *link.turn.borrow_mut() = Turn::without_body(Exchange::simple());
    }
    if !link.is_announced.get() && link.has_output() {
        // The answer to an earlier request need not wait for this one's, if that takes its time.
        shared.flusher.announce(link);
    }
    // Unless it was answered in the ordinary way.
    let next = Cell::new(None);
    // The answer is sent within the innermost of the calls around the shortcut: handed from one to
    // the next, it would be copied by each.
    let is_answered = Cell::new(false);
    let outcome = within_limit(link, || {
        let sent = catch_panic(|| {
            let answer = shortcut.answer(head)?;
            if place == Place::RunLoop && !fits(link, &answer) {
                return None;
            }
            is_answered.set(true);
            Some(send(link, head.method(), &answer, &next))
        });
        match sent {
            Ok(sent) => sent.transpose(),
            Err(panic) if is_answered.get() => resume_unwind(panic),
            // It is asked again, and answered for if it does that again.
            Err(_) if place == Place::RunLoop => Ok(None),
            Err(_) => {
                let reason = Some(CloseReason::HandlerFailed);
                send_in_full(link, head.method(), internal_error(), reason).map(Some)
            }
        }
    });
    let record = || {
        let (log, begun) = begun?;
        Some(Record::of_simple(log, begun, head, config.trusted_hops))
    };
    match outcome {
        Ok(None) => Ok(None),
        Ok(Some(answered)) => {
            shared.registry.count_request();
            let next = next.take().unwrap_or_else(|| {
                let turn = link.turn.borrow();
                turn.exchange.finish(&turn.body, &config.limits)
            });
            if let Some(record) = record() {
                record.write(link, answered);
            }
            Ok(Some(next))
        }
        Err(broken) => {
            shared.registry.count_request();
            if let (Some(answered), Some(record)) = (broken.answered, record()) {
                record.write(link, answered);
            }
            Err(broken.reason)
        }
    }
}

/// Whether an answer is final, and takes no sending before others do.
fn fits(link: &Link, answer: &ShortAnswer<'_>) -> bool {
    let output = link.output.try_borrow();
    !answer.status.is_informational()
        && output.is_ok_and(|output| output.has_room_for(answer.body.len()))
}

/// Writes an answer behind what is ready to go out, and says what comes after it.
fn send(
    link: &Rc<Link>,
    method: &Method,
    answer: &ShortAnswer<'_>,
    next: &Cell<Option<Next>>,
) -> Result<Answered, Broken> {
    let shared = &link.shared;
    let config = &shared.config;
    let status = answer.status;
    if status.is_informational() {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        return send_in_full(link, method, response, None);
    }
    let is_last = link.requests.borrow_mut().count(&config.limits);
    let (connection, after) = if shared.is_stopping() {
        (ConnectionField::Close, Next::Close(CloseReason::Shutdown))
    } else if is_last {
        (
            ConnectionField::Close,
            Next::Close(CloseReason::RequestLimit),
        )
    } else {
        (ConnectionField::Absent, Next::KeepAlive)
    };
    next.set(Some(after));
    if config.exchange.is_some() {
        let turn = &mut *link.turn.borrow_mut();
        turn.exchange = Exchange::none();
        turn.status = Some(status);
    }
    let size = BodySize::Known(answer.body.len() as u64);
    let plan = plan_response(method, Version::HTTP_11, status, &shared.no_fields, size);
    let mut output = link.output.borrow_mut();
    let dated = shared.dated();
    let (names, length) = (config.names, plan.field);
    if let Some(beginning) = answer.beginning(names, length, connection) {
        output.ready.extend_from_slice(beginning);
        output.ready.extend_from_slice(dated.ending());
    } else {
        ResponseHead {
            status,
            fields: &shared.no_fields,
            length,
            connection,
            keep_alive_seconds: None,
            date: Some(dated.date()),
            server: config.server.as_ref(),
            names,
        }
        .write_list_with_ending(answer.fields, dated.ending(), &mut output.ready);
    }
    output.begin_body(&plan);
    drop(dated);
    send_body(link, output, status, &answer.body)
}

/// Answers in the ordinary way.
#[cold]
fn send_in_full(
    link: &Rc<Link>,
    method: &Method,
    response: Response<Body>,
    reason: Option<CloseReason>,
) -> Result<Answered, Broken> {
    let mut exchange = Exchange::simple();
    if link.requests.borrow_mut().count(&link.shared.config.limits) {
        exchange.close(CloseReason::RequestLimit);
    }
    if let Some(reason) = reason {
        exchange.close(reason);
    }
    *link.turn.borrow_mut() = Turn::without_body(exchange);
    respond(link, method, Version::HTTP_11, response)
}
