import assert from "node:assert/strict";
import { type ClientPacket, clientPacket } from "../../test/support/dhcp_packets.ts";
import { parseIpv4 } from "./address.ts";
import type { BootClient } from "./boot_client.ts";
import { MESSAGE_TYPE, OPTION } from "./options.ts";
import { decodePacket, encodePacket, latin1 } from "./packet.ts";
import { decideProxy, PROXY_PORT } from "./proxy_policy.ts";
import { parseRequest } from "./request.ts";

const text = (value: string) => new TextEncoder().encode(value);
const address = parseIpv4("10.0.0.1");
const UUID = Uint8Array.of(0, ...Array.from({ length: 16 }, (_, i) => i + 1));
const firmware = (vendorClass: string, arch: number): [number, Uint8Array][] => [
  [OPTION.vendorClass, text(vendorClass)],
  [OPTION.clientArchitecture, Uint8Array.of(0, arch)],
  [OPTION.clientUuid, UUID],
];
const BIOS = firmware("PXEClient:Arch:00000:UNDI:002001", 0);
const UEFI = firmware("PXEClient:Arch:00007:UNDI:003016", 7);
const HTTP = firmware("HTTPClient:Arch:00016:UNDI:003016", 16);
const IPXE: [number, Uint8Array][] = [...UEFI, [OPTION.userClass, text("iPXE")]];

const bootOptions = ({ arch, http, ipxe }: BootClient) =>
  arch === "uefi-arm64" ? undefined : {
    file: ipxe
      ? "http://10.0.0.1:8080/boot/ipxe/52-54-00-00-00-01"
      : http
      ? "http://10.0.0.1:8080/boot/snponly.efi"
      : arch === "bios"
      ? "undionly.kpxe"
      : "snponly.efi",
  };

function decisionOn(
  packet: ClientPacket,
  { port = 67, from = { hostname: "0.0.0.0", port: 68 } } = {},
) {
  return decideProxy(parseRequest(clientPacket(packet)), {
    policy: { address, bootOptions },
    arrival: { port, from },
  });
}

/** What a client reads in the answer, after a way over the wire. */
function told(...args: Parameters<typeof decisionOn>) {
  const decision = decisionOn(...args);
  if (decision.kind === "silent") return decision.why;
  const reply = decodePacket(encodePacket(decision.reply)), { options } = reply;
  const option = (code: number) => options.get(code);
  return {
    type: option(OPTION.messageType)?.[0],
    yiaddr: reply.yiaddr,
    siaddr: reply.siaddr,
    file: reply.file,
    vendorClass: latin1(option(OPTION.vendorClass) ?? new Uint8Array()),
    menu: option(OPTION.vendorSpecific),
    broadcast: reply.broadcast,
    codes: [...options.keys()],
    to: decision.to,
  };
}

const ON_LINK = { hostname: "255.255.255.255", port: 68 };

Deno.test("a DISCOVER of each firmware gets a boot file, and never an address or what belongs to one", () => {
  const cases: [options: [number, Uint8Array][], vendorClass: string, file: string, menu: boolean][] = [
    [BIOS, "PXEClient", "undionly.kpxe", true],
    [UEFI, "PXEClient", "snponly.efi", false],
    [IPXE, "PXEClient", "http://10.0.0.1:8080/boot/ipxe/52-54-00-00-00-01", false],
    [HTTP, "HTTPClient", "http://10.0.0.1:8080/boot/snponly.efi", false],
  ];
  for (const [options, vendorClass, file, hasMenu] of cases) {
    const offer = told({ type: MESSAGE_TYPE.discover, options, requested: "10.0.0.77" });
    if (typeof offer === "string") assert.fail(offer);
    assert.equal(offer.type, MESSAGE_TYPE.offer);
    assert.deepEqual([offer.yiaddr, offer.siaddr, offer.to], ["0.0.0.0", "10.0.0.1", ON_LINK]);
    assert.deepEqual([offer.vendorClass, offer.file], [vendorClass, file]);
    assert.deepEqual(offer.menu && [...offer.menu], hasMenu ? [6, 1, 8, 255] : undefined);
    // RFC 4578 §2.3: the UUID comes back. No mask, router, name server or lease time.
    const expected = [OPTION.messageType, OPTION.serverId, OPTION.vendorClass, OPTION.clientUuid];
    assert.deepEqual(
      offer.codes.toSorted(),
      [...expected, ...hasMenu ? [OPTION.vendorSpecific] : []].toSorted(),
    );
  }
});

