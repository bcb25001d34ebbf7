//! A reverse proxy: our server in front, our client behind, and bodies that stream through both ways.
//!
//! ```text
//! cargo run --release --example reverse_proxy -- http://127.0.0.1:8080 127.0.0.1:8000
//! ```

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use eventlet::http::client::{self, Agent, Config, Phase};
use eventlet::http::server::{Body, RequestBody, Server};
use eventlet::net::TcpListener;
use eventlet::signals::{STOP, Signals};
use eventlet::spawn;
use http::header::{CONNECTION, HeaderMap, HeaderName};
use http::{Request, Response, StatusCode, Uri};

/// How long requests that are under way may go on after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);

/// What is meant for the next hop only (RFC 9110 section 7.6.1), besides what `Connection` names.
const HOP_BY_HOP: &str = "connection, keep-alive, proxy-connection, proxy-authenticate, \
                          proxy-authorization, te, transfer-encoding, upgrade";

fn remove_hop_by_hop(fields: &mut HeaderMap) {
    let named = fields.clone();
    let named = named
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok());
    for name in named.chain([HOP_BY_HOP]).flat_map(|value| value.split(',')) {
        if let Ok(name) = name.trim().parse::<HeaderName>() {
            fields.remove(name);
        }
    }
}

/// Asks the server behind, and hands its response on while it comes.
fn forward(agent: &Agent, behind: &Uri, request: Request<RequestBody>) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    remove_hop_by_hop(&mut parts.headers);
    parts.headers.remove("expect"); // Our server asks for the body when it is read.
    if let Some(Ok(peer)) = body.peer_addr().map(|peer| peer.ip().to_string().parse()) {
        parts.headers.append("x-forwarded-for", peer);
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let target = format!("{}{path}", behind.to_string().trim_end_matches('/'));
    let Ok(uri) = target.parse() else {
        return refusal(StatusCode::BAD_REQUEST, "no such path");
    };
    parts.uri = uri;
    let body = match body.remaining() {
        Some(0) => client::Body::empty(),
        Some(length) => client::Body::sized_reader(length, body),
        None => client::Body::reader(body),
    };
    match agent.request(Request::from_parts(parts, body)) {
        Ok(response) => {
            let (mut parts, body) = response.into_parts();
            remove_hop_by_hop(&mut parts.headers);
            let body = match body.remaining() {
                Some(length) => Body::sized_reader(length, body),
                None => Body::reader(body),
            };
            Response::from_parts(parts, body)
        }
        Err(client::Error::Timeout(Phase::Head)) => {
            refusal(StatusCode::GATEWAY_TIMEOUT, "too late")
        }
        Err(error) => refusal(StatusCode::BAD_GATEWAY, &error.to_string()),
    }
}

fn refusal(status: StatusCode, why: &str) -> Response<Body> {
    let page = Response::builder().status(status);
    page.body(Body::from(format!("{why}\n")))
        .expect("a status and a text")
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let behind: Uri = words.next().ok_or("which server is behind?")?.parse()?;
    behind.host().ok_or("write http://host:port")?;
    let address = words.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(&address)?;
    let mut config = Config::new();
    (config.redirects, config.user_agent) = (0, None); // These are for the one who asked.
    let agent = Agent::with_config(config);
    let server = Server::new(move |request| forward(&agent, &behind, request));
    let (handle, signals) = (server.handle(), Signals::new(&STOP)?);
    spawn(move || signals.wait().map(|_| handle.stop(GRACE)));
    println!("listening on {}", listener.local_addr()?);
    Ok(server.serve(listener)?)
}

fn main() -> ExitCode {
    let outcome = run().inspect_err(|error| eprintln!("reverse_proxy: {error}"));
    ExitCode::from(u8::from(outcome.is_err()))
}
