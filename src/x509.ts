// X.509: certificates as they stand in messages, directories and files. Floor 1, no I/O, no clock.
//
//   parseCertificate    one strict DER reader; cachedCertificate gives the same object for the same octets, so that
//                       keys, names and checked signatures hang on to it from message to message
//   emails              the only identities there are: rfc822Names that no two programs can read differently
//   certificatesInFile  PEM, DER and PKCS #7 files; readPkcs12 for key stores
//   issueCertificate    certificates out
//   nameText, nameKey   a Name to show, and a Name to compare
//
// Whether a certificate may be believed is not decided here but in `trust`.
export {
  type Certificate,
  cachedCertificate,
  integerText,
  isSelfIssued,
  parseCertificate,
} from "./x509/certificate.ts";
export { type CertificateTemplate, issueCertificate } from "./x509/certificate-writer.ts";
export { type Crl, parseCrl } from "./x509/crl.ts";
export { type EmailAddress, parseEmailAddress } from "./x509/email.ts";
export { type X509ErrorCode, x509ErrorCodes } from "./x509/errors.ts";
export {
  type Extension,
  type Extensions,
  type KeyUsage,
  keyIdentifiersFit,
  keyUsageFits,
  type SubjectAltName,
} from "./x509/extensions.ts";
export { encodeName, nameKey, nameText } from "./x509/name.ts";
export { certificatesInFile, crlsInFile, type FileObject, readFileObjects } from "./x509/pem.ts";
export { looksLikePkcs12, type Pkcs12Store, readPkcs12 } from "./x509/pkcs12.ts";
export { publicKeyOfSpki } from "./x509/public-key.ts";
