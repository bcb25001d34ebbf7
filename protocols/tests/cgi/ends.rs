//! Programs that are late, silent, too many, or not wanted any more.

use std::io::{Read, Write};
use std::time::Duration;

use eventlet_green::testing::{on_each_hub, until};

use crate::support::{Running, is_running, sh};

const SHORT: Duration = Duration::from_millis(100);

#[test]
fn a_program_that_is_late_is_killed() {
    on_each_hub(|| {
        let server = Running::new(sh("echo $$ >&2; sleep 1000; echo never").head_limit(SHORT * 3));
        let reply = server.fetch("/", "");
        assert_eq!(reply.status, 504);
        let log = server.log();
        assert!(log.contains("no head of a response in time"), "{log}");
        if let Some(id) = log
            .lines()
            .next()
            .filter(|line| line.parse::<u32>().is_ok())
        {
            until(|| !is_running(id));
        }
        server.end();
    });
}

#[test]
fn a_program_that_falls_silent_is_cut_off() {
    on_each_hub(|| {
        let script = "echo Content-Type: a/b; echo; echo $$; sleep 1000 & wait";
        let server = Running::new(sh(script).silence_limit(SHORT));
        let reply = server.fetch("/", "");
        assert_eq!((reply.status, reply.is_whole), (200, false));
        let id = reply.body.trim().to_owned();
        until(|| !is_running(&id));
        assert!(server.log().contains("breaks off"), "{}", server.log());
        server.end();
    });
}

#[test]
fn a_program_that_is_killed_in_the_middle_does_not_look_whole() {
    on_each_hub(|| {
        let server = Running::new(sh("echo Content-Type: a/b; echo; echo half; kill -9 $$"));
        let reply = server.fetch("/", "");
        assert_eq!(
            (reply.status, &*reply.body, reply.is_whole),
            (200, "half\n", false)
        );
        server.end();
    });
}

#[test]
fn a_client_that_goes_away_takes_the_program_with_it() {
    on_each_hub(|| {
        let script = "echo Content-Type: a/b; echo; echo \"<$$>\"; exec yes";
        let server = Running::new(sh(script));
        let mut stream = server.connect();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        let mut text = Vec::new();
        let mut piece = [0; 1024];
        let id = loop {
            let count = stream.read(&mut piece).unwrap();
            text.extend_from_slice(&piece[..count]);
            let text = String::from_utf8_lossy(&text);
            if let Some((_, rest)) = text.split_once('<')
                && let Some((id, _)) = rest.split_once('>')
            {
                break id.to_owned();
            }
        };
        assert!(is_running(&id));
        drop(stream);
        until(|| !is_running(&id));
        server.end();
    });
}

#[test]
fn so_many_run_at_a_time() {
    on_each_hub(|| {
        // Holds its place until its client has gone.
        let script = "echo Content-Type: a/b; echo; echo $$; cat; exec yes";
        let server = Running::new(sh(script).processes(1).head_limit(SHORT * 20));
        let mut first = server.connect();
        let request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
        first.write_all(request).unwrap();
        assert!(first.read(&mut [0; 12]).unwrap() > 0);
        let reply = server.fetch("/", "");
        assert_eq!(reply.status, 503);
        drop(first);
        let mut next = server.connect();
        next.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        let mut status = [0; 12];
        next.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
        drop(next);
        server.end();
    });
}
