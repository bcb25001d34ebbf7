//! `logging`: records in a file that is moved away, and at a syslog daemon that comes late.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use crate::support::{ANSWER, Program, assert_refusal, connect, under_each_hub};

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(hub: &str) -> Self {
        let name = format!("eventlet-logging-{}-{hub}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Has a line echoed; the client's address.
fn say(address: &str, line: &str) -> String {
    let mut client = connect(address);
    writeln!(client, "{line}").unwrap();
    let mut answer = String::new();
    BufReader::new(&client).read_line(&mut answer).unwrap();
    assert_eq!(answer.trim_end(), line);
    client.local_addr().unwrap().to_string()
}

/// Records up to the first whose text ends so.
fn until_said(daemon: &UnixDatagram, end: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut datagram = [0; 8192];
    loop {
        let length = daemon.recv(&mut datagram).unwrap();
        texts.push(String::from_utf8(datagram[..length].to_vec()).unwrap());
        if texts.last().is_some_and(|text| text.ends_with(end)) {
            return texts;
        }
    }
}

#[test]
fn records_get_to_both_and_the_file_can_be_moved_away() {
    under_each_hub("logging", "records_get_to_both", |hub| {
        let folder = Folder::new(hub);
        let (file, old, socket) = (
            folder.path("log"),
            folder.path("old"),
            folder.path("socket"),
        );
        let arguments = [
            "--listen",
            "127.0.0.1:0",
            "--file",
            &file,
            "--syslog",
            &socket,
        ];
        let mut program = Program::start("logging", hub, &arguments);
        let address = program.address();
        let early = say(&address, "early");
        let daemon = UnixDatagram::bind(&socket).unwrap();
        daemon.set_read_timeout(Some(ANSWER)).unwrap();
        until_said(&daemon, "] gone");
        fs::rename(&file, &old).unwrap();
        program.signal("HUP");
        while !Path::new(&file).exists() {
            say(&address, "meanwhile");
        }
        let late = say(&address, "late");
        program.signal("TERM");
        let texts = until_said(&daemon, "] stopping");
        program.end();

        let (old, new) = (
            fs::read_to_string(&old).unwrap(),
            fs::read_to_string(&file).unwrap(),
        );
        let first = old.lines().next().unwrap();
        assert!(
            first.ends_with(&format!(" [main] listening address={address}")),
            "{first}"
        );
        for end in ["connected", "heard \"early\\n\" bytes=6", "gone bytes=6"] {
            assert!(
                old.contains(&format!(" {early}] {end}\n")),
                "{end} in {old}"
            );
        }
        assert!(new.contains(&format!(" {late}] connected\n")), "{new}");
        assert!(new.ends_with(" [main] stopping\n"), "{new}");
        assert!(
            texts
                .iter()
                .any(|text| text.contains(&format!("name=\"{late}\"")))
        );
    });
}

#[test]
fn what_cannot_be_done_is_one_line() {
    under_each_hub("logging", "what_cannot_be_done", |hub| {
        assert_refusal("logging", hub, &[], "usage: logging --listen HOST:PORT");
        let missing = ["--listen", "127.0.0.1:0", "--file", "missing-folder/log"];
        assert_refusal(
            "logging",
            hub,
            &missing,
            "cannot open the log missing-folder/log",
        );
    });
}
