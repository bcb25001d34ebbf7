//! Parsing the head of a request (RFC 9112 sections 2, 3 and 5), from the bytes that have come.
//!
//! `httparse` does the reading; the head is copied once, and the target and all field values share
//! that copy. What follows from the fields (framing, persistence, expectation, host) is decided in
//! the same pass, by `request_fields`, so that a [`RequestHead`] is one that may be answered.
//!
//! A peer that sends its head byte by byte makes the parser look at each byte a small, fixed number
//! of times: between two attempts only line ends are searched for, in what is new.
//!
//! Where the RFC lets a recipient choose between lenience and refusal, this refuses: bare LF,
//! folded fields, white space before a colon, control characters. Unknown methods are the
//! handler's; a higher minor version of HTTP/1 is read as HTTP/1.1 (RFC 9110 section 2.5).

use std::mem::{self, MaybeUninit};
use std::rc::Rc;

use bytes::{Buf, Bytes};
use http::{HeaderMap, Method, Request, Uri, Version, header};
use httparse::Status;

use super::connection::ConnectionOptions;
use super::cut_head::{CutHead, SLOTS, offset_in};
use super::framing::RequestFraming;
use super::head_faults::{Walk, walk};
use super::head_text::share_text;
use super::head_view::HeadView;
use super::known::{KnownFields, KnownHost, SimpleFields};
use super::limits::Limits;
use super::progress::Progress;
use super::refusal::Refusal;
use super::request_fields::read_fields;
use super::target::{TargetForm, parse_target};

/// The head of a request that may be answered.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::{HeadParser, Limits, Parsed, RequestHead};
///
/// let input = b"GET /a HTTP/1.1\r\nHost: a.example:80\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
/// let Parsed::Complete { head, .. } = HeadParser::new().parse(input, &Limits::default())? else {
///     unreachable!("the head is whole");
/// };
/// let head: RequestHead = head;
/// assert_eq!((head.host(), head.is_upgrade()), (Some("a.example:80"), true));
/// let request = head.into_request("a body");
/// assert_eq!((request.uri().path(), *request.body()), ("/a", "a body"));
/// # Ok::<(), eventlet_protocols::wire::Refusal>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestHead {
    /// The method; any token (RFC 9110 section 9.1).
    pub method: Method,
    /// The target as it was sent, in any of its forms; nothing is decoded.
    pub uri: Uri,
    /// `HTTP_10` or `HTTP_11`.
    pub version: Version,
    /// The fields. With an absolute target, `Host` is the target's (RFC 9112 section 3.2.2).
    pub headers: HeaderMap,
    /// The form of the target.
    pub form: TargetForm,
    /// How the body is delimited.
    pub framing: RequestFraming,
    /// What the `Connection` field lists.
    pub connection: ConnectionOptions,
    /// Whether the client waits for `100 Continue` before it sends a body (RFC 9110 section
    /// 10.1.1): never in HTTP/1.0, and never without a body.
    pub expects_continue: bool,
    /// The request line as it came, without its line end, for the access log.
    pub line: Bytes,
}

impl RequestHead {
    /// Host and port of the target: from the target itself, else from `Host`. Empty where the
    /// client says so; `None` where HTTP/1.0 says nothing.
    pub fn host(&self) -> Option<&str> {
        match self.uri.authority() {
            Some(authority) => Some(authority.as_str()),
            // A `Host` has been checked to be ASCII.
            None => self.headers.get(header::HOST)?.to_str().ok(),
        }
    }

    /// Whether the client offers to go over to another protocol, named in `Upgrade`
    /// (RFC 9110 section 7.8; ignored in HTTP/1.0).
    pub fn is_upgrade(&self) -> bool {
        self.connection.has_upgrade()
            && self.version >= Version::HTTP_11
            && self.headers.contains_key(header::UPGRADE)
    }

    /// The request for a handler.
    pub fn into_request<B>(mut self, body: B) -> Request<B> {
        self.take_request(body)
    }

    /// The request for a handler; a blank one is left in its place.
    pub(crate) fn take_request<B>(&mut self, body: B) -> Request<B> {
        let mut request = Request::new(body);
        mem::swap(request.method_mut(), &mut self.method);
        mem::swap(request.uri_mut(), &mut self.uri);
        *request.version_mut() = self.version;
        mem::swap(request.headers_mut(), &mut self.headers);
        request
    }

