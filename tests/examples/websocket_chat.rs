//! `websocket_chat`: by our own client, in a browser, by members that do not read, and stopped by a
//! signal.

use std::io::Read;
use std::time::Duration;

use eventlet::http::websocket::{CloseCode, ConnectError, ConnectOptions, Error, WebSocket};
use http::{HeaderValue, header};

use crate::browser::Browser;
use crate::support::{ANSWER, Program, assert_refusal, connect, under_each_hub};

const EXAMPLE: &str = "websocket_chat";

fn start(hub: &str) -> (Program, String) {
    let mut program = Program::start(EXAMPLE, hub, &["--listen", "127.0.0.1:0"]);
    let address = program.address();
    (program, address)
}

fn join(address: &str, room_and_name: &str) -> WebSocket {
    let mut options = ConnectOptions::new();
    options.protocol("chat");
    let socket = options.connect(&format!("ws://{address}/{room_and_name}"));
    socket.unwrap()
}

#[track_caller]
fn hear(socket: &WebSocket, text: &str) {
    let message = socket.receive_timeout(ANSWER).unwrap().expect("a message");
    assert_eq!(message.as_text(), Some(text));
}

#[test]
fn what_is_said_goes_to_all_in_the_room() {
    under_each_hub(EXAMPLE, "what_is_said_goes_to_all_in_the_room", |hub| {
        let (program, address) = start(hub);
        let ada = join(&address, "kitchen?name=Ada%20L.");
        assert_eq!(ada.protocol(), Some("chat"));
        hear(&ada, "* Ada L. is here.");
        let bob = join(&address, "kitchen?name=Bob");
        let eve = join(&address, "cellar?name=Eve");
        hear(&eve, "* Eve is here.");
        for member in [&ada, &bob] {
            hear(member, "* Bob is here.");
        }
        ada.send("<b>hello</b>").unwrap();
        eve.send("nobody hears me").unwrap();
        for member in [&ada, &bob] {
            hear(member, "Ada L.: <b>hello</b>");
        }
        hear(&eve, "Eve: nobody hears me");
        // A second of a name; and too long a message.
        let second = join(&address, "kitchen?name=Bob");
        assert_eq!(second.receive_timeout(ANSWER).unwrap(), None);
        assert_eq!(
            second.peer_close().unwrap().reason.as_str(),
            "that name is taken"
        );
        eve.send("x".repeat(4097)).unwrap();
        assert_eq!(eve.receive_timeout(ANSWER).unwrap(), None);
        assert_eq!(eve.peer_close().unwrap().code, CloseCode::TOO_LARGE);
        bob.close(CloseCode::NORMAL, "").unwrap();
        hear(&ada, "* Bob has left.");
        // All are told of the end.
        program.signal("INT");
        assert_eq!(ada.receive_timeout(ANSWER).unwrap(), None);
        assert_eq!(ada.peer_close().unwrap().code, CloseCode::AWAY);
        program.end();
    });
}

/// Whose queue is full is told to leave; others do not wait for him.
#[test]
fn a_member_that_does_not_read_is_left_behind() {
    let test = "a_member_that_does_not_read_is_left_behind";
    under_each_hub(EXAMPLE, test, |hub| {
        let (program, address) = start(hub);
        let talker = join(&address, "kitchen?name=talker");
        hear(&talker, "* talker is here.");
        let sleeper = join(&address, "kitchen?name=sleeper");
        hear(&talker, "* sleeper is here.");
        // More than sockets and queue hold.
        let long = "x".repeat(4000);
        let mut has_left = false;
        for _ in 0..20_000 {
            talker.send(long.as_str()).unwrap();
            while let Ok(message) = talker.receive_timeout(Duration::ZERO) {
                let message = message.expect("a talker that reads is not sent away");
                has_left |= message.as_text() == Some("* sleeper has left.");
            }
            if has_left {
                break;
            }
        }
        while !has_left {
            let message = talker.receive_timeout(ANSWER).unwrap().expect("a message");
            has_left = message.as_text() == Some("* sleeper has left.");
        }
        drop(sleeper);
        talker.close(CloseCode::NORMAL, "").unwrap();
        program.signal("TERM");
        program.end();
    });
}

/// A page of somebody else's may not speak for the user, and what is no handshake is answered.
#[test]
fn who_may_not_join() {
    under_each_hub(EXAMPLE, "who_may_not_join", |hub| {
        let (program, address) = start(hub);
        let mut options = ConnectOptions::new();
        options.header(
            header::ORIGIN,
            HeaderValue::from_static("https://evil.example"),
        );
        let error = options
            .connect(&format!("ws://{address}/kitchen"))
            .unwrap_err();
        assert!(matches!(error, ConnectError::Refused(answer) if answer.status() == 403));
        let mut stream = connect(&address);
        let request = "GET /kitchen HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        assert!(page.contains("<!doctype html>") && page.ends_with("</html>\n"));
        program.signal("TERM");
        program.end();
    });
}

/// The page shows what others say, says what is typed, and shows the end.
#[test]
fn in_a_browser() {
    under_each_hub(EXAMPLE, "in_a_browser", |hub| {
        let Some(browser) = Browser::start("in_a_browser") else {
            return;
        };
        let (program, address) = start(hub);
        let ada = join(&address, "kitchen?name=Ada");
        hear(&ada, "* Ada is here.");
        let url = format!("http://{address}/kitchen?name=Bob&say=hello%20from%20the%20page");
        let page = browser.open(&url);
        hear(&ada, "* Bob is here.");
        hear(&ada, "Bob: hello from the page");
        ada.send("grüezi <i>Bob</i>").unwrap();
        let text = browser.text_with(&page, "Ada: grüezi <i>Bob</i>");
        assert!(
            text.contains("Room kitchen") && text.contains("* Bob is here."),
            "{text}"
        );
        hear(&ada, "Ada: grüezi <i>Bob</i>");
        let typed = "document.querySelector('input').value = 'typed'; \
                     document.querySelector('form').requestSubmit()";
        browser.run(&page, typed);
        hear(&ada, "Bob: typed");
        browser.text_with(&page, "Bob: typed");
        program.signal("INT");
        browser.text_with(&page, "* Closed: 1001 the server is stopping");
        assert!(matches!(
            ada.receive_timeout(ANSWER),
            Ok(None) | Err(Error::Lost)
        ));
        program.end();
    });
}

#[test]
fn wrong_words_are_explained() {
    under_each_hub(EXAMPLE, "wrong_words_are_explained", |hub| {
        assert_refusal(EXAMPLE, hub, &[], "usage");
        assert_refusal(EXAMPLE, hub, &["--listen", "nowhere"], "");
    });
}
