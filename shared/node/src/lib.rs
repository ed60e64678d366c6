//! The Linux side: netlink, resolver, CNI and runtime files of one host.
