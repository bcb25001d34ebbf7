//! Proxies: absolute form, tunnels, credentials, the environment (RFC 9112 section 3.2, RFC 9110
//! sections 7.6, 9.3.6 and 11.7).

use std::io::copy;
use std::time::Duration;

use eventlet_green::net::TcpStream;
use eventlet_green::{now, spawn};
use eventlet_protocols::client::{Agent, Error, Phase, Proxies, Proxy};
use eventlet_protocols::wire::ResponseFault;

use crate::support::{Peer, agent_with, assert_empty, ok, on_each_hub, on_each_hub_jumping, until};

fn through(proxy: &str) -> Agent {
    let proxy: Proxy = proxy.parse().unwrap();
    agent_with(|config| config.proxies = Proxies::all(proxy))
}

#[test]
fn a_proxy_is_asked_in_absolute_form() {
    on_each_hub(|| {
        let proxy = Peer::new(|talk, _| {
            while let Some((head, _)) = talk.request() {
                talk.send(ok(&head));
            }
        });
        let agent = through(&format!("http://na%3Ame:se:cret@{}", proxy.address));
        // base64 of "na:me:se:cret"
        for (url, target, host) in [
            ("http://a.example/x?y", "http://a.example/x?y", "a.example"),
            (
                "http://b.example:81",
                "http://b.example:81/",
                "b.example:81",
            ),
        ] {
            let head = agent.get(url).unwrap();
            let expected = format!(
                "GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: eventlet\r\n\
                 Proxy-Authorization: Basic bmE6bWU6c2U6Y3JldA==\r\n\r\n"
            );
            assert_eq!(head, expected);
        }
        assert_eq!(proxy.accepted(), 1, "one connection for all hosts");
        assert!(!format!("{agent:?}").contains("cret"));
    });
}

/// A proxy that does what it is asked.
fn tunnelling() -> Peer {
    Peer::new(|talk, _| {
        let head = talk.head().unwrap();
        let target = head
            .strip_prefix("CONNECT ")
            .unwrap()
            .split(' ')
            .next()
            .unwrap();
        assert!(head.contains(&format!("\r\nHost: {target}\r\n")), "{head}");
        let far = TcpStream::connect(target).unwrap();
        talk.send("HTTP/1.1 200 Connection established\r\n\r\n");
        let (near, back) = (talk.stream.clone(), far.clone());
        let upward = spawn(move || {
            let _ = copy(&mut &near, &mut &back);
            let _ = back.shutdown(std::net::Shutdown::Write);
        });
        let _ = copy(&mut &far, &mut &talk.stream);
        let _ = talk.stream.shutdown(std::net::Shutdown::Write);
        upward.join().unwrap();
    })
}

#[test]
fn a_tunnel_leads_to_the_host_itself() {
    on_each_hub(|| {
        let host = Peer::new(|talk, _| {
            while let Some((head, _)) = talk.request() {
                assert!(!head.contains("Proxy"), "{head}");
                talk.send(ok(head.lines().next().unwrap()));
            }
        });
        let proxy = tunnelling();
        let tunnel = proxy
            .address
            .to_string()
            .parse::<Proxy>()
            .unwrap()
            .tunnelling();
        let agent = agent_with(|config| config.proxies = Proxies::all(tunnel));
        for _ in 0..3 {
            assert_eq!(agent.get(&host.url("/x")).unwrap(), "GET /x HTTP/1.1");
        }
        assert_eq!((proxy.accepted(), host.accepted()), (1, 1));
        drop(agent);
        until(|| proxy.open() == 0);
    });
}

#[test]
fn a_tunnel_that_is_refused_says_why() {
    on_each_hub(|| {
        for (answer, status) in [
            (
                "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
                407,
            ),
            ("HTTP/1.1 502 Bad Gateway\r\n\r\n", 502),
            // Speaks before it was asked anything.
            (
                "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                200,
            ),
        ] {
            let proxy = Peer::answering(answer);
            let tunnel = proxy
                .address
                .to_string()
                .parse::<Proxy>()
                .unwrap()
                .tunnelling();
            let agent = agent_with(|config| config.proxies = Proxies::all(tunnel));
            let error = agent.get("http://a.example/").unwrap_err();
            assert!(
                matches!(error, Error::ProxyRefused { status: found } if found == status),
                "{error:?}"
            );
            assert_empty(&agent);
        }
        let garbage = Peer::answering("garbage");
        let tunnel = garbage
            .address
            .to_string()
            .parse::<Proxy>()
            .unwrap()
            .tunnelling();
        let agent = agent_with(|config| config.proxies = Proxies::all(tunnel));
        let error = agent.get("http://a.example/").unwrap_err();
        assert!(
            matches!(error, Error::Response(ResponseFault::NotHttp)),
            "{error:?}"
        );
    });
}

