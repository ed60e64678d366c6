//! resolv_conf.
