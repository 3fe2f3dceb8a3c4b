/**
 * An error in the four parts that a person needs: the action, its subject, the cause, the remedy. The HTTP form
 * follows RFC 9457 (problem details), with `cause` and `remedy` as extension members.
 */
export class RackseedError extends Error {
  override readonly name = "RackseedError";
  /** The action and its subject: "cannot format /dev/sda2 as ext4". */
  readonly title: string;
  /** Why it failed, in the failing part's own words: "mkfs.ext4 exited 1: …". */
  readonly reason: string;
  /** What the operator can do now. */
  readonly remedy: string;
  /** HTTP status when the error crosses the API. */
  readonly status: number;

  constructor(
    title: string,
    { reason, remedy, status = 500, cause }: {
      reason: string;
      remedy: string;
      status?: number;
      cause?: unknown;
    },
  ) {
    super(`${title}: ${reason} Remedy: ${remedy}`, cause === undefined ? undefined : { cause });
    this.title = title;
    this.reason = reason;
    this.remedy = remedy;
    this.status = status;
  }

  /** RFC 9457 §3 members. */
  toProblem(): Problem {
    return { title: this.title, status: this.status, detail: this.reason, remedy: this.remedy };
  }

  static fromProblem(problem: Problem): RackseedError {
    return new RackseedError(problem.title, {
      reason: problem.detail,
      remedy: problem.remedy,
      status: problem.status,
    });
  }
}

/** The body of an error answer, `application/problem+json`. */
export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly remedy: string;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof SuppressedError) {
    return `${messageOf(error.suppressed)} (and while cleaning up: ${messageOf(error.error)})`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** The original error: if cleaning up after it fails as well, `using` throws both as one. */
export function firstError(error: unknown): unknown {
  return error instanceof SuppressedError ? firstError(error.suppressed) : error;
}
