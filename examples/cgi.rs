//! A directory of programs in any language behind an HTTP server, by CGI/1.1.
//!
//! ```text
//! printf '#!/bin/sh\necho Content-Type: text/plain\necho\nenv\n' > /tmp/cgi/show; chmod +x /tmp/cgi/show
//! cargo run --example cgi --features cgi -- --listen 127.0.0.1:8080 --programs /tmp/cgi
//! curl http://127.0.0.1:8080/show/and/more?x=1
//! ```
//!
//! What a program writes to standard error is printed here, line by line.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use eventlet::http::gateway::Cgi;
use eventlet::http::server::{Body, Handler, RequestBody, Server};
use eventlet::net::TcpListener;
use eventlet::signals::{STOP, Signals};
use eventlet::spawn;
use http::{Request, Response, StatusCode};

/// How long requests that are being served may go on after Ctrl-C.
const GRACE: Duration = Duration::from_secs(10);

/// The programs of a directory, by their names.
fn programs(directory: &Path) -> io::Result<HashMap<String, Cgi>> {
    let mut found = HashMap::new();
    for entry in fs::read_dir(directory)? {
        let path = fs::canonicalize(entry?.path())?;
        let is_program =
            path.metadata()?.is_file() && path.metadata()?.permissions().mode() & 1 != 0;
        if let (true, Some(name)) = (is_program, path.file_name().and_then(|name| name.to_str())) {
            let name = name.to_owned();
            let label = name.clone();
            let cgi = Cgi::new(&path).mounted_at(&format!("/{name}"));
            found.insert(name, cgi.log(move |line| println!("{label}: {line}")));
        }
    }
    Ok(found)
}

/// Each program has the paths that begin with its name.
fn dispatch(programs: &HashMap<String, Cgi>, request: Request<RequestBody>) -> Response<Body> {
    let name = request.uri().path().split('/').nth(1).unwrap_or_default();
    match programs.get(name) {
        Some(cgi) => cgi.handle(request),
        None => {
            let mut response = Response::new(Body::from("no such program\n"));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    }
}

fn run() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ["--listen", address, "--programs", directory] = words[..] else {
        let usage = "usage: cgi --listen HOST:PORT --programs DIRECTORY";
        return Err(io::Error::other(usage));
    };
    let programs = programs(Path::new(directory))?;
    let signals = Signals::new(&STOP)?;
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let server = Server::new(move |request: Request<RequestBody>| dispatch(&programs, request));
    let handle = server.handle();
    spawn(move || signals.wait().map(|_| handle.stop(GRACE)));
    server.serve(listener)
}

fn main() -> ExitCode {
    let outcome = run().inspect_err(|error| eprintln!("cgi: {error}"));
    ExitCode::from(u8::from(outcome.is_err()))
}
