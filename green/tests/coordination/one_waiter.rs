//! One reader and one writer may wait on a socket; a second of a kind is told so, and disturbs nobody.

use std::io::{ErrorKind, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use crate::support::{flood, on_each_hub, on_each_hub_jumping, pair, until_parked};
use eventlet_green::net::TcpListener;
use eventlet_green::{spawn, timeout};

#[test]
fn a_second_reader_is_refused_and_the_first_goes_on() {
    on_each_hub(|| {
        let (near, mut far) = pair();
        let near = Rc::new(near);
        let theirs = Rc::clone(&near);
        let first = spawn(move || (&*theirs).read(&mut [0; 8]).unwrap());
        until_parked(&first);
        for _ in 0..2 {
            let error = (&*near).read(&mut [0]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ResourceBusy);
        }
        assert_eq!(
            near.peek(&mut [0]).unwrap_err().kind(),
            ErrorKind::ResourceBusy
        );
        far.write_all(b"ab").unwrap();
        assert_eq!(first.join().unwrap(), 2);
    });
}

#[test]
fn a_second_writer_is_refused() {
    on_each_hub(|| {
        let (near, far) = pair();
        let near = Rc::new(near);
        let theirs = Rc::clone(&near);
        let first = spawn(move || (&*theirs).write_all(&flood()).unwrap());
        until_parked(&first);
        let clone = near.try_clone().unwrap();
        let error = (&clone).write_all(&flood()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourceBusy);
        drop((near, clone));
        let mut got = Vec::new();
        (&far).read_to_end(&mut got).unwrap();
        assert!(
            got.len() >= flood().len(),
            "nothing of the first one's is lost"
        );
        first.join().unwrap();
    });
}

#[test]
fn a_second_acceptor_is_refused() {
    on_each_hub(|| {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let theirs = Rc::clone(&listener);
        let first = spawn(move || theirs.accept().map(drop));
        until_parked(&first);
        let error = listener.accept().map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourceBusy);
        first.kill().unwrap();
        first.join().unwrap_err();
    });
}

#[test]
fn a_reader_and_a_writer_are_fine() {
    on_each_hub(|| {
        let (near, far) = pair();
        let near = Rc::new(near);
        let [a, b] = [0; 2].map(|_| Rc::clone(&near));
        let reader = spawn(move || (&*a).read(&mut [0; 8]).unwrap());
        let writer = spawn(move || (&*b).write_all(&flood()).unwrap());
        until_parked(&reader);
        until_parked(&writer);
        (&far).write_all(b"abc").unwrap();
        assert_eq!(reader.join().unwrap(), 3);
        assert!(
            !writer.is_finished(),
            "it was not woken by what the reader was"
        );
        (&far).read_exact(&mut flood()).unwrap();
        writer.join().unwrap();
    });
}

#[test]
fn the_seat_is_free_after_a_kill_or_a_time_limit() {
    on_each_hub_jumping(|_| {
        let (near, mut far) = pair();
        let near = Rc::new(near);
        let theirs = Rc::clone(&near);
        let victim = spawn(move || drop((&*theirs).read(&mut [0])));
        until_parked(&victim);
        victim.kill().unwrap();
        victim.join().unwrap_err();
        let second = Duration::from_secs(1);
        timeout(second, || (&*near).read(&mut [0]).map(drop)).unwrap_err();
        near.set_read_timeout(Some(second)).unwrap();
        assert_eq!(
            (&*near).read(&mut [0]).unwrap_err().kind(),
            ErrorKind::TimedOut
        );
        far.write_all(b"x").unwrap();
        assert_eq!((&*near).read(&mut [0]).unwrap(), 1);
    });
}
