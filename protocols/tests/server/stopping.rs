//! Stopping: idle connections at once, busy ones when they are done, what is left at the deadline.

use std::io::Write;
use std::net::TcpStream as StdStream;
use std::time::Duration;

use eventlet_green::net::TcpListener;
use eventlet_green::{sleep, stats};
use eventlet_protocols::server::{Body, Config, RequestBody, Server};
use eventlet_runloop::{Clock, ManualClock, Time};
use http::{Request, Response};

use crate::support::{Running, on_each_hub, on_each_hub_jumping, path, until, whole};

const SECOND: Duration = Duration::from_secs(1);
const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

fn elapsed(clock: &ManualClock) -> Duration {
    clock.now() - Time::ORIGIN
}

/// Sleeps for the seconds in the path, answers or streams.
fn slow(request: Request<RequestBody>) -> Response<Body> {
    let (kind, seconds) = request.uri().path()[1..].split_once('/').unwrap();
    let pause = Duration::from_secs(seconds.parse().unwrap());
    Response::new(match kind {
        "stream" => Body::stream(move |sink| {
            sink.write_all(b"begun ")?;
            sink.flush()?;
            sleep(pause);
            sink.write_all(b"done")
        }),
        _ => {
            sleep(pause);
            Body::from("done")
        }
    })
}

#[test]
fn idle_connections_are_closed_at_once() {
    on_each_hub_jumping(|clock| {
        let server = Running::new(path);
        let mut fresh = server.connect();
        let mut used = server.connect();
        assert_eq!(used.ask(GET).text(), "/x");
        // An empty line is no request.
        let mut blank = server.connect();
        assert_eq!(blank.ask(format!("{GET}\r\n")).text(), "/x");
        server.until_open(3);
        server.handle.stop(3600 * SECOND);
        fresh.expect_end();
        used.expect_end();
        blank.expect_end();
        server.join();
        assert_eq!(elapsed(clock), Duration::ZERO);
    });
}

