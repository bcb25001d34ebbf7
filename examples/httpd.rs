//! The main job: an HTTP server that answers real clients. Run it and see what it prints.
//!
//! `cargo run --release --example httpd -- [--listen ADDR] [--hub NAME] [--quiet] [--backdoor ADDR|off]`

use std::io::{self, Write};
use std::process::ExitCode;
use std::rc::{Rc, Weak};
use std::time::Duration;

use eventlet::http::backdoor::{Backdoor, Config as ConsoleConfig, Names, Place};
use eventlet::http::server::{AccessLog, Body, Config, RequestBody, Server, ServerStatus};
use eventlet::http::wire::query_value;
use eventlet::net::TcpListener;
use eventlet::signals::{STOP, Signals};
use eventlet::{sleep, spawn};
use http::header::{ALLOW, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};

/// How long requests that are being served may go on after Ctrl-C.
const GRACE: Duration = Duration::from_secs(10);

type Answer = Response<Body>;

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
    let mut console = "127.0.0.1:3000".to_owned();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--listen" => listen = value()?,
            "--hub" => eventlet::use_hub(&value()?)?,
            "--quiet" => log = None,
            "--backdoor" => console = value()?,
            other => {
                return Err(format!(
                    "unknown option {other}; see --listen, --hub, --quiet, --backdoor"
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
        Server::with_config(
            move |request: Request<RequestBody>| answer(request, &server),
            config,
        )
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

fn answer(request: Request<RequestBody>, server: &Weak<Server>) -> Answer {
    let query = request.uri().query().unwrap_or_default();
    let number = |name, default| {
        query_value(query, name)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    match request.uri().path() {
        "/" => page(server.upgrade().map(|server| server.handle().status())),
        "/plaintext" => match *request.method() {
            Method::GET | Method::HEAD => typed("text/plain", "Hello, World!"),
            _ => Response::builder()
                .status(StatusCode::METHOD_NOT_ALLOWED)
                .header(ALLOW, "GET, HEAD")
                .body(Body::from("405 Method Not Allowed\n"))
                .expect("a valid response"),
        },
        "/json" => typed("application/json", r#"{"message":"Hello, World!"}"#),
        "/echo" => echo(request),
        "/headers" => headers(&request),
        "/chunked" => chunked(number("n", 3), number("ms", 100)),
        "/slow" => {
            let ms = number("ms", 1000);
            sleep(Duration::from_millis(ms));
            typed("text/plain", format!("slow {ms}\n"))
        }
        _ => {
            let mut response = typed("text/plain", "404 Not Found\n");
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    }
}

fn typed(content_type: &'static str, body: impl Into<Body>) -> Answer {
    let mut response = Response::new(body.into());
    let value = http::HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, value);
    response
}

/// The request's body as it comes, with its type.
fn echo(request: Request<RequestBody>) -> Answer {
    let content_type = request.headers().get(CONTENT_TYPE).cloned();
    let body = request.into_body();
    let length = body.remaining();
    let mut response = Response::new(match length {
        Some(length) => Body::sized_reader(length, body),
        None => Body::reader(body),
    });
    if let Some(content_type) = content_type {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}

fn headers(request: &Request<RequestBody>) -> Answer {
    let mut object = serde_json::Map::new();
    for name in request.headers().keys() {
        let values = request.headers().get_all(name).iter();
        let values: Vec<_> = values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        object.insert(name.as_str().to_owned(), values.join(", ").into());
    }
    typed(
        "application/json",
        serde_json::Value::Object(object).to_string(),
    )
}

fn chunked(n: u64, ms: u64) -> Answer {
    typed(
        "text/plain",
        Body::stream(move |sink| {
            for piece in 0..n {
                if piece > 0 {
                    sleep(Duration::from_millis(ms));
                }
                writeln!(sink, "chunk {piece}")?;
                sink.flush()?;
            }
            Ok(())
        }),
    )
}

fn page(server: Option<ServerStatus>) -> Answer {
    let stats = eventlet::stats();
    let (open, busy, requests) = server.map_or((0, 0, 0), |server| {
        (server.open, server.busy, server.requests)
    });
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=1>\
         <title>eventlet httpd</title><style>body{{font:16px/1.5 system-ui;max-width:34rem;\
         margin:3rem auto;padding:0 1rem;color-scheme:light dark}}td{{padding:.15rem 1.5rem \
         .15rem 0}}td:last-child{{text-align:right;font-variant-numeric:tabular-nums}}</style>\
         <h1>eventlet httpd</h1><table>\
         <tr><td>hub<td>{}<tr><td>live coroutines<td>{}<tr><td>timers<td>{}\
         <tr><td>open connections<td>{open}<tr><td>of them busy<td>{busy}\
         <tr><td>requests answered<td>{requests}<tr><td>turns of the run loop<td>{}\
         <tr><td>switches of coroutines<td>{}</table>\
         <p>Try <a href=/plaintext>/plaintext</a>, <a href=/json>/json</a>, \
         <a href=/headers>/headers</a>, <a href='/chunked?n=10&amp;ms=300'>/chunked</a>, \
         <a href='/slow?ms=500'>/slow</a>; POST to /echo.</p></html>\n",
        stats.hub, stats.coroutines, stats.timers, stats.turns, stats.switches,
    );
    typed("text/html; charset=utf-8", html)
}
