import { type OpenUdpPort, openUdpPort } from "../../boot/udp_port.ts";

/**
 * UDP ports that lose datagrams in both directions with the given probability. The generator is seeded: as long as
 * the order of datagrams is the same, every run loses the same ones.
 */
export function lossyPorts({ loss, seed }: { loss: number; seed: number }): OpenUdpPort {
  const random = mulberry32(seed);
  return (binding) => {
    const port = openUdpPort(binding);
    return {
      port: port.port,
      async receive(into) {
        for (;;) {
          const datagram = await port.receive(into);
          if (datagram === undefined || random() >= loss) return datagram;
        }
      },
      async send(bytes, to) {
        if (random() >= loss) await port.send(bytes, to);
      },
      close: () => port.close(),
    };
  };
}

/** Random numbers in [0, 1), the same for the same seed. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}
