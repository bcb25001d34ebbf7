//! The head of a simple request where it lies, before any of the types of `http` is made of it.
//!
//! Simple is who only wants an answer: GET or HEAD (RFC 9110 sections 9.3.1 and 9.3.2) of a path, in
//! HTTP/1.1, without a body, with nothing to say about the connection, and for the host that is known
//! already. Which heads are valid, and what a head may say beyond that, is the business of
//! [`request_parser`](super::request_parser): what is not simple here may well be valid there.

use std::fmt;

use http::Method;

use super::cut_head::CutHead;
use super::request_parser::HeadSpace;
use super::syntax::alphanumeric_and;

/// The head of a simple request, as it lies in the connection's buffer.
///
/// # Examples
///
/// ```
/// use eventlet_green::net::TcpListener;
/// use eventlet_protocols::client::Agent;
/// use eventlet_protocols::server::{Body, Handler, RequestBody, Server, ShortAnswer, Shortcut};
/// use eventlet_protocols::wire::HeadView;
/// use http::{Method, Request, Response};
///
/// /// Answers a monitor in a word, and everybody else at length.
/// struct App;
///
/// impl Shortcut for App {
///     fn answer<'a>(&'a self, head: &HeadView<'a>) -> Option<ShortAnswer<'a>> {
///         if head.path() != "/ping" || head.field("x-monitor").is_none() {
///             return None;
///         }
///         assert_eq!((head.method(), head.target()), (&Method::GET, "/ping?n=1"));
///         assert_eq!(head.fields().next().unwrap().0.to_lowercase(), "host");
///         Some(ShortAnswer::new(head.query().unwrap_or("pong").as_bytes()))
///     }
/// }
///
/// impl Handler for App {
///     fn handle(&self, request: Request<RequestBody>) -> Response<Body> {
///         Response::new(Body::from(format!("{} is at length\n", request.uri())))
///     }
///
///     fn shortcut(&self) -> Option<&dyn Shortcut> {
///         Some(self)
///     }
/// }
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let url = format!("http://{}/ping?n=1", listener.local_addr()?);
/// eventlet_green::spawn(move || Server::new(App).serve(listener));
/// let agent = Agent::new();
/// assert_eq!(agent.get(&url)?, "/ping?n=1 is at length\n");
/// let answer = agent.call(Method::GET, &url).header("x-monitor", "1").fetch()?;
/// assert_eq!(answer.body(), "n=1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct HeadView<'a> {
    method: &'static Method,
    target: &'a str,
    /// Of the target, without its query.
    path: &'a str,
    fields: &'a [httparse::Header<'a>],
}

static GET: Method = Method::GET;
static HEAD: Method = Method::HEAD;

impl<'a> HeadView<'a> {
    /// A view of a head, if that is of a simple request.
    pub(crate) fn of(cut: &CutHead<'a, 'a>, space: &HeadSpace) -> Option<Self> {
        let method = match cut.method {
            "GET" => &GET,
            "HEAD" => &HEAD,
            _ => return None,
        };
        if cut.minor != 1 {
            return None;
        }
        let path = path_of(cut.target)?;
        let mut hosts = 0;
        for field in cut.fields {
            let is = |name: &str| field.name.eq_ignore_ascii_case(name);
            let is_simple = match field.name.len() {
                // Nearly all write it so.
                4 if field.name == "Host" || is("host") => {
                    hosts += 1;
                    space.knows_host(field.value)
                }
                6 => !is("expect"),
                7 => !is("upgrade"),
                10 if is("connection") => field.value.eq_ignore_ascii_case(b"keep-alive"),
                14 => !is("content-length"),
                17 => !is("transfer-encoding"),
                _ => true,
            };
            if !is_simple {
                return None;
            }
        }
        (hosts == 1).then_some(HeadView {
            method,
            target: cut.target,
            path,
            fields: cut.fields,
        })
    }

