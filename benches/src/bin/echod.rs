//! Echo servers, to be measured: `echod bare|eventlet|tokio|may`, each on one thread. Prints the address
//! it listens on, sends back what it reads, and goes on until it is killed.
//!
//! Everybody has one buffer of the same size: the bare loop for all connections, the others, whose tasks
//! may wait in the middle of a write, on a stack or in a task for each.

#![forbid(unsafe_code)]

use std::env;
use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::process::ExitCode;

use eventlet_benches::bare_echo::BareEcho;
use eventlet_benches::flags::exit_code;
use eventlet_benches::open_files;

/// Where they listen: a port that is free.
const ANYWHERE: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// What one read takes at most.
const BUFFER: usize = 2048;

fn main() -> ExitCode {
    open_files::allow_many();
    let served = match env::args().nth(1).as_deref() {
        Some("bare") => bare(),
        Some("eventlet") => eventlet(),
        Some("tokio") => tokio(),
        Some("may") => may(),
        _ => {
            eprintln!("usage: echod bare|eventlet|tokio|may");
            return ExitCode::from(2);
        }
    };
    exit_code("echod", served)
}

fn bare() -> io::Result<()> {
    let mut server = BareEcho::bind(ANYWHERE.into(), BUFFER)?;
    println!("{}", server.address()?);
    server.run()
}

/// Until the other end closes, or is gone: neither is the server's affair.
fn echo(mut stream: impl Read + Write) {
    let mut buffer = [0; BUFFER];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
}

fn eventlet() -> io::Result<()> {
    use eventlet_green::net::{TcpListener, tcp_server};

    let listener = TcpListener::bind(ANYWHERE)?;
    println!("{}", listener.local_addr()?);
    tcp_server(listener, |stream, _| {
        if stream.set_nodelay(true).is_ok() {
            echo(stream);
        }
    })
}

fn tokio() -> io::Result<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::runtime::Builder;
    use tokio::task::{LocalSet, spawn_local};

    let runtime = Builder::new_current_thread().enable_io().build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind(ANYWHERE).await?;
        println!("{}", listener.local_addr()?);
        loop {
            let (mut stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            spawn_local(async move {
                let mut buffer = [0; BUFFER];
                while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                    if stream.write_all(&buffer[..count]).await.is_err() {
                        break;
                    }
                }
            });
        }
    })
}

fn may() -> io::Result<()> {
    use may::go;
    use may::net::TcpListener;

    may::config().set_workers(1);
    let listener = TcpListener::bind(ANYWHERE)?;
    println!("{}", listener.local_addr()?);
    let accepting = go!(move || {
        for stream in listener.incoming() {
            let stream = stream?;
            stream.set_nodelay(true)?;
            go!(move || echo(stream));
        }
        Ok(())
    });
    accepting
        .join()
        .map_err(|_| io::Error::other("the server's coroutine panicked"))?
}
