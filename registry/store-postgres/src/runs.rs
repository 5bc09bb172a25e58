//! Splitting a batch where a statement for many rows would differ from one for each.

use std::collections::HashSet;
use std::hash::Hash;

/// The slice in parts, in order, of which each names a key at most once: a statement can touch a row once only.
pub(crate) fn runs<'a, T, K: Eq + Hash>(mut rows: &'a [T], key: impl Fn(&'a T) -> K) -> Vec<&'a [T]> {
    let mut runs = Vec::new();
    while !rows.is_empty() {
        let mut seen = HashSet::new();
        let length = rows.iter().take_while(|row| seen.insert(key(row))).count();
        let (run, rest) = rows.split_at(length);
        runs.push(run);
        rows = rest;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::runs;

    #[test]
    fn a_key_comes_once_in_each_run_and_order_stays() {
        let cut = |rows: &[u8]| runs(rows, |row| row % 10).iter().map(|run| run.to_vec()).collect::<Vec<_>>();
        assert_eq!(cut(&[1, 2, 11, 3, 2, 13, 1]), [vec![1, 2], vec![11, 3, 2], vec![13, 1]]);
        assert_eq!(cut(&[]), Vec::<Vec<u8>>::new());
        assert_eq!(cut(&[1, 1]), [[1], [1]]);
    }
}
