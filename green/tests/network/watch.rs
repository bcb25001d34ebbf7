//! Watchers: a coroutine that is begun when there is something to read, and none before.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use crate::support::{
    on_each_hub, on_each_hub_jumping, on_fresh_thread, pair, until, until_parked,
};
use eventlet_green::net::TcpStream;
use eventlet_green::{
    Callback, KillHandle, ParkError, Watcher, green_local, sleep, spawn, stats, yield_now,
};

/// Notes what comes, and does what it is told.
struct Guest {
    stream: TcpStream,
    came: RefCell<Vec<Result<(), ErrorKind>>>,
    prepared: Cell<usize>,
    then: fn(&Rc<Guest>),
}

impl Guest {
    fn new(stream: TcpStream, then: fn(&Rc<Guest>)) -> Rc<Self> {
        Rc::new(Guest {
            stream,
            came: RefCell::default(),
            prepared: Cell::new(0),
            then,
        })
    }

    fn watch(self: &Rc<Self>) -> io::Result<()> {
        self.stream.watch_readable(Rc::clone(self) as _)
    }

    fn calls(&self) -> usize {
        self.came.borrow().len()
    }
}

impl Watcher for Guest {
    fn prepare(&self) {
        assert_eq!(
            KillHandle::of_current().unwrap_err().to_string(),
            ParkError::InCallback.to_string()
        );
        self.prepared.set(self.prepared.get() + 1);
    }

    fn came(self: Rc<Self>, outcome: io::Result<()>) {
        self.came
            .borrow_mut()
            .push(outcome.map_err(|error| error.kind()));
        (self.then)(&self);
    }
}

/// Watches, and has been told that there is nothing to read.
fn drained(then: fn(&Rc<Guest>)) -> (Rc<Guest>, TcpStream) {
    let (near, far) = pair();
    let would_block = near.try_read(&mut [0]).unwrap_err();
    assert_eq!(would_block.kind(), ErrorKind::WouldBlock);
    let guest = Guest::new(near, then);
    guest.watch().unwrap();
    (guest, far)
}

#[test]
fn it_is_begun_by_a_byte_and_may_wait() {
    on_each_hub(|| {
        let (guest, mut far) = drained(|guest| {
            spawn(yield_now).join().unwrap();
            let mut byte = [0];
            (&guest.stream).read_exact(&mut byte).unwrap();
            (&guest.stream).write_all(&byte).unwrap();
        });
        let before = stats();
        yield_now();
        assert_eq!((stats().coroutines, guest.calls()), (before.coroutines, 0));
        far.write_all(b"x").unwrap();
        let mut byte = [0];
        far.read_exact(&mut byte).unwrap();
        assert_eq!((&byte, guest.prepared.get()), (b"x", 1));
        assert_eq!(*guest.came.borrow(), [Ok(())]);
    });
}

#[test]
fn what_came_before_the_watch_begins_it_too() {
    on_each_hub(|| {
        let (near, mut far) = pair();
        far.write_all(b"x").unwrap();
        let guest = Guest::new(near, |guest| {
            assert_eq!((&guest.stream).read(&mut [0; 8]).unwrap(), 1);
        });
        guest.watch().unwrap();
        assert_eq!(
            guest.calls(),
            0,
            "nobody runs inside of the one who watches"
        );
        until(|| guest.calls() == 1);
    });
}

#[test]
fn it_can_watch_again_and_again() {
    on_each_hub(|| {
        let (guest, mut far) = drained(|guest| {
            let mut bytes = [0; 8];
            while guest
                .stream
                .try_read(&mut bytes)
                .is_ok_and(|count| count > 0)
            {}
            if guest.calls() < 100 {
                guest.watch().unwrap();
            }
        });
        for n in 1..=100 {
            far.write_all(b"x").unwrap();
            until(|| guest.calls() >= n);
        }
        assert_eq!(stats().coroutines, 0);
    });
}

#[test]
fn the_end_of_the_stream_begins_it() {
    on_each_hub(|| {
        let (guest, far) = drained(|guest| {
            assert_eq!((&guest.stream).read(&mut [0]).unwrap(), 0);
        });
        drop(far);
        until(|| guest.calls() == 1);
        assert_eq!(*guest.came.borrow(), [Ok(())]);
    });
}

