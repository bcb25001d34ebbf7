//! How a connection that has gone over to another protocol ends: its deadlines, a stop of the server,
//! writers that are torn off, and the line of the access log.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::{now, sleep, spawn};
use eventlet_protocols::server::{AccessLog, Config, RequestBody};
use eventlet_runloop::{Clock, ManualClock, Time};
use http::Request;

use crate::support::{Running, on_each_hub, on_each_hub_jumping};
use crate::upgrade::{ASK, copy_back, echo, is_switched, switch};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn idle_and_exchange_deadlines_apply_no_longer() {
    on_each_hub_jumping(|clock| {
        let mut config = Config::new();
        config.exchange = Some(5 * SECOND);
        let server = Running::with(config, echo);
        let mut client = server.connect();
        is_switched(&client.ask(ASK));
        sleep(3600 * SECOND);
        client.send("still here");
        client.expect("still here");
        assert_eq!(elapsed(clock), 3600 * SECOND);
        drop(client);
        server.end();
    });
}

fn elapsed(clock: &ManualClock) -> Duration {
    clock.now() - Time::ORIGIN
}

#[test]
fn a_read_has_its_own_deadline() {
    on_each_hub_jumping(|clock| {
        let server = Running::new(|_: Request<RequestBody>| {
            switch(|connection| {
                assert_eq!(connection.read_timeout(), None);
                let zero = connection.set_read_timeout(Some(Duration::ZERO));
                assert_eq!(zero.unwrap_err().kind(), ErrorKind::InvalidInput);
                connection.set_read_timeout(Some(7 * SECOND))?;
                let late = (&connection).read(&mut [0]).unwrap_err();
                assert_eq!(late.kind(), ErrorKind::TimedOut);
                // It can be used further.
                (&connection).write_all(b"late")?;
                copy_back(connection)
            })
        });
        let mut client = server.connect();
        is_switched(&client.ask(ASK));
        client.expect("late");
        assert_eq!(elapsed(clock), 7 * SECOND);
        client.send("more");
        client.expect("more");
        client.expect_end();
        assert_eq!(elapsed(clock), 14 * SECOND);
        drop(client);
        server.end();
    });
}

/// The deadline of a write is the server's, unless it is set.
#[test]
fn a_client_that_does_not_read_holds_nobody_up() {
    on_each_hub_jumping(|_| {
        let done = Rc::new(Cell::new(None));
        let told = Rc::clone(&done);
        let server = Running::new(move |_: Request<RequestBody>| {
            let told = Rc::clone(&told);
            switch(move |connection| {
                assert_eq!(connection.write_timeout(), Some(Config::DEFAULT_WRITE));
                let zero = connection.set_write_timeout(Some(Duration::ZERO));
                assert_eq!(zero.unwrap_err().kind(), ErrorKind::InvalidInput);
                let late = loop {
                    if let Err(error) = (&connection).write(&[b'x'; 100_000]) {
                        break error;
                    }
                };
                assert_eq!(late.kind(), ErrorKind::TimedOut);
                told.set(Some(now() - Time::ORIGIN));
                Err(late)
            })
        });
        let mut client = server.connect();
        is_switched(&client.ask(ASK));
        sleep(100 * SECOND);
        assert_eq!(done.get(), Some(Config::DEFAULT_WRITE));
        drop(client);
        server.end();
    });
}

/// Neither a deadline nor a kill takes more than the write it ends.
#[test]
fn a_writer_that_is_ended_leaves_a_stream_that_goes_on() {
    on_each_hub_jumping(|_| {
        let server = Running::new(|_: Request<RequestBody>| {
            switch(|connection| {
                let writing = connection.clone();
                let fill = move || while (&writing).write(&[b'x'; 100_000]).is_ok() {};
                spawn(fill.clone()).join().unwrap();
                connection.set_write_timeout(None)?;
                let writer = spawn(fill);
                eventlet_green::testing::until_parked(&writer);
                writer.kill().unwrap();
                assert!(writer.join().is_err());
                (&connection).write_all(b"end")
            })
        });
        let mut client = server.connect();
        is_switched(&client.ask(ASK));
        sleep(60 * SECOND);
        let rest = client.rest().unwrap();
        let filled = rest.strip_suffix(b"end").unwrap();
        assert!(filled.len() > 100_000 && filled.iter().all(|&byte| byte == b'x'));
        drop(client);
        server.end();
    });
}

