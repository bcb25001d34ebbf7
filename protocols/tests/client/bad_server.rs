//! What a server can do wrong, and what the client says to each. After every one of them the
//! connection is closed and the pool is as it was.
//!
//! | what the server does | source | what comes of it |
//! |---|---|---|
//! | closes without a byte | RFC 9112, 8 | `Closed` |
//! | resets without a byte, or within a response | | `Receive` |
//! | ends within the head | RFC 9112, 8 | `Response(HeadTruncated)` |
//! | ends within a body of known length | RFC 9112, 6.3, 8 | `Response(Body(BodyTruncated))` |
//! | ends within chunks, or before the last of them | RFC 9112, 7.1, 8 | `Response(Body(BodyTruncated))` |
//! | sends garbage, another protocol, HTTP/0.9, HTTP/2 | RFC 9112, 2.3, 4 | `Response(NotHttp)`, `Response(VersionUnsupported)` |
//! | sends a status that is none | RFC 9110, 15 | `Response(StatusInvalid)` |
//! | malformed fields, control characters, bare LF | RFC 9112, 2.2, 5 | `Response(Head(…))` |
//! | two lengths, a length that is none, length and coding | RFC 9112, 6.1, 6.3 | `Response(Length…)` |
//! | a coding nobody asked for | RFC 9112, 6.1, 7.4 | `Response(CodingUnknown)` |
//! | malformed chunks | RFC 9112, 7.1 | `Response(Body(…))` |
//! | a head without end: fields, one field, interim responses | RFC 9110, 15.2 | `Response(Head(…))`, `Response(InterimsTooMany)` |
//! | changes the protocol unasked | RFC 9110, 15.2.2 | `Response(UpgradeUnasked)` |
//! | a body after HEAD, 204, 304 | RFC 9112, 6.3 | the response is fine; the connection is not used again |
//! | data after a response, at once or later | RFC 9112, 6.3, 9.2 | the same |
//! | answers before it is asked | RFC 9112, 9.2 | the connection is not used |
//! | a body longer than may be held | | `TooLarge` |
//! | sends a byte at a time, for ever | | `Timeout(Head)`, `Timeout(Whole)`: see `times` |
//! | answers while the request is being sent | RFC 9112, 9.3 | the answer, see `bodies` |

use std::io::Read;

use eventlet_green::spawn;
use eventlet_protocols::client::{Agent, Error};
use eventlet_protocols::wire::{Refusal, ResponseFault};
use http::Method;

use crate::support::{
    Peer, agent_with, assert_empty, assert_unused, ok, on_each_hub, pause, until,
};

/// What a request to a server comes to that answers so and closes; and nothing is left of it.
#[track_caller]
fn error_of(answer: &str) -> Error {
    let peer = Peer::answering_once(String::from(answer));
    let agent = Agent::new();
    let error = match agent.get(&peer.url("/")) {
        Err(error) => error,
        Ok(body) => panic!("{answer:?} was taken: {body:?}"),
    };
    assert_empty(&agent);
    until(|| peer.open() == 0);
    error
}

#[track_caller]
fn fault_of(answer: &str) -> ResponseFault {
    match error_of(answer) {
        Error::Response(fault) => fault,
        other => panic!("{answer:?}: {other:?}"),
    }
}

#[test]
fn closing_without_a_byte() {
    on_each_hub(|| assert!(matches!(error_of(""), Error::Closed)));
}

#[test]
fn resetting() {
    on_each_hub(|| {
        for part in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
        ] {
            let peer = Peer::new(move |talk, _| {
                talk.request();
                talk.send(part);
                // Until it has been read: a reset overtakes what is on its way.
                pause();
                talk.reset();
            });
            let agent = Agent::new();
            let error = agent.get(&peer.url("/")).unwrap_err();
            assert!(matches!(error, Error::Receive(_)), "{part:?}: {error:?}");
            assert!(!error.is_timeout());
            assert_empty(&agent);
        }
    });
}

#[test]
fn ending_within_the_head() {
    on_each_hub(|| {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        for cut in 1..head.len() {
            let fault = fault_of(&head[..cut]);
            assert_eq!(fault, ResponseFault::HeadTruncated, "cut at {cut}");
        }
        let interim = fault_of("HTTP/1.1 103 Early Hints\r\n\r\n");
        assert_eq!(interim, ResponseFault::HeadTruncated);
    });
}

#[test]
fn ending_within_the_body() {
    on_each_hub(|| {
        let truncated = ResponseFault::Body(Refusal::BodyTruncated);
        for (head, body) in [
            ("Content-Length: 5", "hello"),
            (
                "Transfer-Encoding: chunked",
                "5\r\nhello\r\n0\r\nEtag: x\r\n\r\n",
            ),
        ] {
            for cut in 0..body.len() {
                let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{}", &body[..cut]);
                assert_eq!(fault_of(&answer), truncated, "{head}, cut at {cut}");
            }
        }
    });
}

