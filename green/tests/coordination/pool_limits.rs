//! How long items of a pool may be idle, and how old they may become.

use std::cell::Cell;
use std::convert::Infallible;
use std::time::Duration;

use crate::support::on_each_hub_jumping;
use eventlet_green::pool::Settings;
use eventlet_green::{sleep, stats};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// A function that makes numbered items.
fn numbers() -> impl Fn() -> Result<u32, Infallible> {
    let next = Cell::new(0);
    move || Ok(next.replace(next.get() + 1))
}

#[test]
fn idle_and_age_limits() {
    on_each_hub_jumping(|_| {
        let settings = Settings::new().max_size(3).idle_limit(10 * SECOND);
        let pool = settings.clone().min_size(1).build(numbers()).unwrap();
        let items = [(); 3].map(|()| pool.acquire().unwrap());
        drop(items);
        sleep(5 * SECOND);
        drop(pool.acquire().unwrap()); // number 0 is idle from now on
        sleep(6 * SECOND);
        assert_eq!(
            pool.idle(),
            1,
            "those that were idle for ten seconds are gone"
        );
        sleep(HOUR);
        assert_eq!(*pool.acquire().unwrap(), 0, "the smallest number is kept");
        drop(pool);
        // Age: also of one that is used all the time.
        let pool = Settings::new()
            .age_limit(10 * SECOND)
            .build(numbers())
            .unwrap();
        for _ in 0..12 {
            let item = pool.acquire().unwrap();
            sleep(SECOND);
            drop(item);
        }
        assert_eq!(
            *pool.acquire().unwrap(),
            1,
            "the first was dropped on its return"
        );
        sleep(HOUR);
        assert_eq!(pool.idle(), 0);
        drop(pool);
        // Zero: never kept.
        let pool = settings
            .idle_limit(Duration::ZERO)
            .build(numbers())
            .unwrap();
        assert_eq!([(); 3].map(|()| *pool.acquire().unwrap()), [0, 1, 2]);
        assert_eq!((pool.idle(), pool.free()), (0, 3));
    });
}

#[test]
fn one_timer_for_all_idle_items_and_none_when_the_pool_is_gone() {
    on_each_hub_jumping(|_| {
        let pool = Settings::new()
            .max_size(9)
            .idle_limit(HOUR)
            .build(numbers())
            .unwrap();
        for _ in 0..1_000 {
            drop([(); 9].map(|()| pool.acquire().unwrap()));
        }
        assert_eq!(stats().timers, 1);
        pool.clear();
        assert_eq!(stats().timers, 0);
        drop(pool.acquire().unwrap());
        assert_eq!(stats().timers, 1);
        drop(pool);
        assert_eq!(stats().timers, 0);
    });
}
