//! What every plugin does alike: the frame round a run, printing, exit codes and snapshot files.
//!
//! Nothing here knows what a plugin is about. [`plugin::run`] is the whole `main` of a plugin;
//! the other modules are what its reports are made with:
//!
//! * the result goes to standard output through the [`printer`], as [`mod@format`] says: prose in
//!   [`paragraph`]s, [`table`]s, semantic [`style`]s;
//! * everything else goes to standard error: a [`failure`], a [`progress`] spinner;
//! * how it ended is one [`exit`] code.

pub mod catalogue;
pub mod color;
pub mod completion;
pub mod control;
pub mod exit;
pub mod facts_path;
pub mod failure;
pub mod finding;
pub mod format;
pub mod ignore_file;
pub mod interrupt;
pub mod invocation;
pub mod judging;
pub mod kubernetes_flags;
pub mod live;
pub mod paragraph;
pub mod plugin;
pub mod printer;
pub mod probe;
pub mod progress;
pub mod prompt;
pub mod recording;
pub mod remark;
mod request_log;
pub mod snapshot_file;
pub mod style;
pub mod sysdump;
pub mod table;
pub mod terminal;
pub mod version;

pub use completion::Completion;
pub use exit::Exit;
pub use failure::Failure;
pub use format::OutputFormat;
pub use kubernetes_flags::KubernetesFlags;
pub use paragraph::Paragraph;
pub use printer::Printer;
pub use style::Style;
pub use table::Table;
