/** The health of a SCSI or SAS disk by its informational exceptions (SPC-5 §7.3.11, log page 2Fh). */
import type { DiskHealth } from "#contract/api/hardware.ts";
import type { Device } from "../sys/device_request.ts";
import { scsiRequest } from "./scsi_request.ts";

const LOG_SENSE = 0x4d, CURRENT_VALUES = 0x40, EXCEPTIONS_PAGE = 0x2f;
const ANSWER_BYTES = 64;
/** Additional sense codes (SPC-5 table F.1): a failure is predicted; a warning. */
const PREDICTED = 0x5d, WARNING = 0x0b;

/** Undefined if the disk has no such page, as most virtual ones. */
export async function readScsiHealth(device: Device): Promise<DiskHealth | undefined> {
  const command = [LOG_SENSE, 0, CURRENT_VALUES | EXCEPTIONS_PAGE, 0, 0, 0, 0, 0, ANSWER_BYTES, 0];
  const answer = await scsiRequest(device, command, { dataBytes: ANSWER_BYTES });
  return answer?.status === 0 ? parseExceptionsPage(answer.data) : undefined;
}

/**
 * The page: code u8, subpage u8, length u16; then its parameter 0: code u16, control u8, length u8, additional sense
 * code u8, its qualifier u8, temperature u8. Undefined if this is not the page.
 */
export function parseExceptionsPage(page: Uint8Array): DiskHealth | undefined {
  const [code = 0, , , , high, low, , length = 0, sense = 0, qualifier = 0, celsius = 0] = page;
  if ((code & 0x3f) !== EXCEPTIONS_PAGE || high !== 0 || low !== 0 || length < 2 || page.length < 10) {
    return undefined;
  }
  const detail = `${hex(sense)}/${hex(qualifier)}`;
  const reasons = sense === PREDICTED
    ? [`it expects to fail soon (sense code ${detail})`]
    : sense === WARNING
    ? [`it reports a warning (sense code ${detail})`]
    : [];
  return {
    verdict: sense === PREDICTED ? "failing" : reasons.length > 0 ? "warning" : "good",
    reasons,
    // FFh: not known
    ...(length > 2 && celsius > 0 && celsius < 0xff && { temperatureCelsius: celsius }),
  };
}

function hex(value: number): string {
  return `${value.toString(16).toUpperCase().padStart(2, "0")}h`;
}
