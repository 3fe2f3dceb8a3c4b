/** How nodes are switched on and off: by their BMC, by Wake-on-LAN, or by a command of the site. */
import { z } from "zod";
import { Ipv4Address } from "../identity.ts";
import { MachineName, MediumId, ProblemSchema, text, time } from "./fields.ts";

const host = z.string().regex(
  /^(?=.{1,253}$)[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?$|^\[[0-9a-fA-F:]{2,39}\]$/,
  {
    error: "a host is a name, an IPv4 address or an [IPv6] address",
  },
);
const port = z.int().min(1).max(65_535);
const user = z.string().regex(/^[\x21-\x7e]{1,64}$/, { error: "a user has 1 to 64 printable characters" });

/** SHA-256 of a BMC's certificate (DER), in hexadecimal. */
export const CertificatePin = z.string().regex(/^[0-9a-f]{64}$/, {
  error: "a pin is the certificate's SHA-256: 64 hexadecimal digits",
});

/** A node's power settings, without the secret. */
export const PowerSettings = z.discriminatedUnion("method", [
  z.object({
    method: z.literal("redfish"),
    host,
    port: port.optional(),
    user,
    /** Path of the ComputerSystem; absent: the only one that the BMC has. */
    system: z.string().regex(/^\/redfish\/v1\/[\x21-\x7e]{1,200}$/, {
      error: "a system's path starts with /redfish/v1/, for instance /redfish/v1/Systems/1",
    }).optional(),
  }),
  z.object({ method: z.literal("ipmi"), host, port: port.optional(), user }),
  z.object({
    method: z.literal("wol"),
    /** Where the magic packet goes; absent: 255.255.255.255 on the nodes' network. */
    broadcast: Ipv4Address.optional(),
    port: port.optional(),
  }),
  z.object({
    method: z.literal("command"),
    /** File name in the folder `power-commands` of the server's data directory, so that no API call can name another. */
    program: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/, {
      error: "a command is the name of a file in the folder power-commands, without a path",
    }),
    /** {node}, {mac} and {action} stand for the node's name, its MAC and what is to be done. */
    args: z.array(z.string().regex(/^\P{Cc}{0,256}$/u)).max(32),
  }),
]);
export type PowerSettings = z.infer<typeof PowerSettings>;

/** The password of the BMC's user; with Wake-on-LAN, the SecureOn password. */
export const PowerSecret = z.string().min(1, { error: "the password is empty" })
  .max(256, { error: "a password has at most 256 characters" })
  .regex(/^\P{Cc}*$/u, { error: "a password is one line without control characters" });

export const PowerChange = z.object({
  /** Name, MAC or id. */
  node: text(64),
  /** Null clears the settings and the secret. */
  power: PowerSettings.nullable(),
  /** Absent: the stored one, if method, host and user stay the same. */
  secret: PowerSecret.optional(),
  /** "new": trust the next certificate that the BMC shows. Absent: the first one that it showed. */
  pin: z.union([CertificatePin, z.literal("new")]).optional(),
});
export type PowerChange = z.infer<typeof PowerChange>;
export const PowerChanges = z.array(PowerChange).min(1).max(10_000);

export const PowerState = z.enum(["on", "off", "unknown"]);
export type PowerState = z.infer<typeof PowerState>;

const PowerAction = z.enum(["on", "off", "cycle", "status", "eject"]);

/** Limits the inrush current of a rack that is switched on. */
const Stagger = z.object({
  /** Nodes that are being switched at one time. */
  atOnce: z.int().min(1).max(256).default(8),
  /** Pause after a node, before another takes its place. */
  pauseSeconds: z.number().min(0).max(600).default(2),
});

export const PowerRequest = Stagger.extend({
  nodes: z.array(z.string()).min(1).max(10_000),
  action: PowerAction,
  /** Off: cut the power instead of asking the system to shut down. */
  hard: z.boolean().default(false),
  /** On and cycle: where the machine boots from this once. */
  boot: z.enum(["network", "disk", "medium"]).optional(),
  /** With boot "medium": the medium that the BMC is to have in its virtual CD drive. */
  medium: MediumId.optional(),
}).refine(
  ({ action, boot, medium }) =>
    (boot === "medium") === (medium !== undefined) &&
    (boot === undefined || action === "on" || action === "cycle"),
  {
    error: "boot and medium go with on and cycle, and boot medium with the id of a medium",
  },
);
export type PowerRequest = z.infer<typeof PowerRequest>;

/** The outcome for one node. */
export const PowerResult = z.object({
  node: MachineName,
  state: PowerState.optional(),
  /** Something to know although it worked. */
  note: text(1000).optional(),
  problem: ProblemSchema.optional(),
});
export type PowerResult = z.infer<typeof PowerResult>;

/** A deployment that switches its nodes on by itself. */
export const PowerTerms = Stagger.extend({
  /** Time from power-on until the node's agent must have enrolled. Servers test their memory for minutes. */
  arriveSeconds: z.int().min(1).max(7200).default(900),
});
export type PowerTerms = z.infer<typeof PowerTerms>;

export const PowerView = z.object({
  settings: PowerSettings,
  hasSecret: z.boolean(),
  /** The certificate that the BMC must show. */
  pin: CertificatePin.optional(),
  /** The start that a deployment ordered. */
  start: z.object({
    /** "queued" → "switching" → "awaited" → "arrived", or "failed". */
    state: z.enum(["queued", "switching", "awaited", "arrived", "failed"]),
    at: time,
    note: text(1000).optional(),
    problem: ProblemSchema.optional(),
  }).optional(),
});
export type PowerView = z.infer<typeof PowerView>;
