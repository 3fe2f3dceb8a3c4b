import assert from "node:assert/strict";
import { openUdpPort, type UdpPeer, type UdpPort } from "../udp_port.ts";
import { encodeError } from "./packet.ts";
import { startTftpServer, type TftpServerOptions } from "./server.ts";
import { fileOfBytes, type TftpFile } from "./tftp_file.ts";

const HOST = "127.0.0.1";
const rrq = (text: string) => Uint8Array.of(0, 1, ...new TextEncoder().encode(text));
const ack = (block: number) => Uint8Array.of(0, 4, 0, block);

/** A client with its own port: `ask` sends a packet and returns the next one that arrives. */
class Client implements Disposable {
  readonly #port: UdpPort;

  constructor(hostname = HOST) {
    this.#port = openUdpPort({ hostname, port: 0 });
  }

  async send(bytes: Uint8Array, to: UdpPeer): Promise<void> {
    await this.#port.send(bytes, to);
  }

  async receive(): Promise<{ bytes: number[]; from: UdpPeer }> {
    const datagram = await this.#port.receive(new Uint8Array(2000));
    assert.ok(datagram);
    return { bytes: [...datagram.bytes], from: datagram.from };
  }

  async ask(bytes: Uint8Array, to: UdpPeer): Promise<{ bytes: number[]; from: UdpPeer }> {
    await this.send(bytes, to);
    return await this.receive();
  }

  [Symbol.dispose](): void {
    this.#port.close();
  }
}

async function serving(
  options: Partial<TftpServerOptions>,
  use: (server: UdpPeer, client: Client) => Promise<void>,
): Promise<void> {
  const ending = new AbortController();
  const files: Record<string, Uint8Array> = { "boot/x": Uint8Array.of(1, 2, 3) };
  const { port, finished } = startTftpServer({
    hostname: HOST,
    port: 0,
    lookup: (name) => files[name] && fileOfBytes(files[name]),
    signal: ending.signal,
    ...options,
  });
  using client = new Client();
  try {
    await use({ hostname: HOST, port }, client);
  } finally {
    ending.abort();
    await finished;
  }
}

Deno.test("a request that cannot be served is refused with the matching error code", async () => {
  const cases: [Uint8Array, code: number][] = [
    [rrq("boot/y\0octet\0"), 1],
    [rrq("../boot/x\0octet\0"), 1],
    [rrq("boot/x\0netascii\0"), 4],
    [Uint8Array.of(0, 2, ...rrq("boot/x\0octet\0").subarray(2)), 2],
  ];
  await serving({}, async (server, client) => {
    for (const [request, code] of cases) {
      const { bytes } = await client.ask(request, server);
      assert.deepEqual(bytes.slice(0, 4), [0, 5, 0, code]);
    }
  });
});

Deno.test("a failing lookup sends its client an error and leaves the service running", async () => {
  const lookup = (name: string): TftpFile => {
    if (name === "bad") throw new Error("disk on fire");
    return fileOfBytes(Uint8Array.of(9));
  };
  await serving({ lookup }, async (server, client) => {
    assert.deepEqual((await client.ask(rrq("bad\0octet\0"), server)).bytes.slice(0, 4), [0, 5, 0, 0]);
    assert.deepEqual((await client.ask(rrq("good\0octet\0"), server)).bytes, [0, 3, 0, 1, 9]);
  });
});

Deno.test("options are acknowledged before the data", async () => {
  await serving({}, async (server, client) => {
    const oack = await client.ask(rrq("boot/x\0octet\0tsize\x000\0blksize\x008\0"), server);
    const text = new TextDecoder().decode(Uint8Array.from(oack.bytes));
    assert.equal(text, "\0\x06blksize\x008\0tsize\x003\0");
    assert.deepEqual((await client.ask(ack(0), oack.from)).bytes, [0, 3, 0, 1, 1, 2, 3]);
  });
});

