//! A router of axum's, without tokio: its futures are run in the coroutines of the connections, its
//! bodies are streamed over green sockets.
//!
//! ```text
//! cargo run --example axum_on_green --features tower -- --listen 127.0.0.1:8080
//! curl http://127.0.0.1:8080/hello/world
//! curl --data-binary @Cargo.lock http://127.0.0.1:8080/upper
//! ```

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use eventlet::http::gateway::handler;
use eventlet::http::server::Server;
use eventlet::net::TcpListener;
use eventlet::signals::{STOP, Signals};
use eventlet::{offload, sleep, spawn};
use http_body_util::BodyExt;
use serde_json::{Value, json};

/// How long requests that are being served may go on after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);

type Count = Arc<AtomicU64>;

async fn hello(State(count): State<Count>, Path(name): Path<String>) -> Json<Value> {
    let count = count.fetch_add(1, Ordering::Relaxed) + 1;
    Json(json!({ "hello": name, "count": count }))
}

/// What parks a coroutine may be used within a future: others go on.
async fn nap(Path(ms): Path<u64>) -> String {
    sleep(Duration::from_millis(ms));
    let thread = offload(|| std::thread::current().name().map(str::to_owned));
    format!("slept {ms} ms, then asked {:?}\n", thread.ok().flatten())
}

/// Each piece goes back as it comes; nothing is held.
async fn upper(body: Body) -> Body {
    Body::new(body.map_frame(|frame| frame.map_data(|data| data.to_ascii_uppercase().into())))
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let address = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => "127.0.0.1:8080",
        ["--listen", address] => address,
        _ => return Err("use: axum_on_green [--listen ADDRESS]".into()),
    };
    let router = Router::new()
        .route("/hello/{name}", get(hello))
        .route("/nap/{ms}", get(nap))
        .route("/upper", post(upper))
        .with_state(Count::default());
    let listener = TcpListener::bind(address)?;

    let server = Server::new(handler(router));
    let (handle, signals) = (server.handle(), Signals::new(&STOP)?);
    spawn(move || signals.wait().map(|_| handle.stop(GRACE)));
    println!("listening on {}", listener.local_addr()?);
    Ok(server.serve(listener)?)
}

fn main() -> ExitCode {
    let Err(error) = run() else {
        return ExitCode::SUCCESS;
    };
    eprintln!("axum_on_green: {error}");
    ExitCode::FAILURE
}
