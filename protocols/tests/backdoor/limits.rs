//! What a client or a script could do to a program, and is kept from: each limit at the limit and one
//! past it, and a server that goes on meanwhile.

use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;

use eventlet_green::testing::in_children;
use eventlet_green::{now, sleep, spawn, stats, yield_now};
use eventlet_protocols::backdoor::{Names, Password};

use crate::support::{
    Client, Console, PROMPT, SECOND, config, on_each_hub, on_each_hub_jumping, until,
};

#[track_caller]
fn assert_fault(client: &mut Client, statement: &str, fault: &str) {
    let shown = client.ask(statement);
    let is_fault = shown.starts_with("error: ") && shown.contains(fault);
    assert!(is_fault, "no {fault} but {shown} of {statement}");
    assert_eq!(client.ask("1"), "1\r\n");
}

#[test]
fn a_line_that_is_too_long_or_no_text_is_told_and_forgotten() {
    on_each_hub(|| {
        let mut config = config();
        config.line = 10;
        let console = Console::with(config, Names::new());
        let mut client = console.session();
        assert_eq!(client.ask("12345 + 10"), "12355\r\n");
        assert_fault(&mut client, "12345 + 100", "a line may have 10 bytes");
        client.send(b"\"\xe2(\"\n");
        let shown = client.until(PROMPT);
        assert!(
            shown.starts_with("error: byte 1 of the line is not UTF-8"),
            "{shown}"
        );
        // Ten megabytes of one line.
        let piece = [b'x'; 64 * 1024];
        for _ in 0..160 {
            client.send(piece);
        }
        assert_fault(&mut client, "", "a line may have 10 bytes");
        drop(client);
        console.end();
    });
}

#[test]
fn a_statement_of_many_lines_is_not_endless() {
    on_each_hub(|| {
        let mut config = config();
        config.source = 1002;
        let console = Console::with(config, Names::new());
        let mut client = console.session();
        let list = |elements| format!("[\n{}]", "1,\n".repeat(elements));
        assert_eq!(list(333).len(), 1002);
        client.send(list(333) + "\n");
        let shown = client.until("]\r\n>>> ");
        assert_eq!(shown.matches('1').count(), 333);
        client.send(list(334) + "\n");
        let shown = client.until("a statement may have 1002 bytes\r\n>>> ");
        assert!(shown.ends_with("error: "), "{shown}");
        // The last bracket.
        assert!(client.until(PROMPT).contains("Unexpected ']'"));
        assert_eq!(client.ask("1"), "1\r\n");
        drop(client);
        console.end();
    });
}

#[test]
fn bombs_are_errors() {
    // What computes for long makes pauses, which take no time here.
    on_each_hub_jumping(|_| {
        let mut config = config();
        config.sizes.array = 1000;
        config.sizes.map = 1000;
        // It is the process that grows, by what other tests do as well.
        config.growth = None;
        config.statement = None;
        let console = Console::with(config, Names::new());
        let mut client = console.session();
        for (statement, fault) in [
            (
                "let s = \"x\"; loop { s += s }",
                "Length of string too large",
            ),
            ("let s = \"x\"; s.pad(2000000000, \"y\"); s", "too large"),
            (
                "let a = [0]; loop { a += a }",
                "Size of array/BLOB too large",
            ),
            ("let a = []; a.pad(2000000000, 0)", "too large"),
            ("blob(2000000000)", "too large"),
            (
                "let m = #{}; m.a = #{}; loop { m = #{m: m} }",
                "Size of object map too large",
            ),
            (
                "let a = []; loop { a = [a] }",
                "Size of array/BLOB too large",
            ),
            ("fn deep(n) { deep(n + 1) } deep(0)", "Stack overflow"),
            ("import \"file\" as f;", "module"),
            ("throw \"no\"", "no"),
        ] {
            assert_fault(&mut client, statement, fault);
        }
        let deep = format!("{}1{}", "(".repeat(20_000), ")".repeat(20_000));
        assert_fault(&mut client, &deep, "exceeds");
        let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
        assert_fault(&mut client, &deep, "exceeds");
        let many: String = (0..100).map(|n| format!("let v{n} = {n};")).collect();
        assert_fault(&mut client, &many, "Too many variables");
        drop(client);
        // A session that has its fill of variables has to be begun anew.
        console.until_sessions(0);
        console.end();
    });
}

/// Some growth is not counted by the language itself, but seen in the end.
#[test]
fn growth_of_the_process_is_bounded() {
    on_each_hub_jumping(|_| {
        let mut config = config();
        config.growth = Some(8 << 20);
        config.statement = None;
        let console = Console::with(config, Names::new());
        let mut client = console.session();
        let statement = "let s = \"x\"; s.pad(900, \"y\"); let m = #{}; let i = 0; \
                         loop { m[`${i}`] = s + i; i += 1 }";
        assert_fault(&mut client, statement, "the process has grown by");
        drop(client);
        console.until_sessions(0);
        console.end();
    });
}

