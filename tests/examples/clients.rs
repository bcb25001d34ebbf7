//! `testbed` talked to by clients that are not ours: Python's, netcat and telnet, where they are. (curl
//! is tested with `httpd`.)

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use crate::support::{command, loudly, under_each_hub};
use crate::web_server::WebServer;

fn start(hub: &str) -> WebServer {
    WebServer::start(command("testbed", hub).args(["--listen", "127.0.0.1:0"]), 1)
}

/// Whether a program is there: started with these arguments, it ends.
fn has(test: &str, program: &str, arguments: &[&str]) -> bool {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    let is_there = output.is_ok_and(|output| output.status.success());
    if !is_there {
        loudly(&format!(
            "SKIPPED {test}: there is no {program} on this machine"
        ));
    }
    is_there
}

fn python(server: &WebServer, library: &str) {
    let output = Command::new("python3")
        .args(["-c", include_str!("clients.py"), library, &server.address])
        .env("no_proxy", "*")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{library}: {errors}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.trim_end(), format!("{library} is content"), "{errors}");
}

#[test]
fn python_is_answered() {
    let test = "python_is_answered";
    if !has(test, "python3", &["-c", "import http.client"]) {
        return;
    }
    under_each_hub("testbed", test, |hub| {
        let server = start(hub);
        python(&server, "http.client");
        python(&server, "urllib");
    });
}

#[test]
fn requests_is_answered() {
    let test = "requests_is_answered";
    if !has(test, "python3", &["-c", "import requests"]) {
        return;
    }
    under_each_hub("testbed", test, |hub| python(&start(hub), "requests"));
}

#[test]
fn netcat_is_answered() {
    let test = "netcat_is_answered";
    if !has(test, "nc", &["-h"]) {
        return;
    }
    under_each_hub("testbed", test, |hub| {
        let server = start(hub);
        let (host, port) = server.address.split_once(':').unwrap();
        let mut nc = Command::new("nc")
            .args([host, port])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let request = "GET /chunked?n=2&ms=1 HTTP/1.0\r\nHost: a\r\n\r\n";
        // It goes on reading after the end of what it has to send; without that end it would wait
        // for more of it.
        let mut stdin = nc.stdin.take().unwrap();
        stdin.write_all(request.as_bytes()).unwrap();
        drop(stdin);
        let mut said = String::new();
        let mut stdout = nc.stdout.take().unwrap();
        stdout.read_to_string(&mut said).unwrap();
        nc.wait().unwrap();
        assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{said}");
        assert!(said.ends_with("\r\n\r\nchunk 0\nchunk 1\n"), "{said}");
    });
}

#[test]
fn telnet_is_answered() {
    let test = "telnet_is_answered";
    if Command::new("telnet")
        .stdin(Stdio::null())
        .output()
        .is_err()
    {
        loudly(&format!(
            "SKIPPED {test}: there is no telnet on this machine"
        ));
        return;
    }
    under_each_hub("testbed", test, |hub| {
        let server = start(hub);
        let (host, port) = server.address.split_once(':').unwrap();
        let mut telnet = Command::new("telnet")
            .args([host, port])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = telnet.stdin.take().unwrap();
        // As typed: it makes CR LF of the ends of lines.
        let request = "GET /plaintext HTTP/1.1\nHost: a\nConnection: close\n\n";
        stdin.write_all(request.as_bytes()).unwrap();
        // Its end is the server's: standard input stays open.
        let mut said = String::new();
        let mut stdout = telnet.stdout.take().unwrap();
        stdout.read_to_string(&mut said).unwrap();
        drop(stdin);
        telnet.wait().unwrap();
        assert!(said.contains("HTTP/1.1 200 OK"), "{said}");
        assert!(said.contains("Hello, World!"), "{said}");
    });
}
