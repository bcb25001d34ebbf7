//! One connection's life: who may speak, and whether there is a next request
//! (RFC 9112 section 9, RFC 9110 sections 7.6.1, 7.8 and 10.1.1).
//!
//! ```text
//!            ┌──────────────────────────────────────────────────────────────┐
//!            ▼                                                              │
//!        ┌──────┐ first byte ┌──────┐ complete ┌──────────┐ respond ┌───────┴────┐
//!  ─────►│ idle ├───────────►│ head ├─────────►│ exchange ├────────►│ finish     │
//!        └──┬───┘            └──┬───┘          └────┬─────┘         └┬────┬────┬─┘
//!           │ peer closed,      │ Refusal           │ Refusal        │    │    │
//!           │ idle deadline,    │ (answered)        │ in the body    │    │    │ Upgraded
//!           │ shutdown          │                   │                │    │    ▼
//!           ▼                   ▼                   ▼          Close │    │  ┌────────┐
//!        ┌────────────────────────────────────────────────────┐◄─────┘    │  │ tunnel │
//!        │ closed, for one CloseReason                        │           │  └────────┘
//!        └────────────────────────────────────────────────────┘◄───┐      │ Drain
//!                                                     too long     │ ┌────▼──┐
//!                                                                  └─┤ drain ├──► idle
//!                                                                    └───────┘
//! ```
//!
//! [`Connection`] counts requests and knows about shutdown; [`Exchange`] is one request with its
//! response. Neither holds bytes or a socket. Deadlines are the server's, which reports them here
//! as a [`CloseReason`].

use http::header::CONNECTION;
use http::{HeaderMap, Method, StatusCode, Version};

use super::body::{BodyReader, Drain};
use super::framing::{ResponseFraming, ResponsePlan};
use super::limits::Limits;
use super::request_parser::RequestHead;
use super::syntax::list_members;

/// What a `Connection` field lists (RFC 9110 section 7.6.1), as far as it concerns us.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::ConnectionOptions;
///
/// let mut options = ConnectionOptions::default();
/// options.read(b"Upgrade, keep-alive");
/// assert!(options.has_upgrade() && options.has_keep_alive() && !options.has_close());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionOptions {
    close: bool,
    keep_alive: bool,
    upgrade: bool,
}

impl ConnectionOptions {
    /// The options in every `Connection` field of a message.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::wire::ConnectionOptions;
    /// use http::{HeaderMap, HeaderValue, header};
    ///
    /// let mut fields = HeaderMap::new();
    /// fields.append(header::CONNECTION, HeaderValue::from_static("x-own"));
    /// fields.append(header::CONNECTION, HeaderValue::from_static("Close"));
    /// assert!(ConnectionOptions::of(&fields).has_close());
    /// ```
    pub fn of(fields: &HeaderMap) -> Self {
        let mut options = Self::default();
        for value in fields.get_all(CONNECTION) {
            options.read(value.as_bytes());
        }
        options
    }

    /// Adds the options of one field value; names are compared without regard to case, and those
    /// that name other fields are passed over.
    pub fn read(&mut self, value: &[u8]) {
        for option in list_members(value) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            self.upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        }
    }

    /// Whether `close` is among them.
    pub fn has_close(self) -> bool {
        self.close
    }

    /// Whether `keep-alive` is among them.
    pub fn has_keep_alive(self) -> bool {
        self.keep_alive
    }

    /// Whether `upgrade` is among them.
    pub fn has_upgrade(self) -> bool {
        self.upgrade
    }
}

/// Why a connection is closed, or is about to be.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::CloseReason;
///
/// assert_eq!(CloseReason::Shutdown.explain(), "the server is stopping");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client sent `Connection: close`.
    ClientAsked,
    /// HTTP/1.0 without `Connection: keep-alive`.
    OldClient,
    /// The client closed its side between two requests: the ordinary end.
    ClientGone,
    /// The client closed or reset the connection inside of a request or a response.
    ClientAborted,
    /// The handler set `Connection: close`.
    HandlerAsked,
    /// The handler panicked or failed after the response had begun.
    HandlerFailed,
    /// The body of the response ends where the connection does (HTTP/1.0, unknown length).
    DelimitedByClose,
    /// The body of the response was shorter than its `Content-Length`.
    ResponseTooShort,
    /// The request was refused; where the next one would begin is unknown.
    RequestRefused,
    /// More of the request body is unread than [`Limits::drain`].
    BodyUnread,
    /// The client waits for `100 Continue` and did not get it; whether the body follows is unknown.
    ExpectedBodyUnread,
    /// [`Limits::requests`] is reached.
    RequestLimit,
    /// The server stops.
    Shutdown,
    /// No request came in time.
    IdleTimeout,
    /// A head, body or response did not come or go in time.
    ExchangeTimeout,
    /// The connection now speaks another protocol, or is a tunnel.
    Upgraded,
}

