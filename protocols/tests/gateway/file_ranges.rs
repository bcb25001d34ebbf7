//! Parts of files (RFC 9110 section 14).

use std::fs::File;
use std::time::{Duration, UNIX_EPOCH};

use eventlet_protocols::gateway::Files;
use eventlet_protocols::gateway::files::{MAX_RANGES, PIECE};

use crate::support::{Folder, Reply, Running, on_each_hub};

/// `ten.txt`, which is settled since long, and `none.txt`.
fn serving() -> (Folder, Running) {
    let folder = Folder::new();
    let path = folder.write("ten.txt", "0123456789");
    let file = File::options().append(true).open(path).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(784_111_777))
        .unwrap();
    folder.write("none.txt", "");
    let server = Running::new(Files::beneath(folder.path()).unwrap());
    (folder, server)
}

fn range(server: &Running, target: &str, range: &str) -> Reply {
    server.ask_with(target, &format!("Range: {range}\r\n"))
}

#[test]
fn one_range() {
    on_each_hub(|| {
        let (_folder, server) = serving();
        for (asked, place, body) in [
            ("bytes=0-0", "0-0", "0"),
            ("bytes=2-4", "2-4", "234"),
            ("Bytes=2-4", "2-4", "234"),
            ("bytes=8-", "8-9", "89"),
            ("bytes=-3", "7-9", "789"),
            ("bytes=5-100", "5-9", "56789"),
            ("bytes=-100", "0-9", "0123456789"),
            ("bytes=0-9", "0-9", "0123456789"),
            ("bytes=0-18446744073709551615", "0-9", "0123456789"),
            ("bytes=0-99999999999999999999999", "0-9", "0123456789"),
            // Only one of the two is there.
            ("bytes=1-2,50-", "1-2", "12"),
        ] {
            let reply = range(&server, "/ten.txt", asked);
            assert_eq!((reply.status, &*reply.text()), (206, body), "{asked}");
            let place = format!("bytes {place}/10");
            assert_eq!(reply.field("content-range"), Some(&*place));
            assert_eq!(
                reply.field("content-type"),
                Some("text/plain; charset=utf-8")
            );
            assert!(reply.field("etag").is_some());
        }
        server.end();
    });
}

#[test]
fn a_range_that_is_no_range_is_not_looked_at() {
    on_each_hub(|| {
        let (_folder, server) = serving();
        for asked in [
            "bytes=",
            "bytes=-",
            "bytes=4-2",
            "bytes=a-b",
            "bytes=1-2-3",
            "bytes=+1-2",
            "bytes=0x0-1",
            "bytes 0-1",
            "lines=0-1",
            "bytes=0-1,x",
            "bytes=0-5,1-6,2-7",
            "bytes=0-1\r\nRange: bytes=2-3",
        ] {
            let reply = range(&server, "/ten.txt", asked);
            assert_eq!((reply.status, reply.body.len()), (200, 10), "{asked}");
            assert_eq!(reply.field("content-range"), None);
        }
        // Nor for HEAD, for which ranges are not defined.
        let reply = server.ask("HEAD /ten.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\n\r\n");
        assert_eq!(
            (reply.status, reply.field("content-length")),
            (200, Some("10"))
        );
        server.end();
    });
}

#[test]
fn what_is_beyond_the_file_is_416_with_its_length() {
    on_each_hub(|| {
        let (_folder, server) = serving();
        for asked in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=20-30,40-"] {
            let reply = range(&server, "/ten.txt", asked);
            assert_eq!(
                (reply.status, reply.field("content-range")),
                (416, Some("bytes */10"))
            );
        }
        let reply = range(&server, "/none.txt", "bytes=0-");
        assert_eq!(
            (reply.status, reply.field("content-range")),
            (416, Some("bytes */0"))
        );
        let reply = range(&server, "/none.txt", "bytes=-5");
        assert_eq!((reply.status, reply.body.len()), (200, 0));
        server.end();
    });
}

/// The parts of a `multipart/byteranges`, as place and content.
#[track_caller]
fn parts(reply: &Reply) -> Vec<(String, String)> {
    let name = reply.field("content-type").unwrap();
    let boundary = name
        .strip_prefix("multipart/byteranges; boundary=")
        .unwrap();
    let text = reply.text();
    let inner = text.strip_prefix(&format!("--{boundary}\r\n")).unwrap();
    let inner = inner
        .strip_suffix(&format!("\r\n--{boundary}--\r\n"))
        .unwrap();
    let between = format!("\r\n--{boundary}\r\n");
    inner
        .split(&between)
        .map(|part| {
            let (head, body) = part.split_once("\r\n\r\n").unwrap();
            let (name, place) = head.split_once("\r\n").unwrap();
            assert_eq!(name, "Content-Type: text/plain; charset=utf-8");
            let place = place.strip_prefix("Content-Range: bytes ").unwrap();
            (place.to_owned(), body.to_owned())
        })
        .collect()
}

