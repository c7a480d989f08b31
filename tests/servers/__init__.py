"""Real mail servers on loopback, each private, found nowhere else, gone afterwards."""
