//! A stream in memory does what a TCP connection does, and a Unix socket: each scenario runs over each.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use crate::support::{on_each_hub_jumping, until_parked};
use eventlet_green::net::unix::UnixStream;
use eventlet_green::net::{self, TcpStream};
use eventlet_green::testing::{Duplex, duplex, settle, tcp_pair};
use eventlet_green::{JoinHandle, Watcher, now, sleep, spawn, stats, timeout, yield_now};

const SECOND: Duration = Duration::from_secs(1);
/// Of a stream in memory; small, so that writers wait.
const ROOM: usize = 1000;

/// What the scenarios ask of a stream, besides what all have in common.
trait Stream: net::Stream + Read + Write + Clone {
    fn pair() -> (Self, Self);
    fn peek(&self, into: &mut [u8]) -> io::Result<usize>;
}

macro_rules! stream {
    ($stream:ty, $pair:expr) => {
        impl Stream for $stream {
            fn pair() -> (Self, Self) {
                $pair
            }

            fn peek(&self, into: &mut [u8]) -> io::Result<usize> {
                self.peek(into)
            }
        }
    };
}
stream!(TcpStream, tcp_pair().unwrap());
stream!(Duplex, duplex(ROOM));
stream!(UnixStream, UnixStream::pair().unwrap());

/// Runs a scenario over several kinds of streams, under each hub.
macro_rules! over {
    ($streams:tt $($name:ident)*) => {$(
        #[test]
        fn $name() {
            on_each_hub_jumping(|_| over!(@ $name $streams));
        }
    )*};
    (@ $name:ident [$($stream:ident)*]) => {{
        $(scenario::$name::<$stream>();)*
    }};
}

over! { [TcpStream Duplex UnixStream]
    bytes_arrive_in_order
    a_shut_down_writer_is_the_end_for_the_reader
    a_dropped_peer_is_the_end_for_a_reader_and_a_broken_pipe_for_a_writer
    a_reader_that_waits_is_told_of_the_close
    closing_tells_who_waits_on_another_handle
    a_scope_ends_a_wait
    a_kill_leaves_the_seat_and_loses_nothing
    a_full_duplex_transfer_both_ways_at_once
    peeking_and_waiting_take_nothing
    both_sides_shut_down
    a_try_does_not_wait
    a_try_to_write_does_not_wait
    a_wait_for_room_ends_when_there_is_some
    an_abort_tells_who_waits_here
    a_watcher_is_begun_when_there_is_something
    a_watcher_is_told_of_its_time_limit_and_of_the_close
    a_watcher_goes_with_the_last_handle
}

// How a Unix socket tells a writer that its peer has gone is its own, and a read of nothing does not
// wait there.
over! { [TcpStream Duplex]
    a_peer_that_closes_with_something_unread_resets
    a_writer_that_waits_is_told_of_the_close
    time_limits_are_kept_and_the_stream_goes_on
    one_of_each_kind_may_wait
}

/// What has arrived stays, then comes the error; a Unix socket cannot tell.
#[test]
fn an_abort_is_a_reset_for_the_peer() {
    fn scenario<S: Stream>() {
        for is_written in [true, false] {
            let (mut near, mut far) = S::pair();
            let mut into = [0; 8];
            if is_written {
                near.write_all(b"part").unwrap();
                assert_eq!(far.read(&mut into).unwrap(), 4);
            }
            near.abort().unwrap();
            settle();
            let reset = Some(ErrorKind::ConnectionReset);
            assert_eq!(kind(far.read(&mut into)), reset);
            assert_eq!(far.read(&mut into).unwrap(), 0, "told once");
        }
    }
    on_each_hub_jumping(|_| {
        scenario::<TcpStream>();
        scenario::<Duplex>();
    });
}

fn kind<T>(outcome: io::Result<T>) -> Option<ErrorKind> {
    outcome.err().map(|error| error.kind())
}

fn started<T: 'static>(f: impl FnOnce() -> T + 'static) -> JoinHandle<T> {
    let handle = spawn(f);
    until_parked(&handle);
    handle
}

