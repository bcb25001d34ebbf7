//! Sessions from the first byte to the last: prompts, statements of several lines, Ctrl-C and Ctrl-D,
//! clients that vanish, and several at once.

use std::io::Write;
use std::net::Shutdown;

use eventlet_green::net::unix::UnixStream;
use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::testing::duplex;
use eventlet_green::{JoinError, sleep, spawn, stats};
use eventlet_protocols::backdoor::{Backdoor, Config, Names, Place, output};
use eventlet_protocols::server::Peer;

use crate::support::{
    CONTINUED, Client, Console, Folder, PROMPT, SECOND, config, on_each_hub, on_each_hub_jumping,
    until,
};

#[test]
fn a_banner_then_a_prompt_then_a_print_over_tcp_of_both_kinds_and_a_unix_socket() {
    on_each_hub(|| {
        let folder = Folder::new();
        let backdoor = Backdoor::new(config(), Names::new());
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let opened = backdoor.open(&address.parse().unwrap()).unwrap();
            let Place::Tcp(address) = opened.place() else {
                panic!("{opened:?}");
            };
            let mut client = Client::over(TcpStream::connect(*address).unwrap());
            assert_eq!(client.until(PROMPT), "hello\r\n");
            assert_eq!(client.ask("print(\"hi\")"), "hi\r\n");
            drop(client);
            until(|| backdoor.sessions() == 0);
            opened.close().unwrap();
        }
        let path = folder.0.join("console");
        let opened = backdoor.open(&Place::Unix(path.clone())).unwrap();
        let mut client = Client::over(UnixStream::connect(&path).unwrap());
        assert_eq!(client.until(PROMPT), "hello\r\n");
        assert_eq!(client.ask("print(\"hi\")"), "hi\r\n");
        client.send("exit\n");
        assert_eq!(client.rest(), "");
        opened.close().unwrap();
        assert!(!path.exists());
    });
}

#[test]
fn the_usual_banner_names_the_program_and_telnet_is_asked_for_its_width() {
    on_each_hub(|| {
        let console = Console::with(Config::new(), Names::new());
        let mut client = console.connect();
        let greeting = client.until_bytes(PROMPT.as_bytes());
        let text = greeting.strip_prefix(b"\xff\xfd\x1f\r\0").unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(
            text.contains(stats().hub) && text.contains("help()"),
            "{text}"
        );
        drop(client);
        console.end();
    });
}

#[test]
fn values_are_shown_and_nothing_is_shown_of_nothing() {
    on_each_hub(|| {
        let console = Console::new();
        let mut client = console.session();
        for (statement, shown) in [
            ("", ""),
            ("   ", ""),
            ("let x = 40;", ""),
            ("x + 2", "42\r\n"),
            ("\"a\\nb\"", "\"a\\nb\"\r\n"),
            ("[1, 2.5, true, 'c']", "[1, 2.5, true, c]\r\n"),
            ("#{b: 1, a: \"x\"}", "a  \"x\"\r\nb  1\r\n"),
            ("()", ""),
            ("print(\"one\\ntwo\")", "one\r\ntwo\r\n"),
            ("fn twice(n) { 2 * n }", ""),
            ("twice(21)", "42\r\n"),
            ("[1, 2, 3].filter(|n| n > 1)", "[2, 3]\r\n"),
        ] {
            assert_eq!(client.ask(statement), shown, "{statement}");
        }
        let fault = client.ask("nonsense");
        assert!(
            fault.starts_with("error: Variable not found: nonsense"),
            "{fault}"
        );
        let fault = client.ask("1 +) 2");
        assert!(fault.starts_with("error: "), "{fault}");
        drop(client);
        console.end();
    });
}

