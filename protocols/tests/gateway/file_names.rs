//! Which file a path names; and that no path, however written, names one outside.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use eventlet_protocols::gateway::Files;
use eventlet_protocols::gateway::files::Hidden;
use eventlet_protocols::server::RequestBody;
use http::Request;

use crate::support::{Folder, Reply, Running, on_each_hub};

/// `outer/secret.txt`, and what is served: `outer/public`.
fn tree() -> Folder {
    let outer = Folder::new();
    outer.write("secret.txt", "secret");
    outer.write("public/index.html", "index");
    outer.write("public/a b.txt", "spaced");
    outer.write("public/sub/index.html", "sub index");
    outer.write("public/sub/x.css", "css");
    outer.write("public/empty/other.txt", "other");
    outer.write("public/.git/config", "config");
    outer.write("public/.well-known/acme", "acme");
    outer.write("public/..twodots", "dots");
    outer
}

fn files(outer: &Folder) -> Files {
    Files::beneath(outer.path().join("public")).unwrap()
}

fn is(reply: &Reply, status: u16, body: &str) -> bool {
    (reply.status, &*reply.text()) == (status, body)
}

#[test]
fn files_indices_and_types() {
    on_each_hub(|| {
        let outer = tree();
        outer.write("public/page.HTM", "page");
        outer.write("public/data.json", "{}");
        outer.write("public/none.such-ending", "?");
        let server = Running::new(files(&outer));
        for (target, body, content_type) in [
            ("/", "index", "text/html; charset=utf-8"),
            ("/index.html", "index", "text/html; charset=utf-8"),
            ("/sub/", "sub index", "text/html; charset=utf-8"),
            ("/sub/x.css?v=1", "css", "text/css; charset=utf-8"),
            ("/s%75b/x.css", "css", "text/css; charset=utf-8"),
            ("/a%20b.txt", "spaced", "text/plain; charset=utf-8"),
            ("/page.HTM", "page", "text/html; charset=utf-8"),
            ("/data.json", "{}", "application/json"),
            ("/none.such-ending", "?", "application/octet-stream"),
        ] {
            let reply = server.get(target);
            assert!(is(&reply, 200, body), "{target}: {reply:?}");
            assert_eq!(reply.field("content-type"), Some(content_type), "{target}");
            assert_eq!(reply.field("accept-ranges"), Some("bytes"));
            assert!(reply.field("etag").is_some() && reply.field("last-modified").is_some());
        }
        server.end();
    });
}

#[test]
fn no_path_leads_out() {
    on_each_hub(|| {
        let outer = tree();
        let server = Running::new(files(&outer));
        for target in [
            "/../secret.txt",
            "/sub/../../secret.txt",
            "/%2e%2e/secret.txt",
            "/%2E%2e/secret.txt",
            "/.%2e/secret.txt",
            "/..%2fsecret.txt",
            "/%2e%2e%2fsecret.txt",
            "/..%5csecret.txt",
            "/..\\secret.txt",
            "/sub%2f..%2f..%2fsecret.txt",
            "/%252e%252e/secret.txt",
            "/.../secret.txt",
            "/..;/secret.txt",
            "/%c0%ae%c0%ae/secret.txt",
            "/%00/../secret.txt",
            "/secret.txt%00.html",
            "/index.html%00",
            "//secret.txt",
            "///etc/passwd",
            "/%2fetc/passwd",
            "/%2fetc%2fpasswd",
            "/./index.html",
            "/sub//x.css",
            "/sub%2fx.css",
            "/%2e/index.html",
            "/index.html/",
            "/index.html/more",
            "/none",
            "/empty/",
            "/Index.html",
        ] {
            let reply = server.get(target);
            // Some are no request targets at all.
            assert!(matches!(reply.status, 404 | 400), "{target}: {reply:?}");
        }
        let long = format!("/{}", "x".repeat(300));
        assert_eq!(server.get(&long).status, 404);
        // An absolute form and an asterisk have no path beneath either.
        assert_eq!(
            server
                .ask("GET http://a/../secret.txt HTTP/1.1\r\nHost: a\r\n\r\n")
                .status,
            404
        );
        assert_eq!(
            server.ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").status,
            405
        );
        server.end();
    });
}

