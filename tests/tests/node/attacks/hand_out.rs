//! A listed node that wants more than its case needs.