#[test]
fn a_statement_may_have_several_lines() {
    on_each_hub(|| {
        let console = Console::new();
        let mut client = console.session();
        for lines in [
            &["let n = 0;", "for i in 0..3 {", "n += i", "}", "n"][..],
            &["let n =", "3;", "n"],
            &["let n = [1,", "2].len() +", "1;", "n"],
            &["let n = `x", "`.len() + 1;", "n"],
            &["fn three(", "a) {", "3", "}", "three(0)"],
        ] {
            client.send(lines.join("\r\n") + "\r\nprint(\"done\")\r\n");
            let shown = client.until("done\r\n");
            let shown = shown.replace(PROMPT, "").replace(CONTINUED, "");
            assert_eq!(shown, "3\r\n", "{lines:?}");
            client.until(PROMPT);
        }
        client.send("if true {\r\n");
        assert_eq!(client.until(CONTINUED), "");
        // An empty line gives up.
        let fault = client.ask("");
        assert!(fault.starts_with("error: "), "{fault}");
        // So does Ctrl-C.
        client.send("if true {\r\n\x03");
        assert_eq!(client.until(CONTINUED), "");
        assert_eq!(client.until(PROMPT), "\r\ninterrupted\r\n");
        assert_eq!(client.ask("1"), "1\r\n");
        drop(client);
        console.end();
    });
}

#[test]
fn statements_can_be_had_again() {
    on_each_hub(|| {
        let console = Console::new();
        let mut client = console.session();
        client.ask("let n = 1;");
        client.ask("n += 1; n");
        assert_eq!(client.ask("!!"), "n += 1; n\r\n3\r\n");
        assert_eq!(client.ask("!2"), "n += 1; n\r\n4\r\n");
        let shown = client.ask("history()");
        assert!(
            shown.contains("1  let n = 1;\r\n2  n += 1; n\r\n"),
            "{shown}"
        );
        for which in ["!0", "!9", "!x", "!"] {
            assert_eq!(
                client.ask(which),
                "error: no such statement; see history()\r\n"
            );
        }
        drop(client);
        console.end();
    });
}

#[test]
fn ctrl_c_ends_what_computes_and_what_waits() {
    on_each_hub(|| {
        let mut names = Names::new();
        names.function("stuck", "stuck(): waits", || sleep(3600 * SECOND));
        let console = Console::with(config(), names);
        let mut client = console.session();
        client.ask("let kept = 7;");
        for statement in [
            "loop {}",
            "sleep(3600)",
            "stuck()",
            "loop { let inner = 1; }",
        ] {
            client.send(format!("{statement}\r\n"));
            until(|| stats().coroutines >= 4);
            client.send("\x03");
            assert_eq!(
                client.until(PROMPT),
                "error: interrupted\r\n",
                "{statement}"
            );
            assert_eq!(client.ask("kept"), "7\r\n");
        }
        let fault = client.ask("inner");
        assert!(fault.contains("not found"), "{fault}");
        // As telnet sends it: it shows nothing until the mark is answered.
        client.send("loop {}\r\n");
        until(|| stats().coroutines >= 4);
        client.send(b"\xff\xf4\xff\xfd\x06");
        let answer = client.until_bytes(PROMPT.as_bytes());
        assert_eq!(answer, b"\xff\xfb\x06error: interrupted\r\n");
        // Lines that came before it are forgotten, those after it are not.
        client.send("loop {}\r\nprint(1)\r\n\x03print(2)\r\n");
        assert_eq!(client.until(PROMPT), "error: interrupted\r\n");
        assert_eq!(client.until(PROMPT), "2\r\n");
        drop(client);
        console.end();
    });
}

#[test]
fn a_session_ends_when_it_is_asked_to() {
    on_each_hub(|| {
        let console = Console::new();
        for (bytes, rest) in [
            ("\x04", "\r\n"),
            ("exit\n", ""),
            ("quit\r\n", ""),
            ("exit()\n", ""),
            ("if true { exit() }; print(1)\n", ""),
        ] {
            let mut client = console.session();
            client.send(bytes);
            assert_eq!(client.rest(), rest, "{bytes:?}");
        }
        // A client that sends no more gets its answers; what it has not ended is a line, too.
        let mut client = console.session();
        client.send("sleep(0.001); 1\n2\n3");
        client.finish();
        assert_eq!(client.rest(), "1\r\n>>> 2\r\n>>> 3\r\n>>> \r\n");
        console.end();
    });
}

