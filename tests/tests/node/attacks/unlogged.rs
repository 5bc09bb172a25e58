//! Licences that were signed beside the log.
