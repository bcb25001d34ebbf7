//! Syslog when its daemon does not read, is not there, dies and comes back: nobody waits, nothing is
//! lost without being counted and told.

use std::cell::Cell;
use std::fs;
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::net::UdpSocket;
use eventlet_green::testing::{on_each_hub, on_each_hub_jumping, until};
use eventlet_green::{KillHandle, sleep, snapshot, spawn, yield_now};
use eventlet_protocols::log::{
    DEFAULT_RECORDS, FIRST_PAUSE, LAST_PAUSE, Record, SEND_PATIENCE, Sink, Syslog,
};
use log::Level;

use crate::support::{Daemon, Folder, LONG, settled};

fn say(syslog: &Syslog, message: &str) {
    syslog.record(&Record::new(Level::Info, "a", message));
}

#[test]
fn a_daemon_that_does_not_read_holds_nobody_up_and_losses_are_told_in_their_place() {
    on_each_hub(|| {
        let folder = Folder::new();
        let daemon = Daemon::at(folder.path("log"));
        let syslog = Syslog::unix("app", folder.path("log")).records(20);
        let syslog = syslog.start().unwrap();
        let turns = Rc::new(Cell::new(0));
        let count = Rc::clone(&turns);
        let other = spawn(move || {
            for _ in 0..1000 {
                count.set(count.get() + 1);
                yield_now();
            }
        });
        // Until its socket is full, and the queue behind it.
        let mut said = 0;
        while syslog.stats().lost < 7 {
            say(&syslog, &said.to_string());
            said += 1;
            yield_now();
        }
        let early = syslog.flush(Duration::from_millis(1)).unwrap_err();
        assert_eq!(early.kind(), ErrorKind::TimedOut);
        other.join().unwrap();
        assert_eq!(turns.get(), 1000);
        for number in 0..said - 7 {
            assert_eq!(daemon.message(), number.to_string());
        }
        say(&syslog, "after");
        assert_eq!(daemon.message(), "7 records were lost here");
        assert_eq!(daemon.message(), "after");
        assert_eq!(syslog.stats().lost, 7);
        drop((syslog, daemon));
        settled();
    });
}

#[test]
fn losses_are_told_even_if_nobody_says_anything_more() {
    on_each_hub(|| {
        let folder = Folder::new();
        let syslog = Syslog::unix("app", folder.path("log")).records(3).start();
        let syslog = syslog.unwrap();
        // Nobody is there, and no turn is taken: three are queued.
        for number in 0..5 {
            say(&syslog, &number.to_string());
        }
        let daemon = Daemon::at(folder.path("log"));
        for wanted in ["0", "1", "2", "2 records were lost here"] {
            assert_eq!(daemon.message(), wanted);
        }
        drop((syslog, daemon));
        settled();
    });
}

#[test]
fn the_queue_has_room_for_as_many_as_are_said() {
    on_each_hub(|| {
        let folder = Folder::new();
        let syslog = Syslog::unix("app", folder.path("log")).start().unwrap();
        for _ in 0..DEFAULT_RECORDS {
            say(&syslog, "x");
        }
        assert_eq!(syslog.stats().lost, 0);
        say(&syslog, "x");
        assert_eq!(syslog.stats().lost, 1);
        drop(syslog);
        settled();
    });
}

#[test]
fn a_daemon_that_is_not_there_yet_gets_what_was_said_meanwhile() {
    on_each_hub_jumping(|_| {
        let folder = Folder::new();
        let syslog = Syslog::unix("app", folder.path("log")).start().unwrap();
        say(&syslog, "early");
        sleep(Duration::from_secs(3600));
        let problem = syslog.stats().problem.unwrap();
        assert!(
            problem.contains("no syslog at") && problem.contains("log: "),
            "{problem}"
        );
        let daemon = Daemon::at(folder.path("log"));
        let before = eventlet_green::now();
        assert_eq!(daemon.message(), "early");
        assert!(eventlet_green::now() - before <= LAST_PAUSE);
        say(&syslog, "then");
        assert_eq!(daemon.message(), "then");
        drop((syslog, daemon));
        settled();
    });
}

#[test]
fn it_is_looked_for_less_and_less_often() {
    on_each_hub_jumping(|_| {
        let folder = Folder::new();
        let syslog = Syslog::unix("app", folder.path("log")).start().unwrap();
        let before = eventlet_green::now();
        say(&syslog, "x");
        let mut looks = Vec::new();
        // It goes on when its pause is over, and has a new one.
        let pump = || {
            let now = snapshot();
            let pump = now
                .coroutines()
                .iter()
                .find(|one| one.name() == Some("syslog"));
            pump.map(|pump| pump.resumed())
        };
        until(|| syslog.stats().problem.is_some());
        let mut resumed = pump();
        while looks.len() < 10 {
            sleep(FIRST_PAUSE / 2);
            if pump() != resumed {
                resumed = pump();
                looks.push(eventlet_green::now() - before);
            }
        }
        let pauses: Vec<_> = looks.windows(2).map(|pair| pair[1] - pair[0]).collect();
        for (number, pause) in pauses.iter().enumerate() {
            let exact = (FIRST_PAUSE * 2_u32.pow(number as u32 + 1)).min(LAST_PAUSE);
            let off = pause.abs_diff(exact);
            assert!(off <= FIRST_PAUSE, "{number}: {pause:?} {exact:?}");
        }
        drop(syslog);
        settled();
    });
}

