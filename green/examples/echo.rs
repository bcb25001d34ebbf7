//! An echo server on coroutines alone: one per connection, in code that looks blocking.
//!
//! ```text
//! cargo run -p eventlet-green --example echo -- --listen 127.0.0.1:7000
//! ```
//!
//! Prints the address it listens on. Ctrl-C and SIGTERM stop it.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use eventlet_green::net::{TcpListener, tcp_server};
use eventlet_green::signals::{STOP, Signals};
use eventlet_green::{spawn, stats};

/// Port 7 is echo's by RFC 862; a port of the system's choice needs no privileges.
const DEFAULT_ADDRESS: &str = "127.0.0.1:0";

fn main() -> ExitCode {
    match address().and_then(|address| serve(&address)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What follows `--listen`.
fn address() -> io::Result<String> {
    let mut arguments = env::args().skip(1);
    match (
        arguments.next().as_deref(),
        arguments.next(),
        arguments.next(),
    ) {
        (None, ..) => Ok(DEFAULT_ADDRESS.into()),
        (Some("--listen"), Some(address), None) => Ok(address),
        _ => Err(io::Error::other("usage: echo [--listen HOST:PORT]")),
    }
}

fn serve(address: &str) -> io::Result<()> {
    let signals = Signals::new(&STOP)?;
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    io::stdout().flush()?;
    let closer = listener.try_clone()?;
    let server = spawn(|| {
        tcp_server(listener, |stream, peer| {
            // The same socket to read from and to write to: a shared reference will do.
            match io::copy(&mut &stream, &mut &stream) {
                Ok(count) => println!("{peer}: {count} bytes"),
                Err(error) => println!("{peer}: {error}"),
            }
        })
    });
    // Meanwhile the connections are served: the main thread is just another coroutine.
    signals.wait()?;
    closer.close()?;
    server
        .join()
        .map_err(|error| io::Error::other(error.to_string()))??;
    println!("{} connections were open", stats().coroutines);
    Ok(())
}
