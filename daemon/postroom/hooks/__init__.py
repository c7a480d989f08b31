"""How plugins plug in; the only place that knows pluggy."""
