/** Decoders of what a machine sends before it has an operating system. */
import fc from "fast-check";
import { NO_ADDRESS, parseMac } from "../../../boot/dhcp/address.ts";
import { DhcpFormatError } from "../../../boot/dhcp/options.ts";
import { decodePacket, encodePacket } from "../../../boot/dhcp/packet.ts";
import { decide } from "../../../boot/dhcp/policy.ts";
import { decideProxy, PROXY_PORT } from "../../../boot/dhcp/proxy_policy.ts";
import { parseRequest } from "../../../boot/dhcp/request.ts";
import { parseIpv6, prefixOf } from "../../../boot/dhcp6/address.ts";
import { Bindings } from "../../../boot/dhcp6/bindings.ts";
import { readServerMessage } from "../../../boot/dhcp6/client.ts";
import {
  Dhcp6FormatError,
  encodeMessage,
  encodeOptions,
  MESSAGE,
  OPTION,
} from "../../../boot/dhcp6/message.ts";
import { decide as decide6 } from "../../../boot/dhcp6/policy.ts";
import { wrap } from "../../../boot/dhcp6/relay.ts";
import { parseRequest as parseRequest6 } from "../../../boot/dhcp6/request.ts";
import { isOptional, tableNames } from "../../../boot/file_names.ts";
import { decodeSolicitation, NdpFormatError } from "../../../boot/ndp/solicitation.ts";
import { negotiate } from "../../../boot/tftp/options.ts";
import { decodeTftp, TftpFormatError } from "../../../boot/tftp/packet.ts";
import { Transfer } from "../../../boot/tftp/transfer.ts";
import { dhcpPolicy, newLeases } from "../../support/dhcp_policy.ts";
import { clientPackets } from "../dhcp_inputs.ts";
import { decoder } from "./decoder.ts";
import { refusesBy } from "./refusals.ts";

const SERVER = "10.0.0.1";
const LINK_LOCAL = Uint8Array.of(0xfe, 0x80, ...Array(13).fill(0), 2);
const text = (value: string) => new TextEncoder().encode(value);

export const dhcpPackets = clientPackets({
  server: SERVER,
  addresses: ["10.0.0.100", "10.0.0.110"],
  relay: "10.0.0.254",
});

const policy = dhcpPolicy({
  knows: ({ uuid }) => uuid !== undefined,
  bootOptions: ({ pxe }) => pxe ? { file: "snponly.efi" } : undefined,
});

function dhcpServer(): (packet: Uint8Array) => unknown {
  const leases = newLeases(policy);
  let nowMs = 0;
  return (packet) => {
    const request = parseRequest(decodePacket(packet));
    for (const port of [67, PROXY_PORT]) {
      const arrival = { port, from: { hostname: "10.0.0.100", port: 68 } };
      const beside = decideProxy(request, {
        policy: { ...policy, address: policy.network.address },
        arrival,
      });
      if (beside.kind === "silent") continue;
      encodePacket(beside.reply);
      if (beside.reply.yiaddr !== NO_ADDRESS) throw new Error("a proxy gave an address");
    }
    const decision = decide(request, { policy, leases, nowMs: nowMs += 10 });
    return decision.kind === "silent" ? decision : encodePacket(decision.reply);
  };
}

const SERVER6 = parseIpv6("fd00::1"), CLIENT6 = parseIpv6("fe80::5054:ff:fe78:2");
const SERVER_ID = Uint8Array.of(0, 3, 0, 1, 2, 0, 0, 0, 0, 1);

function dhcp6Server(): (bytes: Uint8Array) => unknown {
  const prefix = prefixOf(SERVER6, 64);
  const bindings = new Bindings({ prefix, excluded: new Set([SERVER6]), reserved: () => undefined });
  const boot = { file: "tftp://[fd00::1]/snponly.efi" };
  const policy = {
    prefix,
    serverId: SERVER_ID,
    dns: [SERVER6],
    leaseSeconds: 600,
    answers: () => true,
    knows: () => true,
    bootOptions: () => boot,
  };
  let nowMs = 0;
  return (bytes) => {
    readServerMessage(bytes, { mac: parseMac("52:54:00:78:00:02"), transaction: 1 });
    const request = parseRequest6(bytes, CLIENT6);
    const decision = decide6(request, { policy, bindings, nowMs: nowMs += 10 });
    return decision.kind === "silent" ? decision : wrap(encodeMessage(decision.answer), request.hops);
  };
}

