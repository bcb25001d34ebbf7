//! One exchange over a connection: the request out, interim responses, the head of the final one
//! (RFC 9110 sections 10.1.1 and 15.2, RFC 9112 section 9).
//!
//! ```text
//!          ┌──────────┐ sent      ┌──────┐ final head
//!  ───────►│ sending  ├──────────►│ head ├────────────► the body of the response
//!          └─┬──┬───▲─┘           └──────┘                ▲
//!            │  │   │ 100, or its time is over            │ goes on with the sending,
//!            │  ▼   │                                     │ if the status is no error
//!            │ held ┘ (Expect: 100-continue)              │
//!            └────────────────────────────────────────────┘
//!               final head while the body is being sent
//! ```
//!
//! A server that answers before it has the whole request is heard at once. If that answer is an
//! error, or ends the connection, nothing more is sent (RFC 9112 section 9.3, RFC 9110 section
//! 10.1.1); else sending goes on while the response is read.

use std::io::ErrorKind;

use eventlet_green::{Interest, Time, now};
use http::{Method, StatusCode};

use super::body::Body;
use super::config::Config;
use super::error::Error;
use super::send::{Failed, Sender, Step};
use super::timing::{Limit, Phase};
use super::transport::Transport;
use crate::server::input::Input;
use crate::wire::{
    Limits, ParsedResponse, ReceivedHead, ResponseFault, ResponseFraming, ResponseParser,
    ResponsePlan,
};

/// A connection.
pub(super) struct Conn {
    pub(super) stream: Box<dyn Transport>,
    pub(super) input: Input,
    /// When it was opened.
    pub(super) opened: Time,
    /// Whether there has been an exchange on it before.
    pub(super) is_used: bool,
}

impl Conn {
    pub(super) fn new(stream: Box<dyn Transport>) -> Self {
        Conn {
            stream,
            input: Input::default(),
            opened: now(),
            is_used: false,
        }
    }
}

/// A request, as an exchange sees it.
pub(super) struct Outgoing {
    pub(super) method: Method,
    /// The head as it goes out.
    pub(super) head: Vec<u8>,
    pub(super) body: Body,
    pub(super) plan: ResponsePlan,
    /// The body waits for 100.
    pub(super) expects_continue: bool,
    /// 101 is an answer.
    pub(super) upgrades: bool,
    /// The head says that the connection is closed afterwards.
    pub(super) closes: bool,
}

/// What an exchange has come to when the head of the response is there.
pub(super) struct Answer {
    pub(super) head: ReceivedHead,
    /// What is left to send while the response is read.
    pub(super) sender: Option<Sender>,
    /// Whether there can be another exchange after this one.
    pub(super) is_reusable: bool,
}

/// Why there is no response.
pub(super) struct Failure {
    pub(super) error: Error,
    /// Not one byte of a response came.
    pub(super) is_unanswered: bool,
    /// Not one byte of the request went out.
    pub(super) is_unsent: bool,
}

/// Sends a request, and receives the head of the response.
pub(super) fn exchange(
    conn: &mut Conn,
    outgoing: Outgoing,
    config: &Config,
    whole: Option<Time>,
) -> Result<Answer, Failure> {
    let mut under_way = UnderWay {
        reader: HeadReader::new(&outgoing.method),
        sender: Sender::new(outgoing.head, outgoing.body, &outgoing.plan),
        conn,
        config,
        whole,
        has_heard: false,
    };
    let is_kept = !outgoing.closes;
    let outcome = under_way.run(outgoing.expects_continue).and_then(|answer| {
        let is_switch = answer.head.status == StatusCode::SWITCHING_PROTOCOLS;
        if is_switch && !outgoing.upgrades {
            return Err(Error::Response(ResponseFault::UpgradeUnasked));
        }
        Ok(Answer {
            is_reusable: answer.is_reusable && is_kept && !is_switch,
            ..answer
        })
    });
    outcome.map_err(|error| Failure {
        error,
        is_unanswered: !under_way.has_heard,
        is_unsent: under_way.sender.sent() == 0,
    })
}

