//! Syslog as long as all is well: from coroutines, threads, destructors; flushing; ending.

use std::io::ErrorKind;
use std::thread;

use eventlet_green::net::UdpSocket;
use eventlet_green::testing::{on_each_hub, on_each_hub_jumping, until_parked};
use eventlet_green::{offload, remote, sleep, spawn, stats};
use eventlet_protocols::log::{Record, SEND_PATIENCE, Sink, Syslog};
use log::Level;

use crate::support::{Daemon, Folder, LONG, settled};

fn say(syslog: &Syslog, message: &str) {
    syslog.record(&Record::new(Level::Info, "a", message));
}

#[test]
fn coroutines_and_threads_send_and_order_is_kept() {
    on_each_hub(|| {
        let folder = Folder::new();
        let daemon = Daemon::at(folder.path("log"));
        let syslog = Syslog::unix("app", folder.path("log")).start().unwrap();
        let theirs = syslog.clone();
        let other = thread::spawn(move || {
            for number in 0..100 {
                say(&theirs, &format!("thread {number}"));
            }
        });
        let theirs = syslog.clone();
        let coroutine = spawn(move || {
            for number in 0..100 {
                say(&theirs, &format!("coroutine {number}"));
            }
        });
        let mut heard = [Vec::new(), Vec::new()];
        for _ in 0..200 {
            let message = daemon.message();
            let (who, number) = message.split_once(' ').unwrap();
            heard[usize::from(who == "thread")].push(number.parse::<u32>().unwrap());
        }
        for numbers in heard {
            assert_eq!(numbers, (0..100).collect::<Vec<_>>());
        }
        coroutine.join().unwrap();
        offload(|| other.join().unwrap()).unwrap();
        assert_eq!((syslog.stats().sent, syslog.stats().lost), (200, 0));
        assert_eq!(syslog.stats().problem, None);
        drop((syslog, daemon));
        settled();
    });
}

#[test]
fn over_udp() {
    on_each_hub(|| {
        let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = daemon.local_addr().unwrap().to_string();
        let syslog = Syslog::udp("app", address).start().unwrap();
        for number in 0..10 {
            say(&syslog, &number.to_string());
        }
        let mut datagram = [0; 1500];
        for number in 0..10 {
            let length = daemon.recv(&mut datagram).unwrap();
            let text = String::from_utf8_lossy(&datagram[..length]);
            assert!(text.ends_with(&format!("] {number}")), "{text}");
        }
        drop((syslog, daemon));
        settled();
    });
}

#[test]
fn a_flush_waits_until_all_is_sent() {
    on_each_hub(|| {
        let folder = Folder::new();
        let daemon = Daemon::at(folder.path("log"));
        let syslog = Syslog::unix("app", folder.path("log")).start().unwrap();
        for number in 0..3 {
            say(&syslog, &number.to_string());
        }
        assert_eq!(syslog.stats().sent, 0);
        syslog.flush(LONG).unwrap();
        assert_eq!(syslog.stats().sent, 3);
        // From a thread that has no loop, too.
        let theirs = syslog.clone();
        offload(move || {
            say(&theirs, "thread");
            theirs.flush(LONG).unwrap();
            assert_eq!(theirs.stats().sent, 4);
        })
        .unwrap();
        drop((syslog, daemon));
        settled();
    });
}

#[test]
fn one_who_is_killed_logs_in_destructors_and_cannot_wait_there() {
    struct Ends(Syslog);
    impl Drop for Ends {
        fn drop(&mut self) {
            say(&self.0, "last words");
            let error = self.0.flush(LONG).unwrap_err();
            assert!(error.to_string().contains("unwinds"), "{error}");
        }
    }
    on_each_hub(|| {
        let folder = Folder::new();
        let daemon = Daemon::at(folder.path("log"));
        let syslog = Syslog::unix("app", folder.path("log")).start().unwrap();
        let ends = Ends(syslog.clone());
        let sleeper = spawn(move || {
            let _ends = ends;
            sleep(LONG);
        });
        until_parked(&sleeper);
        sleeper.kill().unwrap();
        assert!(sleeper.join().is_err());
        assert_eq!(daemon.message(), "last words");
        drop((syslog, daemon));
        settled();
    });
}

#[test]
fn what_is_queued_is_sent_when_the_last_handle_goes() {
    on_each_hub(|| {
        let folder = Folder::new();
        let daemon = Daemon::at(folder.path("log"));
        let syslog = Syslog::unix("app", folder.path("log")).start().unwrap();
        // More than the daemon's socket has room for.
        for number in 0..50 {
            say(&syslog, &number.to_string());
        }
        drop(syslog);
        for number in 0..50 {
            assert_eq!(daemon.message(), number.to_string());
        }
        drop(daemon);
        settled();
    });
}

#[test]
fn without_anybody_at_the_other_end_it_still_ends() {
    on_each_hub_jumping(|_| {
        let folder = Folder::new();
        // Nobody is there.
        let absent = Syslog::unix("app", folder.path("none")).start().unwrap();
        // Somebody is, and never reads.
        let daemon = Daemon::at(folder.path("log"));
        let deaf = Syslog::unix("app", folder.path("log")).start().unwrap();
        for number in 0..50 {
            say(&absent, &number.to_string());
            say(&deaf, &number.to_string());
        }
        sleep(LONG);
        assert_eq!(stats().coroutines, 2);
        drop((absent, deaf));
        // As long as a send is waited for, and no longer.
        sleep(SEND_PATIENCE);
        assert_eq!(stats().coroutines, 0);
        drop(daemon);
        settled();
    });
}

#[test]
fn when_the_loop_has_ended_records_are_counted_as_lost() {
    on_each_hub(|| {
        let folder = Folder::new();
        let daemon = Daemon::at(folder.path("log"));
        let path = folder.path("log");
        let syslog = thread::spawn(move || {
            let _loop = remote();
            Syslog::unix("app", path).start().unwrap()
        });
        let syslog = offload(|| syslog.join().unwrap()).unwrap();
        say(&syslog, "nobody sends");
        assert_eq!(syslog.stats().lost, 1);
        let error = syslog.flush(LONG).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        drop((syslog, daemon));
        settled();
    });
}
