//! Thousands of descriptors, few of them ready.

use std::collections::BTreeSet;
use std::io::{PipeWriter, Write};

use eventlet_hub::{Interest, Readiness, Token};

use super::Outcome;
use crate::Subject;
use crate::expect::Watch;
use crate::fixture::{drain, watchable};
use crate::run::say;

super::cases![few_of_thousands_are_ready, all_of_thousands_are_ready];

/// How many pipes, where neither the hub nor the process's limit says less.
const THOUSANDS: usize = 3000;

/// How many descriptors the rest of the test process may need.
const RESERVE: usize = 100;

fn few_of_thousands_are_ready(subject: &Subject) -> Outcome {
    const STEP: usize = 97;
    let (mut watch, mut pipes) = match many(subject) {
        Ok(many) => many,
        Err(why) => return Outcome::Skipped(why),
    };
    for round in 0..3 {
        let wanted: BTreeSet<Token> = pipes
            .iter_mut()
            .skip(round)
            .step_by(STEP)
            .map(|(token, peer)| {
                peer.write_all(b"x").expect("write");
                *token
            })
            .collect();
        let mut seen = BTreeSet::new();
        while seen.len() < wanted.len() {
            let batch = watch.wait(subject.patience());
            assert!(!batch.is_empty(), "{} of {}", seen.len(), wanted.len());
            for (token, readiness) in batch {
                assert_eq!(readiness, Readiness::READABLE);
                assert!(wanted.contains(&token), "{token:?} is not ready");
                seen.insert(token);
                drain(watch.sources.get(token).expect("registered"));
                watch.arm(token, Interest::READABLE);
            }
        }
    }
    Outcome::Passed
}

fn all_of_thousands_are_ready(subject: &Subject) -> Outcome {
    let (mut watch, mut pipes) = match many(subject) {
        Ok(many) => many,
        Err(why) => return Outcome::Skipped(why),
    };
    for (_, peer) in &mut pipes {
        peer.write_all(b"x").expect("write");
    }
    let mut seen = BTreeSet::new();
    while seen.len() < pipes.len() {
        let batch = watch.wait(subject.patience());
        assert!(!batch.is_empty(), "{} of {}", seen.len(), pipes.len());
        for (token, _) in batch {
            assert!(seen.insert(token), "{token:?} was reported twice");
        }
    }
    Outcome::Passed
}

/// Many pipes, all armed for reading, with their writing ends. A smaller number is said aloud.
fn many(subject: &Subject) -> Result<(Watch, Vec<(Token, PipeWriter)>), String> {
    let mut watch = Watch::new(subject);
    let mut count = THOUSANDS;
    if let Some(max) = watch.capabilities().max_descriptor {
        // Both ends of a pipe take a number.
        count = count.min((max as usize).saturating_sub(RESERVE) / 2);
        say(&format!(
            "{} watches descriptors up to {max} only: {count} pipes instead of {THOUSANDS}",
            watch.sources.hub_name()
        ));
    }
    let mut pipes = Vec::new();
    for made in 0..count {
        let Ok((reader, writer)) = std::io::pipe() else {
            pipes.truncate(made.saturating_sub(RESERVE));
            if pipes.len() < RESERVE {
                return Err(format!("the process may open {made} pipes only"));
            }
            say(&format!("the process may open {made} pipes only"));
            break;
        };
        pipes.push((reader, writer));
    }
    let pipes = pipes
        .into_iter()
        .map(|(reader, writer)| {
            let token = watch.add(watchable(reader));
            watch.arm(token, Interest::READABLE);
            (token, writer)
        })
        .collect();
    Ok((watch, pipes))
}
