//! The measuring programs, run as programs: they start the peers, load them and print their table.

mod watchdog;

use std::process::{Command, Output};

use watchdog::watchdog;

fn smoke(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cpu_per_request"))
        .env("EVENTLET_BENCH_SMOKE", "1")
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn every_peer_is_measured_at_both_depths() {
    let _watched = watchdog("every_peer_is_measured_at_both_depths");
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
        assert_eq!(lines.count(), 2, "{name} in {text}");
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
