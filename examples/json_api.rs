//! An interface that speaks JSON: notes that are made, listed, read and removed.
//!
//! ```text
//! cargo run --example json_api --features json -- --listen 127.0.0.1:8080
//! curl --json '{"text":"milk"}' http://127.0.0.1:8080/notes
//! curl http://127.0.0.1:8080/notes/1
//! ```

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use eventlet::http::format::Json;
use eventlet::http::gateway::{ErrorResponse, handler};
use eventlet::http::server::{Body, IntoResponse, RequestBody, Server};
use eventlet::net::TcpListener;
use eventlet::signals::{STOP, Signals};
use eventlet::spawn;
use http::{Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};

/// How long requests that are being served may go on after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct Draft {
    text: String,
}

#[derive(Clone, Serialize)]
struct Note {
    id: u64,
    text: String,
}

/// One thread serves, so plain cells will do.
#[derive(Default)]
struct Notes {
    notes: RefCell<BTreeMap<u64, Note>>,
    last: Cell<u64>,
}

impl Notes {
    fn answer(&self, request: Request<RequestBody>) -> Result<Response<Body>, ErrorResponse> {
        let path = request.uri().path().to_owned();
        if path == "/notes" {
            return match *request.method() {
                Method::GET => Ok(Json(&*self.notes.borrow()).into_response()),
                Method::POST => {
                    let draft = Json::read(request)?;
                    Ok((StatusCode::CREATED, Json(self.add(draft))).into_response())
                }
                _ => Err(ErrorResponse::not_allowed("GET, POST")),
            };
        }
        let id = path.strip_prefix("/notes/").and_then(|id| id.parse().ok());
        let id = id.ok_or(ErrorResponse::not_found())?;
        let note = match *request.method() {
            Method::GET => self.notes.borrow().get(&id).cloned(),
            Method::DELETE => self.notes.borrow_mut().remove(&id),
            _ => return Err(ErrorResponse::not_allowed("GET, DELETE")),
        };
        Ok(Json(note.ok_or(ErrorResponse::not_found())?).into_response())
    }

    fn add(&self, Draft { text }: Draft) -> Note {
        let id = self.last.get() + 1;
        self.last.set(id);
        let note = Note { id, text };
        self.notes.borrow_mut().insert(id, note.clone());
        note
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let address = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => "127.0.0.1:8080",
        ["--listen", address] => address,
        _ => return Err("use: json_api [--listen ADDRESS]".into()),
    };
    let listener = TcpListener::bind(address)?;
    let notes = Notes::default();
    let server = Server::new(handler(move |request| notes.answer(request)));
    let (handle, signals) = (server.handle(), Signals::new(&STOP)?);
    spawn(move || signals.wait().map(|_| handle.stop(GRACE)));
    println!("listening on {}", listener.local_addr()?);
    Ok(server.serve(listener)?)
}

fn main() -> ExitCode {
    let Err(error) = run() else {
        return ExitCode::SUCCESS;
    };
    eprintln!("json_api: {error}");
    ExitCode::FAILURE
}
