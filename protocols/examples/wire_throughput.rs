//! How long a request and its response take without a socket, in nanoseconds, beside `httparse`
//! alone: `cargo run --release -p eventlet-protocols --example wire_throughput`.
//!
//! One thread, the least of twenty rounds; what sockets and coroutines add is measured elsewhere.

use std::hint::black_box;
use std::time::Instant;

use eventlet_protocols::wire::{
    BodyReader, BodySize, BodyWriter, Connection, ConnectionField, DateCache, HeadParser,
    LengthField, Limits, NameCase, Next, Parsed, ResponseHead, ResponseKind, plan_response,
};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};

const ONE_FIELD: &[u8] = b"GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

const EIGHT_FIELDS: &[u8] = b"GET /plaintext HTTP/1.1\r\n\
    Host: 127.0.0.1:8080\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Accept-Language: en-US,en;q=0.5\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Connection: keep-alive\r\n\
    Cookie: session=0123456789abcdef0123456789abcdef\r\n\
    Cache-Control: max-age=0\r\n\r\n";

const TEXT: &[u8] = b"Hello, World!";

fn main() {
    for (name, input) in [("1 field", ONE_FIELD), ("8 fields", EIGHT_FIELDS)] {
        let mut server = Server::new();
        let bare = nanoseconds(|| {
            let mut slots = [httparse::EMPTY_HEADER; 16];
            let mut request = httparse::Request::new(&mut slots);
            black_box(request.parse(black_box(input)).is_ok());
        });
        let parse_only = nanoseconds(|| {
            black_box(parse(black_box(input), &server.limits));
        });
        let all = nanoseconds(|| server.exchange(black_box(input)));
        let head = nanoseconds(|| server.write_only());
        println!(
            "{name}: httparse alone {bare:.0} ns, parse {parse_only:.0} ns, response head of 3 \
             fields {head:.0} ns, whole exchange {all:.0} ns"
        );
    }
}

/// The least of several rounds, per call.
fn nanoseconds(mut work: impl FnMut()) -> f64 {
    const ROUNDS: u32 = 20;
    let calls: u32 = if cfg!(debug_assertions) { 100 } else { 50_000 };
    let mut least = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..calls {
            work();
        }
        least = least.min(start.elapsed().as_nanos() as f64 / f64::from(calls));
    }
    least
}

fn parse(input: &[u8], limits: &Limits) -> usize {
    match HeadParser::new().parse(input, limits) {
        Ok(Parsed::Complete { consumed, head }) => {
            black_box(head);
            consumed
        }
        other => panic!("not a whole head: {other:?}"),
    }
}

/// What a server keeps across requests.
struct Server {
    limits: Limits,
    dates: DateCache,
    name: HeaderValue,
    fields: HeaderMap,
    out: Vec<u8>,
}

impl Server {
    fn new() -> Self {
        let mut fields = HeaderMap::new();
        fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        Server {
            limits: Limits::default(),
            dates: DateCache::new(),
            name: HeaderValue::from_static("eventlet"),
            fields,
            out: Vec::new(),
        }
    }

    /// Date, Content-Length and Content-Type.
    fn write_only(&mut self) {
        self.out.clear();
        ResponseHead {
            status: StatusCode::OK,
            fields: black_box(&self.fields),
            length: LengthField::ContentLength(13),
            connection: ConnectionField::Absent,
            keep_alive_seconds: None,
            date: Some(self.dates.at_second(784_111_777)),
            server: None,
            names: NameCase::Title,
        }
        .write_to(&mut self.out);
        black_box(&self.out);
    }

    fn exchange(&mut self, input: &[u8]) {
        let Ok(Parsed::Complete { head, .. }) = HeadParser::new().parse(input, &self.limits) else {
            panic!("not a whole head");
        };
        let body = BodyReader::new(head.framing, &self.limits).expect("no body");
        let mut exchange = Connection::new().begin(&head, &self.limits);

        let status = StatusCode::OK;
        let mut fields = HeaderMap::new();
        fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        let size = BodySize::Known(TEXT.len() as u64);
        let plan = plan_response(&head.method, head.version, status, &fields, size);
        let kind = ResponseKind::Whole;
        let connection = exchange.respond(status, &fields, &plan, &body, &self.limits, kind);
        self.out.clear();
        ResponseHead {
            status,
            fields: &fields,
            length: plan.field,
            connection,
            keep_alive_seconds: None,
            date: Some(self.dates.at_second(784_111_777)),
            server: Some(&self.name),
            names: NameCase::Title,
        }
        .write_to(&mut self.out);
        let mut writer = BodyWriter::new(&plan);
        writer.frame(TEXT).write_to(&mut self.out);
        writer.finish(None, &mut self.out).expect("exactly as long");
        assert_eq!(exchange.finish(&body, &self.limits), Next::KeepAlive);
    }
}
