//! The head of a simple request where it lies, before any of the types of `http` is made of it.
//!
//! Simple is who only wants an answer: GET or HEAD (RFC 9110 sections 9.3.1 and 9.3.2) of a path, in
//! HTTP/1.1, without a body, with nothing to say about the connection, and for the host that is known
//! already. Which heads are valid, and what a head may say beyond that, is the business of
//! [`request_parser`](super::request_parser): what is not simple here may well be valid there.

use std::fmt;

use http::Method;

use super::cut_head::CutHead;
use super::known::SimpleFields;
use super::limits::Limits;
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
///         if head.path() != b"/ping" || head.field("x-monitor").is_none() {
///             return None;
///         }
///         assert_eq!((head.method(), head.target()), (&Method::GET, &b"/ping?n=1"[..]));
///         assert_eq!(head.fields().next().unwrap().0.to_lowercase(), "host");
///         Some(ShortAnswer::new(head.query().unwrap_or(b"pong")))
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
    /// ASCII, of what paths and queries are made of.
    target: &'a [u8],
    /// Of the target, without its query.
    path_length: usize,
    fields: Fields<'a>,
    text: &'a [u8],
    line_end: usize,
}

/// Where the fields are.
#[derive(Clone, Copy)]
enum Fields<'a> {
    /// In the buffer.
    Cut(&'a [httparse::Header<'a>]),
    /// Not looked at again.
    Known(&'a SimpleFields),
}

static GET: Method = Method::GET;
static HEAD: Method = Method::HEAD;

impl<'a> HeadView<'a> {
    /// A view of a head, if that is of a simple request.
    pub(super) fn of(cut: &CutHead<'a, 'a>, space: &HeadSpace) -> Option<Self> {
        let method = match cut.method {
            "GET" => &GET,
            "HEAD" => &HEAD,
            _ => return None,
        };
        if cut.minor != 1 {
            return None;
        }
        let target = cut.target.as_bytes();
        let (target_length, path_length) = measure(target)?;
        if target_length < target.len() {
            return None;
        }
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
            target,
            path_length,
            fields: Fields::Cut(cut.fields),
            text: cut.text,
            line_end: cut.line_end,
        })
    }

    /// A view of the head at the beginning of `input`, if that is of a simple request with these
    /// fields. Limits are those they were cut under.
    pub(crate) fn known(
        input: &'a [u8],
        fields: &'a SimpleFields,
        limits: &Limits,
    ) -> Option<Self> {
        const VERSION: &[u8] = b" HTTP/1.1";
        let (method, start) = match input {
            [b'G', b'E', b'T', b' ', ..] => (&GET, 4),
            [b'H', b'E', b'A', b'D', b' ', ..] => (&HEAD, 5),
            _ => return None,
        };
        let (target_length, path_length) = measure(&input[start..])?;
        let target_end = start + target_length;
        let line_end = target_end + VERSION.len();
        let length = line_end + fields.text().len();
        if input.get(target_end..line_end)? != VERSION
            || input.get(line_end..length)? != fields.text()
            || start - 1 > limits.method
            || target_length > limits.uri_in_force()
            || length > limits.head
        {
            return None;
        }
        Some(HeadView {
            method,
            target: &input[start..target_end],
            path_length,
            fields: Fields::Known(fields),
            text: &input[..length],
            line_end,
        })
    }

    /// How many bytes of the input it is.
    pub(crate) fn length(&self) -> usize {
        self.text.len()
    }

    /// The request line, without its line end.
    pub(crate) fn line(&self) -> &'a [u8] {
        &self.text[..self.line_end]
    }

    /// GET or HEAD.
    pub fn method(&self) -> &'static Method {
        self.method
    }

    /// The target as it was sent, a path and perhaps a query; nothing is decoded. All of it is ASCII.
    pub fn target(&self) -> &'a [u8] {
        self.target
    }

    /// The target up to its query.
    pub fn path(&self) -> &'a [u8] {
        &self.target[..self.path_length]
    }

    /// What is behind the first `?`.
    pub fn query(&self) -> Option<&'a [u8]> {
        self.target.get(self.path_length + 1..)
    }

    /// The value of the first field of a name, in any case.
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        let mut fields = self.fields();
        fields.find_map(|(it, value)| it.eq_ignore_ascii_case(name).then_some(value))
    }

    /// Names, in the case they were sent in, and values.
    pub fn fields(&self) -> impl DoubleEndedIterator<Item = (&'a str, &'a [u8])> + use<'a> {
        let count = match self.fields {
            Fields::Cut(fields) => fields.len(),
            Fields::Known(fields) => fields.len(),
        };
        let fields = self.fields;
        (0..count).map(move |at| match fields {
            Fields::Cut(fields) => (fields[at].name, fields[at].value),
            Fields::Known(fields) => fields.get(at),
        })
    }
}

