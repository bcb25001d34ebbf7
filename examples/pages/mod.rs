//! What the servers among the examples answer: `httpd`, and `testbed`, which has more. Sockets, options
//! and signals are theirs.

use std::io::Write;
use std::time::Duration;

use eventlet::http::server::{
    Body, Handler, PreparedAnswer, RequestBody, ServerStatus, ShortAnswer, Shortcut,
};
use eventlet::http::wire::{HeadView, query_value};
use eventlet::sleep;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};

/// What each of them gives.
pub type Answer = Response<Body>;

/// Types of content. As constants they are checked once, by the compiler, and not for each answer.
pub const TEXT: HeaderValue = HeaderValue::from_static("text/plain");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

const HELLO: &str = "Hello, World!";
const HELLO_JSON: &str = r#"{"message":"Hello, World!"}"#;

/// A function that answers requests, with a shortcut to the answers that are always the same.
pub struct Pages<F> {
    answer: F,
    has_shortcut: bool,
    plaintext: PreparedAnswer,
    json: PreparedAnswer,
}

impl<F: Fn(Request<RequestBody>) -> Answer + 'static> Pages<F> {
    /// Without the shortcut each request goes through the function: for a comparison.
    pub fn new(answer: F, has_shortcut: bool) -> Self {
        let prepare = |content_type, body: &str| {
            let fields = [(CONTENT_TYPE, content_type)];
            PreparedAnswer::new(ShortAnswer::new(body.as_bytes()).fields(&fields))
        };
        Pages {
            answer,
            has_shortcut,
            plaintext: prepare(TEXT, HELLO),
            json: prepare(JSON, HELLO_JSON),
        }
    }
}

impl<F: Fn(Request<RequestBody>) -> Answer + 'static> Handler for Pages<F> {
    fn handle(&self, request: Request<RequestBody>) -> Answer {
        (self.answer)(request)
    }

    fn shortcut(&self) -> Option<&dyn Shortcut> {
        self.has_shortcut.then_some(self)
    }
}

impl<F> Shortcut for Pages<F> {
    fn answer<'a>(&'a self, head: &HeadView<'a>) -> Option<ShortAnswer<'a>> {
        match head.path() {
            b"/plaintext" => Some(self.plaintext.answer()),
            b"/json" => Some(self.json.answer()),
            _ => None,
        }
    }

    fn is_immediate(&self) -> bool {
        true
    }
}

/// The answer for an address; 404 for one that is not there. `status` is asked for the page that shows
/// it.
pub fn answer(
    request: Request<RequestBody>,
    status: impl FnOnce() -> Option<ServerStatus>,
) -> Answer {
    let query = request.uri().query().unwrap_or_default();
    let number = |name, default| {
        query_value(query, name)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    match request.uri().path() {
        "/" => page(status()),
        "/plaintext" => match *request.method() {
            Method::GET | Method::HEAD => typed(TEXT, HELLO),
            _ => Response::builder()
                .status(StatusCode::METHOD_NOT_ALLOWED)
                .header(ALLOW, "GET, HEAD")
                .body(Body::from("405 Method Not Allowed\n"))
                .expect("a valid response"),
        },
        "/json" => typed(JSON, HELLO_JSON),
        "/echo" => echo(request),
        "/headers" => headers(&request),
        "/chunked" => chunked(number("n", 3), number("ms", 100)),
        "/slow" => {
            let ms = number("ms", 1000);
            sleep(Duration::from_millis(ms));
            typed(TEXT, format!("slow {ms}\n"))
        }
        _ => {
            let mut response = typed(TEXT, "404 Not Found\n");
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    }
}

/// A response with status 200.
pub fn typed(content_type: HeaderValue, body: impl Into<Body>) -> Answer {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// The request's body as it comes, with its type.
fn echo(request: Request<RequestBody>) -> Answer {
    let content_type = request.headers().get(CONTENT_TYPE).cloned();
    let body = request.into_body();
    let length = body.remaining();
    let mut response = Response::new(match length {
        Some(length) => Body::sized_reader(length, body),
        None => Body::reader(body),
    });
    if let Some(content_type) = content_type {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}

fn headers(request: &Request<RequestBody>) -> Answer {
    let mut object = serde_json::Map::new();
    for name in request.headers().keys() {
        let values = request.headers().get_all(name).iter();
        let values: Vec<_> = values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        object.insert(name.as_str().to_owned(), values.join(", ").into());
    }
    typed(JSON, serde_json::Value::Object(object).to_string())
}

fn chunked(n: u64, ms: u64) -> Answer {
    typed(
        TEXT,
        Body::stream(move |sink| {
            for piece in 0..n {
                if piece > 0 {
                    sleep(Duration::from_millis(ms));
                }
                writeln!(sink, "chunk {piece}")?;
                sink.flush()?;
            }
            Ok(())
        }),
    )
}

fn page(server: Option<ServerStatus>) -> Answer {
    let stats = eventlet::stats();
    let (open, busy, requests) = server.map_or((0, 0, 0), |server| {
        (server.open, server.busy, server.requests)
    });
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=1>\
         <title>eventlet httpd</title><style>body{{font:16px/1.5 system-ui;max-width:34rem;\
         margin:3rem auto;padding:0 1rem;color-scheme:light dark}}td{{padding:.15rem 1.5rem \
         .15rem 0}}td:last-child{{text-align:right;font-variant-numeric:tabular-nums}}</style>\
         <h1>eventlet httpd</h1><table>\
         <tr><td>hub<td>{}<tr><td>live coroutines<td>{}<tr><td>timers<td>{}\
         <tr><td>open connections<td>{open}<tr><td>of them busy<td>{busy}\
         <tr><td>requests answered<td>{requests}<tr><td>turns of the run loop<td>{}\
         <tr><td>switches of coroutines<td>{}</table>\
         <p>Try <a href=/plaintext>/plaintext</a>, <a href=/json>/json</a>, \
         <a href=/headers>/headers</a>, <a href='/chunked?n=10&amp;ms=300'>/chunked</a>, \
         <a href='/slow?ms=500'>/slow</a>; POST to /echo.</p></html>\n",
        stats.hub, stats.coroutines, stats.timers, stats.turns, stats.switches,
    );
    typed(HTML, html)
}
