// The mail servers around us: are they there, and can they do what our mail needs of them?

import type { Config, HopConfig, ListenConfig } from "../config.ts";
import { isSecureMailError } from "../errors.ts";
import { type Links, loadLinks } from "../gateway.ts";
import { askHop, type Hop } from "../smtp.ts";
import { type Finding, fault, good, warning } from "./finding.ts";
import { exit } from "./options.ts";

export type CheckedLinks = { readonly findings: readonly Finding[]; readonly links?: Links };

export async function checkLinks(config: Config): Promise<CheckedLinks> {
  let links: Links;
  try {
    links = await loadLinks(config);
  } catch (thrown) {
    if (!isSecureMailError(thrown)) throw thrown;
    return { findings: [fault("links", thrown.message, "mend the TLS files of listen and relay", exit.configuration)] };
  }
  const { hops, submit } = links;
  const { relay, hostname, limits } = config;
  const findings = await Promise.all([
    checkHop("relay.outside", hops.outside, hostname, wanted("outside", limits.messageSize)),
    checkHop("relay.inside", hops.inside, hostname, wanted("inside", limits.messageSize)),
    ...(submit === undefined ? [] : [checkHop("relay.submit", submit, hostname, wanted("submit", limits.messageSize))]),
  ]);
  const open = [
    ...unprotected("listen.inside", config.listen.inside),
    ...unprotected("listen.outside", config.listen.outside),
    ...Object.entries(relay).flatMap(([name, hop]) => (hop === undefined ? [] : unprotected(`relay.${name}`, hop))),
  ];
  return { links, findings: [...findings.flat(), ...open, ...(submit === undefined ? withoutSubmit(config) : [])] };
}

function withoutSubmit({ listen }: Config): readonly Finding[] {
  const smtp = Object.entries(listen).flatMap(([name, { protocol }]) =>
    protocol === "smtp" ? [`listen.${name}`] : [],
  );
  const todo = "name the hub: without it nothing held can be returned, and the way through the hub is not tried";
  return [
    warning("links", "relay.submit is missing", todo),
    ...smtp.map((name) =>
      warning(
        "links",
        `${name} speaks SMTP and has no way to report`,
        "name relay.submit: a mail that one recipient gets and another never will stays 451 for both until its sender gives up",
      ),
    ),
  ];
}

type Wish = {
  readonly keyword: string;
  readonly lack: string;
  readonly todo: string;
  readonly grave?: boolean;
  readonly size?: number;
};

/** What signing and encrypting can make of a message: base64 within base64, and some. */
const growth = 2.1;

function wanted(side: "inside" | "outside" | "submit", messageSize: number): readonly Wish[] {
  const size = Math.ceil(side === "outside" ? messageSize * growth : messageSize);
  const common: readonly Wish[] = [
    {
      keyword: "SIZE",
      size,
      lack: `takes mail up to SIZE only, less than ${size}`,
      todo: "raise its limit, or lower limits.messageSize",
    },
    { keyword: "SMTPUTF8", lack: "does not take SMTPUTF8", todo: "mail with addresses beyond ASCII will be refused" },
  ];
  if (side === "outside")
    return [
      {
        keyword: "8BITMIME",
        lack: "does not take 8BITMIME",
        todo: "mail to strangers with 8-bit content will be refused",
      },
      {
        keyword: "DSN",
        lack: "does not take DSN",
        todo: "what senders ask to hear (NOTIFY, RET, ENVID) is dropped there: use a server that takes it",
      },
      ...common,
    ];
  // Mail of our own is small.
  if (side === "submit") return common.filter(({ size: room }) => room === undefined);
  return [
    {
      keyword: "8BITMIME",
      lack: "does not take 8BITMIME",
      todo: "what was opened may hold 8-bit content, and would be refused: use a server that takes it",
      grave: true,
    },
    {
      keyword: "DSN",
      lack: "does not take DSN",
      todo: "what senders ask to hear (NOTIFY) is dropped there, and more reports about opened mail will be held",
    },
    ...common,
  ];
}

async function checkHop(
  name: string,
  hop: Hop,
  hostname: string,
  wishes: readonly Wish[],
): Promise<readonly Finding[]> {
  const label = `${name} ${hopText(hop)}`;
  let keywords: ReadonlyMap<string, string>;
  try {
    keywords = await askHop(hop, hostname);
  } catch (thrown) {
    if (!isSecureMailError(thrown)) throw thrown;
    const what = thrown.message.replace(/^Cannot reach the next hop: /, "");
    return [
      fault(
        "links",
        `${label} is not there: ${what}`,
        `start the mail server there, or correct ${name}`,
        exit.unavailable,
      ),
    ];
  }
  const lacking = wishes
    .filter((wish) => lacks(keywords, wish))
    .map(({ keyword, lack, todo, grave = false }) => {
      const what = `${label} ${keyword === "SIZE" ? lack.replace("SIZE", keywords.get("SIZE") ?? "") : lack}`;
      return grave ? fault("links", what, todo) : warning("links", what, todo);
    });
  return lacking.length > 0
    ? lacking
    : [good("links", `${label}${hop.tls === undefined ? "" : ", TLS with the pinned certificate"}`)];
}

function lacks(keywords: ReadonlyMap<string, string>, { keyword, size }: Wish): boolean {
  const value = keywords.get(keyword);
  if (size === undefined) return value === undefined;
  const limit = Number(value ?? 0);
  return limit > 0 && limit < size;
}

export function hopText({ protocol, address }: Pick<Hop, "protocol" | "address">): string {
  return `${protocol}://${"path" in address ? `unix:${address.path}` : `${address.host}:${address.port}`}`;
}

/** Off this machine without a pinned certificate: only dangerPlaintext allows it, and then it is shown. */
function unprotected(name: string, link: ListenConfig | HopConfig): readonly Finding[] {
  const { address, tls } = link;
  const local = "path" in address || /^(?:localhost|::1|127(?:\.[0-9]{1,3}){3})$/.test(address.host);
  if (local || (tls !== undefined && tls.pins.length > 0)) return [];
  const what = `${name} leaves this machine without TLS that knows its peer (dangerPlaintext)`;
  return [warning("links", what, "opened mail is on that wire in clear: set tls with a pin")];
}
