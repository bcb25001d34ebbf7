//! A tea house whose state is looked at and changed while it runs: connect with `telnet` or `nc`.
//!
//! `cargo run --example backdoor -- [--listen ADDR|unix:PATH]`, then `telnet 127.0.0.1 3000`, and there:
//!
//! ```text
//! >>> ps()                    who is there, and what each waits for
//! >>> app                     the state; app.pause = 0.1 makes them hurry
//! >>> order("green", 3)       three guests more
//! >>> watch(1, "app.served")  until Ctrl-C
//! ```

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use eventlet::http::backdoor::rhai::Array;
use eventlet::http::backdoor::{Backdoor, Config, Names};
use eventlet::signals::{STOP, Signals};
use eventlet::{Builder, sleep};

/// What everybody in the house shares.
#[derive(Default)]
struct House {
    orders: RefCell<VecDeque<String>>,
    served: Cell<i64>,
    /// How long a cup takes, in seconds.
    pause: Cell<f64>,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("backdoor: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let place = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => "127.0.0.1:3000".to_owned(),
        (Some("--listen"), Some(place)) => place,
        _ => return Err("usage: backdoor [--listen ADDR|unix:PATH]".into()),
    };
    let house = Rc::new(House::default());
    house.pause.set(1.0);
    let (brewing, brewer) = (Rc::clone(&house), Builder::new().name("brewer"));
    brewer.spawn(move || brew(&brewing))?;
    let opened = Backdoor::new(Config::new(), names(&house)).open(&place.parse()?)?;
    let stop = Signals::new(&STOP)?;
    println!("listening on {}", opened.place());
    io::stdout().flush()?;
    stop.wait()?;
    Ok(opened.close()?)
}

/// The one who works here.
fn brew(house: &House) {
    loop {
        sleep(Duration::from_secs_f64(house.pause.get()));
        if house.orders.borrow_mut().pop_front().is_some() {
            house.served.set(house.served.get() + 1);
        }
    }
}

/// What the console finds.
fn names(house: &Rc<House>) -> Names {
    let mut names = Names::new();
    let of = || Rc::clone(house);
    let (served, read, written, ordered, waiting) = (of(), of(), of(), of(), of());
    names.value("served", "cups so far", move || served.served.get());
    let set = move |seconds: f64| {
        let fits = (0.01..=60.0).contains(&seconds);
        let set = fits.then(|| written.pause.set(seconds));
        set.ok_or_else(|| "between 0.01 and 60 seconds".to_owned())
    };
    names.variable(
        "pause",
        "seconds a cup takes",
        move || read.pause.get(),
        set,
    );
    let order = move |kind: &str, cups: i64| {
        let wanted = (0..cups.min(1000)).map(|_| kind.to_owned());
        ordered.orders.borrow_mut().extend(wanted);
    };
    names.function("order", "order(kind, cups): asks for tea", order);
    let orders = move || -> Array {
        let orders = waiting.orders.borrow();
        orders.iter().map(|kind| kind.clone().into()).collect()
    };
    names.function("orders", "orders(): what is to be brewed", orders);
    names
}
