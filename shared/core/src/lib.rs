//! The pure core of the kcilium plugins: collect → decide → act, without the collecting and the acting.
//!
//! * [`chart`]: what versions of Cilium's Helm chart take and what they make of it.
//! * [`connectivity_log`]: what a saved `cilium connectivity test` says.
//! * [`facts`]: one model of everything that is known about a cluster and its nodes; a source that
//!   failed is a fact too.
//! * [`decode`]: what real programs print (`ip -j`, `resolv.conf`, API objects) into facts.
//! * [`probe`]: what node agents send into the network, and what they tell of the answers.
//! * [`redaction`]: what is taken away before anything becomes a fact.
//! * [`prefix`] and [`routing`]: CIDR arithmetic, and route lookup as the kernel does it.
//! * [`view`]: what the rules look at: facts, indexed, with protected addresses and pod CIDRs.
//! * [`rules`]: pure functions from a view to findings; one file per rule.
//! * [`shell`]: words for commands to paste.
//! * [`causes`]: findings combined into verdicts with their chain of evidence.
//! * [`diagnosis`]: all of it in one call.
//! * [`problems`]: findings, put together as a reader takes them.
//! * [`leftovers`]: what an installed Cilium leaves on a node.
//! * [`removal`]: what of Cilium is in the API of a cluster, and the plan to take it out.
//!
//! Nothing here does I/O, knows a clock, a terminal or Kubernetes' client.

pub mod causes;
pub mod chart;
pub mod connectivity_log;
pub mod decode;
pub mod diagnosis;
pub mod facts;
pub mod leftovers;
pub mod prefix;
pub mod probe;
pub mod problems;
pub mod redaction;
pub mod removal;
pub mod routing;
pub mod rules;
pub mod shell;
pub mod view;
