//! `$(NAME)` in commands and environments.

/// Puts the values of `$(NAME)` in; `$$` stands for `$`, and what is not known stays.
pub(super) fn expand(text: &str, environment: &[(String, String)]) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded += before;
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            expanded.push('$');
            rest = after;
            continue;
        }
        let name = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
        let Some((name, after)) = name else {
            expanded.push('$');
            continue;
        };
        match environment.iter().rev().find(|(known, _)| known == name) {
            Some((_, value)) => expanded += value,
            None => expanded.extend(["$(", name, ")"]),
        }
        rest = after;
    }
    expanded + rest
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn known_names_are_replaced() {
        let environment = [("A".to_owned(), "1".to_owned())];
        for (text, expanded) in [
            ("x$(A)y", "x1y"),
            ("$(B)", "$(B)"),
            ("$$(A)", "$(A)"),
            ("$A $ $(", "$A $ $("),
            ("$(A)$(A)", "11"),
        ] {
            assert_eq!(expand(text, &environment), expanded);
        }
    }
}
