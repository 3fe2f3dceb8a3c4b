/** The agent's arguments on the kernel's command line, written there by the boot program. Pure. */
import { z } from "zod";
import { Ipv4Address, Mac } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { VlanId } from "#contract/identity.ts";
import { prefixOfMask } from "../install/identity/network_config/netmask.ts";

export interface BootArguments {
  readonly server: string;
  readonly token: string;
  readonly mac?: string;
  /** `byKexec`: the VLAN over which the machine reached the server. Otherwise one whose tag its switch port may want. */
  readonly vlan?: number;
  /** `byKexec`: the machine negotiated with its switch, in a bond. */
  readonly lacp: boolean;
  /** The machine's own system started it, not a boot program from the network. */
  readonly byKexec: boolean;
  /** The lease that the boot program had: address with prefix, gateway, DNS servers. */
  readonly lease?: {
    readonly cidr: string;
    readonly gateway?: string;
    readonly dns: readonly string[];
    /** The server's `--mtu`. */
    readonly mtu?: number;
  };
}

/**
 * The arguments in a signed image, which are the same for every machine. The agent asks for its network settings and its
 * token; a token is accepted only from the server with this pin.
 */
export interface SignedArguments {
  readonly server: string;
  /** SHA-256 of the server's CA certificate, as in a token. */
  readonly pin: string;
  /** Where the token of a machine is, with its MAC address behind: `http://10.0.0.1:8080/boot/agent/`. */
  readonly orders: string;
  /** Whose tag the machine's switch port may want. */
  readonly vlan?: number | undefined;
}

const Vlan = z.coerce.number().pipe(VlanId);

const SignedWords = z.object({
  server: z.url({ protocol: /^https$/ }),
  pin: z.string().regex(/^[\w-]{43}$/),
  orders: z.url({ protocol: /^http$/ }),
  vlan: Vlan.optional(),
});

const Arguments = z.object({
  server: z.url({ protocol: /^https$/ }),
  token: z.string().min(1),
  by: z.string().optional(),
  mac: Mac.optional(),
  vlan: Vlan.optional(),
  lacp: z.enum(["on"]).optional(),
  ip: Ipv4Address.optional(),
  mask: Ipv4Address.optional(),
  gw: Ipv4Address.optional(),
  dns: z.array(Ipv4Address).default([]),
  mtu: z.coerce.number().int().min(576).max(65_535).optional(),
});

/**
 * Undefined if the kernel was not started for the agent. Throws RackseedError if a value is not valid.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseBootArguments } from "./boot_arguments.ts";
 *
 * const line = "rackseed.server=https://10.0.0.1:8443 rackseed.token=t rackseed.ip=10.0.0.7 quiet";
 * assert.deepEqual(parseBootArguments(line), {
 *   server: "https://10.0.0.1:8443",
 *   token: "t",
 *   byKexec: false,
 *   lacp: false,
 *   lease: { cidr: "10.0.0.7/24", dns: [] },
 * });
 * assert.equal(parseBootArguments("root=/dev/vda1 quiet"), undefined);
 * ```
 */
export function parseBootArguments(commandLine: string): BootArguments | SignedArguments | undefined {
  const words = commandLine.trim().split(/\s+/).flatMap((word) => {
    // for a setting that it does not have, a boot program writes nothing, or leaves the variable's name
    const [, key = "", value = ""] = /^rackseed\.(\w+)=(.*)$/.exec(word) ?? [];
    return key === "" || value === "" || value.includes("$") ? [] : [[key, value] as const];
  });
  if (!words.some(([key]) => key === "server")) return undefined;
  const values = new Map(words);
  // Nothing else of the line counts then: it is either signed as a whole, or not at all.
  if (values.has("pin")) return valid(SignedWords.safeParse(Object.fromEntries(values)));
  const { server, token, by, mac, vlan, lacp, ip, mask, gw, dns, mtu } = valid(Arguments.safeParse({
    ...Object.fromEntries(values),
    dns: values.get("dns")?.split(",").filter((d) => d !== "" && d !== "0.0.0.0"),
    gw: values.get("gw") === "0.0.0.0" ? undefined : values.get("gw"),
    mac: values.get("mac")?.replaceAll("-", ":"),
  }));
  return {
    server,
    token,
    byKexec: by === "kexec",
    lacp: lacp !== undefined,
    ...(mac !== undefined && { mac }),
    ...(vlan !== undefined && { vlan }),
    ...(ip !== undefined && {
      lease: {
        cidr: `${ip}/${prefixOf(mask ?? "255.255.255.0")}`,
        ...(gw && { gateway: gw }),
        dns,
        ...(mtu && { mtu }),
      },
    }),
  };
}

function valid<T>(result: z.ZodSafeParseResult<T>): T {
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new RackseedError("cannot use the kernel's command line", {
    reason: `rackseed.${issue?.path.join(".") ?? ""}: ${issue?.message ?? "missing"}.`,
    remedy: "boot the node from the menu of the image server.",
  });
}

export function prefixOf(mask: string): number {
  const prefix = prefixOfMask(mask);
  if (prefix !== undefined) return prefix;
  throw new RackseedError("cannot use the kernel's command line", {
    reason: `rackseed.mask=${mask} is not a network mask.`,
    remedy: "check the subnet mask that the DHCP server assigns.",
  });
}