#[test]
fn several_ranges_are_multipart_in_the_order_asked_for() {
    on_each_hub(|| {
        let (_folder, server) = serving();
        let reply = range(&server, "/ten.txt", "bytes=8-9, 0-1,,-3");
        assert_eq!((reply.status, reply.field("content-range")), (206, None));
        let expected = [("8-9/10", "89"), ("0-1/10", "01"), ("7-9/10", "789")];
        let expected = expected.map(|(place, body)| (place.to_owned(), body.to_owned()));
        assert_eq!(parts(&reply), expected);
        // Another answer, another boundary: who writes the files cannot know it.
        let again = range(&server, "/ten.txt", "bytes=8-9, 0-1,,-3");
        assert_ne!(reply.field("content-type"), again.field("content-type"));
        server.end();
    });
}

#[test]
fn several_large_ranges_are_streamed() {
    on_each_hub(|| {
        let folder = Folder::new();
        let content: String = ('a'..='z').cycle().take(3 * PIECE).collect();
        folder.write("large.txt", &content);
        let server = Running::new(Files::beneath(folder.path()).unwrap());
        let (first, second) = (0..PIECE + 1, 2 * PIECE - 1..3 * PIECE);
        let asked = format!("bytes={}-{},{}-", first.start, first.end - 1, second.start);
        let reply = range(&server, "/large.txt", &asked);
        let parts = parts(&reply);
        assert!(parts[0].1 == content[first] && parts[1].1 == content[second]);
        server.end();
    });
}

#[test]
fn ranges_up_to_the_limit() {
    on_each_hub(|| {
        let folder = Folder::new();
        folder.write("a.txt", "x".repeat(1000));
        let server = Running::new(Files::beneath(folder.path()).unwrap());
        let ranges = |count: usize| {
            let ranges: Vec<_> = (0..count).map(|n| format!("{}-{}", n * 3, n * 3)).collect();
            range(&server, "/a.txt", &format!("bytes={}", ranges.join(",")))
        };
        let reply = ranges(MAX_RANGES);
        assert_eq!((reply.status, parts(&reply).len()), (206, MAX_RANGES));
        let reply = ranges(MAX_RANGES + 1);
        assert_eq!((reply.status, reply.body.len()), (200, 1000));
        server.end();
    });
}

#[test]
fn if_range_wants_the_very_same_file() {
    on_each_hub(|| {
        let (folder, server) = serving();
        let tag = server.get("/ten.txt").field("etag").unwrap().to_owned();
        for (status, condition) in [
            (206, tag.clone()),
            (200, format!("W/{tag}")),
            (200, "\"other\"".to_owned()),
            (200, format!("{tag}, \"other\"")),
            (206, "Sun, 06 Nov 1994 08:49:37 GMT".to_owned()),
            // Earlier or later: not this file (section 13.1.5 wants it exact).
            (200, "Sun, 06 Nov 1994 08:49:36 GMT".to_owned()),
            (200, "Sun, 06 Nov 1994 08:49:38 GMT".to_owned()),
            (200, "garbage".to_owned()),
            (200, format!("{tag}\r\nIf-Range: {tag}")),
        ] {
            let fields = format!("Range: bytes=0-1\r\nIf-Range: {condition}\r\n");
            let reply = server.ask_with("/ten.txt", &fields);
            assert_eq!(reply.status, status, "{condition}");
        }
        // One that is not of this file hides a range that cannot be had, too.
        let reply = server.ask_with("/ten.txt", "Range: bytes=99-\r\nIf-Range: \"x\"\r\n");
        assert_eq!(reply.status, 200);

        // What may change yet within the same time is not put together of two states.
        let path = folder.write("new.txt", "0123456789");
        let file = File::options().append(true).open(path).unwrap();
        let hour = Duration::from_secs(3600);
        file.set_modified(std::time::SystemTime::now() + hour)
            .unwrap();
        let new = server.get("/new.txt");
        for name in ["etag", "last-modified"] {
            let condition = new.field(name).unwrap();
            let fields = format!("Range: bytes=0-1\r\nIf-Range: {condition}\r\n");
            assert_eq!(server.ask_with("/new.txt", &fields).status, 200, "{name}");
        }
        server.end();
    });
}