struct UnderWay<'a> {
    conn: &'a mut Conn,
    sender: Sender,
    reader: HeadReader,
    config: &'a Config,
    whole: Option<Time>,
    /// Something of a response has come.
    has_heard: bool,
}

/// What has come of a response without waiting.
enum Heard {
    Nothing,
    Continue,
    Final(ReceivedHead),
}

impl UnderWay<'_> {
    fn run(&mut self, expects_continue: bool) -> Result<Answer, Error> {
        if expects_continue {
            self.sender.hold();
        }
        if let Some(early) = self.send()? {
            return Ok(self.early(early));
        }
        if expects_continue {
            if let Some(head) = self.await_continue()? {
                // The body was not sent, and now never will be.
                return Ok(Answer {
                    head,
                    sender: None,
                    is_reusable: false,
                });
            }
            self.sender.release();
            if let Some(early) = self.send()? {
                return Ok(self.early(early));
            }
        }
        let limit = Limit::new(Phase::Head, self.config.head, self.whole);
        loop {
            if let Some(head) = self.await_head(&limit)? {
                let is_reusable = head.keeps_alive();
                return Ok(Answer {
                    head,
                    sender: None,
                    is_reusable,
                });
            }
        }
    }

    /// Sends what may go; gives the head of a final response that came before.
    fn send(&mut self) -> Result<Option<ReceivedHead>, Error> {
        let mut limit = None;
        loop {
            let step = match self.sender.step(&*self.conn.stream) {
                Ok(Step::Done) => return Ok(None),
                Ok(step) => step,
                Err(Failed::Body(error)) => return Err(error),
                // It may have answered before it closed.
                Err(Failed::Stream(error)) => {
                    return match self.hear_last() {
                        Some(head) => Ok(Some(head)),
                        None => Err(Error::Send(error)),
                    };
                }
            };
            if step == Step::Moved {
                limit = None;
                if self.sender.is_drained() {
                    continue;
                }
            }
            if let Heard::Final(head) = self.hear()? {
                return Ok(Some(head));
            }
            if step == Step::Blocked {
                let limit = limit
                    .get_or_insert_with(|| Limit::new(Phase::Send, self.config.send, self.whole));
                let waited = self.conn.stream.wait(Interest::BOTH, limit.left());
                waited.map_err(|error| match error.kind() {
                    ErrorKind::TimedOut => Error::Timeout(limit.phase),
                    _ => Error::Send(error),
                })?;
            }
        }
    }

    /// What came while the request was being sent, without waiting.
    fn hear(&mut self) -> Result<Heard, Error> {
        let stream = &self.conn.stream;
        match self.conn.input.fill(|room| stream.try_read(room)) {
            Ok(0) => Err(self.reader.at_end(&self.conn.input)),
            Ok(_) => {
                self.has_heard = true;
                self.reader.feed(&mut self.conn.input, &self.config.limits)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Heard::Nothing),
            Err(error) => Err(Error::Receive(error)),
        }
    }

    /// The head of a final response that is there already, after sending has failed.
    fn hear_last(&mut self) -> Option<ReceivedHead> {
        loop {
            let before = self.conn.input.waiting().len();
            match self.hear() {
                Ok(Heard::Final(head)) => return Some(head),
                Ok(Heard::Continue) => {}
                Ok(Heard::Nothing) if self.conn.input.waiting().len() > before => {}
                Ok(Heard::Nothing) | Err(_) => return None,
            }
        }
    }

    /// Waits for `100 Continue` for as long as that is worth it; gives a final head that came instead.
    fn await_continue(&mut self) -> Result<Option<ReceivedHead>, Error> {
        let limit = Limit::new(Phase::Head, Some(self.config.continue_wait), self.whole);
        match self.await_head(&limit) {
            Err(Error::Timeout(Phase::Head)) => Ok(None),
            outcome => outcome,
        }
    }

    /// Waits for the next head; `None` if it is `100 Continue`.
    fn await_head(&mut self, limit: &Limit) -> Result<Option<ReceivedHead>, Error> {
        loop {
            match self
                .reader
                .feed(&mut self.conn.input, &self.config.limits)?
            {
                Heard::Final(head) => return Ok(Some(head)),
                Heard::Continue => return Ok(None),
                Heard::Nothing => {}
            }
            let stream = &self.conn.stream;
            let filled = self
                .conn
                .input
                .fill(|room| stream.read_until(room, limit.deadline));
            match filled.map_err(|error| Error::of_read(error, limit.phase))? {
                0 => return Err(self.reader.at_end(&self.conn.input)),
                _ => self.has_heard = true,
            }
        }
    }

    /// The answer to a request that has not been sent to its end.
    fn early(&mut self, head: ReceivedHead) -> Answer {
        let status = head.status;
        let is_wanted =
            !status.is_client_error() && !status.is_server_error() && !head.connection.has_close();
        let nothing = Sender::new(Vec::new(), Body::empty(), &NOTHING);
        let sender = std::mem::replace(&mut self.sender, nothing);
        Answer {
            is_reusable: is_wanted && head.keeps_alive(),
            sender: is_wanted.then_some(sender),
            head,
        }
    }
}

