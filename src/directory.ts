// The directory: who is a member, and with which certificates. Floor 2, pure: entries in, values out; where entries
// come from (LDIF file, LDAP, member list) is the plumbing's business.
//
//   readMember                    one entry, checked, with a reason for each fault
//   makeSnapshot                  all of them at one moment; finds the member that a domain belongs to
//   remember, withGone           whose entry was there and is not: it has not left, and is no stranger
//   selectEncryptionCertificates  the certificates that mail to a member is encrypted to, and why not the others

export {
  describeGone,
  type GoneMember,
  goneWaitsMs,
  type Remembered,
  remember,
  withGone,
} from "./directory/gone.ts";
export type {
  Identification,
  Member,
  MemberClass,
  MemberFault,
  MemberProfile,
  MemberStatus,
  ReadMember,
} from "./directory/member.ts";
export { readMember } from "./directory/member.ts";
export {
  type CertificateSelection,
  type JudgeEncryption,
  type RejectedCertificate,
  selectEncryptionCertificates,
} from "./directory/select-certificate.ts";
export { type Found, makeSnapshot, type Snapshot } from "./directory/snapshot.ts";
