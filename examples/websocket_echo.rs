//! A WebSocket server that gives back what it gets; or, with `--connect`, a client that sends the lines
//! of standard input and prints what comes.
//!
//! ```text
//! cargo run --example websocket_echo --features websocket -- --listen 127.0.0.1:9001
//! cargo run --example websocket_echo --features websocket -- --connect ws://127.0.0.1:9001/
//! ```

use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::time::Duration;

use eventlet::http::server::{RequestBody, Server};
use eventlet::http::websocket::{self, CloseCode, Message};
use eventlet::net::TcpListener;
use eventlet::signals::{STOP, Signals};
use eventlet::{offload, spawn};
use http::Request;

/// For those who are connected, after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["--listen", address] => listen(address),
        ["--connect", url] => talk(url),
        _ => Err("usage: websocket_echo --listen HOST:PORT | --connect URL".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("websocket_echo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn listen(address: &str) -> Outcome {
    let server = Server::new(|request: Request<RequestBody>| {
        websocket::accept(&request, |socket| {
            for message in &socket {
                socket.send(message?)?;
            }
            Ok(())
        })
    });
    let (signals, handle) = (Signals::new(&STOP)?, server.handle());
    spawn(move || signals.wait().map(|_| handle.stop(GRACE)));
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    Ok(server.serve(listener)?)
}

fn talk(url: &str) -> Outcome {
    let socket = websocket::connect(url)?;
    let sending = socket.clone();
    // Reads while the other waits: on another thread, since a terminal's reads block.
    let sender = spawn(move || -> Result<(), websocket::Error> {
        while let Some(line) = offload(next_line)?? {
            sending.send(line)?;
        }
        sending.close(CloseCode::NORMAL, "that was all")
    });
    let mut out = io::stdout().lock();
    for message in &socket {
        match message? {
            Message::Text(text) => writeln!(out, "{text}")?,
            Message::Binary(bytes) => writeln!(out, "({} bytes)", bytes.len())?,
        }
    }
    Ok(sender.join()??)
}

fn next_line() -> io::Result<Option<String>> {
    io::stdin().lock().lines().next().transpose()
}
