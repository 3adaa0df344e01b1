"""What host and worker write down and read: a trial's folder, its files, their versions and hashes."""
