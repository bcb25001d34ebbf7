//! When a blocked root stack is *not* told of a deadlock: as long as anything could wake it.
//!
//! With what there is to wait for, no program can bring a deadlock about (whoever joins holds the
//! one handle, so joins make no circle); what a report says is tested beside
//! [`Deadlock`](eventlet_green::Deadlock) itself.

use std::io::{Read, Write};
use std::net::TcpListener as StdListener;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::support::{on_each_hub, on_each_hub_jumping, pair, until_parked};
use eventlet_green::net::TcpStream;
use eventlet_green::{call_after, offload, sleep, spawn, spawn_after, stats, yield_now};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn not_while_a_timer_is_set() {
    on_each_hub_jumping(|_| {
        spawn(|| sleep(SECOND)).join().unwrap();
        spawn_after(SECOND, || ()).join().unwrap();
        // The root waits for one that waits for one that sleeps.
        let inner = spawn(|| sleep(SECOND));
        spawn(move || inner.join().unwrap()).join().unwrap();
    });
}

#[test]
fn not_while_a_call_is_put_off() {
    on_each_hub_jumping(|_| {
        let (near, far) = pair();
        let reader = spawn(move || (&near).read(&mut [0]).unwrap());
        until_parked(&reader);
        let _ = call_after(SECOND, move || drop(far));
        assert_eq!(reader.join().unwrap(), 0);
    });
}

#[test]
fn not_while_somebody_waits_for_a_descriptor() {
    on_each_hub(|| {
        // The one at the other end is another thread, of which the loop knows nothing.
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (waits, told) = mpsc::channel();
        let peer = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            told.recv().unwrap();
            stream.write_all(b"x").unwrap();
        });
        let stream = TcpStream::connect(address).unwrap();
        let reader = spawn(move || (&stream).read(&mut [0]).unwrap());
        until_parked(&reader);
        waits.send(()).unwrap();
        assert_eq!(reader.join().unwrap(), 1);
        peer.join().unwrap();
    });
}

#[test]
fn not_while_a_call_runs_on_another_thread() {
    on_each_hub(|| {
        let (go_on, told) = mpsc::channel();
        let caller = spawn(move || offload(move || told.recv()).unwrap());
        until_parked(&caller);
        let outer = spawn(move || caller.join().unwrap());
        until_parked(&outer);
        go_on.send(7).unwrap();
        assert_eq!(outer.join().unwrap(), Ok(7));
        // On the root stack itself.
        assert_eq!(offload(|| 8).unwrap(), 8);
    });
}

#[test]
fn not_while_somebody_is_ready() {
    on_each_hub(|| {
        let rounds = Rc::new(());
        let handle = spawn(move || {
            for _ in 0..10_000 {
                yield_now();
            }
            Rc::strong_count(&rounds)
        });
        assert_eq!(handle.join().unwrap(), 1);
        assert_eq!(stats().coroutines, 0);
    });
}
