//! Persistence, `100 Continue` and upgrades (RFC 9112 section 9, RFC 9110 sections 7.8 and 10.1.1).

use eventlet_protocols::wire::{
    BodyAccess, BodyReader, BodySize, CloseReason, Connection, ConnectionField, ConnectionOptions,
    Drain, Exchange, HeadParser, Limits, Next, Parsed, RequestHead, ResponseKind, plan_response,
};
use http::StatusCode;
use http::header::{CONNECTION, HeaderMap, HeaderValue};

/// One exchange, driven by hand.
struct Scene {
    head: RequestHead,
    body: BodyReader,
    exchange: Exchange,
    limits: Limits,
    fields: HeaderMap,
}

impl Scene {
    fn new(start: &str, lines: &str) -> Self {
        let limits = Limits::default();
        let input = format!("{start}\r\nHost: a\r\n{lines}\r\n");
        let parsed = HeadParser::new().parse(input.as_bytes(), &limits);
        let Ok(Parsed::Complete { head, .. }) = parsed else {
            panic!("{input:?}: {parsed:?}");
        };
        let body = BodyReader::new(head.framing, &limits).expect("no limit on the body");
        let exchange = Connection::new().begin(&head, &limits);
        Scene {
            head,
            body,
            exchange,
            limits,
            fields: HeaderMap::new(),
        }
    }

    fn respond(&mut self, status: u16, size: BodySize, kind: ResponseKind) -> ConnectionField {
        let status = StatusCode::from_u16(status).expect("a status");
        let (method, version) = (&self.head.method, self.head.version);
        let plan = plan_response(method, version, status, &self.fields, size);
        self.exchange
            .respond(status, &self.fields, &plan, &self.body, &self.limits, kind)
    }

    fn answer(&mut self) -> ConnectionField {
        self.respond(200, BodySize::Known(2), ResponseKind::Whole)
    }

    fn next(&self) -> Next {
        self.exchange.finish(&self.body, &self.limits)
    }
}

#[test]
fn the_connection_stays_open_or_not_by_version_and_option() {
    use ConnectionField as F;
    let close = |reason| Next::Close(reason);
    let cases = [
        ("GET / HTTP/1.1", "", F::Absent, Next::KeepAlive),
        (
            "GET / HTTP/1.1",
            "Connection: keep-alive\r\n",
            F::Absent,
            Next::KeepAlive,
        ),
        (
            "GET / HTTP/1.1",
            "Connection: Close\r\n",
            F::Close,
            close(CloseReason::ClientAsked),
        ),
        (
            "GET / HTTP/1.1",
            "Connection: x, close\r\n",
            F::Close,
            close(CloseReason::ClientAsked),
        ),
        (
            "GET / HTTP/1.1",
            "Connection: keep-alive\r\nConnection: close\r\n",
            F::Close,
            close(CloseReason::ClientAsked),
        ),
        (
            "GET / HTTP/1.1",
            "Connection: closed\r\n",
            F::Absent,
            Next::KeepAlive,
        ),
        (
            "GET / HTTP/1.0",
            "",
            F::Close,
            close(CloseReason::OldClient),
        ),
        (
            "GET / HTTP/1.0",
            "Connection: Keep-Alive\r\n",
            F::KeepAlive,
            Next::KeepAlive,
        ),
        (
            "GET / HTTP/1.0",
            "Connection: keep-alive, close\r\n",
            F::Close,
            close(CloseReason::ClientAsked),
        ),
        (
            "GET / HTTP/1.0",
            "Proxy-Connection: keep-alive\r\n",
            F::Close,
            close(CloseReason::OldClient),
        ),
    ];
    for (start, lines, field, next) in cases {
        let mut scene = Scene::new(start, lines);
        assert_eq!(scene.answer(), field, "{start} {lines:?}");
        assert_eq!(scene.next(), next, "{start} {lines:?}");
    }
}

#[test]
fn the_handler_may_ask_for_the_end() {
    let mut scene = Scene::new("GET / HTTP/1.1", "");
    scene
        .fields
        .insert(CONNECTION, HeaderValue::from_static("close"));
    assert_eq!(scene.answer(), ConnectionField::Close);
    assert_eq!(scene.next(), Next::Close(CloseReason::HandlerAsked));
    let mut scene = Scene::new("GET / HTTP/1.1", "");
    scene
        .fields
        .insert(CONNECTION, HeaderValue::from_static("keep-alive"));
    assert_eq!(scene.answer(), ConnectionField::Absent);
}

