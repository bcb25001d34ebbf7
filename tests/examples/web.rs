//! The small web servers: `hello`, `static_files`, `axum_on_green`, `json_api` and `upload`, as curl
//! would talk to them. What they are made of is tested in `protocols`.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Program, assert_refusal, connect, under_each_hub};

/// A started server, and its address.
fn start(example: &str, hub: &str, arguments: &[&str]) -> (Program, String) {
    let arguments = [&["--listen", "127.0.0.1:0"], arguments].concat();
    let mut program = Program::start(example, hub, &arguments);
    let address = program.address();
    (program, address)
}

/// Ends a server as Ctrl-C does.
fn stop(program: Program) {
    program.signal("INT");
    program.end();
}

/// Status, fields and body of the answer to one request.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn has(&self, field: &str) -> bool {
        let mut lines = self.head.lines();
        lines.any(|line| line.eq_ignore_ascii_case(field))
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// A request with a body; fields are lines with their ends.
fn ask(address: &str, line: &str, fields: &str, body: &[u8]) -> Answer {
    let mut stream = connect(address);
    let head = format!(
        "{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n{fields}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("a response");
    Answer {
        status: head[9..12].parse().unwrap(),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

fn get(address: &str, target: &str) -> Answer {
    ask(address, &format!("GET {target}"), "", b"")
}

/// A folder of a test's own; removed when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let name = format!("eventlet-{test}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // Of an earlier process of this number that was killed.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is the system's to clean up.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn hello_greets() {
    under_each_hub("hello", "hello_greets", |hub| {
        let (program, address) = start("hello", hub, &[]);
        assert_eq!(get(&address, "/").body, "hello\n");
        assert_eq!(get(&address, "/world").body, "hello, world\n");
        stop(program);
        assert_refusal("hello", hub, &["--port"], "use: hello");
        assert_refusal("hello", hub, &["--listen", "nowhere"], "");
    });
}

#[test]
fn static_files_serves_a_folder_and_nothing_above() {
    under_each_hub(
        "static_files",
        "static_files_serves_a_folder_and_nothing_above",
        |hub| {
            let folder = Folder::new("static-files");
            fs::create_dir(folder.path().join("public")).unwrap();
            fs::write(folder.path().join("public/a.txt"), "0123456789").unwrap();
            fs::write(folder.path().join("secret"), "secret").unwrap();
            let public = folder.path().join("public");
            let (program, address) = start("static_files", hub, &[public.to_str().unwrap()]);
            let whole = get(&address, "/a.txt");
            assert_eq!((whole.status, &*whole.body), (200, "0123456789"));
            assert!(
                whole.has("content-type: text/plain; charset=utf-8"),
                "{}",
                whole.head
            );
            let part = ask(&address, "GET /a.txt", "Range: bytes=2-4\r\n", b"");
            assert_eq!((part.status, &*part.body), (206, "234"));
            let same = ask(&address, "GET /a.txt", "If-None-Match: *\r\n", b"");
            assert_eq!((same.status, &*same.body), (304, ""));
            for target in ["/../secret", "/%2e%2e/secret", "/..%2fsecret"] {
                assert_eq!(get(&address, target).status, 404, "{target}");
            }
            stop(program);
            assert_refusal("static_files", hub, &["none/such"], "none/such: ");
            assert_refusal(
                "static_files",
                hub,
                &["a", "b", "c", "d"],
                "use: static_files",
            );
        },
    );
}

#[test]
fn axum_on_green_routes_streams_and_parks() {
    under_each_hub(
        "axum_on_green",
        "axum_on_green_routes_streams_and_parks",
        |hub| {
            let (program, address) = start("axum_on_green", hub, &[]);
            let expected = json!({ "hello": "world", "count": 1 });
            assert_eq!(get(&address, "/hello/world").json(), expected);
            assert_eq!(get(&address, "/hello/you").json()["count"], 2);
            assert_eq!(get(&address, "/none").status, 404);
            assert!(get(&address, "/nap/1").body.contains("eventlet-offload"));

            // One naps, and another one is served.
            let mut napping = connect(&address);
            napping
                .write_all(b"GET /nap/200 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                .unwrap();
            assert_eq!(get(&address, "/hello/you").status, 200);
            let mut answer = String::new();
            napping.read_to_string(&mut answer).unwrap();
            assert!(answer.contains("slept 200 ms"));

            // Each chunk comes back before the next is sent.
            let mut stream = connect(&address);
            stream
                .write_all(b"POST /upper HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                .unwrap();
            let mut got = String::new();
            for (piece, expected) in [("3\r\none\r\n", "3\r\nONE\r\n"), ("0\r\n\r\n", "0\r\n\r\n")]
            {
                stream.write_all(piece.as_bytes()).unwrap();
                while !got.ends_with(expected) {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    got.push(byte[0].into());
                }
            }
            drop(stream);
            stop(program);
            assert_refusal("axum_on_green", hub, &["x"], "use: axum_on_green");
        },
    );
}

#[test]
fn json_api_keeps_notes() {
    under_each_hub("json_api", "json_api_keeps_notes", |hub| {
        let (program, address) = start("json_api", hub, &[]);
        let add = |text: &str| {
            let name = "Content-Type: application/json\r\n";
            ask(&address, "POST /notes", name, text.as_bytes())
        };
        let made = add(r#"{"text":"milk"}"#);
        assert_eq!(
            (made.status, made.json()),
            (201, json!({ "id": 1, "text": "milk" }))
        );
        assert!(made.has("content-type: application/json"), "{}", made.head);
        assert_eq!(add(r#"{"text":"bread"}"#).json()["id"], 2);
        assert_eq!(get(&address, "/notes").json()["2"]["text"], "bread");
        assert_eq!(get(&address, "/notes/1").json()["text"], "milk");
        assert_eq!(ask(&address, "DELETE /notes/1", "", b"").status, 200);
        assert_eq!(get(&address, "/notes/1").status, 404);

        let wrong = add(r#"{"txt":1}"#);
        assert_eq!(wrong.status, 400);
        assert!(
            wrong.body.contains("missing field `text`"),
            "{}",
            wrong.body
        );
        assert_eq!(ask(&address, "POST /notes", "", b"{}").status, 415);
        let not = ask(&address, "PUT /notes", "", b"");
        assert!(not.status == 405 && not.has("allow: GET, POST"));
        for target in ["/", "/notes/x", "/notes/"] {
            assert_eq!(get(&address, target).status, 404, "{target}");
        }
        stop(program);
        assert_refusal("json_api", hub, &["--listen"], "use: json_api");
    });
}

/// The most memory the process has had, in KiB.
#[cfg(target_os = "linux")]
fn peak(program: &Program) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.unwrap().split_whitespace().nth(1);
    number.unwrap().parse().unwrap()
}

#[test]
fn upload_stores_whole_files_only() {
    under_each_hub("upload", "upload_stores_whole_files_only", |hub| {
        let folder = Folder::new("upload");
        let path = folder.path().join("new");
        let (program, address) = start("upload", hub, &[path.to_str().unwrap()]);
        let small = ask(&address, "PUT /small.txt", "", b"hello");
        assert_eq!((small.status, &*small.body), (201, "201 Created\n"));
        assert_eq!(fs::read(path.join("small.txt")).unwrap(), b"hello");

        #[cfg(target_os = "linux")]
        let before = peak(&program);
        let large: Vec<u8> = (0..=250).collect::<Vec<u8>>().repeat(100_000);
        assert_eq!(ask(&address, "PUT /large", "", &large).status, 201);
        assert!(fs::read(path.join("large")).unwrap() == large);
        #[cfg(target_os = "linux")]
        assert!(
            peak(&program) < before + 8 * 1024,
            "the upload was held in memory"
        );

        // What is cut off is told so, and leaves nothing.
        let mut stream = connect(&address);
        stream
            .write_all(b"PUT /cut HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\npart")
            .unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        let mut names: Vec<_> = fs::read_dir(&path)
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["large", "small.txt"]);

        for target in ["/", "/.hidden", "/a/b", "/..", "/%2e%2e", "/a%2fb"] {
            let reply = ask(&address, &format!("PUT {target}"), "", b"x");
            assert_eq!(reply.status, 400, "{target}");
        }
        assert_eq!(get(&address, "/small.txt").status, 405);
        stop(program);
        assert_refusal("upload", hub, &[], "use: upload");
    });
}
