/** Brings up NICs of a machine in a namespace as the agent does: "NAME=MAC" or "NAME=MAC=VLAN". */
import assert from "node:assert/strict";
import { denoScript } from "./dhcp_network.ts";
import type { NetworkNamespace } from "./netns.ts";

interface BroughtUp {
  /** What became of each, up to the one that is used. */
  readonly said: string;
  /** The machine's own /etc/resolv.conf, which the agent writes. */
  readonly resolver: string;
}

export async function bringUp(machine: NetworkNamespace, ...ports: string[]): Promise<BroughtUp> {
  const resolver = await Deno.makeTempFile();
  try {
    const inside = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
    const program = denoScript("find_addresses.ts", ...ports);
    const argv = ["unshare", "--mount", "sh", "-c", inside, resolver, ...program];
    const { code, stdout, stderr } = await machine.run(argv);
    assert.equal(code, 0, stdout + stderr);
    return { said: stdout, resolver: await Deno.readTextFile(resolver) };
  } finally {
    await Deno.remove(resolver);
  }
}
