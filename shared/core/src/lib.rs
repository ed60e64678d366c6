//! The pure core of the kcilium plugins: collect → decide → act, without the collecting and the acting.
//!
//! * [`chart`]: what versions of Cilium's Helm chart take and what they make of it.
//! * [`facts`]: one model of everything that is known about a cluster and its nodes; a source that
//!   failed is a fact too.
//! * [`decode`]: what real programs print (`ip -j`, `resolv.conf`, API objects) into facts.
//! * [`redaction`]: what is taken away before anything becomes a fact.
//! * [`prefix`] and [`routing`]: CIDR arithmetic, and route lookup as the kernel does it.
//! * [`view`]: what the rules look at: facts, indexed, with protected addresses and pod CIDRs.
//! * [`rules`]: pure functions from a view to findings; one file per rule.
//! * [`shell`]: words for commands to paste.
//! * [`causes`]: findings combined into verdicts with their chain of evidence.
//! * [`diagnosis`]: all of it in one call.
//! * [`problems`]: findings, put together as a reader takes them.
//!
//! Nothing here does I/O, knows a clock, a terminal or Kubernetes' client.

pub mod causes;
pub mod chart;
pub mod decode;
pub mod diagnosis;
pub mod facts;
pub mod prefix;
pub mod problems;
pub mod redaction;
pub mod routing;
pub mod rules;
pub mod shell;
pub mod view;
