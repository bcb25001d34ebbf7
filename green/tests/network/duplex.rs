//! Both directions of one socket at once, and ending one of them. TCP through small buffers is in
//! `tcp.rs`.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;

use crate::support::{flood, on_each_hub, pair, until_parked};
use eventlet_green::io::Descriptor;
use eventlet_green::net::TcpStream;
use eventlet_green::net::unix::UnixStream;
use eventlet_green::spawn;

/// Much more than the kernel's buffers, each way.
const SIZE: usize = 4 << 20;

/// Sends much each way at once, by two coroutines at each end; neither may hold the other up.
fn both_ways<S>(near: S, far: S, end: fn(&S))
where
    S: 'static,
    for<'a> &'a S: Read + Write,
{
    let ends = [(near, b'n'), (far, b'f')];
    let mut all = Vec::new();
    for (stream, mark) in ends {
        let stream = Rc::new(stream);
        let theirs = Rc::clone(&stream);
        all.push(spawn(move || {
            let mut stream = &*theirs;
            stream.write_all(&vec![mark; SIZE]).unwrap();
            end(&theirs);
            0
        }));
        all.push(spawn(move || {
            let mut buffer = vec![0; 100_000];
            let other = if mark == b'n' { b'f' } else { b'n' };
            let mut done = 0;
            loop {
                let count = (&*stream).read(&mut buffer).unwrap();
                if count == 0 {
                    return done;
                }
                assert!(buffer[..count].iter().all(|&byte| byte == other));
                done += count;
            }
        }));
    }
    let done: usize = all.into_iter().map(|handle| handle.join().unwrap()).sum();
    assert_eq!(done, 2 * SIZE);
}

#[test]
fn over_tcp() {
    on_each_hub(|| {
        let (near, far) = pair();
        both_ways(near, far, |stream: &TcpStream| {
            stream.shutdown(Shutdown::Write).unwrap();
        });
    });
}

#[test]
fn over_a_unix_socket() {
    on_each_hub(|| {
        let (near, far) = UnixStream::pair().unwrap();
        both_ways(near, far, |stream: &UnixStream| {
            stream.shutdown(Shutdown::Write).unwrap();
        });
    });
}

#[test]
fn over_any_descriptor() {
    on_each_hub(|| {
        let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
        let (near, far) = (
            Descriptor::new(near).unwrap(),
            Descriptor::new(far).unwrap(),
        );
        both_ways(near, far, |descriptor: &Descriptor| {
            let socket = socket2::SockRef::from(descriptor);
            socket.shutdown(Shutdown::Write).unwrap();
        });
    });
}

#[test]
fn a_half_closed_unix_socket_still_gives_the_answer() {
    on_each_hub(|| {
        let (near, far) = UnixStream::pair().unwrap();
        let server = spawn(move || {
            let mut question = String::new();
            (&far).read_to_string(&mut question).unwrap();
            (&far)
                .write_all(question.to_uppercase().as_bytes())
                .unwrap();
        });
        (&near).write_all(b"question").unwrap();
        near.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        (&near).read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "QUESTION");
        let error = (&near).write(b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        server.join().unwrap();
    });
}

#[test]
fn shutting_down_reading_ends_a_reader_and_not_the_writer() {
    on_each_hub(|| {
        let (near, far) = UnixStream::pair().unwrap();
        let clone = near.try_clone().unwrap();
        let reader = spawn(move || (&clone).read(&mut [0]).unwrap());
        until_parked(&reader);
        near.shutdown(Shutdown::Read).unwrap();
        assert_eq!(reader.join().unwrap(), 0);
        (&near).write_all(b"still").unwrap();
        assert_eq!((&far).read(&mut [0; 8]).unwrap(), 5);
    });
}

/// The wait of one side is not ended by what wakes the other.
#[test]
fn a_reader_that_is_killed_leaves_the_writer_alone() {
    on_each_hub(|| {
        let (near, far) = UnixStream::pair().unwrap();
        let near = Rc::new(near);
        let [a, b] = [0; 2].map(|_| Rc::clone(&near));
        let reader = spawn(move || (&*a).read(&mut [0]).map(drop));
        let writer = spawn(move || (&*b).write_all(&flood()).unwrap());
        until_parked(&reader);
        until_parked(&writer);
        reader.kill().unwrap();
        reader.join().unwrap_err();
        drop(near);
        let mut got = Vec::new();
        (&far).read_to_end(&mut got).unwrap();
        assert_eq!(got.len(), flood().len());
        writer.join().unwrap();
    });
}