Deno.test("a stranger at a session's port gets an error, and the transfer continues", async () => {
  await serving({}, async (server, client) => {
    using stranger = new Client();
    const { from } = await client.ask(rrq("boot/x\0octet\0blksize\x008\0"), server);
    assert.deepEqual((await stranger.ask(ack(0), from)).bytes.slice(0, 4), [0, 5, 0, 5]);
    assert.deepEqual((await client.ask(ack(0), from)).bytes, [0, 3, 0, 1, 1, 2, 3]);
  });
});

Deno.test("a repeated request joins its session, whose file is closed once", async () => {
  let opened = 0;
  let closed = 0;
  const closing = Promise.withResolvers<void>();
  const lookup = (): TftpFile => {
    opened++;
    const close = () => {
      closed++;
      closing.resolve();
    };
    return { ...fileOfBytes(Uint8Array.of(7)), close };
  };
  await serving({ lookup }, async (server, client) => {
    const first = await client.ask(rrq("x\0octet\0"), server);
    const again = await client.ask(rrq("x\0octet\0"), server);
    assert.equal(again.from.port, first.from.port);
    await client.send(encodeError(0, "enough"), first.from);
    await closing.promise;
    assert.deepEqual([opened, closed], [1, 1]);
  });
});

const SIZE = 3 * 512 + 5;

/** Requests a file and acknowledges its first `blocks` blocks, one by one. */
async function begin(client: Client, server: UdpPeer, blocks: number): Promise<UdpPeer> {
  const { from } = await client.ask(rrq("x\0octet\0"), server);
  for (let block = 1; block <= blocks; block++) {
    let { bytes } = await client.ask(ack(block), from);
    // the server has sent the block once more, if this process was too slow for it
    while (bytes[3] === block) bytes = (await client.receive()).bytes;
    assert.equal(bytes[3], block + 1);
  }
  return from;
}

Deno.test("at the session limit a busy session keeps its place, and one whose client never answered is evicted", async () => {
  const lookup = () => fileOfBytes(new Uint8Array(SIZE));
  await serving({ lookup, maxSessions: 1 }, async (server, client) => {
    using second = new Client();
    const from = await begin(client, server, 1);
    await second.send(rrq("x\0octet\0"), server);
    const write = Uint8Array.of(0, 2, ...rrq("x\0octet\0").subarray(2));
    assert.deepEqual((await second.ask(write, server)).bytes.slice(0, 4), [0, 5, 0, 2], "no data before it");
    assert.equal((await client.ask(ack(2), from)).bytes[3], 3, "the first session continues");
    await client.ask(ack(3), from);
    await client.send(ack(4), from);
    using third = new Client();
    using fourth = new Client();
    await begin(third, server, 0);
    await begin(fourth, server, 1);
  });
});

for (const attacker of ["127.0.0.1", "127.0.0.2"]) {
  Deno.test(`600 abandoned requests with timeout=255 from ${attacker} keep no other client waiting`, async () => {
    let open = 0;
    const lookup = () => {
      open++;
      return { ...fileOfBytes(new Uint8Array(SIZE)), close: () => void open-- };
    };
    await serving({ lookup }, async (server, client) => {
      using sockets = new DisposableStack();
      for (let i = 0; i < 600; i++) {
        const socket = sockets.use(new Client(attacker));
        const oack = await socket.ask(rrq("x\0octet\0timeout\x00255\0tsize\x000\0"), server);
        assert.deepEqual(oack.bytes.slice(0, 2), [0, 6]);
        assert.doesNotMatch(String.fromCharCode(...oack.bytes), /timeout/);
      }
      const start = performance.now();
      const from = await begin(client, server, 3);
      await client.send(ack(4), from);
      assert.ok(performance.now() - start < 8000);
      assert.ok(open <= 65, `${open} files are open`);
    });
  });
}

Deno.test("the error for a busy port names the program that holds it", () => {
  const holder = openUdpPort({ hostname: HOST, port: 0 });
  try {
    const options = { hostname: HOST, port: holder.port, lookup: () => undefined };
    assert.throws(() => startTftpServer({ ...options, signal: new AbortController().signal }), {
      title: `cannot serve TFTP on ${HOST}`,
      reason: new RegExp(`UDP port ${holder.port} is held by process ${Deno.pid} `),
    });
  } finally {
    holder.close();
  }
});
