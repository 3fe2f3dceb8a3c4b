/**
 * Real TFTP clients fetch a file of 60 MB, so that block numbers wrap at 65 536: one by one, over a link that loses
 * one packet in twenty each way, and fifty at once.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { startTftpServer } from "../../boot/tftp/server.ts";
import { fileOfBytes, openFile } from "../../boot/tftp/tftp_file.ts";
import type { OpenUdpPort } from "../../boot/udp_port.ts";
import { lossyPorts } from "../support/lossy_port.ts";
import { needs } from "../support/needs.ts";

const HOST = "127.0.0.1";
const NAME = "images/random.bin";
const SIZE_BYTES = 60_000_000;

interface Source {
  readonly port: number;
  /** The original, for comparison. */
  readonly path: string;
}

type Client = (source: Source) => string[];

// Each client writes the file to its standard output. Ethernet clients ask for 1468-byte blocks.
const tftpHpa: Client = (
  { port },
) => ["tftp", "-m", "binary", HOST, `${port}`, "-c", "get", NAME, "/dev/stdout"];
const atftp: Client = ({ port }) => [
  ...["atftp", "--tftp-timeout", "1", "--option", "blksize 1468", "--option", "windowsize 16"],
  ...["--get", "--remote-file", NAME, "--local-file", "/dev/stdout", HOST, `${port}`],
];
const atftpPlain: Client = ({ port }) => [
  "atftp",
  "--get",
  "--remote-file",
  NAME,
  "--local-file",
  "/dev/stdout",
  HOST,
  `${port}`,
];
const curl: Client = (
  { port },
) => ["curl", "-sS", "--tftp-blksize", "1468", `tftp://${HOST}:${port}/${NAME}`];
const curlPlain: Client = ({ port }) => ["curl", "-sS", `tftp://${HOST}:${port}/${NAME}`];
const npmClient: Client = ({ port, path }) => {
  const script = new URL("../support/npm_tftp_client.ts", import.meta.url).pathname;
  const copy = `${path}.npm`;
  return [
    ...["sh", "-c", `"$@" && cat "${copy}"`, "sh"],
    ...[Deno.execPath(), "run", "-A", "--no-check", script, HOST, `${port}`, NAME, copy],
  ];
};

/** Pipes a client into cmp, so that nothing is written to disk; throws the messages of both on failure. */
async function fetchIntact(client: Client, source: Source): Promise<void> {
  const argv = client(source);
  const { code, stderr } = await new Deno.Command("bash", {
    args: ["-c", `set -o pipefail; path=$1; shift; "$@" | cmp - "$path"`, "bash", source.path, ...argv],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  assert.equal(code, 0, `${argv.join(" ")}: ${new TextDecoder().decode(stderr).slice(-500)}`);
}

/** Serves one random file on loopback, from memory or disk, while `use` runs. */
async function serving(
  { openPort, fromDisk = false }: { openPort?: OpenUdpPort; fromDisk?: boolean },
  use: (source: Source) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tftp-interop-" });
  const ending = new AbortController();
  const bytes = randomBytes(SIZE_BYTES);
  const path = `${folder}/random.bin`;
  await Deno.writeFile(path, bytes);
  const server = startTftpServer({
    hostname: HOST,
    port: 0,
    lookup: (name) => name !== NAME ? undefined : fromDisk ? openFile(path) : fileOfBytes(bytes),
    signal: ending.signal,
    ...(openPort && { openPort }),
  });
  try {
    await use({ port: server.port, path });
  } finally {
    ending.abort();
    await server.finished;
    await Deno.remove(folder, { recursive: true });
  }
}

const programs = ["bash", "cmp", "tftp", "atftp", "curl"];

Deno.test({
  name: "tftp-hpa, atftp, curl and the npm client fetch 60 MB intact, with options and without",
  ...needs({ programs }),
  fn: () =>
    serving({ fromDisk: true }, async (source) => {
      for (const client of [tftpHpa, atftp, atftpPlain, curl, curlPlain, npmClient]) {
        await fetchIntact(client, source);
      }
    }),
});

Deno.test({
  name: "tftp-hpa, atftp and curl fetch 60 MB intact with 5 % packet loss in each direction",
  ...needs({ programs }),
  fn: () =>
    serving({ openPort: lossyPorts({ loss: 0.05, seed: 20_131 }) }, async (source) => {
      await Promise.all([tftpHpa, atftp, curl].map((client) => fetchIntact(client, source)));
    }),
});

Deno.test({
  name: "fifty clients at once each fetch 60 MB intact",
  ...needs({ programs }),
  fn: () =>
    serving({}, async (source) => {
      const clients = [
        ...Array(8).fill(tftpHpa),
        ...Array(21).fill(atftp),
        ...Array(21).fill(curl),
      ] as Client[];
      assert.equal(clients.length, 50);
      await Promise.all(clients.map((client) => fetchIntact(client, source)));
    }),
});
