//! host_endpoints.
