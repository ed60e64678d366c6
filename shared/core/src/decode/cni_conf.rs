//! cni_conf.
