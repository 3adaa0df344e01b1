"""What a trial needs while it runs; :mod:`ganbench.trial` is where it starts."""
