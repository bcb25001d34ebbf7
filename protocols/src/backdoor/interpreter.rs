//! The language of a session: one engine and its variables, with everything taken from it that would
//! hold up the thread or leave the sandbox, and limits on the rest.
//!
//! What the console's own functions do is the business of `inspect`; what the program's do, of
//! [`names`](super::names).

use std::cell::RefCell;
use std::rc::Rc;

use rhai::packages::{Package, StandardPackage};
use rhai::{
    AST, Dynamic, Engine, EvalAltResult, LexError, Map, Module, OptimizationLevel, ParseError,
    ParseErrorType, Scope, Shared,
};

use super::config::Config;
use super::names::App;
use super::table::{Plain, Table, clean, cut};
use super::terminal::Terminal;
use super::turn::Turn;

/// After so many operations a script looks at the clock.
const OPERATIONS_A_LOOK: u64 = 64;
/// How much of a value is shown, in bytes; a script can look at the rest in parts.
const MOST_SHOWN: usize = 64 * 1024;

/// What may be had of `rhai`'s own: everything but files. Made once for all sessions.
pub(super) fn standard() -> Shared<Module> {
    StandardPackage::new().as_shared_module()
}

pub(super) struct Interpreter {
    engine: Engine,
    turn: Rc<Turn>,
    terminal: Rc<Terminal>,
    most_functions: usize,
    /// Why a statement was stopped by the look at its use of memory.
    excess: Rc<RefCell<Option<String>>>,
    /// Borrowed by the one statement that runs.
    state: RefCell<State>,
}

struct State {
    scope: Scope<'static>,
    /// What the session has defined.
    functions: AST,
}

impl Interpreter {
    pub(super) fn new(
        config: &Config,
        standard: Shared<Module>,
        app: App,
        terminal: &Rc<Terminal>,
        register: impl FnOnce(&mut Engine),
    ) -> Self {
        // Without the resolver that reads modules from files.
        let mut engine = Engine::new_raw();
        engine.register_global_module(standard);
        engine.set_optimization_level(OptimizationLevel::None);
        limit(&mut engine, config);

        let output = Rc::clone(terminal);
        engine.on_print(move |text| {
            // That it is gone is noticed by the next look.
            let _ = output.line(text);
        });
        let output = Rc::clone(terminal);
        engine.on_debug(move |text, _, position| {
            let _ = output.line(&format!("{position:?} {text}"));
        });
        let turn = Rc::new(Turn::new(config.growth));
        let (taking_turns, client) = (Rc::clone(&turn), Rc::clone(terminal));
        let excess = Rc::new(RefCell::new(None));
        let told = Rc::clone(&excess);
        engine.on_progress(move |operations| {
            if operations % OPERATIONS_A_LOOK == 0 {
                if let Err(why) = taking_turns.give_away_if_used() {
                    told.replace(Some(why));
                    return Some(Dynamic::UNIT);
                }
                if client.is_gone() {
                    return Some(Dynamic::UNIT);
                }
            }
            None
        });

        register_types(&mut engine, terminal);
        register(&mut engine);
        for layer in app.layers.iter() {
            engine.register_global_module(Shared::clone(&layer.functions));
            for (name, module) in &layer.modules {
                engine.register_static_module(name, Shared::clone(module));
            }
        }
        let mut scope = Scope::new();
        scope.push("app", app);
        Interpreter {
            engine,
            turn,
            terminal: Rc::clone(terminal),
            most_functions: config.sizes.functions,
            excess,
            state: RefCell::new(State {
                scope,
                functions: AST::empty(),
            }),
        }
    }

    pub(super) fn compile(&self, source: &str) -> Result<AST, ParseError> {
        self.engine.compile(source)
    }

    /// Evaluates a statement. May be unwound.
    pub(super) fn run(&self, statement: &AST) -> Result<Dynamic, Box<EvalAltResult>> {
        let mut state = self.state.borrow_mut();
        let State { scope, functions } = &mut *state;
        let whole = functions.merge(statement);
        if whole.iter_functions().count() > self.most_functions {
            let most = self.most_functions;
            return Err(format!("a session may define {most} functions").into());
        }
        *functions = whole.clone_functions_only();
        let _statement = self.turn.begin_statement();
        let mut rewound = Rewound::from(scope);
        let result = self
            .engine
            .eval_ast_with_scope::<Dynamic>(rewound.scope, &whole);
        rewound.has_ended = true;
        match self.excess.take() {
            Some(why) => Err(why.into()),
            None => result,
        }
    }

