//! What a program gives to its console: values, functions and modules, each with a line of help.
//!
//! How a script gets to them is the business of `interpreter`.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use rhai::{Dynamic, EvalAltResult, FuncRegistration, Module, RhaiNativeFunc, Shared};

use super::table::{Align, Cell, Table};

type Get = Box<dyn Fn() -> Dynamic>;
type Set = Box<dyn Fn(Dynamic) -> Result<(), String>>;

/// Names that scripts find in a session, in addition to those of the console itself.
///
/// Functions may take and give what `rhai` knows (`i64`, `f64`, `bool`, `&str`, `String`,
/// [`Array`](rhai::Array), [`Map`](rhai::Map), …) or types that are registered with a
/// [module](Self::module), and fail with a `Result` of a `Box<EvalAltResult>`. They may wait: only
/// the session does. A panic ends the statement, and its text is shown.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::backdoor::Names;
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// let limit = Rc::new(Cell::new(10_i64));
/// let mut names = Names::new();
/// let (read, written) = (Rc::clone(&limit), limit);
/// names.variable(
///     "limit",
///     "how many jobs at a time",
///     move || read.get(),
///     move |value: i64| match value {
///         1.. => Ok(written.set(value)),
///         _ => Err("at least one".to_owned()),
///     },
/// );
/// names.function("double", "double(n): twice the number", |n: i64| 2 * n);
/// // >>> app.limit += double(5)
/// ```
///
/// ```
/// use eventlet_protocols::backdoor::{Names, rhai::Module};
///
/// let mut maths = Module::new();
/// maths.set_native_fn("half", |n: i64| Ok(n / 2));
/// let mut names = Names::new();
/// names.value("answer", "what the program was for", || 42_i64);
/// names.module("maths", "little helpers", maths);
/// // >>> maths::half(app.answer)
/// // 21
/// ```
#[derive(Default)]
pub struct Names {
    functions: Module,
    values: BTreeMap<String, Value>,
    modules: Vec<(String, Shared<Module>)>,
    help: Vec<Help>,
}

struct Value {
    help: String,
    get: Get,
    set: Option<Set>,
}

#[derive(Clone)]
struct Help {
    name: String,
    text: String,
}

impl Names {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// A value that scripts read as `app.name`; `get` is called each time. A name that is a word of
    /// `rhai`'s (`shared`) is read as `app["shared"]`.
    pub fn value<T: Into<Dynamic>>(
        &mut self,
        name: &str,
        help: &str,
        get: impl Fn() -> T + 'static,
    ) -> &mut Self {
        self.add_value(name, help, Box::new(move || get().into()), None)
    }

    /// A value that scripts read and write as `app.name`. An error of `set` is the statement's.
    pub fn variable<T: Into<Dynamic> + Clone + 'static>(
        &mut self,
        name: &str,
        help: &str,
        get: impl Fn() -> T + 'static,
        set: impl Fn(T) -> Result<(), String> + 'static,
    ) -> &mut Self {
        let set = move |value: Dynamic| {
            let given = value.type_name();
            // Whole numbers are written without a point.
            let value = match value.as_int() {
                Ok(number) if TypeId::of::<T>() == TypeId::of::<f64>() => (number as f64).into(),
                _ => value,
            };
            match value.try_cast::<T>() {
                Some(value) => set(value),
                None => {
                    let wanted = std::any::type_name::<T>();
                    Err(format!("it takes a {wanted}, not a {given}"))
                }
            }
        };
        self.add_value(
            name,
            help,
            Box::new(move || get().into()),
            Some(Box::new(set)),
        )
    }

    fn add_value(&mut self, name: &str, help: &str, get: Get, set: Option<Set>) -> &mut Self {
        let help = help.to_owned();
        let value = Value { help, get, set };
        self.values.insert(name.to_owned(), value);
        self
    }

    /// A function. Its help begins as it is called: `restart(job): starts it again`. Several of one
    /// name may differ in what they take.
    pub fn function<A, const N: usize, const X: bool, R, const F: bool>(
        &mut self,
        name: &str,
        help: &str,
        function: impl RhaiNativeFunc<A, N, X, R, F> + 'static,
    ) -> &mut Self
    where
        A: 'static,
        R: Clone + 'static,
    {
        FuncRegistration::new(name)
            .in_global_namespace()
            .set_into_module(&mut self.functions, function);
        self.add_help(name, help)
    }

    /// A module of `rhai`'s, whose functions are called as `name::function()`. Types that it registers
    /// are known everywhere.
    pub fn module(&mut self, name: &str, help: &str, module: Module) -> &mut Self {
        self.modules.push((name.to_owned(), Shared::new(module)));
        self.add_help(&format!("{name}::"), help)
    }

    fn add_help(&mut self, name: &str, text: &str) -> &mut Self {
        self.help.push(Help {
            name: name.to_owned(),
            text: text.to_owned(),
        });
        self
    }

    /// Ready to be shared.
    pub(super) fn seal(self) -> Sealed {
        let mut functions = self.functions;
        functions.build_index();
        Sealed {
            functions: Shared::new(functions),
            values: self.values,
            modules: self.modules,
            help: self.help,
        }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names")
            .field("values", &self.values.keys())
            .field("functions", &self.help.len())
            .finish_non_exhaustive()
    }
}

/// Names that change no more.
pub(super) struct Sealed {
    pub(super) functions: Shared<Module>,
    pub(super) modules: Vec<(String, Shared<Module>)>,
    values: BTreeMap<String, Value>,
    help: Vec<Help>,
}

/// All that a session finds: its own names before those of all sessions. It is `app` in a script.
#[derive(Clone)]
pub(super) struct App {
    pub(super) layers: Rc<[Rc<Sealed>]>,
}

impl App {
    fn find(&self, name: &str) -> Result<&Value, Box<EvalAltResult>> {
        let mut found = self
            .layers
            .iter()
            .filter_map(|layer| layer.values.get(name));
        found
            .next()
            .ok_or_else(|| format!("app has no {name}; app alone shows what it has").into())
    }

    pub(super) fn read(&self, name: &str) -> Result<Dynamic, Box<EvalAltResult>> {
        Ok((self.find(name)?.get)())
    }

    pub(super) fn write(&self, name: &str, value: Dynamic) -> Result<(), Box<EvalAltResult>> {
        match &self.find(name)?.set {
            Some(set) => set(value).map_err(|why| format!("app.{name}: {why}").into()),
            None => Err(format!("app.{name} can only be read").into()),
        }
    }

    /// The values with what they are now.
    pub(super) fn table(&self) -> Table {
        let mut table = Table::new(&[
            ("name", Align::Left),
            ("value", Align::Left),
            ("", Align::Left),
            ("help", Align::Left),
        ]);
        let mut shown = BTreeMap::new();
        for layer in self.layers.iter() {
            for (name, value) in &layer.values {
                shown.entry(name).or_insert(value);
            }
        }
        for (name, value) in shown {
            let access = if value.set.is_some() { "rw" } else { "r" };
            table.push(vec![
                Cell::text(name.as_str()),
                Cell::text(format!("{:?}", (value.get)())),
                Cell::text(access),
                Cell::text(value.help.as_str()),
            ]);
        }
        if table.len() == 0 {
            table.note("the program has registered no values");
        }
        table
    }

    /// The functions and modules: name and help.
    pub(super) fn help(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.layers.iter().flat_map(|layer| &layer.help);
        all.map(|help| (&*help.name, &*help.text))
    }
}
