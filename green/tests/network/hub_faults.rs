//! A kernel that refuses: each call of the hub fails once, wherever a conversation has come to. What
//! failed is told to somebody, nothing stays behind, and the next conversation is as if nothing had been.

use std::cell::RefCell;
use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::io::pipe;
use eventlet_green::net::unix::UnixStream;
use eventlet_green::net::{TcpListener, TcpStream, UdpSocket};
use eventlet_green::testing::{Harness, HubCall, HubFaults, assert_nothing_is_left, tcp_pair};
use eventlet_green::{JoinError, JoinHandle, ParkError, spawn, stats, timeout, yield_now};

use crate::support::{assert_success, child_command, is_child, until, until_parked};

const LONG: Duration = Duration::from_secs(30);

/// What the kernel says when it is short of memory.
fn short() -> io::Error {
    io::Error::from_raw_os_error(libc::ENOMEM)
}

/// Whether an error is, or wraps, or tells of [`short`].
fn tells_of_short(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOMEM) || error.to_string().contains(&short().to_string())
}

/// What went wrong, in whichever coroutine.
type Complaints = Rc<RefCell<Vec<io::Error>>>;

/// Does a part of a conversation in a coroutine of its own.
fn beside(complaints: &Complaints, f: impl FnOnce() -> io::Result<()> + 'static) -> JoinHandle<()> {
    let complaints = Rc::clone(complaints);
    spawn(move || {
        if let Err(error) = f() {
            complaints.borrow_mut().push(error);
        }
    })
}

/// Ends the coroutines of a conversation that has broken off.
struct Ended(Vec<JoinHandle<()>>);

impl Drop for Ended {
    fn drop(&mut self) {
        for one in &self.0 {
            one.kill().unwrap();
        }
    }
}

/// All kinds of descriptors, waited for in both directions, by the root and by others.
fn converse(complaints: &Complaints) -> io::Result<()> {
    let mut others = Ended(Vec::new());
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    others.0.push(beside(complaints, move || {
        let (stream, _) = listener.accept()?;
        io::copy(&mut &stream, &mut &stream).map(drop)
    }));
    let mut client = TcpStream::connect(address)?;
    client.set_read_timeout(Some(LONG))?;
    client.write_all(b"ping")?;
    let mut echo = [0; 4];
    client.read_exact(&mut echo)?;
    assert_eq!(&echo, b"ping");
    client.shutdown(Shutdown::Write)?;
    assert_eq!(client.read(&mut echo)?, 0);

    let (mut near, far) = UnixStream::pair()?;
    others.0.push(beside(complaints, move || {
        io::copy(&mut &far, &mut io::sink()).map(drop)
    }));
    // More than the kernel takes at once, so that writing waits.
    near.write_all(&vec![b'.'; 1 << 20])?;
    drop(near);

    let (mut reader, mut writer) = pipe()?;
    others
        .0
        .push(beside(complaints, move || writer.write_all(b"through")));
    let mut text = String::new();
    reader.read_to_string(&mut text)?;
    assert_eq!(text, "through");

    let here = UdpSocket::bind("127.0.0.1:0")?;
    let there = UdpSocket::bind("127.0.0.1:0")?;
    let to = here.local_addr()?;
    others.0.push(beside(complaints, move || {
        there.send_to(b"datagram", to).map(drop)
    }));
    here.set_read_timeout(Some(LONG))?;
    let mut datagram = [0; 16];
    let (count, _) = here.recv_from(&mut datagram)?;
    assert_eq!(&datagram[..count], b"datagram");
    Ok(())
}

/// Converses, lets everybody end with a whole hub, and gives what went wrong.
fn complaints_of(faults: &HubFaults) -> Vec<io::Error> {
    let complaints = Complaints::default();
    let outcome = converse(&complaints);
    faults.heal();
    until(|| stats().coroutines == 0);
    let mut all = complaints.take();
    all.extend(outcome.err());
    all
}

