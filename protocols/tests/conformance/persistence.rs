//! What follows an answer: another request, or the end (RFC 9112 section 9); and messages that are cut
//! off (section 8).

use eventlet_protocols::wire::Limits;

use crate::rule::{Rule, rule};

const NEXT: &str = "GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n";

fn get(version: &str, connection: &str) -> String {
    format!("GET /plaintext HTTP/{version}\r\nHost: a\r\nConnection: {connection}\r\n\r\n")
}

fn closes(what: &str, bytes: String) -> Rule {
    // What follows is not answered any more.
    rule("RFC 9112, 9.6", what)
        .send(bytes + NEXT)
        .get(&[200])
        .field("connection", "close")
        .ends()
}

fn goes_on(what: &str, bytes: String) -> Rule {
    rule("RFC 9112, 9.3", what)
        .send(bytes)
        .get(&[200])
        .stays_open()
}

pub fn rules() -> Vec<Rule> {
    [closing(), pipelining(), unread(), cut_off()].concat()
}

fn closing() -> Vec<Rule> {
    vec![
        closes("close closes", get("1.1", "close")),
        closes("close closes in any case", get("1.1", "CLOSE")),
        closes(
            "close closes wherever it stands in the list",
            get("1.1", "x, y ,\tClose ,z"),
        ),
        closes(
            "close closes in a second field",
            get("1.1", "x\r\nConnection: close"),
        ),
        closes(
            "close goes before keep-alive",
            get("1.1", "keep-alive, close"),
        ),
        closes(
            "close closes HTTP/1.0, too",
            get("1.0", "keep-alive, close"),
        ),
        closes(
            "HTTP/1.0 is closed",
            "GET /plaintext HTTP/1.0\r\nHost: a\r\n\r\n".into(),
        ),
        goes_on("HTTP/1.1 goes on", NEXT.into()),
        goes_on(
            "HTTP/1.1 goes on whatever else Connection names",
            get("1.1", "x, closed, close-not"),
        ),
        goes_on("HTTP/1.1 goes on with keep-alive", get("1.1", "keep-alive")),
        rule(
            "RFC 9112, 9.3",
            "HTTP/1.0 goes on with keep-alive, and is told so",
        )
        .send(get("1.0", "keep-alive"))
        .get(&[200])
        .field("connection", "keep-alive")
        .stays_open()
        .ours(),
        rule("RFC 9110, 7.8", "an upgrade nobody knows is passed over")
            .send(
                "GET /plaintext HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x/1\r\n\r\n",
            )
            .get(&[200])
            .without("upgrade")
            .stays_open(),
        rule("RFC 9110, 7.8", "an upgrade to HTTP/2 is passed over")
            .send(
                "GET /plaintext HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n\
                   Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
            )
            .get(&[200])
            .stays_open(),
    ]
}

fn pipelining() -> Vec<Rule> {
    let section = "RFC 9112, 9.3.2";
    const MANY: usize = 16;
    let mut many = rule(
        section,
        format!("{MANY} requests at once are answered in their order"),
    )
    .send(
        (0..MANY)
            .map(|n| format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{n:02}"))
            .collect::<String>(),
    );
    for number in 0..MANY {
        many = many.get(&[200]).body(format!("{number:02}"));
    }
    vec![
        many.stays_open(),
        rule(
            section,
            "an answer goes out before the refusal of the next request",
        )
        .send(format!("{NEXT}GET /plaintext HTTP/1.1\r\n\r\n{NEXT}"))
        .get(&[200])
        .refused(&[400]),
        rule(section, "a body is not taken for the next request")
            .send(format!(
                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{NEXT}{NEXT}",
                NEXT.len()
            ))
            .get(&[200])
            .body(NEXT)
            .get(&[200])
            .body("Hello, World!")
            .stays_open(),
        rule("RFC 9112, 2.2", "a line end after a body is passed over")
            .send(format!(
                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\r\n{NEXT}"
            ))
            .get(&[200])
            .body("hello")
            .get(&[200])
            .stays_open(),
        rule("RFC 9112, 9.6", "who sends no more still gets the answers")
            .send(NEXT.repeat(2))
            .finish()
            .get(&[200])
            .get(&[200])
            .ends(),
        rule(
            "RFC 9110, 9.3.2",
            "an answer to HEAD is followed by the next answer",
        )
        .send(format!("HEAD /plaintext HTTP/1.1\r\nHost: a\r\n\r\n{NEXT}"))
        .get(&[200])
        .without_body()
        .field("content-length", "13")
        .get(&[200])
        .body("Hello, World!")
        .stays_open(),
    ]
}

fn unread() -> Vec<Rule> {
    let post = |fields: &str| format!("POST /noread HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    let much = Limits::DEFAULT_DRAIN as usize + 1;
    vec![
        rule(
            "RFC 9112, 9.3",
            "a body that nobody read is not taken for a request",
        )
        .send(format!(
            "{}{NEXT}",
            post(&format!("Content-Length: {}\r\n", NEXT.len()))
        ))
        .get(&[200])
        .body("noread\n")
        .stays_open(),
        rule(
            "RFC 9112, 9.3",
            "chunks that nobody read are not taken for a request",
        )
        .send(format!(
            "{}{:x}\r\n{NEXT}\r\n0\r\nT: 1\r\n\r\n",
            post("Transfer-Encoding: chunked\r\n"),
            NEXT.len()
        ))
        .get(&[200])
        .body("noread\n")
        .stays_open(),
        rule(
            "RFC 9112, 9.3",
            "a body of HTTP/1.0 that nobody read is not taken for a request",
        )
        .send(format!(
            "POST /noread HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: {}\r\n\r\n{NEXT}",
            NEXT.len()
        ))
        .get(&[200])
        .body("noread\n")
        .stays_open()
        .ours(),
        rule(
            "RFC 9112, 7.1",
            "bad chunks that nobody read end the connection",
        )
        .send(format!(
            "{}x\r\n{NEXT}",
            post("Transfer-Encoding: chunked\r\n")
        ))
        .get(&[200, 400])
        .ends(),
        rule(
            "RFC 9112, 9.6",
            "of a body too long to read on, the answer arrives all the same",
        )
        .send(post(&format!("Content-Length: {much}\r\n")) + &*"x".repeat(much))
        .get(&[200])
        .body("noread\n")
        .field("connection", "close")
        .ends()
        .ours(),
    ]
}

fn cut_off() -> Vec<Rule> {
    let section = "RFC 9112, 8";
    let silent = |what: &str, bytes: &str| {
        rule(section, format!("{what} is not served"))
            .send(bytes)
            .finish()
            .no_whole_answer()
            .ends()
    };
    vec![
        silent("nothing at all", ""),
        silent("half a request line", "GET /plain"),
        silent("a request line alone", "GET /plaintext HTTP/1.1\r\n"),
        silent(
            "a head without its last line",
            "GET /plaintext HTTP/1.1\r\nHost: a\r\n",
        ),
        silent(
            "a head with half of its last line",
            "GET /plaintext HTTP/1.1\r\nHost: a\r\n\r",
        ),
        silent(
            "half a body",
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello",
        ),
        silent(
            "a body that never began",
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
        ),
    ]
}