/// Writes until it fails; gives how.
fn write_on(mut stream: impl Write) -> ErrorKind {
    loop {
        if let Err(error) = stream.write(&[b'.'; 1 << 16]) {
            return error.kind();
        }
        // The kernel's answer to what was sent.
        settle_if_root();
    }
}

fn settle_if_root() {
    if eventlet_green::current_id() == 0 {
        settle();
    }
}

/// Notes how a watch ended.
#[derive(Default)]
struct Notes(RefCell<Vec<Option<ErrorKind>>>);

impl Watcher for Notes {
    fn came(self: Rc<Self>, outcome: io::Result<()>) {
        self.0.borrow_mut().push(kind(outcome));
    }
}

mod scenario {
    use super::*;

    pub fn a_try_does_not_wait<S: Stream>() {
        let (near, mut far) = S::pair();
        let mut into = [0; 8];
        assert_eq!(kind(near.try_read(&mut into)), Some(ErrorKind::WouldBlock));
        far.write_all(b"abc").unwrap();
        near.wait_readable().unwrap();
        assert_eq!(near.try_read(&mut into).unwrap(), 3);
        assert_eq!(kind(near.try_read(&mut into)), Some(ErrorKind::WouldBlock));
        drop(far);
        near.wait_readable().unwrap();
        assert_eq!(near.try_read(&mut into).unwrap(), 0);
    }