impl CloseReason {
    /// One sentence for a log.
    pub const fn explain(self) -> &'static str {
        match self {
            CloseReason::ClientAsked => "the client asked for the connection to be closed",
            CloseReason::OldClient => "an HTTP/1.0 client did not ask to keep the connection",
            CloseReason::ClientGone => "the client closed the connection between requests",
            CloseReason::ClientAborted => "the client left inside of a request or response",
            CloseReason::HandlerAsked => "the handler asked for the connection to be closed",
            CloseReason::HandlerFailed => "the handler failed after its response had begun",
            CloseReason::DelimitedByClose => "the response ends where the connection does",
            CloseReason::ResponseTooShort => "the response was shorter than its Content-Length",
            CloseReason::RequestRefused => "the request was refused",
            CloseReason::BodyUnread => "too much of the request body was left unread",
            CloseReason::ExpectedBodyUnread => "a body awaiting 100 Continue was not asked for",
            CloseReason::RequestLimit => "the connection has served its number of requests",
            CloseReason::Shutdown => "the server is stopping",
            CloseReason::IdleTimeout => "no request came in time",
            CloseReason::ExchangeTimeout => "a request or response took too long",
            CloseReason::Upgraded => "the connection has gone over to another protocol",
        }
    }
}

/// The `Connection` field of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionField {
    /// None: HTTP/1.1 that stays open.
    Absent,
    /// `close`.
    Close,
    /// `keep-alive`: what an HTTP/1.0 client asked for.
    KeepAlive,
    /// `upgrade`, with the handler's `Upgrade` field let through.
    Upgrade,
}

/// Whether a response is all there when its head is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResponseKind {
    /// The handler is done: what it left of the request body stays unread.
    Whole,
    /// The handler writes on, and may read on.
    Streaming,
}

/// What a handler that wants the request body gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyAccess {
    /// Read.
    Ready,
    /// Send [`CONTINUE`](super::CONTINUE) first, now; then read. Said once.
    SendContinue,
    /// There is nothing to wait for: the response began before the client was told to go on, so a
    /// client that keeps the rules sends no body.
    Withheld,
}

/// What comes after a response.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Another request; its first bytes may be in the buffer already.
    KeepAlive,
    /// Feed the rest of the request body to this, then another request.
    Drain(Drain),
    /// Close.
    Close(CloseReason),
    /// The connection, with what is in the buffer, is the handler's.
    Upgraded,
}

/// A connection across its requests.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::{Connection, HeadParser, Limits, Parsed};
///
/// let limits = Limits::default();
/// let input = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
/// let Parsed::Complete { head, .. } = HeadParser::new().parse(input, &limits)? else {
///     unreachable!("the head is whole");
/// };
/// let mut connection = Connection::new();
/// let exchange = connection.begin(&head, &limits);
/// assert_eq!((connection.served(), exchange.close_reason()), (1, None));
/// # Ok::<(), eventlet_protocols::wire::Refusal>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// Requests begun.
    served: u64,
}

impl Connection {
    /// A connection that has served nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many requests it has begun to serve.
    pub fn served(&self) -> u64 {
        self.served
    }

    /// Counts a request; says whether it is the last one that the connection may serve.
    pub(crate) fn count(&mut self, limits: &Limits) -> bool {
        self.served += 1;
        limits.requests.is_some_and(|most| self.served >= most)
    }

    /// Begins the exchange for a request.
    pub fn begin(&mut self, head: &RequestHead, limits: &Limits) -> Exchange {
        let mut exchange = Exchange::new(head);
        if self.count(limits) {
            exchange.close(CloseReason::RequestLimit);
        }
        exchange
    }
}