#[test]
fn its_time_limit_and_a_close_begin_it_with_an_error() {
    on_each_hub_jumping(|_| {
        let (near, _far) = pair();
        let hour = Duration::from_secs(3600);
        near.set_read_timeout(Some(hour)).unwrap();
        near.try_read(&mut [0]).unwrap_err();
        let guest = Guest::new(near, |_| ());
        guest.watch().unwrap();
        sleep(hour - Duration::from_nanos(1));
        assert_eq!(guest.calls(), 0);
        sleep(Duration::from_nanos(2));
        assert_eq!(guest.calls(), 1);
        guest.watch().unwrap();
        guest.stream.close().unwrap();
        until(|| guest.calls() == 2);
        let told = [Err(ErrorKind::TimedOut), Err(ErrorKind::NotConnected)];
        assert_eq!(*guest.came.borrow(), told);
        let late = guest.watch().unwrap_err();
        assert_eq!(late.kind(), ErrorKind::NotConnected);
    });
}

/// One that is due stands in a queue while those that are due with it are prepared: it is found there,
/// and dropped.
#[test]
fn the_last_handle_takes_one_along_that_is_due() {
    /// Owns nothing of its own socket; gives up another's when it is prepared.
    struct Stranger {
        of_another: RefCell<Option<TcpStream>>,
        came: Rc<Cell<u32>>,
        ended: Rc<Cell<u32>>,
    }

    impl Watcher for Stranger {
        fn prepare(&self) {
            drop(self.of_another.take());
        }

        fn came(self: Rc<Self>, outcome: io::Result<()>) {
            outcome.unwrap();
            self.came.set(self.came.get() + 1);
        }
    }

    impl Drop for Stranger {
        fn drop(&mut self) {
            self.ended.set(self.ended.get() + 1);
        }
    }

    on_each_hub(|| {
        let (came, ended) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let watch = |near: &TcpStream, of_another| {
            near.try_read(&mut [0]).unwrap_err();
            let watcher = Stranger {
                of_another: RefCell::new(of_another),
                came: Rc::clone(&came),
                ended: Rc::clone(&ended),
            };
            near.watch_readable(Rc::new(watcher)).unwrap();
        };
        let [
            (given_up, mut far),
            (second, mut second_far),
            (third, mut third_far),
        ] = [pair(), pair(), pair()];
        watch(&given_up, None);
        watch(&second, Some(given_up));
        watch(&third, None);
        for far in [&mut far, &mut second_far, &mut third_far] {
            far.write_all(b"x").unwrap();
        }
        until(|| ended.get() == 3);
        assert_eq!(came.get(), 2);
    });
}

#[test]
fn it_has_the_seat_of_a_reader() {
    on_each_hub(|| {
        let (guest, mut far) = drained(|_| ());
        let busy = (&guest.stream).read(&mut [0]).unwrap_err();
        assert_eq!(busy.kind(), ErrorKind::ResourceBusy);
        assert_eq!(guest.watch().unwrap_err().kind(), ErrorKind::ResourceBusy);
        far.write_all(b"x").unwrap();
        until(|| guest.calls() == 1);
        assert_eq!((&guest.stream).read(&mut [0]).unwrap(), 1);
        let theirs = guest.stream.clone();
        let reader = spawn(move || (&theirs).read(&mut [0]).unwrap());
        until_parked(&reader);
        assert_eq!(guest.watch().unwrap_err().kind(), ErrorKind::ResourceBusy);
        drop(far);
        assert_eq!(reader.join().unwrap(), 0);
    });
}

