//! An echo server on all cores: a loop on each, and a coroutine for each connection.
//!
//! ```text
//! cargo run --release --example echo_cores -- --listen 127.0.0.1:7000
//! nc 127.0.0.1 7000
//! ```
//!
//! A coroutine stays on its core; the connections are shared out among the cores, by the kernel where
//! it does so evenly, see [`Sharing`](cores::Sharing). Ctrl-C: what is open has some seconds to end.

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, io};

use eventlet::cores;
use eventlet::net::TcpStream;
use eventlet::signals::{STOP, Signals};

/// How long open connections may go on after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);

/// One connection. Runs on any of the cores; what it shares with others must be `Sync`.
fn echo(stream: TcpStream, peer: SocketAddr) {
    if let Err(error) = io::copy(&mut &stream, &mut &stream) {
        eprintln!("{peer}: {error}");
    }
}

/// What follows `--listen`, and the number that follows `--cores`.
fn settings() -> Result<(String, cores::Builder), Box<dyn Error>> {
    let mut address = None;
    let mut builder = cores::Builder::new().grace(GRACE);
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        match (word.as_str(), words.next()) {
            ("--listen", Some(value)) => address = Some(value),
            ("--cores", Some(value)) => match value.parse() {
                Ok(number) => builder = builder.threads(number),
                Err(error) => return Err(format!("--cores {value}: {error}").into()),
            },
            _ => return Err(format!("{word}: neither --listen ADDR nor --cores N").into()),
        }
    }
    let address = address.ok_or("usage: echo_cores --listen HOST:PORT [--cores N]")?;
    Ok((address, builder))
}

fn run() -> Result<(), Box<dyn Error>> {
    let (address, builder) = settings()?;
    let signals = Signals::new(&STOP)?;
    let serving = builder.serve(&*address, echo)?;
    println!("listening on {}", serving.local_addr());
    println!("on {} cores", serving.loops().len());
    signals.wait()?;
    let served = serving.served();
    serving.stop();
    serving.join()?;
    for (core, count) in served.into_iter().enumerate() {
        println!("core {core} has served {count} connections");
    }
    Ok(())
}

fn main() -> ExitCode {
    let outcome = run().inspect_err(|error| eprintln!("echo_cores: {error}"));
    ExitCode::from(u8::from(outcome.is_err()))
}
