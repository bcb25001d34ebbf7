//! Error pages: a status and a line of plain text.

use eventlet_protocols::wire::{
    DateCache, Refusal, error_page, refusal_page, write_error, write_refusal,
};
use http::StatusCode;
use http::header::HeaderValue;

#[test]
fn a_page_is_plain_text() {
    let page = error_page(StatusCode::NOT_FOUND, Some("no such page"));
    assert_eq!(page.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(page.body(), "404 Not Found: no such page\n");
    let odd = StatusCode::from_u16(599).expect("a status");
    assert_eq!(error_page(odd, None).body(), "599\n");
    assert_eq!(error_page(odd, Some("odd")).body(), "599: odd\n");
}

#[test]
fn a_refusal_is_answered_with_its_status_and_reason() {
    let page = refusal_page(Refusal::VersionUnsupported);
    assert_eq!(page.status(), 505);
    let text = "505 HTTP Version Not Supported: this server speaks HTTP/1.1 and HTTP/1.0\n";
    assert_eq!(page.body(), text);
    assert_eq!(
        Refusal::VersionUnsupported.to_string(),
        Refusal::VersionUnsupported.explain()
    );
}

#[test]
fn a_refusal_is_written_whole_and_closes() {
    let mut dates = DateCache::new();
    let server = HeaderValue::from_static("eventlet");
    let mut out = Vec::new();
    let date = dates.at_second(784_111_777);
    let length = write_refusal(Refusal::UriTooLong, Some(date), Some(&server), &mut out);
    let body = "414 URI Too Long: the request target is too long\n";
    assert_eq!(length, body.len());
    assert_eq!(
        String::from_utf8(out).expect("ASCII"),
        format!(
            "HTTP/1.1 414 URI Too Long\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: {}\r\nConnection: close\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
             Server: eventlet\r\n\r\n{body}",
            body.len()
        )
    );
}

#[test]
fn any_status_is_written() {
    let mut out = Vec::new();
    write_error(StatusCode::REQUEST_TIMEOUT, None, None, None, &mut out);
    assert!(out.starts_with(b"HTTP/1.1 408 Request Timeout\r\n"));
    assert!(out.ends_with(b"\r\n\r\n408 Request Timeout\n"));
}
