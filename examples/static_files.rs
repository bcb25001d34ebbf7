//! A web server for the files beneath a directory: with ranges and conditional requests, and no way
//! out of it.
//!
//! ```text
//! cargo run --example static_files --features files -- --listen 127.0.0.1:8080 docs/guide
//! curl -i --range 0-99 http://127.0.0.1:8080/README.md
//! ```

use std::process::ExitCode;
use std::time::Duration;

use eventlet::http::gateway::{Files, handler};
use eventlet::http::server::{AccessLog, Config, Server};
use eventlet::net::TcpListener;
use eventlet::signals::{STOP, Signals};
use eventlet::spawn;

/// How long requests that are being served may go on after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (address, folder) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => ("127.0.0.1:8080", "."),
        [folder] if folder != "--listen" => ("127.0.0.1:8080", folder),
        ["--listen", address] => (address, "."),
        ["--listen", address, folder] => (address, folder),
        _ => return Err("use: static_files [--listen ADDRESS] [DIRECTORY]".into()),
    };
    let files = Files::beneath(folder).map_err(|error| format!("{folder}: {error}"))?;
    let listener = TcpListener::bind(address)?;

    let mut config = Config::new();
    config.log = Some(AccessLog::stdout());
    let server = Server::with_config(handler(files), config);
    let (handle, signals) = (server.handle(), Signals::new(&STOP)?);
    spawn(move || signals.wait().map(|_| handle.stop(GRACE)));
    println!("listening on {}", listener.local_addr()?);
    Ok(server.serve(listener)?)
}

fn main() -> ExitCode {
    let Err(error) = run() else {
        return ExitCode::SUCCESS;
    };
    eprintln!("static_files: {error}");
    ExitCode::FAILURE
}
