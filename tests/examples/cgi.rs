//! `cgi`: shell scripts in a directory, asked over HTTP.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::support::{Program, assert_refusal, connect, under_each_hub};

/// A directory that is removed when it is dropped.
struct Directory(PathBuf);

impl Directory {
    fn new(hub: &str) -> Self {
        let name = format!("eventlet-cgi-{}-{hub}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    fn add(&self, name: &str, script: &str, mode: u32) {
        let path = self.0.join(name);
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn ask(address: &str, request: &str) -> String {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn scripts_answer_requests() {
    under_each_hub("cgi", "scripts_answer_requests", |hub| {
        let directory = Directory::new(hub);
        let script = "#!/bin/sh\necho complaint >&2\nprintf 'Content-Type: text/plain\\n\\n'\n\
            echo \"$REQUEST_METHOD $PATH_INFO $QUERY_STRING\"\ncat\n";
        directory.add("show", script, 0o755);
        directory.add("notes", "no program", 0o644);
        let path = directory.0.to_str().unwrap();
        let mut program =
            Program::start("cgi", hub, &["--listen", "127.0.0.1:0", "--programs", path]);
        let address = program.address();
        let answer = ask(
            &address,
            "POST /show/a/b?c HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody",
        );
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("POST /a/b c\nbody"), "{answer}");
        assert_eq!(program.line(), "show: complaint");
        for path in ["/notes", "/other", "/"] {
            let answer = ask(&address, &format!("GET {path} HTTP/1.0\r\n\r\n"));
            assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        }
        program.signal("TERM");
        assert!(program.end().is_empty());
    });
}

#[test]
fn what_it_does_not_understand_is_one_line() {
    under_each_hub("cgi", "what_it_does_not_understand", |hub| {
        assert_refusal("cgi", hub, &[], "usage: cgi --listen");
        let missing = [
            "--listen",
            "127.0.0.1:0",
            "--programs",
            "/no/such/directory",
        ];
        assert_refusal("cgi", hub, &missing, "No such file");
    });
}
