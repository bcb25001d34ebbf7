//! `chat`: who hears what, and that a client that does not read costs the others nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::support::{Program, assert_refusal, connect, under_each_hub};

/// One who chats, in lock step with the test.
struct Client {
    stream: TcpStream,
    lines: BufReader<TcpStream>,
}

impl Client {
    /// Connects and says a name; is in the room when the others hear of it.
    fn new(address: &str, name: &str) -> Self {
        let stream = connect(address);
        let lines = BufReader::new(stream.try_clone().unwrap());
        let mut client = Client { stream, lines };
        assert_eq!(client.hear(), "* Your name?");
        client.say(name);
        client
    }

    fn say(&mut self, line: &str) {
        self.stream
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
    }

    #[track_caller]
    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        assert_eq!(line.pop(), Some('\n'), "a line");
        line
    }

    /// Whether the connection has ended, with nothing more to hear.
    #[track_caller]
    fn assert_end(mut self) {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
    }
}

fn start(hub: &str) -> (Program, String) {
    let mut program = Program::start("chat", hub, &["--listen", "127.0.0.1:0"]);
    let address = program.address();
    (program, address)
}

#[test]
fn everybody_else_hears_what_one_says() {
    under_each_hub("chat", "everybody_else_hears_what_one_says", |hub| {
        let (_program, address) = start(hub);
        let mut ann = Client::new(&address, "Ann");
        // What she says before she is let in is said when she is.
        let mut ben = Client::new(&address, "Ben");
        assert_eq!(ann.hear(), "* Ben is here.");
        let mut cid = Client::new(&address, "Cid");
        assert_eq!(ann.hear(), "* Cid is here.");
        assert_eq!(ben.hear(), "* Cid is here.");

        ann.say("hello, \u{1b}[31mall");
        assert_eq!(ben.hear(), "Ann: hello, [31mall");
        assert_eq!(cid.hear(), "Ann: hello, [31mall");
        // Not herself: next she hears another.
        cid.say("");
        assert_eq!(ann.hear(), "Cid: ");
        assert_eq!(ben.hear(), "Cid: ");

        drop(cid);
        assert_eq!(ann.hear(), "* Cid has left.");
        assert_eq!(ben.hear(), "* Cid has left.");
    });
}

#[test]
fn a_name_is_had_by_one() {
    under_each_hub("chat", "a_name_is_had_by_one", |hub| {
        let (_program, address) = start(hub);
        let mut ann = Client::new(&address, "Ann");
        let mut ben = Client::new(&address, "Ben");
        assert_eq!(ann.hear(), "* Ben is here.");
        for name in ["Ann", "Ben", ""] {
            let mut other = Client::new(&address, name);
            assert_eq!(other.hear(), "* Not that one, please.");
            other.assert_end();
        }
        drop(ann);
        assert_eq!(ben.hear(), "* Ann has left.");
        let _ann = Client::new(&address, "Ann");
        assert_eq!(ben.hear(), "* Ann is here.");
    });
}

#[test]
fn who_does_not_read_is_disconnected_and_holds_nobody_up() {
    /// More lines of 4,000 bytes than the buffers of any connection hold.
    const MOST: usize = 20_000;
    under_each_hub("chat", "who_does_not_read_is_disconnected", |hub| {
        let (_program, address) = start(hub);
        let mut ann = Client::new(&address, "Ann");
        let mut ben = Client::new(&address, "Ben");
        assert_eq!(ann.hear(), "* Ben is here.");
        let mut slow = Client::new(&address, "Slow");
        assert_eq!(ann.hear(), "* Slow is here.");
        assert_eq!(ben.hear(), "* Slow is here.");
        let text = "x".repeat(4000);
        let expected = format!("Ann: {text}");
        let mut heard = 0;
        loop {
            ann.say(&text);
            let line = ben.hear();
            if line == "* Slow has left." {
                break;
            }
            assert!(line == expected, "{line}");
            heard += 1;
            assert!(heard < MOST, "it was never disconnected");
        }
        assert!(heard > 64, "what waits for it is kept: {heard}");
        // The others are as before.
        assert_eq!(ann.hear(), "* Slow has left.");
        assert!(ben.hear() == expected);
        ben.say("still here");
        assert_eq!(ann.hear(), "Ben: still here");
        // It gets what was on its way, and then the end.
        let mut rest = Vec::new();
        let _ = slow.lines.read_to_end(&mut rest);
        assert!(rest.starts_with(expected.as_bytes()));
    });
}

#[test]
fn a_signal_is_told_to_all_and_ends_it() {
    under_each_hub("chat", "a_signal_is_told_to_all_and_ends_it", |hub| {
        for signal in ["INT", "TERM"] {
            let (program, address) = start(hub);
            let mut ann = Client::new(&address, "Ann");
            let mut ben = Client::new(&address, "Ben");
            assert_eq!(ann.hear(), "* Ben is here.");
            // One who has not said a name.
            let _shy = connect(&address);
            program.signal(signal);
            for client in [&mut ann, &mut ben] {
                assert_eq!(client.hear(), "* The server stops.");
            }
            ann.assert_end();
            ben.assert_end();
            assert!(program.end().is_empty());
        }
    });
}

#[test]
fn what_it_does_not_understand_is_one_line() {
    under_each_hub("chat", "what_it_does_not_understand", |hub| {
        for arguments in [
            &[][..],
            &["--listen"],
            &["what?"],
            &["--listen", "127.0.0.1:0", "more"],
        ] {
            assert_refusal("chat", hub, arguments, "usage: chat --listen");
        }
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        assert_refusal("chat", hub, &["--listen", &address], "in use");
        assert_refusal("chat", hub, &["--listen", "x"], "no socket address");
        assert_refusal("chat", "kq", &["--listen", "127.0.0.1:0"], "EVENTLET_HUB");
    });
}
