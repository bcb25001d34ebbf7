//! Responses that come cut at every byte, over a connection.

use eventlet_protocols::client::Agent;
use http::Method;

use crate::support::{Peer, on_each_hub, pause};

const ANSWERS: [&str; 5] = [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nhe\r\n3\r\nllo\r\n0\r\nX-T: 1\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nFolded: a\r\n b\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
];

#[test]
fn at_each_byte() {
    on_each_hub(|| {
        for answer in ANSWERS {
            let peer = Peer::new(move |talk, _| {
                while let Some(head) = talk.head() {
                    let cut = head.split(' ').nth(1).unwrap()[1..].parse().unwrap();
                    talk.send(&answer[..cut]);
                    pause();
                    talk.send(&answer[cut..]);
                    if answer.contains("close") {
                        return;
                    }
                }
            });
            let agent = Agent::new();
            for cut in 1..answer.len() {
                let body = agent.get(&peer.url(&format!("/{cut}"))).unwrap();
                assert_eq!(body, "hello", "{answer:?} cut at {cut}");
            }
            let connections = if answer.contains("close") {
                answer.len() - 1
            } else {
                1
            };
            assert_eq!(peer.accepted(), connections, "{answer:?}");
        }
    });
}

#[test]
fn byte_by_byte() {
    on_each_hub(|| {
        for answer in ANSWERS {
            let peer = Peer::new(move |talk, _| {
                talk.head();
                for byte in answer.bytes() {
                    talk.send([byte]);
                    pause();
                }
            });
            let response = Agent::new()
                .call(Method::GET, &peer.url("/"))
                .send()
                .unwrap();
            assert_eq!(
                response.into_body().into_text().unwrap(),
                "hello",
                "{answer:?}"
            );
        }
    });
}
