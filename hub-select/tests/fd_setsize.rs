//! What is particular to select: the limit is refused at registration, not at the wait, and the
//! hub's own descriptor keeps to it as well.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use eventlet_hub::{Events, Hub, Interest, Sources};
use eventlet_hub_select::SelectHub;

/// Enough descriptors to leave no number below the limit; then what the hub says.
#[test]
fn a_process_full_of_descriptors() {
    let max = SelectHub::new()
        .expect("hub")
        .capabilities()
        .max_descriptor
        .expect("select has a limit");
    let mut sources = Sources::<_, OwnedFd>::new(SelectHub::new().expect("hub"));
    let (near, mut far) = UnixStream::pair().expect("pair");
    let token = sources.register(near.into()).expect("register");

    let mut filling = Vec::new();
    loop {
        let file = match File::open("/dev/null") {
            Ok(file) => file,
            Err(error) => {
                let line = format!("SKIPPED: no descriptor above {max} to be had here: {error}\n");
                std::io::stderr()
                    .write_all(line.as_bytes())
                    .expect("say so");
                return;
            }
        };
        let number = file.as_raw_fd();
        filling.push(file);
        if number > max {
            break;
        }
    }

    let high: OwnedFd = filling.pop().expect("the one above the limit").into();
    let number = high.as_raw_fd();
    let refused = sources.register(high).expect_err("beyond the limit");
    assert_eq!(refused.error.kind(), ErrorKind::InvalidInput);
    let text = refused.error.to_string();
    assert!(
        text.contains(&number.to_string()) && text.contains(&max.to_string()),
        "{text}"
    );
    assert_eq!(refused.source.as_raw_fd(), number, "it is handed back");

    // A hub whose own descriptor would be beyond the limit is refused as well.
    let error = SelectHub::new().expect_err("no number left for the waker");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);

    // The hub made before goes on working.
    far.write_all(b"x").expect("write");
    sources.arm(token, Interest::READABLE).expect("arm");
    let mut events = Events::new();
    sources
        .wait(&mut events, Some(Duration::from_secs(20)))
        .expect("wait");
    assert!(events.iter().any(|event| event.token == token));
}
