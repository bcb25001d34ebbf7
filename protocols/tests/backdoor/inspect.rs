//! What a session sees of the program, and how it is put on the screen.

use std::io::Read;
use std::time::Duration;

use eventlet_green::testing::{tcp_pair, until_parked};
use eventlet_green::{Builder, sleep, spawn, stats, yield_now};
use eventlet_protocols::backdoor::Names;

use crate::support::{Client, Console, PROMPT, config, on_each_hub, on_each_hub_jumping};

const HOUR: Duration = Duration::from_secs(3600);

/// A function in the midst of which a coroutine waits.
#[inline(never)]
fn brew_tea() {
    sleep(HOUR);
    std::hint::black_box(());
}

fn set_width(client: &mut Client, width: u8) {
    client.send([255, 250, 31, 0, width, 0, 24, 255, 240]);
}

#[test]
fn each_coroutine_is_shown_with_what_it_waits_for() {
    on_each_hub(|| {
        let console = Console::new();
        let mut client = console.session();
        set_width(&mut client, 200);
        let sleeper = Builder::new()
            .name("sleeper\x1b[31m")
            .spawn(brew_tea)
            .unwrap();
        until_parked(&sleeper);
        let shown = client.ask("ps()");
        let titles = "id  name";
        assert!(shown.trim_start().starts_with(titles), "{shown}");
        let row = shown.lines().find(|line| line.contains("sleeper"));
        let row = row.expect("a row");
        assert!(
            row.contains("sleeper\\u{1b}[31m  ") && row.contains("parked"),
            "{row}"
        );
        assert!(row.contains("the end of a sleep"), "{row}");
        assert!(row.contains("tests/backdoor/inspect.rs:"), "{row}");
        for shown_too in [
            "the root stack",
            "session of 127.0.0.1:",
            "backdoor at 127.0.0.1:",
        ] {
            assert!(shown.contains(shown_too), "{shown}");
        }
        // As data.
        let id = sleeper.id();
        let find = format!("ps().rows().find(|one| one.id == {id})");
        assert_eq!(client.ask(&format!("{find}.state")), "\"parked\"\r\n");
        assert!(client.ask("ps().len()").trim().parse::<usize>().unwrap() >= 4);
        sleeper.kill().unwrap();
        assert!(sleeper.join().is_err());
        drop(client);
        console.end();
    });
}

#[test]
fn a_backtrace_shows_the_function_in_which_a_coroutine_waits_with_its_place() {
    on_each_hub(|| {
        let console = Console::new();
        let mut client = console.session();
        let new = spawn(|| ());
        let sleeper = spawn(brew_tea);
        let unborn = client.ask(&format!("bt({})", new.id() + 1_000_000));
        assert!(unborn.contains("no coroutine with that id"), "{unborn}");
        until_parked(&sleeper);
        let shown = client.ask(&format!("print(bt({}))", sleeper.id()));
        let frame = shown
            .find("inspect::brew_tea")
            .unwrap_or_else(|| panic!("{shown}"));
        let place = shown[frame..].lines().nth(1).unwrap();
        assert!(place.contains("inspect.rs:"), "{shown}");
        // At the prompt it is text, not a quoted string.
        let shown = client.ask(&format!("bt({})", sleeper.id()));
        assert!(shown.contains("brew_tea\r\n"), "{shown}");
        sleeper.kill().unwrap();
        assert!(sleeper.join().is_err());
        new.join().unwrap();
        drop(client);
        console.end();
    });
}

#[test]
fn timers_descriptors_and_counts_are_shown() {
    on_each_hub(|| {
        let console = Console::new();
        let mut client = console.session();
        let (near, far) = tcp_pair().unwrap();
        let named = Builder::new().name("reader");
        let reader = named.spawn(move || (&near).read(&mut [0])).unwrap();
        let sleeper = spawn(|| sleep(HOUR));
        until_parked(&reader);
        until_parked(&sleeper);

        let shown = client.ask("timers()");
        let is_hours = |line: &str| line.contains("3600 ") || line.contains("3599 ");
        assert!(shown.lines().any(is_hours), "{shown}");
        let shown = client.ask("fds()");
        let waiting = format!("{} reader to read", reader.id());
        let row = shown.lines().find(|line| line.ends_with(&waiting));
        assert!(row.is_some_and(|row| row.contains("socket:")), "{shown}");
        assert_eq!(client.ask("hub().name"), format!("\"{}\"\r\n", stats().hub));
        let shown = client.ask("stats()");
        for name in ["coroutines", "switches", "turns", "timers", "wake_ups"] {
            assert!(shown.lines().any(|line| line.starts_with(name)), "{shown}");
        }
        client.ask("gc()");
        assert_eq!(client.ask("gc()"), "0\r\n", "nothing is left to give back");

        sleeper.kill().unwrap();
        assert!(sleeper.join().is_err());
        drop(far);
        reader.join().unwrap().unwrap();
        drop(client);
        console.end();
    });
}

