//! Other programs at the other end: curl and `openssl s_client` to our server, our client to
//! `openssl s_server` and to nginx. One that is not on the machine is skipped, loudly.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use eventlet_green::net::unix::UnixStream;
use eventlet_green::net::{Stream, TcpStream};
use eventlet_green::{offload, sleep};
use eventlet_protocols::server::Config;
use eventlet_protocols::tls::{ClientAuth, TlsAcceptor, TlsConnector, TlsStream, TlsVersion};

use crate::certificates::Files;
use crate::support::pki::Valid;
use crate::support::site::{Site, path_and_body};
use crate::support::{Authority, HOST, on_each_hub};

/// Whether a program is there; says so if not.
fn is_there(program: &str, argument: &str) -> bool {
    let asked = Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .output();
    if asked.is_err() {
        // Not by a macro, which the test harness would catch.
        let line = format!("SKIPPED a test of TLS: there is no {program} on this machine\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    asked.is_ok()
}

/// Runs a command on another thread, with something to read.
fn run(command: &mut Command, input: impl Into<Vec<u8>>) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = input.into();
    let run = offload(move || {
        let mut pipe = child.stdin.take().unwrap();
        // It may not want it.
        let _ = pipe.write_all(&input);
        drop(pipe);
        child.wait_with_output()
    });
    run.unwrap().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn curl(site: &Site, files: &Files) -> Command {
    let port = site.address.port();
    let mut command = Command::new("curl");
    command
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "60",
            "--noproxy",
            "*",
        ])
        .arg("--cacert")
        .arg(files.put("ca.pem", &site.authority.pem()))
        .args(["--resolve", &format!("{HOST}:{port}:{}", site.address.ip())]);
    command
}

fn url(site: &Site, path: &str) -> String {
    format!("https://{HOST}:{}{path}", site.address.port())
}

#[test]
fn curl_to_our_server() {
    if !is_there("curl", "--version") {
        return;
    }
    on_each_hub(|| {
        let site = Site::new(path_and_body);
        let files = Files::new("curl");
        // Two on one connection, by each version.
        for version in ["--tlsv1.3", "--tlsv1.2"] {
            let mut command = curl(&site, &files);
            if version == "--tlsv1.2" {
                command.args(["--tls-max", "1.2"]);
            }
            command
                .arg(version)
                .arg(url(&site, "/one"))
                .arg(url(&site, "/two"));
            let output = run(&mut command, "");
            assert_eq!(text(&output.stdout), "/one/two", "{}", text(&output.stderr));
        }
        // A body of some size, and the end of the connection as the end of another.
        let much = vec![b'm'; 300_000];
        let mut command = curl(&site, &files);
        command.args(["--data-binary", "@-"]).arg(url(&site, "/"));
        let output = run(&mut command, much.clone());
        assert!(output.stdout[1..] == much, "{}", text(&output.stderr));
        let mut command = curl(&site, &files);
        command.arg("--http1.0").arg(url(&site, "/old"));
        let output = run(&mut command, "");
        assert_eq!(text(&output.stdout), "/old", "{}", text(&output.stderr));
        // Whom it does not know.
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--max-time", "60", "--noproxy", "*"])
            .arg(format!("https://{}/", site.address));
        let output = run(&mut command, "");
        assert_eq!(output.status.code(), Some(60));
        site.end();
    });
}

#[test]
fn curl_says_who_it_is() {
    if !is_there("curl", "--version") {
        return;
    }
    on_each_hub(|| {
        let authority = Authority::new();
        let client = authority.client();
        let acceptor = TlsAcceptor::builder(authority.identity(HOST))
            .client_auth(ClientAuth::Required(authority.roots()))
            .build()
            .unwrap();
        let site = Site::with(authority, acceptor, Config::new(), path_and_body);
        let files = Files::new("curl-client");
        let (chain, key) = (
            files.put("c.pem", &client.chain),
            files.put("k.pem", &client.key),
        );
        let mut command = curl(&site, &files);
        command
            .arg("--cert")
            .arg(chain)
            .arg("--key")
            .arg(key)
            .arg(url(&site, "/me"));
        let output = run(&mut command, "");
        assert_eq!(text(&output.stdout), "/me", "{}", text(&output.stderr));

        let output = run(curl(&site, &files).arg(url(&site, "/nobody")), "");
        assert_ne!(output.status.code(), Some(0));
        assert_eq!(text(&output.stdout), "");
        site.end();
    });
}

fn s_client(site: &Site, files: &Files) -> Command {
    let mut command = Command::new("openssl");
    command
        .args(["s_client", "-connect", &site.address.to_string()])
        .args(["-servername", HOST, "-verify_return_error", "-CAfile"])
        .arg(files.put("ca.pem", &site.authority.pem()));
    command
}

const OLD: &str = "GET /asked HTTP/1.0\r\n\r\n";

