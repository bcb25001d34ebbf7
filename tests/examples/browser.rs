//! A browser without a window, if the machine has one, told what to do over its debugging protocol:
//! which is JSON over WebSocket, so that the client here is tried against a server of others, too.

use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use eventlet::http::websocket::{WebSocket, connect};
use serde_json::{Value, json};

use crate::support::loudly;

/// What it may be called.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// It talks to nobody but the machine itself.
const ARGUMENTS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "about:blank",
];

/// How long a message of the debugging protocol is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running browser; killed when it is dropped.
pub struct Browser {
    process: Child,
    profile: PathBuf,
    socket: WebSocket,
    last: Cell<u64>,
}

/// A page that it shows.
pub struct Page {
    session: String,
}

impl Browser {
    /// `None`, and a loud line, where there is none.
    pub fn start(test: &str) -> Option<Self> {
        let is_there = |name: &&&str| {
            let mut command = Command::new(name);
            let version = command
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            version.status().is_ok_and(|status| status.success())
        };
        let Some(name) = NAMES.iter().find(is_there) else {
            loudly(&format!("SKIPPED {test}: no browser: none of {NAMES:?}"));
            return None;
        };
        let profile = env::temp_dir().join(format!("eventlet-{}-{test}", std::process::id()));
        fs::create_dir_all(&profile).unwrap();
        let mut command = Command::new(name);
        command.args(ARGUMENTS).env("HOME", &profile);
        command.arg(format!("--user-data-dir={}", profile.display()));
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut before = Vec::new();
        let url = said.by_ref().map_while(Result::ok).find_map(|line| {
            let url = line
                .strip_prefix("DevTools listening on ")
                .map(str::to_owned);
            before.push(line);
            url
        });
        let url = url.unwrap_or_else(|| panic!("the browser ended: {before:?}"));
        // Read on, or it would find nobody there.
        thread::spawn(move || said.map_while(Result::ok).count());
        Some(Browser {
            process,
            profile,
            socket: connect(&url).unwrap(),
            last: Cell::new(0),
        })
    }

    /// Opens an address, and does not wait for it.
    pub fn open(&self, url: &str) -> Page {
        let target = self.ask("Target.createTarget", None, json!({ "url": url }));
        let arguments = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.ask("Target.attachToTarget", None, arguments);
        Page {
            session: session["sessionId"].as_str().unwrap().to_owned(),
        }
    }

    /// Runs JavaScript in a page; waits for what it promises.
    pub fn run(&self, page: &Page, script: &str) -> Value {
        let arguments = json!({
            "expression": script,
            "awaitPromise": true,
            "returnByValue": true,
        });
        let answer = self.ask("Runtime.evaluate", Some(&page.session), arguments);
        assert!(answer.get("exceptionDetails").is_none(), "{answer}");
        answer["result"]["value"].clone()
    }

    /// The text of the page, as soon as it has this in it.
    pub fn text_with(&self, page: &Page, wanted: &str) -> String {
        let wanted = json!(wanted);
        let script = format!(
            "new Promise((resolve) => {{
                const look = () => document.body?.innerText.includes({wanted})
                    ? resolve(document.body.innerText) : setTimeout(look, 20);
                look();
            }})"
        );
        self.run(page, &script).as_str().unwrap().to_owned()
    }

    fn ask(&self, method: &str, session: Option<&str>, arguments: Value) -> Value {
        let number = self.last.get() + 1;
        self.last.set(number);
        let mut question = json!({ "id": number, "method": method, "params": arguments });
        if let Some(session) = session {
            question["sessionId"] = session.into();
        }
        self.socket.send(question.to_string()).unwrap();
        loop {
            let message = self
                .socket
                .receive_timeout(PATIENCE)
                .unwrap()
                .expect("an answer");
            let answer: Value = serde_json::from_slice(message.as_bytes()).unwrap();
            // There are events among them, which nobody asked for.
            if answer["id"] == number {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself; its profile may still be written to, and be left.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}
