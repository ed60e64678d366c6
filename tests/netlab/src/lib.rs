//! Test topologies in real network namespaces.
