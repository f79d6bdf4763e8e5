// Names of algorithms that are known and not implemented, so that a report can say more than an OID.

const aes = "2.16.840.1.101.3.4.1";
const nistHash = "2.16.840.1.101.3.4.2";
const nistSignature = "2.16.840.1.101.3.4.3";
const nistKem = "2.16.840.1.101.3.4.4";
const camellia = "1.2.392.200011.61.1.1.1";
const pkcs = "1.2.840.113549";

const names: ReadonlyMap<string, string> = new Map([
  [`${aes}.7`, "aes128-ccm"],
  [`${aes}.27`, "aes192-ccm"],
  [`${aes}.47`, "aes256-ccm"],
  [`${camellia}.2`, "camellia128-cbc"],
  [`${camellia}.3`, "camellia192-cbc"],
  [`${camellia}.4`, "camellia256-cbc"],
  ["1.2.410.200004.1.4", "seed-cbc"],
  ["1.2.840.113533.7.66.10", "cast5-cbc"],
  ["1.3.14.3.2.7", "des-cbc"],
  [`${pkcs}.3.2`, "rc2-cbc"],
  [`${pkcs}.3.4`, "rc4"],
  [`${pkcs}.2.2`, "md2"],
  [`${pkcs}.2.5`, "md5"],
  ["1.3.36.3.2.1", "ripemd160"],
  [`${nistHash}.11`, "shake128"],
  [`${nistHash}.12`, "shake256"],
  [`${pkcs}.1.1.4`, "rsa-v15-md5"],
  ["1.3.101.113", "ed448"],
  [`${nistSignature}.17`, "ml-dsa-44"],
  [`${nistSignature}.18`, "ml-dsa-65"],
  [`${nistSignature}.19`, "ml-dsa-87"],
  [`${nistKem}.1`, "ml-kem-512"],
  [`${nistKem}.2`, "ml-kem-768"],
  [`${nistKem}.3`, "ml-kem-1024"],
  [`${pkcs}.1.9.16.3.5`, "dh-esdh"],
  [`${pkcs}.1.9.16.3.14`, "rsa-kem"],
]);

/** For people: name and OID where there is a name, else the OID. */
export function algorithmName(oid: string): string {
  const name = names.get(oid);
  return name === undefined ? oid : `${name} (${oid})`;
}
