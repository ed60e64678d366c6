//! What people wrote, brought back from a backup.

use std::io::Write as _;

use kcilium_cli::{Exit, Failure, KubernetesFlags, Printer, control, interrupt};
use kcilium_cluster::removal::{
    Restored,
    backup::{self, Backup},
    restore,
};
use kcilium_core::shell;

use super::{args::Restore, connection};

/// Creates what is in a backup and not in the cluster, and says how the release was installed.
pub(crate) fn run(
    wish: &Restore,
    kubernetes: &KubernetesFlags,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    let backups = backup::read(&wish.folder)?;
    if backups.is_empty() {
        let folder = wish.folder.display();
        return Err(Failure::usage(format!("{folder}: no backup that is complete"))
            .hint("give the folder that the removal named, with backup.json in it"));
    }
    let place = kubernetes.connection()?;
    let mut outcomes = Vec::new();
    interrupt::block_on(async {
        let api = connection::connect(&place, &wish.target, kubernetes).await?;
        restore(&api, &backups, &mut |outcome| outcomes.push(outcome)).await?;
        Ok::<_, Failure>(())
    })??;
    let mut exit = Exit::Fine;
    for outcome in &outcomes {
        let line = match outcome {
            Restored::Created(object) => format!("{object}: created"),
            Restored::Exists(object) => format!("{object}: is there, and was left as it is"),
            Restored::Failed { what, why } => {
                exit = Exit::Findings;
                format!("{what}: not created: {why}")
            }
        };
        writeln!(printer, "{}", control::escape(&line))?;
    }
    if exit != Exit::Fine {
        writeln!(printer, "\nInstall Cilium first, then run this again.")?;
    }
    for line in backups.iter().rev().flat_map(installations) {
        writeln!(printer, "\nThe release was installed with these values:\n  {line}")?;
    }
    Ok(exit)
}

/// How to install the releases again.
fn installations(backup: &Backup) -> Vec<String> {
    let install = |release: &backup::SavedRelease| {
        let values = backup.folder.join(&release.values).display().to_string();
        format!(
            "helm install {} cilium --repo https://helm.cilium.io --version {} -n {} -f {}",
            shell::quoted(&release.name),
            shell::quoted(&release.chart_version),
            shell::quoted(&release.namespace),
            shell::quoted(&values)
        )
    };
    backup.index.releases.iter().map(install).collect()
}
