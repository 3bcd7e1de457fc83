"""The one evaluator of rights: a decision with its reason, a SQL predicate, a field mask."""
