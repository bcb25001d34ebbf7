//! Whole exchanges over a socket, cut in two at each byte, and byte by byte: the answers are the same.

use crate::support::client::Asked;
use crate::support::{Client, Reply, Running, echo, on_each_hub, until, whole};

fn exchanges() -> Vec<(String, usize)> {
    let two = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
               GET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                   4;x\r\nWiki\r\n5\r\npedia\r\n0\r\nT: 1\r\n\r\n\
                   GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let refused = "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
    let bad_chunk = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n";
    let old = "POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nold";
    [
        (two, 2),
        (chunked, 2),
        (refused, 2),
        (bad_chunk, 1),
        (old, 1),
    ]
    .map(|(text, answers)| (text.to_owned(), answers))
    .into()
}

fn answers(client: &mut Client, count: usize) -> Vec<Reply> {
    client.finish();
    let mut replies: Vec<_> = (0..count)
        .map(|_| client.reply_or_part(Asked::Other))
        .collect();
    client.expect_end();
    for reply in &mut replies {
        reply.fields.retain(|(name, _)| name != "Date");
    }
    replies
}

#[test]
fn at_each_byte() {
    on_each_hub(|| {
        for server in [Running::new(whole), Running::new(echo)] {
            for (text, count) in exchanges() {
                let mut client = server.connect();
                client.send(&text);
                let expected = answers(&mut client, count);
                for cut in 1..text.len() {
                    let mut client = server.connect();
                    client.send(&text[..cut]);
                    // Seen by the server before the rest is there.
                    let seen = eventlet_green::stats().turns;
                    until(|| eventlet_green::stats().turns > seen + 1);
                    client.send(&text[cut..]);
                    assert_eq!(
                        answers(&mut client, count),
                        expected,
                        "cut at {cut}: {text:?}"
                    );
                }
            }
            server.end();
        }
    });
}

#[test]
fn byte_by_byte() {
    on_each_hub(|| {
        let server = Running::new(echo);
        for (text, count) in exchanges() {
            let mut client = server.connect();
            client.send(&text);
            let expected = answers(&mut client, count);
            let mut client = server.connect();
            for byte in text.bytes() {
                let seen = eventlet_green::stats().turns;
                client.send([byte]);
                until(|| eventlet_green::stats().turns > seen + 1);
            }
            assert_eq!(answers(&mut client, count), expected, "{text:?}");
        }
        server.end();
    });
}