#[test]
fn a_stop_lets_it_end_by_itself() {
    on_each_hub_jumping(|clock| {
        let server = Running::new(|_: Request<RequestBody>| {
            switch(|connection| {
                let telling = connection.clone();
                connection.on_stop(move || {
                    spawn(move || (&telling).write_all(b"stopping "));
                });
                assert!(!connection.is_stopping());
                let mut line = [0; 3];
                (&connection).read_exact(&mut line)?;
                assert!(connection.is_stopping());
                let late = Rc::new(Cell::new(false));
                let called = Rc::clone(&late);
                connection.on_stop(move || called.set(true));
                assert!(late.get());
                (&connection).write_all(b"done")
            })
        });
        let mut client = server.connect();
        is_switched(&client.ask(ASK));
        server.handle.stop(3600 * SECOND);
        client.expect("stopping ");
        sleep(60 * SECOND);
        client.send("end");
        client.expect("done");
        client.expect_end();
        drop(client);
        server.join();
        assert_eq!(elapsed(clock), 60 * SECOND);
    });
}

#[test]
fn a_stop_kills_it_at_the_deadline() {
    on_each_hub_jumping(|clock| {
        struct Note(Rc<Cell<bool>>);
        impl Drop for Note {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        let unwound = Rc::new(Cell::new(false));
        let note = Rc::clone(&unwound);
        let lines = Lines::default();
        let server = Running::with(lines.config(), move |_: Request<RequestBody>| {
            let note = Note(Rc::clone(&note));
            switch(move |connection| {
                let _note = note;
                copy_back(connection)
            })
        });
        let mut client = server.connect();
        is_switched(&client.ask(ASK));
        client.send("four");
        client.expect("four");
        server.handle.stop(10 * SECOND);
        client.expect_end();
        assert_eq!(elapsed(clock), 10 * SECOND);
        drop(client);
        server.join();
        assert!(unwound.get());
        assert!(lines.text().contains("\"GET /x HTTP/1.1\" 101 4 "));
    });
}

#[derive(Clone, Default)]
struct Lines(Rc<RefCell<Vec<u8>>>);

impl Lines {
    fn config(&self) -> Config {
        let mut config = Config::new();
        config.log = Some(AccessLog::to(self.clone()));
        config
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// With what was written there, when it has ended; a panic or an error makes no difference.
#[test]
fn the_access_log_has_one_line() {
    on_each_hub(|| {
        for end in ["return", "error", "panic"] {
            let lines = Lines::default();
            let server = Running::with(lines.config(), move |_: Request<RequestBody>| {
                switch(move |connection| {
                    copy_back(connection)?;
                    match end {
                        "return" => Ok(()),
                        "error" => Err(io::Error::other("it has failed")),
                        _ => panic!("it has panicked"),
                    }
                })
            });
            let mut other = server.connect();
            is_switched(&other.ask(ASK));
            let mut client = server.connect();
            is_switched(&client.ask(ASK));
            client.send("13 characters");
            client.expect("13 characters");
            assert_eq!(lines.text(), "");
            client.finish();
            client.expect_end();
            server.until_open(1);
            let text = lines.text();
            assert_eq!(text.lines().count(), 1);
            assert!(text.contains("\"GET /x HTTP/1.1\" 101 13 "), "{text}");
            // Others do not notice.
            other.send("other");
            other.expect("other");
            drop(other);
            drop(client);
            server.end();
        }
    });
}
