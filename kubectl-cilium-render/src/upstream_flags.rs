//! Flags of `cilium install` and `cilium upgrade` that people still type, and that are none of ours:
//! those without effect here are taken and say so, those that would change values are refused with
//! what to give instead.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};
use kcilium_cli::Failure;
use kcilium_core::shell::quoted;

/// Heading in `--help`.
const HEADING: &str = "Flags of `cilium install` without effect here";

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// `--flag`, `--flag=true` or `--flag=false`.
    Bool,
    Text,
}

/// What comes of a flag.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// It does nothing, for this reason.
    NoEffect(&'static str),
    /// It is refused; this says what to give instead of its argument.
    Instead(fn(&str) -> String),
}

use Outcome::{Instead, NoEffect};

struct Flag {
    name: &'static str,
    takes: Takes,
    outcome: Outcome,
}

const fn flag(name: &'static str, takes: Takes, outcome: Outcome) -> Flag {
    Flag { name, takes, outcome }
}

/// Refused in favour of one key, whose value is the flag's.
macro_rules! sets {
    ($name:literal, $key:literal) => {
        flag($name, Takes::Text, Instead(|value| set($key, value)))
    };
}

const NOTHING_INSTALLED: &str = "nothing is installed";
const NOTHING_AWAITED: &str = "there is nothing to wait for";

/// The table: `cilium-cli` 0.12 to 0.19, in Helm mode and before.
const FLAGS: &[Flag] = &[
    sets!("agent-image", "image.override"),
    sets!("azure-client-id", "azure.clientID"),
    // A secret is not said again.
    flag(
        "azure-client-secret",
        Takes::Text,
        Instead(|_| "--set-file azure.clientSecret=FILE".to_owned()),
    ),
    sets!("azure-resource-group", "azure.resourceGroup"),
    sets!("azure-subscription-id", "azure.subscriptionID"),
    sets!("azure-tenant-id", "azure.tenantID"),
    sets!("cluster-id", "cluster.id"),
    sets!("cluster-name", "cluster.name"),
    flag("config", Takes::Text, Instead(config)),
    flag("datapath-mode", Takes::Text, Instead(datapath_mode)),
    flag("disable-check", Takes::Text, NoEffect(NOTHING_INSTALLED)),
    flag("dry-run", Takes::Nothing, NoEffect("nothing is ever installed")),
    flag("dry-run-helm-values", Takes::Nothing, NoEffect("values are what is printed anyway")),
    flag("encryption", Takes::Text, Instead(encryption)),
    flag("helm-auto-gen-values", Takes::Text, Instead(|file| format!("> {}", quoted(file)))),
    flag("history-max", Takes::Text, NoEffect("no release is made")),
    flag(
        "inherit-ca",
        Takes::Text,
        Instead(|context| {
            format!(
                "kubectl --context {} --namespace kube-system get secret cilium-ca --output yaml \
                 | kubectl apply --filename - (before the installation)",
                quoted(context)
            )
        }),
    ),
    sets!("ipam", "ipam.mode"),
    sets!("ipv4-native-routing-cidr", "ipv4NativeRoutingCIDR"),
    flag("k8s-version", Takes::Text, NoEffect("the cluster itself is asked for its version")),
    sets!("kube-proxy-replacement", "kubeProxyReplacement"),
    flag("node-encryption", Takes::Bool, Instead(|value| set("encryption.nodeEncryption", value))),
    sets!("operator-image", "operator.image.override"),
    flag("reset-then-reuse-values", Takes::Bool, Instead(release_values)),
    flag("reset-values", Takes::Bool, NoEffect("the release's values are never taken over")),
    flag("restart", Takes::Bool, NoEffect("nothing is restarted")),
    flag("restart-unmanaged-pods", Takes::Bool, NoEffect("nothing is restarted")),
    flag("reuse-values", Takes::Bool, Instead(release_values)),
    flag("rollback", Takes::Bool, NoEffect(NOTHING_INSTALLED)),
    flag("wait", Takes::Bool, NoEffect(NOTHING_AWAITED)),
    flag("wait-duration", Takes::Text, NoEffect(NOTHING_AWAITED)),
];