/// The root is what it was when it was opened.
#[test]
fn symbolic_links_stay_beneath() {
    on_each_hub(|| {
        let outer = tree();
        let public = outer.path().join("public");
        let link = |to: &str, name: &str| symlink(Path::new(to), public.join(name)).unwrap();
        link("sub/x.css", "inside.css");
        link("../public/sub/x.css", "out-and-in");
        link("../secret.txt", "outside");
        link("/etc/passwd", "absolute");
        link(
            public.join("index.html").to_str().unwrap(),
            "absolute-inside",
        );
        link("..", "up");
        link("sub", "folder");
        link("circle", "circle");
        link("nowhere", "dangling");
        let server = Running::new(files(&outer));
        assert!(is(&server.get("/inside.css"), 200, "css"));
        assert!(is(&server.get("/folder/x.css"), 200, "css"));
        for (target, status) in [
            ("/outside", 403),
            ("/out-and-in", 403),
            ("/absolute", 403),
            ("/absolute-inside", 403),
            ("/up/secret.txt", 403),
            ("/circle", 404),
            ("/dangling", 404),
        ] {
            let reply = server.get(target);
            assert_eq!(reply.status, status, "{target}");
        }

        let moved = outer.path().join("moved");
        fs::rename(&public, &moved).unwrap();
        outer.write("public/index.html", "impostor");
        assert!(is(&server.get("/"), 200, "index"));
        server.end();
    });
}

#[test]
fn hidden_names_are_shown_only_if_asked_for() {
    on_each_hub(|| {
        let outer = tree();
        let server = Running::new(files(&outer));
        assert_eq!(server.get("/.git/config").status, 404);
        assert_eq!(server.get("/%2egit/config").status, 404);
        assert_eq!(server.get("/..twodots").status, 404);
        assert!(is(&server.get("/.well-known/acme"), 200, "acme"));
        server.end();

        let server = Running::new(files(&outer).hidden(Hidden::Served));
        assert!(is(&server.get("/.git/config"), 200, "config"));
        assert!(is(&server.get("/..twodots"), 200, "dots"));
        assert_eq!(server.get("/../secret.txt").status, 404);
        server.end();
    });
}

#[test]
fn directories_redirect_to_their_slash() {
    on_each_hub(|| {
        let outer = tree();
        outer.write("public/a:b/index.html", "colon");
        let server = Running::new(files(&outer));
        for (target, location) in [
            ("/sub", "./sub/"),
            ("/sub?q=1", "./sub/?q=1"),
            ("/s%75b", "./s%75b/"),
            ("/a:b", "./a:b/"),
        ] {
            let reply = server.get(target);
            assert_eq!(
                (reply.status, reply.field("location")),
                (301, Some(location))
            );
        }
        // Nobody is sent to another host.
        for target in ["//sub", "//example.com/..", "/\\example.com"] {
            assert_eq!(server.get(target).field("location"), None, "{target}");
        }
        server.end();

        let server = Running::new(files(&outer).index("x.css"));
        assert!(is(&server.get("/sub/"), 200, "css"));
        assert_eq!(server.get("/").status, 404);
        server.end();
        let server = Running::new(files(&outer).without_index());
        for target in ["/", "/sub", "/sub/"] {
            assert_eq!(server.get(target).status, 404, "{target}");
        }
        assert_eq!(server.get("/sub/x.css").status, 200);
        server.end();
    });
}

#[test]
fn only_get_and_head_are_answered() {
    on_each_hub(|| {
        let outer = tree();
        let server = Running::new(files(&outer));
        let mut client = server.connect();
        let reply = client.ask("HEAD /sub/x.css HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(
            (reply.status, reply.field("content-length")),
            (200, Some("3"))
        );
        for method in ["POST", "PUT", "DELETE", "BREW"] {
            let reply = client.ask(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert_eq!(
                (reply.status, reply.field("allow")),
                (405, Some("GET, HEAD"))
            );
        }
        drop(client);
        server.end();
    });
}

/// What is no file is not waited for: a pipe that nobody writes into would hold a thread for ever.
#[test]
fn what_is_no_file_is_not_there() {
    on_each_hub(|| {
        let outer = tree();
        let pipe = outer.path().join("public/pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let socket = outer.path().join("public/socket");
        let _listener = std::os::unix::net::UnixListener::bind(socket).unwrap();
        let server = Running::new(files(&outer));
        assert_eq!(server.get("/pipe").status, 404);
        assert_eq!(server.get("/socket").status, 404);
        server.end();
    });
}

#[test]
fn beneath_a_prefix_and_where_there_is_none() {
    on_each_hub(|| {
        let outer = tree();
        let files = files(&outer);
        let server = Running::new(move |request: Request<RequestBody>| {
            let path = request.uri().path();
            files.respond(path.strip_prefix("/static").unwrap_or(""), &request)
        });
        assert!(is(&server.get("/static/sub/x.css"), 200, "css"));
        assert_eq!(server.get("/static/sub").field("location"), Some("./sub/"));
        for target in [
            "/static",
            "/staticsub/x.css",
            "/sub/x.css",
            "/static/../secret.txt",
        ] {
            assert_eq!(server.get(target).status, 404, "{target}");
        }
        server.end();
        let missing = Files::beneath(outer.path().join("none")).unwrap_err();
        assert_eq!(missing.kind(), std::io::ErrorKind::NotFound);
        assert!(Files::beneath(outer.path().join("secret.txt")).is_err());
    });
}
