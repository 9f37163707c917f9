//! Freezes and commands on three instances.