/** Messages of clients, some in a relay's envelope. */
const dhcp6Messages = fc.tuple(
  fc.constantFrom(...Object.values(MESSAGE)),
  fc.array(
    fc.tuple(
      fc.constantFrom(...Object.values(OPTION)),
      fc.oneof(
        fc.constantFrom(SERVER_ID, Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)),
        fc.uint8Array({ maxLength: 60 }),
      ),
    ),
    { maxLength: 6 },
  ),
  fc.nat(3),
).map(([type, options, relays]) => {
  let bytes: Uint8Array = encodeMessage({
    type,
    transaction: 1,
    options: [[OPTION.clientId, SERVER_ID], ...options],
  });
  for (let i = 0; i < relays; i++) {
    bytes = Uint8Array.of(12, i, ...new Uint8Array(32), ...encodeOptions([[OPTION.relayMessage, bytes]]));
  }
  return bytes;
});

const requests = fc.tuple(
  fc.constantFrom(1, 2),
  fc.constantFrom(
    "grubx64.efi",
    "\\EFI\\BOOT\\grubx64.efi",
    "ipxe/52-54-00-00-00-01",
    "../../etc/passwd",
    "",
  ),
  fc.nat(70_000),
).map(([opcode, name, n]) =>
  Uint8Array.of(
    0,
    opcode,
    ...text(`${name}\0octet\0blksize\0${n}\0windowsize\0${n}\0tsize\x000\0timeout\0${n % 300}\0`),
  )
);
const answers = fc.tuple(fc.constantFrom(4, 5), fc.nat(65_535)).map(([opcode, n]) =>
  Uint8Array.of(0, opcode, n >> 8, n & 255, 0)
);

/** A transfer whose client sends these packets in order, 16 bytes each. */
function transferWith(packets: Uint8Array): unknown {
  const terms = negotiate(new Map([["windowsize", "4"]]), { sizeBytes: 100_000, maxBlksize: 1468 });
  const transfer = new Transfer(terms, 0);
  transfer.begin(0);
  for (let at = 0; at < packets.length; at += 16) {
    try {
      transfer.receive(decodeTftp(packets.subarray(at, at + 16)), at);
    } catch (error) {
      if (!(error instanceof TftpFormatError)) throw error;
    }
    transfer.expire(at * 100);
  }
  return transfer.ackedBytes;
}

export const decoders = [
  decoder({
    name: "dhcp packet and request",
    inputs: dhcpPackets,
    decode: (bytes) => parseRequest(decodePacket(bytes)),
    refuses: refusesBy(DhcpFormatError),
  }),
  decoder({
    name: "dhcp server",
    inputs: dhcpPackets,
    decode: dhcpServer(),
    refuses: refusesBy(DhcpFormatError),
  }),
  decoder({
    name: "dhcpv6 server and client",
    inputs: dhcp6Messages,
    decode: dhcp6Server(),
    refuses: refusesBy(Dhcp6FormatError),
  }),
  decoder({
    name: "router solicitation",
    inputs: fc.array(fc.tuple(fc.nat(255), fc.nat(3)), { maxLength: 4 }).map((options) =>
      Uint8Array.of(
        ...[133, 0, 0, 0, 0, 0, 0, 0],
        ...options.flatMap(([type, units]) => [type, units, ...Array(Math.max(0, units * 8 - 2)).fill(type)]),
      )
    ),
    decode: (bytes) => decodeSolicitation({ bytes, source: LINK_LOCAL, hopLimit: 255 }),
    refuses: refusesBy(NdpFormatError),
  }),
  decoder({
    name: "tftp packet and options",
    inputs: fc.oneof(requests, answers),
    decode: (bytes) => {
      const packet = decodeTftp(bytes);
      return packet.kind === "read"
        ? negotiate(packet.options, { sizeBytes: 1000, maxBlksize: 1468 })
        : packet;
    },
    refuses: refusesBy(TftpFormatError),
  }),
  decoder({
    name: "tftp transfer",
    inputs: fc.array(answers, { maxLength: 20 }).map((packets) =>
      Uint8Array.from(packets.flatMap((packet) => [...packet, ...new Uint8Array(11)]))
    ),
    decode: transferWith,
  }),
  decoder({
    name: "boot file name",
    inputs: fc.constantFrom(
      "\\EFI\\BOOT\\grubx64.efi",
      "grub/grub.cfg",
      "\u00ffOnboard",
      "images/web@1/vmlinuz",
    ),
    decode: (name) => [tableNames(name), isOptional(name)],
  }),
];
