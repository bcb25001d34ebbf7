//! What a program gives to its console: values, functions and modules, for all sessions or for one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use eventlet_green::sleep;
use eventlet_protocols::backdoor::rhai::{EvalAltResult, FuncRegistration, Map, Module};
use eventlet_protocols::backdoor::{Backdoor, Names};

use crate::support::{Console, config, on_each_hub};

#[test]
fn values_are_read_and_written_through_accessors() {
    on_each_hub(|| {
        let limit = Rc::new(Cell::new(10_i64));
        let mut names = Names::new();
        let (read, written) = (Rc::clone(&limit), Rc::clone(&limit));
        names.variable(
            "limit",
            "how many at a time",
            move || read.get(),
            move |value| match value {
                1.. => {
                    written.set(value);
                    Ok(())
                }
                _ => Err("at least one".to_owned()),
            },
        );
        names.value("name", "what it is called", || "tea house".to_owned());
        names.value("map", "something with parts", || {
            Map::from_iter([("cups".into(), 3_i64.into())])
        });
        let share = Rc::new(Cell::new(0.5));
        let (read, written) = (Rc::clone(&share), Rc::clone(&share));
        names.variable(
            "share",
            "a part",
            move || read.get(),
            move |value: f64| {
                written.set(value);
                Ok(())
            },
        );
        let console = Console::with(config(), names);
        let (mut ann, mut ben) = (console.session(), console.session());
        // A whole number is a number.
        assert_eq!(ann.ask("app.share = 2"), "");
        assert_eq!(share.get(), 2.0);
        assert_eq!(ann.ask("app.limit"), "10\r\n");
        assert_eq!(ann.ask("app.limit = 5; app.limit += 2"), "");
        assert_eq!(limit.get(), 7);
        // All sessions see the one value.
        assert_eq!(ben.ask("app.limit * 2"), "14\r\n");
        assert_eq!(ben.ask("app[\"limit\"]"), "7\r\n");
        assert_eq!(ben.ask("app.name"), "\"tea house\"\r\n");
        assert_eq!(ben.ask("app.map.cups"), "3\r\n");
        for (statement, fault) in [
            ("app.limit = 0", "app.limit: at least one"),
            ("app.limit = \"many\"", "it takes a i64, not a string"),
            ("app.name = \"x\"", "app.name can only be read"),
            ("app.other", "app has no other"),
            ("app.other = 1", "app has no other"),
        ] {
            let shown = ben.ask(statement);
            assert!(
                shown.starts_with("error: ") && shown.contains(fault),
                "{shown}"
            );
        }
        assert_eq!(limit.get(), 7);
        let shown = ben.ask("app");
        assert!(
            shown.contains("limit  7") && shown.contains("how many at a time"),
            "{shown}"
        );
        assert!(shown.contains("tea house"), "{shown}");
        drop((ann, ben));
        console.end();
    });
}

#[test]
fn functions_may_wait_fail_and_differ_in_what_they_take() {
    on_each_hub(|| {
        let mut names = Names::new();
        names.function(
            "brew",
            "brew(cups): makes tea, which takes a while",
            |cups: i64| {
                sleep(Duration::from_millis(1));
                format!("{cups} cups")
            },
        );
        names.function(
            "brew",
            "brew(kind): of a kind",
            |kind: &str| -> Result<i64, Box<EvalAltResult>> {
                if kind == "coffee" {
                    return Err("this is a tea house".into());
                }
                Ok(kind.len() as i64)
            },
        );
        let console = Console::with(config(), names);
        let mut client = console.session();
        assert_eq!(client.ask("brew(2)"), "\"2 cups\"\r\n");
        assert_eq!(client.ask("brew(\"green\")"), "5\r\n");
        let shown = client.ask("brew(\"coffee\")");
        assert!(shown.contains("this is a tea house"), "{shown}");
        let shown = client.ask("brew(true)");
        assert!(shown.contains("Function not found: brew (bool)"), "{shown}");
        drop(client);
        console.end();
    });
}

#[test]
fn whole_modules_can_be_given_with_types_of_their_own() {
    #[derive(Clone)]
    struct Pot(Rc<RefCell<Vec<String>>>);

    on_each_hub(|| {
        let pot = Pot(Rc::default());
        let mut module = Module::new();
        let given = pot.clone();
        module.set_custom_type::<Pot>("Pot");
        FuncRegistration::new("pot").set_into_module(&mut module, move || given.clone());
        FuncRegistration::new("add")
            .in_global_namespace()
            .set_into_module(&mut module, |pot: &mut Pot, what: &str| {
                pot.0.borrow_mut().push(what.to_owned());
            });
        module.set_var("cups", 4_i64);
        let mut names = Names::new();
        names.module("kitchen", "what is in the kitchen", module);
        let console = Console::with(config(), names);
        let mut client = console.session();
        assert_eq!(client.ask("kitchen::cups"), "4\r\n");
        assert_eq!(client.ask("let p = kitchen::pot(); p.add(\"leaves\")"), "");
        assert_eq!(*pot.0.borrow(), ["leaves"]);
        assert!(
            client
                .ask("help(\"kitchen\")")
                .contains("what is in the kitchen")
        );
        drop(client);
        console.end();
    });
}

#[test]
fn a_session_may_have_names_of_its_own() {
    on_each_hub(|| {
        let count = Cell::new(0_i64);
        let mut names = Names::new();
        names.value("who", "shared", || "everybody".to_owned());
        names.value("common", "shared", || 1_i64);
        let backdoor = Backdoor::builder()
            .config(config())
            .names(names)
            .private_names(move |peer, names| {
                count.set(count.get() + 1);
                let number = count.get();
                let address = peer.to_string();
                names.value("who", "private", move || number);
                names.function("address", "address(): whence it is asked", move || {
                    address.clone()
                });
            });
        let console = Console::of(backdoor.build());
        let (mut ann, mut ben) = (console.session(), console.session());
        assert_eq!(ann.ask("app.who + app.common"), "2\r\n");
        assert_eq!(ben.ask("app.who + app.common"), "3\r\n");
        let address = ben.stream.local_addr().unwrap();
        assert_eq!(ben.ask("address()"), format!("\"{address}\"\r\n"));
        assert!(ben.ask("app.table").starts_with("error: app has no table"));
        assert_eq!(ben.ask("app").matches("who ").count(), 1);
        drop((ann, ben));
        console.end();
    });
}
