/** Sends a frame, given in hexadecimal digits, from an interface five times a second until it is killed: packet(7). */
const symbols = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
} as const;

const AF_PACKET = 17, SOCK_RAW = 3;

if (import.meta.main) {
  const [nic = "", hex = ""] = Deno.args;
  const frame = Uint8Array.fromHex(hex);
  // struct sockaddr_ll: sll_family u16 0, sll_ifindex s32 4
  const address = new DataView(new ArrayBuffer(20));
  address.setUint16(0, AF_PACKET, true);
  address.setInt32(4, Number(Deno.readTextFileSync(`/sys/class/net/${nic}/ifindex`)), true);
  const { socket, sendto } = Deno.dlopen("libc.so.6", symbols).symbols;
  const fd = socket(AF_PACKET, SOCK_RAW, 0);
  setInterval(() => {
    const sent = sendto(fd, frame, BigInt(frame.length), 0, new Uint8Array(address.buffer), 20);
    if (Number(sent) !== frame.length) throw new Error(`sent ${sent} bytes`);
  }, 200);
}
