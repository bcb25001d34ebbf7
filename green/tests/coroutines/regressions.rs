//! Faults that once were there, each with the shortest program that showed it.

use std::cell::Cell;
use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::{on_each_hub, on_each_hub_jumping, pair, until, until_parked};
use eventlet_green::{Wait, offload, sleep, spawn, spawn_after, timeout, yield_now};
use eventlet_runloop::{Clock, Time};

const SECOND: Duration = Duration::from_secs(1);

/// More slices than the kernel takes in one call (IOV_MAX).
const MANY_SLICES: usize = 3000;

/// A reader that was woken, but had not run yet, wiped the next reader's name off the seat when it
/// did; the next reader was then never woken.
#[test]
fn a_woken_reader_keeps_its_seat_until_it_has_gone_on() {
    on_each_hub(|| {
        let (near, mut far) = pair();
        let near = Rc::new(near);
        let theirs = Rc::clone(&near);
        let first = spawn(move || {
            let mut byte = [0];
            (&*theirs).read_exact(&mut byte).unwrap();
            byte[0]
        });
        until_parked(&first);
        let theirs = Rc::clone(&near);
        let thief = spawn(move || {
            let mut byte = [0];
            // Always queued, so that it runs between the report and the first reader's turn.
            until(|| (&*theirs).read(&mut byte).is_ok());
            (&*theirs).read(&mut byte).map_err(|error| error.kind())
        });
        yield_now();
        far.write_all(b"1").unwrap();
        assert_eq!(thief.join().unwrap(), Err(ErrorKind::ResourceBusy));
        far.write_all(b"2").unwrap();
        assert_eq!(first.join().unwrap(), b'2');
    });
}

/// The time of an operation started anew whenever it was woken for nothing.
#[test]
fn a_spurious_wake_up_does_not_prolong_a_deadline() {
    on_each_hub_jumping(|clock| {
        let (near, mut far) = pair();
        near.set_read_timeout(Some(10 * SECOND)).unwrap();
        let near = Rc::new(near);
        let theirs = Rc::clone(&near);
        let clock = clock.clone();
        let reader = spawn(move || {
            let error = (&*theirs).read(&mut [0]).unwrap_err();
            (error.kind(), clock.now() - Time::ORIGIN)
        });
        sleep(9 * SECOND);
        far.write_all(b"x").unwrap();
        // Steals what the reader is woken for.
        until(|| (&*near).read(&mut [0]).is_ok());
        assert_eq!(reader.join().unwrap(), (ErrorKind::TimedOut, 10 * SECOND));
    });
}

/// What the kernel did not take of so many slices was taken for a full buffer, and the writer waited
/// for room that was there all the time.
#[test]
fn more_slices_than_one_call_takes_do_not_look_like_a_full_buffer() {
    on_each_hub(|| {
        let (near, mut far) = pair();
        let writer = spawn(move || {
            let bytes = vec![7_u8; MANY_SLICES];
            let mut done = 0;
            while done < bytes.len() {
                let slices: Vec<_> = bytes[done..].chunks(1).map(IoSlice::new).collect();
                done += (&near).write_vectored(&slices).unwrap();
            }
            near
        });
        let mut got = vec![0; MANY_SLICES];
        far.read_exact(&mut got).unwrap();
        assert!(got.iter().all(|&byte| byte == 7));
        writer.join().unwrap();
    });
}

#[test]
fn more_slices_than_one_call_fills_do_not_look_like_a_drained_buffer() {
    on_each_hub(|| {
        let (near, mut far) = pair();
        far.write_all(&vec![7; MANY_SLICES]).unwrap();
        // All of it has to be there before the first read.
        until(|| near.peek(&mut vec![0; MANY_SLICES]).unwrap() == MANY_SLICES);
        let mut bytes = vec![0; MANY_SLICES];
        let mut done = 0;
        while done < bytes.len() {
            let mut slices: Vec<_> = bytes[done..].chunks_mut(1).map(IoSliceMut::new).collect();
            done += (&near).read_vectored(&mut slices).unwrap();
        }
        assert!(bytes.iter().all(|&byte| byte == 7));
    });
}

/// A read stops short at urgent data, with more behind it, and no event follows.
#[test]
fn urgent_data_does_not_look_like_a_drained_buffer() {
    on_each_hub(|| {
        let (near, far) = pair();
        let socket = socket2::SockRef::from(&far);
        socket.send(b"abc").unwrap();
        socket.send_out_of_band(b"!").unwrap();
        socket.send(b"def").unwrap();
        far.shutdown(Shutdown::Write).unwrap();
        let mut text = String::new();
        (&near).read_to_string(&mut text).unwrap();
        assert_eq!(text, "abcdef");
    });
}

