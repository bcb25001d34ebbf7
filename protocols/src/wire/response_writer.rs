//! Writing the head of a response (RFC 9112 sections 4 and 5, RFC 9110 sections 6.6.1 and 10.2.4).
//!
//! The fields that rule the connection are ours: whatever a handler set for `Content-Length`,
//! `Transfer-Encoding`, `Connection`, `Keep-Alive`, `Proxy-Connection`, `TE` or (but for an upgrade
//! or a 426) `Upgrade` is left out, and what the plan and the exchange decided is written once. Its
//! wishes have been heard before: `Content-Length` by [`plan_response`](super::plan_response),
//! `Connection: close` by [`Exchange::respond`](super::Exchange::respond). A `Date` or `Server` of
//! the handler stands instead of ours. Values cannot hold CR, LF or NUL, by the type `HeaderValue`.
//!
//! The status line always says HTTP/1.1, also to an HTTP/1.0 client: it is the version the server
//! conforms to (RFC 9110 section 2.5).

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use super::connection::ConnectionField;
use super::date::DateText;
use super::framing::LengthField;

/// The interim response that asks for the body (RFC 9110 section 15.2.1).
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// How field names are written. To a client that keeps the rules they are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NameCase {
    /// `Content-Type`. The default: the original wrote so, people and scripts look for it, and
    /// some old clients compare names by case.
    #[default]
    Title,
    /// `content-type`, as the `http` crate keeps it; spares a few nanoseconds a field.
    Lower,
}

impl NameCase {
    /// One of our own names, or lines.
    fn of(self, title: &'static [u8], lower: &'static [u8]) -> &'static [u8] {
        match self {
            NameCase::Title => title,
            NameCase::Lower => lower,
        }
    }
}

/// Everything the head of a final response is made of.
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, HeaderValue, StatusCode};
/// use eventlet_protocols::wire::{
///     ConnectionField, DateCache, LengthField, NameCase, ResponseHead,
/// };
///
/// let mut dates = DateCache::new();
/// let server = HeaderValue::from_static("eventlet");
/// let mut out = Vec::new();
/// ResponseHead {
///     status: StatusCode::OK,
///     fields: &HeaderMap::new(),
///     length: LengthField::ContentLength(13),
///     connection: ConnectionField::Absent,
///     keep_alive_seconds: None,
///     date: Some(dates.at_second(784_111_777)),
///     server: Some(&server),
///     names: NameCase::Title,
/// }
/// .write_to(&mut out);
/// assert_eq!(
///     out,
///     b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
///       Server: eventlet\r\n\r\n"
/// );
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'a> {
    /// The status.
    pub status: StatusCode,
    /// The handler's fields.
    pub fields: &'a HeaderMap,
    /// From [`ResponsePlan::field`](super::ResponsePlan::field).
    pub length: LengthField,
    /// From [`Exchange::respond`](super::Exchange::respond).
    pub connection: ConnectionField,
    /// With [`ConnectionField::KeepAlive`], the idle seconds to announce as
    /// `Keep-Alive: timeout=n`, as old clients expect.
    pub keep_alive_seconds: Option<u64>,
    /// For the `Date` field; a server with a clock must send one (RFC 9110 section 6.6.1).
    pub date: Option<&'a DateText>,
    /// For the `Server` field.
    pub server: Option<&'a HeaderValue>,
    /// How names are written.
    pub names: NameCase,
}

