//! What kubectl is told to do with the values (`cobra.ShellCompDirective`).

/// No space after the only value that fits: more of the word is to come.
const NO_SPACE: u8 = 2;
/// File names are no values. Where they are, the engine has listed them already.
const NO_FILES: u8 = 4;

/// The directive for these values.
pub(super) fn directive(values: &[String]) -> u8 {
    let goes_on = |value: &String| value.ends_with(['/', '=']);
    NO_FILES | if values.iter().any(goes_on) { NO_SPACE } else { 0 }
}
