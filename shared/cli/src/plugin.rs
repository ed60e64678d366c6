//! The frame round a run: command line in, exit code out.

use std::{ffi::OsString, io::Write as _, process::ExitCode};

use clap::{
    ArgMatches, Args as _, FromArgMatches as _, Parser,
    error::{ContextKind, ErrorKind},
    parser::ValueSource,
};

use crate::{
    Exit, Failure, Printer,
    color::{Color, ColorArg},
    completion, exit, invocation, terminal,
};

/// The whole `main` of a plugin.
///
/// Parses the command line as `Args`, to which it adds `--color` and the table of exit codes;
/// hands the values and a printer for the result to `body`; writes out what was printed; reports
/// a failure on standard error; and says how the process exits.
///
/// ```no_run
/// use std::{io::Write as _, process::ExitCode};
///
/// use kcilium_cli::{Exit, Failure, Printer};
///
/// /// Greets a node
/// #[derive(clap::Parser)]
/// #[command(version)]
/// struct Args {
///     /// Name of the node
///     node: String,
/// }
///
/// fn greet(args: Args, printer: &mut Printer) -> Result<Exit, Failure> {
///     writeln!(printer, "hello, {}", args.node)?;
///     Ok(Exit::Fine)
/// }
///
/// fn main() -> ExitCode {
///     kcilium_cli::plugin::run(greet)
/// }
/// ```
pub fn run<Args, Body>(body: Body) -> ExitCode
where
    Args: Parser,
    Body: FnOnce(Args, &mut Printer) -> Result<Exit, Failure>,
{
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(answer) = completion::answer(|| command::<Args>(&arguments), &arguments) {
        return hand_over(answer).unwrap_or_else(|failure| failure.report()).into();
    }
    let outcome = match parse(&arguments) {
        Ok((args, color)) => {
            color.apply();
            print(|printer| body(args, printer))
        }
        Err(answer) => {
            Color::in_arguments(&arguments).apply();
            show(&answer)
        }
    };
    outcome.unwrap_or_else(|failure| failure.report()).into()
}

fn parse<Args: Parser>(arguments: &[OsString]) -> Result<(Args, Color), clap::Error> {
    let mut command = command::<Args>(arguments);
    let mut matches = match command.try_get_matches_from_mut(arguments) {
        Err(error)
            if error.kind() == ErrorKind::ArgumentConflict
                && error.get(ContextKind::InvalidSubcommand).is_some() =>
        {
            after_global_flags::<Args>(arguments, error)?
        }
        matches => matches?,
    };
    let color = ColorArg::from_arg_matches_mut(&mut matches)?.color;
    let args =
        Args::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))?;
    Ok((args, color))
}

/// Flags that every subcommand has may stand before it, as kubectl's do. Others still exclude it.
fn after_global_flags<Args: Parser>(
    arguments: &[OsString],
    error: clap::Error,
) -> Result<ArgMatches, clap::Error> {
    let mut command = command::<Args>(arguments).args_conflicts_with_subcommands(false);
    let matches = command.try_get_matches_from_mut(arguments)?;
    let is_given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let mut own = command.get_arguments().filter(|arg| !arg.is_global_set());
    if own.any(|arg| is_given(arg.get_id().as_str())) {
        return Err(error);
    }
    Ok(matches)
}

fn command<Args: Parser>(arguments: &[OsString]) -> clap::Command {
    let command = ColorArg::augment_args(Args::command());
    let name = invocation::name(arguments.first().map(OsString::as_os_str), command.get_name());
    let command = command.display_name(&name).bin_name(name).term_width(terminal::width());
    match command.get_after_help() {
        Some(_) => command,
        None => command.after_help(exit::HELP),
    }
}

/// Runs what prints the result. What was printed before a failure is shown before it.
fn print(body: impl FnOnce(&mut Printer) -> Result<Exit, Failure>) -> Result<Exit, Failure> {
    let mut printer = Printer::stdout();
    let outcome = body(&mut printer);
    let finished = printer.finish();
    let exit = outcome?;
    finished?;
    Ok(exit)
}

/// Hands a shell the values it asked for, as they are: some shells have them between control
/// characters, which a printer takes out.
fn hand_over(answer: Result<String, Failure>) -> Result<Exit, Failure> {
    // A shell that stopped listening wants nothing more.
    let _ = std::io::stdout().lock().write_all(answer?.as_bytes());
    Ok(Exit::Fine)
}

