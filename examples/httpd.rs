//! The main job: an HTTP server that answers real clients. Run it and see what it prints.
//!
//! `cargo run --release --example httpd -- [--listen ADDR] [--hub NAME] [--quiet] [--backdoor ADDR|off] [--no-shortcut]`

mod pages;

use std::io::{self, Write};
use std::process::ExitCode;
use std::rc::{Rc, Weak};
use std::time::Duration;

use eventlet::http::backdoor::{Backdoor, Config as ConsoleConfig, Names, Place};
use eventlet::http::server::{AccessLog, Config, RequestBody, Server};
use eventlet::net::TcpListener;
use eventlet::signals::{STOP, Signals};
use eventlet::spawn;
use http::Request;
use pages::Pages;

/// How long requests that are being served may go on after Ctrl-C.
const GRACE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("httpd: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut listen = "127.0.0.1:8080".to_owned();
    let mut log = Some(AccessLog::stdout());
    let mut has_shortcut = true;
    let mut console = "127.0.0.1:3000".to_owned();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--listen" => listen = value()?,
            "--hub" => eventlet::use_hub(&value()?)?,
            "--quiet" => log = None,
            "--no-shortcut" => has_shortcut = false,
            "--backdoor" => console = value()?,
            other => {
                return Err(format!(
                    "unknown option {other}; see --listen, --hub, --quiet, --backdoor, --no-shortcut"
                )
                .into());
            }
        }
    }
    eventlet::init()?;
    let listener = TcpListener::bind(&listen)
        .map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    let address = listener.local_addr()?;

    let mut config = Config::new();
    config.log = log;
    let server = Rc::new_cyclic(|server: &Weak<Server>| {
        let server = server.clone();
        let answer = move |request: Request<RequestBody>| {
            pages::answer(request, || server.upgrade().map(|it| it.handle().status()))
        };
        Server::with_config(Pages::new(answer, has_shortcut), config)
    });
    let handle = server.handle();
    let mut names = Names::new();
    let status = server.handle();
    let requests = move || status.status().requests as i64;
    names.value("requests", "requests answered so far", requests);
    // Without it the server goes on: that is said in a line.
    let _console = match &*console {
        "off" => None,
        place => Backdoor::new(ConsoleConfig::new(), names).open_loudly(&place.parse::<Place>()?),
    };
    let signals = Signals::new(&STOP)?;
    spawn(move || {
        if signals.wait().is_ok() {
            eprintln!("httpd: stopping");
            handle.stop(GRACE);
        }
    });
    println!(
        "listening on http://{address}/ with the {} hub",
        eventlet::stats().hub
    );
    println!("try: curl -i http://{address}/plaintext");
    println!("     curl -N 'http://{address}/chunked?n=5&ms=300'");
    println!("     curl --data-binary @Cargo.lock http://{address}/echo");
    io::stdout().flush()?;
    server.serve(listener)?;
    Ok(())
}
