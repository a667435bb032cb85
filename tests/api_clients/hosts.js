// What the hosts file does that `up --tls` asks for: vaults are on this machine.
const dns = require("node:dns");
const lookup = dns.lookup;
dns.lookup = (host, ...rest) => lookup(host.endsWith(".vault.localhost") ? "127.0.0.1" : host, ...rest);
