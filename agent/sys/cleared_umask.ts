/** The umask belongs to the whole process, so those who clear it at the same time are counted. */
import { umask } from "./libc.ts";

let holders = 0;
let former = 0;

/** Until it is disposed of, new files get just the permissions that are asked for. The last holder restores the umask. */
export function clearedUmask(): Disposable {
  if (holders++ === 0) former = umask(0);
  let isHeld = true;
  return {
    [Symbol.dispose]() {
      if (isHeld && --holders === 0) umask(former);
      isHeld = false;
    },
  };
}
