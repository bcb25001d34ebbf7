//! Where a console listens, and where it refuses to.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use eventlet_green::net::unix::{UnixListener, UnixStream};
use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::signals::SIGUSR1;
use eventlet_green::testing::Harness;
use eventlet_green::{offload, spawn, yield_now};
use eventlet_protocols::backdoor::{Backdoor, Exposure, Names, Place};

use crate::support::{Client, Console, Folder, PROMPT, config, on_each_hub, until};

#[test]
fn only_loopback_is_listened_on_unless_told_by_name() {
    on_each_hub(|| {
        let backdoor = Backdoor::new(config(), Names::new());
        for address in ["0.0.0.0:0", "[::]:0"] {
            let error = backdoor.open(&address.parse().unwrap()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            assert!(error.to_string().contains("Exposure::Anybody"), "{error}");
            let error = backdoor
                .serve(TcpListener::bind(address).unwrap())
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        }
        for address in [
            "127.0.0.1:0",
            "127.3.4.5:0",
            "[::1]:0",
            "[::ffff:127.0.0.1]:0",
        ] {
            let opened = backdoor.open(&address.parse().unwrap());
            opened
                .unwrap_or_else(|error| panic!("{address}: {error}"))
                .close()
                .unwrap();
        }
        let mut config = config();
        config.exposure = Exposure::Anybody;
        let backdoor = Backdoor::new(config, Names::new());
        let opened = backdoor.open(&"0.0.0.0:0".parse().unwrap()).unwrap();
        opened.close().unwrap();
    });
}

#[test]
fn a_port_that_is_taken_is_told() {
    on_each_hub(|| {
        let console = Console::new();
        let place = console.opened.place();
        let error = console.backdoor.open(place).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        // One that goes on without it.
        assert!(console.backdoor.open_loudly(place).is_none());
        console.end();
    });
}

#[test]
fn a_unix_socket_is_its_owners_alone() {
    on_each_hub(|| {
        let folder = Folder::new();
        let path = folder.0.join("console");
        let backdoor = Backdoor::new(config(), Names::new());
        let opened = backdoor.open(&Place::Unix(path.clone())).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // It is taken.
        let error = backdoor.open(&Place::Unix(path.clone())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        drop(opened);
        assert!(!path.exists());

        // What a program has left that was killed is replaced; what is no socket is not.
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        // A child that another test begins just now has a copy of the listener until its exec.
        while std::os::unix::net::UnixStream::connect(&path).is_ok() {
            std::thread::yield_now();
        }
        backdoor
            .open(&Place::Unix(path.clone()))
            .unwrap()
            .close()
            .unwrap();
        fs::write(&path, "precious").unwrap();
        let error = backdoor.open(&Place::Unix(path.clone())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        fs::remove_file(&path).unwrap();

        // A listener of the program's own, that others could open.
        let listener = UnixListener::bind(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
        let error = backdoor
            .serve_unix(listener.try_clone().unwrap())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("mode 660"), "{error}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let served = listener.try_clone().unwrap();
        let serving = spawn(move || backdoor.serve_unix(served));
        let mut client = Client::over(UnixStream::connect(&path).unwrap());
        assert_eq!(client.until(PROMPT), "hello\r\n");
        client.send("exit\n");
        assert_eq!(client.rest(), "");
        listener.close().unwrap();
        serving.join().unwrap().unwrap();
    });
}

#[test]
fn a_signal_opens_it_and_the_next_one_closes_it() {
    // Signals are the process's: under one hub after the other, and in this test only.
    Harness::new().run(|_| {
        let signal = || {
            let script = format!("kill -USR1 {}", std::process::id());
            let status = offload(|| Command::new("sh").arg("-c").arg(script).status());
            assert!(status.unwrap().unwrap().success());
        };
        let folder = Folder::new();
        let path = folder.0.join("console");
        let backdoor = Backdoor::new(config(), Names::new());
        let waiting = backdoor
            .open_on_signal(SIGUSR1, Place::Unix(path.clone()))
            .unwrap();
        yield_now();
        assert!(!path.exists());
        signal();
        until(|| path.exists());
        let mut client = Client::over(UnixStream::connect(&path).unwrap());
        assert_eq!(client.until(PROMPT), "hello\r\n");
        signal();
        assert_eq!(client.rest(), "");
        until(|| !path.exists());
        signal();
        until(|| path.exists());
        drop(waiting);
        until(|| !path.exists());
        yield_now();
    });
}

#[test]
fn two_places_of_one_console_end_apart() {
    on_each_hub(|| {
        let console = Console::new();
        let other = console
            .backdoor
            .open(&"127.0.0.1:0".parse().unwrap())
            .unwrap();
        let Place::Tcp(address) = other.place() else {
            panic!("{other:?}");
        };
        let mut there = Client::over(TcpStream::connect(*address).unwrap());
        there.until(PROMPT);
        let mut here = console.session();
        assert_eq!(here.ask("sessions().len()"), "2\r\n");
        other.close().unwrap();
        assert_eq!(there.rest(), "");
        assert_eq!(here.ask("sessions().len()"), "1\r\n");
        drop(here);
        console.end();
    });
}
