//! What functions may return.

use std::io;

use bytes::Bytes;
use eventlet_protocols::gateway::ErrorResponse;
use eventlet_protocols::server::{Body, IntoResponse, RequestBody};
use http::header::{ETAG, LOCATION, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode};

use crate::support::{Reply, Running, on_each_hub};

/// Asks a server that returns this once.
#[track_caller]
fn reply<R: IntoResponse>(value: impl Fn() -> R + 'static) -> Reply {
    let server = Running::new(move |_: Request<RequestBody>| value());
    let mut client = server.connect();
    let reply = client.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    client.expect_end();
    drop(client);
    server.end();
    reply
}

const TEXT: Option<&str> = Some("text/plain; charset=utf-8");

#[test]
fn text_bytes_bodies_and_statuses() {
    on_each_hub(|| {
        let text = reply(|| "grün");
        assert_eq!((text.status, text.field("content-type")), (200, TEXT));
        assert_eq!(text.text(), "grün");
        assert_eq!(reply(|| "a".to_owned()).field("content-type"), TEXT);

        let octets = Some("application/octet-stream");
        assert_eq!(reply(|| vec![0xff]).field("content-type"), octets);
        let bytes = reply(|| Bytes::from_static(&[0xff]));
        assert_eq!(
            (bytes.field("content-type"), &*bytes.body),
            (octets, &[0xff][..])
        );
        let body = reply(|| Body::from("b"));
        assert_eq!((body.field("content-type"), &*body.text()), (None, "b"));

        let teapot = reply(|| StatusCode::IM_A_TEAPOT);
        assert_eq!(
            (teapot.status, &*teapot.text()),
            (418, "418 I'm a teapot\n")
        );
        let nothing = reply(|| StatusCode::NO_CONTENT);
        assert_eq!((nothing.status, nothing.body.len()), (204, 0));
        assert_eq!(nothing.field("content-type"), None);
        let made = reply(|| (StatusCode::CREATED, "made"));
        assert_eq!((made.status, &*made.text()), (201, "made"));
    });
}

#[test]
fn results_answer_by_either_side() {
    on_each_hub(|| {
        let good = reply(|| Ok::<_, io::Error>("good"));
        assert_eq!((good.status, &*good.text()), (200, "good"));
        let bad = reply(|| Err::<&str, _>(io::Error::other("secret")));
        assert_eq!(
            (bad.status, &*bad.text()),
            (500, "500 Internal Server Error\n")
        );
        let either = reply(|| Err::<&str, _>(StatusCode::GONE));
        assert_eq!(either.status, 410);
    });
}

#[test]
fn error_responses_are_what_they_say() {
    on_each_hub(|| {
        let not_found = reply(|| Err::<&str, _>(ErrorResponse::not_found()));
        assert_eq!(
            (not_found.status, &*not_found.text()),
            (404, "404 Not Found\n")
        );
        assert_eq!(not_found.field("content-type"), TEXT);

        let moved = reply(|| {
            let moved = ErrorResponse::new(StatusCode::FOUND);
            Err::<&str, _>(moved.header(LOCATION, HeaderValue::from_static("/there")))
        });
        assert_eq!(
            (moved.status, moved.field("location")),
            (302, Some("/there"))
        );

        let busy = reply(|| {
            ErrorResponse::new(StatusCode::SERVICE_UNAVAILABLE)
                .header(RETRY_AFTER, HeaderValue::from_static("1"))
                .header(RETRY_AFTER, HeaderValue::from_static("2"))
                .explain("come back")
        });
        assert_eq!(busy.field("retry-after"), Some("2"));
        assert_eq!(busy.text(), "503 Service Unavailable: come back\n");

        let own = reply(|| {
            ErrorResponse::new(StatusCode::CONFLICT)
                .header(ETAG, HeaderValue::from_static("\"1\""))
                .body("own")
        });
        assert_eq!((own.status, own.field("content-type")), (409, None));
        assert_eq!((own.field("etag"), &*own.text()), (Some("\"1\""), "own"));

        let allowed = reply(|| ErrorResponse::not_allowed("GET, PUT"));
        assert_eq!(
            (allowed.status, allowed.field("allow")),
            (405, Some("GET, PUT"))
        );
        let failed = reply(|| ErrorResponse::from(io::Error::other("secret")));
        assert_eq!(
            (failed.status, &*failed.text()),
            (500, "500 Internal Server Error\n")
        );
    });
}

#[test]
fn a_response_stays_as_it_is() {
    on_each_hub(|| {
        let whole = reply(|| Response::builder().status(299).body("x").unwrap());
        assert_eq!((whole.status, whole.field("content-type")), (299, None));
    });
}