    /// One to be filled.
    pub(crate) fn blank() -> Self {
        RequestHead {
            method: Method::GET,
            uri: Uri::default(),
            version: Version::HTTP_11,
            headers: HeaderMap::new(),
            form: TargetForm::Origin,
            framing: RequestFraming::Empty,
            connection: ConnectionOptions::default(),
            expects_continue: false,
            line: Bytes::new(),
        }
    }
}

/// What a parse came to.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a box would cost an allocation for every request, and the value is short-lived"
)]
pub enum Parsed {
    /// The head goes on: read more, append it, and parse the whole again.
    Incomplete,
    /// The head is whole.
    Complete {
        /// Bytes of the input it took, empty lines before it included.
        consumed: usize,
        /// The head.
        head: RequestHead,
    },
}

/// Parses one head out of a growing buffer, and remembers how far it has looked.
///
/// Take a fresh one for each head. [`Parsed::Incomplete`] comes only while the buffer is within
/// [`Limits::head`] (and the empty lines before it), so a buffer that is grown each time stays
/// bounded.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::{HeadParser, Limits, Parsed};
///
/// let limits = Limits::default();
/// let mut parser = HeadParser::new();
/// let bytes = b"GET /a?b=1 HTTP/1.1\r\nHost: example.com\r\n\r\nGET /next";
/// assert!(matches!(parser.parse(&bytes[..30], &limits)?, Parsed::Incomplete));
/// let Parsed::Complete { consumed, head } = parser.parse(bytes, &limits)? else {
///     unreachable!("the empty line is there");
/// };
/// assert_eq!(&bytes[consumed..], b"GET /next");
/// assert_eq!(head.uri.path(), "/a");
/// assert_eq!(head.headers["host"], "example.com");
/// # Ok::<(), eventlet_protocols::wire::Refusal>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct HeadParser {
    progress: Progress,
}

impl HeadParser {
    /// A parser that has seen nothing.
    pub const fn new() -> Self {
        HeadParser {
            progress: Progress::NONE,
        }
    }

    /// Parses the head at the beginning of `input`, which must begin with the same bytes at each
    /// call.
    ///
    /// # Errors
    ///
    /// A [`Refusal`], at the latest when the empty line has come. It is the same whether the head
    /// came in one piece or in many. The connection must be closed after answering.
    pub fn parse(&mut self, input: &[u8], limits: &Limits) -> Result<Parsed, Refusal> {
        let mut space = HeadSpace::for_one();
        Ok(match self.parse_into(&mut space, input, limits)? {
            Some(consumed) => Parsed::Complete {
                consumed,
                head: space.head,
            },
            None => Parsed::Incomplete,
        })
    }

    /// As [`parse`](Self::parse), into a space that is used again and again, with the memory of its
    /// table of fields. Gives the bytes that the head took, once it is whole; before that, the head in
    /// `space` means nothing.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse).
    pub(crate) fn parse_into(
        &mut self,
        space: &mut HeadSpace,
        input: &[u8],
        limits: &Limits,
    ) -> Result<Option<usize>, Refusal> {
        let Some(start) = skip_empty_lines(input, limits)? else {
            return Ok(None);
        };
        let text = &input[start..];
        if self.progress.tried == 0 || self.progress.is_worth_trying(text) {
            self.progress.tried = text.len();
            let mut making = Making { space, limits };
            if let Some(length) = making.attempt(text)? {
                return Ok(Some(start + length));
            }
            self.progress.is_worth_trying(text);
        }
        self.check_size(text, limits)?;
        Ok(None)
    }

    /// Whether the peer has begun a request: without it, the end of the input is the ordinary end
    /// of the connection, and waiting is idling.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::wire::HeadParser;
    ///
    /// assert!(!HeadParser::has_begun(b"\r\n"), "what some send after a body");
    /// assert!(HeadParser::has_begun(b"\r\nG"));
    /// ```
    pub fn has_begun(input: &[u8]) -> bool {
        input.iter().any(|&byte| byte != b'\r' && byte != b'\n')
    }

