/** States and orders of nodes in words. */
import type { DeskNode } from "#contract/desk.ts";
import { messages } from "./messages.ts";

const t = messages({
  idle: { en: "idle", de: "untätig", zh: "空闲" },
  armed: { en: "armed", de: "scharf", zh: "待部署" },
  installing: { en: "installing", de: "wird installiert", zh: "安装中" },
  installed: { en: "installed", de: "installiert", zh: "已安装" },
  running: { en: "running", de: "läuft", zh: "运行中" },
  failed: { en: "failed", de: "fehlgeschlagen", zh: "失败" },
  aborted: { en: "aborted", de: "abgebrochen", zh: "已中止" },
  restoring: { en: "restoring", de: "wird wiederhergestellt", zh: "还原中" },
  comparing: { en: "dry run", de: "Probelauf", zh: "试运行" },
  backingUp: { en: "backing up", de: "wird gesichert", zh: "备份中" },
  reading: { en: "reading hardware", de: "Hardware wird gelesen", zh: "读取硬件" },
  armedForBackup: { en: "armed for backup", de: "scharf für Sicherung", zh: "待备份" },
  armedForReading: { en: "armed for hardware", de: "scharf für Hardware", zh: "待读取硬件" },
});

/** What the node is doing: an order that does not install is named as what it is. */
export function stateText({ state, order }: Pick<DeskNode, "state" | "order">): string {
  if (state === "armed" && order === "backup") return t("armedForBackup");
  if (state === "armed" && order === "discover") return t("armedForReading");
  if (state !== "installing" || order === undefined) return t(state);
  const doing = {
    "restore": "restoring",
    "dry-run": "comparing",
    "backup": "backingUp",
    "discover": "reading",
  } as const;
  return t(doing[order]);
}

/** States in the order of their urgency. */
export const STATES = ["failed", "aborted", "installing", "armed", "installed", "running", "idle"] as const;