/// One request with its response, as far as the connection is concerned.
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use eventlet_protocols::wire::{
///     plan_response, BodyAccess, BodyReader, BodySize, CloseReason, Connection, ConnectionField,
///     HeadParser, Limits, Next, Parsed, ResponseKind,
/// };
///
/// let limits = Limits::default();
/// let input = b"PUT /f HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
/// let Parsed::Complete { head, .. } = HeadParser::new().parse(input, &limits)? else {
///     unreachable!("the head is whole");
/// };
/// let body = BodyReader::new(head.framing, &limits)?;
/// let mut exchange = Connection::new().begin(&head, &limits);
///
/// // The handler answers 403 without reading: no 100 is sent, and the connection must go.
/// let (status, fields) = (StatusCode::FORBIDDEN, HeaderMap::new());
/// let plan = plan_response(&head.method, head.version, status, &fields, BodySize::Known(0));
/// let field = exchange.respond(status, &fields, &plan, &body, &limits, ResponseKind::Whole);
/// assert_eq!(field, ConnectionField::Close);
/// assert_eq!(exchange.before_body_read(0), BodyAccess::Withheld);
/// assert_eq!(exchange.finish(&body, &limits), Next::Close(CloseReason::ExpectedBodyUnread));
/// # Ok::<(), eventlet_protocols::wire::Refusal>(())
/// ```
///
/// ```
/// use eventlet_protocols::wire::{CloseReason, Exchange, HeadParser, Limits, Parsed};
/// use http::StatusCode;
///
/// let head = |input: &[u8]| match HeadParser::new().parse(input, &Limits::default()) {
///     Ok(Parsed::Complete { head, .. }) => head,
///     other => unreachable!("the head is whole and well: {other:?}"),
/// };
/// let input = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\n";
/// let mut exchange = Exchange::new(&head(input));
/// assert!(exchange.may_end_with(StatusCode::SWITCHING_PROTOCOLS));
/// assert!(exchange.may_upgrade_with(StatusCode::SWITCHING_PROTOCOLS));
/// assert!(exchange.may_inform() && !exchange.has_responded());
/// exchange.close(CloseReason::Shutdown);
/// assert_eq!(exchange.close_reason(), Some(CloseReason::Shutdown));
///
/// let input = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
/// let exchange = Exchange::new(&head(input));
/// assert!(exchange.is_awaiting_continue() && !exchange.may_end_with(StatusCode::CONTINUE));
/// ```
#[derive(Clone, Debug)]
pub struct Exchange {
    is_old: bool,
    is_connect: bool,
    wants_upgrade: bool,
    expectation: Expectation,
    has_responded: bool,
    is_upgraded: bool,
    close: Option<CloseReason>,
}

/// How far `Expect: 100-continue` has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expectation {
    /// None, or met: the body may be read.
    Met,
    /// The client waits.
    Pending,
}

impl Exchange {
    /// The exchange for a request, outside of any count; see [`Connection::begin`].
    pub fn new(head: &RequestHead) -> Self {
        let is_old = head.version < Version::HTTP_11;
        // RFC 9112 section 9.3, in its order.
        let close = if head.connection.has_close() {
            Some(CloseReason::ClientAsked)
        } else if is_old && !head.connection.has_keep_alive() {
            Some(CloseReason::OldClient)
        } else {
            None
        };
        Exchange {
            is_old,
            is_connect: head.method == Method::CONNECT,
            wants_upgrade: head.is_upgrade(),
            expectation: if head.expects_continue {
                Expectation::Pending
            } else {
                Expectation::Met
            },
            has_responded: false,
            is_upgraded: false,
            close,
        }
    }

    /// What stands in the place of an exchange before the first request: nothing is to be read.
    pub(crate) fn none() -> Self {
        Exchange {
            has_responded: true,
            ..Self::simple()
        }
    }

    /// The exchange for a request that says nothing about the connection; see
    /// [`HeadView`](super::HeadView).
    pub(crate) fn simple() -> Self {
        Exchange {
            is_old: false,
            is_connect: false,
            wants_upgrade: false,
            expectation: Expectation::Met,
            has_responded: false,
            is_upgraded: false,
            close: None,
        }
    }

    /// Asks for the connection to be closed after this exchange. The first reason stays.
    pub fn close(&mut self, reason: CloseReason) {
        self.close.get_or_insert(reason);
    }

