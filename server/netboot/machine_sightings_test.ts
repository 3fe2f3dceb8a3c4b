import assert from "node:assert/strict";
import { parseMac } from "../../boot/dhcp/address.ts";
import type { Glimpse } from "../store/sightings.ts";
import { MachineSightings } from "./machine_sightings.ts";

const MAC = "52:54:00:00:00:07";

function open(known: readonly string[] = []) {
  const seen: [mac: string, glimpse: Glimpse][] = [];
  const sightings = new MachineSightings({
    nodes: { byMac: (mac) => known.includes(mac) ? {} as never : undefined },
    orders: { noteSeen: (mac, glimpse) => void seen.push([mac, glimpse]) },
    readArp: () =>
      "IP address       HW type     Flags       HW address            Mask     Device\n" +
      `10.0.0.7         0x1         0x2         ${MAC}     *        eth0\n` +
      "10.0.0.8         0x1         0x0         00:00:00:00:00:00     *        eth0\n",
  });
  return { seen, sightings };
}

Deno.test("a client of DHCP tells its firmware only if it boots from the network", () => {
  const { seen, sightings } = open();
  const client = { mac: parseMac(MAC), arch: "uefi-arm64", http: false, ipxe: false } as const;
  sightings.client({ ...client, pxe: true });
  sightings.client({ ...client, pxe: false });
  assert.deepEqual(seen, [
    [MAC, { by: "dhcp", boots: true, architecture: "arm64", firmware: "uefi" }],
    [MAC, { by: "dhcp", boots: false }],
  ]);
});

Deno.test("a client that fetches a file is known by its address, if it is on the server's own network", () => {
  const { seen, sightings } = open();
  sightings.file("10.0.0.7", "tftp");
  // not resolved, and behind a router
  for (const address of ["10.0.0.8", "192.168.1.1"]) sightings.file(address, "tftp");
  assert.deepEqual(seen, [[MAC, { by: "tftp", address: "10.0.0.7", boots: true }]]);
});

Deno.test("of a flood of invented MACs few are noted, and a known machine always is", () => {
  const { seen, sightings } = open([MAC]);
  for (let i = 0; i < 5000; i++) {
    sightings.script(
      `02:00:00:00:${(i >> 8).toString(16).padStart(2, "0")}:${(i & 255).toString(16).padStart(2, "0")}`,
      "http",
    );
  }
  assert.ok(seen.length >= 1000 && seen.length < 1200, `${seen.length}`);
  assert.equal(sightings.script(MAC, "http"), true);
});
