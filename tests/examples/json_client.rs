//! `json_client`: notes made, listed and removed, with `json_api` at the other end.

use crate::support::{Program, assert_refusal, under_each_hub};

#[test]
fn keeps_notes_elsewhere() {
    under_each_hub("json_client", "keeps_notes_elsewhere", |hub| {
        let mut server = Program::start("json_api", hub, &["--listen", "127.0.0.1:0"]);
        let url = format!("http://{}", server.address());
        let told = |words: &[&str]| {
            let words = [&[&*url], words].concat();
            Program::start("json_client", hub, &words).end()
        };
        assert_eq!(told(&["add", "milk"]), ["1 milk"]);
        assert_eq!(told(&["add", "grünes \"Brot\""]), ["2 grünes \"Brot\""]);
        assert_eq!(told(&["list"]), ["1 milk", "2 grünes \"Brot\""]);
        assert_eq!(told(&["show", "1"]), ["milk"]);
        assert!(told(&["remove", "1"]).is_empty());
        assert_eq!(told(&["list"]), ["2 grünes \"Brot\""]);
        assert_refusal("json_client", hub, &[&url, "show", "1"], "no note 1");
        assert_refusal("json_client", hub, &[&url, "remove", "1"], "404 Not Found");
    });
}

#[test]
fn what_cannot_be_done_is_said_in_a_line() {
    under_each_hub(
        "json_client",
        "what_cannot_be_done_is_said_in_a_line",
        |hub| {
            assert_refusal("json_client", hub, &[], "use: json_client");
            assert_refusal("json_client", hub, &["nowhere", "list"], "no scheme");
        },
    );
}
