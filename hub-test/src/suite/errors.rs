//! Each documented error, in its situation; the text says what is the matter.

use std::fs::File;
use std::io::{ErrorKind, Write};

use eventlet_hub::{Events, Interest, Readiness, Token, Trigger};

use super::Outcome;
use crate::Subject;
use crate::expect::Watch;
use crate::fixture::{readable_pipe, sockets};

super::cases![
    a_regular_file,
    a_descriptor_beyond_the_limit,
    the_highest_descriptor_allowed,
    the_text_names_the_descriptor,
    the_text_names_the_token,
    a_closed_descriptor_is_reported_not_a_failure,
    a_closed_descriptor_does_not_hide_others,
];

fn a_regular_file(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let path = std::env::current_exe().expect("this test");
    let file = File::open(path).expect("open");
    if watch.capabilities().regular_files {
        let token = watch.add(file);
        watch.expect_readable(token);
        return;
    }
    let refused = watch.sources.register(file).expect_err("a regular file");
    assert_eq!(refused.error.kind(), ErrorKind::InvalidInput);
    assert!(refused.error.to_string().contains("regular file"));
    assert!(watch.sources.is_empty());
    let (file, mut peer) = sockets();
    let token = watch.add(file);
    peer.write_all(b"x").expect("write");
    watch.expect_readable(token);
}

fn a_descriptor_beyond_the_limit(subject: &Subject) -> Outcome {
    let mut watch = Watch::new(subject);
    let Some(max) = watch.capabilities().max_descriptor else {
        return Outcome::Skipped("no descriptor is too high for it".into());
    };
    let (file, _peer) = sockets();
    let Some(high) = duplicate_from(&file, max + 1) else {
        return Outcome::Skipped(format!("the process may not open descriptor {}", max + 1));
    };
    let refused = watch.sources.register(high).expect_err("too high");
    assert_eq!(refused.error.kind(), ErrorKind::InvalidInput);
    let text = refused.error.to_string();
    assert!(text.contains(&max.to_string()), "names the limit: {text}");
    Outcome::Passed
}

fn the_highest_descriptor_allowed(subject: &Subject) -> Outcome {
    let mut watch = Watch::new(subject);
    let Some(max) = watch.capabilities().max_descriptor else {
        return Outcome::Skipped("no descriptor is too high for it".into());
    };
    let (file, mut peer) = sockets();
    let Some(high) = duplicate_from(&file, max) else {
        return Outcome::Skipped(format!("the process may not open descriptor {max}"));
    };
    let token = watch.add(high);
    peer.write_all(b"x").expect("write");
    watch.expect_readable(token);
    Outcome::Passed
}

fn duplicate_from(file: &File, lowest: std::os::fd::RawFd) -> Option<File> {
    let fd = nix::fcntl::fcntl(file, nix::fcntl::FcntlArg::F_DUPFD_CLOEXEC(lowest)).ok()?;
    Some(File::from(crate::sys::own(fd)))
}

fn the_text_names_the_descriptor(subject: &Subject) {
    use std::os::fd::AsRawFd;
    let mut watch = Watch::<std::rc::Rc<File>>::new(subject);
    let file = std::rc::Rc::new(sockets().0);
    watch.add(std::rc::Rc::clone(&file));
    let number = file.as_raw_fd().to_string();
    let refused = watch.sources.register(file).expect_err("twice");
    let text = refused.error.to_string();
    assert!(text.contains(&number), "{text}");
}

fn the_text_names_the_token(subject: &Subject) {
    let mut hub = subject.hub();
    let token = Token::new(12, 34);
    let error = hub.deregister(token).expect_err("unknown");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("12.34"), "{error}");
}

fn a_closed_descriptor_is_reported_not_a_failure(subject: &Subject) -> Outcome {
    let mut bare = subject.bare();
    if bare.hub().capabilities().trigger != Trigger::Level {
        return Outcome::Skipped("its kernel forgets a closed descriptor".into());
    }
    let token = Token::new(0, 0);
    let (file, _peer) = sockets();
    bare.register_and_close(file.into(), token, Interest::READABLE);
    let mut events = Events::new();
    bare.hub()
        .wait(&mut events, Some(subject.patience()))
        .expect("the wait does not fail");
    let event = events.iter().next().expect("it is reported");
    assert_eq!(event.token, token);
    assert!(event.readiness.is_error(), "{event:?}");
    Outcome::Passed
}

fn a_closed_descriptor_does_not_hide_others(subject: &Subject) {
    let mut bare = subject.bare();
    let (file, mut peer) = readable_pipe();
    let file = std::rc::Rc::new(file);
    let (closed, open) = (Token::new(0, 0), Token::new(1, 0));
    bare.register(&file, open).expect("register");
    let (other, _other_peer) = sockets();
    bare.register_and_close(other.into(), closed, Interest::BOTH);
    bare.hub().arm(open, Interest::READABLE).expect("arm");
    peer.write_all(b"x").expect("write");
    let mut events = Events::new();
    for _ in 0..2 {
        bare.hub()
            .wait(&mut events, Some(subject.patience()))
            .expect("the wait does not fail");
        if events
            .iter()
            .any(|event| event.token == open && event.readiness.contains(Readiness::READABLE))
        {
            return;
        }
    }
    panic!("the open one is not reported");
}
