/**
 * One command to a TPM 2.0 and its response (TPM 2.0 Library, Part 1 §18):
 *
 *     command   tag 2 | size 4 | code 4 | handles 4×n | authorization area 4+n | parameters
 *     response  tag 2 | size 4 | code 4 | handle 4, if it makes one | size of parameters 4 | parameters | authorizations
 *
 * Without authorization both lack the sizes and areas that belong to it.
 */
import { RackseedError } from "#contract/errors.ts";
import { concat, sized, TpmReader, u16, u32 } from "#contract/tpm/bytes.ts";

/** Sends a command and returns its response: /dev/tpmrm0, or the socket of an emulated TPM. */
export type Transmit = (command: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;

const NO_SESSIONS = 0x8001;
const SESSIONS = 0x8002;
const MAX_RESPONSE_BYTES = 4096;

/** Part 2 §7.4. */
export const HANDLE = { null: 0x40000007, password: 0x40000009, endorsement: 0x4000000b };

/** An authorization of a handle: an empty password, or a policy session. */
type Authorization = "empty" | { readonly session: number };

interface TpmCommand {
  /** "TPM2_Quote" */
  readonly name: string;
  readonly code: number;
  readonly handles?: readonly number[];
  /** For the first handles, in their order. */
  readonly auth?: readonly Authorization[];
  readonly parameters?: readonly Uint8Array[];
  /** Its response begins with a new handle. */
  readonly makesHandle?: true;
}

export interface TpmResponse {
  /** 0 if the command makes none. */
  readonly handle: number;
  /** Stands at the first parameter. */
  readonly parameters: TpmReader;
}

/** TPM_RC_YIELDED, TPM_RC_TESTING, TPM_RC_RETRY: to be sent again (Part 2 §6.6.3). */
const BUSY = new Set([0x908, 0x90a, 0x922]);
const BUSY_TRIES = 20, BUSY_MS = 100;

/** Throws RackseedError if the TPM refuses the command, RangeError if its response is malformed. */
export async function execute(transmit: Transmit, command: TpmCommand): Promise<TpmResponse> {
  const bytes = encodeCommand(command);
  for (let tries = 1;; tries++) {
    const { code, response } = decodeResponse(await transmit(bytes), command);
    if (code === 0) return response;
    if (!BUSY.has(code) || tries === BUSY_TRIES) throw refused(command, code);
    await new Promise((resolve) => setTimeout(resolve, BUSY_MS));
  }
}

function encodeCommand(
  { code, handles = [], auth = [], parameters = [] }: TpmCommand,
): Uint8Array<ArrayBuffer> {
  const areas = auth.map(encodeAuthorization);
  const area = concat(...areas);
  const body = concat(
    u32(code),
    ...handles.map(u32),
    ...auth.length > 0 ? [u32(area.length), area] : [],
    ...parameters,
  );
  const tag = auth.length > 0 ? SESSIONS : NO_SESSIONS;
  return concat(u16(tag), u32(body.length + 6), body);
}

/** TPMS_AUTH_COMMAND: session 4 | nonce 2+n | attributes 1 | HMAC or password 2+n. No attribute: the session ends. */
function encodeAuthorization(auth: Authorization): Uint8Array<ArrayBuffer> {
  const session = auth === "empty" ? HANDLE.password : auth.session;
  return concat(u32(session), sized(), Uint8Array.of(0), sized());
}

/** `response` has no content unless `code` is 0. */
export function decodeResponse(
  bytes: Uint8Array,
  { name, auth = [], makesHandle }: TpmCommand,
): { code: number; response: TpmResponse } {
  if (bytes.length > MAX_RESPONSE_BYTES) throw new RangeError(`the response to ${name} is too long`);
  const reader = new TpmReader(bytes);
  const tag = reader.u16(), size = reader.u32(), code = reader.u32();
  if (size !== bytes.length) throw new RangeError(`the response to ${name} has the wrong length`);
  if (code !== 0) return { code, response: { handle: 0, parameters: new TpmReader(new Uint8Array()) } };
  if (tag !== (auth.length > 0 ? SESSIONS : NO_SESSIONS)) {
    throw new RangeError(`the response to ${name} has the wrong tag`);
  }
  const handle = makesHandle ? reader.u32() : 0;
  const length = tag === SESSIONS ? reader.u32() : bytes.length - (makesHandle ? 14 : 10);
  return { code, response: { handle, parameters: new TpmReader(reader.take(length)) } };
}

function refused({ name }: TpmCommand, code: number): RackseedError {
  // format one: the number of the handle, session or parameter is in other bits (Part 2 §6.6.2)
  const error = code & 0x80 ? code & 0xbf : code;
  const needsPassword = error === 0x8e || error === 0xa2;
  return new RackseedError("cannot use this machine's TPM", {
    reason: `${name} failed with TPM error 0x${code.toString(16)}${
      needsPassword ? ": its endorsement hierarchy has a password" : ""
    }.`,
    remedy: needsPassword
      ? "clear the TPM in the firmware's set-up. Keys that it has sealed, those of encrypted disks too, are lost then."
      : "restart the machine; if it fails again, update its firmware or clear the TPM in the firmware's set-up.",
  });
}
