//! Any descriptor: what it is made of, what is refused, and that its messages are not taken for a
//! stream. What every wait owes is in `waits.rs`.

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use crate::support::{on_each_hub, until_parked};
use eventlet_green::io::Descriptor;
use eventlet_green::{spawn, stats};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

fn is_nonblocking(fd: impl AsFd) -> bool {
    let bits = fcntl(fd.as_fd(), FcntlArg::F_GETFL).unwrap();
    OFlag::from_bits_retain(bits).contains(OFlag::O_NONBLOCK)
}

/// A pair of sockets that keep the borders of messages and have no type of their own here.
fn packets() -> (Descriptor, Descriptor) {
    let none = SockFlag::empty();
    let (near, far) =
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, none).expect("a pair");
    (
        Descriptor::new(near).unwrap(),
        Descriptor::new(far).unwrap(),
    )
}

/// Messages that have come already are not reported again: a short read must not count as the last.
#[test]
fn each_read_gives_one_message_of_several() {
    on_each_hub(|| {
        let (near, far) = packets();
        let reader = spawn(move || {
            let mut into = [0; 100];
            [(); 3].map(|()| (&near).read(&mut into).unwrap())
        });
        until_parked(&reader);
        for message in ["a", "bc", "def"] {
            (&far).write_all(message.as_bytes()).unwrap();
        }
        assert_eq!(reader.join().unwrap(), [1, 2, 3]);
    });
}

#[test]
fn slices_clones_and_the_end() {
    on_each_hub(|| {
        let (mut near, far) = packets();
        let clone = far.try_clone().unwrap();
        drop(far);
        let mut writer = clone;
        let slices = [IoSlice::new(b"ab"), IoSlice::new(b"cde")];
        assert_eq!(writer.write_vectored(&slices).unwrap(), 5);
        writer.flush().unwrap();
        let (mut first, mut second) = ([0; 3], [0; 10]);
        let mut slices = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(near.read_vectored(&mut slices).unwrap(), 5);
        assert_eq!((&first, &second[..2]), (b"abc", &b"de"[..]));
        near.wait_writable().unwrap();
        drop(writer);
        near.wait_readable().unwrap();
        assert_eq!(near.read(&mut [0]).unwrap(), 0);
        assert!(format!("{near:?}").contains("File"));
    });
}

#[test]
fn it_is_given_back_as_it_was() {
    on_each_hub(|| {
        for was in [false, true] {
            let (reader, _writer) = io::pipe().unwrap();
            if was {
                fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
            }
            let number = reader.as_raw_fd();
            let descriptor = Descriptor::new(reader).unwrap();
            assert!(is_nonblocking(&descriptor));
            let clone = descriptor.try_clone().unwrap();
            let busy = descriptor.into_inner().unwrap_err();
            assert_eq!(busy.kind(), ErrorKind::ResourceBusy);
            let back: OwnedFd = clone.into_inner().unwrap();
            assert_eq!((is_nonblocking(&back), back.as_raw_fd()), (was, number));
            assert_eq!(stats().descriptors, 0);
        }
        let (reader, _writer) = io::pipe().unwrap();
        let descriptor = Descriptor::new(reader).unwrap();
        descriptor.close().unwrap();
        let closed = descriptor.into_inner().unwrap_err();
        assert_eq!(closed.kind(), ErrorKind::NotConnected);
    });
}

#[test]
fn the_wrong_direction_is_the_systems_error() {
    on_each_hub(|| {
        let (reader, writer) = io::pipe().unwrap();
        let reader = Descriptor::new(reader).unwrap();
        let writer = Descriptor::new(writer).unwrap();
        let error = (&reader).write(b"x").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
        let error = (&writer).read(&mut [0]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    });
}

/// The same under every hub, whatever the hub itself would say; and it says what to use instead.
#[test]
fn regular_files_and_directories_are_refused() {
    on_each_hub(|| {
        let program = std::env::current_exe().unwrap();
        for path in [program.as_path(), program.parent().unwrap()] {
            for _ in 0..2 {
                let error = Descriptor::new(File::open(path).unwrap()).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                assert!(error.to_string().contains("offload"), "{error}");
            }
        }
        assert_eq!(stats().descriptors, 0);
    });
}

/// What some hubs cannot watch works, or is refused as such.
#[test]
fn the_null_device() {
    on_each_hub(|| {
        let null = File::open("/dev/null").unwrap();
        match Descriptor::new(null) {
            Ok(mut null) => assert_eq!(null.read(&mut [0]).unwrap(), 0),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                assert!(["epoll", "polling"].contains(&stats().hub), "{error}");
            }
        }
    });
}

/// A terminal in its usual mode gives a line a read.
#[test]
fn a_terminal() {
    on_each_hub(|| {
        let pty = match nix::pty::openpty(None, None) {
            Ok(pty) => pty,
            Err(error) => {
                eprintln!("SKIPPED: no terminals on this machine: {error}");
                return;
            }
        };
        let (user, program) = (pty.master, pty.slave);
        let (user, program) = (
            Descriptor::new(user).unwrap(),
            Descriptor::new(program).unwrap(),
        );
        let reader = spawn(move || {
            let mut into = [0; 100];
            [(); 2].map(|()| (&program).read(&mut into).unwrap())
        });
        until_parked(&reader);
        (&user).write_all(b"one\nthree\n").unwrap();
        assert_eq!(reader.join().unwrap(), [4, 6]);
    });
}
