// The four instances, each with its settings and services.

import { commonServices, commonSettings, prefix, smtpdAt } from "./common.ts";
import { edgeInSettings, edgeListener, edgeOutSettings } from "./edge.ts";
import { hubInSettings, hubOutListeners, hubOutSettings, hubServices } from "./hub.ts";
import type { InstanceName, PostfixSite, Service, Setting } from "./site.ts";

export type PostfixInstance = {
  readonly name: InstanceName;
  /** Of its folder, and in the log. */
  readonly folder: string;
  readonly does: string;
  readonly settings: readonly Setting[];
  readonly services: readonly Service[];
};

type Part = {
  readonly does: string;
  readonly settings: (site: PostfixSite) => Setting[];
  readonly services: (site: PostfixSite) => Service[];
};

const parts: Readonly<Record<InstanceName, Part>> = {
  "hub-out": {
    does: "takes mail from the users' mail server, and every bounce; all goes to Postern's inside listener",
    settings: hubOutSettings,
    services: (site) => [...hubOutListeners(site), ...hubServices()],
  },
  "edge-out": {
    does: "takes from Postern what is for the world, and delivers it",
    settings: edgeOutSettings,
    services: (site) => edgeListener("outside", site),
  },
  "hub-in": {
    does: "takes mail from the world; all goes to Postern's outside listener",
    settings: hubInSettings,
    services: (site) => [smtpdAt(site.public ?? "25"), ...hubServices()],
  },
  "edge-in": {
    does: "takes from Postern what was opened, and delivers it to the users' mail server",
    settings: edgeInSettings,
    services: (site) => edgeListener("inside", site),
  },
};

export const instanceNames: readonly InstanceName[] = Object.keys(parts) as InstanceName[];

export function postfixInstances(site: PostfixSite): readonly PostfixInstance[] {
  return instanceNames.map((name) => {
    const { does, settings, services } = parts[name];
    return {
      name,
      folder: `${prefix}${name}`,
      does,
      settings: [...commonSettings(name, site), ...settings(site)],
      services: [...services(site), ...commonServices()],
    };
  });
}