#[test]
fn each_call_of_the_hub_may_fail_once() {
    const TEST: &str = "network::hub_faults::each_call_of_the_hub_may_fail_once";
    if !is_child() {
        // A process of its own, in which open descriptors are looked at as well.
        return assert_success(&child_command(TEST).output().unwrap());
    }
    Harness::new().failing().run(|given| {
        let faults = given.faults();
        let all = [
            HubCall::Register,
            HubCall::Arm,
            HubCall::Deregister,
            HubCall::Wait,
        ];
        let before = all.map(|call| faults.calls(call));
        assert!(complaints_of(faults).is_empty());
        let made = all.map(|call| faults.calls(call));
        for (at, call) in all.into_iter().enumerate() {
            let count = made[at] - before[at];
            assert!(count > 0, "{call:?} was never called");
            for n in 1..=count {
                let met = faults.met();
                faults.fail(call, n, short);
                let complaints = complaints_of(faults);
                // How the kernel hands out its time decides how often is waited and armed.
                let has_failed = faults.met() > met;
                assert!(has_failed || matches!(call, HubCall::Arm | HubCall::Wait));
                match call {
                    // Ended all the same.
                    HubCall::Deregister => assert!(complaints.is_empty(), "{complaints:?}"),
                    _ => assert_eq!(
                        has_failed,
                        complaints.iter().any(tells_of_short),
                        "{call:?} {n}: {complaints:?}"
                    ),
                }
                assert_nothing_is_left();
                assert_eq!(stats().descriptors, 0);
                let complaints = complaints_of(faults);
                assert!(complaints.is_empty(), "after {call:?} {n}: {complaints:?}");
            }
        }
    });
}

#[test]
fn a_hub_that_cannot_wait_is_the_roots_business_only() {
    Harness::new().failing().run(|given| {
        let faults = given.faults();
        let (near, far) = tcp_pair().unwrap();
        let reader = spawn(move || {
            let mut text = String::new();
            (&far).read_to_string(&mut text).map(|_| text)
        });
        until_parked(&reader);
        faults.break_down(HubCall::Wait, short);
        for _ in 0..3 {
            let error = (&near).read(&mut [0]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::OutOfMemory);
            assert_eq!(
                error.to_string(),
                format!("the hub cannot wait: {}", short())
            );
            let reason = error.get_ref().unwrap().downcast_ref().unwrap();
            assert!(matches!(reason, ParkError::HubFailed(_)));
            let cause = reason.source().unwrap().downcast_ref::<io::Error>();
            assert_eq!(cause.unwrap().raw_os_error(), Some(libc::ENOMEM));
        }
        // With a limit it is the same: the direction was left.
        near.set_read_timeout(Some(LONG)).unwrap();
        let error = (&near).read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutOfMemory);
        // What does not wait goes on.
        (&near).write_all(b"still here").unwrap();
        yield_now();
        faults.heal();
        drop(near);
        assert_eq!(reader.join().unwrap().unwrap(), "still here");
    });
}

#[test]
fn a_coroutine_waits_on_while_the_root_is_told() {
    Harness::new().failing().run(|given| {
        let (near, far) = tcp_pair().unwrap();
        let reader = spawn(move || (&far).read(&mut [0; 8]));
        given.faults().fail(HubCall::Wait, 1, short);
        let error = match timeout(LONG, || (&near).read(&mut [0])) {
            Ok(outcome) => outcome.unwrap_err(),
            Err(elapsed) => panic!("{elapsed}"),
        };
        assert_eq!(error.kind(), ErrorKind::OutOfMemory);
        assert_eq!(stats().timers, 0);
        (&near).write_all(b"eight").unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), 5);
    });
}

#[test]
fn a_registration_that_is_refused_closes_what_it_was_for() {
    Harness::new().failing().run(|given| {
        let faults = given.faults();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let full = || io::Error::from_raw_os_error(libc::ENOSPC);

        // Who connects: the peer sees the connection go.
        faults.fail(HubCall::Register, 1, full);
        let error = TcpStream::connect(address).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOSPC), "{error}");

        // Who accepts: the client is closed, and the next one is served.
        let client = TcpStream::connect(address).unwrap();
        faults.fail(HubCall::Register, 1, full);
        let error = listener.accept().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        let mut next = TcpStream::connect(address).unwrap();
        next.write_all(b"x").unwrap();
        drop(client);
        loop {
            let (mut stream, _) = listener.accept().unwrap();
            if stream.read(&mut [0]).is_ok_and(|count| count == 1) {
                break;
            }
        }

        // A patient server goes on by itself.
        let patient = spawn(move || {
            let (stream, _) = listener.accept_patiently()?;
            io::copy(&mut &stream, &mut io::sink())
        });
        until_parked(&patient);
        let refused = std::net::TcpStream::connect(address).unwrap();
        faults.fail(HubCall::Register, 1, full);
        until(|| faults.met() == 3);
        drop(refused);
        let mut served = TcpStream::connect(address).unwrap();
        served.write_all(b"served").unwrap();
        drop(served);
        assert_eq!(patient.join().unwrap().unwrap(), 6);
    });
}

