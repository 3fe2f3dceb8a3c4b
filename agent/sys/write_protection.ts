/** Write protection of block devices, by the kernel, for a while. */
import { controlDevice } from "./kernel.ts";

/** linux/fs.h */
const BLKROSET = 0x125d;

/** Protects all of them until disposed of. Meanwhile a mount that would replay a journal fails. */
export function protectFromWriting(devices: readonly string[]): Disposable {
  const stack = new DisposableStack();
  try {
    for (const path of devices) {
      set(path, true);
      stack.defer(() => set(path, false));
    }
    return stack.move();
  } finally {
    stack.dispose();
  }
}

function set(path: string, readOnly: boolean): void {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setInt32(0, Number(readOnly), true);
  controlDevice(path, { request: BLKROSET, data, call: `write-protect ${path}` });
}
