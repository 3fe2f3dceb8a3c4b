/** Firmware, boot programs and relays that violate their standards, and packets that stopped a service. */
import { BencodeError, decodeBencode } from "#torrent/metainfo/bencode.ts";
import { MESSAGE_TYPE, OPTION } from "../../boot/dhcp/options.ts";
import { encodePacket } from "../../boot/dhcp/packet.ts";
import { decide } from "../../boot/dhcp/policy.ts";
import { parseRequest } from "../../boot/dhcp/request.ts";
import { BootFiles } from "../../boot/boot_files.ts";
import { handleBoot } from "../../boot/http.ts";
import { chooseFirstStage } from "../../boot/netboot.ts";
import { negotiate } from "../../boot/tftp/options.ts";
import { decodeTftp, encodeError, encodeOack, TftpFormatError } from "../../boot/tftp/packet.ts";
import { type Step, Transfer } from "../../boot/tftp/transfer.ts";
import { type ClientPacket, clientPacket } from "../support/dhcp_packets.ts";
import { dhcpPolicy, newLeases } from "../support/dhcp_policy.ts";
import { testReports } from "./report.ts";

const PROGRAMS = ["undionly.kpxe", "snponly.efi", "shimx64.efi", "grubx64.efi"];
const site = {
  httpUrl: "http://10.0.0.1:8080",
  agentUrl: "https://10.0.0.1:8443",
  transport: "http",
} as const;

function bootFiles(): BootFiles {
  return new BootFiles({
    site: { ...site, secureBoot: true },
    programs: new Map(PROGRAMS.map((name) => [name, new TextEncoder().encode(name)])),
    issueTarget: () => ({ kind: "own-disk" }),
    image: () => undefined,
    unified: () => undefined,
  });
}

/** The program that a machine gets by TFTP after fetching shim. The name is Latin-1: one character per byte. */
function servedAfterShim(name: string): string | undefined {
  const files = bootFiles();
  const client = { address: "10.0.0.9", nowMs: 0 };
  files.lookup("shimx64.efi", client);
  const packet = decodeTftp(Buffer.from(`\0\x01${name}\0octet\0`, "latin1"));
  const file = packet.kind === "read" ? files.lookup(packet.name, client) : undefined;
  if (!file) return undefined;
  const bytes = new Uint8Array(file.sizeBytes);
  file.read(0, bytes);
  return new TextDecoder().decode(bytes);
}

testReports(servedAfterShim, [
  {
    report: "rhboot/shim#696",
    fault: "shim 15.8 on a Wyse 5070 asks for a part of its boot entry's name, and the machine stops",
    input: "\xd7Onboard",
    right: "grubx64.efi",
  },
  {
    report: "rhboot/shim#649",
    fault: "shim 15.8 on a Dell Latitude asks for ?USB in the folder it came from",
    input: "loader/?USB",
    right: "grubx64.efi",
  },
  {
    report: "rhboot/shim#649",
    fault: "shim requests revocations.efi with the folder's first letter missing, and must get none",
    input: "oader/revocations.efi",
    right: undefined,
  },
  {
    report: "rhboot/shim#300",
    fault: "shim requests grubx64.efi with backslashes, in the folder of the boot file",
    input: "\\NWA_PXE\\rhel-8.3-x86_64-dvd\\EFI\\BOOT\\grubx64.efi",
    right: "grubx64.efi",
  },
  {
    report: "rhboot/shim#524",
    fault: "shim requests grubx64.efi without the folder that it came from",
    input: "grubx64.efi",
    right: "grubx64.efi",
  },
  {
    report: "netbootxyz/netboot.xyz#1198",
    fault: "a ThinkPad and older boards append a byte ff to the name of the boot file",
    input: "snponly.efi\xff",
    right: "snponly.efi",
  },
  {
    report: "netbootxyz/netboot.xyz#1198",
    fault: "an old Jetway board appends five bytes to the name",
    input: "undionly.kpxe\xff\xff\xff\xff\xff",
    right: "undionly.kpxe",
  },
  {
    report: "ipxe/ipxe#31",
    fault: "a name begins with a slash and continues with backslashes",
    input: "/Boot\\x64\\undionly.kpxe",
    right: "undionly.kpxe",
  },
]);

testReports(
  (path) =>
    handleBoot(new Request(`http://10.0.0.1:8080${path}`), { lookup: (name) => bootFiles().lookup(name) })
      .status,
  [
    {
      report: "tinkerbell/smee#229",
      fault: "UEFI asks by HTTP with two slashes, and fails on the redirect to one",
      input: "/boot//snponly.efi",
      right: 200,
    },
  ],
);

