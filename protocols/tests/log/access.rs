//! The server's access log through the sinks: to a file, to syslog, to both.

use std::io::{Read, Write};

use eventlet_green::net::{TcpListener, TcpStream};
use eventlet_green::spawn;
use eventlet_green::testing::on_each_hub;
use eventlet_protocols::log::{LogFile, Sink, Syslog, Tee, record_lines};
use eventlet_protocols::server::{AccessLog, Body, Config, RequestBody, Server};
use eventlet_protocols::wire::LogFormat;
use http::{Request, Response};
use log::Level;

use crate::support::{Daemon, Folder, LONG, settled};

/// Has a server answer one request, with that log.
fn one_request(log: AccessLog) {
    let mut config = Config::new();
    config.log = Some(log.format(LogFormat::Common));
    let app = |_: Request<RequestBody>| Response::new(Body::from("hello"));
    let server = Server::with_config(app, config);
    let handle = server.handle();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = spawn(move || server.serve(listener));
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(b"GET /path HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    handle.stop(LONG);
    serving.join().unwrap().unwrap();
}

const REQUEST: &str = "\"GET /path HTTP/1.0\" 200 5";

#[test]
fn to_a_file_and_to_syslog_without_holding_the_server_up() {
    on_each_hub(|| {
        let folder = Folder::new();
        let daemon = Daemon::at(folder.path("socket"));
        let file = LogFile::open(folder.path("access")).unwrap();
        let syslog = Syslog::unix("app", folder.path("socket")).start().unwrap();
        let lines = record_lines(syslog.clone(), Level::Info, "access");
        one_request(AccessLog::to(Tee::new().to(file.clone()).to(lines)));
        file.flush(LONG).unwrap();
        let text = folder.read("access");
        assert!(text.starts_with("127.0.0.1 - - ["), "{text}");
        assert!(text.ends_with(&format!("] {REQUEST}\n")), "{text}");
        assert_eq!(text.lines().count(), 1);
        let text = daemon.text();
        assert!(text.contains(": access [#"), "{text}");
        assert!(text.ends_with(REQUEST), "{text}");
        drop((file, syslog, daemon));
        settled();
    });
}
