//! Shortcuts: the answers are those of the handler, byte for byte, whatever is asked for; and what can
//! go wrong with a handler goes the same way.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::{KillHandle, sleep, spawn};
use eventlet_protocols::server::{
    AccessLog, Body, Config, Handler, PreparedAnswer, RequestBody, ShortAnswer, Shortcut,
};
use eventlet_protocols::wire::{HeadView, LogFormat, NameCase};
use eventlet_runloop::{Clock, Time};
use http::header::{
    CONTENT_LENGTH, CONTENT_TYPE, DATE, LOCATION, SERVER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};

use crate::support::{Client, Running, Shared, on_each_hub, on_each_hub_jumping};

const SECOND: Duration = Duration::from_secs(1);

/// What a client sends first, so that its host is known.
const FIRST: &str = "GET /first HTTP/1.1\r\nHost: a\r\n\r\n";

type Fields = &'static [(HeaderName, HeaderValue)];

static TEXT: [(HeaderName, HeaderValue); 1] =
    [(CONTENT_TYPE, HeaderValue::from_static("text/plain"))];
static ELSEWHERE: [(HeaderName, HeaderValue); 1] = [(LOCATION, HeaderValue::from_static("/b"))];
static OWN: [(HeaderName, HeaderValue); 3] = [
    (
        DATE,
        HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"),
    ),
    (SERVER, HeaderValue::from_static("mine")),
    (
        HeaderName::from_static("x-many"),
        HeaderValue::from_static("words"),
    ),
];
static OURS: [(HeaderName, HeaderValue); 3] = [
    (CONTENT_LENGTH, HeaderValue::from_static("3")),
    (TRANSFER_ENCODING, HeaderValue::from_static("chunked")),
    (UPGRADE, HeaderValue::from_static("other")),
];

/// What there is at a path; waits and panics where that is asked for.
fn page(path: &str) -> Option<(StatusCode, Fields, Vec<u8>)> {
    let (status, fields, body): (_, Fields, _) = match path {
        "/" => (200, &[], b"root".to_vec()),
        "/hello" => (200, &TEXT, b"hello".to_vec()),
        "/nothing" => (200, &[], Vec::new()),
        "/large" => (200, &TEXT, vec![b'x'; 1_000_000]),
        "/own" => (200, &OWN, b"own".to_vec()),
        "/ours" => (200, &OURS, b"ours".to_vec()),
        "/no-content" => (204, &[], b"none".to_vec()),
        "/reset-content" => (205, &[], b"none".to_vec()),
        "/moved" => (308, &ELSEWHERE, b"moved".to_vec()),
        "/unchanged" => (304, &[], b"none".to_vec()),
        "/bad" => (599, &[], b"bad".to_vec()),
        "/interim" => (103, &[], Vec::new()),
        "/sleep" => {
            sleep(100 * SECOND);
            (200, &[], b"late".to_vec())
        }
        "/panic" => panic!("on purpose"),
        _ => return None,
    };
    Some((StatusCode::from_u16(status).unwrap(), fields, body))
}

/// Paths of pages, with which nothing else happens.
const PATHS: [&str; 11] = [
    "/",
    "/hello",
    "/nothing",
    "/large",
    "/own",
    "/ours",
    "/no-content",
    "/reset-content",
    "/moved",
    "/unchanged",
    "/bad",
];