    /// GET or HEAD.
    pub fn method(&self) -> &'static Method {
        self.method
    }

    /// The target as it was sent, a path and perhaps a query; nothing is decoded.
    pub fn target(&self) -> &'a str {
        self.target
    }

    /// The target up to its query.
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// What is behind the first `?`.
    pub fn query(&self) -> Option<&'a str> {
        self.target.get(self.path.len() + 1..)
    }

    /// The value of the first field of a name, in any case.
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        let mut fields = self.fields();
        fields.find_map(|(it, value)| it.eq_ignore_ascii_case(name).then_some(value))
    }

    /// Names, in the case they were sent in, and values.
    pub fn fields(&self) -> impl DoubleEndedIterator<Item = (&'a str, &'a [u8])> + use<'a> {
        self.fields.iter().map(|field| (field.name, field.value))
    }
}

impl fmt::Debug for HeadView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeadView")
            .field("method", &self.method)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// The path of a target that is made of what paths and queries are made of (RFC 3986 sections 3.3 and
/// 3.4). Some clients send more, and are let through; their requests are not simple.
fn path_of(target: &str) -> Option<&str> {
    const PATH: [bool; 256] = alphanumeric_and(b"-._~!$&'()*+,;=:@%/");
    let bytes = target.as_bytes();
    let mut length = bytes.len();
    for (at, &byte) in bytes.iter().enumerate() {
        if !PATH[usize::from(byte)] {
            if byte != b'?' {
                return None;
            }
            length = length.min(at);
        }
    }
    let path = &target[..length];
    path.starts_with('/').then_some(path)
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::super::{HeadParser, Limits, Parsed, RequestFraming};
    use super::{CutHead, HeadSpace, HeadView, path_of};

    /// Every head that differs from a simple one in a byte: what is simple in the view is valid, and
    /// means the same, in the parser.
    #[test]
    fn what_is_simple_is_valid() {
        let text = b"GET /a?b HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nx-y: z\r\n\r\n";
        let limits = Limits::default();
        let mut space = HeadSpace::for_many(false);
        let known = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        HeadParser::new()
            .parse_into(&mut space, known, &limits)
            .unwrap();
        let mut simple = 0;
        for at in 0..text.len() {
            for byte in 0..=u8::MAX {
                let mut head = text.to_vec();
                head[at] = byte;
                let shown = String::from_utf8_lossy(&head).into_owned();
                let mut slots = CutHead::slots();
                let Some(cut) = CutHead::ordinary(&mut slots, &head, &limits) else {
                    continue;
                };
                let Some(view) = HeadView::of(&cut, &space) else {
                    continue;
                };
                simple += 1;
                let Ok(Parsed::Complete { consumed, head }) =
                    HeadParser::new().parse(&head, &limits)
                else {
                    panic!("not whole, or refused: {shown:?}");
                };
                assert_eq!(consumed, cut.length(), "{shown:?}");
                assert_eq!(head.line, cut.line(), "{shown:?}");
                assert_eq!(head.method, *view.method(), "{shown:?}");
                assert_eq!(head.uri.to_string(), view.target(), "{shown:?}");
                assert_eq!(head.uri.path(), view.path(), "{shown:?}");
                assert_eq!(head.uri.query(), view.query(), "{shown:?}");
                assert_eq!(head.headers.len(), view.fields().count(), "{shown:?}");
                for (name, value) in view.fields() {
                    assert_eq!(head.headers[name].as_bytes(), value, "{shown:?}");
                    assert_eq!(view.field(name), Some(value), "{shown:?}");
                }
                assert_eq!(head.headers[header::HOST], "a", "{shown:?}");
                assert_eq!(head.framing, RequestFraming::Empty, "{shown:?}");
                let is_kept = !head.connection.has_close() && !head.expects_continue;
                assert!(is_kept && !head.is_upgrade(), "{shown:?}");
            }
        }
        assert!(simple > 1000, "{simple}");
    }

    #[test]
    fn a_path_ends_at_the_query() {
        for (target, path) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a?b", "/a"),
            ("/a?", "/a"),
            ("/?/?b", "/"),
            ("//a", "//a"),
            ("/%41;x=1@:", "/%41;x=1@:"),
        ] {
            assert_eq!(path_of(target), Some(path), "{target}");
        }
        for target in [
            "",
            "*",
            "?",
            "a",
            "a/b",
            "?/a",
            "/a#b",
            "/a?b#c",
            "/a b",
            "/{",
            "/a?{",
            "/a?\"",
            "/\u{e9}",
            "/a?\u{e9}",
            "http://a/b",
        ] {
            assert_eq!(path_of(target), None, "{target}");
        }
    }
}