#[test]
fn a_client_may_vanish_at_any_byte() {
    on_each_hub(|| {
        let mut names = Names::new();
        names.function("stuck", "stuck(): waits", || sleep(3600 * SECOND));
        let console = Console::with(config(), names);
        // At once.
        for _ in 0..20 {
            drop(console.connect());
        }
        let script =
            b"let x = 1;\r\n\xff\xfb\x18if x {\r\nfor i in 0..9 { print(i) }\r\n}\r\nx\r\n";
        for cut in 0..=script.len() {
            let mut client = console.connect();
            client.send(&script[..cut]);
        }
        // In the middle of a statement, with a reset.
        for statement in ["loop {}", "loop { print(1) }", "stuck()"] {
            let mut client = console.session();
            client.send(format!("{statement}\n"));
            until(|| stats().coroutines >= 4);
            client
                .stream
                .set_linger(Some(std::time::Duration::ZERO))
                .unwrap();
        }
        console.until_sessions(0);
        let mut client = console.session();
        assert_eq!(client.ask("1"), "1\r\n");
        drop(client);
        console.end();
    });
}

#[test]
fn what_runs_when_the_client_sends_no_more_has_ten_seconds() {
    on_each_hub_jumping(|_| {
        let console = Console::new();
        let mut client = console.session();
        client.send("sleep(9); print(1); sleep(9); print(2)\n");
        client.finish();
        assert_eq!(client.rest(), "1\r\nerror: interrupted\r\n>>> \r\n");
        console.end();
    });
}

#[test]
fn each_session_has_its_own_output_across_switches() {
    on_each_hub(|| {
        let mut names = Names::new();
        names.function(
            "say",
            "say(text): says it and waits in between",
            |text: &str| {
                for number in 0..3 {
                    let mut output = output().expect("in a statement");
                    writeln!(output, "{text}{number}").unwrap();
                    sleep(std::time::Duration::from_millis(1));
                }
            },
        );
        let console = Console::with(config(), names);
        let (mut ann, mut ben) = (console.session(), console.session());
        let statement = |name| {
            format!("for i in 0..3 {{ print(\"{name}\" + i); sleep(0.001) }}; say(\"{name}\")\n")
        };
        ann.send(statement("a"));
        ben.send(statement("b"));
        assert_eq!(ann.until(PROMPT), "a0\r\na1\r\na2\r\na0\r\na1\r\na2\r\n");
        assert_eq!(ben.until(PROMPT), "b0\r\nb1\r\nb2\r\nb0\r\nb1\r\nb2\r\n");
        // Nor have they each other's variables.
        ann.ask("let mine = 1;");
        assert!(ben.ask("mine").contains("not found"));
        assert!(output().is_none());
        drop((ann, ben));
        console.end();
    });
}

#[test]
fn a_session_can_be_killed_by_another_and_so_can_its_statement() {
    on_each_hub(|| {
        let console = Console::new();
        let (mut ann, mut ben) = (console.session(), console.session());
        ann.send("loop {}\n");
        until(|| stats().coroutines >= 5);
        let port = ann.stream.local_addr().unwrap().port();
        let find = |what: &str| {
            format!("let id = ps().rows().find(|c| c.name == \"{what} of 127.0.0.1:{port}\").id;")
        };
        assert_eq!(ben.ask(&find("statement")), "");
        assert_eq!(ben.ask("kill(id)"), "true\r\n");
        assert_eq!(ann.until(PROMPT), "error: the statement was killed\r\n");
        assert_eq!(ann.ask("1"), "1\r\n");
        ben.ask(&find("session"));
        assert_eq!(ben.ask("kill(id)"), "true\r\n");
        assert_eq!(ann.rest(), "");
        assert_eq!(ben.ask("kill(id)"), "false\r\n");
        assert!(ben.ask("kill(0)").contains("the program's own stack"));
        assert!(ben.ask("kill(-1)").contains("no number of a coroutine"));
        drop((ann, ben));
        console.end();
    });
}

