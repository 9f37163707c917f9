//! Names on the wire that several parts need.

/// The namespace of everything that is streamed.
pub const NAMESPACE: &str = "/realtime";
/// How the text begins that tells a client that it has joined the namespace.
pub(super) const CONNECT_PACKET: &[u8] = b"40/realtime,";
