/** The store's regular upkeep: keeps the reserve, checks the files, posts notices of what is wrong. */
import type { ImageService } from "./image_service.ts";
import type { Notices } from "./notices.ts";
import type { DataDirectory } from "../store/data_directory.ts";
import { restoreRemedy } from "../store/start_check.ts";
import { FREE_SPACE } from "../store/store_error.ts";

interface StoreUpkeep {
  readonly images: Pick<ImageService, "check">;
  readonly directory: DataDirectory;
  readonly notices: Notices;
  /** See ImageStore.strays. */
  readonly strays: readonly string[];
  readonly signal: AbortSignal;
}

/** Returns one round of upkeep, to be run at intervals. */
export function storeUpkeep({ images, directory, notices, strays, signal }: StoreUpkeep): () => void {
  noticeStrays({ directory, notices, strays });
  return () => {
    directory.reserve.adjust();
    notices.set(
      "full",
      directory.reserve.isSpent
        ? { subject: "data directory", problem: "the disk of the data directory is full", remedy: FREE_SPACE }
        : undefined,
    );
    void images.check(signal);
  };
}

function noticeStrays({ directory, notices, strays }: Pick<StoreUpkeep, "directory" | "notices" | "strays">) {
  const [first] = strays;
  if (first === undefined) return;
  const more = strays.length > 1 ? ` and ${strays.length - 1} more` : "";
  notices.set("strays", {
    subject: "data directory",
    problem: `the database does not know ${first}${more}: these files stay where they are, unused`,
    remedy: `if the database is an old one: ${
      restoreRemedy(directory.path)
    } If you do not need them, remove them.`,
  });
}
