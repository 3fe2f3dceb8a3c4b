/** The management controller's address, asked by IPMI through the kernel's driver (linux/ipmi.h). */
import type { Inventory } from "#contract/api.ts";
import { O } from "../sys/libc.ts";
import { Device, pinned } from "../sys/device_request.ts";

/** _IOR('i', 13, struct ipmi_req), _IOWR('i', 11, struct ipmi_recv) on 64 bits. */
const SEND_COMMAND = 0x8028690d, RECEIVE_TRUNCATED = 0xc030690b;
const REQUEST_BYTES = 40, RECEIVE_BYTES = 48, ADDRESS_BYTES = 8;
const SYSTEM_INTERFACE = 0x0c, BMC_CHANNEL = 0xf;
const ANSWER_BYTES = 64;
const PATIENCE_MS = 2000, POLL_MS = 20;

/** Network functions and commands, IPMI v2.0 §20.1, §22.24 and §23.2. */
const APP = 0x06, GET_DEVICE_ID = 0x01, GET_CHANNEL_INFO = 0x42;
const TRANSPORT = 0x0c, GET_LAN_PARAMETER = 0x02;
const LAN_MEDIUM = 4, ADDRESS_PARAMETER = 3, MAC_PARAMETER = 5;
const LAST_CHANNEL = 0xb;

/** An answer's completion code, then its data; undefined if there was none. */
export type Ask = (command: { netfn: number; command: number; data: readonly number[] }) => Promise<
  Uint8Array | undefined
>;

/** Undefined if this machine has no IPMI driver with a controller. */
export async function readManagementController(
  { dev = "/dev" }: { dev?: string } = {},
): Promise<Inventory["management"]> {
  using device = Device.open(`${dev}/ipmi0`, { flags: O.RDWR | O.NONBLOCK });
  return device && await describeController(asking(device));
}

/** What the controller says of itself: its firmware, and the address of its first LAN channel that has one. */
export async function describeController(ask: Ask): Promise<Inventory["management"]> {
  const id = dataOf(await ask({ netfn: APP, command: GET_DEVICE_ID, data: [] }));
  if (id === undefined || id.length < 4) return undefined;
  // §20.1: major revision in 7 bits, minor revision as two decimal digits
  const firmware = `${(id[2] as number) & 0x7f}.${(id[3] as number).toString(16).padStart(2, "0")}`;
  for (let channel = 1; channel <= LAST_CHANNEL; channel++) {
    const info = dataOf(await ask({ netfn: APP, command: GET_CHANNEL_INFO, data: [channel] }));
    if (info === undefined || ((info[1] ?? 0) & 0x7f) !== LAN_MEDIUM) continue;
    const parameter = async (number: number, length: number) => {
      const answer = await ask({
        netfn: TRANSPORT,
        command: GET_LAN_PARAMETER,
        data: [channel, number, 0, 0],
      });
      const data = dataOf(answer)?.subarray(1);
      return data !== undefined && data.length >= length ? data.subarray(0, length) : undefined;
    };
    const address = (await parameter(ADDRESS_PARAMETER, 4))?.join(".");
    if (address === undefined || address === "0.0.0.0") continue;
    const mac = await parameter(MAC_PARAMETER, 6);
    return { firmware, address, ...(mac && { mac: hexOf(mac) }) };
  }
  return { firmware };
}

/** Without the completion code; undefined unless it is 0. */
function dataOf(answer: Uint8Array | undefined): Uint8Array | undefined {
  return answer?.[0] === 0 ? answer.subarray(1) : undefined;
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

function asking(device: Device): Ask {
  let number = 0;
  return async ({ netfn, command, data }) => {
    number++;
    const address = pinned(ADDRESS_BYTES), content = pinned(Math.max(1, data.length), data);
    // struct ipmi_system_interface_addr: addr_type s32, channel s16, lun u8
    address.view.setInt32(0, SYSTEM_INTERFACE, true);
    address.view.setInt16(4, BMC_CHANNEL, true);
    // struct ipmi_req: addr 0, addr_len 8, msgid 16, then struct ipmi_msg: netfn 24, cmd 25, data_len 26, data 32
    const request = pinned(REQUEST_BYTES);
    request.view.setBigUint64(0, address.address, true);
    request.view.setUint32(8, ADDRESS_BYTES, true);
    request.view.setBigInt64(16, BigInt(number), true);
    request.view.setUint8(24, netfn);
    request.view.setUint8(25, command);
    request.view.setUint16(26, data.length, true);
    request.view.setBigUint64(32, content.address, true);
    if (!await device.request(SEND_COMMAND, request, [address, content])) return undefined;
    return await receive(device, BigInt(number));
  };
}

/** The answer to the request of this number; older ones, which came too late, are dropped. */
async function receive(device: Device, number: bigint): Promise<Uint8Array | undefined> {
  const address = pinned(64), answer = pinned(ANSWER_BYTES), message = pinned(RECEIVE_BYTES);
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    // struct ipmi_recv: recv_type 0, addr 8, addr_len 16, msgid 24, then struct ipmi_msg: data_len 34, data 40
    message.view.setBigUint64(8, address.address, true);
    message.view.setUint32(16, 64, true);
    message.view.setUint16(34, ANSWER_BYTES, true);
    message.view.setBigUint64(40, answer.address, true);
    if (!await device.request(RECEIVE_TRUNCATED, message, [address, answer])) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    } else if (message.view.getBigInt64(24, true) === number) {
      return answer.bytes.slice(0, Math.min(ANSWER_BYTES, message.view.getUint16(34, true)));
    }
  }
  return undefined;
}
