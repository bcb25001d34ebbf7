//! What an edge-triggered hub reports once must never be lost: short reads, then data, the end or a
//! reset, arriving at every moment. Random, with the seed printed (`EVENTLET_SEED` repeats it).

use std::cell::Cell;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener as StdListener};
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::support::{Dice, on_each_hub, pair, seed, until_parked};
use eventlet_green::net::TcpStream;
use eventlet_green::{Interest, spawn, yield_now};
use socket2::SockRef;

const ROUNDS: usize = 300;
const LARGEST_PIECE: usize = 5000;

/// How a peer ends its stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Shutdown,
    Drop,
    Reset,
}

const ENDS: [End; 3] = [End::Shutdown, End::Drop, End::Reset];

fn pattern(index: usize) -> u8 {
    (index % 253) as u8
}

/// Reads pieces of random sizes to the end; gives how much came, and whether it ended well.
fn read_all(mut stream: impl Read, dice: &mut Dice) -> (usize, bool) {
    let mut buffer = vec![0; LARGEST_PIECE];
    let mut total = 0;
    loop {
        let wanted = 1 + dice.roll(LARGEST_PIECE);
        match stream.read(&mut buffer[..wanted]) {
            Ok(0) => return (total, true),
            Ok(count) => {
                let right = (0..count).all(|at| buffer[at] == pattern(total + at));
                assert!(right, "garbled after {total} bytes");
                total += count;
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                return (total, false);
            }
        }
        if dice.roll(4) == 0 {
            yield_now();
        }
    }
}

#[test]
fn a_peer_on_another_thread_at_any_moment() {
    on_each_hub(|| {
        let seed = seed();
        println!("seed {seed}");
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sent, told) = mpsc::channel();
        let peer = thread::spawn(move || {
            let mut dice = Dice::new(seed);
            let bytes: Vec<u8> = (0..20 * LARGEST_PIECE).map(pattern).collect();
            for _ in 0..ROUNDS {
                let (mut stream, _) = listener.accept().unwrap();
                let mut total = 0;
                for _ in 0..dice.roll(12) {
                    let size = 1 + dice.roll(LARGEST_PIECE);
                    stream.write_all(&bytes[total..total + size]).unwrap();
                    total += size;
                    // No synchronisation: a change of the rhythm.
                    for _ in 0..dice.roll(3000) {
                        std::hint::spin_loop();
                    }
                }
                let end = ENDS[dice.roll(ENDS.len())];
                match end {
                    End::Shutdown => stream.shutdown(Shutdown::Write).unwrap(),
                    End::Reset => SockRef::from(&stream)
                        .set_linger(Some(Duration::ZERO))
                        .unwrap(),
                    End::Drop => {}
                }
                if end == End::Shutdown {
                    sent.send((total, end, Some(stream))).unwrap();
                } else {
                    drop(stream);
                    sent.send((total, end, None)).unwrap();
                }
            }
        });
        let mut dice = Dice::new(!seed);
        for round in 0..ROUNDS {
            let (got, ended_well) = match TcpStream::connect(address) {
                Ok(stream) => read_all(&stream, &mut dice),
                // Reset before the connect was seen to have succeeded.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => (0, false),
                Err(error) => panic!("{error}"),
            };
            let (total, end, _kept) = told.recv().unwrap();
            if end == End::Reset {
                assert!(got <= total, "seed {seed}, round {round}");
            } else {
                assert_eq!(
                    (got, ended_well),
                    (total, true),
                    "seed {seed}, round {round}"
                );
            }
        }
        peer.join().unwrap();
    });
}

#[test]
fn a_peer_in_another_coroutine_at_any_moment() {
    on_each_hub(|| {
        let seed = seed();
        println!("seed {seed}");
        let mut dice = Dice::new(seed);
        for round in 0..ROUNDS {
            let (near, far) = pair();
            let end = ENDS[dice.roll(ENDS.len())];
            let mut writers = Dice::new(seed ^ round as u64 ^ 0x5555);
            let mut readers = Dice::new(seed ^ round as u64 ^ 0xaaaa);
            let writer = spawn(move || {
                let bytes: Vec<u8> = (0..20 * LARGEST_PIECE).map(pattern).collect();
                let mut total = 0;
                for _ in 0..writers.roll(12) {
                    let size = 1 + writers.roll(LARGEST_PIECE);
                    (&far).write_all(&bytes[total..total + size]).unwrap();
                    total += size;
                    for _ in 0..writers.roll(4) {
                        yield_now();
                    }
                }
                match end {
                    End::Shutdown => far.shutdown(Shutdown::Write).unwrap(),
                    End::Reset => SockRef::from(&far)
                        .set_linger(Some(Duration::ZERO))
                        .unwrap(),
                    End::Drop => return (total, None),
                }
                (total, (end == End::Shutdown).then_some(far))
            });
            let (got, ended_well) = read_all(&near, &mut readers);
            let (total, _kept) = writer.join().unwrap();
            match end {
                End::Reset => assert!(got <= total, "seed {seed}, round {round}"),
                _ => assert_eq!(
                    (got, ended_well),
                    (total, true),
                    "seed {seed}, round {round}"
                ),
            }
        }
    });
}

