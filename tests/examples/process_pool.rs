//! `process_pool`: sums, also many at a time, and a calculator that dies of one.

use std::io::{Read, Write};
use std::thread;

use crate::support::{Program, assert_refusal, connect, under_each_hub};

fn ask(address: &str, term: &str) -> (String, String) {
    let mut stream = connect(address);
    write!(stream, "GET /?{term} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].to_owned(), body.to_owned())
}

#[test]
fn calculators_are_shared_and_replaced() {
    under_each_hub(
        "process_pool",
        "calculators_are_shared_and_replaced",
        |hub| {
            let mut program = Program::start("process_pool", hub, &["--listen", "127.0.0.1:0"]);
            let address = program.address();
            assert_eq!(ask(&address, "6*7"), ("200".to_owned(), "42\n".to_owned()));
            let asking: Vec<_> = (0..20)
                .map(|number| {
                    let address = address.clone();
                    thread::spawn(move || {
                        let (_, answer) = ask(&address, &format!("{number}+1"));
                        assert_eq!(answer, format!("{}\n", number + 1));
                    })
                })
                .collect();
            asking.into_iter().for_each(|one| one.join().unwrap());
            // Of this one dies, and says why.
            let (status, answer) = ask(&address, "1/0");
            assert_eq!(status, "502");
            assert!(answer.contains("sh has ended its output"), "{answer}");
            assert_eq!(ask(&address, "(1+2)*3").1, "9\n");
            assert_eq!(ask(&address, "").0, "400");
            assert_eq!(ask(&address, "$(ls)").0, "400");
            program.signal("INT");
            program.end();
        },
    );
}

#[test]
fn what_it_does_not_understand_is_one_line() {
    under_each_hub("process_pool", "what_it_does_not_understand", |hub| {
        assert_refusal("process_pool", hub, &["--port"], "usage: process_pool");
    });
}
