//! Descriptor numbers and slots that are used again: no event crosses over.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::{Events, Interest, Readiness, Token};

use super::Outcome;
use crate::Subject;
use crate::expect::Watch;
use crate::fixture::readable_pipe;

super::cases![
    a_number_closed_and_opened_again,
    a_number_deregistered_and_opened_again,
    a_number_whose_file_lives_on_elsewhere,
    the_same_file_under_the_same_number,
    a_report_carries_the_generation,
    many_generations_of_one_slot,
];

fn a_number_closed_and_opened_again(subject: &Subject) -> Outcome {
    number_opened_again(subject, End::Closing)
}

fn a_number_deregistered_and_opened_again(subject: &Subject) -> Outcome {
    number_opened_again(subject, End::Plain)
}

enum End {
    Closing,
    Plain,
}

fn number_opened_again(subject: &Subject, end: End) -> Outcome {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = readable_pipe();
    let number = file.as_raw_fd();
    let former = watch.add(file);
    watch.arm(former, Interest::READABLE);
    // An event is on its way when the registration ends.
    peer.write_all(b"x").expect("write");
    let file = match end {
        End::Closing => watch.sources.deregister_closing(former),
        End::Plain => watch.sources.deregister(former),
    };
    drop(file.expect("deregister"));
    let Some((file, mut peer)) = opened_again(number) else {
        return Outcome::Skipped(format!("descriptor {number} went to somebody else"));
    };
    let tenant = watch.add(file);
    watch.arm(tenant, Interest::READABLE);
    watch.expect_not(tenant, Readiness::READABLE);
    peer.write_all(b"x").expect("write");
    watch.expect_readable(tenant);
    Outcome::Passed
}

/// A pipe whose reading end has the given number, which is free.
fn opened_again(number: RawFd) -> Option<(File, std::io::PipeWriter)> {
    let (file, peer) = readable_pipe();
    if file.as_raw_fd() == number {
        return Some((file, peer));
    }
    // The lowest free number from there on: that one, unless another thread took it meanwhile.
    let moved = nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_DUPFD_CLOEXEC(number)).ok()?;
    let moved = crate::sys::own(moved);
    (moved.as_raw_fd() == number).then(|| (File::from(moved), peer))
}

fn a_number_whose_file_lives_on_elsewhere(subject: &Subject) -> Outcome {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = readable_pipe();
    let number = file.as_raw_fd();
    let elsewhere = file.try_clone().expect("dup");
    let former = watch.add(file);
    watch.arm(former, Interest::READABLE);
    drop(
        watch
            .sources
            .deregister_closing(former)
            .expect("deregister"),
    );
    let Some((file, mut tenant_peer)) = opened_again(number) else {
        return Outcome::Skipped(format!("descriptor {number} went to somebody else"));
    };
    let tenant = watch.add(file);
    watch.arm(tenant, Interest::READABLE);
    // The kernel may still know the former file under its old token. That must reach nobody.
    peer.write_all(b"x").expect("write");
    watch.expect_not(tenant, Readiness::READABLE);
    tenant_peer.write_all(b"x").expect("write");
    watch.expect_readable(tenant);
    drop(elsewhere);
    Outcome::Passed
}

fn the_same_file_under_the_same_number(subject: &Subject) -> Outcome {
    let mut watch = Watch::new(subject);
    let (file, mut peer) = readable_pipe();
    let number = file.as_raw_fd();
    let elsewhere = file.try_clone().expect("dup");
    let former = watch.add(file);
    drop(
        watch
            .sources
            .deregister_closing(former)
            .expect("deregister"),
    );
    let back = nix::fcntl::fcntl(&elsewhere, nix::fcntl::FcntlArg::F_DUPFD_CLOEXEC(number));
    let back = crate::sys::own(back.expect("F_DUPFD"));
    if back.as_raw_fd() != number {
        return Outcome::Skipped(format!("descriptor {number} went to somebody else"));
    }
    let tenant = watch.add(File::from(back));
    peer.write_all(b"x").expect("write");
    watch.expect_readable(tenant);
    Outcome::Passed
}

fn a_report_carries_the_generation(subject: &Subject) {
    let mut bare = subject.bare();
    let (file, mut peer) = readable_pipe();
    let file = Rc::new(file);
    peer.write_all(b"x").expect("write");
    let mut events = Events::new();
    for generation in [0, 1, 7, u32::MAX] {
        let token = Token::new(5, generation);
        bare.register(&file, token).expect("register");
        bare.hub().arm(token, Interest::READABLE).expect("arm");
        bare.hub()
            .wait(&mut events, Some(subject.patience()))
            .expect("wait");
        let reported: Vec<_> = events.iter().map(|event| event.token).collect();
        assert_eq!(reported, [token]);
        bare.hub().deregister(token).expect("deregister");
    }
}

fn many_generations_of_one_slot(subject: &Subject) {
    const GENERATIONS: usize = 200;
    let mut watch = Watch::new(subject);
    for _ in 0..GENERATIONS {
        let (file, mut peer) = readable_pipe();
        let token = watch.add(file);
        assert_eq!(token.slot(), 0);
        watch.arm(token, Interest::READABLE);
        assert_eq!(
            watch.wait(Duration::ZERO),
            [],
            "nothing of the former tenant"
        );
        peer.write_all(b"x").expect("write");
        watch.expect_readable(token);
        drop(watch.sources.deregister_closing(token).expect("deregister"));
    }
}
