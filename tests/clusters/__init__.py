"""Real clusters on loopback, and what must hold on both."""