#[test]
fn busy_connections_finish_and_say_that_they_close() {
    on_each_hub_jumping(|clock| {
        let server = Running::new(slow);
        let mut answering = server.connect();
        answering.send("GET /answer/5 HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut streaming = server.connect();
        streaming.send("GET /stream/5 HTTP/1.1\r\nHost: a\r\n\r\n");
        // Asked for before the stop: served as well.
        let mut pipelining = server.connect();
        pipelining.send("GET /answer/5 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2));
        until(|| server.handle.status().busy == 3);
        server.handle.stop(3600 * SECOND);
        assert!(answering.reply().is_closing());
        answering.expect_end();
        let reply = streaming.reply();
        assert_eq!(reply.text(), "begun done");
        streaming.expect_end();
        assert_eq!(pipelining.reply().text(), "done");
        pipelining.rest().unwrap();
        drop(pipelining);
        server.join();
        assert!(elapsed(clock) <= 10 * SECOND);
    });
}

/// A request whose first bytes have come is no idle connection.
#[test]
fn a_head_that_has_begun_is_let_finish() {
    on_each_hub_jumping(|_| {
        let server = Running::new(path);
        let mut client = server.connect();
        client.send("GET /x HT");
        until(|| server.handle.status().busy == 1);
        server.handle.stop(3600 * SECOND);
        sleep(SECOND);
        client.send("TP/1.1\r\nHost: a\r\n\r\n");
        let reply = client.reply();
        assert_eq!(reply.text(), "/x");
        assert!(reply.is_closing());
        client.expect_end();
        server.join();
    });
}

#[test]
fn what_is_left_at_the_deadline_is_killed() {
    on_each_hub_jumping(|clock| {
        let server = Running::new(slow);
        let mut in_time = server.connect();
        in_time.send("GET /answer/9 HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut late = server.connect();
        late.send("GET /answer/11 HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut streaming = server.connect();
        streaming.send("GET /stream/100 HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut sending = server.connect();
        sending.send("G");
        until(|| server.handle.status().busy == 4);
        server.handle.stop(10 * SECOND);
        assert_eq!(in_time.reply().text(), "done");
        late.expect_end();
        assert_eq!(elapsed(clock), 10 * SECOND);
        let part = streaming.reply_or_part(crate::support::client::Asked::Other);
        assert!(!part.is_whole);
        sending.expect_end();
        server.join();
        assert_eq!(elapsed(clock), 10 * SECOND);
    });
}

#[test]
fn the_port_is_free_and_nobody_is_let_in() {
    on_each_hub_jumping(|_| {
        let server = Running::new(slow);
        let address = server.address;
        let mut client = server.connect();
        client.send("GET /answer/5 HTTP/1.1\r\nHost: a\r\n\r\n");
        until(|| server.handle.status().busy == 1);
        server.handle.stop(3600 * SECOND);
        // Already while the last is being served.
        assert!(StdStream::connect(address).is_err());
        let again = TcpListener::bind(address).unwrap();
        drop(again);
        assert_eq!(client.reply().text(), "done");
        server.join();
    });
}

#[test]
fn while_waiting_for_a_place() {
    on_each_hub_jumping(|clock| {
        let mut config = Config::new();
        config.connections = 1;
        let server = Running::with(config, slow);
        let mut first = server.connect();
        first.send("GET /answer/5 HTTP/1.1\r\nHost: a\r\n\r\n");
        let waiting = server.connect();
        until(|| server.handle.status().busy == 1);
        server.handle.stop(3600 * SECOND);
        assert!(first.reply().is_closing());
        server.join();
        assert_eq!(elapsed(clock), 5 * SECOND);
        drop(waiting);

        let mut config = Config::new();
        config.connections = 1;
        let server = Running::with(config, slow);
        let idle = server.connect();
        let waiting = server.connect();
        server.until_open(1);
        server.handle.stop(3600 * SECOND);
        server.join();
        assert_eq!(elapsed(clock), 5 * SECOND);
        drop((idle, waiting));
    });
}

#[test]
fn while_a_body_is_being_read_or_thrown_away() {
    on_each_hub_jumping(|_| {
        let server = Running::new(whole);
        let mut reading = server.connect();
        reading.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo");
        until(|| server.handle.status().busy == 1);
        server.handle.stop(3600 * SECOND);
        let reply = reading.ask("dy");
        assert_eq!(reply.text(), "body");
        assert!(reply.is_closing());
        server.join();

        let server = Running::new(path);
        let mut throwing = server.connect();
        throwing.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo");
        assert_eq!(throwing.reply().text(), "/x");
        server.handle.stop(3600 * SECOND);
        throwing.send("dy");
        throwing.expect_end();
        server.join();
    });
}

#[test]
fn twice_and_the_earlier_deadline_counts() {
    on_each_hub_jumping(|clock| {
        let server = Running::new(slow);
        let mut client = server.connect();
        client.send("GET /answer/100 HTTP/1.1\r\nHost: a\r\n\r\n");
        until(|| server.handle.status().busy == 1);
        server.handle.stop(60 * SECOND);
        sleep(SECOND);
        server.handle.stop(9 * SECOND);
        client.expect_end();
        assert_eq!(elapsed(clock), 10 * SECOND);
        server.join();
    });
}

#[test]
fn before_serving_and_after() {
    on_each_hub(|| {
        let server = Server::new(path);
        server.handle().stop(3600 * SECOND);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        server.serve(listener).unwrap();
        server.handle().stop(3600 * SECOND);
        assert_eq!(stats().timers, 0);
    });
}

/// A handler may stop the server that it serves for; its own answer still goes out.
#[test]
fn by_a_handler() {
    on_each_hub_jumping(|_| {
        let server = std::rc::Rc::new_cyclic(|server: &std::rc::Weak<Server>| {
            let server = server.clone();
            Server::new(move |_: Request<RequestBody>| {
                if let Some(server) = server.upgrade() {
                    server.handle().stop(3600 * SECOND);
                }
                Response::new(Body::from("stopping"))
            })
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asking = eventlet_green::spawn(move || {
            let mut client = crate::support::Client::connect(address);
            let reply = client.ask(GET);
            client.expect_end();
            reply.text()
        });
        server.serve(listener).unwrap();
        assert_eq!(asking.join().unwrap(), "stopping");
    });
}

/// The listener goes with the coroutine that served it, although a handle to the server is about.
#[test]
fn killing_who_serves_frees_the_port() {
    on_each_hub(|| {
        let server = Running::new(path);
        let (address, handle) = (server.address, server.handle.clone());
        let mut client = server.connect();
        assert_eq!(client.ask(GET).text(), "/x");
        server.kill();
        assert!(StdStream::connect(address).is_err());
        // Those who are connected go on.
        assert_eq!(client.ask(GET).text(), "/x");
        drop(client);
        until(|| handle.status().open == 0);
    });
}
