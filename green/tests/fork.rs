//! Children: a forked one does not disturb its parent's loop; ordinary ones can be started. Each test
//! in a process of its own, since a fork of one with many threads is a delicate thing.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::process::Command;

use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::{OffloadPool, offload, remote, spawn, stats};
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
#[cfg_attr(feature = "engine-may", ignore = "one loop a process")]
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

/// What a child that wants to serve does: a thread of its own has a loop of its own, while the
/// parent's goes on. (Names are looked up in the child by threads of its own.)
#[test]
#[cfg_attr(feature = "engine-may", ignore = "one loop a process")]
fn a_forked_child_accepts_with_a_loop_of_its_own() {
    in_children("a_forked_child_accepts_with_a_loop_of_its_own", || {
        eventlet_green::init().unwrap();
        offload(|| ()).unwrap();
        let inherited = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = inherited.local_addr().unwrap();
        let child = sys::fork(move || {
            // In the thread that forked, the loop is the parent's: it says so.
            let refused = TcpListener::from_std(inherited.try_clone().unwrap());
            let refused = refused.is_err_and(|error| error.kind() == ErrorKind::Unsupported);
            let serves = std::thread::spawn(move || {
                let listener = TcpListener::from_std(inherited).unwrap();
                let (mut stream, _) = listener.accept().unwrap();
                let text = offload(|| "from the child").unwrap();
                stream.write_all(text.as_bytes()).unwrap();
            });
            i32::from(!(refused && serves.join().is_ok()))
        });
        let mut text = String::new();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.read_to_string(&mut text).unwrap();
        assert_eq!(text, "from the child");
        assert_eq!(sys::wait_for(child), Some(0));
    });
}

#[test]
fn a_pool_of_ones_own_stays_with_the_parent() {
    in_children("a_pool_of_ones_own_stays_with_the_parent", || {
        let pool = OffloadPool::builder().threads(1).build();
        assert_eq!(pool.offload(|| 7).unwrap(), 7);
        let theirs = pool.clone();
        let child = sys::fork(move || {
            let refused = theirs.offload(|| 7);
            i32::from(!refused.is_err_and(|error| error.kind() == ErrorKind::Unsupported))
        });
        assert_eq!(sys::wait_for(child), Some(0));
        assert_eq!(pool.offload(|| 8).unwrap(), 8);
    });
}

/// The child's copies of the ways to the parent's loop lead nowhere.
#[test]
fn nothing_comes_through_from_a_child() {
    in_children("nothing_comes_through_from_a_child", || {
        let home = remote();
        let child = sys::fork(move || {
            let sent = home.spawn(|| panic!("in the wrong process"));
            drop(sent);
            0
        });
        assert_eq!(sys::wait_for(child), Some(0));
        assert_eq!(stats().coroutines, 0);
        assert_eq!(remote().spawn(|| 7).unwrap().join().unwrap(), 7);
    });
}