    pub fn a_try_to_write_does_not_wait<S: Stream>() {
        let (near, mut far) = S::pair();
        let mut sent = 0;
        loop {
            match near.try_write(&[b'.'; 1 << 16]) {
                Ok(count) => sent += count,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    break;
                }
            }
            // The kernel's answer to what was sent.
            settle();
        }
        assert!(sent > 0);
        let last = near.clone();
        let rest = spawn(move || {
            let mut last = last;
            last.write_all(b"!").unwrap();
            last.shutdown(Shutdown::Write).unwrap();
        });
        let mut got = Vec::new();
        far.read_to_end(&mut got).unwrap();
        assert_eq!(got.len(), sent + 1);
        rest.join().unwrap();
        net::Stream::close(&far).unwrap();
        assert_eq!(
            kind(near.try_write(b"x").and_then(|_| {
                settle();
                near.try_write(b"x")
            })),
            Some(ErrorKind::BrokenPipe)
        );
        net::Stream::close(&near).unwrap();
        assert_eq!(kind(near.try_write(b"x")), Some(ErrorKind::NotConnected));
    }

    pub fn a_wait_for_room_ends_when_there_is_some<S: Stream>() {
        let (near, mut far) = S::pair();
        let fill = || {
            while near.try_write(&[b'.'; 1 << 16]).is_ok() {
                settle();
            }
        };
        fill();
        near.set_write_timeout(Some(SECOND)).unwrap();
        assert_eq!(kind(near.wait_writable()), Some(ErrorKind::TimedOut));
        near.set_write_timeout(None).unwrap();
        let waits = near.clone();
        let waiter = started(move || {
            waits.wait_writable().unwrap();
            while kind(waits.try_write(b"!")) == Some(ErrorKind::WouldBlock) {
                waits.wait_writable().unwrap();
            }
        });
        let mut got = vec![0; 1 << 20];
        while !waiter.is_finished() {
            assert!(far.read(&mut got).unwrap() > 0);
            settle();
        }
        waiter.join().unwrap();

        fill();
        let waits = near.clone();
        let waiter = started(move || kind(waits.wait_writable()));
        near.say_goodbye();
        net::Stream::close(&near).unwrap();
        assert_eq!(waiter.join().unwrap(), Some(ErrorKind::NotConnected));
    }

    pub fn an_abort_tells_who_waits_here<S: Stream>() {
        let (near, far) = S::pair();
        let mut reads = near.clone();
        let reader = started(move || kind(reads.read(&mut [0; 8])));
        near.abort().unwrap();
        near.abort().unwrap();
        assert_eq!(reader.join().unwrap(), Some(ErrorKind::NotConnected));
        drop(far);
    }

    pub fn a_watcher_is_begun_when_there_is_something<S: Stream>() {
        let (mut near, mut far) = S::pair();
        let mut into = [0; 8];
        assert!(
            near.try_read(&mut into).is_err(),
            "it is known to be drained"
        );
        let notes = Rc::new(Notes::default());
        near.watch_readable(notes.clone()).unwrap();
        let busy = Some(ErrorKind::ResourceBusy);
        assert_eq!(kind(near.watch_readable(notes.clone())), busy);
        assert_eq!(kind(near.read(&mut into)), busy);
        settle();
        assert_eq!(stats().coroutines, 0, "it costs no stack");
        assert!(notes.0.borrow().is_empty());
        far.write_all(b"x").unwrap();
        settle();
        assert_eq!(notes.0.take(), [None]);
        // There is something already.
        near.watch_readable(notes.clone()).unwrap();
        settle();
        assert_eq!(notes.0.take(), [None]);
        assert_eq!(near.read(&mut into).unwrap(), 1);
    }

    pub fn a_watcher_is_told_of_its_time_limit_and_of_the_close<S: Stream>() {
        let (near, _far) = S::pair();
        assert!(near.try_read(&mut [0]).is_err());
        near.set_read_timeout(Some(SECOND)).unwrap();
        let notes = Rc::new(Notes::default());
        near.watch_readable(notes.clone()).unwrap();
        let start = now();
        sleep(2 * SECOND);
        assert_eq!(notes.0.take(), [Some(ErrorKind::TimedOut)]);
        assert_eq!(now() - start, 2 * SECOND);
        near.watch_readable(notes.clone()).unwrap();
        net::Stream::close(&near).unwrap();
        settle();
        assert_eq!(notes.0.take(), [Some(ErrorKind::NotConnected)]);
        assert_eq!(
            kind(near.watch_readable(notes)),
            Some(ErrorKind::NotConnected)
        );
        assert_eq!(stats().timers, 0);
    }

    pub fn a_watcher_goes_with_the_last_handle<S: Stream>() {
        let (near, far) = S::pair();
        assert!(near.try_read(&mut [0]).is_err());
        near.set_read_timeout(Some(SECOND)).unwrap();
        let notes = Rc::new(Notes::default());
        near.watch_readable(notes.clone()).unwrap();
        drop(near);
        settle();
        assert!(notes.0.borrow().is_empty(), "it is not called");
        assert_eq!(Rc::strong_count(&notes), 1);
        assert_eq!(stats().timers, 0);
        drop(far);
    }

    pub fn bytes_arrive_in_order<S: Stream>() {
        let (mut near, mut far) = S::pair();
        let sent: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
        let expected = sent.clone();
        let writer = spawn(move || near.write_all(&sent).unwrap());
        let mut got = Vec::new();
        far.read_to_end(&mut got).unwrap();
        assert!(got == expected);
        writer.join().unwrap();
    }

    pub fn a_shut_down_writer_is_the_end_for_the_reader<S: Stream>() {
        let (mut near, mut far) = S::pair();
        near.write_all(b"last words").unwrap();
        near.shutdown(Shutdown::Write).unwrap();
        assert_eq!(kind(near.write(b"x")), Some(ErrorKind::BrokenPipe));
        let mut text = String::new();
        far.read_to_string(&mut text).unwrap();
        assert_eq!(text, "last words");
        assert_eq!(far.read(&mut [0; 8]).unwrap(), 0, "and it stays the end");
        far.write_all(b"answer").unwrap();
        drop(far);
        near.read_to_string(&mut text).unwrap();
        assert_eq!(text, "last wordsanswer");
    }

    pub fn a_dropped_peer_is_the_end_for_a_reader_and_a_broken_pipe_for_a_writer<S: Stream>() {
        let (mut near, mut far) = S::pair();
        far.write_all(b"bye").unwrap();
        drop(far);
        let mut text = String::new();
        near.read_to_string(&mut text).unwrap();
        assert_eq!(text, "bye");
        assert_eq!(write_on(&mut near), ErrorKind::BrokenPipe);
        assert_eq!(write_on(&mut near), ErrorKind::BrokenPipe);
        assert_eq!(near.read(&mut [0; 8]).unwrap(), 0);
    }

    pub fn a_peer_that_closes_with_something_unread_resets<S: Stream>() {
        for first in ["read", "write"] {
            let (mut near, mut far) = S::pair();
            near.write_all(b"never read").unwrap();
            far.write_all(b"on its way").unwrap();
            // It is there before the other end goes.
            near.wait_readable().unwrap();
            far.wait_readable().unwrap();
            drop(far);
            settle();
            let mut into = [0; 64];
            if first == "read" {
                assert_eq!(near.read(&mut into).unwrap(), 10);
                assert_eq!(kind(near.read(&mut into)), Some(ErrorKind::ConnectionReset));
            } else {
                assert_eq!(kind(near.write(b"x")), Some(ErrorKind::ConnectionReset));
                assert_eq!(near.read(&mut into).unwrap(), 10);
            }
            // Told once.
            assert_eq!(near.read(&mut into).unwrap(), 0);
            assert_eq!(kind(near.write(b"x")), Some(ErrorKind::BrokenPipe));
        }
    }

    pub fn a_writer_that_waits_is_told_of_the_close<S: Stream>() {
        let (near, far) = S::pair();
        let writer = started(move || write_on(near));
        drop(far);
        assert_eq!(writer.join().unwrap(), ErrorKind::ConnectionReset);
    }

    pub fn a_reader_that_waits_is_told_of_the_close<S: Stream>() {
        for drop_or_close in [
            |far: S| drop(far),
            |far: S| net::Stream::close(&far).unwrap(),
        ] {
            let (mut near, far) = S::pair();
            let reader = started(move || near.read(&mut [0; 8]).unwrap());
            drop_or_close(far);
            assert_eq!(reader.join().unwrap(), 0);
        }
    }

    pub fn closing_tells_who_waits_on_another_handle<S: Stream>() {
        let (near, far) = S::pair();
        let (mut reads, writes) = (near.clone(), near.clone());
        let reader = started(move || kind(reads.read(&mut [0; 8])));
        let writer = started(move || write_on(writes));
        net::Stream::close(&near).unwrap();
        net::Stream::close(&near).unwrap();
        assert_eq!(reader.join().unwrap(), Some(ErrorKind::NotConnected));
        assert_eq!(writer.join().unwrap(), ErrorKind::NotConnected);
        let mut near = near;
        let gone = Some(ErrorKind::NotConnected);
        assert_eq!(kind(near.read(&mut [0; 8])), gone);
        assert_eq!(kind(near.write(b"x")), gone);
        assert_eq!(kind(near.peek(&mut [0; 8])), gone);
        assert_eq!(kind(near.wait_readable()), gone);
        assert_eq!(kind(near.shutdown(Shutdown::Both)), gone);
        drop(far);
    }

    pub fn time_limits_are_kept_and_the_stream_goes_on<S: Stream>() {
        let start = now();
        let (mut near, mut far) = S::pair();
        assert_eq!(
            kind(near.set_read_timeout(Some(Duration::ZERO))),
            Some(ErrorKind::InvalidInput)
        );
        assert_eq!(
            kind(near.set_write_timeout(Some(Duration::ZERO))),
            Some(ErrorKind::InvalidInput)
        );
        near.set_read_timeout(Some(SECOND)).unwrap();
        near.set_write_timeout(Some(2 * SECOND)).unwrap();
        assert_eq!(kind(near.read(&mut [0; 8])), Some(ErrorKind::TimedOut));
        assert_eq!(now() - start, SECOND);
        assert_eq!(kind(near.read(&mut [])), Some(ErrorKind::TimedOut));
        assert_eq!(now() - start, 2 * SECOND);
        assert_eq!(write_on(&mut near), ErrorKind::TimedOut);
        assert_eq!(now() - start, 4 * SECOND);
        far.write_all(b"late").unwrap();
        let mut into = [0; 8];
        near.wait_readable().unwrap();
        assert_eq!(near.read(&mut []).unwrap(), 0);
        assert_eq!(near.read(&mut into).unwrap(), 4);
        // Not every hub lets a read that fell short stand for the last: then it is tried once more.
        assert_eq!(kind(near.read(&mut into)), Some(ErrorKind::TimedOut));
        assert_eq!(kind(near.wait_readable()), Some(ErrorKind::TimedOut));
    }

    pub fn a_scope_ends_a_wait<S: Stream>() {
        let (mut near, _far) = S::pair();
        let outcome = timeout(SECOND, || near.read(&mut [0; 8]));
        assert!(outcome.unwrap_err().is_elapsed());
        let outcome = timeout(SECOND, || write_on(&mut near));
        assert!(outcome.unwrap_err().is_elapsed());
    }

    pub fn one_of_each_kind_may_wait<S: Stream>() {
        let (mut near, far) = S::pair();
        let (mut reads, writes) = (near.clone(), near.clone());
        let reader = started(move || reads.read(&mut [0; 8]).unwrap());
        let writer = started(move || write_on(writes));
        assert_eq!(kind(near.read(&mut [0; 8])), Some(ErrorKind::ResourceBusy));
        assert_eq!(kind(near.write(b"x")), Some(ErrorKind::ResourceBusy));
        let mut far = far;
        far.write_all(b"one").unwrap();
        assert_eq!(reader.join().unwrap(), 3);
        net::Stream::close(&far).unwrap();
        assert_eq!(writer.join().unwrap(), ErrorKind::ConnectionReset);
    }

    pub fn a_kill_leaves_the_seat_and_loses_nothing<S: Stream>() {
        let (mut near, mut far) = S::pair();
        let mut reads = near.clone();
        let victim = started(move || reads.read(&mut [0; 8]));
        // Killed in the same turn in which data comes.
        far.write_all(b"kept").unwrap();
        victim.kill().unwrap();
        assert!(victim.join().is_err());
        let mut into = [0; 8];
        assert_eq!(near.read(&mut into).unwrap(), 4);
        let writes = near.clone();
        let victim = started(move || write_on(writes));
        victim.kill().unwrap();
        assert!(victim.join().is_err());
        near.set_write_timeout(Some(SECOND)).unwrap();
        assert_eq!(write_on(&mut near), ErrorKind::TimedOut, "the seat is free");
    }

    pub fn a_full_duplex_transfer_both_ways_at_once<S: Stream>() {
        const TOTAL: usize = 300_000;
        let (near, far) = S::pair();
        let send = |mut stream: S| {
            spawn(move || {
                for piece in vec![7; TOTAL].chunks(777) {
                    stream.write_all(piece).unwrap();
                }
                stream.shutdown(Shutdown::Write).unwrap();
            })
        };
        let receive =
            |mut stream: S| spawn(move || io::copy(&mut stream, &mut io::sink()).unwrap());
        let senders = [send(near.clone()), send(far.clone())];
        let receivers = [receive(near), receive(far)];
        senders
            .into_iter()
            .for_each(|sender| sender.join().unwrap());
        for receiver in receivers {
            assert_eq!(receiver.join().unwrap(), TOTAL as u64);
        }
    }

    pub fn peeking_and_waiting_take_nothing<S: Stream>() {
        let (mut near, mut far) = S::pair();
        let waiter = near.clone();
        let waiter = spawn(move || waiter.wait_readable().unwrap());
        // (A hint: over a socket that nobody has tried yet it may not wait.)
        yield_now();
        far.write_all(b"x").unwrap();
        waiter.join().unwrap();
        let mut into = [0; 8];
        assert_eq!(near.peek(&mut into).unwrap(), 1);
        assert_eq!(near.peek(&mut into).unwrap(), 1);
        assert_eq!(near.read(&mut into).unwrap(), 1);
        assert_eq!(into[0], b'x');
        far.shutdown(Shutdown::Write).unwrap();
        near.wait_readable().unwrap();
        assert_eq!(near.peek(&mut into).unwrap(), 0);
    }

    pub fn both_sides_shut_down<S: Stream>() {
        let (mut near, mut far) = S::pair();
        let mut reads = near.clone();
        let reader = started(move || reads.read(&mut [0; 8]).unwrap());
        near.shutdown(Shutdown::Both).unwrap();
        assert_eq!(reader.join().unwrap(), 0);
        assert_eq!(kind(near.write(b"x")), Some(ErrorKind::BrokenPipe));
        assert_eq!(far.read(&mut [0; 8]).unwrap(), 0);
        far.shutdown(Shutdown::Both).unwrap();
    }
}
