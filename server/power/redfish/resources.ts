/** The parts of Redfish resources (DSP2046) that power control reads. Everything else is ignored. */
import { z } from "zod";

const text = z.string().max(2000);
/** Many services send null, or leave out, what they do not have. */
const maybe = <T extends z.ZodType>(schema: T) =>
  schema.nullish().catch(undefined).transform((v) => v ?? undefined);
const names = maybe(z.array(text).max(100));

const Link = z.object({ "@odata.id": text });
export type Link = z.infer<typeof Link>;

export const ServiceRoot = z.object({
  RedfishVersion: maybe(text),
  Systems: maybe(Link),
  Links: maybe(z.object({ Sessions: maybe(Link) })),
});

export const Collection = z.object({ Members: z.array(Link).max(1000) });

export const Boot = z.object({
  BootSourceOverrideEnabled: maybe(text),
  "BootSourceOverrideEnabled@Redfish.AllowableValues": names,
  BootSourceOverrideTarget: maybe(text),
  "BootSourceOverrideTarget@Redfish.AllowableValues": names,
  BootSourceOverrideMode: maybe(text),
});
export type Boot = z.infer<typeof Boot>;

export const ComputerSystem = z.object({
  "@odata.etag": maybe(text),
  PowerState: maybe(text),
  Boot: maybe(Boot),
  Actions: maybe(z.object({
    "#ComputerSystem.Reset": maybe(z.object({
      target: maybe(text),
      "ResetType@Redfish.AllowableValues": names,
      "@Redfish.ActionInfo": maybe(text),
    })),
  })),
  "@Redfish.Settings": maybe(z.object({ SettingsObject: maybe(Link) })),
  VirtualMedia: maybe(Link),
  Links: maybe(z.object({ ManagedBy: maybe(z.array(Link).max(100)) })),
});
export type ComputerSystem = z.infer<typeof ComputerSystem>;

export const Manager = z.object({ VirtualMedia: maybe(Link) });

const Action = maybe(z.object({ target: maybe(text) }));

/** A virtual drive. */
export const VirtualMedia = z.object({
  "@odata.etag": maybe(text),
  MediaTypes: names,
  Inserted: maybe(z.boolean()),
  Actions: maybe(z.object({ "#VirtualMedia.InsertMedia": Action, "#VirtualMedia.EjectMedia": Action })),
});
export type VirtualMedia = z.infer<typeof VirtualMedia>;

/** The pending settings of a system; see boot_override.ts. */
export const SystemSettings = z.object({ "@odata.etag": maybe(text), Boot: maybe(Boot) });
export type SystemSettings = z.infer<typeof SystemSettings>;

export const ActionInfo = z.object({
  Parameters: maybe(z.array(z.object({ Name: maybe(text), AllowableValues: names })).max(100)),
});

/** DSP0266, error responses. Services disagree about the details, so nothing is required. */
const Message = z.object({ MessageId: maybe(text), MessageID: maybe(text), Message: maybe(text) });
const ErrorBody = z.object({
  error: maybe(z.object({
    code: maybe(text),
    message: maybe(text),
    "@Message.ExtendedInfo": maybe(z.union([z.array(Message).max(100), Message.transform((one) => [one])])),
  })),
});

/** What the service says went wrong, on one line; ids included, because they tell more than the sentences. */
export function errorText(body: unknown): string {
  const { error } = ErrorBody.catch({ error: undefined }).parse(body);
  const infos = error?.["@Message.ExtendedInfo"] ?? [];
  const said = infos.map(({ MessageId, MessageID, Message }) =>
    [Message, (MessageId ?? MessageID) && `(${MessageId ?? MessageID})`].filter(Boolean).join(" ")
  );
  const general = said.length === 0 || said.every((s) => s === "") ? [error?.message, error?.code] : said;
  return general.filter(Boolean).join("; ").slice(0, 1000);
}
