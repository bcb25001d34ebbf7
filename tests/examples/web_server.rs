//! A server of web pages among the examples, and a client that takes nothing from it: bytes out, text in.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command};
use std::thread;

use crate::support::{connect, signal};

/// A running server; killed when it is dropped.
pub struct WebServer {
    pub process: Child,
    pub address: String,
    /// What it has printed when it began to listen.
    pub banner: Vec<String>,
}

impl WebServer {
    /// Starts one that prints so many lines when it listens, the first of them with its address.
    pub fn start(command: &mut Command, lines: usize) -> Self {
        let mut process = command.spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let banner: Vec<_> = output.by_ref().take(lines).map_while(Result::ok).collect();
        let address = banner
            .first()
            .and_then(|line| line.strip_prefix("listening on http://"))
            .and_then(|rest| rest.split_once('/'))
            .unwrap_or_else(|| panic!("no address in {banner:?}"))
            .0
            .to_owned();
        // Read on, or the program would find nobody at the other end of its log.
        thread::spawn(move || output.map_while(Result::ok).count());
        WebServer {
            process,
            address,
            banner,
        }
    }

    pub fn connect(&self) -> TcpStream {
        connect(&self.address)
    }

    /// Everything that comes for these bytes until the connection is closed: head and rest.
    pub fn ask(&self, request: &str) -> (String, String) {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        answer(&mut stream)
    }

    pub fn get(&self, target: &str) -> (String, String) {
        self.ask(&format!(
            "GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        ))
    }

    pub fn signal(&self, name: &str) {
        signal(&self.process, name);
    }

    /// Status and standard error, when it has ended.
    pub fn end(mut self) -> (Option<i32>, String) {
        let mut errors = String::new();
        let mut pipe = self.process.stderr.take().unwrap();
        pipe.read_to_string(&mut errors).unwrap();
        (self.process.wait().unwrap().code(), errors)
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What comes until the end: head and rest.
pub fn answer(stream: &mut TcpStream) -> (String, String) {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("a response");
    (head.to_owned(), body.to_owned())
}

pub fn has_field(head: &str, field: &str) -> bool {
    head.split("\r\n")
        .any(|line| line.eq_ignore_ascii_case(field))
}

#[track_caller]
pub fn assert_field(head: &str, field: &str) {
    assert!(has_field(head, field), "no {field} in {head}");
}
