//! Defaults that depend on the version that was installed first, `upgradeCompatibility`.

use super::{ChartVersion, Data, Numbers, Printed, set};
use crate::decode::DecodeError;

pub(super) fn defaults(values: &Printed<'_>, data: &mut Data) -> Result<(), DecodeError> {
    let first = First::of(values)?;
    set(data, "kube-proxy-replacement", Some(kube_proxy_replacement(values, &first)?));
    set(data, "enable-bpf-masquerade", bpf_masquerade(values, &first)?);
    set(data, "enable-ipv4-masquerade", masquerade(values, &first)?);
    Ok(())
}

/// The version that was installed first; none for this one.
struct First(Option<ChartVersion>);

impl First {
    fn of(values: &Printed<'_>) -> Result<Self, DecodeError> {
        const KEY: &str = "upgradeCompatibility";
        let Some(text) = values.text_if_true(KEY)? else { return Ok(Self(None)) };
        // `1.10` without quotes is the number 1.1, and Helm's `semverCompare` takes no numbers.
        if values.value(KEY)?.is_some_and(|value| !value.is_string()) {
            return Err(DecodeError::new(format!(
                "value `{KEY}` is {text}, not a text: write the version in quotes, such as \"1.14\""
            )));
        }
        let version = text.parse();
        version
            .map(|version| Self(Some(version)))
            .map_err(|error| DecodeError::new(format!("value `{KEY}`: `{text}` is {error}")))
    }

    fn is_at_least(&self, numbers: Numbers) -> bool {
        self.0.as_ref().is_none_or(|version| version.is_at_least(numbers))
    }
}

/// Until 1.13 the value itself was asked whether it is empty, and `false` is; since 1.14 its text
/// is. 1.12.0 alone still had `probe`.
fn kube_proxy_replacement(values: &Printed<'_>, first: &First) -> Result<String, DecodeError> {
    const KEY: &str = "kubeProxyReplacement";
    let given = if values.is_at_least((1, 14, 0)) {
        values.text(KEY)?.filter(|text| !text.is_empty())
    } else {
        values.text_if_true(KEY)?
    };
    if let Some(given) = given {
        return Ok(given);
    }
    let is_new = values.is_at_least((1, 18, 0))
        || (values.is_at_least((1, 14, 0)) && first.is_at_least((1, 14, 0)));
    let probes = !values.is_at_least((1, 12, 1))
        || (first.is_at_least((1, 8, 0)) && !first.is_at_least((1, 12, 0)));
    Ok(match (is_new, probes) {
        (true, _) => "false",
        (false, true) => "probe",
        (false, false) => "disabled",
    }
    .to_owned())
}

/// Versions 1.8 and 1.9 masqueraded in BPF unless they were told not to.
fn bpf_masquerade(values: &Printed<'_>, first: &First) -> Result<Option<String>, DecodeError> {
    let given = values.text("bpf.masquerade")?;
    let by_default = first.is_at_least((1, 8, 0)) && !first.is_at_least((1, 10, 0));
    Ok(given.or_else(|| by_default.then(|| "true".to_owned())))
}

/// Since 1.18 nothing is masqueraded in ENI mode unless somebody wants it.
fn masquerade(values: &Printed<'_>, first: &First) -> Result<Option<String>, DecodeError> {
    let given = values.text("enableIPv4Masquerade")?;
    if given.is_some() || !values.is_at_least((1, 18, 0)) {
        return Ok(given);
    }
    let is_off = values.is_true("eni.enabled")? && first.is_at_least((1, 18, 0));
    Ok(Some((!is_off).to_string()))
}
