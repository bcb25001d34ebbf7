//! The HTTP servers that are compared, as programs to start: a bare epoll loop, ours, hyper, may_minihttp.
//!
//! They are measured by [`serving`](crate::serving). All of them answer `GET /plaintext` and
//! `POST /echo`.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::flags::Flags;
use crate::outcome::Side;
use crate::serving::Candidate;

/// The server that the others are set against.
pub const BARE: &str = "bare";

/// The `httpd` example of this workspace.
pub const OURS: &str = "ours";

/// The same without its shortcut: each request goes through the handler.
pub const HANDLER: &str = "ours-handler";

/// What the flags `--ours`, `--only` and `--server` choose; see `cpu_per_request`.
///
/// # Errors
///
/// A line about the flag that makes no sense.
pub fn candidates(flags: &mut Flags) -> Result<Vec<Candidate>, String> {
    let here = env::current_exe().map_err(|error| error.to_string())?;
    let beside = |name: &str| here.with_file_name(name);
    let ours = flags.value(
        "--ours",
        beside("examples").join("httpd").display().to_string(),
    )?;
    let ours = PathBuf::from(ours);
    let only = flags.text("--only")?;
    let wanted = |name: &str| match &only {
        None => true,
        Some(names) => name == BARE || names.split(',').any(|other| other == name),
    };
    let candidate = |name: &str, side, command| Candidate {
        name: name.to_owned(),
        side,
        command,
    };

    let bare = Command::new(beside("bare_httpd"));
    let mut candidates = vec![candidate(BARE, Side::Peer, bare)];
    for (name, more) in [(OURS, None), (HANDLER, Some("--no-shortcut"))] {
        if !wanted(name) {
            continue;
        }
        if ours.exists() {
            let mut command = Command::new(&ours);
            // No console: where its port is taken, it would say so.
            command.args(["--listen", "127.0.0.1:0", "--quiet", "--backdoor", "off"]);
            command.args(more);
            candidates.push(candidate(name, Side::Ours, command));
        } else {
            println!(
                "SKIPPED: {name}: no {}; build it first: cargo build --release --example httpd",
                ours.display()
            );
        }
    }
    for peer in ["hyper", "may"].into_iter().filter(|peer| wanted(peer)) {
        let command = Command::new(beside(&format!("{peer}_httpd")));
        candidates.push(candidate(peer, Side::Peer, command));
    }
    while let Some(server) = flags.text("--server")? {
        let (name, words) = server
            .split_once('=')
            .ok_or_else(|| format!("--server {server}: NAME=COMMAND"))?;
        let mut words = words.split_whitespace();
        let program = words
            .next()
            .ok_or_else(|| format!("--server {server}: no command"))?;
        let mut command = Command::new(program);
        command.args(words);
        candidates.push(candidate(name, Side::Peer, command));
    }
    Ok(candidates)
}
