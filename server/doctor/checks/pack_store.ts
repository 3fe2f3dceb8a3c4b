/** Whether the bucket of the images answers, with the server's own credentials. */
import { RackseedError } from "#contract/errors.ts";
import type { DoctorOptions, DoctorSystem, Finding } from "../finding.ts";

const check = "pack store";

export async function checkPackStore(options: DoctorOptions, system: DoctorSystem): Promise<Finding[]> {
  if (options.packStore === undefined) return [];
  try {
    const url = await system.askBucket(options);
    return [{ check, level: "ok", text: `${url} answers` }];
  } catch (error) {
    if (!(error instanceof RackseedError)) throw error;
    return [{ check, level: "problem", text: `${error.title}: ${error.reason}`, remedy: error.remedy }];
  }
}
