//! Logs that show an old head, another tree, or more than a disk holds.
