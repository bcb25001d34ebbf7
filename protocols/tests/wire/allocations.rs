//! How many allocations a request and its response take.

use std::hint::black_box;

use eventlet_protocols::wire::{
    BodyReader, BodySize, BodyWriter, Connection, DateCache, HeadParser, Limits, NameCase, Next,
    Parsed, ResponseHead, ResponseKind, plan_response,
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

#[test]
fn a_request_takes_few_allocations() {
    // The copy of the head, its reference count once it is shared, and the two tables of the map.
    const PARSE: u64 = 4;
    // The table of the handler's fields (two), nothing of ours.
    const ANSWER: u64 = 2;
    for input in [ONE_FIELD, EIGHT_FIELDS] {
        let mut server = Server::new();
        server.out.reserve(1024);
        let parsed = allocation_counter::measure(|| {
            black_box(parse(input, &server.limits));
        });
        assert!(parsed.count_total <= PARSE, "parse: {parsed:?}");
        let all = allocation_counter::measure(|| server.exchange(input));
        assert!(all.count_total <= PARSE + ANSWER, "exchange: {all:?}");
        println!(
            "{} bytes: parse {} allocations, {} bytes; exchange {} allocations",
            input.len(),
            parsed.count_total,
            parsed.bytes_total,
            all.count_total
        );
    }
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
    out: Vec<u8>,
}

impl Server {
    fn new() -> Self {
        Server {
            limits: Limits::default(),
            dates: DateCache::new(),
            name: HeaderValue::from_static("eventlet"),
            out: Vec::new(),
        }
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
