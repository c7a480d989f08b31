"""What to do with a message: conditions, actions, rules, and the plan they make."""
