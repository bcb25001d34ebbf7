//! WebSocket over TLS (`wss`): our client at our server, and servers that are not to be trusted.

use eventlet_protocols::server::RequestBody;
use eventlet_protocols::websocket::{self, CloseCode, ConnectError, ConnectOptions};
use http::Request;

use crate::support::on_each_hub;
use crate::support::site::Site;

fn echoing() -> Site {
    Site::new(|request: Request<RequestBody>| {
        assert!(request.body().tls().is_some());
        websocket::accept(&request, |socket| {
            for message in &socket {
                socket.send(message?)?;
            }
            Ok(())
        })
    })
}

#[test]
fn messages_there_and_back() {
    on_each_hub(|| {
        let site = echoing();
        let mut options = ConnectOptions::new();
        options.tls_connector(site.connector.clone());
        let socket = options
            .connect(&format!("wss://{}/", site.address))
            .unwrap();
        for size in [0, 1, 20_000, 1_000_000] {
            let message = vec![7; size];
            socket.send(message.clone()).unwrap();
            assert_eq!(socket.receive().unwrap().unwrap().as_bytes(), message);
        }
        socket.close(CloseCode::NORMAL, "").unwrap();
        drop(socket);
        site.end();
    });
}

#[test]
fn an_unknown_server_is_not_trusted() {
    on_each_hub(|| {
        let site = echoing();
        let outcome = websocket::connect(&format!("wss://{}/", site.address));
        assert!(matches!(outcome, Err(ConnectError::Tls(_))), "{outcome:?}");
        site.end();
    });
}
