// Failures of starting, in words for whoever reads the log at night.

import { isSecureMailError, SecureMailError } from "../errors.ts";
import type { Failure } from "./messages.ts";

export const supervisorErrorCodes = {
  SUPERVISOR_LISTEN: "an address cannot be listened on",
  SUPERVISOR_FOLDER: "the data folder cannot be used",
  SUPERVISOR_RUNNING: "another gateway runs on the same data folder",
  SUPERVISOR_WORKER: "a worker ended before it was ready",
  SUPERVISOR_LIMITS: "a limit does not suffice for as many workers as there are cores",
  SUPERVISOR_RESTART: "a setting was changed that only a restart can change",
} as const;
export type SupervisorErrorCode = keyof typeof supervisorErrorCodes;

export function supervisorError(
  code: SupervisorErrorCode,
  fault: "temporary" | "permanent",
  message: string,
  options?: ErrorOptions,
): SecureMailError<SupervisorErrorCode> {
  return new SecureMailError(code, fault, message, options);
}

export function failureOf(thrown: unknown): Failure {
  if (isSecureMailError(thrown)) return { code: thrown.code, fault: thrown.fault, message: thrown.message };
  const message = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return { code: "SUPERVISOR_WORKER", fault: "temporary", message };
}

export function thrownOf({ code, fault, message }: Failure): SecureMailError {
  return new SecureMailError(code, fault, message);
}