impl fmt::Debug for HeadView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeadView")
            .field("method", &self.method)
            .field("target", &self.target.escape_ascii().to_string())
            .finish_non_exhaustive()
    }
}

/// How long a target is that is a path, and perhaps a query, of what these are made of (RFC 3986
/// sections 3.3 and 3.4), and how long its path. Some clients send more, and are let through; their
/// requests are not simple.
fn measure(text: &[u8]) -> Option<(usize, usize)> {
    static PATH: [bool; 256] = alphanumeric_and(b"-._~!$&'()*+,;=:@%/");
    if text.first() != Some(&b'/') {
        return None;
    }
    let is_of_path = |byte: &u8| PATH[usize::from(*byte)];
    let path = text.iter().take_while(|byte| is_of_path(byte)).count();
    let rest = &text[path..];
    let query = match rest.first() {
        Some(b'?') => {
            let is_of_query = |byte: &u8| is_of_path(byte) || *byte == b'?';
            rest.iter().take_while(|byte| is_of_query(byte)).count()
        }
        _ => 0,
    };
    Some((path + query, path))
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::super::{HeadParser, Limits, Parsed, RequestFraming};
    use super::{CutHead, HeadSpace, HeadView, measure};

    const TEXT: &[u8] = b"GET /a?b HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nx-y: z\r\n\r\n";

    /// A space that has met a head with these fields.
    fn space_after(text: &[u8]) -> HeadSpace {
        let limits = Limits::default();
        let mut space = HeadSpace::for_many(false);
        let parsed = HeadParser::new().parse_into(&mut space, text, &limits);
        assert_eq!(parsed, Ok(Some(text.len())));
        let mut slots = CutHead::slots();
        let cut = CutHead::ordinary(&mut slots, text, &limits).unwrap();
        assert!(space.view(&cut).is_some());
        space
    }

    /// Whether the parser takes the head, with the same meaning.
    #[track_caller]
    fn assert_same(view: &HeadView<'_>, text: &[u8]) {
        let shown = String::from_utf8_lossy(text);
        let Ok(Parsed::Complete { consumed, head }) =
            HeadParser::new().parse(text, &Limits::default())
        else {
            panic!("not whole, or refused: {shown:?}");
        };
        assert_eq!(consumed, view.length(), "{shown:?}");
        assert_eq!(head.line, view.line(), "{shown:?}");
        assert_eq!(head.method, *view.method(), "{shown:?}");
        assert_eq!(head.uri.to_string().as_bytes(), view.target(), "{shown:?}");
        assert_eq!(head.uri.path().as_bytes(), view.path(), "{shown:?}");
        let query = head.uri.query().map(str::as_bytes);
        assert_eq!(query, view.query(), "{shown:?}");
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

    /// Every head that differs from a simple one in a byte: what is simple in the view is valid, and
    /// means the same, in the parser. So is what has the fields that are known.
    #[test]
    fn what_is_simple_is_valid() {
        let limits = Limits::default();
        let space = space_after(TEXT);
        let known = space.known_fields().unwrap();
        let (mut simple, mut again) = (0, 0);
        for at in 0..TEXT.len() {
            for byte in 0..=u8::MAX {
                let mut head = TEXT.to_vec();
                head[at] = byte;
                if let Some(view) = HeadView::known(&head, &known, &limits) {
                    again += 1;
                    assert_same(&view, &head);
                }
                let mut slots = CutHead::slots();
                if let Some(cut) = CutHead::ordinary(&mut slots, &head, &limits)
                    && let Some(view) = HeadView::of(&cut, &space)
                {
                    simple += 1;
                    assert_same(&view, &head);
                }
            }
        }
        assert!(simple > 1000, "{simple}");
        // Nothing is left of what may differ but the target.
        assert!((200..400).contains(&again), "{again}");
    }

    #[test]
    fn known_fields_are_found_after_any_simple_line_and_before_anything() {
        let limits = Limits::default();
        let space = space_after(TEXT);
        let known = space.known_fields().unwrap();
        let fields = &TEXT[b"GET /a?b HTTP/1.1".len()..];
        for line in ["HEAD / HTTP/1.1", "GET /?? HTTP/1.1", "GET /%41/b HTTP/1.1"] {
            let head = [line.as_bytes(), fields].concat();
            let input = [&head, &b"GET"[..]].concat();
            let view = HeadView::known(&input, &known, &limits).unwrap();
            assert_same(&view, &head);
            for cut in 0..head.len() {
                let part = HeadView::known(&head[..cut], &known, &limits);
                assert!(part.is_none(), "{cut} of {line}");
            }
        }
        for line in [
            "POST / HTTP/1.1",
            "GET / HTTP/1.0",
            "GET  / HTTP/1.1",
            "GET / HTTP/1.1 ",
            "GET a HTTP/1.1",
            "GET",
            "",
        ] {
            let head = [line.as_bytes(), fields].concat();
            assert!(HeadView::known(&head, &known, &limits).is_none(), "{line}");
        }
    }

    #[test]
    fn known_fields_are_within_the_limits() {
        let space = space_after(TEXT);
        let known = space.known_fields().unwrap();
        let limits = |method, uri, head| Limits {
            method,
            uri,
            head,
            ..Limits::default()
        };
        let is_taken = |limits: Limits| HeadView::known(TEXT, &known, &limits).is_some();
        let (method, uri, head) = ("GET".len(), "/a?b".len(), TEXT.len());
        assert!(is_taken(limits(method, uri, head)));
        assert!(!is_taken(limits(method - 1, uri, head)));
        assert!(!is_taken(limits(method, uri - 1, head)));
        assert!(!is_taken(limits(method, uri, head - 1)));
    }

    /// A client that says something of the connection: its fields are not those that are known.
    #[test]
    fn only_fields_of_simple_requests_are_remembered() {
        let limits = Limits::default();
        let mut space = space_after(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        for _ in 0..100 {
            let text = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            let mut slots = CutHead::slots();
            let cut = CutHead::ordinary(&mut slots, text, &limits).unwrap();
            assert!(space.view(&cut).is_none());
        }
        assert_eq!(space.known_fields().unwrap().text(), b"\r\nHost: a\r\n\r\n");
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
            let measured = Some((target.len(), path.len()));
            assert_eq!(measure(target.as_bytes()), measured, "{target}");
        }
        for target in ["", "*", "?", "a", "a/b", "?/a", "http://a/b"] {
            assert_eq!(measure(target.as_bytes()), None, "{target}");
        }
        for (text, target) in [
            ("/a#b", "/a"),
            ("/a?b#c", "/a?b"),
            ("/a b", "/a"),
            ("/{", "/"),
            ("/a?{", "/a?"),
            ("/a?\"", "/a?"),
            ("/\u{e9}", "/"),
            ("/a?\u{e9}", "/a?"),
        ] {
            let (length, _) = measure(text.as_bytes()).unwrap();
            assert_eq!(&text[..length], target);
        }
    }
}
