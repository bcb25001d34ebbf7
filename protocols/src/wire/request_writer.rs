//! Writing the head of a request (RFC 9112 sections 3 and 5, RFC 9110 sections 7.2 and 8.6).
//!
//! The fields that rule the connection and the framing are written here, once, whatever a program
//! set: `Host` first, as RFC 9110 section 7.2 asks, then `Content-Length` or `Transfer-Encoding`, and
//! `Connection`. Values cannot hold CR, LF or NUL, by the type `HeaderValue`.

use http::Method;
use http::header::{self, HeaderMap, HeaderName};

use super::framing::{BodySize, LengthField, ResponseFraming, ResponsePlan};
use super::response_writer::{NameCase, write_field, write_name};

/// What a client says about the connection (RFC 9112 section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestConnection {
    /// Nothing: it may be kept.
    Keep,
    /// `Connection: close`.
    Close,
    /// `Connection: upgrade`, for the protocols in the program's `Upgrade` field.
    Upgrade,
}

/// Everything the head of a request is made of. It is always HTTP/1.1.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::{LengthField, RequestConnection, RequestWriter};
/// use http::{HeaderMap, HeaderValue, Method};
///
/// let mut fields = HeaderMap::new();
/// fields.insert("accept", HeaderValue::from_static("*/*"));
/// let mut out = Vec::new();
/// RequestWriter {
///     method: &Method::POST,
///     target: "/a?b=1",
///     host: "example.com",
///     fields: &fields,
///     length: LengthField::ContentLength(5),
///     connection: RequestConnection::Keep,
///     names: Default::default(),
/// }
/// .write_to(&mut out);
/// assert_eq!(
///     out,
///     b"POST /a?b=1 HTTP/1.1\r\nHost: example.com\r\nContent-Length: 5\r\nAccept: */*\r\n\r\n"
/// );
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RequestWriter<'a> {
    /// The method.
    pub method: &'a Method,
    /// The target in the form the recipient wants (RFC 9112 section 3.2). It must be of bytes that a
    /// target may have, as those of an `http::Uri` are.
    pub target: &'a str,
    /// The `Host` field: host and port of the URL.
    pub host: &'a str,
    /// The program's fields, of which those that rule the connection are left out.
    pub fields: &'a HeaderMap,
    /// From [`plan_request`].
    pub length: LengthField,
    /// What is said about the connection.
    pub connection: RequestConnection,
    /// How names are written.
    pub names: NameCase,
}

impl RequestWriter<'_> {
    /// Appends the head, with the empty line that ends it.
    ///
    /// # Panics
    ///
    /// If target or host have a space or a control character, which would end the line.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        // Enough for the request line, our own fields and a guess at the program's.
        const OWN: usize = 128;
        const EACH: usize = 48;
        let is_whole = |text: &str| text.bytes().all(|byte| byte > b' ' && byte != 0x7f);
        assert!(
            is_whole(self.target) && is_whole(self.host),
            "a target or host that breaks its line"
        );
        out.reserve(OWN + self.target.len() + EACH * self.fields.len());
        for part in [self.method.as_str(), " ", self.target, " HTTP/1.1\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        let mut own = |name: HeaderName, value: &[u8]| {
            write_name(&name, self.names, out);
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        };
        own(header::HOST, self.host.as_bytes());
        match self.length {
            LengthField::Absent => {}
            LengthField::ContentLength(length) => {
                let mut digits = itoa::Buffer::new();
                own(header::CONTENT_LENGTH, digits.format(length).as_bytes());
            }
            LengthField::Chunked => own(header::TRANSFER_ENCODING, b"chunked"),
        }
        match self.connection {
            RequestConnection::Keep => {}
            RequestConnection::Close => own(header::CONNECTION, b"close"),
            RequestConnection::Upgrade => own(header::CONNECTION, b"upgrade"),
        }
        for (name, value) in self.fields {
            if self.is_passed_on(name) {
                write_field(name, value, self.names, out);
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    fn is_passed_on(&self, name: &HeaderName) -> bool {
        if *name == header::UPGRADE {
            return self.connection == RequestConnection::Upgrade;
        }
        !is_clients_own(name)
    }
}

/// Whether a field of a request is written by the client itself, or not at all: what rules the
/// connection (RFC 9110 section 7.6.1), the framing (RFC 9112 section 6) and the host.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::is_clients_own;
/// use http::header;
///
/// assert!(is_clients_own(&header::CONTENT_LENGTH) && is_clients_own(&header::HOST));
/// assert!(!is_clients_own(&header::CONTENT_TYPE));
/// ```
pub fn is_clients_own(name: &HeaderName) -> bool {
    let owns = [
        header::HOST,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
        header::UPGRADE,
        header::TE,
    ];
    owns.contains(name) || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// How to frame the body of a request (RFC 9110 section 8.6, RFC 9112 section 6.3). What of it goes
/// onto the wire follows the rules of a response's body, so the plan is of that kind, and
/// [`BodyWriter`](super::BodyWriter) carries it out.
///
/// | body | field | bytes |
/// |---|---|---|
/// | none, with POST, PUT or PATCH | `Content-Length: 0` | nothing |
/// | none, with another method | none | nothing |
/// | known size | `Content-Length` | that many |
/// | unknown size | `Transfer-Encoding: chunked` | chunks |
///
/// # Examples
///
/// ```
/// use eventlet_protocols::wire::{BodySize, LengthField, plan_request};
/// use http::Method;
///
/// assert_eq!(plan_request(&Method::GET, BodySize::Known(0)).field, LengthField::Absent);
/// assert_eq!(plan_request(&Method::PUT, BodySize::Known(0)).field, LengthField::ContentLength(0));
/// assert_eq!(plan_request(&Method::PUT, BodySize::Unknown).field, LengthField::Chunked);
/// ```
pub fn plan_request(method: &Method, size: BodySize) -> ResponsePlan {
    // Methods whose semantics anticipate content say that there is none.
    let expects_content = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
    let (field, framing) = match size {
        BodySize::Known(0) if !expects_content => (LengthField::Absent, ResponseFraming::Nothing),
        BodySize::Known(length) => (
            LengthField::ContentLength(length),
            ResponseFraming::Length(length),
        ),
        BodySize::Unknown => (LengthField::Chunked, ResponseFraming::Chunked),
    };
    ResponsePlan { field, framing }
}