/// Shows clap's answer: a help or version text, which is a result, or a usage error.
fn show(answer: &clap::Error) -> Result<Exit, Failure> {
    let text = answer.render().ansi().to_string();
    if answer.use_stderr() {
        let _ = anstream::stderr().write_all(text.as_bytes());
        return Ok(Exit::Usage);
    }
    print(|printer| {
        printer.write_all(text.as_bytes())?;
        Ok(Exit::Fine)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at a node
    #[derive(Debug, Parser)]
    #[command(version)]
    struct Example {
        #[command(subcommand)]
        verb: Verb,
    }

    #[derive(Debug, PartialEq, clap::Subcommand)]
    enum Verb {
        /// Explains a code
        Explain { code: String },
    }

    /// Looks at everything, unless told what else to do
    #[derive(Debug, Parser)]
    #[command(version, args_conflicts_with_subcommands = true)]
    struct Optional {
        #[command(subcommand)]
        verb: Option<Verb>,
        #[arg(long)]
        deep: bool,
        #[arg(long, global = true)]
        context: Option<String>,
    }

    #[test]
    fn global_flags_stand_before_a_subcommand_and_others_do_not() {
        let parsed = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            parse::<Optional>(&words).map(|(args, _)| (args.verb.is_some(), args.context))
        };
        let there = Some("there".to_owned());
        assert_eq!(parsed("x --context there explain A").unwrap(), (true, there.clone()));
        assert_eq!(parsed("x --context=there explain A").unwrap(), (true, there.clone()));
        assert_eq!(parsed("x explain A --context there").unwrap(), (true, there.clone()));
        assert_eq!(parsed("x --context there --deep").unwrap(), (false, there));
        assert_eq!(parsed("x --color never explain A").unwrap(), (true, None));
        let kind = |line: &str| parsed(line).unwrap_err().kind();
        assert_eq!(kind("x --deep explain A"), ErrorKind::ArgumentConflict);
        assert_eq!(kind("x --context there --deep explain A"), ErrorKind::ArgumentConflict);
        assert_eq!(kind("x --context there explain"), ErrorKind::MissingRequiredArgument);
        assert_eq!(kind("x --context there explain --help"), ErrorKind::DisplayHelp);
        assert_eq!(kind("x --context there else"), ErrorKind::InvalidSubcommand);
    }

    fn parsed(words: &[&str]) -> Result<(Example, Color), clap::Error> {
        parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn every_plugin_has_the_color_flag_in_every_place() {
        let (args, color) = parsed(&["x", "--color=never", "explain", "KC001"]).unwrap();
        assert_eq!(args.verb, Verb::Explain { code: "KC001".into() });
        assert_eq!(color, Color::Never);
        let (_, color) = parsed(&["x", "explain", "KC001", "--color", "always"]).unwrap();
        assert_eq!(color, Color::Always);
        let (_, color) = parsed(&["x", "explain", "KC001"]).unwrap();
        assert_eq!(color, Color::Auto);
    }

    #[test]
    fn usage_shows_the_command_as_it_was_called() {
        let help = parsed(&["/opt/kubectl-cilium_doctor", "--help"]).unwrap_err().to_string();
        assert!(help.starts_with("Looks at a node\n"), "{help}");
        assert!(help.contains("Usage: kubectl cilium-doctor"), "{help}");
        assert!(help.contains(exit::HELP), "{help}");
        let help = parsed(&["/opt/kubectl-cilium_doctor", "explain", "-h"]).unwrap_err();
        assert!(help.to_string().contains("Usage: kubectl cilium-doctor explain"), "{help}");
        let version = parsed(&["/opt/kubectl-cilium_doctor", "-V"]).unwrap_err().to_string();
        assert!(version.starts_with("kubectl cilium-doctor "), "{version}");
    }

    #[test]
    fn usage_errors_are_for_standard_error() {
        assert!(parsed(&["x", "--nonsense"]).unwrap_err().use_stderr());
        assert!(parsed(&["x", "explain", "a", "--color=pink"]).unwrap_err().use_stderr());
        assert!(!parsed(&["x", "--help"]).unwrap_err().use_stderr());
    }
}
