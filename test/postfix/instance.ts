// A Postfix instance with a folder, a queue and a log of its own, from what `postern postfix-config` writes and a few
// settings of the laboratory. Postfix's master changes users for its programs: it has to be root.

import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { formatMainCf, formatMasterCf, type PostfixInstance } from "../../src/postfix.ts";
import { loopback } from "./ports.ts";

const programs = "/usr/lib/postfix/sbin";
const run = promisify(execFile);

/** Ends master too when nobody holds the other end of its input any more, and only after master. */
const keeper = 'trap : TERM; "$0" -c "$1" -d < /dev/null & master=$!; read _; kill -TERM $master; wait $master';

/** What stands in the queue, as `postqueue -j` says it. */
export type Queued = {
  readonly queue_name: string;
  readonly queue_id: string;
  readonly sender: string;
  readonly recipients: readonly { readonly address: string; readonly delay_reason?: string }[];
};

export class PostfixProcess {
  readonly folder: string;
  readonly #port: number;
  #master: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.#port = port;
  }

  /** Writes the instance's files below `home` and starts it; `port` is where it listens. */
  static async start(
    instance: PostfixInstance,
    home: string,
    port: number,
    changes: Readonly<Record<string, string>>,
  ): Promise<PostfixProcess> {
    const folder = path.join(home, instance.folder);
    makeFolders(folder);
    const overrides = { ...laboratory(folder), ...changes };
    const lines = Object.entries(overrides).map(([name, value]) => `${name} = ${value}\n`);
    writeFileSync(path.join(folder, "main.cf"), `${withoutNames(formatMainCf(instance), overrides)}${lines.join("")}`);
    writeFileSync(path.join(folder, "master.cf"), formatMasterCf(instance));
    const process = new PostfixProcess(folder, port);
    await process.restart();
    return process;
  }

  async restart(): Promise<void> {
    // A group of its own: master ends its programs by signalling the group.
    const master = path.join(programs, "master");
    this.#master = spawn("sh", ["-c", keeper, master, this.folder], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    for (let tries = 0; !(await answers(this.#port)); tries += 1) {
      if (tries > 200) throw new Error(`Postfix does not answer on ${this.#port}: ${this.log()}`);
      await sleep(25);
    }
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const master = this.#master;
    this.#master = undefined;
    if (master?.pid === undefined || master.exitCode !== null) return;
    const ended = new Promise((resolve) => master.once("close", resolve));
    try {
      process.kill(-master.pid, signal);
    } catch {
      return;
    }
    await ended;
  }

  /** Of the process above master. */
  get pid(): number | undefined {
    return this.#master?.pid;
  }

  /** Tries everything in the queue now. */
  async flush(): Promise<void> {
    await run("postqueue", ["-c", this.folder, "-f"]);
  }

  async queue(): Promise<readonly Queued[]> {
    const { stdout } = await run("postqueue", ["-c", this.folder, "-j"], { maxBuffer: 64 * 1024 * 1024 });
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  }

  log(): string {
    const file = path.join(this.folder, "log");
    return existsSync(file) ? readFileSync(file, "latin1") : "";
  }
}

/** Own folders, a log in a file, retries within a second, and no DNS. */
function laboratory(folder: string): Record<string, string> {
  return {
    queue_directory: path.join(folder, "queue"),
    data_directory: path.join(folder, "state"),
    maillog_file: path.join(folder, "log"),
    maillog_file_prefixes: folder,
    inet_interfaces: loopback,
    inet_protocols: "ipv4",
    smtpd_peername_lookup: "no",
    smtp_host_lookup: "native",
    smtp_dns_support_level: "disabled",
    queue_run_delay: "1s",
    minimal_backoff_time: "1s",
    maximal_backoff_time: "2s",
  };
}

/** Postfix warns of names that stand twice. */
function withoutNames(mainCf: string, names: Readonly<Record<string, string>>): string {
  return mainCf
    .split("\n")
    .filter((line) => !Object.hasOwn(names, /^(\w+) =/.exec(line)?.[1] ?? ""))
    .join("\n");
}

const own = [
  ...["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"],
];

function makeFolders(folder: string): void {
  const [owner, drop] = ["postfix", "postdrop"].map((name) => numberOf(name)) as [Ids, Ids];
  for (const [name, mode, user, group] of [
    ["", 0o755, 0, 0],
    ["queue", 0o755, 0, 0],
    ["queue/pid", 0o755, 0, 0],
    ["state", 0o700, owner.user, 0],
    ...own.map((queue) => [`queue/${queue}`, 0o700, owner.user, 0] as const),
    ["queue/maildrop", 0o1730, owner.user, drop.group],
    ["queue/public", 0o2710, owner.user, drop.group],
  ] as const) {
    const made = path.join(folder, name);
    mkdirSync(made, { recursive: true });
    chownSync(made, user, group);
    chmodSync(made, mode);
  }
}

type Ids = { readonly user: number; readonly group: number };

function numberOf(name: string): Ids {
  const [, , group = "0"] = execFileSync("getent", ["group", name], { encoding: "utf8" }).split(":");
  const user = name === "postdrop" ? "0" : execFileSync("id", ["-u", name], { encoding: "utf8" });
  return { user: Number(user), group: Number(group) };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, loopback);
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
