/** What went wrong with a bucket, so that the caller knows whether to try again. */
import { RackseedError } from "#contract/errors.ts";

/**
 * `unreachable`: no answer, or the server's own trouble: try again later. `refused`: credentials, policy, object lock.
 * `full`: no room left. `missing`: no such object or bucket. `corrupt`: other bytes than were stored. `nonsense`: an
 * answer that is not S3's.
 */
export type BucketFault = "unreachable" | "refused" | "full" | "missing" | "corrupt" | "nonsense";

const REMEDIES: Readonly<Record<BucketFault, string>> = {
  unreachable: "check that the object store runs and that --s3-endpoint is its address; it is tried again.",
  refused: "check the credentials and their rights, the bucket's policy, object lock and --s3-region.",
  full: "make room in the object store, or delete versions: rackseed image prune",
  missing: "check the bucket's name and its lifecycle rules.",
  corrupt:
    "something else wrote to the bucket, or it lost bytes. Put the object back, or delete the version.",
  nonsense: "check that --s3-endpoint is the address of an S3 server.",
};

export class BucketError extends RackseedError {
  readonly fault: BucketFault;
  /** S3's own word, such as "NoSuchUpload". */
  readonly code: string | undefined;

  constructor(title: string, { fault, reason, code, cause }: {
    fault: BucketFault;
    reason: string;
    code?: string | undefined;
    cause?: unknown;
  }) {
    super(title, { reason, remedy: REMEDIES[fault], status: 503, cause });
    this.fault = fault;
    this.code = code;
  }
}

/** The file that was to be uploaded is not what it should be. */
export class DamagedFile extends Error {}

export function faultOf(error: unknown): BucketFault | undefined {
  return error instanceof BucketError ? error.fault : undefined;
}