#[test]
fn a_statement_may_kill_itself_and_its_session() {
    on_each_hub(|| {
        let console = Console::new();
        let mut client = console.session();
        let own = "ps().rows().find(|c| c.state == \"running\").id";
        let shown = client.ask(&format!("kill({own}); print(1)"));
        assert_eq!(shown, "error: the statement was killed\r\n");
        client.send("kill(sessions().rows()[0].id)\n");
        let rest = client.rest();
        assert!(rest.is_empty() || rest == "true\r\n", "{rest}");
        console.end();
    });
}

#[test]
fn sessions_end_with_the_console() {
    on_each_hub(|| {
        let console = Console::new();
        let (mut idle, mut busy) = (console.session(), console.session());
        busy.send("loop {}\n");
        until(|| stats().coroutines >= 5);
        console.opened.close().unwrap();
        assert_eq!(console.backdoor.sessions(), 0);
        assert_eq!(idle.rest(), "");
        assert_eq!(busy.rest(), "");

        // Killing whoever serves is noticed, too.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let backdoor = console.backdoor.clone();
        let serving = spawn(move || backdoor.serve(listener));
        let mut client = Client::over(TcpStream::connect(address).unwrap());
        assert_eq!(client.until(PROMPT), "hello\r\n");
        serving.kill().unwrap();
        assert!(matches!(serving.join(), Err(JoinError::Killed)));
        assert_eq!(client.rest(), "");
        until(|| console.backdoor.sessions() == 0);
    });
}

#[test]
fn one_connection_can_be_served_whatever_carries_it() {
    on_each_hub(|| {
        let backdoor = Backdoor::new(config(), Names::new());
        let (near, far) = duplex(3);
        let serving = spawn({
            let backdoor = backdoor.clone();
            move || backdoor.serve_stream(far, Peer::Unknown)
        });
        let mut client = Client::over(near);
        assert_eq!(client.until(PROMPT), "hello\r\n");
        assert_eq!(client.ask("20 + 1"), "21\r\n");
        client.stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.rest(), "\r\n");
        serving.join().unwrap().unwrap();
        assert_eq!(backdoor.sessions(), 0);
    });
}

#[test]
fn an_idle_console_costs_nothing() {
    on_each_hub_jumping(|_| {
        let mut config = config();
        config.idle = None;
        let console = Console::with(config, Names::new());
        let client = console.session();
        until(|| stats().coroutines == 2);
        let before = stats();
        sleep(3600 * SECOND);
        let after = stats();
        // The turn of this sleep, and one look at what is ready.
        assert!(after.turns - before.turns <= 3, "{before:?} {after:?}");
        assert!(
            after.switches - before.switches <= 1,
            "{before:?} {after:?}"
        );
        drop(client);
        console.end();
    });
}

#[test]
fn a_hundred_sessions_come_and_go() {
    on_each_hub(|| {
        let mut config = config();
        config.sessions = 100;
        let console = Console::with(config, Names::new());
        for _ in 0..2 {
            let mut clients: Vec<_> = (0..100).map(|_| console.session()).collect();
            for client in &mut clients {
                client.send("let a = []; for i in 0..100 { a.push(i) }; a.len()\n");
            }
            for client in &mut clients {
                assert_eq!(client.until(PROMPT), "100\r\n");
            }
            assert_eq!(console.backdoor.sessions(), 100);
            drop(clients);
            console.until_sessions(0);
        }
        console.end();
    });
}
