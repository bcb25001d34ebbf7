//! A client of an interface that speaks JSON: that of the example `json_api`.
//!
//! ```text
//! cargo run --example json_api --features json -- --listen 127.0.0.1:8080
//! cargo run --example json_client --features json -- http://127.0.0.1:8080 add milk
//! cargo run --example json_client --features json -- http://127.0.0.1:8080 list
//! cargo run --example json_client --features json -- http://127.0.0.1:8080 remove 1
//! ```

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use eventlet::http::client::{Agent, Config, Error, Speaking};
use eventlet::http::format::JsonFormat;
use http::StatusCode;
use serde::{Deserialize, Serialize};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Serialize)]
struct Draft<'a> {
    text: &'a str,
}

#[derive(Deserialize)]
struct Note {
    id: u64,
    text: String,
}

/// What is at a URL, if there is something.
fn existing(json: &Speaking<JsonFormat>, url: &str) -> Result<Option<Note>, Error> {
    match json.get(url) {
        Ok(note) => Ok(Some(note)),
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
        Err(error) => Err(error),
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let mut config = Config::new();
    config.whole = Some(PATIENCE);
    let json = Agent::with_config(config).speaking(JsonFormat);
    match words[..] {
        [server, "add", text] => {
            let note: Note = json.post(&format!("{server}/notes"), &Draft { text })?;
            println!("{} {}", note.id, note.text);
        }
        [server, "list"] => {
            let notes: BTreeMap<u64, Note> = json.get(&format!("{server}/notes"))?;
            for note in notes.values() {
                println!("{} {}", note.id, note.text);
            }
        }
        [server, "show", id] => match existing(&json, &format!("{server}/notes/{id}"))? {
            Some(note) => println!("{}", note.text),
            None => return Err(format!("there is no note {id}").into()),
        },
        [server, "remove", id] => json.delete(&format!("{server}/notes/{id}"))?,
        _ => return Err("use: json_client URL add TEXT | list | show ID | remove ID".into()),
    }
    Ok(())
}

fn main() -> ExitCode {
    let outcome = run().inspect_err(|error| eprintln!("json_client: {error}"));
    ExitCode::from(u8::from(outcome.is_err()))
}