/// No body.
const NOTHING: ResponsePlan = ResponsePlan {
    field: crate::wire::LengthField::Absent,
    framing: ResponseFraming::Nothing,
};

/// Reads the heads of a response: interim ones, which are passed over, and the final one.
pub(super) struct HeadReader {
    method: Method,
    parser: ResponseParser,
    interims: usize,
}

impl HeadReader {
    pub(super) fn new(method: &Method) -> Self {
        HeadReader {
            method: method.clone(),
            parser: ResponseParser::new(method),
            interims: 0,
        }
    }

    /// Reads until the final head has come.
    pub(super) fn read(
        mut self,
        stream: &dyn Transport,
        input: &mut Input,
        limits: &Limits,
        limit: &Limit,
    ) -> Result<ReceivedHead, Error> {
        loop {
            if let Heard::Final(head) = self.feed(input, limits)? {
                return Ok(head);
            }
            let filled = input.fill(|room| stream.read_until(room, limit.deadline));
            if filled.map_err(|error| Error::of_read(error, limit.phase))? == 0 {
                return Err(self.at_end(input));
            }
        }
    }

    /// Takes the next head that matters out of the input.
    fn feed(&mut self, input: &mut Input, limits: &Limits) -> Result<Heard, Error> {
        loop {
            if input.is_empty() {
                return Ok(Heard::Nothing);
            }
            let parsed = self.parser.parse(input.waiting(), limits);
            let ParsedResponse::Complete { consumed, head } = parsed.map_err(Error::Response)?
            else {
                return Ok(Heard::Nothing);
            };
            input.consume(consumed);
            if !head.is_interim() {
                return Ok(Heard::Final(head));
            }
            if self.interims == limits.interims {
                return Err(Error::Response(ResponseFault::InterimsTooMany));
            }
            self.interims += 1;
            self.parser = ResponseParser::new(&self.method);
            if head.status == StatusCode::CONTINUE {
                return Ok(Heard::Continue);
            }
        }
    }

    /// What the end of the connection means here.
    fn at_end(&self, input: &Input) -> Error {
        if input.is_empty() && self.interims == 0 {
            return Error::Closed;
        }
        Error::Response(ResponseFault::HeadTruncated)
    }
}

/// Writes all, until the time is over.
pub(super) fn write_all(
    stream: &dyn Transport,
    mut bytes: &[u8],
    limit: &Limit,
) -> Result<(), Error> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::TimedOut => Error::Timeout(limit.phase),
        _ => Error::Send(error),
    };
    while !bytes.is_empty() {
        let count = stream.write_until(bytes, limit.deadline).map_err(failed)?;
        if count == 0 {
            return Err(Error::Send(ErrorKind::WriteZero.into()));
        }
        bytes = &bytes[count..];
    }
    stream.flush_until(limit.deadline).map_err(failed)
}
