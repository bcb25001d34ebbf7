//! Statuses as errors: which, and what they carry.

use eventlet_protocols::client::{Agent, Error, StatusError};
use http::{Method, StatusCode};

use crate::support::{Peer, agent_with, on_each_hub};

fn answer(status: u16, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} Whatever\r\nX-One: 1\r\nContent-Length: {length}\r\n\r\n{body}")
}

#[track_caller]
fn status_error(outcome: Result<impl std::fmt::Debug, Error>) -> Box<StatusError> {
    match outcome {
        Err(Error::Status(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_status_that_is_no_success_is_an_error_with_the_response() {
    on_each_hub(|| {
        for status in [
            300, 304, 400, 401, 403, 404, 408, 410, 411, 413, 414, 415, 416, 417, 429, 500, 501,
            503, 504, 505, 599,
        ] {
            let body = if status == 304 { "" } else { "why" };
            let text = match status {
                304 => "HTTP/1.1 304 Not Modified\r\nX-One: 1\r\n\r\n".to_owned(),
                _ => answer(status, body),
            };
            let peer = Peer::answering(text);
            let agent = Agent::new();
            let error = status_error(agent.get(&peer.url("/a?b")));
            assert_eq!(error.status(), StatusCode::from_u16(status).unwrap());
            assert_eq!(
                (error.headers()["x-one"].as_bytes(), &error.body()[..]),
                (&b"1"[..], body.as_bytes())
            );
            assert_eq!(
                (error.method(), error.uri().to_string()),
                (&Method::GET, peer.url("/a?b"))
            );
            assert!(!error.is_body_cut());
            assert_eq!(Error::Status(error).status().unwrap(), status);
            assert_eq!(
                agent.status().idle,
                1,
                "the connection is as good as before"
            );
        }
    });
}

#[test]
fn success_is_2xx_or_what_is_asked_for() {
    on_each_hub(|| {
        for status in [200, 201, 202, 203, 206, 299] {
            let peer = Peer::answering(answer(status, "fine"));
            assert_eq!(
                Agent::new().get(&peer.url("/")).unwrap(),
                "fine",
                "{status}"
            );
        }
        let agent = Agent::new();
        let peer = Peer::answering(answer(404, "not yet"));
        let call = || agent.call(Method::GET, &peer.url("/"));
        let response = call().ok([200, 404]).fetch().unwrap();
        assert_eq!(
            (response.status(), &response.body()[..]),
            (StatusCode::NOT_FOUND, &b"not yet"[..])
        );
        status_error(call().ok([200]).fetch());
        let accepted = Peer::answering(answer(202, ""));
        status_error(
            agent
                .call(Method::GET, &accepted.url("/"))
                .ok([200, 201, 204])
                .fetch(),
        );
    });
}

/// What a person reads: the question, the status, the beginning of the body, on one line.
#[test]
fn the_message_shows_the_body() {
    on_each_hub(|| {
        let peer = Peer::answering(answer(500, "a stack\ntrace\x1b[31m\n"));
        let error = Agent::new().post(&peer.url("/p"), "x").unwrap_err();
        let expected = format!(
            "POST {}: 500 Internal Server Error: a stack\\ntrace\\u{{1b}}[31m",
            peer.url("/p")
        );
        assert_eq!(error.to_string(), expected);
        assert!(format!("{error:?}").contains("a stack"));
        let peer = Peer::answering(answer(599, ""));
        let error = Agent::new().get(&peer.url("/")).unwrap_err();
        assert!(error.to_string().ends_with(": 599"), "{error}");
        let peer = Peer::answering(answer(404, &"x".repeat(1000)));
        let error = Agent::new().get(&peer.url("/")).unwrap_err().to_string();
        assert!(error.ends_with("xxx…") && error.len() < 400, "{error}");
    });
}

#[test]
fn so_much_of_the_body_is_kept() {
    on_each_hub(|| {
        let agent = agent_with(|config| config.error_body = 5);
        for (body, kept, is_cut) in [("12345", "12345", false), ("123456", "12345", true)] {
            let peer = Peer::answering(answer(400, body));
            let error = status_error(agent.get(&peer.url("/")));
            assert_eq!(
                (&error.body()[..], error.is_body_cut()),
                (kept.as_bytes(), is_cut)
            );
        }
    });
}

/// The status is what counts, also when its page does not come to its end.
#[test]
fn a_page_that_is_cut_off_does_not_hide_the_status() {
    on_each_hub(|| {
        let peer = Peer::answering_once("HTTP/1.1 503 X\r\nContent-Length: 100\r\n\r\npart");
        let error = status_error(Agent::new().get(&peer.url("/")));
        assert_eq!(error.status(), 503);
        assert!(error.is_body_cut());
    });
}