    /// A value as the prompt shows it; nothing for `()`.
    pub(super) fn show(&self, value: Dynamic) -> Option<String> {
        if value.is_unit() {
            return None;
        }
        let width = self.terminal.width();
        let value = match value.try_cast_result::<Map>() {
            Ok(map) => return Some(self.show_map(&map, width)),
            Err(value) => value,
        };
        let mut text = self.describe(value);
        if text.len() > MOST_SHOWN {
            let mut end = MOST_SHOWN;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let more = text.len() - end;
            text.truncate(end);
            text.push_str(&format!("… and {more} bytes more"));
        }
        Some(text)
    }

    /// A line a property.
    fn show_map(&self, map: &Map, width: usize) -> String {
        let longest = map.keys().map(|name| name.chars().count()).max();
        let longest = longest.unwrap_or(0);
        let mut lines = Vec::new();
        for (name, value) in map {
            let line = format!("{name:longest$}  {}", self.describe(value.clone()));
            lines.push(cut(&clean(&line), width));
        }
        if lines.is_empty() {
            return "#{}".to_owned();
        }
        lines.join("\n")
    }

    /// By the type's own `to_debug` if it has registered one.
    fn describe(&self, value: Dynamic) -> String {
        let fallback = value.clone();
        let mut scope = Scope::new();
        scope.push_dynamic("it", value);
        let shown = self
            .engine
            .eval_expression_with_scope::<String>(&mut scope, "to_debug(it)");
        shown.unwrap_or_else(|_| format!("{fallback:?}"))
    }
}

fn limit(engine: &mut Engine, config: &Config) {
    let sizes = &config.sizes;
    // In `rhai`, zero is no limit.
    engine
        .set_max_operations(config.operations.map_or(0, |most| most.max(1)))
        .set_max_string_size(sizes.string.max(1))
        .set_max_array_size(sizes.array.max(1))
        .set_max_map_size(sizes.map.max(1))
        .set_max_variables(sizes.variables.max(1))
        .set_max_functions(sizes.functions.max(1))
        .set_max_call_levels(sizes.calls)
        .set_max_expr_depths(sizes.expressions.max(1), (sizes.expressions / 2).max(1))
        .set_max_modules(0);
}

fn register_types(engine: &mut Engine, terminal: &Rc<Terminal>) {
    engine
        .register_type_with_name::<Table>("Table")
        .register_fn("rows", |table: &mut Table| table.rows())
        .register_fn("len", |table: &mut Table| table.len() as i64);
    engine
        .register_type_with_name::<App>("App")
        .register_indexer_get(|app: &mut App, name: &str| app.read(name))
        .register_indexer_set(|app: &mut App, name: &str, value: Dynamic| app.write(name, value));
    engine.register_type_with_name::<Plain>("Text");
    for name in ["to_string", "to_debug"] {
        engine.register_fn(name, |text: &mut Plain| text.0.clone());
        let shown = Rc::clone(terminal);
        engine.register_fn(name, move |table: &mut Table| table.render(shown.width()));
        let shown = Rc::clone(terminal);
        engine.register_fn(name, move |app: &mut App| app.table().render(shown.width()));
    }
}

/// Variables of inner blocks are taken off again also when a statement is unwound in their midst.
struct Rewound<'a> {
    scope: &'a mut Scope<'static>,
    length: usize,
    has_ended: bool,
}

impl<'a> From<&'a mut Scope<'static>> for Rewound<'a> {
    fn from(scope: &'a mut Scope<'static>) -> Self {
        let length = scope.len();
        Rewound {
            scope,
            length,
            has_ended: false,
        }
    }
}

impl Drop for Rewound<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.scope.rewind(self.length);
        }
    }
}

/// Whether more lines could make a statement of what does not compile.
pub(super) fn is_unfinished(source: &str, error: &ParseError) -> bool {
    match &*error.0 {
        ParseErrorType::UnexpectedEOF => true,
        // Only text in back-quotes has several lines.
        ParseErrorType::BadInput(LexError::UnterminatedString) => {
            source.matches('`').count() % 2 == 1
        }
        ParseErrorType::BadInput(_) => false,
        _ => is_at_end(source, error),
    }
}

/// Whether the parser was content with all that there is.
fn is_at_end(source: &str, error: &ParseError) -> bool {
    let Some(line) = error.1.line() else {
        return false;
    };
    let text = source.trim_end();
    let last = text.lines().count();
    let length = text.lines().last().map_or(0, |line| line.chars().count());
    line > last || (line == last && error.1.position().is_some_and(|column| column > length))
}