impl ResponseHead<'_> {
    /// Appends the head, with the empty line that ends it.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        self.write(self.fields, None, out);
    }

    /// The same, for who has at hand what [`write_ending`] makes of the same date, server and names.
    pub(crate) fn write_with_ending(&self, ending: &[u8], out: &mut Vec<u8>) {
        self.write(self.fields, Some(ending), out);
    }

    /// The same, with these fields in place of those of the table.
    pub(crate) fn write_list_with_ending(
        &self,
        fields: &[(HeaderName, HeaderValue)],
        ending: &[u8],
        out: &mut Vec<u8>,
    ) {
        let fields = fields.iter().map(|(name, value)| (name, value));
        self.write(fields, Some(ending), out);
    }

    /// How the head begins: all of it but what [`write_ending`] makes. Says whether that is to be the
    /// server's, which it is unless these fields have a `Date` or `Server` of their own.
    pub(crate) fn write_beginning(
        &self,
        fields: &[(HeaderName, HeaderValue)],
        out: &mut Vec<u8>,
    ) -> bool {
        let fields = fields.iter().map(|(name, value)| (name, value));
        let given = self.begin(fields, out);
        !given.date && !given.server
    }

    fn write<'f>(
        &self,
        fields: impl IntoIterator<Item = (&'f HeaderName, &'f HeaderValue)>,
        ending: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) {
        let given = self.begin(fields, out);
        match ending {
            Some(ending) if !given.date && !given.server => out.extend_from_slice(ending),
            _ => {
                let date = self.date.filter(|_| !given.date);
                let server = self.server.filter(|_| !given.server);
                write_ending(date, server, self.names, out);
            }
        }
    }

    #[inline]
    fn begin<'f>(
        &self,
        fields: impl IntoIterator<Item = (&'f HeaderName, &'f HeaderValue)>,
        out: &mut Vec<u8>,
    ) -> Given {
        // Enough for the status line, our own fields and a guess at the handler's.
        const OWN: usize = 192;
        const EACH: usize = 48;
        let fields = fields.into_iter();
        out.reserve(OWN + EACH * fields.size_hint().0);
        write_status_line(self.status, out);
        let mut given = Given::default();
        for (name, value) in fields {
            if self.names == NameCase::Title && *name == header::CONTENT_TYPE {
                // Nearly every response has it.
                out.extend_from_slice(b"Content-Type: ");
                write_value(value, out);
                continue;
            }
            match kind_of(name) {
                FieldKind::Ours => continue,
                FieldKind::Upgrade if !self.may_upgrade() => continue,
                FieldKind::Date => given.date = true,
                FieldKind::Server => given.server = true,
                FieldKind::Upgrade | FieldKind::Plain => {}
            }
            write_field(name, value, self.names, out);
        }
        self.write_own(out);
        given
    }

    /// 426 names what to upgrade to (RFC 9110 section 15.5.22).
    fn may_upgrade(&self) -> bool {
        self.connection == ConnectionField::Upgrade || self.status == StatusCode::UPGRADE_REQUIRED
    }

    #[inline]
    fn write_own(&self, out: &mut Vec<u8>) {
        let own = |title, lower| self.names.of(title, lower);
        match self.length {
            LengthField::Absent => {}
            LengthField::ContentLength(length) => {
                out.extend_from_slice(own(b"Content-Length: ", b"content-length: "));
                write_number(length, out);
                out.extend_from_slice(b"\r\n");
            }
            LengthField::Chunked => out.extend_from_slice(own(
                b"Transfer-Encoding: chunked\r\n",
                b"transfer-encoding: chunked\r\n",
            )),
        }
        match self.connection {
            ConnectionField::Absent => {}
            ConnectionField::Close => {
                out.extend_from_slice(own(b"Connection: close\r\n", b"connection: close\r\n"));
            }
            ConnectionField::KeepAlive => {
                let line = own(b"Connection: keep-alive\r\n", b"connection: keep-alive\r\n");
                out.extend_from_slice(line);
                if let Some(seconds) = self.keep_alive_seconds {
                    out.extend_from_slice(own(b"Keep-Alive: timeout=", b"keep-alive: timeout="));
                    write_number(seconds, out);
                    out.extend_from_slice(b"\r\n");
                }
            }
            ConnectionField::Upgrade => {
                let line = own(b"Connection: upgrade\r\n", b"connection: upgrade\r\n");
                out.extend_from_slice(line);
            }
        }
    }
}

