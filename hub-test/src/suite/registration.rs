//! One descriptor, one slot, one tenant; what has ended is unknown.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::{Events, Interest, Readiness, Token};

use crate::Subject;
use crate::expect::Watch;
use crate::fixture::sockets;

super::cases![
    what_is_deregistered_comes_back,
    a_descriptor_twice_is_refused,
    a_slot_twice_is_refused,
    a_refusal_leaves_the_first_one_working,
    what_ended_can_be_registered_again,
    a_duplicate_is_a_descriptor_of_its_own,
    an_unknown_token_is_not_found,
    a_former_tenant_is_not_found,
    what_ended_is_not_reported,
];

fn what_is_deregistered_comes_back(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    let token = watch.add(file);
    assert_eq!(watch.sources.len(), 1);
    let mut file = watch.sources.deregister(token).expect("deregister");
    assert!(watch.sources.is_empty());
    file.write_all(b"x").expect("it is still open");
    let mut byte = [0];
    std::io::Read::read_exact(&mut peer, &mut byte).expect("and still connected");
}

fn a_descriptor_twice_is_refused(subject: &Subject) {
    let mut watch = Watch::<Rc<File>>::new(subject);
    let (file, _peer) = sockets();
    let file = Rc::new(file);
    watch.add(Rc::clone(&file));
    let refused = watch
        .sources
        .register(Rc::clone(&file))
        .expect_err("a descriptor twice");
    assert_eq!(refused.error.kind(), ErrorKind::AlreadyExists);
    assert!(Rc::ptr_eq(&refused.source, &file), "it is handed back");
    assert_eq!(watch.sources.len(), 1);
}

fn a_slot_twice_is_refused(subject: &Subject) {
    let mut bare = subject.bare();
    let (first, second) = (Rc::new(sockets().0), Rc::new(sockets().0));
    bare.register(&first, Token::new(0, 0)).expect("register");
    for generation in [0, 1] {
        let error = bare
            .register(&second, Token::new(0, generation))
            .expect_err("a slot twice");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    }
    bare.register(&second, Token::new(1, 0))
        .expect("a refusal registers nothing");
}

fn a_refusal_leaves_the_first_one_working(subject: &Subject) {
    let mut watch = Watch::<Rc<File>>::new(subject);
    let (file, mut peer) = sockets();
    let file = Rc::new(file);
    let token = watch.add(Rc::clone(&file));
    watch.sources.register(file).expect_err("twice");
    peer.write_all(b"x").expect("write");
    watch.expect_readable(token);
}

fn what_ended_can_be_registered_again(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (mut file, mut peer) = sockets();
    for _ in 0..3 {
        let token = watch.add(file);
        peer.write_all(b"x").expect("write");
        watch.expect_readable(token);
        file = watch.sources.deregister(token).expect("deregister");
    }
}

fn a_duplicate_is_a_descriptor_of_its_own(subject: &Subject) {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = sockets();
    let duplicate = file.try_clone().expect("dup");
    let first = watch.add(file);
    let second = watch.add(duplicate);
    assert_ne!(first, second);
    peer.write_all(b"x").expect("write");
    watch.expect_readable(first);
    // The other one was ready at the same time: an edge-triggered hub has reported it by now.
    if watch.is_level() {
        watch.expect_readable(second);
    }
    let rest = watch.sources.deregister(first).expect("deregister");
    drop(rest);
    peer.write_all(b"y").expect("write");
    watch.expect_readable(second);
}

fn an_unknown_token_is_not_found(subject: &Subject) {
    let mut hub = subject.hub();
    let unknown = Token::new(3, 0);
    let kinds = [
        hub.deregister(unknown).map_err(|error| error.kind()),
        hub.deregister_closing(unknown)
            .map_err(|error| error.kind()),
    ];
    assert_eq!(kinds, [Err(ErrorKind::NotFound); 2]);
    match hub.arm(unknown, Interest::READABLE) {
        // Edge-triggered hubs need not notice.
        Ok(()) => {
            let trigger = hub.capabilities().trigger;
            assert_eq!(trigger, eventlet_hub::Trigger::Edge);
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound),
    }
}

fn a_former_tenant_is_not_found(subject: &Subject) {
    let mut bare = subject.bare();
    let (file, mut peer) = sockets();
    let file = Rc::new(file);
    let (former, tenant) = (Token::new(0, 0), Token::new(0, 1));
    bare.register(&file, former).expect("register");
    bare.hub().deregister(former).expect("deregister");
    bare.register(&file, tenant).expect("register again");
    let error = bare.hub().deregister(former).expect_err("it has ended");
    assert_eq!(error.kind(), ErrorKind::NotFound);

    bare.hub().arm(tenant, Interest::READABLE).expect("arm");
    peer.write_all(b"x").expect("write");
    let mut events = Events::new();
    bare.hub()
        .wait(&mut events, Some(subject.patience()))
        .expect("wait");
    assert!(
        events.iter().any(|event| event.token == tenant),
        "the tenant is not disturbed: {events:?}"
    );
}

fn what_ended_is_not_reported(subject: &Subject) {
    let mut bare = subject.bare();
    let (file, mut peer) = sockets();
    let file = Rc::new(file);
    let token = Token::new(0, 0);
    bare.register(&file, token).expect("register");
    bare.hub().arm(token, Interest::READABLE).expect("arm");
    bare.hub().deregister(token).expect("deregister");
    let mut events = Events::new();
    // What was queued may come now; nothing after it.
    bare.hub()
        .wait(&mut events, Some(Duration::ZERO))
        .expect("wait");
    peer.write_all(b"x").expect("write");
    bare.hub()
        .wait(&mut events, Some(Duration::ZERO))
        .expect("wait");
    assert!(
        !events
            .iter()
            .any(|event| event.readiness.contains(Readiness::READABLE)),
        "reported after the end: {events:?}"
    );
}