/// As above, without an end of the stream that would wake the reader.
#[test]
fn urgent_data_on_a_lasting_connection_does_not_hold_up_what_follows() {
    on_each_hub(|| {
        let (near, far) = pair();
        // The report of the new socket has come and gone.
        let reader = spawn(move || {
            let mut bytes = [0; 64];
            let mut text = Vec::new();
            while text.len() < 7 {
                let count = (&near).read(&mut bytes).unwrap();
                text.extend_from_slice(&bytes[..count]);
            }
            String::from_utf8(text).unwrap()
        });
        let socket = socket2::SockRef::from(&far);
        socket.send(b"0").unwrap();
        until_parked(&reader);
        socket.send(b"abc").unwrap();
        socket.send_out_of_band(b"!").unwrap();
        socket.send(b"def").unwrap();
        assert_eq!(reader.join().unwrap(), "0abcdef");
    });
}

/// An expired scope was raised again and again without ever letting go of the thread.
#[test]
fn one_who_swallows_its_time_limit_does_not_hang_the_others() {
    on_each_hub_jumping(|_| {
        let over = Rc::new(Cell::new(false));
        let is_over = Rc::clone(&over);
        let stubborn = spawn(move || {
            timeout(SECOND, || {
                while !is_over.get() {
                    let _ = catch_unwind(AssertUnwindSafe(|| sleep(SECOND)));
                }
            })
        });
        until_parked(&stubborn);
        // Due right after the scope. (From then on the stubborn one is always ready, so the clock
        // jumps no further.)
        sleep(SECOND);
        for _ in 0..3 {
            yield_now();
        }
        over.set(true);
        assert!(stubborn.join().unwrap().is_ok());
    });
}

#[test]
fn the_root_swallowing_its_time_limit_does_not_hang_the_others() {
    on_each_hub_jumping(|_| {
        let other = spawn(|| {
            sleep(SECOND);
            for _ in 0..3 {
                yield_now();
            }
        });
        yield_now();
        let outcome = timeout(SECOND, || {
            while !other.is_finished() {
                let _ = catch_unwind(AssertUnwindSafe(|| sleep(SECOND)));
            }
        });
        assert!(outcome.is_ok());
    });
}

#[test]
fn one_that_runs_waits_for_nothing() {
    on_each_hub_jumping(|_| {
        let slot: Rc<Cell<Option<eventlet_green::JoinHandle<()>>>> = Rc::default();
        let own = Rc::clone(&slot);
        let seen = Rc::new(Cell::new(None));
        let note = Rc::clone(&seen);
        slot.set(Some(spawn_after(SECOND, move || {
            let me = own.take().unwrap();
            note.set(Some(me.waits_for()));
        })));
        sleep(2 * SECOND);
        assert_eq!(seen.get(), Some(Wait::Nothing));
    });
}

/// The call was made all the same, and its result lost.
#[test]
fn a_call_is_not_offloaded_by_one_who_cannot_wait_for_it() {
    struct Offloads(Arc<AtomicBool>);
    impl Drop for Offloads {
        fn drop(&mut self) {
            let called = Arc::clone(&self.0);
            let refused = offload(move || called.store(true, Ordering::SeqCst));
            assert!(refused.is_err());
        }
    }
    on_each_hub(|| {
        let called = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&called);
        let victim = spawn(move || {
            let _offloads = Offloads(theirs);
            sleep(Duration::from_secs(3600));
        });
        until_parked(&victim);
        victim.kill().unwrap();
        victim.join().unwrap_err();
        // Whatever was queued before this is done after it.
        for _ in 0..eventlet_green::MAX_THREADS * 2 {
            offload(|| ()).unwrap();
        }
        assert!(!called.load(Ordering::SeqCst));
    });
}

/// They gave what the inert file behind the number gave.
#[test]
fn everything_on_a_closed_socket_says_that_it_is_closed() {
    on_each_hub(|| {
        let (near, _far) = pair();
        near.close().unwrap();
        let outcomes = [
            near.shutdown(Shutdown::Both).err(),
            near.peer_addr().err(),
            near.local_addr().err(),
            near.nodelay().err(),
            near.set_nodelay(true).err(),
            near.take_error().err(),
            near.peek(&mut [0]).err(),
            (&near).read(&mut [0]).err(),
            (&near).write(&[0]).err(),
        ];
        for outcome in outcomes {
            assert_eq!(outcome.unwrap().kind(), ErrorKind::NotConnected);
        }
    });
}
