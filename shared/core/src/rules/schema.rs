//! What the schema of a chart on disk says. Charts are files, so `cilium-render` asks it, not a rule
//! on facts; it has a code all the same, to be explained and ignored by.

use super::rule;

rule! {
    /// ## What it checks
    ///
    /// Charts of Cilium since 1.16 bring a schema of their values. With `--chart-directory`,
    /// `cilium-render` holds the merged values against the schema of the chart on disk, as Helm does
    /// before it renders: a key of the wrong type, a word that is none of those allowed, an address
    /// where a list is wanted.
    ///
    /// ## Why it hurts
    ///
    /// Helm refuses to install or to upgrade, and its message names the key only as the schema does.
    ///
    /// ## Fix
    ///
    /// Change the value that the finding names; it says where the value stands. `--ignore SCHEMA` leaves
    /// the schema out, as `helm --skip-schema-validation` does.
    ///
    /// ## References
    ///
    /// - <https://helm.sh/docs/topics/charts/#schema-files>
    "SCHEMA", Error, Configuration, "a value that the chart's own schema does not allow", judge
}

fn judge(_: &super::View<'_>, out: &mut super::Judgement) {
    out.not_applicable("the chart is not at hand");
}
