//! Every solvable case file of MATPOWER streams.
