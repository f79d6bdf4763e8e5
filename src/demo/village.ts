// The demo's village: the houses of its members, and the world outside, which is no member of anything.

import path from "node:path";
import { sourceOf } from "../bytes.ts";
import { formatMailbox, type Mailbox, parseMailbox, RelayPool, type Reply, type SocketAddress } from "../smtp.ts";
import { type Community, members, world } from "./community.ts";
import {
  type AllPorts,
  type Closing,
  type House,
  hopAt,
  openHouse,
  openMailbox,
  type Ports,
  type Sight,
} from "./house.ts";
import type { Letter } from "./letters.ts";
import { freePorts } from "./ports.ts";

export type Village = {
  readonly houses: readonly House[];
  /** Where mail for everybody else is kept. */
  readonly worldPort: number;
  /** Hands a letter in as the sender's mail server would. */
  submit(letter: Letter): Promise<readonly Reply[]>;
  close(): Promise<void>;
};

export type VillageOptions = {
  readonly onSight: (sight: Sight) => void;
  readonly onFault: (thrown: unknown) => void;
  /** Mail from the first house to the second is handed over here instead, by somebody who brings it to the line. */
  readonly linkProxy?: SocketAddress;
};

export async function openVillage(community: Community, options: VillageOptions): Promise<Village> {
  const closing: Closing[] = [];
  const close = async (): Promise<void> => {
    for (const one of closing.splice(0).reverse()) await one();
  };
  try {
    const pool = new RelayPool("edge.see.example");
    closing.push(() => pool.close());
    const ports = await choosePorts();
    const closeWorld = await openMailbox(world.domain, ports.world, path.join(community.folder, world.domain), options);
    closing.push(closeWorld);
    const houses: House[] = [];
    for (const [index, member] of members.entries()) {
      const via = index === 0 ? options.linkProxy : undefined;
      const setting = { community, ports, pool, ...options, ...(via === undefined ? {} : { via }) };
      houses.push(await openHouse(member, setting, (one) => closing.push(one)));
    }
    return { houses, worldPort: ports.world, submit: (letter) => submit(letter, houses, pool), close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** At the author's own gateway; who has none hands in at the recipient's, from outside. */
function submit(letter: Letter, houses: readonly House[], pool: RelayPool): Promise<readonly Reply[]> {
  const houseOf = (address: string) => houses.find(({ member }) => address.endsWith(`@${member.domain}`));
  const home = houseOf(letter.author);
  const port = home?.ports.inside ?? houseOf(letter.to[0] ?? "")?.ports.outside;
  const envelope = {
    reversePath: letter.from === "" ? undefined : mailbox(letter.from),
    forwardPaths: letter.to.map(mailbox),
    parameters: letter.eightBit ? { body: "8BITMIME" as const } : {},
  };
  return pool.relay(hopAt(port ?? 0), envelope, sourceOf(letter.octets));
}

async function choosePorts(): Promise<AllPorts> {
  // Those that people try by hand come first.
  const rows = ["inside", "outside", "mail", "edge", "link"] as const;
  const free = await freePorts(members.length * rows.length + 1);
  const of = new Map(
    members.map(({ domain }, index) => {
      const own = rows.map((row, at) => [row, free[at * members.length + index] as number] as const);
      return [domain, Object.fromEntries(own) as Ports];
    }),
  );
  return { of, world: free.at(-1) as number };
}

function mailbox(address: string): Mailbox {
  const parsed = parseMailbox(address);
  if (parsed === undefined || formatMailbox(parsed) !== address) throw new Error(`not an address: ${address}`);
  return parsed;
}