    /// Refuses what is too long already, whatever follows.
    fn check_size(&self, text: &[u8], limits: &Limits) -> Result<(), Refusal> {
        const AROUND_TARGET: usize = "  HTTP/1.1\r".len();
        const RETURN: usize = "\r".len();
        let line_limit = if self.progress.line_start == 0 {
            limits.method + limits.uri_in_force() + AROUND_TARGET
        } else {
            limits.field + RETURN
        };
        let is_too_long =
            text.len() > limits.head || text.len() - self.progress.line_start > line_limit;
        match is_too_long.then(|| walk(text, limits)) {
            Some(Walk::Fault(refusal)) => Err(refusal),
            _ => Ok(()),
        }
    }
}

/// Where the request line begins, once there is a byte of it. RFC 9112 section 2.2 wants at least
/// one empty line skipped, for clients that send a CRLF after a body.
fn skip_empty_lines(input: &[u8], limits: &Limits) -> Result<Option<usize>, Refusal> {
    let mut start = 0;
    let mut lines = 0;
    loop {
        match &input[start..] {
            [] | [b'\r'] => return Ok(None),
            [b'\r', b'\n', ..] if lines == limits.empty_lines => {
                return Err(Refusal::EmptyLinesTooMany);
            }
            [b'\r', b'\n', ..] => {
                lines += 1;
                start += b"\r\n".len();
            }
            [b'\r', ..] => return Err(Refusal::BareCarriageReturn),
            [b'\n', ..] => return Err(Refusal::BareLineFeed),
            _ => return Ok(Some(start)),
        }
    }
}

/// What a server keeps from one head to the next.
#[derive(Debug)]
pub(crate) struct HeadSpace {
    pub(crate) head: RequestHead,
    /// Whether the request line is kept: a server without a log spares a share of the text.
    keeps_line: bool,
    known_host: Option<KnownHost>,
    known_fields: KnownFields,
}

impl HeadSpace {
    pub(crate) fn for_many(keeps_line: bool) -> Self {
        HeadSpace {
            head: RequestHead::blank(),
            keeps_line,
            known_host: Some(KnownHost::default()),
            known_fields: KnownFields::default(),
        }
    }

    /// Whether this is the `Host` that is known.
    pub(super) fn knows_host(&self, text: &[u8]) -> bool {
        self.known_host.as_ref().is_some_and(|host| host.is(text))
    }

    /// The fields of most simple requests.
    pub(crate) fn known_fields(&self) -> Option<Rc<SimpleFields>> {
        self.known_fields.get()
    }

    /// The fields of most simple requests have come again, and their host with them.
    pub(crate) fn known_came_again(&self) {
        self.known_fields.came_again();
        if let Some(host) = &self.known_host {
            host.came_again();
        }
    }

    /// A view of a head, if that is of a simple request: its fields are then not those that are known.
    pub(crate) fn view<'a>(&mut self, cut: &CutHead<'a, 'a>) -> Option<HeadView<'a>> {
        let head = HeadView::of(cut, self)?;
        self.known_fields.met(cut);
        Some(head)
    }

    /// Makes the head of its parts.
    ///
    /// # Errors
    ///
    /// As for [`HeadParser::parse`].
    pub(crate) fn fill(&mut self, cut: &CutHead<'_, '_>, limits: &Limits) -> Result<(), Refusal> {
        let mut making = Making {
            space: self,
            limits,
        };
        making.build(cut)
    }

    fn for_one() -> Self {
        HeadSpace {
            head: RequestHead::blank(),
            keeps_line: true,
            known_host: None,
            known_fields: KnownFields::default(),
        }
    }
}

/// Where a head goes, and by which limits.
struct Making<'a> {
    space: &'a mut HeadSpace,
    limits: &'a Limits,
}