    /// Call it before each read of the request body that would go to the socket. `received` is how
    /// many bytes of it are in the buffer already: a client that has begun to send needs no
    /// `100 Continue` (RFC 9110 section 10.1.1).
    pub fn before_body_read(&mut self, received: usize) -> BodyAccess {
        if self.expectation == Expectation::Met {
            return BodyAccess::Ready;
        }
        if received > 0 {
            self.expectation = Expectation::Met;
            return BodyAccess::Ready;
        }
        if self.has_responded {
            return BodyAccess::Withheld;
        }
        self.expectation = Expectation::Met;
        BodyAccess::SendContinue
    }

    /// Whether a response with this status can end the exchange. A handler's 1xx cannot, but for a
    /// 101 to a request that asked for it; answer 500 in its place.
    pub fn may_end_with(&self, status: StatusCode) -> bool {
        self.may_upgrade_with(status) || !status.is_informational()
    }

    /// Whether a response with this status makes the connection the handler's: 101 to a request
    /// that asked for an upgrade (RFC 9110 section 7.8), 2xx to CONNECT (section 9.3.6).
    pub fn may_upgrade_with(&self, status: StatusCode) -> bool {
        (self.wants_upgrade && status == StatusCode::SWITCHING_PROTOCOLS)
            || (self.is_connect && status.is_success())
    }

    /// Call it once, when the head of the final response is about to be written: from here on no
    /// `100 Continue` is sent. Says what to put into the response's `Connection` field.
    ///
    /// `fields` are the handler's; its `Connection: close` is obeyed. A response with status 101 to
    /// a request that asked for an upgrade, or 2xx to CONNECT, makes the connection the handler's.
    ///
    /// For a response that is all there ([`ResponseKind::Whole`]) it foresees that the rest of the
    /// request body will be too long to drain, so that the close is announced.
    pub fn respond(
        &mut self,
        status: StatusCode,
        fields: &HeaderMap,
        plan: &ResponsePlan,
        body: &BodyReader,
        limits: &Limits,
        kind: ResponseKind,
    ) -> ConnectionField {
        self.has_responded = true;
        if self.may_upgrade_with(status) {
            self.is_upgraded = true;
            return match status {
                StatusCode::SWITCHING_PROTOCOLS => ConnectionField::Upgrade,
                _ => ConnectionField::Absent,
            };
        }
        // They are few: comparing their names is cheaper than looking one up.
        let names_options = fields.keys().any(|name| *name == CONNECTION);
        if names_options && ConnectionOptions::of(fields).has_close() {
            self.close(CloseReason::HandlerAsked);
        }
        if plan.framing == ResponseFraming::UntilClose {
            self.close(CloseReason::DelimitedByClose);
        }
        if self.expectation == Expectation::Pending && !body.is_finished() {
            self.close(CloseReason::ExpectedBodyUnread);
        }
        if kind == ResponseKind::Whole && Drain::new(body, limits).is_none() {
            self.close(CloseReason::BodyUnread);
        }
        match self.close {
            Some(_) => ConnectionField::Close,
            None if self.is_old => ConnectionField::KeepAlive,
            None => ConnectionField::Absent,
        }
    }

    /// What comes after the last byte of the response.
    ///
    /// A connection that is closed with unread input should have its sending side shut first and
    /// some input discarded, or the reset may destroy the response on its way (RFC 9112 section
    /// 9.6).
    pub fn finish(&self, body: &BodyReader, limits: &Limits) -> Next {
        if self.is_upgraded {
            return Next::Upgraded;
        }
        if let Some(reason) = self.close {
            return Next::Close(reason);
        }
        if body.is_finished() {
            return Next::KeepAlive;
        }
        match Drain::new(body, limits) {
            Some(drain) => Next::Drain(drain),
            None => Next::Close(CloseReason::BodyUnread),
        }
    }

    /// Why the connection will be closed, if that is known by now.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.close
    }

    /// Whether the head of the final response has been written (see [`respond`](Self::respond)).
    pub fn has_responded(&self) -> bool {
        self.has_responded
    }

    /// Whether an interim response may be sent now: to a client that knows them (RFC 9110 section
    /// 15.2), before the final one has begun.
    pub fn may_inform(&self) -> bool {
        !self.is_old && !self.has_responded
    }

    /// Whether the client still waits for `100 Continue`.
    pub fn is_awaiting_continue(&self) -> bool {
        self.expectation == Expectation::Pending
    }
}
