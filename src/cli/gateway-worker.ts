// A worker of `postern gateway`. Loaded in workers only: the supervisor has no use for what reads mail.

import type { Config } from "../config.ts";
import type { Snapshot } from "../directory.ts";
import { isSecureMailError } from "../errors.ts";
import { type LogFormat, logLines, type RunningGateway, startGateway, type Watchers } from "../gateway.ts";
import type { SocketAddress } from "../smtp.ts";
import { runWorker } from "../supervisor.ts";
import { type Log, write } from "./daemon-log.ts";

// As bin/postern ends where the program itself fails (sysexits: EX_SOFTWARE).
const afterBug = 70;

export async function work(format: LogFormat, log: Log): Promise<void> {
  // A bug outside of any message's way: nothing of this process can be relied on. The supervisor starts the next one.
  process.on("uncaughtException", (thrown) => {
    log(`a worker ends by a bug: ${thrown.stack ?? thrown}`);
    process.exit(afterBug);
  });
  await runWorker(async (config, place) => {
    const gateway = await startGateway(config, watchers(format, log), place);
    return { lines: greeting(config, gateway), close: () => gateway.close() };
  });
}

function watchers(format: LogFormat, log: Log): Watchers {
  return {
    onDirectory: ({ number, members, faults }) => {
      faultLines(faults).forEach(log);
      log(`directory: snapshot ${number}, ${members.length} members`);
    },
    report: (report) => logLines(report, format).forEach(write),
    onFault: (thrown) => {
      const bug = (thrown as Error)?.stack ?? String(thrown);
      log(isSecureMailError(thrown) ? `${thrown.code}: ${thrown.message}` : bug);
    },
  };
}

function greeting({ domains }: Config, { listening, snapshot }: RunningGateway): readonly string[] {
  const { members, faults } = snapshot();
  const names = domains.map(({ name }) => name).join(", ");
  return [
    ...faultLines(faults),
    `ready for ${names}: inside ${where(listening.inside)}, outside ${where(listening.outside)}, ${members.length} members`,
  ];
}

function faultLines(faults: Snapshot["faults"]): readonly string[] {
  return faults.map(({ dn, attribute, reason }) => `directory: ${dn}: ${attribute}: ${reason}`);
}

function where(address: SocketAddress): string {
  return "path" in address ? address.path : `${address.host}:${address.port}`;
}
