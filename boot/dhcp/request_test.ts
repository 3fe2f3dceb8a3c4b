import assert from "node:assert/strict";
import { type ClientPacket, clientPacket, TYPE } from "../../test/support/dhcp_packets.ts";
import type { BootClient } from "./boot_client.ts";
import { OPTION } from "./options.ts";
import { type DhcpIntent, parseRequest, userClasses, uuidOf } from "./request.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("the states of a client are told apart by what its message carries", () => {
  const cases: [Omit<ClientPacket, "mac">, DhcpIntent["kind"]][] = [
    [{ type: TYPE.discover }, "discover"],
    [{ type: TYPE.discover, requested: "10.0.0.9" }, "discover"],
    [{ type: TYPE.request, requested: "10.0.0.9", serverId: "10.0.0.1" }, "select"],
    [{ type: TYPE.request, requested: "10.0.0.9" }, "init-reboot"],
    [{ type: TYPE.request, ciaddr: "10.0.0.9" }, "renew"],
    [{ type: TYPE.request }, "accept"],
    [{ type: TYPE.decline, requested: "10.0.0.9", serverId: "10.0.0.1" }, "decline"],
    [{ type: TYPE.release, ciaddr: "10.0.0.9", serverId: "10.0.0.1" }, "release"],
    [{ type: TYPE.inform, ciaddr: "10.0.0.9" }, "inform"],
  ];
  for (const [packet, kind] of cases) assert.equal(parseRequest(clientPacket(packet)).intent.kind, kind);
});

Deno.test("a message without what its type needs, or of a server, is refused", () => {
  const cases: [ClientPacket, RegExp][] = [
    [{ type: TYPE.offer }, /message type 2/],
    [{ type: TYPE.decline, serverId: "10.0.0.1" }, /requested address/],
    [{ type: TYPE.release, ciaddr: "10.0.0.9" }, /server identifier/],
    [{ type: TYPE.inform }, /ciaddr/],
    [{ type: TYPE.discover, options: [[OPTION.requestedAddress, Uint8Array.of(1)]] }, /option 50/],
  ];
  for (const [packet, message] of cases) {
    assert.throws(() => parseRequest(clientPacket(packet)), { name: "DhcpFormatError", message });
  }
  assert.throws(
    () => parseRequest({ ...clientPacket({ type: TYPE.discover }), op: "reply" }),
    /not a client's/,
  );
});

Deno.test("firmware and boot programs are told by options 60, 77, 93 and 175", () => {
  const arch = (code: number): [number, Uint8Array] => [OPTION.clientArchitecture, Uint8Array.of(0, code)];
  const pxeClient: [number, Uint8Array] = [OPTION.vendorClass, bytes("PXEClient:Arch:00007:UNDI:003016")];
  const cases: [[number, Uint8Array][], Omit<BootClient, "mac">][] = [
    [[], { arch: "unknown", http: false, ipxe: false, pxe: false }],
    [[[OPTION.vendorClass, bytes("udhcp 1.35.0")]], {
      arch: "unknown",
      http: false,
      ipxe: false,
      pxe: false,
    }],
    [[pxeClient], { arch: "bios", http: false, ipxe: false, pxe: true }],
    [[pxeClient, arch(0)], { arch: "bios", http: false, ipxe: false, pxe: true }],
    [[pxeClient, arch(6)], { arch: "uefi-ia32", http: false, ipxe: false, pxe: true }],
    [[pxeClient, arch(7)], { arch: "uefi-x64", http: false, ipxe: false, pxe: true }],
    [[pxeClient, arch(9)], { arch: "uefi-x64", http: false, ipxe: false, pxe: true }],
    [[pxeClient, arch(11)], { arch: "uefi-arm64", http: false, ipxe: false, pxe: true }],
    [[pxeClient, arch(99)], { arch: "unknown", http: false, ipxe: false, pxe: true }],
    [
      [[OPTION.vendorClass, bytes("HTTPClient:Arch:00016:UNDI:003001")], arch(16)],
      { arch: "uefi-x64", http: true, ipxe: false, pxe: true },
    ],
    [[arch(19)], { arch: "uefi-arm64", http: true, ipxe: false, pxe: true }],
    [[pxeClient, arch(0), [OPTION.userClass, bytes("iPXE")]], {
      arch: "bios",
      http: false,
      ipxe: true,
      pxe: true,
    }],
    [[arch(7), [OPTION.ipxe, Uint8Array.of(1)]], { arch: "uefi-x64", http: false, ipxe: true, pxe: true }],
  ];
  for (const [options, client] of cases) {
    const request = parseRequest(clientPacket({ type: TYPE.discover, options }));
    assert.deepEqual(request.client, { mac: "52:54:00:00:00:01", ...client });
  }
});

Deno.test("user classes are read with RFC 3004's lengths and without them", () => {
  assert.deepEqual(userClasses(bytes("iPXE")), ["iPXE"]);
  assert.deepEqual(userClasses(bytes("\x04iPXE\x02ab")), ["iPXE", "ab"]);
  assert.deepEqual(userClasses(Uint8Array.of(0)), [""]);
  assert.deepEqual(userClasses(), []);
});

Deno.test("option 97 is read as the machine prints its UUID, and blanks are none", () => {
  const value = Uint8Array.of(0, 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15);
  assert.equal(uuidOf(value), "00010203-0405-0607-0809-0a0b0c0d0e0f");
  const unusable = [
    new Uint8Array(17),
    new Uint8Array(17).fill(255, 1),
    value.with(0, 1),
    value.subarray(1),
    undefined,
  ];
  for (const bad of unusable) assert.equal(uuidOf(bad), undefined);
});