/// Functions that hold functions are counted by no limit of the language. Dropping a chain of them
/// takes stack for each. In a process of its own: what this one has freed and keeps would be used before
/// it grows.
#[test]
fn chained_functions_overflow_no_stack() {
    in_children("limits::chained_functions_overflow_no_stack", || {
        let mut config = config();
        config.statement = None;
        // A sixteenth of what there is by default, and so is the stack.
        config.sizes.array = 600;
        config.sizes.map = 600;
        config.growth = Some(2 << 20);
        let console = Console::with(config, Names::new());
        let statement = "loop { let g = f; f = |y| g; }";
        let mut client = console.session();
        client.ask("let f = |x| 1");
        assert_fault(&mut client, statement, "the process has grown by");
        // What one statement has piled up counts for the next.
        assert_fault(&mut client, statement, "the process has grown by");
        client.ask("f = 0");
        assert_eq!(client.ask("1"), "1\r\n");
        drop(client);
        // Or they are dropped with the session.
        let mut client = console.session();
        client.ask("let f = |x| 1");
        assert_fault(&mut client, statement, "the process has grown by");
        drop(client);
        console.until_sessions(0);
        console.end();
    });
}

#[test]
fn values_may_be_nested_as_deep_as_they_may_be_large() {
    on_each_hub_jumping(|_| {
        let mut config = config();
        config.sizes.array = 501;
        config.sizes.map = 501;
        let console = Console::with(config, Names::new());
        let mut client = console.session();
        client.ask("let a = []; for i in 0..500 { a = [a] }");
        let shown = client.ask("a");
        assert_eq!(shown.matches('[').count(), 501);
        let both = "let b = a; a = 0; b = 0; let m = #{}; for i in 0..500 { m = #{m: [m]} }";
        assert_eq!(client.ask(both), "");
        assert!(client.ask("print(m)").len() > 1000);
        assert_fault(&mut client, "loop { m = #{m: [m]} }", "too large");
        drop(client);
        console.end();
    });
}

#[test]
fn functions_are_counted_over_the_whole_session() {
    on_each_hub(|| {
        let mut config = config();
        config.sizes.functions = 3;
        let console = Console::with(config, Names::new());
        let mut client = console.session();
        for name in ["a", "b", "c", "a"] {
            assert_eq!(client.ask(&format!("fn {name}() {{ 1 }}")), "");
        }
        assert_fault(
            &mut client,
            "fn d() { 1 }",
            "a session may define 3 functions",
        );
        assert_eq!(client.ask("a() + b() + c()"), "3\r\n");
        drop(client);
        console.end();
    });
}

#[test]
fn operations_are_counted() {
    on_each_hub_jumping(|_| {
        let mut config = config();
        config.operations = Some(100_000);
        let console = Console::with(config, Names::new());
        let mut client = console.session();
        assert_eq!(client.ask("for i in 0..1000 {}"), "");
        assert_fault(&mut client, "loop {}", "Too many operations");
        // Text that is evaluated counts, too.
        assert_fault(&mut client, "eval(\"loop {}\")", "Too many operations");
        drop(client);
        console.end();
    });
}

#[test]
fn a_statement_has_its_time_and_no_more() {
    on_each_hub_jumping(|_| {
        let console = Console::new();
        let mut client = console.session();
        assert_eq!(client.ask("sleep(59.9)"), "");
        assert_fault(&mut client, "sleep(60.1)", "stopped after 60s");
        drop(client);
        console.end();
    });
}

#[test]
fn a_client_has_its_time_to_say_something() {
    on_each_hub_jumping(|_| {
        let console = Console::new();
        let mut client = console.session();
        sleep(3599 * SECOND);
        assert_eq!(client.ask("1"), "1\r\n");
        let begun = now();
        assert_eq!(
            client.rest(),
            "\r\nclosed: nothing was said for too long\r\n"
        );
        assert_eq!((now() - begun).as_secs(), 3600);
        console.end();
    });
}

#[test]
fn a_client_that_does_not_read_ends_its_session() {
    on_each_hub_jumping(|_| {
        let mut config = config();
        // By the limit of a write, and no other.
        config.statement = None;
        config.growth = None;
        let console = Console::with(config, Names::new());
        let mut client = console.session();
        client.send("let s = \"x\"; s.pad(1000, \"y\"); loop { print(s) }\n");
        // How long it prints until there is no more room, with its pauses, depends on the machine.
        while console.backdoor.sessions() > 0 {
            sleep(SECOND);
        }
        assert!(client.rest().len() > 1000);
        console.end();
    });
}

