//! Which architectures multiplex.
