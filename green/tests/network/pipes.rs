//! Pipes in the shape of `std`'s: partial reads, large writes, ends, children. What every wait owes is
//! in `waits.rs`.

use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use crate::support::{flood, on_each_hub, until_parked};
use eventlet_green::io::{Descriptor, PipeReader, PipeWriter, pipe};
use eventlet_green::{spawn, stats};

#[test]
fn a_read_gives_what_is_there() {
    on_each_hub(|| {
        let (mut reader, mut writer) = pipe().unwrap();
        writer.write_all(b"abcdef").unwrap();
        let mut into = [0; 4];
        assert_eq!(reader.read(&mut into).unwrap(), 4);
        assert_eq!(reader.read(&mut into).unwrap(), 2);
        let waiter = spawn(move || {
            let mut line = String::new();
            reader.read_to_string(&mut line).unwrap();
            line
        });
        until_parked(&waiter);
        let slices = [IoSlice::new(b"g"), IoSlice::new(b"hi")];
        assert_eq!(writer.write_vectored(&slices).unwrap(), 3);
        writer.flush().unwrap();
        drop(writer);
        assert_eq!(waiter.join().unwrap(), "ghi");
    });
}

#[test]
fn a_large_write_goes_through_in_pieces() {
    const SIZE: usize = 4 << 20;

    on_each_hub(|| {
        let (reader, writer) = pipe().unwrap();
        let sender = spawn(move || {
            let bytes: Vec<u8> = (0..SIZE).map(|at| (at % 251) as u8).collect();
            (&writer).write_all(&bytes).unwrap();
        });
        let mut done = 0;
        let (mut first, mut second) = (vec![0; 1000], vec![0; 100_000]);
        loop {
            let mut into = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
            let count = (&reader).read_vectored(&mut into).unwrap();
            if count == 0 {
                break;
            }
            let all = first.iter().chain(&second).take(count);
            assert!(all.zip(done..).all(|(&byte, at)| byte == (at % 251) as u8));
            done += count;
        }
        assert_eq!(done, SIZE);
        sender.join().unwrap();
    });
}

#[test]
fn the_ends_are_told_of_each_other() {
    on_each_hub(|| {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let error = (&writer).write(b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        // Also while it waits.
        let (reader, writer) = pipe().unwrap();
        let sender = spawn(move || (&writer).write_all(&flood()).unwrap_err().kind());
        until_parked(&sender);
        drop(reader);
        assert_eq!(sender.join().unwrap(), ErrorKind::BrokenPipe);
        let (reader, writer) = pipe().unwrap();
        let receiver = spawn(move || (&reader).read(&mut [0]).unwrap());
        until_parked(&receiver);
        writer.close().unwrap();
        assert_eq!(receiver.join().unwrap(), 0);
    });
}

#[test]
fn a_clone_keeps_it_open() {
    on_each_hub(|| {
        let (reader, writer) = pipe().unwrap();
        let clone = writer.try_clone().unwrap();
        drop(writer);
        let receiver = spawn(move || {
            let mut all = String::new();
            (&reader).read_to_string(&mut all).unwrap();
            all
        });
        until_parked(&receiver);
        (&clone).write_all(b"later").unwrap();
        drop(clone);
        assert_eq!(receiver.join().unwrap(), "later");
    });
}

#[test]
fn there_and_back_to_std() {
    on_each_hub(|| {
        let (reader, writer) = pipe().unwrap();
        let (mut reader, mut writer) = (reader.into_std().unwrap(), writer.into_std().unwrap());
        assert_eq!(stats().descriptors, 0);
        // They block the thread now, which a thread of its own may do.
        let other = std::thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            (reader, text)
        });
        writer.write_all(b"x").unwrap();
        let writer = PipeWriter::from_std(writer).unwrap();
        (&writer).write_all(b"yz").unwrap();
        let clone = writer.try_clone().unwrap();
        let busy = clone.into_std().map(drop).unwrap_err();
        assert_eq!(busy.kind(), ErrorKind::ResourceBusy);
        drop(writer);
        let (reader, text) = other.join().unwrap();
        assert_eq!(text, "xyz");
        let reader = PipeReader::from_std(reader).unwrap();
        assert_eq!((&reader).read(&mut [0]).unwrap(), 0);
    });
}

/// A filter as a child: written to by one coroutine, read from by another, more than fits.
#[test]
fn a_child_process() {
    on_each_hub(|| {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = OwnedFd::from(child.stdin.take().unwrap());
        let stdout = OwnedFd::from(child.stdout.take().unwrap());
        let writer = PipeWriter::from_std(stdin.into()).unwrap();
        let reader = PipeReader::from_std(stdout.into()).unwrap();
        let size = 1 << 20;
        let sender = spawn(move || (&writer).write_all(&vec![b'c'; size]).unwrap());
        let mut got = Vec::new();
        (&reader).read_to_end(&mut got).unwrap();
        assert_eq!(got.len(), size);
        sender.join().unwrap();
        assert!(child.wait().unwrap().success());
    });
}

/// Each read of such a pipe gives one packet of several (pipe(2), `O_DIRECT`).
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_of_packets() {
    on_each_hub(|| {
        let (reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_DIRECT).unwrap();
        let reader = PipeReader::from_std(reader.into()).unwrap();
        let writer = PipeWriter::from_std(writer.into()).unwrap();
        let receiver = spawn(move || {
            let mut into = [0; 100];
            [(); 3].map(|()| (&reader).read(&mut into).unwrap())
        });
        until_parked(&receiver);
        for packet in ["a", "bc", "def"] {
            (&writer).write_all(packet.as_bytes()).unwrap();
        }
        assert_eq!(receiver.join().unwrap(), [1, 2, 3]);
    });
}

/// A FIFO has a name; both ends are opened elsewhere, since that waits.
#[test]
fn a_fifo() {
    on_each_hub(|| {
        let folder = crate::support::sockets::TempDir::new();
        let path = folder.path("fifo");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let other = path.clone();
        let opening =
            std::thread::spawn(move || std::fs::File::options().write(true).open(other).unwrap());
        let reader = eventlet_green::offload(move || std::fs::File::open(path)).unwrap();
        let reader = Descriptor::new(reader.unwrap()).unwrap();
        let writer = Descriptor::new(opening.join().unwrap()).unwrap();
        let sender = spawn(move || (&writer).write_all(&[b'f'; 200_000]).unwrap());
        let mut got = Vec::new();
        (&reader).read_to_end(&mut got).unwrap();
        assert_eq!(got.len(), 200_000);
        sender.join().unwrap();
    });
}
