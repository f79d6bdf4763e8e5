// The supervisor: one process that parses no mail and holds no key, and the workers that do. Floor 4.
//
//   postern gateway ── supervisor ──┬── worker ── the corridor of ../gateway.ts
//        SIGTERM, SIGHUP,           ├── worker    beats each second,
//        gateway.sock               └── worker    keeps a journal of what it has in hand
//
// - The listening sockets are the supervisor's. A worker takes one connection at a time; one that hangs gets no more,
//   and what a dead one had not taken goes to the next.
// - A worker that gives no sign of life for half a minute is killed. Where one died by itself, the messages it had in
//   hand are accused in the store, and then the next one starts, at once. Pauses are for starts that fail.
// - SIGHUP: the configuration is read and checked, a whole new set of workers starts with it, and only when all are
//   ready the old set is let go. Whatever is wrong is logged, and the old set stays.
// - SIGTERM: no more connections, the messages in hand are finished, half a minute at most.
// - A supervisor that is killed takes its listening sockets with it; its workers finish what they have in hand and end,
//   or are ended by the next one.

export { type SupervisorErrorCode, supervisorErrorCodes } from "./supervisor/errors.ts";
export { type GatewayStatus, readStatus } from "./supervisor/status.ts";
export { crewSize, type SupervisorOptions, supervise } from "./supervisor/supervise.ts";
export { type BeginWork, isWorker, type Place, runWorker, type Work } from "./supervisor/worker.ts";
