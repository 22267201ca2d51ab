//! Estimates of memory, and what servers teach.

mod learned;