Deno.test("a client without network boot, or of a firmware that no program fits, is left to the other server", () => {
  assert.equal(told({ type: MESSAGE_TYPE.discover }), "not-answered");
  assert.equal(
    told({ type: MESSAGE_TYPE.discover, options: [[OPTION.vendorClass, text("MSFT 5.0")]] }),
    "not-answered",
  );
  const arm = firmware("PXEClient:Arch:00011", 11);
  assert.equal(told({ type: MESSAGE_TYPE.discover, options: arm }), "no-boot-file");
});

Deno.test("on port 67, a REQUEST for an address is the other server's business", () => {
  const type = MESSAGE_TYPE.request;
  for (
    const packet of [
      { serverId: "10.0.0.2", requested: "10.0.0.77" },
      { requested: "10.0.0.77" },
      { ciaddr: "10.0.0.77" },
      {},
    ]
  ) assert.equal(told({ type, options: UEFI, ...packet }), "other-server");
  for (const leaving of [MESSAGE_TYPE.decline, MESSAGE_TYPE.release]) {
    const about = { requested: "10.0.0.77", serverId: "10.0.0.2", ciaddr: "10.0.0.77" };
    assert.equal(told({ type: leaving, options: UEFI, ...about }), "other-server");
  }
  assert.equal(told({ type: MESSAGE_TYPE.inform, options: UEFI, ciaddr: "10.0.0.77" }), "other-server");
});

Deno.test("on port 67, a REQUEST that selects this server is acknowledged, without an address", () => {
  const ack = told({ type: MESSAGE_TYPE.request, options: BIOS, serverId: "10.0.0.1", ciaddr: "10.0.0.77" });
  if (typeof ack === "string") assert.fail(ack);
  assert.deepEqual([ack.type, ack.yiaddr, ack.file], [MESSAGE_TYPE.ack, "0.0.0.0", "undionly.kpxe"]);
  assert.deepEqual(ack.to, { hostname: "10.0.0.77", port: 68 });
});

Deno.test("on port 4011, every REQUEST and INFORM is acknowledged to the port it came from", () => {
  const at = { port: PROXY_PORT, from: { hostname: "10.0.0.77", port: 4011 } };
  for (
    const packet of [
      { type: MESSAGE_TYPE.request, ciaddr: "10.0.0.77" },
      { type: MESSAGE_TYPE.request, serverId: "10.0.0.1", requested: "10.0.0.77" },
      // OVMF and iPXE differ in what they say of themselves here
      { type: MESSAGE_TYPE.request, serverId: "10.0.0.2", ciaddr: "10.0.0.77" },
      { type: MESSAGE_TYPE.request, requested: "10.0.0.77" },
      { type: MESSAGE_TYPE.inform, ciaddr: "10.0.0.77" },
    ]
  ) {
    const ack = told({ options: UEFI, ...packet }, at);
    if (typeof ack === "string") assert.fail(ack);
    assert.deepEqual([ack.type, ack.file, ack.to], [MESSAGE_TYPE.ack, "snponly.efi", at.from]);
  }
  const unknown = { port: PROXY_PORT, from: { hostname: "0.0.0.0", port: 68 } };
  const ack = told({ type: MESSAGE_TYPE.request, options: UEFI }, unknown);
  assert.deepEqual(typeof ack === "string" ? ack : ack.to, ON_LINK);
});

Deno.test("the offer goes back through the relay, which has to broadcast it", () => {
  const circuit = Uint8Array.of(1, 2, 0, 7);
  const options: [number, Uint8Array][] = [...UEFI, [OPTION.relayAgent, circuit]];
  const offer = told({ type: MESSAGE_TYPE.discover, options, giaddr: "192.168.9.1" });
  if (typeof offer === "string") assert.fail(offer);
  assert.deepEqual([offer.to, offer.broadcast], [{ hostname: "192.168.9.1", port: 67 }, true]);
  assert.equal(offer.codes.at(-1), OPTION.relayAgent);
});
