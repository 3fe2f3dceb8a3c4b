import assert from "node:assert/strict";
import { type ClientPacket, clientPacket } from "../../test/support/dhcp_packets.ts";
import type { BootClient } from "./boot_client.ts";
import { MESSAGE_TYPE, OPTION } from "./options.ts";
import { type DhcpIntent, parseRequest, userClasses, uuidOf } from "./request.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("a client's state is recognized by what its message carries", () => {
  const cases: [Omit<ClientPacket, "mac">, DhcpIntent["kind"]][] = [
    [{ type: MESSAGE_TYPE.discover }, "discover"],
    [{ type: MESSAGE_TYPE.discover, requested: "10.0.0.9" }, "discover"],
    [{ type: MESSAGE_TYPE.request, requested: "10.0.0.9", serverId: "10.0.0.1" }, "select"],
    [{ type: MESSAGE_TYPE.request, requested: "10.0.0.9" }, "init-reboot"],
    [{ type: MESSAGE_TYPE.request, ciaddr: "10.0.0.9" }, "renew"],
    [{ type: MESSAGE_TYPE.request }, "accept"],
    [{ type: MESSAGE_TYPE.decline, requested: "10.0.0.9", serverId: "10.0.0.1" }, "decline"],
    [{ type: MESSAGE_TYPE.release, ciaddr: "10.0.0.9", serverId: "10.0.0.1" }, "release"],
    [{ type: MESSAGE_TYPE.inform, ciaddr: "10.0.0.9" }, "inform"],
  ];
  for (const [packet, kind] of cases) assert.equal(parseRequest(clientPacket(packet)).intent.kind, kind);
});

Deno.test("a message that lacks what its type requires, or comes from a server, is refused", () => {
  const cases: [ClientPacket, RegExp][] = [
    [{ type: MESSAGE_TYPE.offer }, /message type 2/],
    [{ type: MESSAGE_TYPE.decline, serverId: "10.0.0.1" }, /requested address/],
    [{ type: MESSAGE_TYPE.release, ciaddr: "10.0.0.9" }, /server identifier/],
    [{ type: MESSAGE_TYPE.inform }, /ciaddr/],
    [{ type: MESSAGE_TYPE.discover, options: [[OPTION.requestedAddress, Uint8Array.of(1)]] }, /option 50/],
  ];
  for (const [packet, message] of cases) {
    assert.throws(() => parseRequest(clientPacket(packet)), { name: "DhcpFormatError", message });
  }
  assert.throws(
    () => parseRequest({ ...clientPacket({ type: MESSAGE_TYPE.discover }), op: "reply" }),
    /not from a client/,
  );
});

Deno.test("firmware and boot programs are recognized by options 60, 77, 93 and 175", () => {
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
    const request = parseRequest(clientPacket({ type: MESSAGE_TYPE.discover, options }));
    assert.deepEqual(request.client, { mac: "52:54:00:00:00:01", ...client });
  }
});

Deno.test("user classes are read with or without RFC 3004's lengths", () => {
  assert.deepEqual(userClasses(bytes("iPXE")), ["iPXE"]);
  assert.deepEqual(userClasses(bytes("\x04iPXE\x02ab")), ["iPXE", "ab"]);
  assert.deepEqual(userClasses(Uint8Array.of(0)), [""]);
  assert.deepEqual(userClasses(), []);
});

Deno.test("option 97 is read in the order in which the machine prints its UUID; blank UUIDs are ignored", () => {
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
