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
        let is_path = cut.target.starts_with('/') && cut.target.bytes().all(is_path_byte);
        if cut.minor != 1 || !is_path {
            return None;
        }
        let mut hosts = 0;
        for field in cut.fields {
            let is = |name: &str| field.name.eq_ignore_ascii_case(name);
            let is_simple = match field.name.len() {
                4 if is("host") => {
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
        self.split().0
    }

    /// What is behind the first `?`.
    pub fn query(&self) -> Option<&'a str> {
        self.split().1
    }

    fn split(&self) -> (&'a str, Option<&'a str>) {
        match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target, None),
        }
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

/// What paths and queries are made of (RFC 3986 sections 3.3 and 3.4). Some clients send more, and are
/// let through; their requests are not simple.
fn is_path_byte(byte: u8) -> bool {
    const PATH: [bool; 256] = alphanumeric_and(b"-._~!$&'()*+,;=:@%/?");
    PATH[usize::from(byte)]
}