#[test]
fn a_response_of_unknown_length_to_1_0_closes() {
    let mut scene = Scene::new("GET / HTTP/1.0", "Connection: keep-alive\r\n");
    let field = scene.respond(200, BodySize::Unknown, ResponseKind::Streaming);
    assert_eq!(field, ConnectionField::Close);
    assert_eq!(scene.next(), Next::Close(CloseReason::DelimitedByClose));
    let mut head = Scene::new("HEAD / HTTP/1.0", "Connection: keep-alive\r\n");
    let field = head.respond(200, BodySize::Unknown, ResponseKind::Streaming);
    assert_eq!(field, ConnectionField::KeepAlive, "no body, no need");
}

#[test]
fn the_first_reason_to_close_stays() {
    let mut scene = Scene::new("GET / HTTP/1.1", "");
    assert_eq!(scene.exchange.close_reason(), None);
    scene.exchange.close(CloseReason::Shutdown);
    scene.exchange.close(CloseReason::HandlerFailed);
    assert_eq!(scene.answer(), ConnectionField::Close);
    assert_eq!(scene.next(), Next::Close(CloseReason::Shutdown));
}

#[test]
fn a_close_after_the_head_still_closes() {
    let mut scene = Scene::new("GET / HTTP/1.1", "");
    assert_eq!(scene.answer(), ConnectionField::Absent);
    scene.exchange.close(CloseReason::ResponseTooShort);
    assert_eq!(scene.next(), Next::Close(CloseReason::ResponseTooShort));
}

#[test]
fn continue_is_sent_once_when_the_body_is_wanted() {
    let mut scene = Scene::new(
        "PUT / HTTP/1.1",
        "Content-Length: 3\r\nExpect: 100-continue\r\n",
    );
    assert!(scene.exchange.is_awaiting_continue());
    assert_eq!(scene.exchange.before_body_read(0), BodyAccess::SendContinue);
    assert_eq!(scene.exchange.before_body_read(0), BodyAccess::Ready);
    scene.body.read(b"abc").expect("data");
    assert_eq!(scene.answer(), ConnectionField::Absent);
    assert_eq!(scene.next(), Next::KeepAlive);
}

#[test]
fn continue_is_not_sent_to_a_client_that_began_to_send() {
    let mut scene = Scene::new(
        "PUT / HTTP/1.1",
        "Content-Length: 3\r\nExpect: 100-continue\r\n",
    );
    assert_eq!(scene.exchange.before_body_read(1), BodyAccess::Ready);
    assert_eq!(scene.exchange.before_body_read(0), BodyAccess::Ready);
}

#[test]
fn continue_is_never_sent_after_the_response_began() {
    let mut scene = Scene::new(
        "PUT / HTTP/1.1",
        "Content-Length: 3\r\nExpect: 100-continue\r\n",
    );
    let field = scene.respond(200, BodySize::Unknown, ResponseKind::Streaming);
    assert_eq!(field, ConnectionField::Close);
    assert!(scene.exchange.has_responded());
    assert_eq!(scene.exchange.before_body_read(0), BodyAccess::Withheld);
    assert_eq!(scene.next(), Next::Close(CloseReason::ExpectedBodyUnread));
}

#[test]
fn each_reason_to_close_has_a_text_of_its_own() {
    let reasons = [
        CloseReason::ClientAsked,
        CloseReason::OldClient,
        CloseReason::ClientGone,
        CloseReason::ClientAborted,
        CloseReason::HandlerAsked,
        CloseReason::HandlerFailed,
        CloseReason::DelimitedByClose,
        CloseReason::ResponseTooShort,
        CloseReason::RequestRefused,
        CloseReason::BodyUnread,
        CloseReason::ExpectedBodyUnread,
        CloseReason::RequestLimit,
        CloseReason::Shutdown,
        CloseReason::IdleTimeout,
        CloseReason::ExchangeTimeout,
        CloseReason::Upgraded,
    ];
    let texts: std::collections::BTreeSet<_> =
        reasons.into_iter().map(CloseReason::explain).collect();
    assert_eq!(texts.len(), reasons.len());
    for text in texts {
        // A part of a line of a log.
        assert!(
            text.starts_with(char::is_alphabetic) && !text.ends_with('.'),
            "{text}"
        );
        assert!(text.contains(' ') && !text.contains('\n'), "{text}");
    }
    assert_eq!(CloseReason::Shutdown.explain(), "the server is stopping");
}

