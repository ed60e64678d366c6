//! Putting a program on nodes: whether the user wants that, and what is shown before it is done.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use kcilium_cluster::stage::{
    Egress, ImageSource, Plan, PlanError, ProgramError, Programs, Report,
};

use crate::{Failure, Paragraph, Style, control, prompt, remark::remark, terminal};

/// Whether programs are put on nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Probe {
    /// After the question on a terminal; nowhere else.
    #[default]
    Ask,
    /// Without a question.
    Always,
    /// Nothing is put on nodes; their agents probe in networks of pods that run already.
    Pods,
    /// Not at all.
    Never,
}

/// The flags of what is put on nodes.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Probing from nodes")]
pub struct ProbeFlags {
    /// Whether to put a program on nodes for a while, which creates pods: ask (never where there is
    /// no terminal), always, never, or pods: create nothing, and have agents send a part of it from the
    /// networks of pods that run already (Cilium 1.16 or later), as always does where the cluster lets
    /// nothing be created
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        num_args = 0..=1,
        require_equals = true,
        default_value_t,
        default_missing_value = "always",
        hide_possible_values = true
    )]
    pub probe: Probe,
    /// What is put there.
    #[command(flatten)]
    pub agent: NodeAgentFlags,
}

/// The flags of what is put on nodes, and of how.
#[derive(Clone, Debug, Default, Args)]
pub struct NodeAgentFlags {
    /// The program for nodes, or the directory with linux-amd64.gz and linux-arm64.gz, instead of that
    /// of KCILIUM_NODE_AGENT or `agents` beside this program
    #[arg(long, value_name = "PATH")]
    pub node_agent: Option<PathBuf>,
    /// Image for nodes that have none that is known to have a shell and gzip; it is not pulled
    #[arg(long, value_name = "IMAGE")]
    pub node_image: Option<String>,
}

impl NodeAgentFlags {
    /// Finds the program.
    ///
    /// # Errors
    /// When it is not where it should be.
    pub fn programs(&self) -> Result<Programs, Failure> {
        Programs::find(self.node_agent.as_deref()).map_err(|error| match error {
            error @ ProgramError::Nowhere { .. } => Failure::could_not_run(error)
                .hint("releases have it beside the plugins; --node-agent says where else it is"),
            error => Failure::could_not_run(error),
        })
    }
}

/// Why nothing can be put on nodes; the hints are for whoever lacks permissions.
pub fn no_plan(error: PlanError, hints: &[&'static str]) -> Failure {
    let is_forbidden = matches!(error, PlanError::Forbidden { .. });
    let hints = if is_forbidden { hints } else { &[] };
    hints.iter().fold(Failure::could_not_run(error), |failure, hint| failure.hint(*hint))
}

/// Says how the program came to nodes, where not as it was announced.
///
/// # Errors
/// When standard error cannot be written.
pub fn tell_of_delivery(report: &Report) -> io::Result<()> {
    let Some(why) = &report.without_maps else { return Ok(()) };
    let text = format!(
        "no ConfigMap could be created ({why}): the program was sent into each pod by exec"
    );
    remark(&mut anstream::stderr(), Style::Info, "note:", &text)
}

/// Warns of what could not be removed, of this run and of earlier ones.
///
/// # Errors
/// When standard error cannot be written.
pub fn warn_of_leftovers(report: &Report) -> io::Result<()> {
    let swept = report.swept.iter().filter_map(|swept| swept.left.as_ref());
    for left in report.left.iter().chain(swept) {
        remark(&mut anstream::stderr(), Style::Error, "warning:", &left.to_string())?;
    }
    Ok(())
}

/// The user's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Go on.
    Given,
    /// Nothing is to be created.
    Refused,
    /// Nothing is to be created, and networks of pods that run already are to be used.
    OfPods,
    /// There is no terminal to ask on.
    NobodyToAsk,
}

impl Probe {
    /// Whether there can be a consent: where not, there need be no plan.
    pub fn is_possible(self) -> bool {
        match self {
            Self::Always => true,
            Self::Ask => prompt::can_ask(),
            Self::Pods | Self::Never => false,
        }
    }

    /// Shows on standard error what would be created, at first and maybe then, and asks if that is
    /// wanted.
    ///
    /// # Errors
    /// When the terminal cannot be read.
    pub fn consent(self, plan: &Plan, then: Option<&Plan>) -> io::Result<Consent> {
        self.consent_to((plan, then), "", "Create these objects? [y/N]")
    }

