//! Sites after the contract of the original's: what of a request they see, and what becomes of what
//! they return.

use std::cell::Cell;
use std::io::Read;
use std::rc::Rc;

use eventlet_protocols::format::{BoxError, JsonFormat, Text};
use eventlet_protocols::gateway::site::{Content, Parsers, SiteRequest};
use eventlet_protocols::gateway::{ErrorResponse, Site};
use eventlet_protocols::server::Body;
use http::header::{CONTENT_TYPE, ETAG};
use http::{HeaderValue, Response, StatusCode};
use serde_json::Value;

use crate::support::{Running, on_each_hub, post};

const FORM: &str = "application/x-www-form-urlencoded";

/// A site made of a function to content.
struct Plain<F>(F);

impl<F: Fn(&mut SiteRequest) -> Result<Content, ErrorResponse> + 'static> Site for Plain<F> {
    type Value = Content;

    fn handle(&self, request: &mut SiteRequest) -> Result<Content, ErrorResponse> {
        (self.0)(request)
    }

    fn adapt(&self, value: Content, _: &mut SiteRequest) -> Result<Content, ErrorResponse> {
        Ok(value)
    }
}

fn plain<F>(f: F) -> Plain<F>
where
    F: Fn(&mut SiteRequest) -> Result<Content, ErrorResponse> + 'static,
{
    Plain(f)
}

/// Speaks in JSON values, as HTML to those who want it.
struct Adapting {
    parsings: Rc<Cell<u32>>,
}

impl Site for Adapting {
    type Value = Value;

    fn handle(&self, request: &mut SiteRequest) -> Result<Value, ErrorResponse> {
        match request.path() {
            "/segments" => Ok(request.path_segments().collect()),
            "/double" => {
                let number = request.parsed::<f64>()?;
                assert!(Rc::ptr_eq(&number, &request.parsed()?));
                Ok((*number * 2.0).into())
            }
            "/json" => Ok((*request.parsed::<Value>()?).clone()),
            "/mistaken" => Ok(request.parsed::<u8>().map(|number| (*number).into())?),
            "/null" => Ok(Value::Null),
            path if path.starts_with("/a") => Ok(request.path_segments().collect()),
            _ => Err(ErrorResponse::not_found()),
        }
    }

    fn adapt(&self, value: Value, request: &mut SiteRequest) -> Result<Content, ErrorResponse> {
        if value.is_null() {
            return Err(StatusCode::GONE.into());
        }
        if request.header("Accept") == Some("text/html") {
            return Ok(format!("<b>{value}</b>").into());
        }
        let name = HeaderValue::from_static("application/json");
        request.response().headers.insert(CONTENT_TYPE, name);
        Ok(value.to_string().into_bytes().into())
    }

    fn parsers(&self) -> Parsers {
        let parsings = Rc::clone(&self.parsings);
        let number = HeaderValue::from_static("text/x-number; charset=us-ascii");
        Parsers::new()
            .with(number, move |body| -> Result<f64, BoxError> {
                parsings.set(parsings.get() + 1);
                Ok(std::str::from_utf8(body)?.parse()?)
            })
            .with_format::<Value>(JsonFormat)
            .with_format::<String>(Text)
    }

    fn body_limit(&self) -> usize {
        16
    }
}

fn adapting() -> (Adapting, Rc<Cell<u32>>) {
    let parsings = Rc::default();
    let site = Adapting {
        parsings: Rc::clone(&parsings),
    };
    (site, parsings)
}

