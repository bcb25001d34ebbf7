//! A server to point conformance and load tools at: the addresses of `httpd`, and some that test what
//! a server does with handlers that misbehave.
//!
//! ```text
//! cargo run --release --example testbed -- --listen ADDR [--hub NAME] [--threads N]
//!                                          [--cert FILE --key FILE]
//! ```
//!
//! | address | what it does |
//! |---|---|
//! | `/noread` | answers without reading the body |
//! | `/status?code=` | answers with that status |
//! | `/bytes?n=` | answers with so many bytes |
//! | `/error` | the handler panics |
//! | `/abort` | streams a part, then fails |
//! | `/short` | declares 100 bytes, writes 10 |
//! | `/overlong` | declares 5 bytes, writes 10 |
//! | `/setheader?value=` | sends the percent-decoded value in `X-Set`, or 500 if no field may hold it |
//! | `/child` | the descriptors that a child process inherits |
//!
//! Options that are wrong or missing give one line and status 2, an address that cannot be listened on
//! status 1. Ctrl-C stops it: requests that are being served have ten seconds.

mod pages;

use std::cell::OnceCell;
use std::env;
use std::fmt;
use std::io::{self, Read, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use eventlet::http::server::{Body, Config, Cores, RequestBody, Server, ServerHandle};
use eventlet::http::tls::{HTTP_PROTOCOLS, Identity, TlsAcceptor};
use eventlet::http::wire::{percent_decode, query_value};
use eventlet::net::TcpListener;
use eventlet::signals::{STOP, Signals};
use eventlet::{cores, offload, spawn};
use http::{HeaderName, HeaderValue, Request, StatusCode};

use pages::{Answer, Pages, TEXT, typed};

const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// How long requests that are being served may go on after Ctrl-C.
const GRACE: Duration = Duration::from_secs(10);

const USAGE: &str = "--listen ADDR [--hub NAME] [--cert FILE --key FILE] [--threads N]";

/// Why it gives up.
enum Failure {
    /// The options, which are the user's to mend.
    Usage(String),
    Other(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Other(error)
    }
}

fn usage(why: impl fmt::Display) -> Failure {
    Failure::Usage(format!("{why}; usage: testbed {USAGE}"))
}

fn main() -> ExitCode {
    let (line, status) = match options().and_then(run) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Usage(line)) => (line, 2),
        Err(Failure::Other(error)) => (error.to_string(), 1),
    };
    eprintln!("testbed: {line}");
    ExitCode::from(status)
}

#[derive(Default)]
struct Options {
    listen: String,
    hub: Option<String>,
    /// Where certificate and key are.
    identity: Option<(String, String)>,
    threads: Option<usize>,
}

fn options() -> Result<Options, Failure> {
    let (mut listen, mut hub, mut cert, mut key, mut threads) = (None, None, None, None, None);
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let into = match argument.as_str() {
            "--listen" => &mut listen,
            "--hub" => &mut hub,
            "--cert" => &mut cert,
            "--key" => &mut key,
            "--threads" => &mut threads,
            other => return Err(usage(format_args!("unknown option {other}"))),
        };
        let value = arguments.next();
        let value = value.ok_or_else(|| usage(format_args!("{argument} needs a value")))?;
        if into.replace(value).is_some() {
            return Err(usage(format_args!("{argument} is there twice")));
        }
    }
    let identity = match (cert, key) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (None, None) => None,
        _ => return Err(usage("--cert and --key go together")),
    };
    let number = |text: String| match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(usage(format_args!("--threads {text}: not a number from 1"))),
    };
    Ok(Options {
        listen: listen.ok_or_else(|| usage("--listen is missing"))?,
        hub,
        identity,
        threads: threads.map(number).transpose()?,
    })
}

fn run(options: Options) -> Result<(), Failure> {
    let acceptor = options.identity.as_ref().map(acceptor).transpose()?;
    if let Some(hub) = &options.hub {
        eventlet::use_hub(hub).map_err(|error| Failure::Usage(error.to_string()))?;
    }
    eventlet::init().map_err(io::Error::other)?;
    let signals = Signals::new(&STOP)?;
    match options.threads {
        None => on_this_thread(&options, acceptor, signals),
        Some(threads) => on_cores(&options, threads, acceptor, &signals),
    }
}

fn acceptor((cert, key): &(String, String)) -> Result<TlsAcceptor, Failure> {
    Identity::from_pem_files(cert, key)
        .and_then(|identity| TlsAcceptor::builder(identity).alpn(HTTP_PROTOCOLS).build())
        .map_err(|error| Failure::Usage(format!("--cert {cert} --key {key}: {error}")))
}

/// One loop, in this thread.
fn on_this_thread(
    options: &Options,
    acceptor: Option<TlsAcceptor>,
    signals: Signals,
) -> Result<(), Failure> {
    let listener = TcpListener::bind(&options.listen).map_err(|error| refused(options, error))?;
    let server = server();
    let handle = server.handle();
    spawn(move || {
        if signals.wait().is_ok() {
            handle.stop(GRACE);
        }
    });
    announce(options, listener.local_addr()?)?;
    match acceptor {
        Some(acceptor) => server.serve_tls(listener, acceptor)?,
        None => server.serve(listener)?,
    }
    Ok(())
}

