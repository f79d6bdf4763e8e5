// What is kept on disk. Floor 3.
//
//   openStore             one SQLite file with what a gateway must remember, and the folder of held mail
//     ledger              who was served, so that a retry does not serve twice
//     plans               what was decided about a message when it was first seen
//     holds               mail that must not be delivered and must not be lost
//     tracking            what became of each message, for thirty days
//     suspects            messages that were in a worker when it died
//     members             whom the directory listed, so that nobody leaves it by silence
//     probes, audit       probes that came through; what people did
//   openJournal           what one worker is working on, readJournals for the day it died
//   spillingSpools        large messages in flight, encrypted under a key that dies with the process
//   watchDirectoryFiles   the directory's LDIF files, read again when they change
//   replaceFile           a file changed whole or not at all
//
// Nothing that was decrypted is written in clear, and the database holds keyed hashes and envelopes, never content.
// Files are 0600, folders 0700. Writes are synced when they resolve (SQLite, WAL, synchronous=FULL) and share their
// syncs. What cannot be done fails with a code of store-error.ts; nothing here stops the process. Several processes may
// have one store open.
export type { AuditEntry, AuditLog } from "./store/audit.ts";
export { type DirectoryFileErrorCode, readDirectoryFiles } from "./store/directory-file.ts";
export { type DirectoryWatch, type DirectoryWatchers, watchDirectoryFiles } from "./store/directory-watch.ts";
export type { HeldMail, HoldState, HoldStore, Settled, Strays } from "./store/hold.ts";
export { type Done, type InFlight, type Journal, type Journals, openJournal, readJournals } from "./store/journal.ts";
export type { Ledger } from "./store/ledger.ts";
export { type MemberStore, membersInFile } from "./store/members.ts";
export { openStore, type Store, type StoreOptions } from "./store/open-store.ts";
export type { Plan, Plans } from "./store/plans.ts";
export type { ProbeSeen, ProbeStore } from "./store/probes.ts";
export { replaceFile } from "./store/replace-file.ts";
export { spillErrorCodes, spillingSpools } from "./store/spill.ts";
export { type StoreErrorCode, storeErrorCodes } from "./store/store-error.ts";
export type { Suspect, Suspects } from "./store/suspects.ts";
export type { Tracking, TrackQuery, TrackRow } from "./store/tracking.ts";
