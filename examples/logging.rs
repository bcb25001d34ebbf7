//! An echo server that logs to a file and to syslog, without ever waiting for either.
//!
//! ```text
//! cargo run --example logging --features log -- --listen 127.0.0.1:7777 --file echo.log
//! nc 127.0.0.1 7777        # in another terminal; `tail -f echo.log` in a third
//! mv echo.log echo.log.1; kill -HUP $(pidof logging)    # as logrotate does
//! ```
//!
//! With `--syslog SOCKET` (`/dev/log`, as a rule) records go there as well; the daemon may come and go.
//! Records say which coroutine they are of: each connection has its own, named after the client.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use eventlet::logging::{DEFAULT_FLUSH, LogFile, Logger, Syslog, SyslogFormat};
use eventlet::net::{TcpListener, TcpStream};
use eventlet::signals::{SIGHUP, STOP, Signals};
use eventlet::{Builder, spawn};
use log::{LevelFilter, debug, info, warn};

fn echo(mut client: TcpStream) {
    info!("connected");
    let mut bytes = [0; 4096];
    let mut total = 0;
    let outcome: io::Result<()> = loop {
        match client.read(&mut bytes) {
            Ok(0) => break Ok(()),
            Ok(count) => {
                total += count;
                debug!(bytes = count; "heard {:?}", String::from_utf8_lossy(&bytes[..count]));
                if let Err(error) = client.write_all(&bytes[..count]) {
                    break Err(error);
                }
            }
            Err(error) => break Err(error),
        }
    };
    match outcome {
        Ok(()) => info!(bytes = total; "gone"),
        Err(error) => warn!(bytes = total; "lost: {error}"),
    }
}

struct Options {
    listen: String,
    file: String,
    syslog: Option<String>,
}

fn options() -> io::Result<Options> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (listen, file, syslog) = match words[..] {
        ["--listen", listen, "--file", file] => (listen, file, None),
        ["--listen", listen, "--file", file, "--syslog", socket] => (listen, file, Some(socket)),
        _ => {
            let usage = "usage: logging --listen HOST:PORT --file PATH [--syslog SOCKET]";
            return Err(io::Error::other(usage));
        }
    };
    Ok(Options {
        listen: listen.to_owned(),
        file: file.to_owned(),
        syslog: syslog.map(str::to_owned),
    })
}

fn run() -> io::Result<()> {
    let options = options()?;
    let signals = Signals::new(&STOP)?;
    let file = LogFile::open(&options.file)?;
    let _rotation = file.reopen_on(&[SIGHUP])?;
    let mut sinks = Logger::builder().level(LevelFilter::Debug).sink(file);
    if let Some(socket) = options.syslog {
        let syslog = Syslog::unix("logging", socket).format(SyslogFormat::Rfc5424);
        sinks = sinks.sink(syslog.start()?);
    }
    let installed = sinks.build().install().map_err(io::Error::other)?;

    let listener = TcpListener::bind(&options.listen)?;
    println!("listening on {}", listener.local_addr()?);
    info!(address:% = listener.local_addr()?; "listening");
    let closer = listener.try_clone()?;
    spawn(move || signals.wait().and_then(|_| closer.close()));
    while let Ok((client, peer)) = listener.accept_patiently() {
        Builder::new()
            .name(peer.to_string())
            .spawn(|| echo(client))?;
    }
    info!("stopping");
    // Only here is it told whether all could be written.
    installed.finish(DEFAULT_FLUSH)
}

fn main() -> ExitCode {
    let outcome = run().inspect_err(|error| eprintln!("logging: {error}"));
    ExitCode::from(u8::from(outcome.is_err()))
}