    /// The same, where networks of pods that run already would do as well.
    ///
    /// # Errors
    /// When the terminal cannot be read.
    pub fn consent_or_pods(self, plan: &Plan, then: Option<&Plan>) -> io::Result<Consent> {
        let other = "Or p: nothing is created, and agents send a part of it from the networks of pods that run \
                     already (Cilium 1.16 or later). Those pods are seen as the senders.\n";
        match self {
            Self::Pods => Ok(Consent::OfPods),
            _ => self.consent_to((plan, then), other, "Create these objects? [y/N/p]"),
        }
    }

    fn consent_to(
        self,
        (plan, then): (&Plan, Option<&Plan>),
        other: &str,
        question: &str,
    ) -> io::Result<Consent> {
        match self {
            Self::Never | Self::Pods => return Ok(Consent::Refused),
            Self::Ask if !prompt::can_ask() => return Ok(Consent::NobodyToAsk),
            Self::Ask | Self::Always => {}
        }
        let mut errors = anstream::stderr();
        for plan in std::iter::once(plan).chain(then) {
            errors.write_all(describe(plan).as_bytes())?;
        }
        if self == Self::Always {
            return Ok(Consent::Given);
        }
        errors.write_all(other.as_bytes())?;
        let answer = prompt::ask(question)?;
        Ok(match &*answer.trim().to_ascii_lowercase() {
            "y" | "yes" => Consent::Given,
            "p" | "pods" if !other.is_empty() => Consent::OfPods,
            _ => Consent::Refused,
        })
    }
}

/// Asks whether networks of pods that run already may be used, where nothing can be created.
///
/// # Errors
/// When the terminal cannot be read.
pub fn may_use_pods() -> io::Result<bool> {
    let question =
        "Send a part of it from the networks of pods that run already, and create nothing? [y/N]";
    let answer = prompt::ask(question)?;
    Ok(matches!(&*answer.trim().to_ascii_lowercase(), "y" | "yes"))
}

/// What a plan would create, in lines.
pub fn describe(plan: &Plan) -> String {
    let mut text = String::new();
    let mut line = |words: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", control::escape(&words));
    };
    let seconds = plan.time().as_secs();
    line(match plan.egress() {
        Egress::AsItIs => format!("For at most {seconds} s this creates, and removes at the end:"),
        Egress::Allowed => {
            format!(
                "Where pods do not reach something, for at most {seconds} s more, with a policy:"
            )
        }
    });
    line(format!("  namespace {} (PodSecurity: privileged)", plan.namespace()));
    if plan.egress() == Egress::Allowed {
        line("  a CiliumNetworkPolicy that lets the pods of this namespace send everything".into());
    }
    line("  a ServiceAccount without permissions and without a token".into());
    for (architecture, size, maps) in plan.programs() {
        let maps = counted(maps, "ConfigMap");
        line(format!("  {maps} with the node agent for {architecture} ({} KiB)", size >> 10));
    }
    line(format!("  {} with what it is asked", counted(plan.request_maps(), "ConfigMap")));
    for name in plan.pull_secrets() {
        let home = plan.home();
        line(format!("  a copy of Secret {home}/{name}, with which an image was pulled"));
    }
    line(format!("  {}, with images that the nodes have:", counted(plan.pods().len(), "pod")));
    for (what, nodes) in alike(plan) {
        let words = format!("on {}: {what}", nodes.join(", "));
        let words = control::escape(&words);
        let paragraph = Paragraph::new(terminal::width()).hanging("    ", "      ");
        let _ = writeln!(text, "{}", paragraph.fill(&words));
    }
    for (errand, absence) in plan.absent() {
        let words = format!("  nothing on {}: {absence}", errand.node);
        let _ = writeln!(text, "{}", control::escape(&words));
    }
    text
}

/// Pods that differ by nothing but their nodes, in the order of the plan.
fn alike(plan: &Plan) -> Vec<(String, Vec<&str>)> {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for pod in plan.pods() {
        let source = match pod.image.source {
            ImageSource::Agent => "the agent's image ",
            ImageSource::Known => "",
            ImageSource::Named => "--node-image ",
        };
        let privileges = pod.errand.placement.privileges();
        let what = format!("{privileges}; {source}{}", pod.image.name);
        let node = pod.errand.node.as_str();
        match groups.iter_mut().find(|(of, _)| *of == what) {
            Some((_, nodes)) => nodes.push(node),
            None => groups.push((what, vec![node])),
        }
    }
    groups
}

fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
