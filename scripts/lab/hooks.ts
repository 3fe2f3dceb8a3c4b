/** Hooks of the lab's image: one leaves a file in the clone's tree, which the other finds once the clone has started. */
import type { StepReport } from "#contract/api.ts";
import type { Check } from "./check.ts";
import type { Guest } from "./guest.ts";
import type { ProductServer } from "./product_server.ts";
import { image } from "./template_flow.ts";
import type { Workplace } from "./workplace.ts";

const before = "pre-install in the initramfs";

/** In a folder that captures exclude; the second hook deletes it. */
const hooks = {
  "pre-install": `[ -b "$RACKSEED_DISK" ] && [ ! -e /etc/debian_version ] && echo "${before}"
`,
  "post-install": `[ -b "$RACKSEED_DISK" ] && [ "$(cat /etc/hostname)" = "$RACKSEED_HOSTNAME" ] || exit 1
echo "$RACKSEED_WHEN $RACKSEED_HOSTNAME $RACKSEED_IMAGE@$RACKSEED_VERSION" | tee /var/lib/rackseed/hooked
`,
  "first-boot": `#!/bin/bash -e
{ cat /var/lib/rackseed/hooked; echo "$RACKSEED_WHEN $(hostname) $RACKSEED_ADDRESS"; } | tee /run/hooked
rm /var/lib/rackseed/hooked
`,
};

export async function setHooks(
  lab: Workplace,
  { server, set }: {
    readonly server: ProductServer;
    /** Instead of the command. */
    readonly set?: (hook: { readonly when: string; readonly script: string }) => Promise<void>;
  },
): Promise<void> {
  for (const [when, script] of Object.entries(hooks)) {
    if (set) {
      await set({ when, script });
      continue;
    }
    const file = `${lab.folder}/${when}.sh`;
    await Deno.writeTextFile(file, script);
    await server.rackseed("hook", "set", when, "--image", image, "--name", "lab", "--file", file);
  }
}

/** Call once the clone has reported its first boot. */
export async function checkHooks(
  lab: Workplace,
  { host, guest, log }: {
    /** Its host name. */
    readonly host: string;
    readonly guest: Guest;
    /** The server's log of its steps. */
    readonly log: readonly StepReport[];
  },
): Promise<Check> {
  const done = (await guest.shell("cat /run/hooked", lab)).trim();
  const printed = log.flatMap(({ log = [] }) => log);
  const lines = done.split("\n");
  const [installed = "", started = ""] = lines;
  return {
    what: "hooks ran in its tree and at its first boot, and the server has their output",
    passed: installed.startsWith(`post-install ${host} ${image}@`) &&
      started.startsWith(`first-boot ${host} `) &&
      [before, ...lines].every((line) => printed.includes(line)),
    seen: printed.join("; "),
  };
}
