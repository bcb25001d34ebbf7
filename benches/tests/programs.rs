//! The measuring programs, run as programs: they start the peers, load them and print their table; and
//! the report, from figures that are written down here.

mod watchdog;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use eventlet_benches::outcome::{Outcome, Side};

use watchdog::watchdog;

fn smoke(arguments: &[&str]) -> Output {
    brief(env!("CARGO_BIN_EXE_cpu_per_request"), arguments)
}

fn brief(program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .env("EVENTLET_BENCH_SMOKE", "1")
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn every_peer_is_measured_in_every_work() {
    let _watched = watchdog("every_peer_is_measured_in_every_work");
    let bare_again = format!(
        "again={} --listen 127.0.0.1:0",
        env!("CARGO_BIN_EXE_bare_httpd")
    );
    let output = smoke(&["--only", "hyper,may", "--server", &bare_again]);
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    for name in ["bare", "hyper", "may", "again"] {
        let lines = text
            .lines()
            .filter(|line| line.trim_start().starts_with(name));
        assert_eq!(lines.count(), 3, "{name} in {text}");
    }
}

#[test]
fn a_missing_program_of_ours_is_said_aloud() {
    let _watched = watchdog("a_missing_program_of_ours_is_said_aloud");
    let output = smoke(&["--only", "ours", "--ours", "/no/such/httpd"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(text.contains("SKIPPED: ours: no /no/such/httpd"), "{text}");
}

#[test]
fn an_unknown_flag_is_an_error() {
    let _watched = watchdog("an_unknown_flag_is_an_error");
    let output = smoke(&["--round", "1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--round"));
}

#[test]
fn the_load_reports() {
    let _watched = watchdog("the_load_reports");
    let output = Command::new(env!("CARGO_BIN_EXE_load"))
        .args(["--address", "192.0.2.1:80"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("loopback"));
}

#[test]
fn echoes_are_measured_over_connections() {
    let _watched = watchdog("echoes_are_measured_over_connections");
    let output = brief(env!("CARGO_BIN_EXE_connections"), &["--sizes", "1,20"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    for outcome in [
        "echo/1/cpu: ",
        "echo/20/cpu: ",
        "echo/20/p50: ",
        "echo/20/p99: ",
    ] {
        let mut lines = text.lines().filter(|line| line.starts_with(outcome));
        let line = lines.next().unwrap();
        for name in ["bare", "eventlet", "tokio", "may"] {
            assert!(line.contains(&format!("{name} ")), "{name} in {line}");
        }
    }
}

#[test]
fn more_connections_than_may_be_open_are_skipped_aloud() {
    let _watched = watchdog("more_connections_than_may_be_open_are_skipped_aloud");
    let output = brief(
        env!("CARGO_BIN_EXE_connections"),
        &["--sizes", "1000000000"],
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("SKIPPED: 1000000000 connections: "), "{text}");
}

#[test]
fn idle_connections_are_weighed() {
    let _watched = watchdog("idle_connections_are_weighed");
    let output = brief(env!("CARGO_BIN_EXE_idle_connections"), &["--only", "hyper"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    for outcome in ["idle/50/memory: bytes each", "idle/50/wake-ups: per second"] {
        let mut lines = text.lines();
        let line = lines.find(|line| line.starts_with(outcome)).unwrap();
        assert!(line.contains("bare ") && line.contains("hyper "), "{line}");
    }
}

#[test]
fn sleeping_peers_are_weighed() {
    let _watched = watchdog("sleeping_peers_are_weighed");
    for peer in ["tokio", "may"] {
        let output = brief(env!("CARGO_BIN_EXE_sleepers"), &[peer, "200"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        let each = text.split_whitespace().nth(1).unwrap();
        assert!(each.parse::<u64>().unwrap() > 0, "{text}");
    }
    for wrong in [&["threads", "1"][..], &["tokio", "0"], &["may"]] {
        let output = brief(env!("CARGO_BIN_EXE_sleepers"), wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
}

/// Figures of three rounds.
fn outcome(name: &str, ours: (&str, f64), peer: (&str, f64)) -> String {
    let rounds = |middle: f64| vec![middle * 0.9, middle, middle * 1.2];
    let mut outcome = Outcome::new(name, "ns each");
    outcome.add(ours.0, Side::Ours, rounds(ours.1));
    outcome.add(peer.0, Side::Peer, rounds(peer.1));
    outcome.add_stopped("may", Side::Peer, "no mapping was left");
    serde_json::to_string(&outcome).unwrap()
}

#[test]
fn the_report_tells_what_is_met_and_what_is_missed() {
    let _watched = watchdog("the_report_tells_what_is_met_and_what_is_missed");
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    let folder = root.join("benches").join("report");
    fs::create_dir_all(&folder).unwrap();
    fs::write(root.join("benches/Cargo.toml"), "").unwrap();
    fs::write(
        folder.join("reasons.txt"),
        "# Why.\nyield/2: the clock was read\n",
    )
    .unwrap();
    let figures = [
        r#"{"is_quick":true,"lines":[["machine","a small one"]]}"#.to_owned(),
        outcome("yield/2", ("eventlet", 30.0), ("tokio-local", 100.0)),
        outcome("yield/100", ("eventlet", 40.0), ("tokio-local", 110.0)),
        outcome("spawn+join", ("eventlet", 60.0), ("tokio-local", 100.0)),
    ];
    fs::write(folder.join("figures.jsonl"), figures.join("\n")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_report"));
    let output = command.arg("--render").current_dir(&root).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");

    let page = fs::read_to_string(root.join("benches/REPORT.md")).unwrap();
    let row = |beginning: &str| {
        page.lines()
            .find(|line| line.starts_with(beginning))
            .unwrap()
    };
    assert!(
        page.contains("A quick run") && page.contains("| machine | a small one |"),
        "{page}"
    );
    let missed = row("| yield between two coroutines | ≤ 15 ns each |");
    assert!(missed.contains("| 30 (28.5 to 33) |"), "{missed}");
    assert!(
        missed.contains("**missed** | the clock was read"),
        "{missed}"
    );
    let met = row("| yield between two coroutines | ≤ 0.33 of tokio-local |");
    assert!(met.contains("| met |"), "{met}");
    let unexplained = row("| spawn and join, pooled stack | ≤ 0.33 of tokio-local |");
    assert!(
        unexplained.contains("no reason has been written down yet"),
        "{unexplained}"
    );
    let open = row("| idle keep-alive HTTP connection |");
    assert!(open.contains("not measured | open"), "{open}");
    assert!(page.contains("may stopped: no mapping was left"), "{page}");

    // What there are figures for is drawn, for light and dark; the rest is not.
    let picture = fs::read_to_string(folder.join("yields.svg")).unwrap();
    for part in [
        "<svg",
        "prefers-color-scheme:dark",
        "coroutines",
        "ns of CPU each",
        "<polyline",
    ] {
        assert!(picture.contains(part), "{part}");
    }
    assert!(
        page.contains("(report/yields.svg)") && !page.contains("(report/hubs.svg)"),
        "{page}"
    );
}

#[test]
fn the_report_knows_its_place_and_its_steps() {
    let _watched = watchdog("the_report_knows_its_place_and_its_steps");
    let elsewhere = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_report"));
    let output = command
        .arg("--render")
        .current_dir(elsewhere)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("root of the workspace"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_report"));
    let output = command
        .args(["--only", "nothing"])
        .current_dir(root)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--only nothing: no such step"));
}