/// The pages, by the handler alone or with a shortcut.
#[derive(Clone, Default)]
struct Pages {
    has_shortcut: bool,
    /// Those that the shortcut has ready.
    prepared: Rc<[(&'static str, PreparedAnswer)]>,
    /// It says that it never waits.
    is_immediate: bool,
    /// How often it was asked outside of a coroutine.
    asked_at_once: Rc<Cell<u32>>,
    /// How often the shortcut was asked, and has answered.
    asked: Rc<Cell<u32>>,
    answered: Rc<Cell<u32>>,
}

impl Pages {
    fn with_shortcut() -> Self {
        Pages {
            has_shortcut: true,
            ..Pages::default()
        }
    }

    fn immediate() -> Self {
        Pages {
            is_immediate: true,
            ..Pages::with_shortcut()
        }
    }

    /// The same, with all the pages ready.
    fn prepared(&self) -> Self {
        let prepare = |path| {
            let (status, fields, body) = page(path).unwrap();
            let answer = ShortAnswer::new(body).status(status).fields(fields);
            (path, PreparedAnswer::new(answer))
        };
        Pages {
            prepared: PATHS.map(prepare).into(),
            ..self.clone()
        }
    }
}

impl Handler for Pages {
    fn handle(&self, request: Request<RequestBody>) -> Response<Body> {
        let path = request.uri().path();
        let Some((status, fields, body)) = page(path) else {
            let text = format!("{} {}", request.method(), request.uri());
            return Response::new(Body::from(text));
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        for (name, value) in fields {
            response.headers_mut().append(name, value.clone());
        }
        response
    }

    fn shortcut(&self) -> Option<&dyn Shortcut> {
        self.has_shortcut.then_some(self)
    }
}

impl Shortcut for Pages {
    fn answer<'a>(&'a self, head: &HeadView<'a>) -> Option<ShortAnswer<'a>> {
        let path = std::str::from_utf8(head.path()).unwrap();
        if path != "/first" {
            self.asked.set(self.asked.get() + 1);
        }
        if KillHandle::of_current().is_err() {
            self.asked_at_once.set(self.asked_at_once.get() + 1);
        }
        if let Some((_, ready)) = self.prepared.iter().find(|(of, _)| *of == path) {
            self.answered.set(self.answered.get() + 1);
            return Some(ready.answer());
        }
        let (status, fields, body) = page(path)?;
        self.answered.set(self.answered.get() + 1);
        Some(ShortAnswer::new(body).status(status).fields(fields))
    }

    fn is_immediate(&self) -> bool {
        self.is_immediate
    }
}

/// All that comes for these bytes, without the date.
fn all(server: &Running, text: &[u8]) -> String {
    let mut client = server.connect();
    client.send(FIRST);
    client.reply();
    client.send(text);
    client.finish();
    let came = String::from_utf8_lossy(&client.rest().unwrap()).into_owned();
    let is_dated = |line: &&str| !line.starts_with("Date: ") && !line.starts_with("date: ");
    came.split_inclusive("\r\n").filter(is_dated).collect()
}

/// Compares what a handler answers, a shortcut, and a shortcut that never waits and has its answers ready. Says
/// for how many of the requests a shortcut was asked.
#[track_caller]
fn assert_same<M: AsRef<[u8]>>(messages: impl IntoIterator<Item = M>) -> u32 {
    assert_same_with(|_| (), messages)
}

#[track_caller]
fn assert_same_with<M: AsRef<[u8]>>(
    settings: impl Fn(&mut Config),
    messages: impl IntoIterator<Item = M>,
) -> u32 {
    let (pages, ready) = (Pages::with_shortcut(), Pages::immediate().prepared());
    let servers = [Pages::default(), pages.clone(), ready.clone()];
    let [long, short, shorter] = servers.map(|pages| {
        let mut config = Config::new();
        settings(&mut config);
        Running::with(config, pages)
    });
    for message in messages {
        let message = message.as_ref();
        let text = String::from_utf8_lossy(message);
        let expected = all(&long, message);
        assert_eq!(all(&short, message), expected, "{text:?}");
        assert_eq!(all(&shorter, message), expected, "at once: {text:?}");
    }
    long.end();
    short.end();
    shorter.end();
    // What takes more than being written is left by one that is asked at once, and asked for again.
    assert!(ready.asked.get() >= pages.asked.get());
    pages.asked.get()
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

#[test]
fn every_kind_of_answer_is_that_of_the_handler() {
    on_each_hub(|| {
        let settings: [fn(&mut Config); 4] = [
            |_| (),
            |config| (config.names, config.server) = (NameCase::Lower, None),
            |config| config.exchange = Some(SECOND),
            |config| config.limits.requests = Some(2),
        ];
        let paths = || PATHS.iter().chain(&["/hello?q=1"]);
        for settings in settings {
            let messages = ["GET", "HEAD"]
                .iter()
                .flat_map(|method| paths().map(|path| get(path).replacen("GET", method, 1)));
            let asked = assert_same_with(settings, messages);
            assert_eq!(asked, 2 * paths().count() as u32);
        }
        // What the shortcut leaves to the handler, and what neither may answer.
        let others = ["/other", "/other?q", "/interim"].map(get);
        assert_eq!(assert_same(others), 3);
    });
}

#[test]
fn many_at_once_are_answered_in_order() {
    on_each_hub(|| {
        let mixed = ["/hello", "/other", "/large", "/", "/own", "/x?y", "/hello"].map(get);
        let posted = "POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
        let message = [&mixed.concat(), posted, &mixed.concat()]
            .concat()
            .repeat(5);
        assert_eq!(assert_same([message]), 70);
    });
}

#[test]
fn what_is_not_simple_is_for_the_handler() {
    on_each_hub(|| {
        let with = |field: &str| format!("GET /hello HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n");
        let not_simple = [
            "POST /hello HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            "get /hello HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            "GET /hello HTTP/1.0\r\nHost: a\r\n\r\n".to_owned(),
            "GET /hello HTTP/1.2\r\nHost: a\r\n\r\n".to_owned(),
            "GET /hello HTTP/1.1\r\n\r\n".to_owned(),
            "GET /hello HTTP/1.1\r\nHost: b\r\n\r\n".to_owned(),
            "GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n".to_owned(),
            "GET http://a/hello HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            "GET hello HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            "GET /hello#part HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            "GET /hello?{} HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            "GET * HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            format!("\r\n{}", get("/hello")),
            with("Host: a"),
            with("Connection: close"),
            with("Connection: keep-alive, close"),
            with("Connection: upgrade\r\nUpgrade: other"),
            with("Upgrade: other"),
            with("EXPECT: 100-continue"),
            with("Expect: other"),
            with("Content-Length: 0"),
            with("content-length: 2") + "hi",
            with("Content-Length: x"),
            with("Transfer-Encoding: chunked") + "0\r\n\r\n",
            with("Transfer-Encoding: chunked\r\nContent-Length: 2") + "0\r\n\r\n",
            with(" Folded: x"),
            with("Bad name: x"),
            get("/hello").replace("\r\n", "\n"),
        ];
        assert_eq!(assert_same(not_simple), 0);
        let simple = [
            with("Connection: keep-alive"),
            with("connection: Keep-Alive"),
            with("Keep-Alive: 300"),
            with("Accept: */*\r\nUser-Agent: x\r\nCookie: y"),
            with("TE: trailers"),
            "GET /hello HTTP/1.1\r\nhOST:a\r\n\r\n".to_owned(),
        ];
        assert_eq!(assert_same(simple), 6);
    });
}

/// Each byte of a message is left out, doubled, and changed to what is dangerous in a head.
#[test]
fn damaged_messages_are_answered_the_same() {
    on_each_hub(|| {
        // The fields of the second are known, from what each client sends first.
        let text = "GET /hello?a HTTP/1.1\r\nHost: a\r\nAccept: x\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
        let text = text.as_bytes();
        let mut messages = Vec::new();
        for at in 0..text.len() {
            let (before, after) = (&text[..at], &text[at + 1..]);
            messages.push([before, after].concat());
            messages.push([before, &text[at..=at], &text[at..]].concat());
            for other in *b"\0\t\r\n \"#%,/:;=?{\x7f\x80\xff" {
                messages.push([before, &[other], after].concat());
            }
        }
        let asked = assert_same(&messages);
        assert!(asked as usize > messages.len() / 2, "{asked}");
    });
}

/// Fields come again and again, and others between them; the shortcut sees those of each.
#[test]
fn each_request_has_its_own_fields() {
    struct Told;

    impl Handler for Told {
        fn handle(&self, _: Request<RequestBody>) -> Response<Body> {
            Response::new(Body::from("handled"))
        }

        fn shortcut(&self) -> Option<&dyn Shortcut> {
            Some(self)
        }
    }

    impl Shortcut for Told {
        fn answer<'a>(&'a self, head: &HeadView<'a>) -> Option<ShortAnswer<'a>> {
            if head.path() == b"/wait" {
                sleep(SECOND);
            }
            let fields = head
                .fields()
                .map(|(name, value)| [name.as_bytes(), b"=", value].concat());
            let told = [head.path().to_vec()].into_iter().chain(fields);
            Some(ShortAnswer::new(told.collect::<Vec<_>>().join(&b' ')))
        }
    }

    let request =
        |path: &str, field: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n{field}\r\n");
    on_each_hub_jumping(move |clock| {
        let server = Running::new(Told);
        let [mut client, mut patient] = [server.connect(), server.connect()];
        assert_eq!(client.ask(request("/first", "")).text(), "handled");
        for n in 0..4_u32 {
            // Its fields have come before, and others take their place while it is answered.
            patient.send(request("/wait", "X: 1\r\n"));
            for _ in 0..40 {
                assert_eq!(client.ask(request("/a", "")).text(), "/a Host=a");
                let reply = client.ask(request("/b?c", &format!("X: {n}\r\n")));
                assert_eq!(reply.text(), format!("/b Host=a X={n}"));
            }
            for _ in 0..40 {
                let reply = client.ask(request("/c", &format!("Y: {n}\r\n")));
                assert_eq!(reply.text(), format!("/c Host=a Y={n}"));
            }
            assert_eq!(clock.now(), Time::ORIGIN + n * SECOND);
            assert_eq!(patient.reply().text(), "/wait Host=a X=1");
            for _ in 0..40 {
                let reply = client.ask(request("/d", "X: 1\r\n"));
                assert_eq!(reply.text(), "/d Host=a X=1");
            }
        }
        drop((client, patient));
        server.end();
    });
}

#[test]
fn the_first_request_for_a_host_is_the_handlers() {
    on_each_hub(|| {
        let pages = Pages::with_shortcut();
        let server = Running::new(pages.clone());
        let mut client = server.connect();
        for asked in 0..3 {
            assert_eq!(client.ask(get("/hello")).text(), "hello");
            assert_eq!(pages.asked.get(), asked);
        }
        drop(client);
        server.end();
    });
}

#[test]
fn a_panic_is_answered_and_takes_its_connection_only() {
    on_each_hub(|| {
        let message = [get("/hello"), get("/panic"), get("/hello")].concat();
        assert_eq!(assert_same([message]), 2);
        let server = Running::new(Pages::with_shortcut());
        let mut client = server.connect();
        client.ask(FIRST);
        let mut other = server.connect();
        other.ask(get("/hello"));
        let reply = client.ask(get("/panic"));
        assert_eq!((reply.status, reply.is_closing()), (500, true));
        client.expect_end();
        assert_eq!(other.ask(get("/hello")).text(), "hello");
        drop((client, other));
        server.end();
    });
}

/// Asked outside of any coroutine it is not to wait, nor to panic; if it does, it is asked again.
#[test]
fn one_that_never_waits_is_asked_at_once() {
    on_each_hub_jumping(|clock| {
        let pages = Pages::immediate();
        let server = Running::new(pages.clone());
        let mut client = server.connect();
        client.ask(FIRST);
        // The fields are not known before.
        assert_eq!(client.ask(get("/hello")).text(), "hello");
        assert_eq!(pages.asked_at_once.get(), 0);
        for _ in 0..3 {
            assert_eq!(client.ask(get("/hello")).text(), "hello");
        }
        assert_eq!((pages.asked_at_once.get(), pages.asked.get()), (3, 4));
        let status = server.handle.status();
        assert_eq!((status.busy, status.requests), (0, 5));
        // Others are left to it in a coroutine, or to the handler.
        assert_eq!(client.ask(get("/other")).text(), "GET /other");
        assert_eq!(client.ask(get("/sleep")).text(), "late");
        assert_eq!(clock.now(), Time::ORIGIN + 100 * SECOND);
        client.send([get("/hello"), get("/large"), get("/hello")].concat());
        assert_eq!(client.reply().text(), "hello");
        assert_eq!(client.reply().text().len(), 1_000_000);
        assert_eq!(client.reply().text(), "hello");
        let different = "GET /hello HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
        assert_eq!(client.ask(different).text(), "hello");
        let mut other = server.connect();
        let reply = other.ask(get("/panic"));
        assert_eq!((reply.status, reply.is_closing()), (500, true));
        other.expect_end();
        assert_eq!(client.ask(get("/hello")).text(), "hello");
        drop((client, other));
        server.end();
    });
}

/// It may wait: others are served meanwhile, and what was ready for its own client has gone out.
#[test]
fn one_that_waits_holds_nobody_up() {
    on_each_hub_jumping(|clock| {
        let server = Running::new(Pages::with_shortcut());
        let mut client = server.connect();
        client.ask(FIRST);
        client.send([get("/hello"), get("/sleep"), get("/hello")].concat());
        assert_eq!(client.reply().text(), "hello");
        let mut other = server.connect();
        assert_eq!(other.ask(get("/hello")).text(), "hello");
        assert_eq!(clock.now(), Time::ORIGIN);
        assert_eq!(server.handle.status().busy, 1);
        assert_eq!(client.reply().text(), "late");
        assert_eq!(clock.now(), Time::ORIGIN + 100 * SECOND);
        assert_eq!(client.reply().text(), "hello");
        drop((client, other));
        server.end();
    });
}

#[test]
fn one_that_takes_too_long_is_answered_for() {
    on_each_hub_jumping(|clock| {
        let mut config = Config::new();
        config.exchange = Some(10 * SECOND);
        let server = Running::with(config, Pages::with_shortcut());
        let mut client = server.connect();
        client.ask(FIRST);
        let reply = client.ask(get("/sleep"));
        assert_eq!((reply.status, reply.is_closing()), (503, true));
        assert_eq!(clock.now(), Time::ORIGIN + 10 * SECOND);
        client.expect_end();
        drop(client);
        server.end();
    });
}

/// The limit is for sending, too: a client that does not read is cut off.
#[test]
fn a_client_that_does_not_read_is_cut_off() {
    on_each_hub_jumping(|_| {
        let mut config = Config::new();
        config.exchange = Some(10 * SECOND);
        let server = Running::with(config, Pages::with_shortcut());
        let mut client = server.connect();
        client.ask(FIRST);
        client.send(get("/large").repeat(50));
        sleep(11 * SECOND);
        server.until_open(0);
        // Whether by an end or a reset, not all of it has come.
        let came = client.rest().map_or(0, |came| came.len());
        assert!(came < 50_000_000, "{came}");
        drop(client);
        server.end();
    });
}

#[test]
fn a_stop_lets_it_end_and_closes() {
    on_each_hub_jumping(|_| {
        let server = Running::new(Pages::with_shortcut());
        let mut client = server.connect();
        client.ask(FIRST);
        client.send([get("/hello"), get("/sleep"), get("/hello")].concat());
        assert_eq!(client.reply().text(), "hello");
        server.handle.stop(1000 * SECOND);
        let reply = client.reply();
        assert_eq!((&*reply.text(), reply.is_closing()), ("late", true));
        client.expect_end();
        drop(client);
        server.join();
    });
}

#[test]
fn a_stop_kills_it_at_the_deadline() {
    on_each_hub_jumping(|clock| {
        let server = Running::new(Pages::with_shortcut());
        let mut client = server.connect();
        client.ask(FIRST);
        client.send([get("/hello"), get("/sleep")].concat());
        assert_eq!(client.reply().text(), "hello");
        server.handle.stop(10 * SECOND);
        let waiting = spawn(move || client.expect_end());
        server.join();
        assert_eq!(clock.now(), Time::ORIGIN + 10 * SECOND);
        waiting.join().unwrap();
    });
}

#[test]
fn the_log_has_the_same_lines() {
    on_each_hub(|| {
        let lines = |handler: Pages| {
            let text = Shared::default();
            let mut config = Config::new();
            config.log = Some(AccessLog::to(text.clone()).format(LogFormat::Combined));
            config.trusted_hops = 2;
            let server = Running::with(config, handler);
            let fields = "Referer: r\r\nuser-agent: \x01\"u\"\r\nX-Forwarded-For: 1.2.3.4, x\r\n\
                          x-forwarded-for: 203.0.113.9, 198.51.100.1";
            let mut client = server.connect();
            client.ask(FIRST);
            for path in ["/hello?q=%22", "/large", "/other", "/no-content", "/bad"] {
                client.send(get(path));
                client.reply();
            }
            client.send(format!(
                "HEAD /hello HTTP/1.1\r\nHost: a\r\n{}\r\n\r\n",
                fields.replace('\x01', "")
            ));
            client.reply_to_head();
            client.ask(get("/panic"));
            client.expect_end();
            assert_eq!(server.handle.status().requests, 8);
            drop(client);
            server.end();
            let text = text.take();
            let dateless = |line: &str| {
                let (before, rest) = line.split_once('[').unwrap();
                format!("{before}{}", rest.split_once(']').unwrap().1)
            };
            text.lines().map(dateless).collect::<Vec<_>>()
        };
        let short = lines(Pages::with_shortcut());
        assert_eq!(short, lines(Pages::default()));
        assert_eq!(short.len(), 8);
        assert!(
            short[6].contains("203.0.113.9,198.51.100.1"),
            "{}",
            short[6]
        );
    });
}

/// A body of the request before it that is still about reads nothing of what follows.
#[test]
fn it_follows_a_request_whose_body_is_kept() {
    struct Keeps {
        pages: Pages,
        kept: Rc<Cell<Option<RequestBody>>>,
    }
    impl Handler for Keeps {
        fn handle(&self, request: Request<RequestBody>) -> Response<Body> {
            match *request.method() {
                Method::POST => {
                    self.kept.set(Some(request.into_body()));
                    Response::new(Body::from("kept"))
                }
                _ => self.pages.handle(request),
            }
        }

        fn shortcut(&self) -> Option<&dyn Shortcut> {
            Some(&self.pages)
        }
    }
    on_each_hub(|| {
        let (pages, kept) = (Pages::with_shortcut(), Rc::<Cell<_>>::default());
        let server = Running::new(Keeps {
            pages: pages.clone(),
            kept: Rc::clone(&kept),
        });
        let mut client: Client = server.connect();
        client.ask(FIRST);
        let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(client.ask(post).text(), "kept");
        client.send(get("/hello").repeat(2));
        assert_eq!(client.reply().text(), "hello");
        assert_eq!(client.reply().text(), "hello");
        assert_eq!(pages.answered.get(), 2);
        let mut body = kept.take().unwrap();
        std::io::copy(&mut body, &mut std::io::sink()).unwrap_err();
        drop((client, body));
        server.end();
    });
}