impl Making<'_> {
    /// One attempt at the whole head; says how long it is, if all of it is there.
    fn attempt(&mut self, text: &[u8]) -> Result<Option<usize>, Refusal> {
        let mut slots = [const { MaybeUninit::uninit() }; SLOTS];
        let most = self.limits.fields_in_force();
        let mut request = httparse::Request::new(&mut []);
        match request.parse_with_uninit_headers(text, &mut slots[..most.min(SLOTS)]) {
            Ok(Status::Complete(length)) => self.build_or_explain(request, &text[..length]),
            Ok(Status::Partial) => Ok(None),
            Err(httparse::Error::TooManyHeaders) if most > SLOTS => self.attempt_many(text),
            Err(error) => self.explain(Some(error), text),
        }
    }

    /// An attempt with as many fields as a raised limit allows.
    #[cold]
    fn attempt_many(&mut self, text: &[u8]) -> Result<Option<usize>, Refusal> {
        let mut slots = vec![MaybeUninit::uninit(); self.limits.fields_in_force()];
        let mut request = httparse::Request::new(&mut []);
        match request.parse_with_uninit_headers(text, &mut slots) {
            Ok(Status::Complete(length)) => self.build_or_explain(request, &text[..length]),
            Ok(Status::Partial) => Ok(None),
            Err(error) => self.explain(Some(error), text),
        }
    }

    fn build_or_explain<'a>(
        &mut self,
        request: httparse::Request<'_, 'a>,
        text: &'a [u8],
    ) -> Result<Option<usize>, Refusal> {
        match CutHead::of(request, text, self.limits) {
            Some(cut) => self.build(&cut).map(|()| Some(text.len())),
            None => self.explain(None, text),
        }
    }

    /// Finds the refusal for what `httparse` says, or for a doubt of ours about the lines.
    #[cold]
    fn explain(
        &mut self,
        error: Option<httparse::Error>,
        text: &[u8],
    ) -> Result<Option<usize>, Refusal> {
        match walk(text, self.limits) {
            Walk::Fault(refusal) => Err(refusal),
            Walk::Incomplete => Ok(None),
            Walk::Complete if error == Some(httparse::Error::Version) => {
                self.attempt_as_http11(text)
            }
            // The walk is meant to be at least as strict as `httparse`.
            Walk::Complete => Err(Refusal::HeadInvalid),
        }
    }

    /// `HTTP/1.2` and up, which `httparse` does not take: read as HTTP/1.1 (RFC 9110 section 2.5).
    fn attempt_as_http11(&mut self, text: &[u8]) -> Result<Option<usize>, Refusal> {
        let end = text.iter().position(|&byte| byte == b'\r').unwrap_or(0);
        if end == 0 || matches!(text[end - 1], b'0' | b'1') {
            return Err(Refusal::HeadInvalid);
        }
        let mut patched = text.to_vec();
        patched[end - 1] = b'1';
        let length = self.attempt(&patched)?;
        if length.is_some() && self.space.keeps_line {
            self.space.head.line = Bytes::copy_from_slice(&text[..end]);
        }
        Ok(length)
    }

    /// Makes a head of its parts.
    fn build(&mut self, cut: &CutHead<'_, '_>) -> Result<(), Refusal> {
        let HeadSpace {
            head,
            keeps_line,
            known_host,
            ..
        } = &mut *self.space;
        let &CutHead {
            method,
            target,
            minor,
            fields,
            text,
            line_end,
        } = cut;
        let shared = share_text(text);
        let range_of = |part: &[u8]| {
            let start = offset_in(text, part);
            start..start + part.len()
        };
        let version = match minor {
            0 => Version::HTTP_10,
            _ => Version::HTTP_11,
        };
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| Refusal::MethodInvalid)?;
        let meaning = read_fields(&mut head.headers, known_host.as_mut(), fields, |part| {
            shared.slice(range_of(part))
        });
        let target = range_of(target.as_bytes());
        head.line = match keeps_line {
            true => shared.slice(..line_end),
            false => Bytes::new(),
        };
        // The last who needs the text takes it: each one more costs two changes of a shared count.
        let mut text_of_target = shared;
        text_of_target.truncate(target.end);
        text_of_target.advance(target.start);
        let (uri, form) = parse_target(&method, text_of_target)?;
        // What is wrong with the target goes before what is wrong with a field.
        let meaning = meaning?;
        meaning.check_host(version, &uri, form, &mut head.headers)?;
        head.connection = meaning.connection;
        (head.framing, head.expects_continue) = meaning.of_body(version)?;
        head.method = method;
        head.uri = uri;
        head.version = version;
        head.form = form;
        Ok(())
    }
}
