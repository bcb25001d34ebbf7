//! Lines and buffers over sockets, with `std`'s `BufRead` and `BufWriter`.

use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::time::Duration;

use crate::support::{on_each_hub, on_each_hub_jumping, pair, until_parked};
use eventlet_green::net::TcpStream;
use eventlet_green::net::unix::UnixStream;
use eventlet_green::{spawn, yield_now};

/// Sends pieces, each when the reader has taken what came before and waits.
fn dribble(mut to: impl Write + 'static, pieces: &'static [&'static str]) {
    spawn(move || {
        for piece in pieces {
            to.write_all(piece.as_bytes()).unwrap();
            (0..3).for_each(|_| yield_now());
        }
    });
}

#[test]
fn a_line_that_comes_in_pieces_is_one_line() {
    on_each_hub(|| {
        let (near, far) = pair();
        dribble(far, &["fir", "st\nsec", "ond", "\n", "\n", "last"]);
        let mut reader = BufReader::new(near);
        let mut line = String::new();
        for expected in ["first\n", "second\n", "\n", "last", ""] {
            line.clear();
            reader.read_line(&mut line).unwrap();
            assert_eq!(line, expected);
        }
    });
}

/// The original missed a terminator of two bytes that came in two reads.
#[test]
fn a_terminator_that_comes_in_pieces_ends_one_line() {
    on_each_hub(|| {
        let (near, far) = pair();
        dribble(far, &["one\r", "\ntwo\r\n", "three", "\r", "\n"]);
        let lines: Result<Vec<_>, _> = BufReader::new(&near).lines().collect();
        assert_eq!(lines.unwrap(), ["one", "two", "three"]);
    });
}

#[test]
fn reading_and_writing_through_references_of_one_stream() {
    on_each_hub(|| {
        let (near, far) = pair();
        let server = spawn(move || {
            let (reader, mut writer) = (BufReader::new(&far), BufWriter::new(&far));
            for line in reader.lines() {
                writeln!(writer, "you said {}", line.unwrap()).unwrap();
                writer.flush().unwrap();
            }
        });
        let mut reader = BufReader::new(&near);
        let mut answer = String::new();
        for word in ["hello", "world"] {
            (&near).write_all(format!("{word}\n").as_bytes()).unwrap();
            answer.clear();
            reader.read_line(&mut answer).unwrap();
            assert_eq!(answer, format!("you said {word}\n"));
        }
        near.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(reader.read_line(&mut answer).unwrap(), 0);
        server.join().unwrap();
    });
}

/// A peer that never ends its line does not fill the memory.
#[test]
fn too_long_a_line_is_cut_by_take() {
    const LONGEST: u64 = 1000;

    on_each_hub(|| {
        let (near, far) = pair();
        let sender = spawn(move || {
            let mut sent = 0;
            while (&far).write_all(&[b'x'; 4096]).is_ok() {
                sent += 4096;
            }
            sent
        });
        let mut reader = BufReader::new(near);
        let mut line = Vec::new();
        reader
            .by_ref()
            .take(LONGEST)
            .read_until(b'\n', &mut line)
            .unwrap();
        assert_eq!(line.len() as u64, LONGEST);
        assert_ne!(line.last(), Some(&b'\n'));
        drop(reader);
        assert!(sender.join().unwrap() >= LONGEST as usize);
    });
}

#[test]
fn a_limit_of_exactly_the_line() {
    on_each_hub(|| {
        let (near, far) = pair();
        dribble(far, &["12345\n", "rest"]);
        let mut reader = BufReader::new(near);
        let mut line = String::new();
        reader.by_ref().take(6).read_line(&mut line).unwrap();
        assert_eq!(line, "12345\n");
        line.clear();
        reader.by_ref().take(3).read_line(&mut line).unwrap();
        assert_eq!(line, "res");
    });
}

/// What came before the limit was over stays in the buffer or the caller's string.
#[test]
fn a_time_limit_in_the_middle_of_a_line_loses_nothing() {
    on_each_hub_jumping(|_| {
        let (near, mut far) = pair();
        near.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let mut reader = BufReader::new(near);
        far.write_all(b"begin").unwrap();
        let mut line = Vec::new();
        let error = reader.read_until(b'\n', &mut line).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        far.write_all(b" and end\n").unwrap();
        reader.read_until(b'\n', &mut line).unwrap();
        assert_eq!(line, b"begin and end\n");
    });
}

#[test]
fn a_close_in_the_middle_of_a_line() {
    on_each_hub(|| {
        let (near, mut far) = pair();
        let closer = near.try_clone().unwrap();
        let reader = spawn(move || {
            let mut line = String::new();
            let outcome = BufReader::new(near).read_line(&mut line);
            outcome.unwrap_err().kind()
        });
        far.write_all(b"beg").unwrap();
        until_parked(&reader);
        closer.close().unwrap();
        assert_eq!(reader.join().unwrap(), ErrorKind::NotConnected);
    });
}

/// The buffer is the reader's: what it has taken is found there, not on the socket.
#[test]
fn what_is_left_in_the_buffer() {
    on_each_hub(|| {
        let (near, mut far) = UnixStream::pair().unwrap();
        far.write_all(b"line\nrest").unwrap();
        let mut reader = BufReader::new(&near);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert_eq!(reader.buffer(), b"rest");
        reader.consume(4);
        drop(far);
        assert!(reader.fill_buf().unwrap().is_empty());
    });
}

#[test]
fn a_handle_of_its_own_for_the_reader() {
    on_each_hub(|| {
        fn by_value(stream: TcpStream) -> impl Iterator<Item = String> {
            BufReader::new(stream).lines().map(Result::unwrap)
        }
        let (near, far) = pair();
        let lines = by_value(near.try_clone().unwrap());
        dribble(far, &["a\nb\n"]);
        let got: Vec<_> = lines.take(2).collect();
        assert_eq!(got, ["a", "b"]);
        near.local_addr().unwrap();
    });
}