#[test]
fn an_expected_body_that_was_not_asked_for_closes_however_short() {
    let mut scene = Scene::new(
        "PUT / HTTP/1.1",
        "Content-Length: 1\r\nExpect: 100-continue\r\n",
    );
    assert_eq!(
        scene.respond(417, BodySize::Known(0), ResponseKind::Whole),
        ConnectionField::Close
    );
    assert_eq!(scene.next(), Next::Close(CloseReason::ExpectedBodyUnread));
}

#[test]
fn a_short_unread_body_is_drained_and_a_long_one_closes() {
    let mut short = Scene::new("PUT / HTTP/1.1", "Content-Length: 3\r\n");
    assert_eq!(short.exchange.before_body_read(0), BodyAccess::Ready);
    assert_eq!(short.answer(), ConnectionField::Absent);
    let drain = Drain::new(&short.body, &short.limits).expect("short");
    assert_eq!(short.next(), Next::Drain(drain));

    let mut long = Scene::new("PUT / HTTP/1.1", "Content-Length: 100000000\r\n");
    assert_eq!(long.answer(), ConnectionField::Close);
    assert_eq!(long.next(), Next::Close(CloseReason::BodyUnread));
}

#[test]
fn a_handler_that_streams_may_still_read_a_long_body() {
    let mut echo = Scene::new("PUT / HTTP/1.1", "Content-Length: 100000000\r\n");
    let field = echo.respond(200, BodySize::Unknown, ResponseKind::Streaming);
    assert_eq!(field, ConnectionField::Absent);
    echo.body.skip_data(100_000_000).expect("all of it");
    assert_eq!(echo.next(), Next::KeepAlive);
}

#[test]
fn an_upgrade_hands_the_connection_over() {
    let lines = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    let mut scene = Scene::new("GET / HTTP/1.1", lines);
    let field = scene.respond(101, BodySize::Known(0), ResponseKind::Whole);
    assert_eq!(
        (field, scene.next()),
        (ConnectionField::Upgrade, Next::Upgraded)
    );
    // A handler that does not take it up answers as ever.
    let mut scene = Scene::new("GET / HTTP/1.1", lines);
    assert_eq!(
        (scene.answer(), scene.next()),
        (ConnectionField::Absent, Next::KeepAlive)
    );
}

#[test]
fn an_interim_status_ends_no_exchange() {
    let plain = Scene::new("GET / HTTP/1.1", "").exchange;
    let lines = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    let offered = Scene::new("GET / HTTP/1.1", lines).exchange;
    assert!(!plain.may_end_with(StatusCode::CONTINUE));
    assert!(!plain.may_end_with(StatusCode::SWITCHING_PROTOCOLS));
    assert!(plain.may_end_with(StatusCode::OK));
    assert!(offered.may_end_with(StatusCode::SWITCHING_PROTOCOLS));
    assert!(!offered.may_end_with(StatusCode::PROCESSING));
}

#[test]
fn connect_becomes_a_tunnel_on_success_only() {
    let mut scene = Scene::new("CONNECT a:1 HTTP/1.1", "");
    assert_eq!(
        (scene.answer(), scene.next()),
        (ConnectionField::Absent, Next::Upgraded)
    );
    let mut scene = Scene::new("CONNECT a:1 HTTP/1.1", "");
    let field = scene.respond(405, BodySize::Known(0), ResponseKind::Whole);
    assert_eq!(
        (field, scene.next()),
        (ConnectionField::Absent, Next::KeepAlive)
    );
}

#[test]
fn requests_are_counted() {
    let limits = Limits::default();
    let scene = Scene::new("GET / HTTP/1.1", "");
    let mut connection = Connection::new();
    connection.begin(&scene.head, &limits);
    connection.begin(&scene.head, &limits);
    assert_eq!(connection.served(), 2);
}

#[test]
fn options_are_whole_members_of_the_list() {
    let read = |value: &[u8]| {
        let mut options = ConnectionOptions::default();
        options.read(value);
        (
            options.has_close(),
            options.has_keep_alive(),
            options.has_upgrade(),
        )
    };
    assert_eq!(read(b" CLOSE ,, keep-alive\t,UPGRADE"), (true, true, true));
    assert_eq!(read(b"close keep-alive"), (false, false, false));
    assert_eq!(read(b"\"close\""), (false, false, false));
}
