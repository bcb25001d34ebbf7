//! The program's log: its lines in sessions that ask for them, from any thread, and its filter.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use std::thread;

use eventlet_green::{offload, stats};
use eventlet_protocols::backdoor::{Backdoor, LogTap, Names};

use crate::support::{Console, config, on_each_hub, on_each_hub_jumping, until};

#[test]
fn log_lines_go_to_those_who_ask_from_any_thread() {
    on_each_hub(|| {
        let console = Console::new();
        let tap = console.backdoor.log_tap();
        let (mut ann, mut ben) = (console.session(), console.session());
        tap.line("nobody hears");
        assert_eq!(ann.ask("log_here()"), "");
        let before = stats().coroutines;
        tap.line("from the loop");
        assert_eq!(ann.until("\r\n"), "from the loop");
        let (theirs, what) = (tap.clone(), "a thread");
        offload(move || {
            let mut writer: &LogTap = &theirs;
            writeln!(writer, "from {what}\nand \x1b more").unwrap();
        })
        .unwrap();
        assert_eq!(ann.until("more\r\n"), "from a thread\r\nand \\u{1b} ");
        // The other has nothing of it.
        assert_eq!(ben.ask("1"), "1\r\n");
        // Asking again does not double it.
        ann.ask("log_here()");
        tap.line("once");
        assert_eq!(ann.until("once\r\n"), "");
        assert_eq!(ann.ask("log_off()"), "");
        until(|| stats().coroutines == before - 1);
        tap.line("nobody hears");
        assert_eq!(ann.ask("1"), "1\r\n");
        ann.ask("log_here()");
        drop((ann, ben));
        console.until_sessions(0);
        until(|| stats().coroutines == 1);
        tap.line("nobody hears");
        console.end();
    });
}

#[test]
fn lines_that_nobody_reads_are_counted_and_do_not_hold_up_the_program() {
    on_each_hub_jumping(|_| {
        let console = Console::new();
        let tap = console.backdoor.log_tap();
        let mut client = console.session();
        client.ask("log_here()");
        for number in 0..1100 {
            tap.line(&number.to_string());
        }
        let shown = client.until(" lines were lost here)\r\n");
        let (heard, lost) = shown.rsplit_once("\r\n(").unwrap();
        // Those that are kept, and one that was on its way at once.
        assert!((1024..1030).contains(&heard.lines().count()), "{shown}");
        assert_eq!(heard.lines().count() + lost.parse::<usize>().unwrap(), 1100);
        // From a thread that has no loop.
        let theirs = tap.clone();
        thread::spawn(move || theirs.line("still there"))
            .join()
            .unwrap();
        assert_eq!(client.until("\r\n"), "still there");
        drop(client);
        console.end();
    });
}

#[test]
fn the_filter_is_the_programs() {
    on_each_hub(|| {
        let asked = Rc::new(RefCell::new(Vec::new()));
        let list = Rc::clone(&asked);
        let backdoor = Backdoor::builder()
            .config(config())
            .log_filter(move |target, level| {
                if level == "loud" {
                    return Err("no such level: loud".to_owned());
                }
                list.borrow_mut().push(format!("{target}={level}"));
                Ok(())
            });
        let console = Console::of(backdoor.build());
        let mut client = console.session();
        assert_eq!(client.ask("log(\"http\", \"debug\")"), "");
        assert_eq!(*asked.borrow(), ["http=debug"]);
        assert!(
            client
                .ask("log(\"http\", \"loud\")")
                .contains("no such level: loud")
        );
        drop(client);
        console.end();

        let console = Console::with(config(), Names::new());
        let mut client = console.session();
        assert!(
            client
                .ask("log(\"http\", \"debug\")")
                .contains("no log filter")
        );
        drop(client);
        console.end();
    });
}