/// As many loops as asked for, which share the address.
fn on_cores(
    options: &Options,
    threads: usize,
    acceptor: Option<TlsAcceptor>,
    signals: &Signals,
) -> Result<(), Failure> {
    let mut builder = cores::Builder::new().threads(threads).grace(GRACE);
    if let Some(hub) = &options.hub {
        builder = builder.hub(hub);
    }
    let listen = &*options.listen;
    let serving = match acceptor {
        Some(acceptor) => Cores::serve_tls(builder, listen, acceptor, server),
        None => Cores::serve(builder, listen, server),
    };
    let serving = serving.map_err(|error| refused(options, error))?;
    let address = serving.local_addr();
    let address = address.ok_or_else(|| io::Error::other("the listener has no address"))?;
    announce(options, address)?;
    signals.wait()?;
    serving.stop();
    serving
        .join()
        .map_err(|error| Failure::Other(io::Error::other(error.to_string())))
}

fn refused(options: &Options, error: io::Error) -> Failure {
    let text = format!("cannot listen on {}: {error}", options.listen);
    Failure::Other(io::Error::new(error.kind(), text))
}

fn announce(options: &Options, address: impl fmt::Display) -> io::Result<()> {
    let hub = eventlet::stats().hub;
    let scheme = match options.identity {
        Some(_) => "https",
        None => "http",
    };
    println!("listening on {scheme}://{address}/ with the {hub} hub");
    io::stdout().flush()
}

thread_local! {
    /// The server of this thread, for the page that shows its state.
    static HANDLE: OnceCell<ServerHandle> = const { OnceCell::new() };
}

fn server() -> Server {
    let server = Server::with_config(Pages::new(answer, true), Config::new());
    HANDLE.with(|handle| {
        handle.get_or_init(|| server.handle());
    });
    server
}

fn answer(request: Request<RequestBody>) -> Answer {
    let query = request.uri().query().unwrap_or_default().to_owned();
    match request.uri().path() {
        "/noread" => typed(TEXT, "noread\n"),
        "/status" => status(&query),
        "/bytes" => match query_value(&query, "n").and_then(|n| n.parse().ok()) {
            Some(n) => {
                let body = Body::sized_reader(n, io::repeat(b'x').take(n));
                typed(BYTES, body)
            }
            None => refuse("n is not a number of bytes"),
        },
        "/error" => panic!("the handler of /error panics on purpose"),
        "/abort" => typed(
            TEXT,
            Body::stream(|sink| {
                sink.write_all(b"part\n")?;
                sink.flush()?;
                Err(io::Error::other("the handler of /abort fails on purpose"))
            }),
        ),
        "/short" => typed(TEXT, declared(100)),
        "/overlong" => typed(TEXT, declared(5)),
        "/setheader" => set_header(&query),
        "/child" => child(),
        _ => pages::answer(request, || {
            HANDLE.with(|handle| handle.get().map(ServerHandle::status))
        }),
    }
}

/// Ten bytes, whatever length is declared.
fn declared(length: u64) -> Body {
    Body::sized_stream(length, |sink| sink.write_all(b"0123456789"))
}

fn status(query: &str) -> Answer {
    let code = query_value(query, "code").and_then(|code| code.parse::<u16>().ok());
    // A handler gives final responses only.
    match code.map(StatusCode::from_u16) {
        Some(Ok(status)) if !status.is_informational() => {
            let mut answer = typed(TEXT, format!("{status}\n"));
            *answer.status_mut() = status;
            answer
        }
        _ => refuse("code is not a status from 200 to 999"),
    }
}

fn set_header(query: &str) -> Answer {
    let value = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("value="));
    // As bytes: a field may hold some that are no UTF-8.
    let value = percent_decode(value.unwrap_or_default());
    match HeaderValue::from_bytes(&value) {
        Ok(value) => {
            let mut answer = typed(TEXT, "set\n");
            let name = HeaderName::from_static("x-set");
            answer.headers_mut().insert(name, value);
            answer
        }
        Err(_) => {
            let mut answer = typed(TEXT, "no field may hold this value\n");
            *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            answer
        }
    }
}

/// What a child sees of our descriptors: it should be none but the three that are meant for it.
fn child() -> Answer {
    let listed = offload(|| {
        Command::new("ls")
            .args(["-l", "/proc/self/fd"])
            .stdin(Stdio::null())
            .output()
    });
    match listed.and_then(|output| output) {
        Ok(output) => typed(TEXT, [output.stdout, output.stderr].concat()),
        Err(error) => {
            let mut answer = typed(TEXT, format!("ls: {error}\n"));
            *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            answer
        }
    }
}

fn refuse(why: &str) -> Answer {
    let mut answer = typed(TEXT, format!("400 Bad Request: {why}\n"));
    *answer.status_mut() = StatusCode::BAD_REQUEST;
    answer
}
