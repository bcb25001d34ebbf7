//! Clients as people have them: `telnet` under `expect`, and `nc`. Where one is missing, a loud line says
//! so.

use std::io::Write;
use std::process::{Command, Stdio};

use eventlet_green::{offload, spawn};
use eventlet_protocols::backdoor::{Config, Names, Password};

use crate::support::{Console, config, on_each_hub};

/// Whether the program is there; if not, that is said where the harness does not catch it.
fn is_there(program: &str, test: &str) -> bool {
    let mut search = Command::new("sh");
    search.args(["-c", &format!("command -v {program}")]);
    let found = search.stdout(Stdio::null()).status();
    let is_there = found.is_ok_and(|status| status.success());
    if !is_there {
        let line = format!("SKIPPED {test}: {program} is not installed\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    is_there
}

/// A conversation of telnet's with a terminal in front of it: `expect` gives it one.
const SCRIPT: &str = r#"
set timeout 30
log_user 1
proc wants {text} {
    expect {
        -ex $text {}
        timeout { puts "NO $text"; exit 3 }
        eof { puts "END INSTEAD OF $text"; exit 4 }
    }
}
set stty_init "rows 24 columns 50"
spawn telnet $env(HOST) $env(PORT)
wants "password: "
send "secret\r"
wants ">>> "
send "20 + 22\r"
wants "42"
wants ">>> "
send "loop {}\r"
after 200
send "\003"
wants "error: interrupted"
wants ">>> "
send "print(\"caf\u00e9\")\r"
wants "caf\u00e9"
wants ">>> "
send "help(\"ps()\")\r"
wants "…"
wants ">>> "
send "\004"
expect {
    eof {}
    timeout { puts "NO END"; exit 5 }
}
"#;

#[test]
fn telnet_with_a_terminal() {
    if !is_there("expect", "telnet_with_a_terminal")
        || !is_there("telnet", "telnet_with_a_terminal")
    {
        return;
    }
    on_each_hub(|| {
        let mut config = Config::new();
        config.password = Some(Password::new("secret").unwrap());
        let console = Console::with(config, Names::new());
        let address = console.address();
        let client = move || {
            Command::new("expect")
                .args(["-c", SCRIPT])
                .env("HOST", address.ip().to_string())
                .env("PORT", address.port().to_string())
                .env("LC_ALL", "C.UTF-8")
                .stdin(Stdio::null())
                .output()
        };
        let output = offload(client).unwrap().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{shown}");
        // It was typed, and not shown.
        assert_eq!(shown.matches("secret").count(), 0, "{shown}");
        console.end();
    });
}

#[test]
fn netcat_with_a_script_from_a_pipe() {
    if !is_there("nc", "netcat_with_a_script_from_a_pipe") {
        return;
    }
    on_each_hub(|| {
        let console = Console::with(config(), Names::new());
        let address = console.address();
        let script = "printf 'let x = 20;\\nif true {\\nx += 1 }\\nx * 2\\n' | nc -N $0 $1";
        let client = spawn(move || {
            offload(move || {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(script);
                shell
                    .arg(address.ip().to_string())
                    .arg(address.port().to_string());
                shell.output()
            })
        });
        let output = client.join().unwrap().unwrap().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        if errors.contains("invalid option") || errors.contains("usage") {
            let _ = std::io::stderr().write_all(b"SKIPPED netcat: this nc has no -N\n");
        } else {
            assert_eq!(shown, "hello\r\n>>> >>> ... >>> 42\r\n>>> \r\n", "{errors}");
        }
        console.end();
    });
}