#[test]
fn a_proxy_that_says_nothing_has_its_time() {
    on_each_hub_jumping(|_| {
        let proxy = Peer::new(|talk, _| drop(talk.rest()));
        let tunnel = proxy
            .address
            .to_string()
            .parse::<Proxy>()
            .unwrap()
            .tunnelling();
        let agent = agent_with(|config| config.proxies = Proxies::all(tunnel));
        let start = now();
        let error = agent.get("http://a.example/").unwrap_err();
        assert!(matches!(error, Error::Timeout(Phase::Proxy)), "{error:?}");
        assert_eq!(now() - start, Duration::from_secs(10));
        assert_empty(&agent);
    });
}

#[test]
fn exceptions_go_straight_to_their_host() {
    on_each_hub(|| {
        let host = Peer::answering(ok("host"));
        let proxy = Peer::answering(ok("proxy"));
        let port = host.address.port();
        let ask = |exceptions: &str, name: &str| {
            let all = Proxies::all(proxy.address.to_string().parse().unwrap());
            let agent = agent_with(|config| config.proxies = all.except(exceptions));
            agent.get(&format!("http://{name}:{port}/")).unwrap()
        };
        for (exceptions, name, expected) in [
            ("", "localhost", "proxy"),
            ("*", "localhost", "host"),
            ("LOCALHOST", "localhost", "host"),
            ("other, localhost ,", "LocalHost", "host"),
            ("host", "localhost", "proxy"),
            (".localhost", "localhost", "host"),
            ("*.localhost", "localhost", "host"),
            ("127.0.0.1", "127.0.0.1", "host"),
            ("127.0.0.2", "127.0.0.1", "proxy"),
        ] {
            assert_eq!(ask(exceptions, name), expected, "{exceptions:?} {name}");
        }
        // With a port, for that port only.
        let other = port ^ 1;
        assert_eq!(ask(&format!("localhost:{other}"), "localhost"), "proxy");
        assert_eq!(ask(&format!("localhost:{port}"), "localhost"), "host");
        // An exception stands for what is below it, too: there is no such host, which is how that is
        // seen.
        let below = |exceptions: &str| {
            let all = Proxies::all(proxy.address.to_string().parse().unwrap());
            let agent = agent_with(|config| config.proxies = all.except(exceptions));
            agent.get("http://no.such.invalid/")
        };
        assert_eq!(below("uch.invalid").unwrap(), "proxy");
        let error = below("such.invalid").unwrap_err();
        assert!(matches!(error, Error::Resolve { .. }), "{error:?}");
    });
}

#[test]
fn the_environment_is_heard_when_asked() {
    let of = |variables: &'static [(&str, &str)]| {
        let found = |name: &str| {
            variables
                .iter()
                .find(|(other, _)| *other == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Proxies::from_variables(found).map(|proxies| format!("{proxies:?}"))
    };
    let both = |http: &str, https: &str, exceptions: &str| {
        let proxy = |name: &str| match name {
            "" => "None".to_owned(),
            name => format!("Some(Proxy({name}))"),
        };
        format!(
            "Proxies {{ http: {}, https: {}, exceptions: {exceptions} }}",
            proxy(http),
            proxy(https)
        )
    };
    assert_eq!(of(&[]).unwrap(), both("", "", "[]"));
    assert_eq!(of(&[("http_proxy", "")]).unwrap(), both("", "", "[]"));
    assert_eq!(
        of(&[
            ("http_proxy", "a:1"),
            ("HTTP_PROXY", "b:1"),
            ("HTTPS_PROXY", "http://c:1/")
        ])
        .unwrap(),
        both("a:1", "c:1", "[]")
    );
    assert_eq!(
        of(&[
            ("ALL_PROXY", "a"),
            ("https_proxy", "b:2"),
            ("no_proxy", "x, Y")
        ])
        .unwrap(),
        both("a:80", "b:2", r#"["x", "y"]"#)
    );
    // In a CGI program HTTP_PROXY is what the client's `Proxy` field says.
    assert_eq!(
        of(&[
            ("REQUEST_METHOD", "GET"),
            ("HTTP_PROXY", "evil:1"),
            ("HTTPS_PROXY", "b:2")
        ])
        .unwrap(),
        both("", "b:2", "[]")
    );
    assert!(matches!(
        of(&[("http_proxy", "socks5://a:1")]),
        Err(Error::Url(_))
    ));
    assert!(matches!(
        of(&[("http_proxy", "a:port")]),
        Err(Error::Url(_))
    ));
}

/// Unless it is asked, the environment has no say.
#[test]
fn the_environment_is_not_heard_otherwise() {
    on_each_hub(|| {
        let peer = Peer::answering(ok("host"));
        assert_eq!(Agent::new().get(&peer.url("/")).unwrap(), "host");
        assert!(Proxies::from_env().is_ok());
    });
}
