//! Streams that do little at a time, and streams that fail: what arrives is the same, and the error
//! comes where it was ordered; and what is special to a stream in memory.

use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::rc::Rc;

use crate::support::{on_each_hub, on_each_hub_jumping};
use eventlet_green::testing::{Chunks, Duplex, Failing, Trickle, duplex, run};
use eventlet_green::{now, spawn, stats};
use eventlet_runloop::Time;

const TEXT: &[u8] = b"The quick brown fox jumps over the lazy dog";

/// Reads to the end with a large buffer; gives the sizes of the pieces, and all of it.
fn pieces(mut stream: impl Read) -> (Vec<usize>, Vec<u8>) {
    let (mut sizes, mut all, mut buffer) = (Vec::new(), Vec::new(), [0; 64]);
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => return (sizes, all),
            count => {
                sizes.push(count);
                all.extend(&buffer[..count]);
            }
        }
    }
}

/// A writer that notes how much each call was given.
#[derive(Default)]
struct Noting {
    sizes: Vec<usize>,
    all: Vec<u8>,
}

impl Write for Noting {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.sizes.push(from.len());
        self.all.extend(from);
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }
}

#[test]
fn chunks_have_at_most_their_size_and_all_arrives() {
    let (sizes, all) = pieces(Chunks::new(TEXT, 10));
    assert_eq!(sizes, [10, 10, 10, 10, 3]);
    assert_eq!(all, TEXT);
    let mut written = Chunks::new(Noting::default(), 20);
    written.write_all(TEXT).unwrap();
    assert_eq!(written.flush().unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(written.inner().sizes, [20, 20, 3]);
    assert_eq!(written.inner_mut().all, TEXT);
    assert_eq!(written.into_inner().all, TEXT);
}

#[test]
fn random_chunks_are_the_same_for_the_same_seed() {
    let sizes = |seed| {
        let (sizes, all) = pieces(Chunks::random(TEXT, 7, seed));
        assert_eq!(all, TEXT);
        assert!(sizes.iter().all(|size| (1..=7).contains(size)));
        sizes
    };
    assert_eq!(sizes(1), sizes(1));
    let mut all: Vec<_> = (0..20).map(sizes).collect();
    all.sort();
    all.dedup();
    assert!(all.len() > 15, "{} different ones", all.len());
}

#[test]
fn chunks_of_nothing_would_look_like_the_end() {
    assert!(std::panic::catch_unwind(|| Chunks::new(TEXT, 0)).is_err());
}

#[test]
fn a_trickle_gives_one_byte_and_lets_the_others_go_first() {
    run(|| {
        let (near, far) = duplex(64);
        let far = Trickle::new(far);
        let echo = spawn(move || io::copy(&mut BufReader::with_capacity(1, &far), &mut &far));
        let near = Trickle::new(near);
        let mut answer = [0; 64];
        for (index, byte) in TEXT.iter().enumerate() {
            let switches = eventlet_green::stats().switches;
            assert_eq!((&near).write(&TEXT[index..]).unwrap(), 1);
            assert_eq!((&near).read(&mut answer).unwrap(), 1);
            assert_eq!(answer[0], *byte);
            assert!(eventlet_green::stats().switches > switches);
        }
        (&near).flush().unwrap();
        drop(near.into_inner());
        assert_eq!(echo.join().unwrap().unwrap(), TEXT.len() as u64);
    });
}

#[test]
fn a_parser_sees_the_same_however_it_comes() {
    on_each_hub_jumping(|_| {
        for most in 1..8 {
            let (near, far) = duplex(most);
            let writer =
                spawn(move || Chunks::new(near, 3).write_all(b"one\ntwo\n\nfour").unwrap());
            let lines = BufReader::new(Chunks::random(far, 4, most as u64)).lines();
            let lines: Vec<String> = lines.map(Result::unwrap).collect();
            assert_eq!(lines, ["one", "two", "", "four"]);
            writer.join().unwrap();
        }
    });
}

#[test]
fn both_directions_by_reference_over_a_real_socket() {
    on_each_hub(|| {
        let (near, far) = crate::support::pair();
        let far = Failing::new(Chunks::new(far, 5));
        let echo = spawn(move || io::copy(&mut &far, &mut &far).unwrap());
        let near = Trickle::new(near);
        (&near).write_all(TEXT).unwrap();
        near.inner().shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        (&near).read_to_end(&mut answer).unwrap();
        assert_eq!(answer, TEXT);
        assert_eq!(echo.join().unwrap(), TEXT.len() as u64);
    });
}

#[test]
fn a_read_fails_after_so_many_bytes_and_goes_on_failing() {
    for after in 0..TEXT.len() {
        let mut stream = Failing::new(TEXT).reads_after(after, ErrorKind::ConnectionReset);
        let mut got = Vec::new();
        for _ in 0..2 {
            let error = stream.read_to_end(&mut got).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            assert!(error.to_string().contains("as the test ordered"));
        }
        assert_eq!(got, &TEXT[..after]);
        assert_eq!(stream.read(&mut []).unwrap(), 0, "nothing never fails");
    }
    // One past the end is never reached.
    let (_, all) = pieces(Failing::new(TEXT).reads_after(TEXT.len() + 1, ErrorKind::Other));
    assert_eq!(all, TEXT);
}

#[test]
fn a_write_fails_after_so_many_bytes_and_a_flush_when_told() {
    for after in 0..TEXT.len() {
        let mut stream = Failing::new(Vec::new()).writes_after(after, ErrorKind::BrokenPipe);
        let error = stream.write_all(TEXT).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        assert_eq!(stream.inner(), &TEXT[..after]);
        stream.flush().unwrap();
    }
    let mut stream = Failing::new(Vec::new()).flushes(ErrorKind::StorageFull);
    stream.write_all(TEXT).unwrap();
    assert_eq!(stream.flush().unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(stream.into_inner(), TEXT);
}

#[test]
fn by_reference_in_the_middle_of_a_connection() {
    run(|| {
        let (near, mut far) = duplex(64);
        let near = Failing::new(near)
            .reads_after(3, ErrorKind::ConnectionAborted)
            .writes_after(4, ErrorKind::ConnectionReset);
        far.write_all(b"abcdef").unwrap();
        assert_eq!((&near).read(&mut [0; 8]).unwrap(), 3);
        let error = (&near).read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
        assert_eq!((&near).write(b"12345").unwrap(), 4);
        let error = (&near).write(b"5").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        (&near).flush().unwrap();
    });
}

#[test]
fn what_is_on_its_way_is_limited() {
    on_each_hub_jumping(|_| {
        let (near, mut far) = duplex(3);
        assert_eq!((&near).write(b"abcde").unwrap(), 3);
        assert_eq!(far.unread(), 3);
        let rest = spawn(move || (&near).write_all(b"defg").unwrap());
        let mut text = String::new();
        far.read_to_string(&mut text).unwrap();
        assert_eq!(text, "abcdefg");
        rest.join().unwrap();
        assert_eq!(stats().descriptors, 0);
        assert_eq!(now(), Time::ORIGIN);
    });
}

#[test]
fn nothing_is_nothing() {
    on_each_hub_jumping(|_| {
        let (mut near, mut far) = duplex(1);
        assert_eq!(near.write(b"x").unwrap(), 1);
        assert_eq!(near.write(b"").unwrap(), 0, "full, but nothing fits");
        assert_eq!(far.read(&mut []).unwrap(), 0);
        assert_eq!(far.read(&mut [0; 2]).unwrap(), 1);
        assert!(format!("{near:?}").contains("Near"));
    });
    assert!(std::panic::catch_unwind(|| duplex(0)).is_err());
}

#[test]
fn nobody_at_the_other_end_is_a_deadlock_that_is_told() {
    on_each_hub_jumping(|_| {
        let (mut near, far) = duplex(1);
        let error = near.read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadlock);
        assert!(
            error.to_string().contains("data of a stream in memory"),
            "{error}"
        );
        drop(far);
    });
}

#[test]
fn a_destructor_reads_what_is_there_and_does_not_wait() {
    struct Reads(Duplex, Rc<RefCell<Vec<Result<usize, ErrorKind>>>>);
    impl Drop for Reads {
        fn drop(&mut self) {
            for _ in 0..2 {
                let outcome = self.0.read(&mut [0; 8]).map_err(|error| error.kind());
                self.1.borrow_mut().push(outcome);
            }
        }
    }
    on_each_hub_jumping(|_| {
        let (near, mut far) = duplex(8);
        far.write_all(b"abc").unwrap();
        let seen = Rc::default();
        let reads = Reads(near, Rc::clone(&seen));
        let panics = spawn(move || {
            let _reads = reads;
            std::panic::resume_unwind(Box::new("on purpose"));
        });
        assert!(panics.join().is_err());
        assert_eq!(seen.take(), [Ok(3), Err(ErrorKind::Other)]);
    });
}
