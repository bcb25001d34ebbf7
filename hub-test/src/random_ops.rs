//! Random operations on a hub and on the oracle side by side, over the same descriptors.
//!
//! A member of the game is a socket whose other end the game holds. It tries to read or write; what
//! gives `WouldBlock` is armed under both hubs, and from then on waits. Whenever the game looks,
//! each waiting member that the oracle reports must have been reported by the hub as well; and a hub
//! must fall silent when nothing changes. Spurious reports are answered by arming again, as the
//! contract asks. The seed is printed; `EVENTLET_SEED` repeats a game.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::{Events, Hub, Interest, Readiness, Sources, Token, Trigger};

use crate::fixture::sockets;
use crate::run::say;
use crate::{Oracle, Subject};

crate::suite::cases![hub_and_oracle_agree, hub_and_oracle_agree_in_small_batches];

const STEPS: usize = 10_000;
const MEMBERS: u64 = 16;

fn hub_and_oracle_agree(subject: &Subject) {
    play(subject, Events::DEFAULT_CAPACITY);
}

fn hub_and_oracle_agree_in_small_batches(subject: &Subject) {
    play(subject, 1);
}

fn play(subject: &Subject, capacity: usize) {
    let seed = seed();
    println!("random operations with EVENTLET_SEED={seed}");
    let told = TellOnPanic { seed };
    let mut game = Game::new(subject, capacity, seed);
    for _ in 0..STEPS {
        game.step();
    }
    game.look();
    drop(told);
}

fn seed() -> u64 {
    match std::env::var("EVENTLET_SEED") {
        Ok(text) => text.parse().expect("EVENTLET_SEED is a whole number"),
        Err(_) => RandomState::new().hash_one(()),
    }
}

/// Says the seed past the harness's capture, if the game is lost.
struct TellOnPanic {
    seed: u64,
}

impl Drop for TellOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            say(&format!("to repeat this game: EVENTLET_SEED={}", self.seed));
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

struct Member {
    token: Token,
    file: Rc<File>,
    /// `None` once closed.
    peer: Option<UnixStream>,
    reader: Side,
    writer: Side,
}

/// One direction of a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    /// Not waiting.
    Idle,
    /// Armed after `WouldBlock`.
    Waiting,
    /// Armed, and reported by the hub since.
    Reported,
}

struct Game {
    hub: Sources<Box<dyn Hub>, Rc<File>>,
    oracle: Sources<Oracle, Rc<File>>,
    events: Events,
    members: Vec<Member>,
    random: Random,
}

impl Game {
    fn new(subject: &Subject, capacity: usize, seed: u64) -> Self {
        Game {
            hub: subject.sources(),
            oracle: Sources::new(Oracle::new().expect("an oracle")),
            events: Events::with_capacity(capacity),
            members: Vec::new(),
            random: Random(seed),
        }
    }

    fn step(&mut self) {
        if self.members.is_empty() {
            return self.open();
        }
        let index = self.random.below(self.members.len() as u64) as usize;
        match self.random.below(100) {
            0..8 => {
                if (self.members.len() as u64) < MEMBERS {
                    self.open();
                }
            }
            8..12 => self.close(index),
            12..32 => self.peer_writes(index),
            32..42 => self.peer_reads(index),
            42..44 => self.peer_shuts(index),
            44..46 => self.members[index].peer = None,
            46..73 => self.reads(index),
            73..94 => self.writes(index),
            _ => self.look(),
        }
    }

    fn open(&mut self) {
        let (file, peer) = sockets();
        peer.set_nonblocking(true).expect("non-blocking");
        let file = Rc::new(file);
        let token = self.hub.register(Rc::clone(&file)).expect("register");
        let same = self.oracle.register(Rc::clone(&file)).expect("register");
        assert_eq!(token, same, "both tables do the same");
        self.members.push(Member {
            token,
            file,
            peer: Some(peer),
            reader: Side::Idle,
            writer: Side::Idle,
        });
    }

    fn close(&mut self, index: usize) {
        let member = self.members.swap_remove(index);
        let outcome = if self.random.below(2) == 0 {
            self.hub.deregister(member.token)
        } else {
            self.hub.deregister_closing(member.token)
        };
        drop(outcome.expect("deregister"));
        let outcome = self.oracle.deregister(member.token);
        drop(outcome.expect("deregister"));
    }

    fn peer_writes(&mut self, index: usize) {
        const MOST: u64 = 3000;
        let bytes = vec![0; 1 + self.random.below(MOST) as usize];
        if let Some(peer) = &mut self.members[index].peer {
            // No room, or shut down: both are part of the game.
            let _ = peer.write(&bytes);
        }
    }

    fn peer_reads(&mut self, index: usize) {
        let mut room = vec![0; 1 << self.random.below(20)];
        if let Some(peer) = &mut self.members[index].peer {
            let _ = peer.read(&mut room);
        }
    }

