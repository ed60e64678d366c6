//! The API servers that a kubeconfig names, and nothing else of it: the rest is credentials.

use serde::Deserialize;

#[derive(Deserialize)]
struct Kubeconfig {
    #[serde(default)]
    clusters: Vec<NamedCluster>,
}

#[derive(Deserialize)]
struct NamedCluster {
    #[serde(default)]
    cluster: Cluster,
}

#[derive(Default, Deserialize)]
struct Cluster {
    #[serde(default)]
    server: String,
}

/// `clusters[].cluster.server`, as written.
pub(super) fn servers(text: &str) -> Result<Vec<String>, &'static str> {
    // The parser's own message would quote the file.
    let config: Kubeconfig = serde_saphyr::from_str(text).map_err(|_| "not a kubeconfig")?;
    Ok(config.clusters.into_iter().map(|named| named.cluster.server).collect())
}

#[cfg(test)]
mod tests {
    use super::servers;

    /// As kubeadm writes it.
    const KUBELET_CONF: &str = "\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: LS0tLS1CRUdJTg==
    server: https://10.24.0.2:6443
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: system:node:node1
  name: system:node:node1@kubernetes
current-context: system:node:node1@kubernetes
kind: Config
preferences: {}
users:
- name: system:node:node1
  user:
    client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem
    client-key: /var/lib/kubelet/pki/kubelet-client-current.pem
";

    #[test]
    fn servers_are_found() {
        assert_eq!(servers(KUBELET_CONF).unwrap(), ["https://10.24.0.2:6443"]);
        assert_eq!(servers("apiVersion: v1\nkind: Config\n").unwrap(), [""; 0]);
    }

    #[test]
    fn an_error_says_nothing_about_the_contents() {
        let error = servers("users:\n- user: {token: s3cret\nclusters: [").unwrap_err();
        assert_eq!(error, "not a kubeconfig");
    }
}
