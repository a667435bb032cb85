"""Real servers of other people that tests talk to, on loopback. `.ci/acme-servers` fetches them."""
