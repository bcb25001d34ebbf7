//! A chat with rooms, in the browser: a page, and WebSockets that say to all in a room what one says.
//!
//! ```text
//! cargo run --example websocket_chat --features websocket -- --listen 127.0.0.1:8080
//! # then open http://127.0.0.1:8080/kitchen?name=Ada in two windows
//! ```
//!
//! Nobody ever waits for a member that does not read: whose queue is full is told to leave.

use std::{cell::RefCell, collections::BTreeMap, io, rc::Rc, time::Duration};

use eventlet::channel::{self, Sender};
use eventlet::http::server::{Body, RequestBody, Server};
use eventlet::http::websocket::{AcceptOptions, CloseCode, Error, Message, Settings, WebSocket};
use eventlet::http::wire::query_value;
use eventlet::net::TcpListener;
use eventlet::signals::{STOP, Signals};
use eventlet::{spawn, yield_now};
use http::{Request, Response, header};

const HTML: &str = "text/html; charset=utf-8";
const PAGE: &str = include_str!("websocket_chat.html");
const BACKLOG: usize = 64; // Messages that may wait for a member, besides those in its socket.
const LONGEST: usize = 4096; // Bytes of a message.
const SLOWEST: Duration = Duration::from_secs(2); // For a member to read anything at all.
const GRACE: Duration = Duration::from_secs(5); // For all to leave, at the end.

/// What is to be said to whom, by room and name.
type Rooms = RefCell<BTreeMap<(String, String), Sender<Message>>>;

/// Queues a message for everybody in a room. Never waits.
fn tell(rooms: &Rooms, room: &str, text: String) {
    let message = Message::from(text);
    for ((other, _), queue) in &*rooms.borrow() {
        if other == room && queue.try_send(message.clone()).is_err() {
            queue.close(); // Too slow.
        }
    }
}

fn talk(rooms: &Rooms, room: &str, name: &str, socket: &WebSocket) -> Result<(), Error> {
    let key = (room.to_owned(), name.to_owned());
    if rooms.borrow().contains_key(&key) {
        return socket.close(CloseCode::POLICY, "that name is taken");
    }
    let (queue, messages) = channel::bounded::<Message>(BACKLOG);
    rooms.borrow_mut().insert(key.clone(), queue);
    let writing = socket.clone();
    spawn(move || {
        let sent = messages.iter().try_for_each(|text| writing.send(text));
        // The member was too slow, or has left.
        sent.and_then(|()| writing.close(CloseCode::POLICY, "you do not read fast enough"))
    });
    tell(rooms, room, format!("* {name} is here."));
    let outcome = socket.messages().try_for_each(|message| {
        if let Some(text) = message?.as_text() {
            tell(rooms, room, format!("{name}: {text}"));
        }
        yield_now(); // However fast one talks: now the writers have their turn.
        Ok(())
    });
    rooms.borrow_mut().remove(&key);
    tell(rooms, room, format!("* {name} has left."));
    outcome
}

fn answer(request: &Request<RequestBody>, rooms: &Rc<Rooms>) -> Response<Body> {
    if !request.headers().contains_key(header::UPGRADE) {
        let page = Response::builder().header(header::CONTENT_TYPE, HTML);
        return page.body(PAGE.into()).expect("a valid response");
    }
    let (rooms, room) = (Rc::clone(rooms), request.uri().path().to_owned());
    let name = query_value(request.uri().query().unwrap_or_default(), "name");
    let name = name.map_or("somebody".into(), |name| name.replace(char::is_control, ""));
    let mut settings = Settings::new();
    (settings.message, settings.write) = (LONGEST, SLOWEST);
    let mut options = AcceptOptions::new();
    let options = options.protocol("chat").settings(settings);
    options.accept(request, move |socket| talk(&rooms, &room, &name, &socket))
}

fn run() -> io::Result<()> {
    let mut words = std::env::args().skip(1);
    let (Some("--listen"), Some(address)) = (words.next().as_deref(), words.next()) else {
        return Err(io::Error::other("usage: websocket_chat --listen HOST:PORT"));
    };
    let rooms = Rc::new(Rooms::default());
    let server = Server::new(move |request: Request<RequestBody>| answer(&request, &rooms));
    let (signals, handle) = (Signals::new(&STOP)?, server.handle());
    spawn(move || signals.wait().map(|_| handle.stop(GRACE)));
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    server.serve(listener)
}

fn main() -> std::process::ExitCode {
    let outcome = run().inspect_err(|error| eprintln!("websocket_chat: {error}"));
    u8::from(outcome.is_err()).into()
}
