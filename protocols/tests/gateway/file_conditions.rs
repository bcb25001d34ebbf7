//! Conditional requests for files (RFC 9110 section 13), and the validators they go by.

use std::fs::File;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eventlet_protocols::gateway::Files;
use http::HeaderValue;

use crate::support::{Folder, Running, on_each_hub};

/// Sun, 06 Nov 1994 08:49:37 GMT, and a little more.
fn long_ago() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(784_111_777_250)
}

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const AFTER: &str = "Sunday, 06-Nov-94 08:49:38 GMT";

fn touch(folder: &Folder, name: &str, time: SystemTime) {
    let path = folder.path().join(name);
    let file = File::options().append(true).open(path).unwrap();
    file.set_modified(time).unwrap();
}

/// A file of 1994 and one of now.
fn serving() -> (Folder, Running) {
    let folder = Folder::new();
    folder.write("old.txt", "0123456789");
    touch(&folder, "old.txt", long_ago());
    folder.write("new.txt", "0123456789");
    // Not settled however slow the machine is.
    touch(
        &folder,
        "new.txt",
        SystemTime::now() + Duration::from_secs(3600),
    );
    let server = Running::new(Files::beneath(folder.path()).unwrap());
    (folder, server)
}

#[test]
fn validators_are_of_length_and_time() {
    on_each_hub(|| {
        let (folder, server) = serving();
        let reply = server.get("/old.txt");
        assert_eq!(reply.field("last-modified"), Some(DATE));
        let tag = reply.field("etag").unwrap().to_owned();
        assert!(tag.starts_with('"') && tag.ends_with("-a\""), "{tag}");
        assert_eq!(server.get("/old.txt").field("etag"), Some(&*tag));

        folder.write("old.txt", "012345678");
        touch(&folder, "old.txt", long_ago());
        let shorter = server.get("/old.txt").field("etag").map(str::to_owned);
        assert!(shorter.is_some() && shorter.as_deref() != Some(&*tag));
        folder.write("old.txt", "0123456789");
        touch(&folder, "old.txt", long_ago() + Duration::from_nanos(1));
        let later = server.get("/old.txt").field("etag").map(str::to_owned);
        assert!(later.is_some() && later.as_deref() != Some(&*tag));

        // It may change again within the same time: the tag is weak until then, and no date is
        // later than that of the response.
        let new = server.get("/new.txt");
        assert!(new.field("etag").unwrap().starts_with("W/\""));
        assert_ne!(new.field("last-modified"), None);
        let parse = eventlet_protocols::wire::parse_date;
        let modified = parse(new.field("last-modified").unwrap()).unwrap();
        assert!(modified <= SystemTime::now());

        folder.write("epoch.txt", "");
        touch(&folder, "epoch.txt", UNIX_EPOCH);
        let epoch = server.get("/epoch.txt");
        assert_eq!(
            epoch.field("last-modified"),
            Some("Thu, 01 Jan 1970 00:00:00 GMT")
        );
        server.end();
    });
}

#[test]
fn conditions_in_their_order() {
    on_each_hub(|| {
        let (_folder, server) = serving();
        let tag = server.get("/old.txt").field("etag").unwrap().to_owned();
        let t = &*tag;
        let cases: [(u16, String); 27] = [
            (304, format!("If-None-Match: {t}\r\n")),
            (304, format!("If-None-Match: W/{t}\r\n")),
            (304, "If-None-Match: *\r\n".to_owned()),
            (304, format!("If-None-Match: \"a,b\" , W/\"x\",, {t}\r\n")),
            (
                304,
                format!("If-None-Match: \"a\"\r\nIf-None-Match: {t}\r\n"),
            ),
            (200, "If-None-Match: \"a\"\r\n".to_owned()),
            (200, format!("If-None-Match: garbage {t}\r\n")),
            (200, format!("If-None-Match: \"a\" {t}\r\n")),
            (200, "If-None-Match:\r\n".to_owned()),
            (200, format!("If-None-Match: {}\r\n", t.trim_matches('"'))),
            (304, format!("If-Modified-Since: {DATE}\r\n")),
            (304, format!("If-Modified-Since: {AFTER}\r\n")),
            (200, format!("If-Modified-Since: {BEFORE}\r\n")),
            (200, "If-Modified-Since: yesterday\r\n".to_owned()),
            (
                200,
                format!("If-Modified-Since: {DATE}\r\nIf-Modified-Since: {DATE}\r\n"),
            ),
            // The tag goes before the date.
            (
                200,
                format!("If-None-Match: \"a\"\r\nIf-Modified-Since: {AFTER}\r\n"),
            ),
            (
                304,
                format!("If-None-Match: {t}\r\nIf-Modified-Since: {BEFORE}\r\n"),
            ),
            (200, format!("If-Match: {t}\r\n")),
            (200, "If-Match: *\r\n".to_owned()),
            (412, "If-Match: \"a\"\r\n".to_owned()),
            (412, format!("If-Match: W/{t}\r\n")),
            (200, format!("If-Unmodified-Since: {DATE}\r\n")),
            (412, format!("If-Unmodified-Since: {BEFORE}\r\n")),
            (200, "If-Unmodified-Since: yesterday\r\n".to_owned()),
            (
                200,
                format!("If-Match: {t}\r\nIf-Unmodified-Since: {BEFORE}\r\n"),
            ),
            (412, format!("If-Match: \"a\"\r\nIf-None-Match: {t}\r\n")),
            (304, format!("If-Match: {t}\r\nIf-None-Match: {t}\r\n")),
        ];
        for (status, fields) in cases {
            let reply = server.ask_with("/old.txt", &fields);
            assert_eq!(reply.status, status, "{fields}");
            let head = format!("HEAD /old.txt HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
            assert_eq!(server.ask(head).status, status, "HEAD {fields}");
        }
        // A weak tag of ours matches no If-Match, and every If-None-Match.
        let weak = server.get("/new.txt").field("etag").unwrap().to_owned();
        let strong = weak.strip_prefix("W/").unwrap();
        for tag in [&*weak, strong] {
            let fields = format!("If-Match: {tag}\r\n");
            assert_eq!(server.ask_with("/new.txt", &fields).status, 412);
            let fields = format!("If-None-Match: {tag}\r\n");
            assert_eq!(server.ask_with("/new.txt", &fields).status, 304);
        }
        server.end();
    });
}

#[test]
fn not_modified_has_the_fields_of_the_file_and_no_body() {
    on_each_hub(|| {
        let folder = Folder::new();
        folder.write("a.txt", "a");
        let files = Files::beneath(folder.path()).unwrap();
        let max_age = HeaderValue::from_static("max-age=60");
        let server = Running::new(files.cache_control(max_age));
        let whole = server.get("/a.txt");
        let mut client = server.connect();
        let ask = "GET /a.txt HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n";
        let reply = client.ask(ask);
        assert_eq!((reply.status, reply.body.len()), (304, 0));
        for name in ["etag", "last-modified", "cache-control"] {
            assert_eq!(reply.field(name), whole.field(name), "{name}");
            assert_ne!(reply.field(name), None, "{name}");
        }
        assert_eq!(reply.field("content-type"), None);
        // The connection goes on.
        assert_eq!(client.ask(ask).status, 304);
        drop(client);
        server.end();
    });
}