/// Each of these, after a short read has shown the buffer to be empty, while the reader is parked and
/// while it is not.
#[test]
fn after_a_short_read() {
    fn check(
        parked_first: bool,
        event: fn(TcpStream) -> Option<TcpStream>,
        expected: &'static str,
    ) {
        let (near, far) = pair();
        let seen = Rc::new(Cell::new(false));
        let note = Rc::clone(&seen);
        let reader = spawn(move || {
            let mut buffer = [0; 8];
            assert_eq!((&near).read(&mut buffer).unwrap(), 3, "a short read");
            note.set(true);
            match (&near).read(&mut buffer) {
                Ok(0) => "end",
                Ok(_) => "data",
                Err(error) if error.kind() == ErrorKind::ConnectionReset => "reset",
                Err(error) => panic!("{error}"),
            }
        });
        (&far).write_all(b"abc").unwrap();
        crate::support::until(|| seen.get());
        if parked_first {
            until_parked(&reader);
        }
        let _kept = event(far);
        assert_eq!(reader.join().unwrap(), expected);
    }

    on_each_hub(|| {
        for parked_first in [true, false] {
            check(
                parked_first,
                |far| {
                    (&far).write_all(b"d").unwrap();
                    Some(far)
                },
                "data",
            );
            check(
                parked_first,
                |far| {
                    far.shutdown(Shutdown::Write).unwrap();
                    Some(far)
                },
                "end",
            );
            check(parked_first, |_| None, "end");
            check(
                parked_first,
                |far| {
                    SockRef::from(&far)
                        .set_linger(Some(Duration::ZERO))
                        .unwrap();
                    None
                },
                "reset",
            );
        }
    });
}

/// Data and the end arrive together, before the first read: one report for both.
#[test]
fn data_and_end_in_one_report() {
    on_each_hub(|| {
        let (near, far) = pair();
        (&far).write_all(b"abc").unwrap();
        drop(far);
        crate::support::until(|| near.peek(&mut [0; 8]).unwrap() == 3);
        let mut text = String::new();
        (&near).read_to_string(&mut text).unwrap();
        assert_eq!(text, "abc");
        for _ in 0..3 {
            assert_eq!((&near).read(&mut [0]).unwrap(), 0, "an end stays an end");
        }
    });
}

/// A writer fills the buffer exactly to a short write; room comes before, or after, it parks.
#[test]
fn room_after_a_short_write() {
    /// Smaller buffers would wait for the kernel's delayed acknowledgements.
    const SMALL: usize = 16 * 1024;
    const PIECE: usize = 100_000;

    on_each_hub(|| {
        let (near, far) = pair();
        SockRef::from(&near).set_send_buffer_size(SMALL).unwrap();
        SockRef::from(&far).set_recv_buffer_size(SMALL).unwrap();
        let writer = spawn(move || {
            for _ in 0..20 {
                (&near).write_all(&[7; PIECE]).unwrap();
            }
        });
        let mut dice = Dice::new(1);
        let mut left = 20 * PIECE;
        while left > 0 {
            let wanted = left.min(1 + dice.roll(2 * PIECE));
            (&far).read_exact(&mut vec![0; wanted]).unwrap();
            left -= wanted;
        }
        writer.join().unwrap();
    });
}

/// Waiting for both directions of a stream that is full and has nothing to read.
#[test]
fn a_wait_for_both_directions_ends_with_either() {
    on_each_hub(|| {
        let (near, far) = pair();
        let near = Rc::new(near);
        let exhaust = || {
            while near.try_write(&[0; 64 * 1024]).is_ok() {}
            let nothing = near.try_read(&mut [0; 8]).unwrap_err();
            assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
        };
        let wait = |limit| {
            let near = Rc::clone(&near);
            let waiting = spawn(move || near.wait_for(Interest::BOTH, limit));
            until_parked(&waiting);
            waiting
        };

        exhaust();
        let reading = wait(None);
        far.try_write(b"x").unwrap();
        reading.join().unwrap().unwrap();
        assert_eq!(near.try_read(&mut [0; 8]).unwrap(), 1);

        exhaust();
        let writing = wait(None);
        let mut room = vec![0; 1 << 20];
        while !writing.is_finished() {
            let _ = far.try_read(&mut room);
            yield_now();
        }
        writing.join().unwrap().unwrap();

        exhaust();
        let late = wait(Some(Duration::from_millis(1)));
        assert_eq!(
            late.join().unwrap().unwrap_err().kind(),
            ErrorKind::TimedOut
        );

        let first = wait(None);
        let second = near.wait_for(Interest::READABLE, None).unwrap_err();
        assert_eq!(second.kind(), ErrorKind::ResourceBusy);
        first.kill().unwrap();
        first.join().unwrap_err();

        let closed = wait(None);
        near.close().unwrap();
        assert_eq!(
            closed.join().unwrap().unwrap_err().kind(),
            ErrorKind::NotConnected
        );
        let again = near.wait_for(Interest::BOTH, None).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::NotConnected);
    });
}
