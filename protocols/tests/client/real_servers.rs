//! Servers of others, where the machine has them: nginx, and Python's own.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use eventlet_green::sleep;
use eventlet_protocols::client::{Agent, Body, Error};
use http::Method;

use crate::support::on_each_hub;

/// To standard error itself: the test harness catches `eprintln`.
fn skip(test: &str, why: &str) {
    let _ = std::io::stderr().write_all(format!("SKIPPED {test}: {why}\n").as_bytes());
}

/// A program that ends with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder that ends with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("client-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What any server of files has to do.
fn ask_for_files(url: &str, folder: &Path) {
    let large: Vec<u8> = (0..500_000u32).flat_map(u32::to_le_bytes).collect();
    std::fs::write(folder.join("small.txt"), "hello\n").unwrap();
    std::fs::write(folder.join("large.bin"), &large).unwrap();
    std::fs::create_dir_all(folder.join("below")).unwrap();
    let agent = Agent::new();
    assert_eq!(agent.get(&format!("{url}/small.txt")).unwrap(), "hello\n");
    assert!(agent.get(&format!("{url}/large.bin")).unwrap() == large);
    assert_eq!(
        agent.head(&format!("{url}/small.txt")).unwrap()["content-length"],
        "6"
    );
    let Err(Error::Status(error)) = agent.get(&format!("{url}/absent")) else {
        panic!()
    };
    assert_eq!(error.status(), 404);
    assert!(!error.body().is_empty());
    // A folder without its slash is elsewhere: a redirect.
    let call = agent.call(Method::GET, &format!("{url}/below"));
    let response = call.send().unwrap();
    let at = response
        .extensions()
        .get::<eventlet_protocols::client::FinalUri>();
    assert!(at.unwrap().0.path().ends_with("/below/"), "{response:?}");
}

#[test]
fn python() {
    let folder = Folder::new("python");
    // Port 0, and the port it got on a line.
    let script = "import http.server as h\n\
        class Handler(h.SimpleHTTPRequestHandler):\n  protocol_version = 'HTTP/1.1'\n  def log_message(self, *a): pass\n\
        s = h.ThreadingHTTPServer(('127.0.0.1', 0), Handler)\n\
        print(s.server_port, flush=True)\ns.serve_forever()";
    let started = Command::new("python3")
        .args(["-c", script])
        .current_dir(&folder.0)
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else {
        return skip("python", "there is no python3");
    };
    let output = child.stdout.take().unwrap();
    let _program = Program(child);
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).unwrap();
    let url = format!("http://127.0.0.1:{}", line.trim());
    on_each_hub(|| ask_for_files(&url, &folder.0));
}

#[test]
fn nginx() {
    let folder = Folder::new("nginx");
    let files = folder.0.join("files");
    std::fs::create_dir_all(&files).unwrap();
    // nginx cannot be asked for any port; a Unix socket needs none.
    let socket = folder.0.join("socket");
    let place = folder.0.display();
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {place}/{name};\n"))
        .concat();
    let config = format!(
        "pid {place}/pid;\nerror_log {place}/error;\ndaemon off;\nmaster_process off;\nevents {{}}\n\
         http {{\naccess_log off;\n{paths}client_max_body_size 1m;\ngzip on;\ngzip_min_length 1;\n\
         absolute_redirect off;\nserver {{\nlisten unix:{place}/socket;\nroot {place}/files;\n\
         location /put {{ return 201 \"put\\n\"; }}\nlocation /below/ {{ autoindex on; }}\n}}\n}}\n"
    );
    let config_path = folder.0.join("nginx.conf");
    std::fs::write(&config_path, config).unwrap();
    let started = Command::new("nginx")
        .args(["-e", "stderr", "-p"])
        .arg(&folder.0)
        .arg("-c")
        .arg(&config_path)
        .stderr(Stdio::null())
        .spawn();
    let Ok(child) = started else {
        return skip("nginx", "there is no nginx");
    };
    let _program = Program(child);
    on_each_hub(|| {
        let mut config = eventlet_protocols::client::Config::new();
        config.unix_socket = Some(socket.clone());
        let agent = Agent::with_config(config);
        // It listens soon.
        while let Err(Error::Connect { .. }) = agent.get("http://localhost/") {
            sleep(Duration::from_millis(10));
        }
        std::fs::write(files.join("small.txt"), "hello\n").unwrap();
        let url = |path: &str| format!("http://localhost{path}");
        for _ in 0..3 {
            assert_eq!(agent.get(&url("/small.txt")).unwrap(), "hello\n");
        }
        assert_eq!(agent.status().idle, 1);
        assert_eq!(agent.put(&url("/put"), "x").unwrap(), "put\n");
        assert_eq!(
            agent
                .put(&url("/put"), Body::reader(&b"chunks"[..]))
                .unwrap(),
            "put\n"
        );
        assert_eq!(agent.get(&url("/small.txt")).unwrap(), "hello\n");
        // More than it takes: refused while it is being sent, or before.
        match agent.put(&url("/put"), vec![0; 3 << 20]) {
            Err(Error::Status(error)) => assert_eq!(error.status(), 413),
            // The reset that follows may overtake it.
            Err(Error::Send(_) | Error::Receive(_)) => {}
            other => panic!("{other:?}"),
        }
        std::fs::create_dir_all(files.join("below")).unwrap();
        let listing = agent.get(&url("/below")).unwrap();
        assert!(listing.starts_with(b"<html>"));
        #[cfg(feature = "gzip")]
        {
            let mut config = eventlet_protocols::client::Config::new();
            config.unix_socket = Some(socket.clone());
            config.compression = eventlet_protocols::client::Compression::Gzip;
            let agent = Agent::with_config(config);
            std::fs::write(files.join("page.html"), "<p>hello".repeat(1000)).unwrap();
            let response = agent.call(Method::GET, &url("/page.html")).fetch().unwrap();
            assert_eq!(response.body().len(), 8000);
            assert!(!response.headers().contains_key("content-encoding"));
        }
    });
}
