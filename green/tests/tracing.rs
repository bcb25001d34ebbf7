//! The spans that a coroutine has entered stay with it.

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use eventlet_green::{JoinError, catch_panic, sleep, spawn, timeout, yield_now};
use support::{on_each_hub, on_each_hub_jumping, until_parked};
use tracing::span::Id;
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Event, Span, Subscriber, info, info_span};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

/// The spans around each event, outermost first, joined by slashes.
type Seen = Arc<Mutex<Vec<String>>>;

struct Scopes(Seen);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Scopes {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let spans = context.event_scope(event).into_iter().flatten();
        let mut names: Vec<_> = spans.map(|span| span.name()).collect();
        names.reverse();
        self.0.lock().unwrap().push(names.join("/"));
    }
}

/// A subscriber for this thread, and what it sees.
fn subscribe() -> (Seen, DefaultGuard) {
    let seen = Seen::default();
    let subscriber = Registry::default().with(Scopes(Arc::clone(&seen)));
    (seen, set_default(subscriber))
}

fn take(seen: &Seen) -> Vec<String> {
    std::mem::take(&mut *seen.lock().unwrap())
}

#[test]
fn each_keeps_its_own() {
    on_each_hub(|| {
        let (seen, _guard) = subscribe();
        let work = |name: &'static str| {
            move || {
                let span = match name {
                    "a" => info_span!("a"),
                    _ => info_span!("b"),
                };
                let _outer = span.enter();
                yield_now();
                info_span!("inner").in_scope(|| {
                    yield_now();
                    info!("deep");
                });
                info!("shallow");
            }
        };
        let (a, b) = (spawn(work("a")), spawn(work("b")));
        info_span!("root").in_scope(|| {
            a.join().unwrap();
            info!("between");
            b.join().unwrap();
        });
        info!("after");
        assert_eq!(take(&seen), ["a/inner", "a", "b/inner", "b", "root", ""]);
    });
}

/// As a new thread or task; it is handed over where that is wanted.
#[test]
fn a_new_one_begins_in_none() {
    on_each_hub(|| {
        let (seen, _guard) = subscribe();
        let (bare, given) = info_span!("request").in_scope(|| {
            let span = Span::current();
            let given = spawn(move || span.in_scope(|| info!("given")));
            (spawn(|| info!("bare")), given)
        });
        given.join().unwrap();
        bare.join().unwrap();
        assert_eq!(take(&seen), ["request", ""]);
    });
}

#[test]
fn they_are_there_while_a_kill_or_a_timeout_unwinds() {
    struct Says;

    impl Drop for Says {
        fn drop(&mut self) {
            info!("unwinds");
        }
    }

    on_each_hub_jumping(|_| {
        let (seen, _guard) = subscribe();
        let body = || {
            info_span!("victim").in_scope(|| {
                let _says = Says;
                sleep(Duration::from_secs(3600));
            });
        };
        let handle = spawn(body);
        until_parked(&handle);
        info!("others");
        handle.kill().unwrap();
        assert!(matches!(handle.join(), Err(JoinError::Killed)));
        assert!(
            timeout(Duration::from_secs(1), body)
                .unwrap_err()
                .is_elapsed()
        );
        assert!(catch_panic(|| info_span!("broken").in_scope(|| panic!("broken"))).is_err());
        info!("after");
        assert_eq!(take(&seen), ["", "victim", "victim", ""]);
    });
}

#[test]
fn the_same_span_twice() {
    on_each_hub(|| {
        let (seen, _guard) = subscribe();
        let handle = spawn(|| {
            let span = info_span!("twice");
            let outer = span.enter();
            let other = info_span!("other").entered();
            let inner = span.enter();
            yield_now();
            drop(inner);
            info!("still both");
            drop(other);
            info!("still one");
            drop(outer);
            info!("none");
        });
        yield_now();
        info!("others");
        handle.join().unwrap();
        assert_eq!(take(&seen), ["", "twice/other", "twice", ""]);
    });
}

#[test]
fn a_leaked_guard_ends_with_its_coroutine() {
    on_each_hub(|| {
        let (seen, _guard) = subscribe();
        spawn(|| std::mem::forget(info_span!("leaked").entered()))
            .join()
            .unwrap();
        info!("others");
        assert_eq!(take(&seen), [""]);
    });
}

/// A layer that would wait in the middle of a switch is refused, and no span is lost.
#[test]
fn a_subscriber_cannot_wait_in_a_switch() {
    struct Waits;

    impl<S: Subscriber> Layer<S> for Waits {
        fn on_exit(&self, _: &Id, _: Context<'_, S>) {
            // Refused in a switch; elsewhere it yields.
            let _ = catch_panic(yield_now);
        }
    }

    on_each_hub(|| {
        let seen = Seen::default();
        let subscriber = Registry::default()
            .with(Waits)
            .with(Scopes(Arc::clone(&seen)));
        let _guard = set_default(subscriber);
        let handle = spawn(|| {
            let _span = info_span!("span").entered();
            yield_now();
            info!("here");
        });
        yield_now();
        handle.join().unwrap();
        assert_eq!(take(&seen), ["span"]);
    });
}

#[test]
fn without_a_subscriber_nothing_happens() {
    on_each_hub(|| {
        let handle = spawn(|| {
            let _span = info_span!("unseen").entered();
            yield_now();
            7
        });
        assert_eq!(handle.join().unwrap(), 7);
    });
}