/// `Date` and `Server`, where they are ours, and the empty line.
pub(crate) fn write_ending(
    date: Option<&DateText>,
    server: Option<&HeaderValue>,
    names: NameCase,
    out: &mut Vec<u8>,
) {
    if let Some(date) = date {
        out.extend_from_slice(names.of(b"Date: ", b"date: "));
        out.extend_from_slice(date.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    if let Some(server) = server {
        out.extend_from_slice(names.of(b"Server: ", b"server: "));
        out.extend_from_slice(server.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends an interim response (1xx): its status and fields, and nothing of ours.
///
/// For `100 Continue` there is [`CONTINUE`]; never send one on your own account, but when
/// [`Exchange::before_body_read`](super::Exchange::before_body_read) says so. HTTP/1.0 has no
/// interim responses (RFC 9110 section 15.2).
///
/// # Panics
///
/// If the status is not one of 1xx, or is 101, which is final.
///
/// # Examples
///
/// ```
/// use http::{header, HeaderValue, Response};
/// use eventlet_protocols::wire::write_interim;
///
/// let hints = Response::builder().status(103).header("link", "</a.css>").body(()).unwrap();
/// let mut out = Vec::new();
/// write_interim(&hints, &mut out);
/// assert_eq!(out, b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
/// ```
pub fn write_interim(response: &Response<()>, out: &mut Vec<u8>) {
    let status = response.status();
    assert!(
        status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS,
        "{status} is not an interim response"
    );
    write_status_line(status, out);
    for (name, value) in response.headers() {
        if kind_of(name) != FieldKind::Ours {
            write_field(name, value, NameCase::Title, out);
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// The phrase for a status line; empty for a status that has none in the registry.
///
/// # Examples
///
/// ```
/// use http::StatusCode;
/// use eventlet_protocols::wire::reason_phrase;
///
/// assert_eq!(reason_phrase(StatusCode::NOT_FOUND), "Not Found");
/// ```
pub fn reason_phrase(status: StatusCode) -> &'static str {
    match status.as_u16() {
        103 => "Early Hints",
        // RFC 9110 renamed two that the `http` crate keeps by their old names.
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        _ => status.canonical_reason().unwrap_or(""),
    }
}

/// `HTTP-version SP status-code SP [ reason-phrase ] CRLF`.
#[inline]
fn write_status_line(status: StatusCode, out: &mut Vec<u8>) {
    if status == StatusCode::OK {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    // The space stays also without a phrase (RFC 9112 section 4).
    out.extend_from_slice(b" ");
    out.extend_from_slice(reason_phrase(status).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// `field-name ":" SP field-value CRLF`.
pub(crate) fn write_field(
    name: &HeaderName,
    value: &HeaderValue,
    names: NameCase,
    out: &mut Vec<u8>,
) {
    write_name(name, names, out);
    write_value(value, out);
}

fn write_value(value: &HeaderValue, out: &mut Vec<u8>) {
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// `field-name ":" SP`.
pub(crate) fn write_name(name: &HeaderName, names: NameCase, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(name.as_str().as_bytes());
    if names == NameCase::Title {
        let mut previous = b'-';
        for byte in &mut out[start..] {
            if previous == b'-' {
                byte.make_ascii_uppercase();
            }
            previous = *byte;
        }
    }
    out.extend_from_slice(b": ");
}

fn write_number(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// What a handler has given of that which is otherwise the server's.
#[derive(Clone, Copy, Default)]
struct Given {
    date: bool,
    server: bool,
}

/// How a handler's field is treated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FieldKind {
    Plain,
    /// Written by us, or not at all.
    Ours,
    Upgrade,
    Date,
    Server,
}

/// Sorts by length first: most fields are told apart without comparing text.
fn kind_of(name: &HeaderName) -> FieldKind {
    let is = |candidate: HeaderName, kind| {
        if *name == candidate {
            kind
        } else {
            FieldKind::Plain
        }
    };
    match name.as_str().len() {
        2 => is(header::TE, FieldKind::Ours),
        4 => is(header::DATE, FieldKind::Date),
        6 => is(header::SERVER, FieldKind::Server),
        7 => is(header::UPGRADE, FieldKind::Upgrade),
        10 if *name == "keep-alive" => FieldKind::Ours,
        10 => is(header::CONNECTION, FieldKind::Ours),
        14 => is(header::CONTENT_LENGTH, FieldKind::Ours),
        16 if *name == "proxy-connection" => FieldKind::Ours,
        17 => is(header::TRANSFER_ENCODING, FieldKind::Ours),
        _ => FieldKind::Plain,
    }
}