#[test]
fn values_are_adapted_by_what_the_client_accepts() {
    on_each_hub(|| {
        let server = Running::new(adapting().0);
        let reply = server.get("/a%20b/c+d//e%2Ff?x");
        assert_eq!(reply.text(), r#"["a b","c+d","","e/f"]"#);
        assert_eq!(reply.field("content-type"), Some("application/json"));
        let reply = server.ask_with("/a", "Accept: text/html\r\n");
        assert_eq!(reply.text(), r#"<b>["a"]</b>"#);
        assert_eq!(
            reply.field("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(server.get("/null").status, 410);
        assert_eq!(server.get("/none").text(), "404 Not Found\n");
        server.end();
    });
}

#[test]
fn bodies_are_parsed_by_type_and_once() {
    on_each_hub(|| {
        let (site, parsings) = adapting();
        let server = Running::new(site);
        let mut client = server.connect();
        let reply = client.ask(post("/double", "Text/X-Number; q=1", "2.5"));
        assert_eq!(
            (reply.status, &*reply.text(), parsings.get()),
            (200, "5.0", 1)
        );
        let reply = client.ask(post("/json", "application/json", "[1]"));
        assert_eq!(reply.text(), "[1]");

        let reply = client.ask(post("/double", "text/x-number", "two"));
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains("invalid float literal"));
        let reply = client.ask(post("/double", "image/png", "2"));
        assert_eq!(reply.status, 415);
        assert!(
            reply.text().contains("must be text/x-number"),
            "{}",
            reply.text()
        );
        assert_eq!(
            client
                .ask("POST /double HTTP/1.1\r\nHost: a\r\n\r\n")
                .status,
            415
        );

        let fits = format!("2.{}", "0".repeat(14));
        assert_eq!(
            client.ask(post("/double", "text/x-number", &fits)).status,
            200
        );
        let reply = client.ask(post("/double", "text/x-number", &format!("{fits}0")));
        assert_eq!(reply.status, 413);

        // The site's own mistake: its parser for this type makes text.
        assert_eq!(client.ask(post("/mistaken", "text/plain", "1")).status, 500);
        assert_eq!(
            client.ask(post("/double", "text/x-number", "1")).text(),
            "2.0"
        );
        drop(client);
        server.end();
    });
}

#[test]
fn a_site_without_parsers_parses_nothing() {
    on_each_hub(|| {
        let server = Running::new(plain(|request| {
            Ok((*request.parsed::<String>()?).as_str().into())
        }));
        assert_eq!(server.ask(post("/", "text/plain", "x")).status, 415);
        server.end();
    });
}

/// "Form argument + body both readable."
#[test]
fn arguments_are_of_query_and_form_and_the_body_stays() {
    on_each_hub(|| {
        let server = Running::new(plain(|request| {
            let all = request.args("n")?;
            let first = request.arg("n")?;
            let body = request.body()?;
            let body = String::from_utf8_lossy(&body);
            Ok(format!("{all:?} {first:?} {body}").into())
        }));
        let mut client = server.connect();
        let reply = client.ask(post(
            "/?n=1&m=2&n=%32",
            &format!("{FORM}; x"),
            "n=3+4&&n&x=5",
        ));
        assert_eq!(
            reply.text(),
            r#"["1", "2", "3 4", ""] Some("1") n=3+4&&n&x=5"#
        );
        // A body that is no form has no arguments.
        let reply = client.ask(post("/?n=1", "text/plain", "n=3"));
        assert_eq!(reply.text(), r#"["1"] Some("1") n=3"#);
        let reply = client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(reply.text(), "[] None ");
        drop(client);
        server.end();
    });
}

#[test]
fn the_parts_of_a_request() {
    on_each_hub(|| {
        let server = Running::new(plain(|request| {
            let pairs: Vec<_> = request.query_pairs().collect();
            assert!(request.peer().ip().unwrap().is_loopback());
            let text = format!(
                "{} {} {:?} {pairs:?} {:?} {:?} {:?} {:?}",
                request.method(),
                request.path(),
                request.query(),
                request.query_value("q"),
                request.header("x-one"),
                request.headers().get_all("x-two").iter().count(),
                request.full_url(),
            );
            Ok(text.into())
        }));
        let reply = server.ask(
            "BREW /p%20/?q=%26&flag HTTP/1.1\r\nHost: a.b:8\r\nX-One: 1\r\nX-Two: 2\r\n\
             x-two: 3\r\nVia: 1.1 evil\r\n\r\n",
        );
        assert_eq!(
            reply.text(),
            "BREW /p%20/ \"q=%26&flag\" [(\"q\", \"&\"), (\"flag\", \"\")] Some(\"&\") \
             Some(\"1\") 2 Some(\"http://a.b:8/p%20/?q=%26&flag\")"
        );
        server.end();
    });
}

#[test]
fn text_gets_a_charset_and_a_default_type() {
    on_each_hub(|| {
        let server = Running::new(plain(|request| {
            if let Some(name) = request.query_value("type") {
                let name = HeaderValue::from_str(&name).unwrap();
                request.response().headers.insert(CONTENT_TYPE, name);
            }
            Ok(match request.path() {
                "/text" => "grün".into(),
                "/bytes" => vec![1].into(),
                _ => Body::from("body").into(),
            })
        }));
        let name = |target| {
            let reply = server.get(target);
            reply.field("content-type").map(str::to_owned)
        };
        let is = |name: &str| Some(name.to_owned());
        assert_eq!(name("/text"), is("text/html; charset=utf-8"));
        assert_eq!(name("/text?type=text/css"), is("text/css; charset=utf-8"));
        assert_eq!(
            name("/text?type=text/css;Charset=x"),
            is("text/css;Charset=x")
        );
        assert_eq!(name("/bytes"), is("application/octet-stream"));
        assert_eq!(name("/bytes?type=image/png"), is("image/png"));
        assert_eq!(name("/body"), None);
        assert_eq!(name("/body?type=a/b"), is("a/b"));
        server.end();
    });
}

/// "Error then OK responses not mixed up."
#[test]
fn what_was_set_for_an_answer_is_not_in_an_error_nor_in_the_next_answer() {
    on_each_hub(|| {
        let server = Running::new(plain(|request| {
            if request.path() == "/next" {
                return Ok("next".into());
            }
            let head = request.response();
            head.status = StatusCode::CREATED;
            head.headers.insert(ETAG, HeaderValue::from_static("\"1\""));
            match request.path() {
                "/good" => Ok("good".into()),
                "/bad" => Err(ErrorResponse::new(StatusCode::BAD_REQUEST)),
                _ => panic!("as it should"),
            }
        }));
        let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut client = server.connect();
        let reply = client.ask(get("/good"));
        assert_eq!((reply.status, reply.field("etag")), (201, Some("\"1\"")));
        let reply = client.ask(get("/bad"));
        assert_eq!((reply.status, reply.field("etag")), (400, None));
        let reply = client.ask(get("/next"));
        assert_eq!(
            (reply.status, reply.field("etag"), &*reply.text()),
            (200, None, "next")
        );
        let reply = client.ask(get("/panic"));
        assert_eq!((reply.status, reply.field("etag")), (500, None));
        client.expect_end();
        drop(client);
        assert_eq!(server.get("/next").status, 200);
        server.end();
    });
}

#[test]
fn a_response_of_its_own_gets_the_fields_it_lacks() {
    on_each_hub(|| {
        let server = Running::new(plain(|request| {
            let head = request.response();
            head.status = StatusCode::CREATED;
            head.headers
                .append("x-one", HeaderValue::from_static("site"));
            head.headers
                .append("x-two", HeaderValue::from_static("site"));
            head.headers
                .append("x-two", HeaderValue::from_static("again"));
            let mut own = Response::new(Body::from("own"));
            own.headers_mut()
                .insert("x-one", HeaderValue::from_static("own"));
            Ok(own.into())
        }));
        let reply = server.get("/");
        assert_eq!((reply.status, reply.field("x-one")), (200, Some("own")));
        let twos = reply.fields.iter().filter(|(name, _)| name == "X-Two");
        assert_eq!(twos.count(), 2);
        server.end();
    });
}

#[test]
fn a_body_can_be_taken_and_streamed_back() {
    on_each_hub(|| {
        let server = Running::new(plain(|request| {
            let Some(body) = request.take_body() else {
                unreachable!("nobody else takes it");
            };
            assert!(request.take_body().is_none());
            assert!(request.body().is_err());
            Ok(Body::reader(body.take(4)).into())
        }));
        let reply = server.ask(post("/", "text/plain", "streamed"));
        assert_eq!(reply.text(), "stre");
        server.end();
    });
}