#[test]
fn who_ran_most_is_shown_since_the_last_time() {
    on_each_hub(|| {
        let console = Console::new();
        let mut client = console.session();
        let first = client.ask("top()");
        assert!(first.contains("from now on it is measured"), "{first}");
        let busy = Builder::new().name("busy");
        let busy = busy
            .spawn(|| {
                loop {
                    std::hint::black_box((0..1000).map(std::hint::black_box).sum::<u64>());
                    yield_now();
                }
            })
            .unwrap();
        while stats().switches < 2000 {
            yield_now();
        }
        let shown = client.ask("top(1)");
        let row = shown.lines().nth(1).unwrap();
        assert!(row.contains("busy"), "{shown}");
        busy.kill().unwrap();
        assert!(busy.join().is_err());
        assert_eq!(client.ask("top(0).len()"), "0\r\n");
        let rest = client.ask("top().rows().filter(|one| one.name == \"busy\").len()");
        assert_eq!(rest, "0\r\n");
        drop(client);
        console.end();
    });
}

#[test]
fn tables_fit_the_window() {
    on_each_hub(|| {
        let console = Console::new();
        let mut client = console.session();
        let longest = |text: &str| text.lines().map(|line| line.chars().count()).max().unwrap();
        // Not told: 80.
        assert!(longest(&client.ask("help()")) <= 80);
        for width in [20, 40, 61, 120] {
            set_width(&mut client, width);
            for call in [
                "ps()", "help()", "fds()", "timers()", "top()", "stats()", "app",
            ] {
                let shown = client.ask(call);
                assert!(longest(&shown) <= usize::from(width), "{width}: {shown}");
                assert!(!shown.starts_with("error"), "{shown}");
            }
        }
        set_width(&mut client, 40);
        assert!(client.ask("ps()").contains('…'));
        drop(client);
        console.end();
    });
}

#[test]
fn a_watch_looks_again_until_it_is_interrupted() {
    on_each_hub_jumping(|_| {
        let console = Console::new();
        let mut client = console.session();
        client.ask("let n = 0;");
        client.send("watch(10, \"n += 1; n\")\n");
        for n in 1..4 {
            assert_eq!(client.until("\r\n"), n.to_string());
        }
        client.send("\x03");
        let shown = client.until(PROMPT);
        assert!(shown.ends_with("\r\ninterrupted\r\n"), "{shown}");
        // A line ends it as well, and is heard.
        client.send("watch(3600, \"n\")\n");
        client.until("\r\n");
        let shown = client.ask("\"over\"");
        let shown = format!("{shown}{}", client.until(PROMPT));
        assert!(shown.contains("\"over\""), "{shown}");
        for (statement, fault) in [
            ("watch(1, \"1 +\")", "error: "),
            ("watch(-1, \"1\")", "no number of seconds"),
            ("watch(1, \"nonsense\")", "not found"),
        ] {
            let shown = client.ask(statement);
            assert!(shown.contains(fault), "{shown}");
        }
        drop(client);
        console.end();
    });
}

#[test]
fn help_tells_what_there_is() {
    on_each_hub(|| {
        let mut names = Names::new();
        names.function("brew", "brew(cups): makes tea", |cups: i64| cups);
        let console = Console::with(config(), names);
        let mut client = console.session();
        let shown = client.ask("help()");
        for call in [
            "ps()",
            "bt(id)",
            "kill(id)",
            "watch(seconds, text)",
            "brew(cups)",
        ] {
            assert!(
                shown.lines().any(|line| line.starts_with(call)),
                "{call} in {shown}"
            );
        }
        let shown = client.ask("help(\"brew\")");
        assert_eq!(
            shown,
            "call        what it does\r\nbrew(cups)  makes tea\r\n"
        );
        assert!(client.ask("help(\"nothing\")").contains("no help for"));
        drop(client);
        console.end();
    });
}
