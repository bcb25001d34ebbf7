//! `https`: asked by our client and by curl; shows another certificate when it is told to.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use eventlet::http::tls::{Roots, TlsConnector, TlsStream};
use eventlet::net::TcpStream;

use crate::support::{Program, assert_refusal, loudly, under_each_hub};

/// A folder with a certificate and its key; removed at the end.
pub struct Files(PathBuf);

impl Files {
    pub fn new(hub: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("eventlet-https-{hub}-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Files(folder)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// Another certificate than before; gives what is needed to trust it.
    pub fn renew(&self) -> Roots {
        let made = rcgen::generate_simple_self_signed(["host.test".to_owned()]).unwrap();
        fs::write(self.path("chain.pem"), made.cert.pem()).unwrap();
        fs::write(self.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
        Roots::from_pem(made.cert.pem()).unwrap()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn address(program: &mut Program) -> String {
    let address = program.address();
    let address = address.strip_prefix("https://").expect("an address");
    address.trim_end_matches('/').to_owned()
}

pub fn connect(address: &str, roots: Roots) -> TlsStream<TcpStream> {
    let connector = TlsConnector::builder().roots(roots).build().unwrap();
    let stream = TcpStream::connect(address).unwrap();
    connector.connect("host.test", stream).unwrap()
}

fn ask(mut stream: &TlsStream<TcpStream>) -> String {
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_certificate_from_files_and_another() {
    under_each_hub("https", "a_certificate_from_files_and_another", |hub| {
        let files = Files::new(hub);
        let first = files.renew();
        let (chain, key) = (files.path("chain.pem"), files.path("key.pem"));
        let arguments = ["--listen", "127.0.0.1:0", "--cert", &chain, "--key", &key];
        let mut program = Program::start("https", hub, &arguments);
        let address = address(&mut program);
        let early = connect(&address, first);
        let second = files.renew();
        program.signal("HUP");
        assert_eq!(program.line(), "another certificate is shown from now on");
        let answer = ask(&connect(&address, second));
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("hello from host.test\n"), "{answer}");
        assert_eq!(ask(&early), answer);
        program.signal("TERM");
        program.end();
    });
}

#[test]
fn curl_trusts_anybody() {
    if Command::new("curl").arg("--version").output().is_err() {
        loudly("SKIPPED curl_trusts_anybody: there is no curl on this machine");
        return;
    }
    under_each_hub("https", "curl_trusts_anybody", |hub| {
        let mut program = Program::start("https", hub, &["--listen", "127.0.0.1:0"]);
        let url = format!("https://{}/", address(&mut program));
        let output = Command::new("curl")
            .args([
                "-k",
                "--silent",
                "--show-error",
                "--max-time",
                "60",
                "--noproxy",
                "*",
            ])
            .arg(url)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said, "hello from nobody\n", "{errors}");
        program.signal("INT");
        program.end();
    });
}

#[test]
fn bad_arguments() {
    under_each_hub("https", "bad_arguments", |hub| {
        let refused = |arguments: &[&str], told| assert_refusal("https", hub, arguments, told);
        refused(&[], "usage: https");
        refused(&["--listen"], "--listen needs a value");
        refused(&["--loud", "x"], "--loud: not --listen");
        refused(&["--listen", "127.0.0.1:0", "--cert", "x"], "go together");
        let missing = [
            "--listen",
            "127.0.0.1:0",
            "--cert",
            "no.pem",
            "--key",
            "no.pem",
        ];
        refused(&missing, "no.pem cannot be read");
    });
}