    fn peer_shuts(&mut self, index: usize) {
        if let Some(peer) = &self.members[index].peer {
            // Shut already, perhaps.
            let _ = peer.shutdown(Shutdown::Write);
        }
    }

    fn reads(&mut self, index: usize) {
        let mut room = vec![0; 1 << self.random.below(14)];
        let member = &mut self.members[index];
        let outcome = (&*member.file).read(&mut room);
        let blocked = is_blocked(&outcome);
        member.reader = if blocked { Side::Waiting } else { Side::Idle };
        if blocked {
            self.arm(index, Interest::READABLE);
        }
    }

    fn writes(&mut self, index: usize) {
        const PIECE: [u8; 16 * 1024] = [0; 16 * 1024];
        let member = &mut self.members[index];
        let mut outcome = (&*member.file).write(&PIECE);
        // Half of the time until it blocks.
        while self.random.below(16) > 0 && outcome.is_ok() {
            outcome = (&*member.file).write(&PIECE);
        }
        let blocked = is_blocked(&outcome);
        member.writer = if blocked { Side::Waiting } else { Side::Idle };
        if blocked {
            self.arm(index, Interest::WRITABLE);
        }
    }

    fn arm(&mut self, index: usize, interest: Interest) {
        let token = self.members[index].token;
        self.hub.arm(token, interest).expect("arm");
        self.oracle.arm(token, interest).expect("arm");
    }

    /// Both hubs say what they have, and are compared.
    fn look(&mut self) {
        self.hear_the_hub();
        let truth = self.hear_the_oracle();
        let trigger = self.hub.capabilities().trigger;
        for index in 0..self.members.len() {
            let member = &self.members[index];
            let token = member.token;
            let ready = truth
                .iter()
                .filter(|(reported, _)| *reported == token)
                .fold(Readiness::NONE, |all, (_, readiness)| all | *readiness);
            for (side, is_ready, interest) in [
                (member.reader, ready.is_readable(), Interest::READABLE),
                (member.writer, ready.is_writable(), Interest::WRITABLE),
            ] {
                assert!(
                    side != Side::Waiting || !is_ready,
                    "{token:?} is {ready:?} and waits for {interest:?}, but was not reported"
                );
                assert!(
                    side != Side::Reported || is_ready || trigger == Trigger::Edge,
                    "{token:?} was reported for {interest:?}, but is {ready:?}"
                );
            }
            self.settle(index, ready);
        }
    }

    /// Who was rightly reported stops waiting; who was not, tries, finds nothing and arms again.
    fn settle(&mut self, index: usize, ready: Readiness) {
        let member = &mut self.members[index];
        let mut again = Vec::new();
        for (side, is_ready, interest) in [
            (&mut member.reader, ready.is_readable(), Interest::READABLE),
            (&mut member.writer, ready.is_writable(), Interest::WRITABLE),
        ] {
            match (*side, is_ready) {
                (Side::Reported, true) => *side = Side::Idle,
                (Side::Reported, false) => {
                    *side = Side::Waiting;
                    again.push(interest);
                }
                (Side::Idle | Side::Waiting, _) => {}
            }
        }
        for interest in again {
            self.arm(index, interest);
        }
    }

    /// Waits without waiting until the hub is silent.
    fn hear_the_hub(&mut self) {
        let most = 4 * self.members.len() + 8;
        for _ in 0..most {
            self.hub
                .wait(&mut self.events, Some(Duration::ZERO))
                .expect("wait");
            if self.events.is_empty() {
                return;
            }
            for (token, file, readiness) in self.hub.ready(&self.events) {
                let member = self.members.iter_mut().find(|member| member.token == token);
                let member = member.expect("only the living are reported");
                assert!(Rc::ptr_eq(&member.file, file), "the token's own source");
                for (side, is_reported) in [
                    (&mut member.reader, readiness.is_readable()),
                    (&mut member.writer, readiness.is_writable()),
                ] {
                    if *side == Side::Waiting && is_reported {
                        *side = Side::Reported;
                    }
                }
            }
        }
        panic!(
            "nothing changes, but the hub goes on reporting: {:?}",
            self.events
        );
    }

    fn hear_the_oracle(&mut self) -> Vec<(Token, Readiness)> {
        let mut all = Vec::new();
        loop {
            let mut events = Events::new();
            self.oracle
                .wait(&mut events, Some(Duration::ZERO))
                .expect("wait");
            if events.is_empty() {
                return all;
            }
            all.extend(events.iter().map(|event| (event.token, event.readiness)));
        }
    }
}

fn is_blocked<T>(outcome: &io::Result<T>) -> bool {
    matches!(outcome, Err(error) if error.kind() == ErrorKind::WouldBlock)
}
