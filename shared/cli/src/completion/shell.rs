//! What shells ask by themselves, for a plugin that is called without kubectl.

use std::{env, ffi::OsString, io::Write};

use clap::{Args, ValueEnum};
use clap_complete::env::{Bash, EnvCompleter, Fish, Powershell, Zsh};

use super::kubectl;
use crate::{Exit, Failure, Printer};

/// Set by the scripts when a shell asks: the name of the shell.
const VARIABLE: &str = "KCILIUM_COMPLETE";

/// Which script to print.
#[derive(Clone, Copy, Debug, Args)]
pub struct Completion {
    /// Who is to complete: a shell, for the program called by its own name; or kubectl, which looks
    /// for a program of the name that the script tells
    #[arg(value_name = "bash|zsh|fish|powershell|kubectl", hide_possible_values = true)]
    shell: Shell,
}

/// Who completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
    /// kubectl from 1.26 on, in whatever shell
    Kubectl,
}

impl Shell {
    fn completer(self) -> Option<&'static dyn EnvCompleter> {
        match self {
            Self::Bash => Some(&Bash),
            Self::Zsh => Some(&Zsh),
            Self::Fish => Some(&Fish),
            Self::Powershell => Some(&Powershell),
            Self::Kubectl => None,
        }
    }
}

/// Prints the script of a plugin, such as `cilium-doctor`.
///
/// # Errors
/// When it cannot be written.
pub fn print(wish: Completion, plugin: &str, printer: &mut Printer) -> Result<Exit, Failure> {
    let program = format!("kubectl-{}", plugin.replace('-', "_"));
    match wish.shell.completer() {
        None => kubectl_script(plugin, printer)?,
        Some(completer) => {
            // Named as it is called: a path would be that of one version in krew's store.
            completer.write_registration(VARIABLE, &program, &program, &program, printer)?;
        }
    }
    Ok(Exit::Fine)
}

fn kubectl_script(plugin: &str, out: &mut impl Write) -> std::io::Result<()> {
    let name = format!("kubectl_complete-{}", plugin.replace('-', "_"));
    writeln!(out, "#!/bin/sh")?;
    writeln!(
        out,
        "# kubectl completes `kubectl {plugin}` by this, where it is on the PATH as {name}"
    )?;
    writeln!(out, "exec kubectl {plugin} {} \"$@\"", kubectl::WORD)
}

/// Answers a shell that asks through one of the scripts.
pub(super) fn answer(
    command: impl Fn() -> clap::Command,
    arguments: &[OsString],
) -> Option<Result<String, Failure>> {
    let name = env::var(VARIABLE).ok().filter(|name| !name.is_empty())?;
    let shell = Shell::from_str(&name, true).ok()?;
    let completer = shell.completer()?;
    // The script puts the words after `--`: what stands before is how the program was called.
    let words = arguments.iter().skip(1).skip_while(|word| *word != "--").skip(1);
    let words: Vec<OsString> = words.cloned().collect();
    let mut answer = Vec::new();
    let here = env::current_dir().ok();
    let written = completer.write_complete(&mut command(), words, here.as_deref(), &mut answer);
    Some(match written {
        Ok(()) => Ok(String::from_utf8_lossy(&answer).into_owned()),
        Err(error) => Err(Failure::could_not_run(error)),
    })
}