#[test]
fn s_client_to_our_server() {
    if !is_there("openssl", "version") {
        return;
    }
    on_each_hub(|| {
        let site = Site::new(path_and_body);
        let files = Files::new("s-client");
        for version in ["-tls1_3", "-tls1_2"] {
            let output = run(
                s_client(&site, &files).args([version, "-ign_eof", "-alpn", "http/1.1"]),
                OLD,
            );
            let said = text(&output.stdout);
            assert!(said.contains("/asked"), "{said}\n{}", text(&output.stderr));
            assert!(said.contains("ALPN protocol: http/1.1"), "{said}");
            assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
            assert!(!said.contains("unexpected eof"), "{said}");

            // It takes up where it left off.
            let session = files.put("session", "");
            for (option, expected) in [("-sess_out", "New, TLS"), ("-sess_in", "Reused, TLS")] {
                let output = run(
                    s_client(&site, &files)
                        .args([version, "-ign_eof", option])
                        .arg(&session),
                    OLD,
                );
                let said = text(&output.stdout);
                assert!(said.contains(expected), "{said}\n{}", text(&output.stderr));
            }
        }
        // Older ones are not spoken.
        let mut old = s_client(&site, &files);
        old.args(["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]);
        let output = run(&mut old, OLD);
        assert_ne!(output.status.code(), Some(0), "{}", text(&output.stdout));
        site.end();
    });
}

/// A program that runs beside; killed when it is dropped.
struct Beside(Child);

impl Drop for Beside {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a server answers to a request of HTTP/1.0, to its clean end.
fn fetch<S: Stream>(connector: &TlsConnector, stream: S) -> (TlsStream<S>, String) {
    let mut stream = connector.connect(HOST, stream).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    stream.shutdown(Shutdown::Both).unwrap_or(());
    (stream, answer)
}

#[test]
fn our_client_to_s_server() {
    if !is_there("openssl", "version") {
        return;
    }
    on_each_hub(|| {
        let authority = Authority::new();
        let files = Files::new("s-server");
        let issued = authority.server(&[HOST], Valid::Now);
        let (chain, key) = (
            files.put("c.pem", &issued.chain),
            files.put("k.pem", &issued.key),
        );
        for (option, version) in [
            ("-tls1_3", TlsVersion::Tls13),
            ("-tls1_2", TlsVersion::Tls12),
        ] {
            let mut child = Command::new("openssl")
                .args([
                    "s_server",
                    "-accept",
                    "127.0.0.1:0",
                    "-www",
                    option,
                    "-cert",
                ])
                .arg(&chain)
                .arg("-key")
                .arg(&key)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let output = BufReader::new(child.stdout.take().unwrap());
            let _server = Beside(child);
            let port = offload(move || {
                let mut lines = output.lines().map_while(Result::ok);
                let port = lines.find_map(|line| {
                    let address = line.strip_prefix("ACCEPT ")?.to_owned();
                    address.rsplit(':').next()?.parse::<u16>().ok()
                });
                // Read on, or it would find nobody at the other end.
                std::thread::spawn(move || lines.count());
                port
            });
            let port = port.unwrap().expect("it says where it listens");
            let connector = authority.connector();
            for is_resumed in [false, true] {
                let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let (stream, answer) = fetch(&connector, stream);
                assert!(answer.starts_with("HTTP/1.0 200 ok"), "{answer}");
                assert_eq!(stream.version(), Some(version));
                assert_eq!(stream.is_resumed(), is_resumed);
            }
        }
    });
}

/// nginx over a Unix socket, which needs no port; answers with what it knows of the client.
fn nginx(files: &Files, chain: &Path, key: &Path, authority: &Path) -> Beside {
    let path = |name: &str| files.path(name).display().to_string();
    let settings = format!(
        "daemon off; master_process off; error_log {error}; pid {pid};
         events {{ }}
         http {{
           access_log off;
           client_body_temp_path {t}; proxy_temp_path {t}; fastcgi_temp_path {t};
           uwsgi_temp_path {t}; scgi_temp_path {t};
           server {{
             listen unix:{socket} ssl; ssl_protocols TLSv1.2 TLSv1.3;
             ssl_certificate {chain}; ssl_certificate_key {key};
             ssl_client_certificate {authority}; ssl_verify_client optional;
             ssl_session_cache builtin;
             location / {{ return 200 \"$ssl_server_name $ssl_client_verify $ssl_protocol\"; }}
           }}
         }}",
        error = path("error.log"),
        pid = path("pid"),
        t = path("temp"),
        socket = path("socket"),
        chain = chain.display(),
        key = key.display(),
        authority = authority.display(),
    );
    let settings = files.put("nginx.conf", &settings);
    let mut command = Command::new("nginx");
    command
        .arg("-e")
        .arg(path("error.log"))
        .arg("-p")
        .arg(path(""));
    command.arg("-c").arg(settings);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    Beside(command.spawn().unwrap())
}

#[test]
fn our_client_to_nginx() {
    if !is_there("nginx", "-v") {
        return;
    }
    on_each_hub(|| {
        let authority = Authority::new();
        let files = Files::new("nginx");
        let issued = authority.server(&[HOST], Valid::Now);
        let (chain, key) = (
            files.put("c.pem", &issued.chain),
            files.put("k.pem", &issued.key),
        );
        let _ = std::fs::remove_file(files.path("socket"));
        let mut server = nginx(&files, &chain, &key, &files.put("ca.pem", &authority.pem()));
        let connect = || UnixStream::connect(files.path("socket"));
        while connect().is_err() {
            if let Some(status) = server.0.try_wait().unwrap() {
                let log = std::fs::read_to_string(files.path("error.log"));
                panic!("nginx ended with {status}: {log:?}");
            }
            sleep(Duration::from_millis(5));
        }
        let client = authority.client().identity();
        for (connector, verified) in [
            (authority.connector(), "NONE"),
            (
                authority.connector_with(|it| it.identity(client)),
                "SUCCESS",
            ),
        ] {
            for is_resumed in [false, true] {
                let (stream, answer) = fetch(&connector, connect().unwrap());
                let expected = format!("{HOST} {verified} TLSv1.3");
                assert!(answer.ends_with(&expected), "{answer}");
                assert_eq!(stream.is_resumed(), is_resumed);
            }
        }
    });
}