const policy = dhcpPolicy({
  bootOptions: (client) => chooseFirstStage(client, { site: { ...site, secureBoot: true } }),
});

function decisionOn(packet: ClientPacket) {
  return decide(parseRequest(clientPacket(packet)), { policy, leases: newLeases(policy), nowMs: 0 });
}

const text = (value: string) => new TextEncoder().encode(value);
const UEFI: [number, Uint8Array][] = [
  [OPTION.vendorClass, text("PXEClient:Arch:00007:UNDI:003016")],
  [OPTION.clientArchitecture, Uint8Array.of(0, 7)],
];
const CIRCUIT = [1, 3, 7, 8, 9];
const relayed = (...subOptions: number[]): [number, Uint8Array] => [
  OPTION.relayAgent,
  Uint8Array.from([...CIRCUIT, ...subOptions]),
];
const LINK = [5, 4, 10, 0, 0, 0];

testReports((packet) => decisionOn({ type: MESSAGE_TYPE.discover, ...packet }).kind, [
  {
    report: "MicrosoftDocs/windowsserverdocs#4319",
    fault: "a relay names the client's link in option 82, sub-option 5, which the server did not understand",
    input: { giaddr: "192.168.9.1", options: [relayed(...LINK)] },
    right: "offer",
  },
  {
    report: "FreeRADIUS/freeradius-server#3650",
    fault: "the client's subnet was taken from the relay's address, whatever link its option 82 selects",
    input: { giaddr: "10.0.0.254", options: [relayed(5, 4, 10, 9, 0, 0)] },
    right: "silent",
  },
  {
    report: "jagornet/dhcp#80",
    fault: "a client selects its subnet by option 118, and the server looks at the relay's address only",
    input: {
      giaddr: "192.168.9.1",
      options: [[OPTION.subnetSelection, Uint8Array.of(10, 0, 0, 0)] as [number, Uint8Array]],
    },
    right: "offer",
  },
]);

/** Whether the reply's options end with the relay's option, unchanged. */
function echoes(packet: ClientPacket): boolean {
  const decision = decisionOn(packet);
  if (decision.kind === "silent") return false;
  const bytes = [...encodePacket(decision.reply).subarray(240)];
  const options = bytes.slice(0, bytes.lastIndexOf(OPTION.end));
  return options.slice(-CIRCUIT.length - 2).join() === [OPTION.relayAgent, CIRCUIT.length, ...CIRCUIT].join();
}

testReports(echoes, [
  {
    report: "xebd/accel-ppp#117",
    fault: "relays drop an answer that does not echo their option 82",
    input: { type: MESSAGE_TYPE.discover, giaddr: "10.0.0.254", options: [...UEFI, relayed()] },
    right: true,
  },
  {
    report: "flan/staticdhcpd#69",
    fault: "only some answers had option 82, but a NAK to INIT-REBOOT did not",
    input: { type: MESSAGE_TYPE.request, requested: "10.9.9.9", giaddr: "10.0.0.254", options: [relayed()] },
    right: true,
  },
  {
    report: "insomniacslk/dhcp#535",
    fault: "option 82 was not the last one, as RFC 3046 requires",
    input: { type: MESSAGE_TYPE.discover, giaddr: "10.0.0.254", options: [relayed(), ...UEFI] },
    right: true,
  },
]);

/** The fields in which a machine is told what to load. */
function toldBy(options: [number, Uint8Array][]): { file: string; option67: boolean } | undefined {
  const decision = decisionOn({ type: MESSAGE_TYPE.discover, options });
  if (decision.kind === "silent") return undefined;
  return { file: decision.reply.file, option67: decision.reply.options.has(OPTION.bootFile) };
}

testReports(toldBy, [
  {
    report: "rhboot/shim#710",
    fault:
      "shim builds the name of its second stage from the header's file field, which is empty if option 67 is used",
    input: UEFI,
    right: { file: "shimx64.efi", option67: false },
  },
  {
    report: "garybowers/bootimus#117",
    fault: "an old BIOS reads option 67 past its end",
    input: [[OPTION.vendorClass, text("PXEClient:Arch:00000:UNDI:002001")]],
    right: { file: "undionly.kpxe", option67: false },
  },
  {
    report: "insomniacslk/dhcp#113",
    fault:
      "a user class without RFC 3004's length byte was not understood, and iPXE was loaded again and again",
    input: [...UEFI, [OPTION.userClass, text("iPXE")]],
    right: { file: "http://10.0.0.1:8080/boot/ipxe/52-54-00-00-00-01", option67: false },
  },
]);

