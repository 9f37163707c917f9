//! Random sensor anomalies: how many are found, at every speed.