#[test]
fn who_cannot_be_armed_leaves_its_seat() {
    Harness::new().failing().run(|given| {
        let faults = given.faults();
        let (near, far) = tcp_pair().unwrap();
        faults.fail(HubCall::Arm, 1, short);
        let error = (&near).read(&mut [0]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOMEM));
        // In a coroutine too; and the direction is not taken.
        let reader = spawn(move || {
            faults_of_two(&near).unwrap_err();
            (&near).read(&mut [0; 8])
        });
        faults.fail(HubCall::Arm, 1, short);
        until_parked(&reader);
        assert_eq!(faults.met(), 2);
        (&far).write_all(b"ok").unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), 2);
    });
}

/// A read that fails.
fn faults_of_two(stream: &TcpStream) -> io::Result<usize> {
    let mut stream = stream;
    stream.read(&mut [0])
}

/// The root is woken, but many are in the queue before it, and the hub fails before its turn comes: it
/// has been woken all the same, with what it was given.
#[test]
fn who_has_been_woken_is_not_told_of_a_failure_on_the_way() {
    /// More than a turn makes calls before it looks at the hub.
    const CROWD: usize = 1_000;
    Harness::new().failing().run(|given| {
        let faults = given.faults();
        let (sender, receiver) = eventlet_green::channel::rendezvous();
        let crowded = spawn(move || {
            let crowd: Vec<_> = (0..CROWD).map(|_| spawn(yield_now)).collect();
            sender.send(7).unwrap();
            crowd
        });
        faults.fail(HubCall::Wait, 1, short);
        assert_eq!(receiver.recv().unwrap(), 7);
        assert_eq!(faults.met(), 1);
        let crowd = crowded.join().unwrap();
        assert_eq!(crowd.len(), CROWD);
        // Who yields needs no hub.
        faults.break_down(HubCall::Wait, short);
        for _ in 0..3 {
            yield_now();
        }
        faults.heal();
        for one in crowd {
            one.join().unwrap();
        }
    });
}

/// The same for who is woken because its time is over: it is told that, and nothing of it is left for its
/// next wait, which would end at once.
#[test]
fn who_has_been_woken_by_its_deadline_is_told_of_that() {
    const CROWD: usize = 1_000;
    Harness::new().failing().stepped().run(|given| {
        let (sender, receiver) = eventlet_green::channel::bounded(1);
        let (clock, faults) = (given.clock().clone(), given.faults().clone());
        let first = spawn(move || {
            // The turn after this one finds the deadline over, and cannot look at the hub.
            clock.advance(2 * LONG);
            faults.fail(HubCall::Wait, 2, short);
        });
        let crowd: Vec<_> = (0..CROWD)
            .map(|_| spawn(|| (0..4).for_each(|_| yield_now())))
            .collect();
        let error = receiver.recv_timeout(LONG).unwrap_err();
        assert!(error.is_timed_out(), "{error}");
        assert_eq!(given.faults().met(), 1);
        let late = spawn(move || {
            (0..4).for_each(|_| yield_now());
            sender.send("late").unwrap();
        });
        assert_eq!(receiver.recv_timeout(LONG).unwrap(), "late");
        for one in crowd.into_iter().chain([first, late]) {
            one.join().unwrap();
        }
    });
}

#[test]
fn a_join_that_is_refused_can_be_had_again() {
    Harness::new().failing().run(|given| {
        let faults = given.faults();
        let (near, far) = tcp_pair().unwrap();
        let handle = spawn(move || (&far).read(&mut [0; 4]).unwrap());
        until_parked(&handle);
        faults.break_down(HubCall::Wait, short);
        let refused = match handle.join_timeout(LONG) {
            Err(eventlet_green::JoinTimeoutError::Failed(error)) => error,
            other => panic!("{other:?}"),
        };
        assert!(matches!(
            refused,
            JoinError::Refused(ParkError::HubFailed(_))
        ));
        faults.heal();
        (&near).write_all(b"x").unwrap();
        until(|| stats().coroutines == 0);
    });
}
