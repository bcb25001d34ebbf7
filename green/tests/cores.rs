//! A loop per core: starting, serving one address, stopping, joining.
//!
//! Not with the engine `may`, which has one loop in a process: see `threads::one_loop`.

#![cfg(not(feature = "engine-may"))]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream as Plain;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use eventlet_green::cores::{Builder, Loops, LoopsError, Serving, Sharing};
use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::{Setup, cross, hubs, sleep, spawn, stats};
use support::{Watchdog, until};

const HOUR: Duration = Duration::from_secs(3600);

/// Runs the body under each hub with each way of sharing that this system has.
fn in_each_way(body: fn(Builder, &'static str, Sharing)) {
    for hub in hubs() {
        for sharing in [Sharing::ReusePort, Sharing::HandOver] {
            if sharing == Sharing::ReusePort && !cfg!(target_os = "linux") {
                eprintln!("SKIPPED: SO_REUSEPORT does not balance on this system");
                continue;
            }
            let _watchdog = Watchdog::new(&format!("{hub} {sharing:?}"));
            // A thread of its own, with a loop.
            let caller = thread::spawn(move || {
                Setup::new().hub(hub).install().unwrap();
                body(Builder::new().hub(hub).sharing(sharing), hub, sharing);
                support::assert_nothing_is_left();
            });
            if let Err(panic) = caller.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

/// Asks a server that says one line, and gives the line.
fn ask(serving: &Serving) -> String {
    let mut text = String::new();
    let mut stream = TcpStream::connect(serving.local_addr()).unwrap();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn stop(serving: Serving) {
    serving.stop();
    serving.join().unwrap();
}

#[test]
fn each_has_a_loop_of_its_own() {
    for hub in hubs() {
        let _watchdog = Watchdog::new(hub);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let theirs = Arc::clone(&seen);
        let loops = Builder::new().hub(hub).name("worker").threads(3);
        let loops = loops
            .start(move |core| {
                let name = thread::current().name().unwrap().to_owned();
                theirs
                    .lock()
                    .unwrap()
                    .push((core.index(), name, stats().hub));
                core.wait_for_stop();
                assert!(core.is_stopping());
            })
            .unwrap();
        assert_eq!((loops.len(), loops.remotes().len()), (3, 3));
        let threads: Vec<_> = loops
            .remotes()
            .iter()
            .map(|remote| remote.spawn(|| thread::current().id()).unwrap().join())
            .map(Result::unwrap)
            .collect();
        assert!(threads[0] != threads[1] && threads[1] != threads[2]);
        loops.stop();
        loops.join().unwrap();
        let mut seen = seen.lock().unwrap().clone();
        seen.sort();
        let expected = [0, 1, 2].map(|index| (index, format!("worker-{index}"), hub));
        assert_eq!(seen, expected);
    }
}

#[test]
fn coroutines_are_unwound_at_the_end() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let _watchdog = Watchdog::new("default");
    let dropped = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&dropped);
    let loops = Builder::new().threads(2).start(move |core| {
        for _ in 0..10 {
            let counted = Counted(Arc::clone(&theirs));
            drop(spawn(move || {
                let _counted = counted;
                sleep(HOUR);
            }));
        }
        core.wait_for_stop();
    });
    let loops = loops.unwrap();
    loops.stop();
    loops.join().unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), 20);
}

#[test]
fn a_panic_is_reported_and_stops_the_others() {
    let _watchdog = Watchdog::new("default");
    let loops = Builder::new().threads(3).start(|core| {
        if core.index() == 1 {
            panic!("number {}", core.index());
        }
        core.wait_for_stop();
    });
    let error = loops.unwrap().join().unwrap_err();
    assert_eq!(error.to_string(), "loop 1 panicked: number 1");
    let LoopsError::Panicked(panics) = error else {
        panic!("{error}");
    };
    assert_eq!(panics.len(), 1);
}

#[test]
fn what_cannot_be_started_is_refused() {
    let _watchdog = Watchdog::new("default");
    let none = Builder::new().threads(0).start(|core| core.wait_for_stop());
    assert_eq!(none.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    let unknown = Builder::new().hub("no such hub");
    let unknown = unknown.start(|core| core.wait_for_stop()).unwrap_err();
    assert!(unknown.to_string().contains("no such hub"), "{unknown}");
    let nowhere = Builder::new().serve("127.0.0.1", |stream, _| drop(stream));
    assert_eq!(
        nowhere.unwrap_err().kind(),
        std::io::ErrorKind::InvalidInput
    );
}

/// Dropping stops, too; and whoever has a stopper can do it from anywhere.
#[test]
fn stopped_from_elsewhere_and_by_the_drop() {
    let _watchdog = Watchdog::new("default");
    let loops: Loops = eventlet_green::cores::start(|core| core.wait_for_stop()).unwrap();
    let stopper = loops.stopper();
    thread::spawn(move || stopper.stop());
    loops.join().unwrap();
    let (tell, ended) = cross::unbounded();
    let loops = Builder::new().threads(2).start(move |core| {
        core.wait_for_stop();
        tell.send(core.index()).unwrap();
    });
    drop(loops.unwrap());
    // Ends when the last thread has let go of its end.
    assert_eq!(ended.iter().count(), 2);
}

#[test]
fn connections_are_served() {
    in_each_way(|builder, _, sharing| {
        let serving = builder
            .threads(2)
            .serve("127.0.0.1:0", |mut stream, peer| {
                write!(stream, "hello {}", peer.port())
            })
            .unwrap();
        assert_eq!(serving.sharing(), sharing);
        let clients: Vec<_> = (0..20)
            .map(|_| {
                let address = serving.local_addr();
                spawn(move || {
                    let mut stream = TcpStream::connect(address).unwrap();
                    let port = stream.local_addr().unwrap().port();
                    let mut text = String::new();
                    stream.read_to_string(&mut text).unwrap();
                    assert_eq!(text, format!("hello {port}"));
                })
            })
            .collect();
        for client in clients {
            client.join().unwrap();
        }
        assert_eq!(serving.served().iter().sum::<u64>(), 20);
        until(|| serving.connections() == [0, 0]);
        stop(serving);
    });
}

/// Long connections, handed to whoever has the fewest: as many to each.
#[test]
fn handing_over_balances() {
    in_each_way(|builder, _, sharing| {
        const CLIENTS: usize = 40;
        let serving = builder
            .threads(4)
            .serve("127.0.0.1:0", |stream, _| {
                // Until the client hangs up.
                (&stream).read(&mut [0])
            })
            .unwrap();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| TcpStream::connect(serving.local_addr()).unwrap())
            .collect();
        until(|| serving.connections().iter().sum::<usize>() == CLIENTS);
        match sharing {
            Sharing::HandOver => assert_eq!(serving.connections(), [CLIENTS / 4; 4]),
            // By the addresses: none gets all, as good as surely (4 to the power of -39).
            _ => assert!(serving.connections().iter().all(|&live| live < CLIENTS)),
        }
        drop(clients);
        until(|| serving.connections().iter().sum::<usize>() == 0);
        stop(serving);
    });
}

#[test]
fn a_handler_that_panics_ends_its_connection_only() {
    in_each_way(|builder, _, _| {
        let serving = builder
            .threads(2)
            .serve("127.0.0.1:0", |mut stream, _| {
                let mut first = [0];
                stream.read_exact(&mut first).unwrap();
                if first[0] == b'!' {
                    panic!("asked for");
                }
                stream.write_all(b"fine").unwrap();
            })
            .unwrap();
        for _ in 0..4 {
            let mut stream = TcpStream::connect(serving.local_addr()).unwrap();
            stream.write_all(b"!").unwrap();
            assert_eq!(stream.read(&mut [0; 8]).unwrap_or(0), 0);
            let mut stream = TcpStream::connect(serving.local_addr()).unwrap();
            stream.write_all(b"?").unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            assert_eq!(text, "fine");
        }
        stop(serving);
    });
}

#[test]
fn stopping_unwinds_at_once_or_gives_grace() {
    in_each_way(|builder, _, _| {
        for grace in [Duration::ZERO, HOUR] {
            let (tell, begun) = cross::unbounded();
            let serving = builder
                .clone()
                .threads(1)
                .grace(grace)
                .serve("127.0.0.1:0", move |mut stream, _| {
                    tell.send(()).unwrap();
                    let mut word = [0; 2];
                    let answered = stream.read_exact(&mut word).is_ok();
                    if answered {
                        stream.write_all(b"ok").unwrap();
                    }
                })
                .unwrap();
            let address = serving.local_addr();
            let mut client = TcpStream::connect(address).unwrap();
            begun.recv().unwrap();
            serving.stop();
            if grace.is_zero() {
                serving.join().unwrap();
                assert_eq!(client.read(&mut [0; 8]).unwrap_or(0), 0, "cut off");
            } else {
                // Nothing is accepted any more, while the one goes on.
                until(|| Plain::connect(address).is_err());
                client.write_all(b"go").unwrap();
                let mut text = String::new();
                client.read_to_string(&mut text).unwrap();
                assert_eq!(text, "ok");
                serving.join().unwrap();
            }
        }
    });
}

#[test]
fn a_port_is_never_shared_with_others() {
    in_each_way(|builder, _, _| {
        let serving = builder.clone().threads(2);
        let serving = serving
            .serve("127.0.0.1:0", |mut s, _| s.write_all(b"1"))
            .unwrap();
        let again = builder.clone().threads(2);
        let again = again.serve(serving.local_addr(), |mut s, _| s.write_all(b"2"));
        assert_eq!(again.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
        assert_eq!(ask(&serving), "1");
        let address = serving.local_addr();
        stop(serving);
        // And is free again at once.
        let next = builder
            .threads(2)
            .serve(address, |mut s, _| s.write_all(b"3"));
        let next = next.unwrap();
        assert_eq!(ask(&next), "3");
        stop(next);
    });
}

/// From a thread without a loop: it is all the same.
#[test]
fn joined_by_a_thread_without_a_loop() {
    let _watchdog = Watchdog::new("default");
    let serving = eventlet_green::cores::serve("localhost:0", |mut s, _| s.write_all(b"x"));
    let serving = serving.unwrap();
    let mut text = String::new();
    let mut stream = Plain::connect(serving.local_addr()).unwrap();
    stream.read_to_string(&mut text).unwrap();
    assert_eq!(text, "x");
    stop(serving);
    Setup::new().install().unwrap(); // there was none yet
}

/// Loops that accept by themselves, each with a listener of its own: a socket, or a handle to one
/// that all share.
#[test]
fn each_has_a_listener() {
    in_each_way(|builder, _, sharing| {
        let builder = builder.threads(2).grace(HOUR);
        let listeners = builder.bind("127.0.0.1:0").unwrap();
        let address = listeners[0].local_addr().unwrap();
        assert_eq!(listeners.len(), 2);
        assert_eq!(listeners[1].local_addr().unwrap(), address);
        let loops = builder
            .start_with(listeners, |core, listener| {
                assert_eq!(core.grace(), HOUR);
                let listener = TcpListener::from_std(listener).unwrap();
                let closing = (core.clone(), listener.clone());
                spawn(move || {
                    closing.0.wait_for_stop();
                    closing.1.close().unwrap();
                });
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.write_all(&[core.index() as u8]).unwrap();
                }
            })
            .unwrap();
        assert_eq!(loops.len(), 2);
        let mut seen = [0; 2];
        for _ in 0..200 {
            let mut index = [0];
            let mut stream = TcpStream::connect(address).unwrap();
            stream.read_exact(&mut index).unwrap();
            seen[usize::from(index[0])] += 1;
        }
        if sharing == Sharing::ReusePort {
            assert!(seen.iter().all(|&count| count > 0), "{seen:?}");
        }
        loops.stop();
        loops.join().unwrap();
        assert!(TcpStream::connect(address).is_err());
    });
}

#[test]
fn no_inputs_are_no_loops() {
    let refused = Builder::new().start_with(Vec::<()>::new(), |_, ()| ());
    assert_eq!(
        refused.unwrap_err().kind(),
        std::io::ErrorKind::InvalidInput
    );
    let refused = Builder::new().threads(0).bind("127.0.0.1:0");
    assert_eq!(
        refused.unwrap_err().kind(),
        std::io::ErrorKind::InvalidInput
    );
}