/// What came before the cut is given, and then the error: also for those who read piece by piece.
#[test]
fn a_reader_is_told_that_a_body_is_cut_off() {
    on_each_hub(|| {
        let peer = Peer::answering_once("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
        let agent = Agent::new();
        let mut body = agent
            .call(Method::GET, &peer.url("/"))
            .send()
            .unwrap()
            .into_body();
        let mut text = String::new();
        let error = body.read_to_string(&mut text).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
        let error = Error::of_io(error).unwrap();
        assert!(matches!(error, Error::Response(fault) if fault.is_truncation()));
        let again = body.read(&mut [0]).unwrap_err();
        assert_eq!(again.kind(), std::io::ErrorKind::NotConnected);
        assert_empty(&agent);
    });
}

#[test]
fn garbage() {
    on_each_hub(|| {
        use ResponseFault as F;
        for (answer, expected) in [
            ("SSH-2.0-OpenSSH_9.2\r\n", F::NotHttp),
            ("220 mail.example ESMTP\r\n", F::NotHttp),
            ("<html>hello</html>", F::NotHttp),
            ("\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", F::NotHttp),
            ("\x16\x03\x01\x02", F::NotHttp),
            ("HTTP/2.0 200 OK\r\n\r\n", F::VersionUnsupported),
            ("HTTP/1.1 000 X\r\n\r\n", F::StatusInvalid),
            ("HTTP/1.1 999 X\r\n\r\n", F::StatusInvalid),
            ("HTTP/1.1 abc\r\n\r\n", F::StatusInvalid),
            ("HTTP/1.1 200 OK\nA: b\n\n", F::Head(Refusal::BareLineFeed)),
            (
                "HTTP/1.1 200 OK\r\nA b\r\n\r\n",
                F::Head(Refusal::FieldNameSpaced),
            ),
            (
                "HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n",
                F::Head(Refusal::FieldValueInvalid),
            ),
            (
                "HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n",
                F::Head(Refusal::BareCarriageReturn),
            ),
        ] {
            assert_eq!(fault_of(answer), expected, "{answer:?}");
        }
    });
}

#[test]
fn lengths_that_contradict() {
    on_each_hub(|| {
        use ResponseFault as F;
        for (lines, expected) in [
            ("Content-Length: 5\r\nContent-Length: 6", F::LengthsDiffer),
            ("Content-Length: five", F::LengthInvalid),
            ("Content-Length: -1", F::LengthInvalid),
            (
                "Content-Length: 5\r\nTransfer-Encoding: chunked",
                F::LengthAndCoding,
            ),
            ("Transfer-Encoding: gzip, chunked", F::CodingUnknown),
        ] {
            let answer = format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
            assert_eq!(fault_of(&answer), expected, "{lines}");
        }
        let old = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        assert_eq!(fault_of(old), F::CodingInOldVersion);
    });
}

#[test]
fn malformed_chunks() {
    on_each_hub(|| {
        use Refusal as R;
        for (chunks, expected) in [
            ("five\r\nhello\r\n0\r\n\r\n", R::ChunkSizeInvalid),
            ("-5\r\nhello\r\n0\r\n\r\n", R::ChunkSizeInvalid),
            ("11111111111111111\r\n", R::ChunkSizeInvalid),
            ("5\nhello\r\n0\r\n\r\n", R::ChunkLineInvalid),
            ("5\r\nhello!\r\n0\r\n\r\n", R::ChunkEndMissing),
            ("0\r\nno colon\r\n\r\n", R::TrailerInvalid),
        ] {
            let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
            assert_eq!(
                fault_of(&answer),
                ResponseFault::Body(expected),
                "{chunks:?}"
            );
        }
    });
}

#[test]
fn a_head_without_end() {
    on_each_hub(|| {
        for (endless, expected) in [
            ("A: b\r\n", ResponseFault::Head(Refusal::FieldsTooMany)),
            (
                "xxxxxxxxxxxxxxxx",
                ResponseFault::Head(Refusal::FieldTooLarge),
            ),
            (
                "\r\nHTTP/1.1 102 Processing\r\n",
                ResponseFault::InterimsTooMany,
            ),
        ] {
            let peer = Peer::new(move |talk, _| {
                talk.request();
                talk.send("HTTP/1.1 102 Processing\r\n");
                // Until the client has had enough.
                let piece = endless.repeat(100);
                while std::io::Write::write_all(&mut talk.stream, piece.as_bytes()).is_ok() {}
            });
            let agent = Agent::new();
            let error = agent.get(&peer.url("/")).unwrap_err();
            assert!(
                matches!(error, Error::Response(fault) if fault == expected),
                "{error:?}"
            );
            assert_empty(&agent);
        }
    });
}

/// At the limit they are passed over, one past it they are too many.
#[test]
fn interim_responses_are_counted() {
    on_each_hub(|| {
        let with = |count: usize| {
            let interims = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(count);
            format!("{interims}{}", ok("final"))
        };
        let peer = Peer::answering(with(16));
        let agent = Agent::new();
        assert_eq!(agent.get(&peer.url("/")).unwrap(), "final");
        assert_eq!(agent.get(&peer.url("/")).unwrap(), "final");
        assert_eq!(peer.accepted(), 1);
        assert_eq!(fault_of(&with(17)), ResponseFault::InterimsTooMany);
    });
}

#[test]
fn a_change_of_protocol_that_nobody_asked_for() {
    on_each_hub(|| {
        let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\n\r\nhello";
        assert_eq!(fault_of(answer), ResponseFault::UpgradeUnasked);
    });
}

/// Answers first with `bad`, on later connections properly; a connection is used once only.
#[track_caller]
fn assert_not_used_again(method: Method, bad: &'static str) {
    let peer = Peer::new(move |talk, number| {
        while talk.request().is_some() {
            talk.send(if number == 0 {
                bad.to_owned()
            } else {
                ok("good")
            });
        }
    });
    let agent = Agent::new();
    let response = agent.call(method, &peer.url("/")).send().unwrap();
    let _ = response.into_body().into_bytes().unwrap();
    assert_unused(&agent);
    assert_eq!(agent.get(&peer.url("/")).unwrap(), "good", "{bad:?}");
    assert_eq!(peer.accepted(), 2, "{bad:?}");
}

#[test]
fn a_body_where_there_is_none() {
    on_each_hub(|| {
        let evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
        assert_not_used_again(Method::HEAD, evil);
        let evil = "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil";
        assert_not_used_again(Method::GET, evil);
        let evil =
            "HTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
        assert_not_used_again(Method::GET, evil);
    });
}

#[test]
fn data_after_the_response() {
    on_each_hub(|| {
        let evil = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\nevil";
        assert_not_used_again(Method::GET, evil);
        let evil = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\r\n";
        assert_not_used_again(Method::GET, evil);
    });
}

/// A response that comes while the connection idles belongs to no request.
#[test]
fn data_that_comes_later() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, number| {
            talk.request();
            talk.send(ok("first"));
            if number == 0 {
                pause();
                talk.send(ok("evil"));
                talk.rest();
            }
        });
        let agent = Agent::new();
        assert_eq!(agent.get(&peer.url("/")).unwrap(), "first");
        assert_eq!(agent.status().idle, 1);
        pause();
        assert_eq!(agent.get(&peer.url("/")).unwrap(), "first");
        assert_eq!(peer.accepted(), 2);
    });
}

