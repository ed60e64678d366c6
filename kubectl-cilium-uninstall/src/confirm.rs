//! Nothing is changed that nobody agreed to.

use kcilium_cli::{Exit, Failure, control, prompt};

use crate::args::Consent;

/// Something that somebody who saw it agreed to. Only [`ask`] makes one, and acting needs one.
#[derive(Debug)]
pub(crate) struct Confirmed<T>(T);

impl<T> Confirmed<T> {
    /// What was agreed to.
    pub(crate) fn get(&self) -> &T {
        &self.0
    }
}

/// Whether somebody will be asked: what has to be read before has to be shown before.
pub(crate) fn will_ask(wish: &Consent) -> bool {
    !wish.dry_run && !wish.yes && prompt::can_ask()
}

/// Has somebody agree: by `--yes`, or by typing the name of the host, so that it is not the wrong
/// one. None for a dry run.
///
/// # Errors
/// When nobody can be asked, or somebody did not agree.
pub(crate) fn ask<T>(what: T, host: &str, wish: &Consent) -> Result<Option<Confirmed<T>>, Failure> {
    if wish.dry_run {
        return Ok(None);
    }
    if wish.yes {
        return Ok(Some(Confirmed(what)));
    }
    if !will_ask(wish) {
        return Err(Failure::usage("nothing was changed: there is no terminal to ask on")
            .hint("read what would be done, and agree to it with --yes"));
    }
    let question = format!("Type the name of this host to go on ({}):", control::escape(host));
    let answer = prompt::ask(&question)?;
    if answer.trim() == host {
        return Ok(Some(Confirmed(what)));
    }
    let error = anyhow::anyhow!("nothing was changed: that is not the name of this host");
    Err(Failure::new(Exit::Findings, error))
}
