//! Values as bodies: what is sent, what is made of the answer, and what is said of one that is no
//! such value.

use std::collections::BTreeMap;

use eventlet_protocols::client::{Agent, Error, json};
use eventlet_protocols::format::{JsonFormat, Text};
use http::Method;
use serde::{Deserialize, Serialize};

use crate::support::{Peer, on_each_hub};

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Note {
    id: u64,
    text: String,
}

/// Answers with the head and the body it got, as JSON.
fn telling() -> Peer {
    Peer::new(|talk, _| {
        while let Some((head, body)) = talk.request() {
            let told = serde_json::to_string(&(head, body)).unwrap();
            let length = told.len();
            talk.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{told}"
            ));
        }
    })
}

fn answering(kind: &str, body: &str) -> Peer {
    let length = body.len();
    Peer::answering(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
    ))
}

#[test]
fn values_go_out_under_their_name() {
    on_each_hub(|| {
        let peer = telling();
        let note = Note {
            id: 7,
            text: "grün".to_owned(),
        };
        let url = peer.url("/notes");
        for (head, body) in [
            json::post::<(String, String)>(&url, &note).unwrap(),
            json::put(&url, &note).unwrap(),
        ] {
            assert!(
                head.contains("\r\nContent-Type: application/json\r\n"),
                "{head}"
            );
            assert!(head.contains("\r\nAccept: application/json\r\n"), "{head}");
            assert_eq!(serde_json::from_str::<Note>(&body).unwrap(), note);
        }
        let (head, body): (String, String) = json::get(&url).unwrap();
        assert!(
            head.starts_with("GET /notes ") && !head.contains("Content-Type"),
            "{head}"
        );
        assert_eq!(body, "");
        json::delete(&url).unwrap();

        let agent = Agent::new().speaking(Text);
        let told: String = agent.put(&url, "text").unwrap();
        assert!(
            told.contains("Content-Type: text/plain; charset=utf-8"),
            "{told}"
        );
    });
}

#[test]
fn the_answer_is_a_value_of_the_type_that_is_asked_for() {
    on_each_hub(|| {
        let peer = answering("application/json", r#"{"id": 7, "text": "milk"}"#);
        let note: Note = json::get(&peer.url("/")).unwrap();
        assert_eq!(note.text, "milk");
        let any: serde_json::Value = json::get(&peer.url("/")).unwrap();
        assert_eq!(any["id"], 7);

        // No body is nothing, for the types that can say so.
        let empty = Peer::answering("HTTP/1.1 204 No Content\r\n\r\n");
        json::post::<()>(&empty.url("/"), &1).unwrap();
        assert_eq!(json::get::<Option<Note>>(&empty.url("/")).unwrap(), None);
        assert!(matches!(
            json::get::<Note>(&empty.url("/")).unwrap_err(),
            Error::Load(_)
        ));
    });
}

#[test]
fn what_is_no_such_value_is_told_with_its_type_and_beginning() {
    on_each_hub(|| {
        let page = format!("<html>{}", "x".repeat(10_000));
        let peer = answering("text/html", &page);
        let error = json::get::<Note>(&peer.url("/")).unwrap_err();
        let Error::Load(load) = &error else {
            panic!("{error:?}")
        };
        assert_eq!(load.content_type().unwrap(), "text/html");
        assert!(load.beginning().starts_with(b"<html>") && load.beginning().len() < 1000);
        assert_eq!(load.body_len(), page.len());
        let text = error.to_string();
        assert!(
            text.contains("text/html") && text.contains("<html>"),
            "{text}"
        );
    });
}

#[test]
fn what_cannot_be_written_is_not_sent() {
    on_each_hub(|| {
        let peer = telling();
        let no_keys = BTreeMap::from([((1, 2), 3)]);
        let error = json::post::<()>(&peer.url("/"), &no_keys).unwrap_err();
        assert!(
            matches!(&error, Error::Dump(dump) if dump.content_type() == "application/json"),
            "{error:?}"
        );
        assert_eq!(peer.accepted(), 0);
    });
}

/// A status is an error as ever; its body can be read as a value, too.
#[test]
fn statuses_are_errors_with_values() {
    on_each_hub(|| {
        let body = r#"{"id": 0, "text": "no such note"}"#;
        let length = body.len();
        let peer = Peer::answering(format!(
            "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        let Err(Error::Status(error)) = json::get::<Note>(&peer.url("/")) else {
            panic!()
        };
        let note: Note = error.load(&JsonFormat).unwrap();
        assert_eq!(
            (error.status().as_u16(), &*note.text),
            (404, "no such note")
        );
        assert!(error.load::<u8>(&JsonFormat).is_err());

        let speaking = Agent::new().speaking(JsonFormat);
        let call = speaking
            .call_with(Method::POST, &peer.url("/"), &1)
            .unwrap()
            .ok([404]);
        let response = speaking.fetch::<Note>(call).unwrap();
        assert_eq!((response.status().as_u16(), response.body().id), (404, 0));
    });
}

/// A document that is nested too deep for any stack, from a server that is not to be trusted.
#[test]
fn deep_nesting_is_an_error_in_a_coroutine_too() {
    on_each_hub(|| {
        let peer = answering("application/json", &"[".repeat(100_000));
        let url = peer.url("/");
        let asking = eventlet_green::spawn(move || json::get::<serde_json::Value>(&url));
        assert!(matches!(asking.join().unwrap(), Err(Error::Load(_))));
    });
}
