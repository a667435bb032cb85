// A whole journey with the key vault's clients for JavaScript, unmodified. Prints what it saw as JSON.
// Environment: VAULT_URL; TOKEN, or CLIENT_ID, CLIENT_SECRET and AUTHORITY.
const { ClientSecretCredential } = require("@azure/identity");
const { CertificateClient } = require("@azure/keyvault-certificates");
const { SecretClient } = require("@azure/keyvault-secrets");

const { VAULT_URL, TOKEN, CLIENT_ID, CLIENT_SECRET, AUTHORITY, NAME } = process.env;
const credential = TOKEN
  ? { getToken: async () => ({ token: TOKEN, expiresOnTimestamp: Date.now() + 3600e3 }) }
  : new ClientSecretCredential("chancery", CLIENT_ID, CLIENT_SECRET, {
      authorityHost: AUTHORITY,
      disableInstanceDiscovery: true,
    });
const client = new CertificateClient(VAULT_URL, credential);
const secrets = new SecretClient(VAULT_URL, credential);
const quick = { intervalInMs: 300 };

async function collect(pages) {
  const found = [];
  for await (const one of pages) found.push(one.name);
  return found;
}

async function main() {
  const seen = {};
  const policy = { issuerName: "Self", subject: "CN=www.example.org", keyType: "EC", keyCurveName: "P-256" };
  const poller = await client.beginCreateCertificate(NAME, policy, { ...quick, tags: { team: "web" } });
  const certificate = await poller.pollUntilDone();
  seen.version = certificate.properties.version;
  seen.tags = certificate.properties.tags;
  seen.secretVersion = (await secrets.getSecret(NAME)).properties.version;
  const pem = await secrets.getSecret(NAME);
  seen.contentType = pem.properties.contentType;
  seen.value = pem.value;

  const unknown = { issuerName: "Unknown", subject: "CN=www.example.org", keyType: "EC", keyCurveName: "P-256" };
  await client.beginCreateCertificate(`${NAME}-csr`, unknown, quick);
  const operation = await client.getCertificateOperation(`${NAME}-csr`, quick);
  seen.csr = Buffer.from(operation.getOperationState().certificateOperation.csr).toString("base64");
  const cancelled = await operation.cancelOperation().then(() => client.getCertificateOperation(`${NAME}-csr`, quick));
  seen.cancelled = cancelled.getOperationState().certificateOperation.status;

  await client.updateCertificateProperties(NAME, "", { tags: { team: "mail" } });
  await client.updateCertificatePolicy(NAME, { ...policy, validityInMonths: 24 });
  seen.months = (await client.getCertificatePolicy(NAME)).validityInMonths;
  await client.setContacts([{ email: "a@example.org", name: "Ada", phone: "1" }]);
  seen.contacts = await client.getContacts();
  await client.deleteContacts();
  seen.listed = await collect(client.listPropertiesOfCertificates());

  const backup = await client.backupCertificate(NAME);
  const deleting = await client.beginDeleteCertificate(NAME, quick);
  await deleting.pollUntilDone();
  const recovering = await client.beginRecoverDeletedCertificate(NAME, quick);
  await recovering.pollUntilDone();
  await (await client.beginDeleteCertificate(NAME, quick)).pollUntilDone();
  await client.purgeDeletedCertificate(NAME);
  seen.restored = (await client.restoreCertificateBackup(backup)).properties.version;

  const imported = await client.importCertificate(`${NAME}-in`, Buffer.from(process.env.PEM));
  seen.imported = imported.properties.version;
  seen.missing = await client.getCertificate("absent").catch((error) => [error.statusCode, error.code]);
  return seen;
}

main().then(
  (seen) => console.log(JSON.stringify(seen)),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
