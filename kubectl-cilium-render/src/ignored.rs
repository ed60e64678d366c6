//! Flags of `cilium install` that people still type, and that do nothing here.

use clap::Args;

/// Flags of `cilium install` that have no effect.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Flags of `cilium install` without effect here")]
pub struct Ignored {
    /// Nothing is ever installed
    #[arg(long, hide_short_help = true)]
    dry_run: bool,
    /// The values are what is printed anyway
    #[arg(long, hide_short_help = true)]
    dry_run_helm_values: bool,
    /// There is nothing to wait for
    #[arg(long, hide_short_help = true)]
    wait: bool,
    /// There is nothing to wait for
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    wait_duration: Option<String>,
    /// No release is made
    #[arg(long, value_name = "COUNT", hide_short_help = true)]
    history_max: Option<u32>,
    /// Nothing is installed that checks could stop
    #[arg(long, value_name = "LIST", hide_short_help = true)]
    disable_check: Option<String>,
    /// Nothing is restarted
    #[arg(long, hide_short_help = true, num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true")]
    restart_unmanaged_pods: Option<bool>,
    /// Nothing is installed that could be rolled back
    #[arg(long, hide_short_help = true, num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true")]
    rollback: Option<bool>,
}

impl Ignored {
    /// What is to be said of those that were given: the flag does nothing, and why.
    pub fn remarks(&self) -> Vec<String> {
        let flags = [
            ("--dry-run", self.dry_run, "nothing is ever installed"),
            (
                "--dry-run-helm-values",
                self.dry_run_helm_values,
                "values are what is printed anyway",
            ),
            ("--wait", self.wait, "there is nothing to wait for"),
            ("--wait-duration", self.wait_duration.is_some(), "there is nothing to wait for"),
            ("--history-max", self.history_max.is_some(), "no release is made"),
            ("--disable-check", self.disable_check.is_some(), "nothing is installed"),
            (
                "--restart-unmanaged-pods",
                self.restart_unmanaged_pods.is_some(),
                "nothing is restarted",
            ),
            ("--rollback", self.rollback.is_some(), "nothing is installed"),
        ];
        let given = flags.into_iter().filter(|(_, is_given, _)| *is_given);
        given.map(|(flag, _, why)| format!("{flag} has no effect here: {why}")).collect()
    }
}
