//! What the client's errors say, what they stem from, and as which kind a reader of a body has them.

use std::error::Error as _;
use std::io::{self, ErrorKind};

use eventlet_green::ParkError;
use eventlet_protocols::client::{Error, Phase};
use eventlet_protocols::wire::{Refusal, ResponseFault};
use http::StatusCode;

fn reset() -> io::Error {
    io::Error::new(ErrorKind::ConnectionReset, "reset")
}

#[test]
fn each_error_has_its_text_its_cause_and_its_kind() {
    let to = "host:80".to_owned();
    let host = "nowhere".to_owned();
    let status = StatusCode::FORBIDDEN;
    let truncated = ResponseFault::Body(Refusal::BodyTruncated);
    let cases: Vec<(Error, &str, Option<&str>, ErrorKind)> = vec![
        (
            Error::Url("no host".to_owned()),
            "not a URL to go to: no host",
            None,
            ErrorKind::InvalidInput,
        ),
        (
            Error::Request("a field".to_owned()),
            "the request cannot be sent: a field",
            None,
            ErrorKind::InvalidInput,
        ),
        (
            Error::TlsMissing,
            "https needs the feature \"tls\", which this program was built without",
            None,
            ErrorKind::Unsupported,
        ),
        (
            Error::RequestBody(reset()),
            "reading the body to send: reset",
            Some("reset"),
            ErrorKind::ConnectionReset,
        ),
        (
            Error::RequestLength { missing: 7 },
            "the body to send ends 7 bytes before its announced length",
            None,
            ErrorKind::InvalidInput,
        ),
        (
            Error::Wait(ParkError::Closed),
            "waiting for a connection: closed: what this waited for will never come",
            Some("closed: what this waited for will never come"),
            ErrorKind::Other,
        ),
        (
            // The resolver's error names the host.
            Error::Resolve {
                host,
                source: reset(),
            },
            "reset",
            Some("reset"),
            ErrorKind::ConnectionReset,
        ),
        (
            Error::Connect {
                to,
                source: reset(),
            },
            "connecting to host:80: reset",
            Some("reset"),
            ErrorKind::ConnectionReset,
        ),
        (
            Error::Tls(reset()),
            "the TLS handshake failed: reset",
            Some("reset"),
            ErrorKind::ConnectionReset,
        ),
        (
            Error::ProxyRefused { status },
            "the proxy opened no tunnel, but answered 403 Forbidden",
            None,
            ErrorKind::Other,
        ),
        (
            Error::Send(reset()),
            "sending the request: reset",
            Some("reset"),
            ErrorKind::ConnectionReset,
        ),
        (
            Error::Receive(reset()),
            "receiving the response: reset",
            Some("reset"),
            ErrorKind::ConnectionReset,
        ),
        (
            Error::Closed,
            "the server closed the connection without a response",
            None,
            ErrorKind::UnexpectedEof,
        ),
        (
            Error::Response(ResponseFault::NotHttp),
            "not a response to take: it does not begin as HTTP does",
            Some("it does not begin as HTTP does"),
            ErrorKind::InvalidData,
        ),
        (
            Error::Encoding(reset()),
            "the body cannot be decoded: reset",
            Some("reset"),
            ErrorKind::InvalidData,
        ),
        (
            Error::TooManyRedirects { followed: 10 },
            "still a redirect after 10 of them",
            None,
            ErrorKind::Other,
        ),
        (
            Error::RedirectLoop("http://a/".to_owned()),
            "redirects go in a circle, back to http://a/",
            None,
            ErrorKind::Other,
        ),
        (
            Error::RedirectInvalid("no Location".to_owned()),
            "a redirect that leads nowhere: no Location",
            None,
            ErrorKind::Other,
        ),
        (
            Error::TooLarge { limit: 9 },
            "the body is longer than the 9 bytes it may have in memory",
            None,
            ErrorKind::InvalidData,
        ),
    ];
    for (error, text, cause, kind) in cases {
        assert_eq!(error.to_string(), text);
        assert_eq!(
            error.source().map(ToString::to_string).as_deref(),
            cause,
            "{text}"
        );
        assert!(!error.is_timeout() && error.status().is_none(), "{text}");
        let as_io = io::Error::from(error);
        assert_eq!((as_io.kind(), as_io.to_string().as_str()), (kind, text));
        // And back.
        assert_eq!(Error::of_io(as_io).unwrap().to_string(), text);
    }
    let cut_off = io::Error::from(Error::Response(truncated));
    assert_eq!(cut_off.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(Error::of_io(reset()).unwrap_err().to_string(), "reset");
}

#[test]
fn a_time_that_was_over_says_what_for() {
    for (phase, what) in [
        (Phase::Pool, "a free connection to this host"),
        (Phase::Resolve, "looking up the host's name"),
        (Phase::Connect, "connecting"),
        (Phase::Proxy, "the tunnel through the proxy"),
        (Phase::Tls, "the TLS handshake"),
        (Phase::Send, "sending the request"),
        (Phase::Head, "the head of the response"),
        (Phase::Body, "the body of the response"),
        (Phase::Whole, "the whole request"),
    ] {
        let error = Error::Timeout(phase);
        assert_eq!(error.to_string(), format!("the time was over for {what}"));
        assert!(error.is_timeout());
        assert_eq!(io::Error::from(error).kind(), ErrorKind::TimedOut);
    }
}
