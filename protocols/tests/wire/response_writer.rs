//! Heads of responses: what of the handler's fields goes out, and what is ours.

use std::time::{Duration, UNIX_EPOCH};

use eventlet_protocols::wire::{
    CONTINUE, ConnectionField, DateText, LengthField, NameCase, ResponseHead, reason_phrase,
    write_interim,
};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in pairs {
        fields.append(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    fields
}

fn head(fields: &HeaderMap) -> ResponseHead<'_> {
    ResponseHead {
        status: StatusCode::OK,
        fields,
        length: LengthField::Absent,
        connection: ConnectionField::Absent,
        keep_alive_seconds: None,
        date: None,
        server: None,
        names: NameCase::Title,
    }
}

fn write(head: &ResponseHead<'_>) -> String {
    let mut out = Vec::new();
    head.write_to(&mut out);
    String::from_utf8(out).expect("ASCII")
}

#[test]
fn names_are_written_in_the_case_chosen() {
    let fields = fields(&[("x-a-bc", "v"), ("etag", "e"), ("x--y", "z")]);
    let mut head = head(&fields);
    head.length = LengthField::Chunked;
    head.connection = ConnectionField::Close;
    let title = write(&head);
    for line in [
        "X-A-Bc: v\r\n",
        "Etag: e\r\n",
        "X--Y: z\r\n",
        "Transfer-Encoding: chunked\r\n",
    ] {
        assert!(title.contains(line), "{title}");
    }
    head.names = NameCase::Lower;
    assert_eq!(
        write(&head),
        title
            .to_ascii_lowercase()
            .replace("http/1.1 200 ok", "HTTP/1.1 200 OK")
    );
}

#[test]
fn fields_that_rule_the_connection_are_ours() {
    let fields = fields(&[
        ("content-length", "99"),
        ("transfer-encoding", "gzip"),
        ("connection", "keep-alive, x-hop"),
        ("keep-alive", "timeout=9"),
        ("proxy-connection", "keep-alive"),
        ("te", "trailers"),
        ("upgrade", "h2c"),
        ("x-mine", "1"),
    ]);
    let mut head = head(&fields);
    head.length = LengthField::ContentLength(3);
    assert_eq!(
        write(&head),
        "HTTP/1.1 200 OK\r\nX-Mine: 1\r\nContent-Length: 3\r\n\r\n"
    );
    head.length = LengthField::Chunked;
    assert_eq!(
        write(&head),
        "HTTP/1.1 200 OK\r\nX-Mine: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    head.length = LengthField::Absent;
    assert_eq!(write(&head), "HTTP/1.1 200 OK\r\nX-Mine: 1\r\n\r\n");
}

#[test]
fn upgrade_goes_out_with_an_upgrade_and_with_426() {
    let fields = fields(&[("upgrade", "websocket")]);
    let mut switching = head(&fields);
    switching.status = StatusCode::SWITCHING_PROTOCOLS;
    switching.connection = ConnectionField::Upgrade;
    assert_eq!(
        write(&switching),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
    );
    let mut required = head(&fields);
    required.status = StatusCode::UPGRADE_REQUIRED;
    assert!(write(&required).contains("Upgrade: websocket\r\n"));
}

#[test]
fn date_and_server_are_written_once() {
    let date = DateText::new(UNIX_EPOCH + Duration::from_secs(784_111_777));
    let server = HeaderValue::from_static("ours");
    let none = HeaderMap::new();
    let mut ours = head(&none);
    ours.date = Some(&date);
    ours.server = Some(&server);
    assert_eq!(
        write(&ours),
        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: ours\r\n\r\n"
    );
    let theirs = fields(&[("date", "then"), ("server", "theirs")]);
    ours.fields = &theirs;
    assert_eq!(
        write(&ours),
        "HTTP/1.1 200 OK\r\nDate: then\r\nServer: theirs\r\n\r\n"
    );
}

#[test]
fn fields_that_repeat_are_all_written() {
    let fields = fields(&[("set-cookie", "a=1"), ("set-cookie", "b=2")]);
    let text = write(&head(&fields));
    assert!(
        text.contains("Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"),
        "{text}"
    );
}

#[test]
fn keep_alive_is_announced_to_old_clients() {
    let none = HeaderMap::new();
    let mut head = head(&none);
    head.connection = ConnectionField::KeepAlive;
    assert_eq!(
        write(&head),
        "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n"
    );
    head.keep_alive_seconds = Some(5);
    assert!(write(&head).contains("Keep-Alive: timeout=5\r\n"));
    head.connection = ConnectionField::Close;
    assert!(!write(&head).contains("Keep-Alive"));
}

#[test]
fn status_lines_have_their_phrase_or_none() {
    let none = HeaderMap::new();
    let line = |status: u16| {
        let mut head = head(&none);
        head.status = StatusCode::from_u16(status).expect("a status");
        write(&head).lines().next().map(str::to_owned)
    };
    assert_eq!(line(404).as_deref(), Some("HTTP/1.1 404 Not Found"));
    assert_eq!(line(413).as_deref(), Some("HTTP/1.1 413 Content Too Large"));
    let line_of_422 = "HTTP/1.1 422 Unprocessable Content";
    assert_eq!(line(422).as_deref(), Some(line_of_422));
    assert_eq!(line(299).as_deref(), Some("HTTP/1.1 299 "));
    assert_eq!(reason_phrase(StatusCode::IM_A_TEAPOT), "I'm a teapot");
}

#[test]
fn no_value_can_hold_a_line_end() {
    for value in ["a\r\nX: y", "a\nb", "a\rb", "a\0b"] {
        assert!(HeaderValue::from_str(value).is_err(), "{value:?}");
        assert!(
            HeaderValue::from_bytes(value.as_bytes()).is_err(),
            "{value:?}"
        );
    }
}

#[test]
fn interim_responses_are_bare() {
    assert_eq!(CONTINUE, b"HTTP/1.1 100 Continue\r\n\r\n");
    let hints = Response::builder()
        .status(103)
        .header("link", "</a>")
        .header("content-length", "5")
        .body(())
        .expect("well-formed");
    let mut out = Vec::new();
    write_interim(&hints, &mut out);
    assert_eq!(out, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
}

#[test]
#[should_panic(expected = "is not an interim response")]
fn a_final_status_is_no_interim_response() {
    write_interim(&Response::new(()), &mut Vec::new());
}
