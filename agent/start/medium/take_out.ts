/** After an installation the medium must go, or the firmware would start it again. */
import { messageOf } from "#contract/errors.ts";
import type { Console } from "../../sys/console.ts";
import { controlDevice } from "../../sys/kernel.ts";
import { exists } from "../../sys/small_file.ts";

/** linux/cdrom.h */
const CDROMEJECT = 0x5309;
const PAUSE_MS = 500;

/** Ejects a disc. Waits until a stick is pulled out, or somebody presses Enter. */
export async function takeOut(
  device: string,
  { console, signal }: { console: Pick<Console, "line" | "enter">; signal: AbortSignal },
): Promise<void> {
  if (/^sr\d/.test(device)) {
    try {
      controlDevice(`/dev/${device}`, { request: CDROMEJECT, data: new Uint8Array(8), call: "CDROMEJECT" });
      return;
    } catch (error) {
      console.line(`The disc could not be ejected: ${messageOf(error)}`);
    }
  }
  console.line("Rackseed: installed. Take the medium out: the machine then restarts. Or press Enter.");
  let pressed = false;
  console.enter().then(() => pressed = true);
  while (!pressed && await exists(`/sys/block/${device}`)) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
