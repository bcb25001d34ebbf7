//! Batches are bounded, complete and fair.

use std::collections::BTreeMap;
use std::io::{PipeWriter, Write};
use std::time::Duration;

use eventlet_hub::{Interest, Token};

use crate::Subject;
use crate::expect::Watch;
use crate::fixture::readable_pipe;

super::cases![
    a_batch_is_bounded,
    what_did_not_fit_comes_later,
    nobody_is_reported_twice_before_everybody_once,
    a_batch_of_one_goes_round,
    a_newcomer_waits_its_turn_but_not_longer,
    those_that_leave_do_not_disturb_the_order,
];

const FILES: usize = 32;
const CAPACITY: usize = 5;

fn ready_pipes(subject: &Subject, capacity: usize) -> (Watch, Vec<(Token, PipeWriter)>) {
    let mut watch = Watch::with_capacity(subject, capacity);
    let pipes = (0..FILES).map(|_| ready_pipe(&mut watch)).collect();
    (watch, pipes)
}

fn ready_pipe(watch: &mut Watch) -> (Token, PipeWriter) {
    let (file, mut peer) = readable_pipe();
    peer.write_all(b"x").expect("write");
    let token = watch.add(file);
    watch.arm(token, Interest::READABLE);
    (token, peer)
}

/// Makes sure that a token just reported is ready anew, under either trigger.
fn again(watch: &mut Watch, pipes: &mut [(Token, PipeWriter)], token: Token) {
    let (_, peer) = pipes
        .iter_mut()
        .find(|(candidate, _)| *candidate == token)
        .expect("a token of ours");
    peer.write_all(b"x").expect("write");
    watch.arm(token, Interest::READABLE);
}

fn a_batch_is_bounded(subject: &Subject) {
    let (mut watch, _pipes) = ready_pipes(subject, CAPACITY);
    assert_eq!(watch.events.capacity(), CAPACITY);
    let batch = watch.wait(subject.patience());
    assert_eq!(batch.len(), CAPACITY, "full, since more are ready");
}

fn what_did_not_fit_comes_later(subject: &Subject) {
    let (mut watch, pipes) = ready_pipes(subject, CAPACITY);
    let mut seen = Vec::new();
    for _ in 0..FILES.div_ceil(CAPACITY) {
        seen.extend(
            watch
                .wait(subject.patience())
                .into_iter()
                .map(|(token, _)| token),
        );
    }
    let mut tokens: Vec<_> = pipes.iter().map(|(token, _)| *token).collect();
    tokens.sort();
    seen.sort();
    assert_eq!(seen, tokens, "each of them, once");
    assert_eq!(watch.wait(Duration::ZERO), []);
}

fn nobody_is_reported_twice_before_everybody_once(subject: &Subject) {
    turns(subject, CAPACITY);
}

fn a_batch_of_one_goes_round(subject: &Subject) {
    turns(subject, 1);
}

/// Everybody is ready all the time: at no time may one be two turns ahead of another.
fn turns(subject: &Subject, capacity: usize) {
    const ROUNDS: usize = 10;
    let (mut watch, mut pipes) = ready_pipes(subject, capacity);
    let mut turns: BTreeMap<Token, usize> = pipes.iter().map(|(token, _)| (*token, 0)).collect();
    for _ in 0..ROUNDS * FILES / capacity {
        let batch = watch.wait(subject.patience());
        assert!(!batch.is_empty(), "everybody is ready");
        for (token, _) in batch {
            *turns.get_mut(&token).expect("a token of ours") += 1;
            again(&mut watch, &mut pipes, token);
        }
        let least = turns.values().min().expect("not empty");
        let most = turns.values().max().expect("not empty");
        assert!(most - least <= 1, "unfair: {turns:?}");
    }
}

fn a_newcomer_waits_its_turn_but_not_longer(subject: &Subject) {
    let (mut watch, mut pipes) = ready_pipes(subject, CAPACITY);
    let (newcomer, _peer) = ready_pipe(&mut watch);
    for _ in 0..=FILES.div_ceil(CAPACITY) {
        for (token, _) in watch.wait(subject.patience()) {
            if token == newcomer {
                return;
            }
            again(&mut watch, &mut pipes, token);
        }
    }
    panic!("the newcomer starves");
}

fn those_that_leave_do_not_disturb_the_order(subject: &Subject) {
    let (mut watch, mut pipes) = ready_pipes(subject, CAPACITY);
    let mut turns: BTreeMap<Token, usize> = pipes.iter().map(|(token, _)| (*token, 0)).collect();
    // One leaves after each batch: always one that has had its turn, until few are left.
    while turns.len() > 2 * CAPACITY {
        let batch = watch.wait(subject.patience());
        assert!(!batch.is_empty(), "everybody is ready");
        for (token, _) in &batch {
            *turns.get_mut(token).expect("a token of ours") += 1;
            again(&mut watch, &mut pipes, *token);
        }
        let leaving = batch[0].0;
        turns.remove(&leaving);
        drop(watch.sources.deregister_closing(leaving).expect("leave"));
        let least = turns.values().min().expect("not empty");
        let most = turns.values().max().expect("not empty");
        assert!(most - least <= 1, "unfair: {turns:?}");
    }
}