fn set(key: &str, value: &str) -> String {
    format!("--set {}", quoted(&format!("{key}={value}")))
}

/// `--config key=value`: a key of the ConfigMap, whose dots are none of Helm's.
fn config(setting: &str) -> String {
    let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
    set(&format!("extraConfig.{}", key.replace('.', "\\.")), value)
}

fn encryption(kind: &str) -> String {
    match kind {
        "disabled" => set("encryption.enabled", "false"),
        kind => set("encryption.enabled", &format!("true,encryption.type={kind}")),
    }
}

/// What `cilium install` makes of each mode; in charts before 1.14, `routingMode: native` is
/// `tunnel: disabled`, which the rules say.
fn datapath_mode(mode: &str) -> String {
    match mode {
        "tunnel" => "nothing: a tunnel is what comes out where the values do not say otherwise",
        "native" => "--set routingMode=native,ipv4NativeRoutingCIDR=CIDR",
        "aws-eni" => "--set eni.enabled=true,ipam.mode=eni,routingMode=native",
        "gke" => {
            "--set gke.enabled=true,gke.disableDefaultSnat=true,ipam.mode=kubernetes,\
             ipv4NativeRoutingCIDR=CIDR"
        }
        "azure" => {
            "--set azure.enabled=true,ipam.mode=azure,routingMode=native,bpf.masquerade=false,\
             enableIPv4Masquerade=false,enableIPv6Masquerade=false"
        }
        "aks-byocni" => "--set aksbyocni.enabled=true",
        _ => "--set routingMode=tunnel or --set routingMode=native",
    }
    .to_owned()
}

fn release_values(_: &str) -> String {
    "-f RELEASE.yaml before your other files, after helm get values cilium --namespace kube-system \
     > RELEASE.yaml"
        .to_owned()
}

/// What was given of them, with its arguments.
#[derive(Clone, Debug, Default)]
pub struct UpstreamFlags {
    given: Vec<(&'static Flag, String)>,
}

impl std::fmt::Debug for Flag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl UpstreamFlags {
    /// What is to be said of those without effect: that, and why.
    ///
    /// # Errors
    /// Wrong usage, where a flag would have changed the values.
    pub fn remarks(&self) -> Result<Vec<String>, Failure> {
        let mut remarks = Vec::new();
        for (Flag { name, outcome, .. }, argument) in &self.given {
            match outcome {
                NoEffect(why) => remarks.push(format!("--{name} has no effect here: {why}")),
                Instead(instead) => {
                    let text =
                        format!("--{name} is a flag of `cilium install` that is not known here");
                    return Err(Failure::usage(text).hint(format!("give {}", instead(argument))));
                }
            }
        }
        Ok(remarks)
    }
}

impl FromArgMatches for UpstreamFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let given = |flag: &'static Flag| match flag.takes {
            Takes::Nothing => matches.get_flag(flag.name).then(|| (flag, String::new())),
            Takes::Bool | Takes::Text => {
                matches.get_one::<String>(flag.name).map(|argument| (flag, argument.clone()))
            }
        };
        Ok(Self { given: FLAGS.iter().filter_map(given).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for UpstreamFlags {
    fn augment_args(command: Command) -> Command {
        FLAGS.iter().fold(command, |command, flag| command.arg(arg(flag)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn arg(flag: &'static Flag) -> Arg {
    let arg = Arg::new(flag.name).long(flag.name).hide_short_help(true).help_heading(HEADING);
    let arg = match flag.takes {
        Takes::Nothing => arg.action(ArgAction::SetTrue),
        Takes::Bool => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_name("BOOL"),
        Takes::Text => arg.value_name("TEXT").allow_hyphen_values(true),
    };
    match flag.outcome {
        NoEffect(why) => arg.help(why),
        // An error that helps, not an offer.
        Instead(_) => arg.hide(true),
    }
}
