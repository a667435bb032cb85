"""How fast Chancery is: scripts that print one line per figure. docs/performance.md tells how to run them."""
