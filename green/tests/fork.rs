//! Children: a forked one does not disturb its parent's loop; ordinary ones can be started. Each test
//! in a process of its own, since a fork of one with many threads is a delicate thing.

mod support;

use std::io::{Read, Write};
use std::process::Command;

use eventlet_green::net::TcpListener;
use eventlet_green::{offload, spawn};
use support::{in_children, pair, sys, until_parked};

#[test]
fn a_forked_child_that_just_ends() {
    in_children("a_forked_child_that_just_ends", || {
        let (near, far) = pair();
        let reader = spawn(move || (&near).read(&mut [0]).unwrap());
        until_parked(&reader);
        let child = sys::fork(|| 7);
        assert_eq!(sys::wait_for(child), Some(7));
        (&far).write_all(b"x").unwrap();
        assert_eq!(reader.join().unwrap(), 1);
    });
}

#[test]
fn a_forked_child_that_ends_with_all_destructors() {
    in_children("a_forked_child_that_ends_with_all_destructors", || {
        let (near, far) = pair();
        let reader = spawn(move || (&near).read(&mut [0]).unwrap());
        until_parked(&reader);
        // Unwinds the child's copies of the coroutines, which drop their sockets.
        let child = sys::fork(|| std::process::exit(0));
        assert_eq!(sys::wait_for(child), Some(0));
        (&far).write_all(b"x").unwrap();
        assert_eq!(
            reader.join().unwrap(),
            1,
            "the parent's registration stands"
        );
    });
}

#[test]
fn ordinary_children() {
    in_children("ordinary_children", || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let acceptor = spawn(move || listener.accept().map(drop));
        until_parked(&acceptor);
        let run = || Command::new("sh").args(["-c", "exit 7"]).status();
        assert_eq!(offload(run).unwrap().unwrap().code(), Some(7));
        assert_eq!(run().unwrap().code(), Some(7), "in place, too");
        acceptor.kill().unwrap();
        acceptor.join().map(drop).unwrap_err();
    });
}

#[test]
#[cfg(target_os = "linux")] // where a process can list its descriptors
fn nothing_is_inherited() {
    fn descriptors() -> Vec<i32> {
        let names = std::fs::read_dir("/proc/self/fd").unwrap();
        let mut all: Vec<i32> = names
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect();
        // The list's own is closed by now.
        all.retain(|fd| sys::is_open(*fd));
        all
    }
    // On a thread of its own: the loop's descriptors are to be among the new ones.
    let body = || {
        let before = descriptors();
        let (near, far) = pair();
        let clone = near.try_clone().unwrap();
        near.close().unwrap();
        let signals = eventlet_green::signals::Signals::new(&[libc::SIGTERM]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours: Vec<_> = descriptors()
            .into_iter()
            .filter(|fd| !before.contains(fd))
            .collect();
        assert!(ours.len() >= 6, "{ours:?}");
        for fd in ours {
            assert!(sys::is_close_on_exec(fd), "{fd}");
        }
        drop((clone, far, signals, listener));
    };
    in_children("nothing_is_inherited", || {
        std::thread::spawn(body).join().unwrap();
    });
}
