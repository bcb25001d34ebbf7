//! A layer for subscribers of `tracing` that gives events to a [`Logger`].
//!
//! Which spans an event is in, is told by the subscriber; that spans stay with their coroutine is for
//! the feature `tracing` of `eventlet-green`.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use log::Level;
use tracing::field::Visit;
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::logger::Logger;
use super::record::{Field, Record};

/// Gives the events of `tracing` to a [`Logger`], whose levels decide which. Fields of an event become
/// fields of the record; those of the spans around it follow, from the innermost to the outermost, as
/// `span.field`, and a span without any is named by a field `span`.
///
/// # Examples
///
/// ```
/// use eventlet_protocols::log::{LogWriter, Logger};
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let logger = Logger::builder().sink(LogWriter::new(std::io::stderr())?).build();
/// let subscriber = tracing_subscriber::registry().with(logger.layer());
/// tracing::subscriber::with_default(subscriber, || {
///     let _span = tracing::info_span!("request", id = 7).entered();
///     tracing::info!(status = 200, "done"); // … INFO  app [main] done status=200 request.id=7
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LogLayer {
    logger: Logger,
}

impl Logger {
    /// A layer for subscribers of `tracing` that gives events to this logger.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventlet_protocols::log::{LogWriter, Logger};
    /// use tracing_subscriber::layer::SubscriberExt;
    ///
    /// let logger = Logger::builder().sink(LogWriter::new(std::io::stderr())?).build();
    /// let subscriber = tracing_subscriber::registry().with(logger.layer());
    /// tracing::subscriber::with_default(subscriber, || {
    ///     let _request = tracing::info_span!("request", path = "/").entered();
    ///     tracing::warn!(status = 500, "failed"); // … failed status=500 request.path=/
    /// });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn layer(&self) -> LogLayer {
        LogLayer {
            logger: self.clone(),
        }
    }
}

/// What a span was given, kept with it.
struct SpanFields(Vec<(Cow<'static, str>, String)>);

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut seen = Seen::default();
        attributes.record(&mut seen);
        if let Some(span) = context.span(id) {
            let fields = SpanFields(seen.into_fields());
            span.extensions_mut().replace(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &tracing::span::Record<'_>, context: Context<'_, S>) {
        let mut seen = Seen::default();
        values.record(&mut seen);
        let Some(span) = context.span(id) else {
            return;
        };
        if let Some(fields) = span.extensions_mut().get_mut::<SpanFields>() {
            for (name, value) in seen.into_fields() {
                fields.0.retain(|(other, _)| *other != name);
                fields.0.push((name, value));
            }
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let level = level_of(*metadata.level());
        if !self.logger.allows(metadata.target(), level) {
            return;
        }
        self.logger.within(|| {
            let mut seen = Seen::default();
            event.record(&mut seen);
            let message = seen.message.take().unwrap_or_default();
            let mut fields: Vec<Field<'_>> = seen.into_fields();
            for span in context.event_scope(event).into_iter().flatten() {
                let extensions = span.extensions();
                match extensions.get::<SpanFields>() {
                    Some(SpanFields(own)) if !own.is_empty() => {
                        let named = own.iter().map(|(name, value)| {
                            let name = format!("{}.{name}", span.name());
                            (Cow::Owned(name), value.clone())
                        });
                        fields.extend(named);
                    }
                    _ => fields.push(("span".into(), span.name().to_owned())),
                }
            }
            let record = Record::new(level, metadata.target(), &message);
            self.logger.give(&record.fields(&fields));
        });
    }
}

fn level_of(level: tracing::Level) -> Level {
    match level {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::TRACE => Level::Trace,
    }
}

/// The fields of an event or a span, as text.
#[derive(Default)]
struct Seen {
    message: Option<String>,
    fields: Vec<(&'static str, String)>,
}

impl Seen {
    fn add(&mut self, field: &tracing::field::Field, value: String) {
        if field.name() == "message" {
            self.message = Some(value);
        } else {
            self.fields.push((field.name(), value));
        }
    }

    /// A span has no message: there, a field of that name is one like others.
    fn into_fields<'a>(self) -> Vec<Field<'a>> {
        let message = self.message.map(|text| ("message", text));
        let all = message.into_iter().chain(self.fields);
        all.map(|(name, value)| (Cow::Borrowed(name), value))
            .collect()
    }
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        // What a value's `Debug` gives up at, is shown so far.
        let _ = write!(text, "{value:?}");
        self.add(field, text);
    }

    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        self.add(field, value.to_owned());
    }
}
