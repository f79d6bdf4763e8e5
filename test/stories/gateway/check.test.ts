// `postern check` between Postfix as postfix-config writes it, and between Postfix with one thing wrong.

import assert from "node:assert/strict";
import { type Lab, stories } from "../../postfix.ts";
import { runPostern } from "../../program.ts";

const nobody = {
  recipient: (address: string) => (address.startsWith("postern-probe") ? "550 5.1.1 Nobody here" : undefined),
};

async function check({ a }: Lab, wait: number) {
  a.users.manners = nobody;
  const { status, stdout, stderr } = await runPostern([
    "check",
    "--wait",
    String(wait),
    "--config",
    a.gateway.configFile,
  ]);
  return { status, out: `${stdout}${stderr}` };
}

stories(2, {}, (story) => {
  story("the chain that postfix-config writes is ready: every probe comes back, the bounces included", async (lab) => {
    const { status, out } = await check(lab, 40);
    assert.equal(status, 0, `${out}${lab.a.logs()}`);
    assert.equal(out.match(/^good +probes .*: came back$/gm)?.length, 5, out);
    assert.match(out, /^Ready.*\.$/m);
  });

  story("no probe reaches the users, nothing stays in a queue, and mail goes on as before", async (lab) => {
    const probes = lab.a.users.arrivals.filter(({ octets }) => octets.includes("Probe of postern check"));
    assert.deepEqual(probes, []);
    assert.equal(await lab.a.queued(), 0);
    const mail = lab.secret("alice@a.example", "bob@b.example");
    await lab.a.send("alice@a.example", ["bob@b.example"], mail.octets);
    const [arrival] = await lab.b.users.arrived(({ octets }) => octets.includes(mail.word));
    assert.ok(arrival);
  });
});

// A hub whose mail goes another way than through the gateway, and an inner edge that sends bounces straight to the world.
const astray = {
  a: { postfix: { "hub-out": { default_transport: "discard:" }, "edge-in": { default_transport: "discard:" } } },
};

stories(1, astray, (story) => {
  story("a chain around the gateway is not ready, and each way that is wrong is named", async (lab) => {
    const mail = lab.secret("bob@b.example", "alice@a.example");
    await lab.b.send("bob@b.example", ["alice@a.example"], mail.octets);
    await lab.a.users.arrived(({ octets }) => octets.includes(mail.word));
    const { status, out } = await check(lab, 8);
    assert.equal(status, 1, out);
    assert.match(
      out,
      /^FAULT +probes +through the hub: it did not come back within 8 seconds\n +-> the hub must send/m,
    );
    assert.match(out, /^FAULT +probes +a bounce through relay\.inside: it did not come back/m);
    assert.match(out, /^Not ready: /m);
  });
});