#[test]
fn the_last_handle_takes_it_along() {
    struct Fool(Rc<Cell<bool>>);
    impl Watcher for Fool {
        fn came(self: Rc<Self>, _: io::Result<()>) {
            unreachable!("its socket is gone");
        }
    }
    impl Drop for Fool {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    on_each_hub(|| {
        let is_gone = Rc::new(Cell::new(false));
        let (near, far) = pair();
        near.watch_readable(Rc::new(Fool(Rc::clone(&is_gone))))
            .unwrap();
        drop(near);
        assert!(is_gone.get());
        drop(far);
        yield_now();
    });
}

#[test]
fn a_kill_and_a_panic_end_only_its_coroutine() {
    on_each_hub(|| {
        let (killed, mut far) = drained(|guest| {
            let me = KillHandle::of_current().unwrap();
            spawn(move || me.kill().unwrap());
            let _ = (&guest.stream).write_all(&crate::support::flood());
            unreachable!("it was killed while it waited");
        });
        far.write_all(b"x").unwrap();
        until(|| killed.calls() == 1 && stats().coroutines == 0);
        let (panicked, mut far) = drained(|_| panic!("on purpose"));
        far.write_all(b"x").unwrap();
        until(|| panicked.calls() == 1 && stats().coroutines == 0);
        assert_eq!(Rc::strong_count(&panicked), 1);
    });
}

#[test]
fn the_end_of_the_thread_drops_it_although_it_owns_its_socket() {
    let (dropped, told) = std::sync::mpsc::channel();
    struct Owner(
        #[expect(dead_code, reason = "kept open")] TcpStream,
        std::sync::mpsc::Sender<()>,
    );
    impl Watcher for Owner {
        fn came(self: Rc<Self>, _: io::Result<()>) {
            unreachable!("nothing is sent");
        }
    }
    impl Drop for Owner {
        fn drop(&mut self) {
            self.1.send(()).unwrap();
        }
    }
    on_fresh_thread(|| {
        let (near, far) = pair();
        near.try_read(&mut [0]).unwrap_err();
        let stream = near.clone();
        near.watch_readable(Rc::new(Owner(stream, dropped)))
            .unwrap();
        drop(near);
        drop(far);
    });
    told.recv().unwrap();
}

#[test]
fn a_waiting_watcher_is_no_deadlock() {
    on_each_hub(|| {
        let (guest, far) = drained(|guest| {
            let _ = guest.stream.close();
        });
        let writer = std::thread::spawn({
            let far = far.into_std().unwrap();
            move || (&far).write_all(b"x").map(|()| far)
        });
        let waiter = eventlet_green::sync::Semaphore::new(0);
        let release = waiter.clone();
        let helper = spawn({
            let guest = Rc::clone(&guest);
            move || {
                until(|| guest.calls() == 1);
                release.add_permits(1);
            }
        });
        waiter.acquire().unwrap().forget();
        helper.join().unwrap();
        writer.join().unwrap().unwrap();
    });
}

#[test]
fn a_callback_is_called_once_for_many_and_can_come_again() {
    on_each_hub(|| {
        let calls = Rc::new(Cell::new(0));
        let counted = Rc::clone(&calls);
        let callback = Callback::new(move || {
            counted.set(counted.get() + 1);
            assert_eq!(
                eventlet_green::sync::Semaphore::new(0)
                    .acquire()
                    .unwrap_err()
                    .to_string(),
                ParkError::InCallback.to_string()
            );
        });
        assert!(callback.schedule());
        assert!(!callback.clone().schedule());
        assert_eq!(calls.get(), 0);
        yield_now();
        assert_eq!(calls.get(), 1);
        assert!(callback.schedule());
        yield_now();
        assert_eq!(calls.get(), 2);
    });
}

#[test]
fn what_does_not_wait_says_so() {
    on_each_hub(|| {
        let (near, mut far) = pair();
        let mut bytes = [0; 8];
        assert_eq!(
            near.try_read(&mut bytes).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        far.write_all(b"abc").unwrap();
        near.wait_readable().unwrap();
        assert_eq!(near.try_read(&mut bytes).unwrap(), 3);
        assert_eq!(
            near.try_read(&mut bytes).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        let piece = [0; 65536];
        let full = loop {
            if let Err(error) = near.try_write(&piece) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
        drop(far);
        until(|| {
            near.try_read(&mut bytes)
                .is_err_and(|e| e.kind() != ErrorKind::WouldBlock)
                || near.try_read(&mut bytes).is_ok()
        });
    });
}

#[test]
fn what_one_leaves_in_its_coroutine_is_not_the_next_ones() {
    green_local! {
        static VISITS: Cell<u32> = const { Cell::new(0) };
    }
    thread_local! {
        static KEPT: RefCell<Vec<KillHandle>> = const { RefCell::new(Vec::new()) };
    }
    on_each_hub(|| {
        // All become due together, so that one coroutine could serve them one after another.
        let begin_all = |then: fn(&Rc<Guest>)| {
            let guests: Vec<_> = (0..5).map(|_| drained(then)).collect();
            for (_, far) in &guests {
                (&*far).write_all(b"x").unwrap();
            }
            until(|| guests.iter().all(|(guest, _)| guest.calls() == 1));
            until(|| stats().coroutines == 0);
        };
        begin_all(|_| {
            VISITS.set(VISITS.get() + 1);
            assert_eq!(VISITS.get(), 1);
        });
        begin_all(|_| KEPT.with_borrow_mut(|kept| kept.push(KillHandle::of_current().unwrap())));
        let mut ids: Vec<_> = KEPT.take().iter().map(KillHandle::id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 5, "whoever holds a handle means one of them");
        // One that waits does not hold the others up.
        begin_all(|_| yield_now());
    });
}

/// What is prepared is held until its turn, so of very many that are due at once some are prepared at a
/// time.
#[test]
fn of_many_some_are_prepared_at_a_time() {
    thread_local! {
        static HELD: Cell<usize> = const { Cell::new(0) };
        static MOST: Cell<usize> = const { Cell::new(0) };
    }
    struct Holder(TcpStream, Cell<bool>);
    impl Watcher for Holder {
        fn prepare(&self) {
            HELD.set(HELD.get() + 1);
            MOST.set(MOST.get().max(HELD.get()));
        }

        fn came(self: Rc<Self>, outcome: io::Result<()>) {
            outcome.unwrap();
            HELD.set(HELD.get() - 1);
            self.1.set(true);
        }
    }
    const MANY: usize = 150;
    on_each_hub(|| {
        HELD.set(0);
        MOST.set(0);
        let (holders, fars): (Vec<_>, Vec<_>) = (0..MANY)
            .map(|_| {
                let (near, far) = pair();
                near.try_read(&mut [0]).unwrap_err();
                let holder = Rc::new(Holder(near, Cell::new(false)));
                holder.0.watch_readable(Rc::clone(&holder) as _).unwrap();
                (holder, far)
            })
            .unzip();
        for far in &fars {
            (&*far).write_all(b"x").unwrap();
        }
        until(|| holders.iter().all(|holder| holder.1.get()));
        assert_eq!(HELD.get(), 0);
        assert!((2..=64).contains(&MOST.get()), "{}", MOST.get());
    });
}

#[test]
fn one_that_panics_when_it_prepares_holds_nobody_up() {
    struct Nervous(TcpStream, Cell<bool>, bool);
    impl Watcher for Nervous {
        fn prepare(&self) {
            assert!(!self.2, "on purpose");
        }

        fn came(self: Rc<Self>, outcome: io::Result<()>) {
            outcome.unwrap();
            self.1.set(true);
        }
    }
    on_each_hub(|| {
        let (all, fars): (Vec<_>, Vec<_>) = (0..5)
            .map(|number| {
                let (near, far) = pair();
                near.try_read(&mut [0]).unwrap_err();
                let one = Rc::new(Nervous(near, Cell::new(false), number == 2));
                one.0.watch_readable(Rc::clone(&one) as _).unwrap();
                (one, far)
            })
            .unzip();
        for far in &fars {
            (&*far).write_all(b"x").unwrap();
        }
        until(|| all.iter().all(|one| one.1.get()));
    });
}

/// Takes a byte at once if it is not an `x`, else in a coroutine.
struct Quick {
    stream: TcpStream,
    /// Read, and not taken yet.
    read: Cell<Option<u8>>,
    /// Each byte, and in which coroutine it was taken.
    taken: RefCell<Vec<(u8, Option<u64>)>>,
    outcomes: RefCell<Vec<Result<(), ErrorKind>>>,
}

impl Quick {
    fn watching() -> (Rc<Self>, TcpStream) {
        let (near, far) = pair();
        near.try_read(&mut [0]).unwrap_err();
        let quick = Rc::new(Quick {
            stream: near,
            read: Cell::new(None),
            taken: RefCell::default(),
            outcomes: RefCell::default(),
        });
        quick.watch();
        (quick, far)
    }

    fn watch(self: &Rc<Self>) {
        self.stream.watch_readable(Rc::clone(self) as _).unwrap();
    }

    /// Has it watch no longer.
    fn end(&self) {
        self.stream.close().unwrap();
        until(|| self.outcomes.borrow().last().is_some_and(Result::is_err));
    }

    fn take(self: &Rc<Self>, byte: u8) {
        let coroutine = KillHandle::of_current().ok();
        let number = coroutine.map(|it| it.id());
        self.taken.borrow_mut().push((byte, number));
        assert_ne!(byte, b'!', "on purpose");
        self.watch();
    }
}

impl Watcher for Quick {
    fn prepare(&self) {
        let mut bytes = [0; 8];
        if self.stream.try_read(&mut bytes).is_ok() {
            self.read.set(Some(bytes[0]));
        }
    }

    fn came_at_once(self: Rc<Self>) -> bool {
        match self.read.get() {
            Some(b'x') => return false,
            Some(byte) => {
                self.read.set(None);
                self.take(byte);
            }
            None => self.watch(), // There might have been something, and was not.
        }
        true
    }

    fn came(self: Rc<Self>, outcome: io::Result<()>) {
        let outcome = outcome.map_err(|error| error.kind());
        match (outcome, self.read.take()) {
            (Ok(()), None) => return self.watch(),
            (Ok(()), Some(byte)) => self.take(byte),
            (Err(_), _) => {}
        }
        self.outcomes.borrow_mut().push(outcome);
    }
}

#[test]
fn what_is_done_at_once_takes_no_coroutine() {
    on_each_hub(|| {
        let (quick, mut far) = Quick::watching();
        let before = stats();
        for count in 1..=3 {
            far.write_all(b"a").unwrap();
            until(|| quick.taken.borrow().len() == count);
        }
        assert_eq!(*quick.taken.borrow(), [(b'a', None); 3]);
        assert_eq!(stats().spawned, before.spawned);
        assert_eq!(*quick.outcomes.borrow(), []);
        quick.end();
    });
}

#[test]
fn what_is_not_done_at_once_is_done_in_a_coroutine() {
    on_each_hub(|| {
        let (all, mut fars): (Vec<_>, Vec<_>) = (0..6).map(|_| Quick::watching()).unzip();
        for round in 1..=3 {
            for (far, byte) in fars.iter_mut().zip(b"aaxaxa") {
                far.write_all(&[*byte]).unwrap();
            }
            until(|| all.iter().all(|it| it.taken.borrow().len() == round));
        }
        for (quick, byte) in all.iter().zip(*b"aaxaxa") {
            let taken = quick.taken.borrow();
            assert!(taken.iter().all(|(it, _)| *it == byte));
            // Those behind one in a coroutine may have come in that, too.
            let in_coroutines = taken.iter().filter(|(_, number)| number.is_some()).count();
            assert_eq!(quick.outcomes.borrow().len(), in_coroutines);
            assert!(byte != b'x' || in_coroutines == 3);
            drop(taken);
            quick.end();
        }
    });
}

#[test]
fn a_close_is_not_told_at_once() {
    on_each_hub(|| {
        let (quick, _far) = Quick::watching();
        quick.stream.close().unwrap();
        until(|| !quick.outcomes.borrow().is_empty());
        assert_eq!(*quick.outcomes.borrow(), [Err(ErrorKind::NotConnected)]);
    });
}

#[test]
fn one_that_panics_at_once_is_given_up_and_holds_nobody_up() {
    on_each_hub(|| {
        let (mut all, mut fars): (Vec<_>, Vec<_>) = (0..5).map(|_| Quick::watching()).unzip();
        for (far, byte) in fars.iter_mut().zip(b"aa!aa") {
            far.write_all(&[*byte]).unwrap();
        }
        until(|| all.iter().all(|it| it.taken.borrow().len() == 1));
        let bold = all.remove(2);
        assert_eq!(Rc::strong_count(&bold), 1, "nobody watches any more");
        assert_eq!(bold.outcomes.borrow().len(), 0);
        for far in &mut fars {
            far.write_all(b"a").unwrap();
        }
        until(|| all.iter().all(|it| it.taken.borrow().len() == 2));
        all.iter().for_each(|it| it.end());
    });
}
