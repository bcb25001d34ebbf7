//! The table over a hub: tokens, slots and ownership, over a hub that only takes notes.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::rc::Rc;
use std::time::Duration;

use eventlet_hub::{
    Capabilities, Event, Events, Hub, Interest, Readiness, Source, Sources, Token, Trigger,
    WakeSource, Waker, error,
};

/// What the hub was told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Note {
    Register(RawFd, Token),
    Arm(Token, Interest),
    Deregister(Token),
    Closing(Token),
    Dropped,
}

struct Notebook {
    notes: Rc<RefCell<Vec<Note>>>,
    refuse: bool,
    wake: WakeSource,
}

impl Notebook {
    fn new() -> (Self, Rc<RefCell<Vec<Note>>>) {
        let notes = Rc::new(RefCell::new(Vec::new()));
        let hub = Notebook {
            notes: Rc::clone(&notes),
            refuse: false,
            wake: WakeSource::new().expect("waker"),
        };
        (hub, notes)
    }

    fn note(&self, note: Note) {
        self.notes.borrow_mut().push(note);
    }
}

impl Hub for Notebook {
    fn name(&self) -> &'static str {
        "notebook"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            trigger: Trigger::Level,
            regular_files: true,
            max_descriptor: None,
            tells_hang_up: false,
            tells_read_closed: false,
            tells_urgent: false,
        }
    }

    unsafe fn register(&mut self, fd: BorrowedFd<'_>, token: Token) -> io::Result<()> {
        if self.refuse {
            return Err(error::descriptor_twice(fd.as_raw_fd()));
        }
        self.note(Note::Register(fd.as_raw_fd(), token));
        Ok(())
    }

    fn arm(&mut self, token: Token, interest: Interest) -> io::Result<()> {
        self.note(Note::Arm(token, interest));
        Ok(())
    }

    fn deregister(&mut self, token: Token) -> io::Result<()> {
        self.note(Note::Deregister(token));
        Err(error::other_process("notebook"))
    }

    fn deregister_closing(&mut self, token: Token) -> io::Result<()> {
        self.note(Note::Closing(token));
        Ok(())
    }

    fn wait(&mut self, events: &mut Events, _timeout: Option<Duration>) -> io::Result<()> {
        events.clear();
        // Everybody ever registered, dead or alive.
        for note in &*self.notes.borrow() {
            if let Note::Register(_, token) = *note {
                events.push(Event {
                    token,
                    readiness: Readiness::READABLE,
                });
            }
        }
        Ok(())
    }

    fn waker(&self) -> Waker {
        self.wake.waker()
    }
}

impl Drop for Notebook {
    fn drop(&mut self) {
        self.note(Note::Dropped);
    }
}

fn file() -> File {
    File::open("/dev/null").expect("/dev/null")
}

#[test]
fn slots_are_used_again_under_a_new_generation() {
    let (hub, _) = Notebook::new();
    let mut sources = Sources::new(hub);
    let first = sources.register(file()).expect("register");
    let second = sources.register(file()).expect("register");
    assert_eq!((first, second), (Token::new(0, 0), Token::new(1, 0)));
    sources.deregister_closing(first).expect("registered");
    let third = sources.register(file()).expect("register");
    assert_eq!(third, Token::new(0, 1));
    assert!(sources.get(first).is_none());
    let fourth = sources.register(file()).expect("register");
    assert_eq!(fourth, Token::new(2, 0));
    assert_eq!(sources.len(), 3);
    assert_eq!(sources.iter().count(), 3);
}

#[test]
fn events_of_former_tenants_are_dropped() {
    let (hub, _) = Notebook::new();
    let mut sources = Sources::new(hub);
    let former = sources.register(file()).expect("register");
    sources.deregister(former).expect("registered");
    let tenant = sources.register(file()).expect("register");
    let mut events = Events::new();
    sources.wait(&mut events, None).expect("wait");
    assert_eq!(events.len(), 2, "the hub reports both");
    let ready: Vec<_> = sources
        .ready(&events)
        .map(|(token, _, readiness)| (token, readiness))
        .collect();
    assert_eq!(ready, [(tenant, Readiness::READABLE)]);
}

#[test]
fn a_refused_source_comes_back_and_takes_no_slot() {
    let (mut hub, notes) = Notebook::new();
    hub.refuse = true;
    let mut sources = Sources::new(hub);
    let file = file();
    let number = file.as_raw_fd();
    let refused = sources.register(file).expect_err("refused");
    assert_eq!(refused.source.as_raw_fd(), number);
    assert!(refused.to_string().contains(&number.to_string()));
    // A source need not be one that can be shown.
    let shown = format!("{refused:?}");
    assert!(
        shown.starts_with("Refused { error: ") && shown.contains("AlreadyExists"),
        "{shown}"
    );
    assert_eq!(io::Error::from(refused).kind(), ErrorKind::AlreadyExists);
    assert!(sources.is_empty());
    assert!(notes.borrow().is_empty());
}

#[test]
fn a_source_is_handed_back_whatever_the_hub_answers() {
    let (hub, notes) = Notebook::new();
    let mut sources = Sources::new(hub);
    let token = sources.register(file()).expect("register");
    sources
        .deregister(token)
        .expect("the hub's answer is of no consequence");
    let again = sources.deregister(token).expect_err("it has ended");
    assert_eq!(again.kind(), ErrorKind::NotFound);
    let ends = notes
        .borrow()
        .iter()
        .filter(|note| matches!(note, Note::Deregister(_)))
        .count();
    assert_eq!(ends, 1, "the hub is not asked twice");
}

#[test]
fn the_hub_goes_before_the_descriptors() {
    struct Witness(File, Rc<RefCell<Vec<Note>>>);

    impl std::os::fd::AsFd for Witness {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }

    // SAFETY: it owns a file, and gives its descriptor.
    unsafe impl Source for Witness {}

    impl Drop for Witness {
        fn drop(&mut self) {
            let is_dropped = self.1.borrow().contains(&Note::Dropped);
            assert!(is_dropped, "the hub was promised that this stays open");
        }
    }

    let (hub, notes) = Notebook::new();
    let mut sources = Sources::new(hub);
    sources
        .register(Witness(file(), Rc::clone(&notes)))
        .map_err(|refused| refused.error)
        .expect("register");
    drop(sources);
    assert_eq!(notes.borrow().last(), Some(&Note::Dropped));
}

#[test]
fn sources_of_several_types_share_a_table() {
    let (hub, notes) = Notebook::new();
    let mut sources = Sources::<_, Rc<dyn Source>>::new(hub);
    let (near, _far) = std::os::unix::net::UnixStream::pair().expect("pair");
    let socket = sources.register(Rc::new(near)).expect("register");
    let null = sources.register(Rc::new(file())).expect("register");
    sources.arm(socket, Interest::BOTH).expect("arm");
    sources.deregister_closing(null).expect("registered");
    let notes = notes.borrow();
    assert_eq!(
        notes[2..],
        [Note::Arm(socket, Interest::BOTH), Note::Closing(null)]
    );
    assert_eq!(sources.hub_name(), "notebook");
}
