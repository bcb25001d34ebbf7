//! HTTP/1.1 without sockets: bytes in, bytes out (RFC 9110, RFC 9112).
//!
//! Everything here is a state machine or a pure function over slices. Reading and writing, waiting
//! and deadlines are the job of whoever drives it; the date is handed in. So it can be embedded in
//! any server, tested byte by byte, and fuzzed.
//!
//! # Index
//!
//! All names are here; the modules are public for their introductions, which hold the tables and
//! the diagram of a connection's life.
//!
//! | file | what | source |
//! |---|---|---|
//! | [`limits`](mod@limits) | [`Limits`]: what is accepted at most | |
//! | [`refusal`](mod@refusal) | [`Refusal`]: what was wrong, and the status to answer | |
//! | [`request_parser`](mod@request_parser) | [`HeadParser`], [`RequestHead`] | RFC 9112, 2, 3, 5 |
//! | `head_faults` | which fault of a head comes first | RFC 9112, 2, 3, 5 |
//! | [`target`](mod@target) | [`parse_target`], [`is_valid_host`] | RFC 9112, 3.2; RFC 9110, 7.2 |
//! | [`framing`](mod@framing) | [`RequestFraming`], [`plan_response`] | RFC 9112, 6; RFC 9110, 8.6 |
//! | [`chunked`](mod@chunked) | [`ChunkDecoder`], [`ChunkHead`] | RFC 9112, 7.1 |
//! | [`trailers`](mod@trailers) | [`write_last_chunk`], [`is_forbidden_trailer`] | RFC 9110, 6.5; RFC 9112, 7.1.2 |
//! | [`body`](mod@body) | [`BodyReader`], [`Drain`] | RFC 9112, 6, 8 |
//! | [`connection`](mod@connection) | [`Connection`], [`Exchange`], [`CloseReason`] | RFC 9112, 9; RFC 9110, 10.1.1 |
//! | [`response_writer`](mod@response_writer) | [`ResponseHead`], [`write_interim`] | RFC 9112, 4; RFC 9110, 15 |
//! | [`response_body`](mod@response_body) | [`BodyWriter`] | RFC 9112, 6 |
//! | [`response_parser`](mod@response_parser) | [`ResponseParser`], [`ReceivedHead`] | RFC 9112, 4, 5, 6.3 |
//! | [`response_fault`](mod@response_fault) | [`ResponseFault`]: what was wrong with a response | |
//! | [`request_writer`](mod@request_writer) | [`RequestWriter`], [`plan_request`] | RFC 9112, 3, 6 |
//! | [`redirect`](mod@redirect) | [`redirected_method`], [`resolve_reference`] | RFC 9110, 15.4; RFC 3986, 5 |
//! | [`date`](mod@date) | [`DateCache`], [`parse_date`] | RFC 9110, 5.6.7 |
//! | [`error_page`](mod@error_page) | [`error_page()`], [`write_refusal`] | RFC 9110, 15 |
//! | [`access_log`](mod@access_log) | [`LogRecord`] | |
//! | [`forwarded`](mod@forwarded) | [`forwarded_for`] | RFC 9110, 5.3 |
//! | [`query`](mod@query) | [`query_pairs`], [`percent_decode`] | RFC 3986, 2.1 |
//! | `syntax` | tokens and lists | RFC 9110, 5.6 |
//!
//! # Example
//!
//! One exchange, from the bytes of a request to those of its response:
//!
//! ```
//! use http::{HeaderMap, StatusCode};
//! use eventlet_protocols::wire::*;
//!
//! let limits = Limits::default();
//! let input = b"POST /greet HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nworld";
//!
//! let Parsed::Complete { consumed, head } = HeadParser::new().parse(input, &limits)? else {
//!     return Ok(()); // read more, append it, parse again
//! };
//! let mut body = BodyReader::new(head.framing, &limits)?;
//! let mut exchange = Connection::new().begin(&head, &limits);
//!
//! // The handler reads the body.
//! let rest = &input[consumed..];
//! assert_eq!(exchange.before_body_read(rest.len()), BodyAccess::Ready);
//! let step = body.read(rest)?;
//! let answer = [b"hello ", step.data].concat();
//!
//! // And answers.
//! let (status, fields) = (StatusCode::OK, HeaderMap::new());
//! let size = BodySize::Known(answer.len() as u64);
//! let plan = plan_response(&head.method, head.version, status, &fields, size);
//! let kind = ResponseKind::Whole;
//! let connection = exchange.respond(status, &fields, &plan, &body, &limits, kind);
//! let mut out = Vec::new();
//! ResponseHead {
//!     status,
//!     fields: &fields,
//!     length: plan.field,
//!     connection,
//!     keep_alive_seconds: None,
//!     date: None, // a server with a clock sends one
//!     server: None,
//!     names: NameCase::Title,
//! }
//! .write_to(&mut out);
//! let mut writer = BodyWriter::new(&plan);
//! writer.frame(&answer).write_to(&mut out);
//! writer.finish(None, &mut out).expect("the length is that of the answer");
//!
//! assert_eq!(out, b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world");
//! assert_eq!(exchange.finish(&body, &limits), Next::KeepAlive);
//! # Ok::<(), Refusal>(())
//! ```

pub mod access_log;
pub mod body;
pub mod chunked;
pub mod connection;
mod cut_head;
pub mod date;
pub mod error_page;
pub mod forwarded;
pub mod framing;
mod head_faults;
mod head_text;
pub mod head_view;
mod known;
pub mod limits;
mod progress;
pub mod query;
pub mod redirect;
pub mod refusal;
mod request_fields;
pub mod request_parser;
pub mod request_writer;
pub mod response_body;
pub mod response_fault;
pub mod response_parser;
pub mod response_writer;
pub(crate) mod syntax;
pub mod target;
pub mod trailers;

pub use access_log::{LogFormat, LogRecord};
pub use body::{BodyReader, BodyStep, Drain, DrainStep};
pub use chunked::{CHUNK_END, ChunkDecoder, ChunkEvent, ChunkHead, LAST_CHUNK};
pub use connection::{
    BodyAccess, CloseReason, Connection, ConnectionField, ConnectionOptions, Exchange, Next,
    ResponseKind,
};
pub(crate) use cut_head::CutHead;
pub use date::{DateCache, DateText, parse_date};
pub use error_page::{error_page, refusal_page, write_error, write_refusal};
pub use forwarded::forwarded_for;
pub use framing::{
    BodySize, LengthField, RequestFraming, ResponseFraming, ResponsePlan, plan_response,
    request_framing,
};
pub use head_view::HeadView;
pub use limits::Limits;
pub use query::{path_segments, percent_decode, percent_decode_text, query_pairs, query_value};
pub use redirect::{
    ReferenceFault, is_content_field, is_origins_own, redirected_method, resolve_reference,
};
pub use refusal::Refusal;
pub(crate) use request_parser::HeadSpace;
pub use request_parser::{HeadParser, Parsed, RequestHead};
pub use request_writer::{RequestConnection, RequestWriter, is_clients_own, plan_request};
pub use response_body::{BodyWriter, Frame, TooShort};
pub use response_fault::ResponseFault;
pub use response_parser::{ParsedResponse, ReceivedHead, ResponseParser};
pub(crate) use response_writer::write_ending;
pub use response_writer::{CONTINUE, NameCase, ResponseHead, reason_phrase, write_interim};
pub use target::{TargetForm, is_valid_host, parse_target};
pub use trailers::{is_forbidden_trailer, write_last_chunk};
