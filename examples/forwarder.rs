//! A port forwarder: whatever connects here is connected to an address elsewhere.
//!
//! ```text
//! cargo run --example forwarder -- --listen 127.0.0.1:8080 --to example.com:80
//! curl -H 'Host: example.com' http://127.0.0.1:8080/
//! ```
//!
//! Two coroutines for each connection, one for each direction; a slow receiver slows its sender down.
//! Who has said all it has to say may still listen: the end of one direction is passed on, and the
//! other goes on. Ctrl-C: nothing more is accepted, and what is open has some seconds to end.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use eventlet::net::{ConnectOptions, TcpListener, TcpStream, ToSocketAddrs, tcp_server};
use eventlet::signals::{STOP, Signals};
use eventlet::{scope, spawn, sync::WaitGroup};

/// How long the other side may take to accept.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long open connections may go on after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);

/// Copies until the end of what `from` sends, and passes that end on. Gives the number of bytes.
fn pump(from: &TcpStream, to: &TcpStream) -> io::Result<u64> {
    let copied = io::copy(&mut &*from, &mut &*to);
    match copied {
        // Says that somebody has gone already: then there is nothing to pass on.
        Ok(_) => drop(to.shutdown(Shutdown::Write)),
        // Ends the other direction as well.
        Err(_) => drop((from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both))),
    }
    copied
}

/// Connects, and carries both directions until both have ended.
fn forward(client: &TcpStream, target: &str) -> io::Result<(u64, u64)> {
    let server = &ConnectOptions::new()
        .timeout(CONNECT_LIMIT)
        .connect(target)?;
    scope(|both| {
        let there = both.spawn(|| pump(client, server));
        let back = pump(server, client);
        let there = there
            .join()
            .map_err(|error| io::Error::other(error.to_string()))?;
        Ok((there?, back?))
    })
}

fn serve(client: &TcpStream, peer: SocketAddr, target: &str) {
    match forward(client, target) {
        Ok((there, back)) => println!("{peer}: {there} bytes there, {back} back"),
        Err(error) => println!("{peer}: {error}"),
    }
}

/// What follows `--listen` and `--to`.
fn addresses() -> io::Result<(String, String)> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match &words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--listen", from, "--to", to] => Ok(((*from).into(), (*to).into())),
        _ => {
            let usage = "usage: forwarder --listen HOST:PORT --to HOST:PORT";
            Err(io::Error::other(usage))
        }
    }
}

fn run() -> io::Result<()> {
    let (address, target) = addresses()?;
    target.lookup()?; // What is no address is told now, not by each connection.
    let signals = Signals::new(&STOP)?;
    let listener = TcpListener::bind(&address)?;
    println!("listening on {}", listener.local_addr()?);
    let closer = listener.try_clone()?;
    spawn(move || signals.wait().and_then(|_| closer.close()));
    let open = WaitGroup::new();
    let connections = open.clone();
    tcp_server(listener, move |client, peer| {
        let _until_here = connections.add();
        serve(&client, peer, &target);
    })?;
    println!("stopping, {} connections are open", open.members());
    open.wait_timeout(GRACE)?;
    Ok(())
}

fn main() -> ExitCode {
    let outcome = run().inspect_err(|error| eprintln!("forwarder: {error}"));
    ExitCode::from(u8::from(outcome.is_err()))
}