#[test]
fn there_are_so_many_sessions_and_one_more_is_told() {
    on_each_hub(|| {
        let mut config = config();
        config.sessions = 2;
        let console = Console::with(config, Names::new());
        let (mut ann, mut ben) = (console.session(), console.session());
        let mut cid = console.connect();
        assert_eq!(
            cid.rest(),
            "there are 2 sessions already; try again later\r\n"
        );
        assert_eq!(ann.ask("sessions().len()"), "2\r\n");
        drop(ann);
        console.until_sessions(1);
        let dan = console.session();
        assert_eq!(ben.ask("sessions().len()"), "2\r\n");
        drop((ben, dan));
        console.end();
    });
}

#[test]
fn the_password_comes_before_the_prompt_and_wrong_ones_take_time() {
    on_each_hub_jumping(|_| {
        let mut config = config();
        config.password = Some(Password::new("open, sesame").unwrap());
        let console = Console::with(config, Names::new());
        let mut client = console.connect();
        client.until("password: ");
        client.send("open, sesame\r\n");
        assert_eq!(client.until(PROMPT), "hello\r\n");
        assert_eq!(client.ask("1"), "1\r\n");

        let mut other = console.connect();
        let begun = now();
        for wrong in ["", "open", "\x03open, sesame!"] {
            other.until("password: ");
            other.send(format!("{wrong}\r\n"));
        }
        let rest = other.rest();
        assert_eq!(rest.matches("that is not it").count() + 2, 3, "{rest}");
        assert!(!rest.contains(PROMPT), "{rest}");
        assert_eq!((now() - begun).as_secs(), 3);
        // One who says nothing is not waited for.
        let mut silent = console.connect();
        let begun = now();
        assert!(silent.rest().starts_with("password: "));
        assert_eq!((now() - begun).as_secs(), 60);
        drop(client);
        console.end();
    });
}

#[test]
fn telnet_is_kept_from_showing_the_password() {
    on_each_hub_jumping(|_| {
        let mut config = config();
        config.telnet = eventlet_protocols::backdoor::Telnet::Asked;
        config.password = Some(Password::new("secret").unwrap());
        let console = Console::with(config, Names::new());
        let mut client = console.connect();
        // It will tell the size of its window.
        client.send(b"\xff\xfb\x1f\xff\xfa\x1f\0\x50\0\x18\xff\xf0");
        let before = client.until_bytes(b"password: ");
        assert_eq!(before, b"\xff\xfd\x1f\r\0\xff\xfb\x01");
        client.send(b"\xff\xfd\x01secret\r\n");
        let after = client.until_bytes(PROMPT.as_bytes());
        assert_eq!(after, b"\xff\xfc\x01\r\nhello\r\n");
        drop(client);
        console.end();
    });
}

#[test]
fn a_runaway_script_leaves_the_thread_to_the_others() {
    on_each_hub(|| {
        let console = Console::new();
        let mut client = console.session();
        client.send("loop {}\n");
        until(|| stats().coroutines >= 4);
        // Another one goes on, and gets the thread far more often than a script that would keep it
        // would let it.
        let rounds = Rc::new(Cell::new(0));
        let counted = Rc::clone(&rounds);
        let other = spawn(move || {
            for _ in 0..10_000 {
                yield_now();
                counted.set(counted.get() + 1);
            }
        });
        other.join().unwrap();
        assert_eq!(rounds.get(), 10_000);
        client.send("\x03");
        assert_eq!(client.until(PROMPT), "error: interrupted\r\n");
        drop(client);
        console.end();
    });
}

#[test]
fn a_function_of_the_programs_that_panics_ends_the_statement_only() {
    on_each_hub(|| {
        let mut names = Names::new();
        names.function("broken", "broken(): panics", || -> i64 {
            panic!("out of tea")
        });
        let console = Console::with(config(), names);
        let mut client = console.session();
        assert_fault(&mut client, "broken()", "it panicked: out of tea");
        drop(client);
        console.end();
    });
}

#[test]
fn type_ahead_is_bounded_and_nothing_of_it_is_lost() {
    on_each_hub(|| {
        let console = Console::new();
        let mut client = console.session();
        client.send("let n = 0;\n");
        client.until(PROMPT);
        let mut writer = client.stream.try_clone().unwrap();
        let sender = spawn(move || {
            let _ = writer.write_all(b"sleep(0.01);\n");
            for _ in 0..3000 {
                writer.write_all(b"n += 1;\n").unwrap();
            }
            writer.write_all(b"n\n").unwrap();
        });
        client.until("3000\r\n");
        sender.join().unwrap();
        drop(client);
        console.end();
    });
}
