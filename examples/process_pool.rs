//! A pool of co-processes behind an HTTP handler: each request borrows a calculator that is running
//! already.
//!
//! ```text
//! cargo run --example process_pool --features http,processes -- --listen 127.0.0.1:8080
//! curl 'http://127.0.0.1:8080/?6*7'
//! ```
//!
//! The calculator is a few lines of shell that answer line by line. One that dies is replaced; nobody
//! is given one that somebody else is talking to.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use eventlet::http::server::{Body, RequestBody, Server};
use eventlet::net::TcpListener;
use eventlet::process::{Command, ProcessPool};
use eventlet::signals::{STOP, Signals};
use eventlet::spawn;
use http::{Request, Response, StatusCode};

/// How many calculators run at most.
const AT_MOST: usize = 4;
/// How long a calculation may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How long requests that are being served may go on after Ctrl-C.
const GRACE: Duration = Duration::from_secs(10);

/// Answers each line with its value; what it cannot calculate is its end.
const CALCULATOR: &str = "while read -r line; do echo $(($line)); done";

fn calculate(pool: &ProcessPool, term: &str) -> io::Result<String> {
    let mut calculator = pool.acquire()?;
    calculator.set_timeout(Some(LIMIT))?;
    calculator.write(format!("{term}\n").as_bytes())?;
    let answer = calculator.read_line().map_err(io::Error::from);
    if answer
        .as_ref()
        .is_err_and(|error| error.kind() == io::ErrorKind::TimedOut)
    {
        // What it says later is not for the next one.
        calculator.discard();
    }
    Ok(String::from_utf8_lossy(&answer?).into_owned())
}

fn answer(pool: &ProcessPool, request: &Request<RequestBody>) -> Response<Body> {
    let term = request.uri().query().unwrap_or_default();
    // The shell would run more than sums.
    let is_sum = |byte: u8| byte.is_ascii_digit() || b"+-*/%()".contains(&byte);
    let outcome = if !term.is_empty() && term.bytes().all(is_sum) {
        calculate(pool, term).map_err(|error| (StatusCode::BAD_GATEWAY, format!("{error}\n")))
    } else {
        Err((StatusCode::BAD_REQUEST, "usage: /?6*7\n".to_owned()))
    };
    let (status, text) = match outcome {
        Ok(text) => (StatusCode::OK, text),
        Err(refused) => refused,
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
}

fn run() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ["--listen", address] = words[..] else {
        return Err(io::Error::other("usage: process_pool --listen HOST:PORT"));
    };
    let signals = Signals::new(&STOP)?;
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let mut command = Command::new("sh");
    command.args(["-c", CALCULATOR]);
    let pool = ProcessPool::new(AT_MOST, command);
    let server = Server::new(move |request: Request<RequestBody>| answer(&pool, &request));
    let handle = server.handle();
    spawn(move || signals.wait().map(|_| handle.stop(GRACE)));
    server.serve(listener)
}

fn main() -> ExitCode {
    let outcome = run().inspect_err(|error| eprintln!("process_pool: {error}"));
    ExitCode::from(u8::from(outcome.is_err()))
}
