//! The smallest web server: a function from a request to what is answered.
//!
//! ```text
//! cargo run --example hello -- --listen 127.0.0.1:8080
//! curl http://127.0.0.1:8080/world
//! ```

use std::process::ExitCode;
use std::time::Duration;

use eventlet::http::gateway::handler;
use eventlet::http::server::{RequestBody, Server};
use eventlet::net::TcpListener;
use eventlet::signals::{STOP, Signals};
use eventlet::spawn;
use http::Request;

/// How long requests that are being served may go on after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);

fn hello(request: Request<RequestBody>) -> String {
    match request.uri().path() {
        "/" => "hello\n".to_owned(),
        path => format!("hello, {}\n", path.trim_start_matches('/')),
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let address = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => "127.0.0.1:8080",
        ["--listen", address] => address,
        _ => return Err("use: hello [--listen ADDRESS]".into()),
    };
    let listener = TcpListener::bind(address)?;

    let server = Server::new(handler(hello));
    let (handle, signals) = (server.handle(), Signals::new(&STOP)?);
    spawn(move || signals.wait().map(|_| handle.stop(GRACE)));
    println!("listening on {}", listener.local_addr()?);
    Ok(server.serve(listener)?)
}

fn main() -> ExitCode {
    let Err(error) = run() else {
        return ExitCode::SUCCESS;
    };
    eprintln!("hello: {error}");
    ExitCode::FAILURE
}
