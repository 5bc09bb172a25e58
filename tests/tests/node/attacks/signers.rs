//! Listed keys that speak for what is not theirs, and stolen ones.
