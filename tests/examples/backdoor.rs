//! `backdoor`: looked into and changed as its head tells; and the console of `httpd`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, ChildStdout};

use crate::support::{Program, assert_refusal, command, connect, under_each_hub};

/// Says all this and gives what is answered, to the end of the session.
fn converse(address: &str, lines: &[&str]) -> String {
    let mut stream = connect(address);
    let text = lines.join("\r\n") + "\r\nexit\r\n";
    stream.write_all(text.as_bytes()).unwrap();
    rest(stream)
}

fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn its_state_is_seen_and_changed() {
    under_each_hub("backdoor", "its_state_is_seen_and_changed", |hub| {
        let mut program = Program::start("backdoor", hub, &["--listen", "127.0.0.1:0"]);
        let address = program.address();
        let lines = [
            "app.pause = 0.01",
            "order(\"green\", 3)",
            "while app.served < 3 {}",
            "print(\"served \" + app.served)",
            "orders().len()",
            "app.pause = 0",
            "bt(ps().rows().find(|one| one.name == \"brewer\").id)",
        ];
        let shown = converse(&address, &lines);
        for expected in [
            &format!("with the {hub} hub"),
            "served 3\r\n",
            ">>> 0\r\n",
            "app.pause: between 0.01 and 60 seconds",
            "backdoor::brew",
        ] {
            assert!(shown.contains(expected), "no {expected} in {shown}");
        }
        program.signal("INT");
        assert!(program.end().is_empty());
    });
}

#[test]
fn what_it_does_not_understand_is_one_line() {
    under_each_hub("backdoor", "what_it_does_not_understand", |hub| {
        for (arguments, told) in [
            (&["what?"][..], "usage: backdoor"),
            (&["--listen"], "usage: backdoor"),
            (&["--listen", "nowhere"], "neither an address"),
            (&["--listen", "0.0.0.0:0"], "can be reached from elsewhere"),
        ] {
            assert_refusal("backdoor", hub, arguments, told);
        }
    });
}

#[test]
fn httpd_has_a_console_and_goes_on_without_it() {
    under_each_hub(
        "httpd",
        "httpd_has_a_console_and_goes_on_without_it",
        |hub| {
            let first = Httpd::new(hub, "127.0.0.1:0");
            let address = first.said.strip_prefix("backdoor: listening on ");
            let address = address.unwrap_or_else(|| panic!("{}", first.said)).trim();
            let shown = converse(address, &["app.requests", "stats().hub"]);
            assert!(shown.contains(">>> 0\r\n"), "{shown}");
            assert!(shown.contains(&format!(">>> \"{hub}\"\r\n")), "{shown}");

            let second = Httpd::new(hub, address);
            let told = format!("backdoor: not listening on {address}: ");
            assert!(second.said.starts_with(&told), "{}", second.said);
            assert!(
                second.banner.starts_with("listening on http://"),
                "{}",
                second.banner
            );
        },
    );
}

/// A server with its console at that place; killed when it is dropped.
struct Httpd {
    process: Child,
    /// The first lines of standard error and output.
    said: String,
    banner: String,
    /// Whoever prints to nobody fails.
    _pipes: (BufReader<ChildStderr>, BufReader<ChildStdout>),
}

impl Httpd {
    fn new(hub: &str, place: &str) -> Self {
        let mut httpd = command("httpd", hub);
        httpd.args(["--listen", "127.0.0.1:0", "--quiet", "--backdoor", place]);
        let mut process = httpd.spawn().unwrap();
        let mut errors = BufReader::new(process.stderr.take().unwrap());
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let (mut said, mut banner) = (String::new(), String::new());
        errors.read_line(&mut said).unwrap();
        output.read_line(&mut banner).unwrap();
        Httpd {
            process,
            said,
            banner,
            _pipes: (errors, output),
        }
    }
}

impl Drop for Httpd {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