#[test]
fn a_body_that_is_too_long_for_memory() {
    on_each_hub(|| {
        let agent = agent_with(|config| config.in_memory = 5);
        let get = |answer: String| {
            let peer = Peer::answering_once(answer);
            agent.get(&peer.url("/"))
        };
        let chunked = |body: &str| {
            let length = body.len();
            format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length}\r\n{body}\r\n0\r\n\r\n"
            )
        };
        let until_close = |body: &str| format!("HTTP/1.1 200 OK\r\n\r\n{body}");
        for answer in [ok("12345"), chunked("12345"), until_close("12345")] {
            assert_eq!(get(answer).unwrap(), "12345");
        }
        for answer in [ok("123456"), chunked("123456"), until_close("123456")] {
            let error = get(answer).unwrap_err();
            assert!(matches!(error, Error::TooLarge { limit: 5 }), "{error:?}");
        }
        agent.close_idle();
        assert_empty(&agent);
    });
}

/// A server that lies about a length of petabytes gets no memory at its word.
#[test]
fn a_length_beyond_all_memory() {
    on_each_hub(|| {
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\nx", u64::MAX);
        assert!(matches!(
            fault_of(&answer),
            ResponseFault::Body(Refusal::BodyTruncated)
        ));
    });
}

/// One bad connection takes no other with it.
#[test]
fn a_bad_answer_disturbs_no_other_request() {
    on_each_hub(|| {
        let peer = Peer::new(|talk, number| {
            talk.request();
            match number % 3 {
                0 => talk.send("garbage"),
                1 => talk.reset(),
                _ => talk.send(ok("fine")),
            }
        });
        let agent = Agent::new();
        let asking: Vec<_> = (0..30)
            .map(|_| {
                let (agent, url) = (agent.clone(), peer.url("/"));
                spawn(move || agent.get(&url).is_ok_and(|body| body == "fine"))
            })
            .collect();
        let fine = asking
            .into_iter()
            .filter(|_| true)
            .map(|one| one.join().unwrap());
        assert_eq!(fine.filter(|&is_fine| is_fine).count(), 10);
        assert_unused(&agent);
    });
}
