//! Slow, silent and greedy clients, and neighbours that lead a node elsewhere.