function decodedKind(bytes: number[]): string {
  try {
    return decodeTftp(Uint8Array.from(bytes)).kind;
  } catch (error) {
    if (error instanceof TftpFormatError) return "dropped";
    throw error;
  }
}

testReports(decodedKind, [
  {
    report: "msoulier/tftpy#140",
    fault: "a packet of one byte ended the server",
    input: [0x41],
    right: "dropped",
  },
  {
    report: "scottlamb/hikvision-tftpd#15",
    fault: "an ACK without its block number ended the server",
    input: [0, 4],
    right: "dropped",
  },
]);

testReports((make: () => Uint8Array) => Buffer.from(make()).toString("latin1"), [
  {
    report: "pypxe/PyPXE#66",
    fault: "the text of an ERROR did not end with a NUL",
    input: () => encodeError(1, "no such file"),
    right: "\0\x05\0\x01no such file\0",
  },
  {
    report: "troglobit/uftpd#43",
    fault: "an OACK had NULs after its options, and Cisco switches refused it",
    input: () => encodeOack(new Map([["blksize", "1468"]])),
    right: "\0\x06blksize\x001468\0",
  },
]);

/** Acknowledges every block of a file with this many, by its 16-bit number. */
function lastStep(blocks: number): string {
  const sizeBytes = (blocks - 1) * 512 + 1;
  const transfer = new Transfer(negotiate(new Map(), { sizeBytes, maxBlksize: 512 }), 0);
  let step: Step = transfer.begin(0);
  for (let block = 1; step.kind === "send-blocks"; block++) {
    step = transfer.receive({ kind: "ack", block: block & 0xffff }, block / 100);
  }
  return step.kind;
}

testReports(lastStep, [
  {
    report: "eblot/pybootd#21",
    fault: "block 32768 was mistaken for a negative number",
    input: 40_000,
    right: "done",
  },
  {
    report: "sirMackk/py3tftp#1",
    fault: "a file of more than 65 535 blocks could not be sent",
    input: 70_000,
    right: "done",
  },
]);

/** Whether a client that never answers is dropped within a minute, and after how many seconds. */
function isGivenUp(options: Record<string, string>): boolean {
  const terms = negotiate(new Map(Object.entries(options)), { sizeBytes: 1e6, maxBlksize: 1468 });
  const transfer = new Transfer(terms, 0);
  transfer.begin(0);
  while (transfer.deadlineMs < 60_000) {
    if (transfer.expire(transfer.deadlineMs).kind === "failed") return true;
  }
  return false;
}

testReports(isGivenUp, [
  {
    report: "shevek/tftp4j#3",
    fault: "clients that did not complete their transfers held UDP ports until none were left",
    input: { timeout: "255" },
    right: true,
  },
]);

function decoded(text: string): string {
  try {
    return JSON.stringify(decodeBencode(new TextEncoder().encode(text)));
  } catch (error) {
    if (error instanceof BencodeError) return "refused";
    throw error;
  }
}

testReports(decoded, [
  {
    report: "deluge-torrent/deluge#499",
    fault: "a string of negative length was decoded",
    input: "l-3:e",
    right: "refused",
  },
  {
    report: "jackpal/bencode-go#11",
    fault: "a string got as much memory as its length claimed",
    input: "99999999999:",
    right: "refused",
  },
  {
    report: "willemt/heapless-bencode#5",
    fault: "a length of more than 32 bits was truncated",
    input: "2147483652:spam",
    right: "refused",
  },
  {
    report: "willemt/heapless-bencode#5",
    fault: "endlessly nested lists overflowed the stack",
    input: "l".repeat(200_000),
    right: "refused",
  },
  {
    report: "rakshasa/libtorrent#12",
    fault: "lengths with any number of leading zeros were accepted",
    input: `d${"0".repeat(70)}5:hello${"0".repeat(70)}5:helloe`,
    right: "refused",
  },
  {
    report: "factor/factor#3202",
    fault: "bytes after the value were silently ignored",
    input: "i42eJUNK",
    right: "refused",
  },
  {
    report: "factor/factor#3208",
    fault: "a string shorter than its length was accepted",
    input: "4:spa",
    right: "refused",
  },
]);