#[test]
fn a_daemon_that_is_started_again_misses_nothing_said_meanwhile() {
    on_each_hub_jumping(|_| {
        let folder = Folder::new();
        let mut daemon = Daemon::at(folder.path("log"));
        let syslog = Syslog::unix("app", folder.path("log")).start().unwrap();
        for round in 0..5 {
            say(&syslog, &format!("before {round}"));
            assert_eq!(daemon.message(), format!("before {round}"));
            // Its socket is left behind at first, and refuses.
            daemon.die();
            say(&syslog, &format!("meanwhile {round}"));
            until(|| syslog.stats().problem.is_some());
            sleep(Duration::from_secs(1));
            fs::remove_file(folder.path("log")).unwrap();
            say(&syslog, &format!("more {round}"));
            sleep(Duration::from_secs(1));
            daemon = Daemon::at(folder.path("log"));
            assert_eq!(daemon.message(), format!("meanwhile {round}"));
            assert_eq!(daemon.message(), format!("more {round}"));
        }
        assert_eq!(syslog.stats().lost, 0);
        drop((syslog, daemon));
        settled();
    });
}

#[test]
fn a_daemon_may_die_while_its_socket_is_full() {
    on_each_hub_jumping(|_| {
        let folder = Folder::new();
        let daemon = Daemon::at(folder.path("log"));
        let syslog = Syslog::unix("app", folder.path("log")).start().unwrap();
        for number in 0..500 {
            say(&syslog, &number.to_string());
        }
        until(|| {
            let before = syslog.stats().sent;
            yield_now();
            before > 0 && syslog.stats().sent == before
        });
        let sent = syslog.stats().sent;
        daemon.die();
        fs::remove_file(folder.path("log")).unwrap();
        let daemon = Daemon::at(folder.path("log"));
        // What was in its socket is lost with it, and nothing else.
        for number in sent..500 {
            assert_eq!(daemon.message(), number.to_string());
        }
        assert_eq!(syslog.stats().lost, 0);
        drop((syslog, daemon));
        settled();
    });
}

#[test]
fn a_daemon_that_hangs_may_be_replaced_by_another() {
    on_each_hub_jumping(|_| {
        let folder = Folder::new();
        let hanging = Daemon::at(folder.path("log"));
        let syslog = Syslog::unix("app", folder.path("log")).start().unwrap();
        for number in 0..500 {
            say(&syslog, &number.to_string());
        }
        sleep(SEND_PATIENCE / 2);
        let sent = syslog.stats().sent;
        fs::remove_file(folder.path("log")).unwrap();
        let daemon = Daemon::at(folder.path("log"));
        for number in sent..500 {
            assert_eq!(daemon.message(), number.to_string());
        }
        drop((syslog, daemon, hanging));
        settled();
    });
}

#[test]
fn a_record_too_long_for_the_socket_is_lost_and_the_next_is_not() {
    on_each_hub(|| {
        let folder = Folder::new();
        let daemon = Daemon::at(folder.path("log"));
        let syslog = Syslog::unix("app", folder.path("log")).limit(1 << 20);
        let syslog = syslog.start().unwrap();
        say(&syslog, &"x".repeat(1 << 19));
        say(&syslog, "short");
        assert_eq!(daemon.message(), "short");
        assert_eq!(daemon.message(), "1 record was lost here");
        assert!(syslog.stats().problem.unwrap().contains("too long"));
        drop((syslog, daemon));
        settled();
    });
}

#[test]
fn over_udp_nobody_there_is_noticed_as_far_as_can_be() {
    on_each_hub(|| {
        let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = daemon.local_addr().unwrap();
        let syslog = Syslog::udp("app", address.to_string()).start().unwrap();
        say(&syslog, "heard");
        let mut datagram = [0; 1500];
        daemon.recv(&mut datagram).unwrap();
        daemon.close().unwrap();
        // Each is refused by the network when it is out; the next send is told.
        until(|| {
            say(&syslog, "to nobody");
            yield_now();
            syslog.stats().lost > 0
        });
        let daemon = UdpSocket::bind(address).unwrap();
        say(&syslog, "again");
        loop {
            let length = daemon.recv(&mut datagram).unwrap();
            let text = String::from_utf8_lossy(&datagram[..length]).into_owned();
            if text.ends_with("] again") {
                break;
            }
            assert!(
                text.ends_with("to nobody") || text.contains(" lost here"),
                "{text}"
            );
        }
        drop((syslog, daemon));
        settled();
    });
}

#[test]
fn a_name_that_nobody_has_is_told_and_holds_nobody_up() {
    on_each_hub(|| {
        let syslog = Syslog::udp("app", "no-port-here").start().unwrap();
        say(&syslog, "x");
        until(|| syslog.stats().problem.is_some());
        let problem = syslog.stats().problem.unwrap();
        assert!(
            problem.starts_with("no syslog at no-port-here: "),
            "{problem}"
        );
        drop(syslog);
        settled();
    });
}

#[test]
fn if_the_coroutine_that_sends_is_killed_records_are_counted() {
    on_each_hub(|| {
        let folder = Folder::new();
        let syslog = Syslog::unix("app", folder.path("log")).start().unwrap();
        say(&syslog, "queued");
        until(|| syslog.stats().problem.is_some());
        say(&syslog, "queued behind");
        let now = snapshot();
        let mut all = now.coroutines().iter();
        let pump = all.find(|one| one.name() == Some("syslog")).unwrap();
        KillHandle::find(pump.id()).unwrap().kill().unwrap();
        settled();
        say(&syslog, "too late");
        assert!(syslog.stats().lost >= 2);
        assert_eq!(
            syslog.flush(LONG).unwrap_err().kind(),
            ErrorKind::BrokenPipe
        );
    });
}
